//! Odd members, that are no attack by themselves: each becomes what it says, or a sentence
//! that says why not.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

mod common;

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use common::{Scratch, Tar, refused, skip_without_root, unpacked};
use rstest::rstest;
use tar::EntryType;

#[rstest]
#[case::a_link("dev -> /nowhere", Tar::new().symlink("dev", "/nowhere"))]
#[case::a_link_upwards("dev -> ../canary", Tar::new().symlink("dev", "../canary"))]
#[case::a_link_to_itself("dev -> dev", Tar::new().symlink("dev", "dev"))]
#[case::a_file("dev", Tar::new().file("dev", "x"))]
#[case::a_fifo("dev", Tar::new().raw(Tar::header(b"dev", EntryType::Fifo), b""))]
fn a_place_to_mount_on_may_be_anything(#[case] line: &str, #[case] archive: Tar) {
    // A level that mounts there looks first (`mount_point` in `given`): the tree is the image's.
    unpacked(&Scratch::new(), &archive.finish(), &[line]);
}

#[test]
fn a_root_that_no_member_describes_is_open_to_all() {
    let scratch = Scratch::new();
    scratch
        .unpack(&Tar::new().file("file", "x").finish())
        .unwrap();
    assert_eq!(scratch.target().metadata().unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn without_layers_a_whiteout_is_a_file_like_any_other() {
    unpacked(
        &Scratch::new(),
        &Tar::new()
            .file("a", "x")
            .file(".wh.a", "")
            .file("d/b", "x")
            .file("d/.wh..wh..opq", "")
            .finish(),
        &[".wh.a", "a", "d/", "d/.wh..wh..opq", "d/b"],
    );
}

#[test]
fn a_tree_as_deep_as_a_path_allows_needs_no_stack() {
    let path = format!("{}x", "d/".repeat(2047));
    assert_eq!(path.len(), 4095);
    let archive = Tar::new()
        .gnu_long(EntryType::GNULongName, path.as_bytes())
        .file("x", "deep")
        .finish();
    // The test's own thread would have room for a function that calls itself two thousand times.
    let small = std::thread::Builder::new().stack_size(256 << 10);
    let thread = small.spawn(move || {
        let scratch = Scratch::new();
        scratch.unpack(&archive).unwrap();
        images::remove_tree(&scratch.target()).unwrap();
        assert!(!scratch.target().exists());
    });
    thread.unwrap().join().unwrap();
}

#[rstest]
#[case::a_path(Tar::new().symlink("\x1b[2J\n", "nowhere").file("\x1b[2J\n/x", ""), "\\u{1b}[2J\\n")]
#[case::a_target(Tar::new().hard_link("x", "\x07\r\n"), "\\u{7}\\r\\n")]
#[case::no_text(Tar::new().symlink("s", "nowhere").file(b"s/\xff\xfe", ""), "\u{fffd}")]
#[case::an_attribute(Tar::new().pax(&[("SCHILY.xattr.user.\x1b[2J", &[0; 100_000])]).file("x", ""), "\\u{1b}[2J")]
fn a_name_does_not_speak_to_the_terminal(#[case] archive: Tar, #[case] shown: &str) {
    refused(&Scratch::new(), &archive.finish(), &[shown]);
}

#[test]
fn a_link_to_nothing_is_refused() {
    refused(
        &Scratch::new(),
        &Tar::new().symlink("s", "").finish(),
        &["\"s\" is a symbolic link to nothing"],
    );
    let nul = Tar::new().pax(&[("linkpath", b"a\0b")]).symlink("s", "x");
    refused(
        &Scratch::new(),
        &nul.finish(),
        &["the target of member \"s\" contains a NUL byte"],
    );
}

#[rstest]
fn a_hard_link_to_the_root_is_refused(#[values("/", ".", "./", "")] target: &str) {
    refused(
        &Scratch::new(),
        &Tar::new().hard_link("h", target).finish(),
        &["\"h\" is a hard link to the root of the image"],
    );
}

#[test]
fn a_hard_link_to_a_directory_is_refused() {
    refused(
        &Scratch::new(),
        &Tar::new().directory("d").hard_link("h", "d").finish(),
        &["hard link to \"d\"", "EPERM"],
    );
}

#[test]
fn capabilities_that_make_no_sense_are_not_blamed_on_a_lack_of_power() {
    if skip_without_root("only root may give capabilities to a file") {
        return;
    }
    let archive = Tar::new()
        .pax(&[("SCHILY.xattr.security.capability", b"all of them")])
        .file("program", "x");
    let scratch = Scratch::new();
    let text = scratch.unpack(&archive.finish()).unwrap_err().to_string();
    assert!(
        text.contains("\"security.capability\" cannot be set: EINVAL"),
        "{text}"
    );
    assert!(
        text.contains("no root file system") && !text.contains("run it as root"),
        "{text}"
    );
}

#[test]
fn a_socket_is_removed_with_its_tree() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.target()).unwrap();
    let _listening = UnixListener::bind(scratch.target().join("socket")).unwrap();
    images::remove_tree(&scratch.target()).unwrap();
    assert!(!scratch.target().exists());
}

#[rstest]
#[case::a_socket(b's')]
#[case::an_index_of_solaris(b'I')]
#[case::a_letter_of_tomorrow(b'z')]
fn a_member_of_an_unknown_type_is_a_file(#[case] letter: u8) {
    // As POSIX has it (pax(1), "ustar Interchange Format"); the others read it so as well.
    let header = Tar::header(b"member", EntryType::new(letter));
    unpacked(
        &Scratch::new(),
        &Tar::new().sized(header, b"text").file("next", "").finish(),
        &["member", "next"],
    );
}

#[rstest]
#[case::half_a_file(b'M')]
#[case::a_long_name_of_1990(b'N')]
fn half_a_member_is_refused(#[case] letter: u8) {
    let header = Tar::header(b"member", EntryType::new(letter));
    refused(
        &Scratch::new(),
        &Tar::new().sized(header, b"text").finish(),
        &["\"member\" is of the type"],
    );
}

#[rstest]
#[case::a_directory(EntryType::Directory, "m/")]
#[case::a_fifo(EntryType::Fifo, "m")]
#[case::a_symlink(EntryType::Symlink, "m -> target")]
fn what_has_no_contents_has_no_size(#[case] kind: EntryType, #[case] line: &str) {
    // Some tars write the size of the directory on their own disk there.
    let mut header = Tar::header(b"m", kind);
    header.set_size(1024);
    header.as_old_mut().linkname[..6].copy_from_slice(b"target");
    let archive = Tar::new().raw(header, b"").file("next", "x").finish();
    unpacked(&Scratch::new(), &archive, &[line, "next"]);
}

#[test]
fn a_device_with_a_size_swallows_nothing() {
    let mut header = Tar::header(b"device", EntryType::Block);
    header.set_size(1024);
    let archive = Tar::new().raw(header, b"").file("next", "x").finish();
    unpacked(&Scratch::new(), &archive, &["next"]);
}

#[rstest]
#[case::no_version(b"\0\0")]
#[case::a_blank_one(b"  ")]
#[case::half_a_blank_one(b" \0")]
fn a_long_path_is_whole_whatever_version_wrote_it(#[case] version: &[u8; 2]) {
    let mut header = Tar::header(b"file", EntryType::Regular);
    header.as_mut_bytes()[257..263].copy_from_slice(b"ustar\0");
    header.as_mut_bytes()[263..265].copy_from_slice(version);
    header.as_mut_bytes()[345..352].copy_from_slice(b"dir/sub");
    let archive = Tar::new().raw(header, b"").finish();
    unpacked(
        &Scratch::new(),
        &archive,
        &["dir/", "dir/sub/", "dir/sub/file"],
    );
}

#[rstest]
fn a_number_without_a_digit_is_nought(
    #[values(0, b' ')] filling: u8,
    #[values(100..108, 108..116, 116..124, 124..136, 136..148)] field: std::ops::Range<usize>,
) {
    if skip_without_root("user and group are then 0") {
        return;
    }
    let mut header = Tar::header(b"file", EntryType::Regular);
    header.as_mut_bytes()[field].fill(filling);
    unpacked(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["file"],
    );
}

#[test]
fn a_file_may_be_older_than_unix() {
    let mut header = Tar::header(b"old", EntryType::Regular);
    header.as_mut_bytes()[136..148].copy_from_slice(&[&[0xff; 10][..], &[0xae, 0x80]].concat());
    let scratch = Scratch::new();
    scratch
        .unpack(&Tar::new().raw(header, b"").finish())
        .unwrap();
    assert_eq!(
        scratch.target().join("old").metadata().unwrap().mtime(),
        -0x5180
    );
}

#[test]
fn a_checksum_of_signed_bytes_is_one() {
    let mut header = Tar::header("b\u{e4}h".as_bytes(), EntryType::Regular);
    header.set_cksum();
    // The two bytes of the letter count 256 less each.
    let sum = header.cksum().unwrap() - 512;
    header.as_mut_bytes()[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let archive = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    unpacked(&Scratch::new(), &archive, &["b\u{e4}h"]);
}

#[test]
fn an_empty_record_takes_nothing_away() {
    let empty: &[(&str, &[u8])] = &[("mtime", b""), ("size", b""), ("uid", b""), ("gid", b"")];
    let archive = Tar::new().pax(empty).file("file", "text").file("next", "");
    unpacked(&Scratch::new(), &archive.finish(), &["file", "next"]);
}

#[rstest]
#[case::plain(|bytes: &[u8]| bytes.to_vec())]
#[case::gzip(common::gzip)]
#[case::zstd(common::zstd)]
fn an_archive_may_end_without_a_mark(#[case] pack: fn(&[u8]) -> Vec<u8>) {
    let archive = pack(&Tar::new().file("file", "text").unfinished());
    unpacked(&Scratch::new(), &archive, &["file"]);
}

#[test]
fn a_promise_of_a_member_is_no_end() {
    for archive in [
        Tar::new().file("a", "").pax(&[("path", b"b")]),
        Tar::new()
            .file("a", "")
            .gnu_long(EntryType::GNULongName, b"b"),
    ] {
        refused(&Scratch::new(), &archive.unfinished(), &["cut short"]);
    }
}

#[rstest]
#[case::once(&[1])]
#[case::in_two_members(&[300, 2])]
#[case::over_several_reads(&[3, 1_000_000])]
fn zeros_behind_gzip_are_padding(#[case] counts: &[usize]) {
    let archive = Tar::new().file("file", "text").finish();
    let (front, back) = archive.split_at(512);
    let mut packed = [common::gzip(front), common::gzip(back)].concat();
    packed.resize(packed.len() + counts.iter().sum::<usize>(), 0);
    unpacked(&Scratch::new(), &packed, &["file"]);
    packed.push(b'x');
    refused(&Scratch::new(), &packed, &["something else"]);
}

#[test]
fn zstd_knows_no_padding() {
    // Nor does zstd(1), which says "unsupported format".
    let packed = [
        common::zstd(&Tar::new().file("a", "x").finish()),
        vec![0; 512],
    ]
    .concat();
    refused(&Scratch::new(), &packed, &["zstd frame", "something else"]);
}
