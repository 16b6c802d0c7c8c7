//! A layer that is on its way into a file.
//!
//! The digest is computed as the bytes come. If they stop, they go on where they stopped:
//! the registry is asked for the rest (`Range`, RFC 9110), and what is there already is
//! not sent again. Whether both parts belong together is what the digest says in the end.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use given::Error;
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};

use crate::exchange::announced;
use crate::manifest::{Expected, Hasher};
use crate::room;

/// Other programs write to the disk, too: after so many bytes we look whether there is room.
const LOOK_AFTER: u64 = 1 << 20;

pub(crate) struct Coming<'a> {
    layer: &'a Expected,
    file: &'a mut File,
    hasher: Hasher,
    /// How many bytes of the layer we have.
    pub(crate) size: u64,
    /// How many of them are from an earlier attempt.
    pub(crate) found: u64,
    looked_at: u64,
}

impl<'a> Coming<'a> {
    /// Goes on with what is in the file.
    pub(crate) fn new(layer: &'a Expected, file: &'a mut File) -> Result<Self, Error> {
        let mut coming = Self {
            hasher: Hasher::like(&layer.digest)?,
            layer,
            file,
            size: 0,
            found: 0,
            looked_at: 0,
        };
        if coming.file.metadata()?.len() > layer.size {
            coming.start_over()?;
        }
        let mut buffer = vec![0; 256 * 1024];
        coming.file.rewind()?;
        loop {
            match coming.file.read(&mut buffer)? {
                0 => break,
                count => {
                    coming.hasher.update(&buffer[..count]);
                    coming.size += count as u64;
                }
            }
        }
        coming.found = coming.size;
        coming.looked_at = coming.size;
        Ok(coming)
    }

    pub(crate) fn start_over(&mut self) -> Result<(), Error> {
        self.hasher = Hasher::like(&self.layer.digest)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        (self.size, self.found, self.looked_at) = (0, 0, 0);
        Ok(())
    }

    /// Makes ready for what an answer brings: the rest, or all of it once more. `Err` is
    /// how long the layer would be then.
    pub(crate) fn begin(&mut self, answer: &Response) -> Result<Result<(), u64>, Error> {
        if self.size > 0 && !self.goes_on(answer) {
            self.start_over()?;
        }
        // Before a single byte is read, if the registry says how many there will be.
        let whole = announced(answer).map(|rest| self.size.saturating_add(rest));
        Ok(match whole {
            Some(whole) if whole != self.layer.size => Err(whole),
            _ => Ok(()),
        })
    }

    fn goes_on(&self, answer: &Response) -> bool {
        let range = answer.headers().get(CONTENT_RANGE);
        answer.status() == StatusCode::PARTIAL_CONTENT
            && range
                .and_then(|range| range.to_str().ok())
                .is_some_and(|range| begins_at(range, self.size, self.layer.size))
    }

    /// The next bytes, which are no more than are missing.
    pub(crate) fn write(&mut self, what: &str, bytes: &[u8]) -> Result<(), Error> {
        self.file
            .write_all(bytes)
            .map_err(|error: io::Error| format!("cannot keep {what}: {error}"))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        if self.size - self.looked_at > LOOK_AFTER {
            let rest = self.layer.size - self.size;
            room::check(self.file, rest, &format!("the rest of {what}"))?;
            self.looked_at = self.size;
        }
        Ok(())
    }

    /// The digest of all that came.
    pub(crate) fn digest(self) -> String {
        self.hasher.finish()
    }
}

/// Whether a `Content-Range` such as `bytes 100-199/200` begins at `from`, and is of a
/// thing that has `size` bytes, if it says how many.
fn begins_at(range: &str, from: u64, size: u64) -> bool {
    let Some((bytes, whole)) = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
    else {
        return false;
    };
    let first = bytes.split('-').next().unwrap_or_default();
    first.parse() == Ok(from) && (whole == "*" || whole.parse() == Ok(size))
}

#[cfg(test)]
mod tests {
    use super::begins_at;
    use rstest::rstest;

    #[rstest]
    #[case::the_rest("bytes 100-199/200", true)]
    #[case::of_who_knows_how_much("bytes 100-199/*", true)]
    #[case::all_of_it("bytes 0-199/200", false)]
    #[case::too_little("bytes 101-199/200", false)]
    #[case::of_another("bytes 100-199/300", false)]
    #[case::no_range("bytes */200", false)]
    #[case::larger_than_a_number("bytes 100-199/99999999999999999999999", false)]
    #[case::below_nothing("bytes -100-199/200", false)]
    #[case::another_unit("lines 100-199/200", false)]
    #[case::nothing("", false)]
    fn a_layer_goes_on_where_it_stopped(#[case] range: &str, #[case] expected: bool) {
        assert_eq!(begins_at(range, 100, 200), expected);
    }
}
