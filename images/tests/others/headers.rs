//! Headers as the archives of many tars have them, described and as bytes.
//!
//! Not among them, because the others differ; what we do is in `header.rs`. Go's column is
//! what its source says (`archive/tar/strconv.go`, `reader.go`); it is not run here.
//!
//! | | GNU tar | bsdtar | Go | we |
//! |---|---|---|---|---|
//! | a number of spaces only | refuses | 0 | 0 | 0 |
//! | a NUL before the digits | the number | 0 | the number | the number |
//! | an empty value in an extended header | refuses | 0 | the header's | the header's, as POSIX says |

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::gzip;

/// How a number is written.
#[derive(Debug, Clone, Copy)]
enum Style {
    Digits,
    /// Up to the last byte of the field.
    DigitsToTheEnd,
    SpacesBefore,
    SpaceBehind,
    /// Something of an earlier header is left behind the end.
    RestBehind,
    Binary,
    /// Nothing but NULs, which is 0.
    Nuls,
}

impl Style {
    fn write(self, number: i64, field: &mut [u8]) {
        let width = field.len();
        let text = match self {
            Self::Digits => format!("{number:0>0$o}\0", width - 1),
            Self::DigitsToTheEnd => format!("{number:0>width$o}"),
            Self::SpacesBefore => format!("{number:>0$o} ", width - 1),
            Self::SpaceBehind => format!("{number:o} \0"),
            Self::RestBehind => format!("{number:o}\x0077"),
            Self::Nuls => String::new(),
            Self::Binary => return binary(number, field),
        };
        let length = text.len().min(width);
        field[..length].copy_from_slice(&text.as_bytes()[..length]);
    }

    /// What a reader must find.
    fn value(self, number: i64) -> i64 {
        if matches!(self, Self::Nuls) {
            0
        } else {
            number
        }
    }
}

fn binary(number: i64, field: &mut [u8]) {
    let (front, back) = field.split_at_mut(field.len() - 8);
    front.fill(if number < 0 { 0xff } else { 0 });
    back.copy_from_slice(&number.to_be_bytes());
    field[0] |= 0x80;
}

fn style() -> impl Strategy<Value = Style> {
    use Style::*;
    prop_oneof![
        8 => Just(Digits),
        1 => select(vec![DigitsToTheEnd, SpacesBefore, SpaceBehind, RestBehind,  Binary, Nuls]),
    ]
}

#[derive(Debug, Clone)]
pub struct Member {
    kind: u8,
    /// In which directory: in none, in one by its prefix, in one by its name.
    place: u8,
    name: &'static str,
    magic: &'static str,
    mode: (Style, i64),
    owner: (Style, i64),
    time: (Style, i64),
    /// How long the contents are.
    contents: usize,
    size: Style,
    /// The size of what has no contents.
    idle_size: i64,
    link: &'static str,
    signed: bool,
    records: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Archive {
    members: Vec<Member>,
    /// Blocks of zeros at the end.
    end: usize,
    packed: bool,
    /// Zeros behind the compressed stream.
    padding: usize,
}

pub fn archive() -> impl Strategy<Value = Archive> {
    let end = prop_oneof![4 => Just(2_usize), 1 => select(vec![0, 1, 3, 20])];
    let padding = prop_oneof![2 => Just(0_usize), 1 => 1..2000_usize];
    (vec(member(), 1..7), end, prop::bool::weighted(0.2), padding).prop_map(
        |(members, end, packed, padding)| Archive {
            members,
            end,
            packed,
            padding,
        },
    )
}

fn member() -> impl Strategy<Value = Member> {
    let kind = prop_oneof![5 => Just(b'0'), 4 => select(b"\x00125567z".to_vec())];
    let magic = prop_oneof![
        3 => Just("ustar\x0000"),
        1 => select(vec!["ustar  \0", "ustar\0\0\0", "ustar\0  ", "ustar\0 \0", "ustar\x0001", "\0\0\0\0\0\0\0\0"]),
    ];
    let numbers = (
        (style(), select(vec![0o644, 0o755, 0o4711, 0o100_644])),
        (style(), select(vec![0, 33, 1000, 100_000])),
        (
            prop_oneof![5 => style(), 1 => Just(Style::Binary)],
            select(vec![0, 1, 1_000_000_000, 2_000_000_000, -20_864, -1]),
        ),
        style(),
    );
    let contents = prop_oneof![0..40_usize, 511..514_usize, 1000..1500_usize];
    let idle_size = prop_oneof![2 => Just(0_i64), 1 => select(vec![1, 512, 1024, 4096])];
    let name = select(vec!["n", "n\u{e4}", "name"]);
    let link = select(vec!["target", "a//b", "./a/./b/", "/", "."]);
    let records = prop_oneof![
        6 => Just(vec![]),
        1 => vec(select(vec![
            ("mtime", "1500000000.5"), ("mtime", "-1.5"), ("uid", "77"), ("comment", "none"), ("atime", "1"), ("VENDOR.x", "y"),
        ]), 1..4),
    ];
    (
        kind,
        0..3_u8,
        name,
        magic,
        numbers,
        contents,
        idle_size,
        link,
        any::<bool>(),
        records,
    )
        .prop_map(
            |(
                kind,
                place,
                name,
                magic,
                (mode, owner, time, size),
                contents,
                idle_size,
                link,
                signed,
                records,
            )| Member {
                kind,
                place,
                name,
                magic,
                mode,
                owner,
                time,
                contents,
                size,
                idle_size,
                link,
                signed,
                records,
            },
        )
}

impl Archive {
    pub fn write(&self) -> Vec<u8> {
        // A plain file first: what hard links lead to, and what bsdtar knows a tar by.
        let mut bytes = crate::common::Tar::new().file("first", "x").unfinished();
        for (number, member) in self.members.iter().enumerate() {
            member.write(number, &mut bytes);
        }
        bytes.resize(bytes.len() + 512 * self.end, 0);
        if self.packed {
            bytes = gzip(&bytes);
            bytes.resize(bytes.len() + self.padding, 0);
        }
        bytes
    }
}

impl Member {
    fn write(&self, number: usize, bytes: &mut Vec<u8>) {
        if !self.records.is_empty() {
            let records: Vec<_> = self
                .records
                .iter()
                .map(|(key, value)| (*key, value.as_bytes()))
                .collect();
            bytes.extend(crate::common::Tar::new().pax(&records).unfinished());
        }
        let mut header = [0_u8; 512];
        let name = format!(
            "{}{}{number}",
            if self.place == 2 { "dir/" } else { "" },
            self.name
        );
        header[..name.len()].copy_from_slice(name.as_bytes());
        self.mode.0.write(self.mode.1, &mut header[100..108]);
        self.owner.0.write(self.owner.1, &mut header[108..116]);
        self.owner.0.write(self.owner.1, &mut header[116..124]);
        let has_contents = !b"1256".contains(&self.kind);
        let length = if has_contents { self.contents } else { 0 };
        let contents = vec![b'c'; length];
        // A size that reads as 0 is the truth of an empty file only.
        let length = i64::try_from(length).unwrap();
        let size = if self.size.value(length) == length {
            self.size
        } else {
            Style::Digits
        };
        let idle = if has_contents { length } else { self.idle_size };
        size.write(idle, &mut header[124..136]);
        let time = if self.time.1 < 0 {
            Style::Binary
        } else {
            self.time.0
        };
        time.write(self.time.1, &mut header[136..148]);
        header[156] = self.kind;
        if b"12".contains(&self.kind) {
            let link = if self.kind == b'1' {
                "first"
            } else {
                self.link
            };
            header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        }
        header[257..265].copy_from_slice(self.magic.as_bytes());
        if self.place == 1 && self.magic.starts_with("ustar\0") {
            header[345..352].copy_from_slice(b"dir/sub");
        }
        self.sign(&mut header);
        bytes.extend(header);
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }

    /// The checksum, of bytes with a sign or without.
    fn sign(&self, header: &mut [u8; 512]) {
        header[148..156].fill(b' ');
        let sum: i64 = header
            .iter()
            .map(|&byte| {
                if self.signed {
                    i64::from(byte.cast_signed())
                } else {
                    i64::from(byte)
                }
            })
            .sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
}
