//! From a file to the stream of a tar, whatever it was compressed with.
//!
//! The first bytes decide, not the name: `docker export | gzip > x.tar` is a
//! slip that every user makes once, and it should simply work.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use lzma_rust2::XzReader;

use crate::gzip::Gzip;
use crate::progress::Watched;
use crate::zstd::Zstd;

/// Few, large reads: the archive is read once, from front to back.
const READ_SIZE: usize = 256 * 1024;

/// KiB. `xz -9` wants 64 MiB to unpack; the format allows 4 GiB.
const XZ_MEMORY: u32 = 256 << 10;

/// The stream of a tar.
pub(crate) struct Archive {
    stream: Box<dyn Read>,
    compressed: bool,
}

impl Archive {
    /// Looks at the first bytes of `file` and puts the right decoder in front of it.
    pub(crate) fn new(file: File, name: &str, size: u64) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(READ_SIZE, Watched::new(file, name, size));
        let start = source.fill_buf()?;
        Ok(match start {
            [0x1f, 0x8b, ..] => Self {
                stream: Box::new(Gzip::new(source)),
                compressed: true,
            },
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self {
                stream: Box::new(Zstd::new(source)),
                compressed: true,
            },
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Self {
                stream: Box::new(XzReader::new_mem_limit(source, true, XZ_MEMORY)),
                compressed: true,
            },
            [b'B', b'Z', b'h', ..] => return Err(unknown("bzip2")),
            [b'P', b'K', 3, 4, ..] => return Err(unknown("zip")),
            [b'<', ..] => {
                return Err(no_archive(
                    "it begins like a page of the web: what was downloaded is a message, and not the archive",
                ));
            }
            [b'Q', b'F', b'I', 0xfb, ..] => {
                return Err(no_archive("it is the disk of a virtual machine (qcow2)"));
            }
            [b'h', b's', b'q', b's', ..] => return Err(no_archive("it is a squashfs")),
            _ => Self {
                stream: Box::new(source),
                compressed: false,
            },
        })
    }

    /// Whether a decoder may still find, behind the last member, that its
    /// checksum does not match.
    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed
    }
}

impl Read for Archive {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

fn unknown(format: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!(
            "it is compressed with {format}, which is not read here; give it as a plain tar, or compressed with gzip, xz or zstd"
        ),
    )
}

/// Not a damaged archive, but none at all.
fn no_archive(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what.to_owned())
}
