//! What an error is, here and in the levels.

/// Whatever went wrong, with a sentence for the user. `?` turns the errors of
/// `linux_sys` and `images` into it.
pub type Error = Box<dyn std::error::Error>;
