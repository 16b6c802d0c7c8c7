//! The one condition of `fork` and `clone`: the caller has a single thread.
//!
//! (`clearenv` and `setenv` have it, too: the list that they change has no lock.)
//!
//! Both copy the memory of the whole process but only the thread that calls. If
//! another one held a lock at that moment, say the allocator's, then the child
//! has the lock held and no thread that will ever release it: the next allocation
//! hangs for ever, one time in a thousand. C leaves it to the programmer to call only
//! async-signal-safe functions in the child, which no Rust type can express. So
//! this crate looks, and refuses; there is no way around it.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::error::Shown;
use crate::{Error, Result};

/// How long a thread that has been joined may take to disappear.
const LEAVING: Duration = Duration::from_millis(200);

/// Refuses unless the calling process has exactly one thread.
pub(crate) fn only_one_thread(call: &'static str, shown: &[Shown]) -> Result<()> {
    let deadline = Instant::now() + LEAVING;
    loop {
        match count() {
            Ok(1) => return Ok(()),
            // `join` returns a moment before the kernel has taken the thread off its
            // list, and the kernel sends no event when it does: look again for a while.
            Ok(2..) if Instant::now() < deadline => std::thread::yield_now(),
            Ok(count) => {
                let why = format!(
                    "refused, because the caller has {count} threads: {}; {call} before starting \
                     threads, or join them first",
                    danger(call)
                );
                return Err(Error::refused(call, Errno::EINVAL, shown, why));
            }
            Err(error) => {
                let why = format!(
                    "refused, because the caller's threads could not be counted in \
                     /proc/self/task ({error}), and more than one would not be safe: is /proc mounted in this root, and for this PID namespace?"
                );
                return Err(Error::refused(call, Errno::EINVAL, shown, why));
            }
        }
    }
}

/// What could happen with a second thread.
fn danger(call: &str) -> &'static str {
    match call {
        "clearenv" | "setenv" => "another one might be reading the environment, which has no lock",
        _ => {
            "only the thread that calls exists in the child, and a lock that another one holds at \
             that moment stays locked there for ever"
        }
    }
}

/// A directory has a link for itself, one for its name, and one for the `..` of each that
/// is in it: here, of each thread. One call; a listing would be four.
fn count() -> std::io::Result<u64> {
    Ok(std::fs::metadata("/proc/self/task")?
        .nlink()
        .saturating_sub(2))
}
