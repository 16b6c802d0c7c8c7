//! What went wrong.

/// What went wrong, as a paragraph for people.
pub(crate) type Error = curriculum::Error;

/// The result of everything here that can go wrong.
pub(crate) type Result<T> = std::result::Result<T, Error>;
