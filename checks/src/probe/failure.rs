//! Why a verb could not be done.

/// In words for people.
pub(super) type Failure = Box<dyn std::error::Error>;

/// In one write: whoever waits for its beginning is to find all of it.
pub(super) fn say(why: &impl std::fmt::Display) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("probe: {why}\n").as_bytes());
}
