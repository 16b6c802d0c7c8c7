//! What the generator makes: members on paper, and how they become the bytes of an archive.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tar::EntryType;

use crate::common::{Tar, gzip, zstd};

/// A path, or the target of a link.
#[derive(Debug, Clone)]
pub enum Name {
    Bytes(Vec<u8>),
    /// A path below the canary's, as the host sees it.
    Canary(&'static str),
}

impl Name {
    fn bytes(&self, canary: &[u8]) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Canary(below) => [canary, below.as_bytes()].concat(),
        }
    }
}

/// Where a member says what it is called.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    InTheHeader,
    LikeGnu,
    LikePosix,
}

#[derive(Debug, Clone)]
pub struct Member {
    kind: u8,
    path: Name,
    link: Name,
    said: Said,
    mode: u32,
    owner: (u64, u64),
    contents: Vec<u8>,
    /// What the header says of the size, if not the truth.
    size: Option<u64>,
    records: Vec<(&'static str, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy)]
pub enum Packed {
    Plain,
    Gzip,
    Zstd,
}

/// Members, and what happened to them on the way here.
#[derive(Debug, Clone)]
pub struct Archive {
    members: Vec<Member>,
    /// Bytes changed in headers, whose checksums are mended: the damage is believed.
    lies: Vec<(Index, usize, u8)>,
    packed: Packed,
    /// Bytes changed afterwards, anywhere.
    damage: Vec<(Index, u8)>,
    cut: Option<Index>,
}

pub fn archive() -> impl Strategy<Value = Archive> {
    let packed = prop_oneof![
        4 => Just(Packed::Plain),
        1 => Just(Packed::Gzip),
        1 => Just(Packed::Zstd),
    ];
    let lies =
        prop_oneof![9 => Just(vec![]), 1 => vec((any::<Index>(), 0..512_usize, any::<u8>()), 1..4)];
    let damage = prop_oneof![12 => Just(vec![]), 1 => vec((any::<Index>(), any::<u8>()), 1..4)];
    let cut = prop_oneof![14 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (vec(member(), 0..14), lies, packed, damage, cut).prop_map(
        |(members, lies, packed, damage, cut)| Archive {
            members,
            lies,
            packed,
            damage,
            cut,
        },
    )
}

fn member() -> impl Strategy<Value = Member> {
    let said = select(vec![
        Said::InTheHeader,
        Said::InTheHeader,
        Said::LikeGnu,
        Said::LikePosix,
    ]);
    let owner = prop_oneof![
        60 => Just((0, 0)),
        9 => (0..70_000_u64, 0..70_000_u64),
        1 => select(vec![(u64::from(u32::MAX), 0), (0, 1 << 32)]),
    ];
    let contents = prop_oneof![
        Just(vec![]),
        vec(any::<u8>(), 0..1500),
        // Records whose lengths are anything.
        (0..30_u8, select(vec!["path=a", "size=1", "x"]))
            .prop_map(|(length, record)| format!("{length} {record}\n").into_bytes()),
        // The map of a file with holes, as POSIX archives have it.
        Just([&b"1\n0\n512\n"[..], &[0; 504], &[7; 512]].concat()),
    ];
    let size = prop_oneof![90 => Just(None), 1 => any::<u64>().prop_map(Some), 1 => (0..2000_u64).prop_map(Some)];
    let records = prop_oneof![9 => Just(vec![]), 1 => vec(record(), 1..4)];
    (
        kind(),
        name(),
        link(),
        said,
        any::<u32>(),
        owner,
        contents,
        size,
        records,
    )
        .prop_map(
            |(kind, path, link, said, mode, owner, contents, size, records)| Member {
                kind,
                path,
                link,
                said,
                mode: mode & 0o7777,
                owner,
                contents,
                size,
                records,
            },
        )
}

fn kind() -> impl Strategy<Value = u8> {
    prop_oneof![
        60 => select(b"00055522".to_vec()),
        // Hard links, which mostly lead nowhere; devices, FIFOs, files with holes.
        4 => Just(b'1'),
        9 => select(b"3467S\0".to_vec()),
        // What describes others, said by itself; labels; lists of names; rubbish.
        2 => select(b"xxgLKVDQ".to_vec()),
    ]
}

/// Few names, so that members meet.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let odd: Vec<Vec<u8>> = vec![
        b"canary".to_vec(),
        b"file".to_vec(),
        b"directory".to_vec(),
        b"dev".to_vec(),
        b".wh.a".to_vec(),
        b".wh..wh..opq".to_vec(),
        b"new\nline".to_vec(),
        b"\x1b[2J\xff\xfe".to_vec(),
        b".".to_vec(),
        b"".to_vec(),
        vec![b'x'; 255],
    ];
    prop_oneof![
        20 => select(b"abc".to_vec()).prop_map(|byte| vec![byte]),
        3 => select(odd),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    let path = |parts: Vec<Vec<u8>>| Name::Bytes(parts.join(&b'/'));
    prop_oneof![
        120 => vec(part(), 1..5).prop_map(path),
        2 => select(vec!["", "./", "/", "."]).prop_map(|path| Name::Bytes(path.into())),
        2 => (select(vec!["", "/file", "/directory/file", "/new"])).prop_map(Name::Canary),
        1 => select(vec![
            b"../canary/file".to_vec(),
            b"a/../../canary/new".to_vec(),
            b"a/..".to_vec(),
            b"a\0b".to_vec(),
            vec![b'x'; 256],
            b"d/".repeat(2048),
        ])
        .prop_map(Name::Bytes),
    ]
}

fn link() -> impl Strategy<Value = Name> {
    let out = vec![
        "..",
        "../canary",
        "../canary",
        "../../canary",
        "../canary/directory",
        "../canary/file",
        "/",
        ".",
        "/proc/self/root",
        "/proc/self/cwd",
        "",
    ];
    prop_oneof![
        5 => name(),
        4 => select(out).prop_map(|target| Name::Bytes(target.into())),
        2 => (select(vec!["", "/file", "/directory"])).prop_map(Name::Canary),
    ]
}

fn record() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const DEFAULT_ACL: &[u8] = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\x21\0\0\0\x04\0\x05\0\xff\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff";
    let whole: Vec<(&'static str, &'static [u8])> = vec![
        (
            "SCHILY.xattr.security.capability",
            b"\x01\0\0\x02\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ),
        ("SCHILY.xattr.user.x", b"y\n"),
        ("SCHILY.xattr.system.posix_acl_default", DEFAULT_ACL),
        ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
        ("SCHILY.xattr.trusted.overlay.redirect", b"/../canary"),
        ("SCHILY.xattr.user.overlay.whiteout", b"y"),
        ("SCHILY.xattr.security.selinux", b"x"),
        ("mtime", b"-1.5"),
        ("mtime", b"9223372036854775807.999999999"),
        ("uid", b"33"),
        ("path", b""),
        ("comment", b"none"),
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.realsize", b"8796093022208"),
        ("GNU.sparse.name", b"a"),
        ("GNU.sparse.map", b"0,512"),
    ];
    let keys = vec![
        "path",
        "linkpath",
        "size",
        "uid",
        "gid",
        "mtime",
        "SCHILY.xattr.user.x",
        "SCHILY.xattr.system.posix_acl_access",
        "GNU.sparse.map",
    ];
    prop_oneof![
        12 => select(whole).prop_map(|(key, value)| (key, value.to_vec())),
        1 => (select(keys), vec(any::<u8>(), 0..30)),
    ]
}

impl Archive {
    /// The archive as bytes.
    pub fn write(&self, canary: &[u8]) -> Vec<u8> {
        let mut tar = Tar::new();
        for member in &self.members {
            tar = member.write(tar, canary);
        }
        let mut bytes = tar.finish();
        for (block, at, value) in &self.lies {
            lie(&mut bytes, block, *at, *value);
        }
        let mut bytes = match self.packed {
            Packed::Plain => bytes,
            Packed::Gzip => gzip(&bytes),
            Packed::Zstd => zstd(&bytes),
        };
        for (at, value) in &self.damage {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if let Some(cut) = &self.cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    }
}

/// Changes a byte of a header, and mends its checksum.
fn lie(bytes: &mut [u8], which: &Index, at: usize, value: u8) {
    let headers: Vec<usize> = (0..bytes.len() - 511)
        .step_by(512)
        .filter(|&block| bytes[block + 257..].starts_with(b"ustar"))
        .collect();
    if headers.is_empty() {
        return;
    }
    let block = headers[which.index(headers.len())];
    bytes[block + at] = value;
    let mut header = tar::Header::from_byte_slice(&bytes[block..block + 512]).clone();
    header.set_cksum();
    bytes[block..block + 512].copy_from_slice(header.as_bytes());
}

impl Member {
    fn write(&self, mut tar: Tar, canary: &[u8]) -> Tar {
        let (path, link) = (self.path.bytes(canary), self.link.bytes(canary));
        let mut records: Vec<(&str, &[u8])> = Vec::new();
        match self.said {
            Said::LikePosix => records.extend([("path", &path[..]), ("linkpath", &link[..])]),
            Said::LikeGnu => {
                tar = tar
                    .gnu_long(EntryType::GNULongName, &path)
                    .gnu_long(EntryType::GNULongLink, &link);
            }
            Said::InTheHeader => {}
        }
        records.extend(self.records.iter().map(|(key, value)| (*key, &value[..])));
        if !records.is_empty() {
            tar = tar.pax(&records);
        }
        let mut header = Tar::header(&path[..path.len().min(100)], EntryType::new(self.kind));
        let field = &mut header.as_old_mut().linkname;
        let length = link.len().min(field.len());
        field[..length].copy_from_slice(&link[..length]);
        header.set_mode(self.mode);
        if crate::common::is_root() {
            header.set_uid(self.owner.0);
            header.set_gid(self.owner.1);
        }
        // Nothing follows what is no file, unless the archive lies.
        let contents = if b"07\0Sxg".contains(&self.kind) {
            &self.contents[..]
        } else {
            &[]
        };
        if self.kind == b'S' {
            let gnu = header.as_gnu_mut().unwrap();
            gnu.set_real_size(self.size.unwrap_or(8 << 40));
            gnu.sparse[0].set_offset(512);
            gnu.sparse[0].set_length(contents.len() as u64);
            return tar.sized(header, contents);
        }
        header.set_size(self.size.unwrap_or(contents.len() as u64));
        tar.raw(header, contents)
    }
}
