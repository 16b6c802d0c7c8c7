//! From a file to the stream of a tar, whatever it was compressed with.
//!
//! The first bytes decide, not the name: `docker export | gzip > x.tar` is a
//! slip that everybody makes once, and it should simply work.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::progress::Watched;

/// Few, large reads: the archive is read once, from front to back.
const READ_SIZE: usize = 256 * 1024;

type Source = BufReader<Watched>;

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
                stream: Box::new(MultiGzDecoder::new(source)),
                compressed: true,
            },
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self {
                stream: Box::new(Zstd::new(source)),
                compressed: true,
            },
            [0xfd, b'7', b'z', b'X', b'Z', ..] => return Err(unknown("xz")),
            [b'B', b'Z', b'h', ..] => return Err(unknown("bzip2")),
            [b'P', b'K', 3, 4, ..] => return Err(unknown("zip")),
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
            "it is compressed with {format}, which is not read here; give it as a plain tar, or compressed with gzip or zstd"
        ),
    )
}

/// A zstd stream of any number of frames.
///
/// `zstd` itself writes one; `pzstd` and tools that want to seek write many,
/// with skippable frames in between.
struct Zstd {
    source: Source,
    decoder: FrameDecoder,
    /// Whether `decoder` is inside a frame.
    inside: bool,
}

impl Zstd {
    fn new(source: Source) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            inside: false,
        }
    }

    /// Enters the next frame; false where the file ends.
    fn enter(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(undecoded(error)),
            }
        }
        Ok(false)
    }

    /// Leaves a frame, comparing its checksum where it has one.
    fn leave(&mut self) -> io::Result<()> {
        self.inside = false;
        match self.decoder.get_checksum_from_data() {
            Some(expected) if self.decoder.get_calculated_checksum() != Some(expected) => Err(
                io::Error::other("the checksum of a zstd frame does not match"),
            ),
            _ => Ok(()),
        }
    }
}

/// A frame that the file does not hold all of is no nonsense. The decoder knows, deep inside.
fn undecoded(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(inner) = cause {
        let read = inner.downcast_ref::<io::Error>();
        if read.is_some_and(|read| read.kind() == io::ErrorKind::UnexpectedEof) {
            return io::ErrorKind::UnexpectedEof.into();
        }
        cause = inner.source();
    }
    io::Error::other(error)
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside {
                if !self.enter()? {
                    return Ok(0);
                }
                self.inside = true;
            }
            if self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(undecoded)?;
            }
            match self.decoder.read(buffer)? {
                0 if buffer.is_empty() => return Ok(0),
                0 if self.decoder.is_finished() && self.decoder.can_collect() == 0 => {
                    self.leave()?
                }
                0 => {}
                count => return Ok(count),
            }
        }
    }
}
