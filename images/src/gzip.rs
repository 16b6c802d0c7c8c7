//! gzip: any number of members, and zeros behind them.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::source::Source;

/// A gzip stream of any number of members, and zeros behind them.
///
/// `cat a.gz b.gz` is a gzip file, and a tape or a block device fills its last block:
/// gzip(1) takes trailing zeros for padding, and so do all readers of tars.
pub(crate) struct Gzip {
    /// `None` behind the last member.
    decoder: Option<GzDecoder<Source>>,
}

impl Gzip {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            decoder: Some(GzDecoder::new(source)),
        }
    }

    /// Leaves a member, and enters the next one if there is one.
    fn leave(&mut self) -> io::Result<()> {
        let Some(mut source) = self.decoder.take().map(GzDecoder::into_inner) else {
            return Ok(());
        };
        match source.fill_buf()?.first() {
            None => Ok(()),
            Some(0) => only_zeros(&mut source),
            Some(_) => {
                self.decoder = Some(GzDecoder::new(source));
                Ok(())
            }
        }
    }
}

fn only_zeros(source: &mut Source) -> io::Result<()> {
    loop {
        let buffer = source.fill_buf()?;
        let length = buffer.len();
        if length == 0 {
            return Ok(());
        }
        if buffer.iter().any(|&byte| byte != 0) {
            return Err(io::Error::other(
                "behind the end of the gzip stream is something else",
            ));
        }
        source.consume(length);
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            match decoder.read(buffer)? {
                0 if !buffer.is_empty() => self.leave()?,
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}
