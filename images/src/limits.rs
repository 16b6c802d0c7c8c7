//! How much an archive may ask for.
//!
//! Ten kilobytes of gzip can stand for ten gigabytes of zeros. The caps are far
//! above any honest root file system, and low enough that a bomb ends in a
//! sentence instead of a full disk.

use std::io;

/// The caps on one archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of file contents and of headers that stretch over more than a block.
    pub(crate) bytes: u64,
    /// Headers: members, and the long names and extended attributes before them.
    pub(crate) headers: u64,
}

/// 16 GiB and four million headers, two for each file.
pub(crate) const LIMITS: Limits = Limits {
    bytes: 16 << 30,
    headers: 4_000_000,
};

/// A long name, or the extended attributes of one member. The kernel allows
/// 4 KiB for the one and 64 KiB for each of the others.
pub(crate) const METADATA_OF_ONE_MEMBER: u64 = 1 << 20;

/// What is left of the caps.
#[derive(Debug)]
pub(crate) struct Quota {
    limits: Limits,
    bytes: u64,
    headers: u64,
}

impl Quota {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            bytes: limits.bytes,
            headers: limits.headers,
        }
    }

    /// What is left, as limits for the next archive.
    pub(crate) fn left(&self) -> Limits {
        Limits {
            bytes: self.bytes,
            headers: self.headers,
        }
    }

    /// Takes `count` bytes, before they are read.
    pub(crate) fn bytes(&mut self, count: u64) -> io::Result<()> {
        self.bytes = self.bytes.checked_sub(count).ok_or_else(|| {
            beyond(format!(
                "it holds more than {} bytes, which is where we stop unpacking",
                self.limits.bytes
            ))
        })?;
        Ok(())
    }

    /// Takes one header.
    pub(crate) fn header(&mut self) -> io::Result<()> {
        self.headers = self.headers.checked_sub(1).ok_or_else(|| {
            beyond(format!(
                "it holds more than {} members, which is where we stop unpacking",
                self.limits.headers
            ))
        })?;
        Ok(())
    }
}

/// An archive that asks for too much. The kind tells it from a broken one.
pub(crate) fn beyond(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}
