//! Archives that were fine once: cut off somewhere, or with a bit turned.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Random, Scratch, Tar, gzip, zstd};
use rstest::rstest;
use tar::EntryType;

/// A little of everything, with something after the last contents to lose.
fn archive() -> Vec<u8> {
    let mut sparse = Tar::header(b"sparse", EntryType::GNUSparse);
    let gnu = sparse.as_gnu_mut().unwrap();
    gnu.set_real_size(100_000);
    gnu.sparse[0].set_offset(50_000);
    gnu.sparse[0].set_length(512);
    gnu.sparse[1].set_offset(100_000);
    gnu.sparse[1].set_length(0);
    Tar::new()
        .directory("./")
        .directory("etc")
        .file("etc/passwd", "root\n".repeat(300))
        .symlink("link", "etc")
        .file("link/behind", "x")
        .hard_link("hard", "etc/passwd")
        .pax(&[
            ("path", "x".repeat(200).as_bytes()),
            ("SCHILY.xattr.user.x", b"y"),
            ("mtime", b"12.5"),
        ])
        .file("long", "x")
        .gnu_long(EntryType::GNULongName, "directory/".repeat(30).as_bytes())
        .directory("y")
        .raw(Tar::header(b"fifo", EntryType::Fifo), b"")
        .raw(Tar::header(b"device", EntryType::Char), b"")
        .sized(sparse, &[7; 512])
        .finish()
}

/// The members of a plain archive end here. Cut off there, nothing tells what is lost:
/// the mark at the end is missing, as it is in many an archive that is whole.
fn ends_of_members(archive: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while archive[at] != 0 {
        let header = tar::Header::from_byte_slice(&archive[at..at + 512]);
        at += 512 + header.entry_size().unwrap().next_multiple_of(512) as usize;
        if !matches!(
            header.entry_type(),
            EntryType::XHeader | EntryType::GNULongName
        ) {
            ends.push(at);
        }
    }
    ends
}

#[test]
fn an_archive_that_is_cut_between_members_has_those_before() {
    let whole = archive();
    let scratch = Scratch::new();
    for end in ends_of_members(&whole) {
        scratch.unpack(&whole[..end]).unwrap();
        scratch.clear();
    }
}

#[rstest]
#[case::plain(archive())]
#[case::gzip(gzip(&archive()))]
#[case::zstd(zstd(&archive()))]
fn an_archive_that_is_cut_short_is_refused(#[case] whole: Vec<u8>, #[values(0, 1)] beside: usize) {
    let scratch = Scratch::new();
    let before = scratch.outside();
    scratch.unpack(&whole).unwrap();
    scratch.clear();
    // The last block of a plain tar is the second of two zero blocks, which no reader misses.
    let end = if whole == archive() {
        whole.len() - 1024
    } else {
        whole.len()
    };
    let step = (end / 50).clamp(1, 512);
    let harmless = if whole == archive() {
        ends_of_members(&whole)
    } else {
        Vec::new()
    };
    for length in (0..end)
        .step_by(step)
        .map(|length| (length + beside).min(end - 1))
        .filter(|length| !harmless.contains(length))
    {
        let text = scratch.unpack(&whole[..length]).unwrap_err().to_string();
        assert!(
            text.contains("image.tar") && text.contains("nothing of it was kept"),
            "{length}: {text}"
        );
        // Too short to tell by its beginning what it is, it is no compressed archive.
        assert!(length < 4 || text.contains("cut short"), "{length}: {text}");
        assert!(!scratch.target().exists(), "{length}");
    }
    assert_eq!(scratch.outside(), before);
}

#[rstest]
#[case::plain(archive(), 500)]
#[case::gzip(gzip(&archive()), 250)]
#[case::zstd(zstd(&archive()), 250)]
fn a_turned_bit_never_does_harm(#[case] whole: Vec<u8>, #[case] tries: usize) {
    let scratch = Scratch::new();
    let before = scratch.outside();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for number in 0..tries {
        let mut damaged = whole.clone();
        for _ in 0..=random.below(3) {
            damaged[random.below(whole.len())] ^= 1 << random.below(8);
        }
        let result = scratch.unpack(&damaged);
        assert_eq!(
            result.is_ok(),
            scratch.target().exists(),
            "try {number}: {result:?}"
        );
        scratch.clear();
        assert_eq!(scratch.outside(), before, "try {number}");
    }
}

/// Mends the checksum of the header, so that the damage is believed.
#[test]
fn a_turned_bit_with_a_mended_checksum_never_does_harm() {
    let whole = archive();
    let headers: Vec<usize> = (0..whole.len())
        .step_by(512)
        .filter(|&at| whole[at + 257..].starts_with(b"ustar"))
        .collect();
    let scratch = Scratch::new();
    let before = scratch.outside();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..500 {
        let mut damaged = whole.clone();
        for _ in 0..=random.below(2) {
            let at = headers[random.below(headers.len())];
            damaged[at + random.below(500)] ^= 1 << random.below(8);
            let mut header = tar::Header::from_byte_slice(&damaged[at..at + 512]).clone();
            header.set_cksum();
            damaged[at..at + 512].copy_from_slice(header.as_bytes());
        }
        let result = scratch.unpack(&damaged);
        assert_eq!(
            result.is_ok(),
            scratch.target().exists(),
            "try {number}: {result:?}"
        );
        scratch.clear();
        assert_eq!(scratch.outside(), before, "try {number}");
    }
}

#[rstest]
#[case::gzip(gzip(&archive()), 8)]
#[case::zstd(zstd(&archive()), 4)]
fn a_checksum_that_does_not_match_is_noticed(
    #[case] mut whole: Vec<u8>,
    #[case] from_the_end: usize,
) {
    let at = whole.len() - from_the_end;
    whole[at] ^= 1;
    let scratch = Scratch::new();
    let text = scratch.unpack(&whole).unwrap_err().to_string();
    assert!(text.contains("damaged"), "{text}");
    assert!(!scratch.target().exists());
}
