//! Why a verb could not be done.

/// In words for people.
pub(super) type Failure = Box<dyn std::error::Error>;
