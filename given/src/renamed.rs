//! Functions by the names that they had once. A learner's work from then still builds, and
//! the compiler says what each is called now.

use linux_sys::Pid;

use crate::{Error, Parent};

/// [`crate::block_signals`].
#[deprecated(note = "it is called `block_signals` now, as in sigprocmask(2)")]
pub fn hold_signals() -> Result<(), Error> {
    crate::block_signals()
}

/// [`crate::forward_signals`].
#[deprecated(note = "it is called `forward_signals` now")]
pub fn pass_signals_until_end(child: Pid) -> Result<(), Error> {
    crate::forward_signals(child)
}

/// [`crate::reset_signals_and_fds`].
#[deprecated(note = "it is called `reset_signals_and_fds` now")]
pub fn clean_start() -> Result<(), Error> {
    crate::reset_signals_and_fds()
}

/// [`crate::check_parent_alive`].
#[deprecated(note = "it is called `check_parent_alive` now")]
pub fn parent_must_live(parent: &Parent) -> Result<(), Error> {
    crate::check_parent_alive(parent)
}

/// [`crate::log`].
#[deprecated(note = "it is called `log` now")]
pub fn tell(message: &str) {
    crate::log(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the types of then. An `expect` that is not fulfilled is a warning, and lints are red.
    #[test]
    fn work_from_then_still_builds() {
        #[expect(deprecated)]
        let _: fn() -> Result<(), Error> = hold_signals;
        #[expect(deprecated)]
        let _: fn(Pid) -> Result<(), Error> = pass_signals_until_end;
        #[expect(deprecated)]
        let _: fn() -> Result<(), Error> = clean_start;
        #[expect(deprecated)]
        let _: fn(&Parent) -> Result<(), Error> = parent_must_live;
        #[expect(deprecated)]
        let _: fn(&str) = tell;
    }
}
