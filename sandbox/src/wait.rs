//! Waiting for what sends no event.

use std::time::{Duration, Instant};

/// Waits until `condition` holds, for things of which the kernel sends no event.
/// Gives up after two seconds: then the caller looks at what there is.
pub fn await_that(condition: impl FnMut() -> bool) -> bool {
    await_within(Duration::from_secs(2), condition)
}

/// Likewise, and gives up when `patience` is over.
pub fn await_within(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
