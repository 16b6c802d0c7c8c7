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
    // Who mounts there looks first (`mount_point` in `given`): the tree is as the image has it.
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

#[test]
fn a_socket_in_an_archive_is_no_member_of_a_tar() {
    // tar leaves sockets out; whoever invents a type for them is told.
    refused(
        &Scratch::new(),
        &Tar::new()
            .raw(Tar::header(b"socket", EntryType::new(b's')), b"")
            .finish(),
        &["\"socket\" is of the unknown type 's'"],
    );
}
