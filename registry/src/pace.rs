//! The pace that a layer has to keep.
//!
//! A layer may be large, so there is no telling how long it may take. But from one
//! window of time to the next there must be progress: [`SLOWEST`] bytes for each second
//! of it. A window ends early when all that it asks for is there.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes a second. Slower than the slowest modem that still works, and fast enough
/// that a server that sends a byte now and then keeps no learner waiting.
const SLOWEST: u64 = 1024;

pub(crate) struct Pace {
    patience: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// When the window ends.
    pub(crate) fn due(&self) -> Instant {
        self.since + self.patience
    }

    /// How many bytes have come in the window.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn came(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.bytes >= SLOWEST * self.patience.as_secs() {
            *self = Self::new(self.patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_trickles_gets_no_more_time() {
        let mut pace = Pace::new(Duration::from_secs(5));
        let due = pace.due();
        for _ in 0..5119 {
            pace.came(1);
        }
        assert_eq!((pace.due(), pace.bytes()), (due, 5119));
    }

    #[test]
    fn what_keeps_the_pace_gets_a_new_window() {
        let mut pace = Pace::new(Duration::from_secs(5));
        let due = pace.due();
        std::thread::sleep(Duration::from_millis(2));
        pace.came(5120);
        assert!(pace.due() > due);
        assert_eq!(pace.bytes(), 0);
    }
}
