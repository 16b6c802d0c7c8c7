//! Why a sandbox could not be made.

use std::fmt;

/// Why there is no sandbox.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<linux_sys::Error> for Error {
    fn from(error: linux_sys::Error) -> Error {
        Error(error.to_string())
    }
}

impl Error {
    /// What could not be done, and why.
    pub fn new(what: impl fmt::Display, why: impl fmt::Display) -> Error {
        Error(format!("{what}: {why}"))
    }
}

impl From<&str> for Error {
    fn from(why: &str) -> Error {
        Error(why.to_owned())
    }
}
