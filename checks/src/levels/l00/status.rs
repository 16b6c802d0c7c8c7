//! The status that a command ends with, and words that are no text: what the checks of
//! level 00 ask for in more than one place.

use crate::finding::Failure;
use crate::host::{Ended, Host};

/// What it means that bytes have changed, or were refused.
pub(super) const NOT_TEXT: &str = "it was made text on the way, by to_str or to_string_lossy: a word is \
                        bytes, which need not be UTF-8, and OsStr keeps them";

/// Runs a command to its end and compares the status.
pub(super) fn expect_status(
    host: &Host,
    command: &[&str],
    expected: i32,
) -> Result<Ended, Failure> {
    let ended = host.run(command).finish()?;
    if ended.code() == Some(expected) {
        return Ok(ended);
    }
    // Containers do start, or this would not be asked: also 125 is a status like any other.
    Err(Failure::seen(ended.describe())
        .expected(format!("`{}` ends with status {expected}", ended.line))
        .ran(&ended.line)
        .at("wait status of the level's process"))
}
