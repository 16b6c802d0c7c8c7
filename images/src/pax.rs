//! Extended headers: what did not fit into a tar header of 1988.
//!
//! A record reads `LENGTH KEY=VALUE\n`. The length decides where it ends, not
//! the line feed: values are bytes, and both a file name and the capabilities
//! of a program may contain one.

use std::io;

use crate::error::shown;

/// The records that mean something to us.
#[derive(Debug, Default)]
pub(crate) struct Extended {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    /// Seconds and nanoseconds.
    pub(crate) mtime: Option<(i64, i64)>,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) sparse: SparseRecords,
}

/// The records by which GNU tar describes a file with holes.
#[derive(Debug, Default)]
pub(crate) struct SparseRecords {
    pub(crate) major: Option<u64>,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) map: Option<Vec<u8>>,
    /// Format 0.0: the pairs are spread over repeated records, an offset and a length.
    pub(crate) spread: Vec<u64>,
}

impl Extended {
    /// Reads the contents of one extended header.
    pub(crate) fn parse(mut records: &[u8]) -> io::Result<Self> {
        let mut extended = Self::default();
        // GNU tar pads some with NUL bytes.
        while records.first().is_some_and(|&byte| byte != 0) {
            let (key, value, rest) = split_record(records)
                .ok_or_else(|| io::Error::other("an extended header is malformed"))?;
            extended.set(key, value)?;
            records = rest;
        }
        Ok(extended)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        // An empty value takes an earlier record back, and what the header says counts again.
        match key {
            b"path" => self.path = some(value),
            b"linkpath" => self.link = some(value),
            b"size" => self.size = some_number(value)?,
            b"uid" => self.uid = some_number(value)?,
            b"gid" => self.gid = some_number(value)?,
            b"mtime" => self.mtime = some(value).map(|value| time(&value)).transpose()?,
            b"GNU.sparse.major" => self.sparse.major = some_number(value)?,
            b"GNU.sparse.name" => self.sparse.name = some(value),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                self.sparse.size = some_number(value)?;
            }
            b"GNU.sparse.map" => self.sparse.map = some(value),
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                self.sparse.spread.push(number(value)?);
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// The value of one of the records, if it is there.
pub(crate) fn value<'a>(mut records: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    while let Some((key, value, rest)) = split_record(records) {
        if key == wanted.as_bytes() {
            return Some(value);
        }
        records = rest;
    }
    None
}

/// Takes one record off the front: key, value, and what follows.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = records.iter().position(|&byte| byte == b' ')?;
    let length: usize = ascii(&records[..digits])?;
    let record = records.get(digits + 1..length)?;
    let (b'\n', record) = record.split_last()? else {
        return None;
    };
    let equals = record.iter().position(|&byte| byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

fn some(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn some_number(value: &[u8]) -> io::Result<Option<u64>> {
    some(value).map(|value| number(&value)).transpose()
}

fn ascii<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A decimal number.
pub(crate) fn number(digits: &[u8]) -> io::Result<u64> {
    ascii(digits).ok_or_else(|| io::Error::other(format!("{:?} is not a number", shown(digits))))
}

/// `1350244992.023960108`, possibly negative, with any number of digits.
fn time(value: &[u8]) -> io::Result<(i64, i64)> {
    let malformed = || io::Error::other(format!("{:?} is not a time", shown(value)));
    let (seconds, fraction) = match value.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &[][..]),
    };
    let whole: i64 = ascii(seconds).ok_or_else(malformed)?;
    let mut nanoseconds = 0;
    for place in 0..9 {
        let digit = match fraction.get(place) {
            Some(digit @ b'0'..=b'9') => i64::from(digit - b'0'),
            Some(_) => return Err(malformed()),
            None => 0,
        };
        nanoseconds = nanoseconds * 10 + digit;
    }
    // -1.25 is two seconds before the epoch and three quarters after that.
    if seconds.starts_with(b"-") && nanoseconds > 0 {
        return Ok((whole.saturating_sub(1), 1_000_000_000 - nanoseconds));
    }
    Ok((whole, nanoseconds))
}
