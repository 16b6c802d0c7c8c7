//! One header of a tar: 512 bytes, in which forty years of tars have written.
//!
//! There are three generations, told apart by eight bytes called the magic:
//!
//! | magic | generation | after the magic |
//! |---|---|---|
//! | `ustar\0` and any version | POSIX, 1988 | the front part of a long path, the *prefix* |
//! | `ustar  \0` | GNU | times, and the map of a file with holes |
//! | anything else | Version 7 Unix, 1979 | nothing |
//!
//! The `tar` crate takes a header for POSIX's only if the version is `00`, and a number
//! only if a digit is in it. Not all archives that users have are like that, and GNU
//! tar, bsdtar and Go read them all: so we read the fields here, as those three agree to
//! (`src/list.c`, `archive_read_support_format_tar.c`, `archive/tar/reader.go`).

use std::io;
use std::ops::Range;

/// What everything in a tar is a multiple of.
pub(crate) const BLOCK: usize = 512;

const NAME: Range<usize> = 0..100;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const LINK: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..265;
const PREFIX: Range<usize> = 345..500;
/// Joerg Schilling's star keeps times behind a shorter prefix, and its own mark at the end.
const PREFIX_OF_STAR: Range<usize> = 345..476;
const MARK_OF_STAR: Range<usize> = 508..512;

/// The fields that are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Mode,
    User,
    Group,
    Size,
    /// Seconds since 1970; before that it is negative.
    Time,
}

impl Number {
    fn place(self) -> Range<usize> {
        match self {
            Self::Mode => 100..108,
            Self::User => 108..116,
            Self::Group => 116..124,
            Self::Size => 124..136,
            Self::Time => 136..148,
        }
    }
}

/// A header, as it was read; nothing of it is to be believed.
pub(crate) struct Header {
    block: tar::Header,
}

impl Header {
    /// To be filled by [`bytes_mut`](Self::bytes_mut).
    pub(crate) fn empty() -> Self {
        Self {
            block: tar::Header::new_old(),
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.block.as_mut_bytes()
    }

    fn bytes(&self) -> &[u8] {
        self.block.as_bytes()
    }

    /// For the fields that only GNU's headers have.
    pub(crate) fn as_gnu(&self) -> Option<&tar::GnuHeader> {
        self.block.as_gnu()
    }

    /// A block of zeros ends an archive.
    pub(crate) fn is_end(&self) -> bool {
        self.bytes().iter().all(|&byte| byte == 0)
    }

    /// Whether the header is one: the sum of all its bytes, with spaces where the sum
    /// itself is written.
    ///
    /// Early tars added *signed* bytes up, on machines whose `char` was signed. Where a
    /// name is not ASCII that is another sum, and just as good.
    pub(crate) fn has_its_checksum(&self) -> bool {
        let bytes = self.bytes();
        let spaces = i64::from(b' ') * CHECKSUM.len() as i64;
        let summed = || bytes[..CHECKSUM.start].iter().chain(&bytes[CHECKSUM.end..]);
        let unsigned: i64 = summed().map(|&byte| i64::from(byte)).sum();
        let signed: i64 = summed().map(|&byte| i64::from(byte.cast_signed())).sum();
        number(&bytes[CHECKSUM])
            .is_some_and(|sum| sum == unsigned + spaces || sum == signed + spaces)
    }

    /// The letter for what the member is.
    pub(crate) fn kind(&self) -> u8 {
        self.bytes()[KIND]
    }

    pub(crate) fn path(&self) -> Vec<u8> {
        let name = until_nul(&self.bytes()[NAME]);
        match until_nul(self.prefix()) {
            b"" => name.to_vec(),
            prefix => [prefix, b"/", name].concat(),
        }
    }

    fn prefix(&self) -> &[u8] {
        let bytes = self.bytes();
        if !bytes[MAGIC].starts_with(b"ustar\0") {
            return b"";
        }
        if &bytes[MARK_OF_STAR] == b"tar\0" {
            return &bytes[PREFIX_OF_STAR];
        }
        &bytes[PREFIX]
    }

    /// The target of a link.
    pub(crate) fn link(&self) -> &[u8] {
        until_nul(&self.bytes()[LINK])
    }

    pub(crate) fn number(&self, which: Number) -> io::Result<i64> {
        field(&self.bytes()[which.place()])
    }

    /// The size of what follows. Only few kinds of members have something following: see
    /// [`Kind`](crate::members::Kind).
    pub(crate) fn size(&self) -> io::Result<u64> {
        size(&self.bytes()[Number::Size.place()])
    }
}

/// The number in a field that counts bytes.
pub(crate) fn size(bytes: &[u8]) -> io::Result<u64> {
    let size = field(bytes)?;
    u64::try_from(size).map_err(|_| io::Error::other("a size in a header is negative"))
}

/// The number in a field, or a sentence.
pub(crate) fn field(field: &[u8]) -> io::Result<i64> {
    number(field).ok_or_else(|| io::Error::other("a number in a header is malformed"))
}

/// Octal digits, or binary if the highest bit of the first byte is set (GNU's
/// way to write what digits have no room for). A field without a digit is 0.
fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

/// Spaces and NULs come before the digits or after them, depending on the tar that wrote
/// them; what comes behind those is left over from an earlier header.
fn octal(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let digits = field.iter().skip_while(|byte| is_blank(byte));
    digits
        .take_while(|byte| !is_blank(byte))
        .try_fold(0_i64, |number, &digit| match digit {
            b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
            _ => None,
        })
}

/// Two's complement, the highest byte first. The very first bit is the mark, so the sign
/// is the second one.
fn binary(field: &[u8]) -> Option<i64> {
    let (first, rest) = field.split_first()?;
    let is_negative = first & 0x40 != 0;
    let first = if is_negative {
        first | 0x80
    } else {
        first & 0x7f
    };
    rest.iter()
        .try_fold(i64::from(first.cast_signed()), |number, &byte| {
            Some(number.checked_mul(256)? | i64::from(byte))
        })
}

/// A name ends at a NUL, or fills its field.
fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0);
    &field[..end.unwrap_or(field.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::digits(b"0000644\0", Some(0o644))]
    #[case::digits_to_the_end(b"77777777", Some(0o77_777_777))]
    #[case::spaces_around(b"   644 \0", Some(0o644))]
    #[case::a_nul_before(b"\x000000644", Some(0o644))]
    #[case::something_behind(b"644\x0099\0\0", Some(0o644))]
    #[case::nuls(b"\0\0\0\0\0\0\0\0", Some(0))]
    #[case::blank(b"        ", Some(0))]
    #[case::no_digit(b"0000648\0", None)]
    #[case::a_sign(b"-000644\0", None)]
    #[case::text(b"hello\0\0\0", None)]
    #[case::binary(b"\x80\0\0\0\0\0\x01\x02", Some(0x102))]
    #[case::minus_one(b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1))]
    #[case::minus_two_to_the_sixteen(b"\xff\xff\xff\xff\xff\xff\0\0", Some(-65536))]
    #[case::the_largest(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX))]
    #[case::one_more(b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None)]
    #[case::too_large(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None)]
    fn a_number_is_read_as_others_read_it(#[case] field: &[u8], #[case] expected: Option<i64>) {
        assert_eq!(number(field), expected);
    }

    fn header(magic: &[u8; 8], mark: &[u8; 4]) -> Header {
        let mut header = Header::empty();
        let bytes = header.bytes_mut();
        bytes[..4].copy_from_slice(b"name");
        bytes[MAGIC].copy_from_slice(magic);
        bytes[345..351].copy_from_slice(b"prefix");
        bytes[476] = b'9';
        bytes[MARK_OF_STAR].copy_from_slice(mark);
        header
    }

    #[rstest::rstest]
    #[case::posix(b"ustar\x0000")]
    #[case::of_no_version(b"ustar\0\0\0")]
    #[case::of_a_blank_version(b"ustar\0  ")]
    #[case::of_half_a_version(b"ustar\0 \0")]
    fn posix_has_a_prefix_whatever_its_version(#[case] magic: &[u8; 8]) {
        assert_eq!(header(magic, &[0; 4]).path(), b"prefix/name");
    }

    #[rstest::rstest]
    #[case::gnu(b"ustar  \0")]
    #[case::version_7(b"\0\0\0\0\0\0\0\0")]
    #[case::nonsense(b"ustar   ")]
    fn nobody_else_has_one(#[case] magic: &[u8; 8]) {
        assert_eq!(header(magic, &[0; 4]).path(), b"name");
    }

    #[test]
    fn the_prefix_of_star_ends_before_its_times() {
        let mut whole = header(b"ustar\x0000", b"tar\0");
        whole.bytes_mut()[PREFIX_OF_STAR].fill(b'p');
        assert_eq!(whole.path().len(), PREFIX_OF_STAR.len() + "/name".len());
    }
}
