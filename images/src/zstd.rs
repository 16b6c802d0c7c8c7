//! zstd: any number of frames.

use std::error::Error;
use std::io::{self, BufRead, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::source::Source;

/// A zstd stream of any number of frames.
///
/// `zstd` itself writes one; `pzstd` and tools that want to seek write many,
/// with skippable frames in between.
pub(crate) struct Zstd {
    source: Source,
    decoder: FrameDecoder,
    /// Whether `decoder` is inside a frame.
    inside: bool,
}

impl Zstd {
    pub(crate) fn new(source: Source) -> Self {
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

/// Tells a frame that is cut short from one that makes no sense: the decoder's causes say which.
fn undecoded(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(inner) = cause {
        let read = inner.downcast_ref::<io::Error>();
        if read.is_some_and(|read| read.kind() == io::ErrorKind::UnexpectedEof) {
            return io::ErrorKind::UnexpectedEof.into();
        }
        cause = inner.source();
    }
    match error {
        FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_)) => {
            io::Error::other("behind the end of a zstd frame is something else")
        }
        FrameDecoderError::WindowSizeTooBig { requested, .. } => io::Error::new(
            io::ErrorKind::OutOfMemory,
            format!("its window is {requested} bytes"),
        ),
        error => io::Error::other(error),
    }
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
