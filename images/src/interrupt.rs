//! Asked to end while we are at work.
//!
//! A runtime holds signals back, so that none ends it in the middle of a step and leaves a
//! container behind. Then Ctrl-C waits until the runtime looks for it; so every loop here
//! that may take long looks now and then. What was begun is undone as after any error.

use std::time::Duration;

use linux_sys::{SignalSet, signal_name, sigpending};

use crate::error::Error;
use crate::unpack_error::UnpackError;

/// How often a process that waits for a lock looks: no call waits for a lock *or* a signal.
pub(crate) const EVERY: Duration = Duration::from_millis(20);

/// The signal that has asked us to end.
#[derive(Debug)]
pub(crate) struct Interrupted(i32);

/// An error if there is a signal that asks us to end, and is held back.
pub(crate) fn check() -> Result<(), Interrupted> {
    let pending = sigpending().unwrap_or_default();
    let requests = pending.intersection(SignalSet::requests_to_end());
    requests
        .iter()
        .next()
        .map_or(Ok(()), |signal| Err(Interrupted(signal)))
}

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has come meanwhile", signal_name(self.0))
    }
}

impl From<Interrupted> for UnpackError {
    fn from(why: Interrupted) -> Self {
        UnpackError {
            cause: why.to_string(),
            advice: "start it again".into(),
        }
    }
}

impl From<Interrupted> for Error {
    fn from(why: Interrupted) -> Self {
        Error::new(why.to_string())
    }
}

impl From<Interrupted> for std::io::Error {
    // Not of the kind `Interrupted`: the standard library tries again after that.
    fn from(why: Interrupted) -> Self {
        std::io::Error::other(why.to_string())
    }
}
