//! Small archives that ask for much: memory, disk, or a reader that believes lengths.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

mod common;

use common::{Scratch, Tar, gzip, refused};
use rstest::rstest;
use tar::EntryType;

/// A frame of zstd, byte by byte: its window is two to the power of `window`, and in it are
/// `contents`, and `blocks` times 128 KiB of zeros, at four bytes each.
fn zstd_frame(window: u8, contents: &[u8], blocks: usize) -> Vec<u8> {
    const RAW: usize = 0;
    const RUN: usize = 1;
    let block = |size: usize, kind: usize, last: bool| {
        (size << 3 | kind << 1 | usize::from(last)).to_le_bytes()[..3].to_vec()
    };
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (window - 10) << 3];
    frame.extend(block(contents.len(), RAW, false));
    frame.extend(contents);
    for _ in 0..blocks {
        frame.extend(block(128 << 10, RUN, false));
        frame.push(0);
    }
    frame.extend(block(0, RAW, true));
    frame
}

#[test]
fn an_honest_frame_is_unpacked() {
    let scratch = Scratch::new();
    let archive = Tar::new().file("file", "x").finish();
    scratch.unpack(&zstd_frame(20, &archive, 10)).unwrap();
    assert_eq!(scratch.tree(), ["file"]);
}

#[test]
fn a_window_of_terabytes_takes_no_memory() {
    let archive = Tar::new().file("file", "x").finish();
    refused(
        &Scratch::new(),
        &zstd_frame(41, &archive, 0),
        &["more memory than we give it"],
    );
}

#[rstest]
#[case::gzip(gzip(&[Tar::new().file("file", "x").finish(), vec![0; 65 << 20]].concat()))]
#[case::zstd(zstd_frame(20, &Tar::new().file("file", "x").finish(), 8 * 65))]
fn zeros_without_end_behind_the_end_are_refused(#[case] archive: Vec<u8>) {
    assert!(archive.len() < 1_000_000, "{}", archive.len());
    refused(&Scratch::new(), &archive, &["behind its end"]);
}

#[test]
fn a_giant_beyond_all_sizes_is_refused() {
    let archive = Tar::new()
        .pax(&[
            ("GNU.sparse.major", b"0"),
            ("GNU.sparse.map", b"0,0"),
            ("GNU.sparse.size", b"18446744073709551615"),
        ])
        .file("giant", "")
        .finish();
    refused(&Scratch::new(), &archive, &["no file can be as big"]);
}

#[rstest]
#[case::no_length(b" path=x\n", "malformed")]
#[case::no_number(b"x path=x\n", "malformed")]
#[case::zero(b"0 path=x\n", "malformed")]
#[case::negative(b"-9 path=x\n", "malformed")]
#[case::less_than_itself(b"1 path=x\n", "malformed")]
#[case::too_short(b"8 path=x\n", "malformed")]
#[case::too_long(b"11 path=x\n", "malformed")]
#[case::far_too_long(b"999999999 path=x\n", "malformed")]
#[case::beyond_all_numbers(b"99999999999999999999999999 path=x\n", "malformed")]
#[case::no_value(b"7 path\n", "malformed")]
#[case::size(b"12 size=-12\n", "not a number")]
#[case::time(b"15 mtime=1.2.3\n", "not a time")]
fn a_record_that_lies_is_refused(#[case] record: &[u8], #[case] why: &str) {
    let archive = Tar::new()
        .sized(Tar::header(b"x", EntryType::XHeader), record)
        .file("file", "x")
        .finish();
    refused(&Scratch::new(), &archive, &[why]);
}

#[test]
fn attributes_of_directories_without_end_do_not_fill_the_memory() {
    // They wait for the end, so they are counted: a hundred times 700 KB.
    let value = vec![b'x'; 700_000];
    let mut archive = Tar::new();
    for number in 0..100 {
        archive = archive
            .pax(&[("SCHILY.xattr.user.x", &value)])
            .directory(format!("{number}"));
    }
    refused(
        &Scratch::new(),
        &gzip(&archive.finish()),
        &["paths of its directories, with their attributes"],
    );
}
