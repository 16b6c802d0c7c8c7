//! Files with holes: which of their bytes are in the archive.
//!
//! A virtual disk or `/var/log/lastlog` may be gigabytes of nothing. The holes
//! stay holes; only the pieces in between are in the archive, one behind the
//! other.

use std::io::{self, Read};

use tar::{GnuExtSparseHeader, GnuSparseHeader};

use crate::header::{self, Header};
use crate::limits::METADATA_OF_ONE_MEMBER;
use crate::pax::{SparseRecords, number};

/// Where the stored bytes of a file belong.
#[derive(Debug)]
pub(crate) struct Sparse {
    /// Offset and length of each piece, in order.
    pub(crate) pieces: Vec<(u64, u64)>,
    /// The size of the file with its holes.
    pub(crate) size: u64,
}

impl Sparse {
    /// The old GNU format: the map is in the header, and in further headers
    /// right behind it when four pieces are not enough.
    pub(crate) fn from_header(header: &Header, input: &mut impl Read) -> io::Result<Self> {
        let gnu = header
            .as_gnu()
            .ok_or_else(|| malformed("it has no GNU header"))?;
        let mut sparse = Self {
            pieces: Vec::new(),
            size: header::size(&gnu.realsize)?,
        };
        sparse.add(&gnu.sparse)?;
        let mut more = gnu.is_extended();
        let mut read = 0;
        while more {
            read += 512;
            if read > METADATA_OF_ONE_MEMBER {
                return Err(malformed("it is in too many pieces"));
            }
            let mut further = GnuExtSparseHeader::new();
            input.read_exact(further.as_mut_bytes())?;
            sparse.add(further.sparse())?;
            more = further.is_extended();
        }
        Ok(sparse)
    }

    fn add(&mut self, entries: &[GnuSparseHeader]) -> io::Result<()> {
        for entry in entries.iter().filter(|entry| !entry.is_empty()) {
            let piece = (header::size(&entry.offset)?, header::size(&entry.numbytes)?);
            self.pieces.push(piece);
        }
        Ok(())
    }

    /// The newer formats: the map is in the extended header, a record for each number
    /// (0.0) or one for all (0.1), or in the first lines of the contents (1.0). `stored` is how much of the
    /// contents is left, and shrinks by what the map takes.
    pub(crate) fn from_records(
        records: &SparseRecords,
        input: &mut impl Read,
        stored: &mut u64,
    ) -> io::Result<Option<Self>> {
        let numbers = match (records.major, &records.map) {
            (Some(1), _) => map_of_lines(input, stored)?,
            (Some(0) | None, Some(map)) => map
                .split(|&byte| byte == b',')
                .map(number)
                .collect::<io::Result<_>>()?,
            (Some(0) | None, None) if !records.spread.is_empty() => records.spread.clone(),
            (None, None) => return Ok(None),
            _ => {
                return Err(malformed(
                    "it is in a format that is not read here; make the archive with `tar --format=gnu`",
                ));
            }
        };
        let size = records
            .size
            .ok_or_else(|| malformed("its size is missing"))?;
        let pieces = numbers
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect();
        Ok(Some(Self { pieces, size }))
    }

    /// The map as the first lines of the contents (format 1.0), padded to a block.
    pub(crate) fn map(&self) -> Vec<u8> {
        let mut lines = format!("{}\n", self.pieces.len());
        for (offset, length) in &self.pieces {
            lines += &format!("{offset}\n{length}\n");
        }
        let mut map = lines.into_bytes();
        map.resize(map.len().next_multiple_of(512), 0);
        map
    }

    /// Checks the map against the file and the archive: pieces in order, within
    /// the file, and together exactly what is stored.
    pub(crate) fn check(&self, stored: u64) -> io::Result<()> {
        let mut end = 0_u64;
        let mut sum = 0_u64;
        for &(offset, length) in &self.pieces {
            if offset < end {
                return Err(malformed("its pieces overlap"));
            }
            end = offset
                .checked_add(length)
                .ok_or_else(|| malformed("a piece lies beyond all numbers"))?;
            sum += length;
        }
        if i64::try_from(self.size).is_err() {
            return Err(malformed("no file can be as big"));
        }
        if end > self.size {
            return Err(malformed("a piece lies behind its end"));
        }
        if sum != stored {
            return Err(malformed("its pieces do not add up to what is stored"));
        }
        Ok(())
    }
}

/// Decimal numbers, one a line: how many pairs, then the pairs; padded to a block.
fn map_of_lines(input: &mut impl Read, stored: &mut u64) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let mut expected = None;
    let mut digits = Vec::new();
    let mut read = 0;
    while expected.is_none_or(|expected| (numbers.len() as u64) < expected) {
        read += 512;
        *stored = stored
            .checked_sub(512)
            .ok_or_else(|| malformed("its map is cut short"))?;
        if read > METADATA_OF_ONE_MEMBER {
            return Err(malformed("it is in too many pieces"));
        }
        let mut block = [0; 512];
        input.read_exact(&mut block)?;
        for byte in block {
            if byte != b'\n' {
                digits.push(byte);
                continue;
            }
            let value = number(&digits)?;
            digits.clear();
            match expected {
                None => {
                    expected = Some(
                        value
                            .checked_mul(2)
                            .ok_or_else(|| malformed("it is in too many pieces"))?,
                    )
                }
                Some(_) => numbers.push(value),
            }
            if expected == Some(numbers.len() as u64) {
                break;
            }
        }
    }
    Ok(numbers)
}

fn malformed(why: &str) -> io::Error {
    io::Error::other(format!(
        "the map of a file with holes makes no sense: {why}"
    ))
}
