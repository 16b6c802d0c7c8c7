//! Archives that mean well, in all the ways in which tools write them.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use common::{Scratch, Tar, gzip, zstd};
use rstest::rstest;
use tar::EntryType;

fn sample() -> Vec<u8> {
    Tar::new()
        .directory("./")
        .directory("./etc/")
        .file("./etc/hostname", "sample\n")
        .file("./usr/bin/tool", vec![7; 300_000])
        .symlink("./bin", "usr/bin")
        .hard_link("./usr/bin/alias", "./usr/bin/tool")
        .finish()
}

const SAMPLE: [&str; 7] = [
    "bin -> usr/bin",
    "etc/",
    "etc/hostname",
    "usr/",
    "usr/bin/",
    "usr/bin/alias",
    "usr/bin/tool",
];

#[rstest]
#[case::plain("sample.tar", sample())]
#[case::gzip("sample.tar.gz", gzip(&sample()))]
#[case::gzip_in_pieces("sample.tar.gz", [gzip(&sample()[..5000]), gzip(&sample()[5000..])].concat())]
#[case::zstd("sample.tar.zst", zstd(&sample()))]
#[case::zstd_in_frames("sample.tar.zst", [zstd(&sample()[..5000]), b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(&sample()[5000..])].concat())]
#[case::zstd_that_starts_with_a_skippable_frame("sample.tar.zst", [b"\x5f\x2a\x4d\x18\x01\0\0\0a".to_vec(), zstd(&sample())].concat())]
#[case::gzip_under_a_wrong_name("sample.tar", gzip(&sample()))]
fn an_archive_is_read_whatever_it_is_compressed_with(#[case] name: &str, #[case] bytes: Vec<u8>) {
    let scratch = Scratch::new();
    fs::write(scratch.images().join(name), bytes).unwrap();
    let image = images::find(&scratch.images(), "sample").unwrap();
    assert_eq!(
        (image.name(), image.archive()),
        ("sample", scratch.images().join(name).as_path())
    );
    image.unpack_into(&scratch.target()).unwrap();
    assert_eq!(scratch.tree(), SAMPLE);
    let tool = scratch.target().join("usr/bin/tool");
    assert_eq!(fs::read(&tool).unwrap(), vec![7; 300_000]);
    assert_eq!(
        tool.metadata().unwrap().ino(),
        scratch.target().join("bin/alias").metadata().unwrap().ino()
    );
}

/// What `xz` makes of it, with these options. `None` where there is no xz.
fn xz(bytes: &[u8], options: &[&str]) -> Option<Vec<u8>> {
    let mut packed = tempfile::tempfile().unwrap();
    let mut child = Command::new("xz")
        .args(options)
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(packed.try_clone().unwrap())
        .spawn()
        .inspect_err(|_| eprintln!("skipped: this machine has no xz (in xz-utils)"))
        .ok()?;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
    assert!(child.wait().unwrap().success());
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut packed).unwrap();
    std::io::Read::read_to_end(&mut packed, &mut bytes).unwrap();
    Some(bytes)
}

#[rstest]
#[case::usual(&[])]
#[case::small(&["-0"])]
#[case::as_hard_as_it_can(&["-9e"])]
#[case::another_checksum(&["--check=sha256"])]
#[case::no_checksum(&["--check=none"])]
#[case::in_blocks(&["--block-size=1024"])]
#[case::for_programs(&["--x86", "--lzma2"])]
fn an_archive_by_xz_is_read(#[case] options: &[&str]) {
    let scratch = Scratch::new();
    let Some(packed) = xz(&sample(), options) else {
        return;
    };
    scratch.unpack(&packed).unwrap();
    scratch.clear();
    // Two streams and padding, as `cat a.xz b.xz` and a tape make them.
    let whole = sample();
    let (front, back) = whole.split_at(512);
    let halves = [
        xz(front, options).unwrap(),
        vec![0; 8],
        xz(back, options).unwrap(),
    ]
    .concat();
    scratch.unpack(&halves).unwrap();
    scratch.clear();
    // Cut short, or with a bit turned, it is refused.
    for length in [20, packed.len() / 2, packed.len() - 1] {
        scratch.unpack(&packed[..length]).unwrap_err();
    }
    let mut damaged = packed.clone();
    damaged[packed.len() / 2] ^= 1;
    if options != ["--check=none"] {
        scratch.unpack(&damaged).unwrap_err();
    }
}

#[test]
fn a_dictionary_beyond_all_memory_is_refused() {
    let Some(packed) = xz(&sample(), &["--lzma2=dict=1GiB"]) else {
        return;
    };
    let text = Scratch::new().unpack(&packed).unwrap_err().to_string();
    assert!(text.contains("more memory than we give it"), "{text}");
}

#[test]
fn modes_and_times_are_those_of_the_archive() {
    let scratch = Scratch::new();
    let mut archive = Tar::new();
    for (name, kind, mode) in [
        ("./", EntryType::Directory, 0o711),
        ("closed/", EntryType::Directory, 0o555),
        ("closed/file", EntryType::Regular, 0o400),
        ("tmp", EntryType::Directory, 0o1777),
        ("group", EntryType::Directory, 0o2755),
        ("fifo", EntryType::Fifo, 0o666),
    ] {
        let mut header = Tar::header(name.as_bytes(), kind);
        header.set_mode(mode);
        archive = archive.raw(header, b"");
    }
    let archive = archive
        .symlink("link", "nowhere")
        .pax(&[("mtime", b"1000000001.25")])
        .file("late", "")
        .file("plain/file", "");
    scratch.unpack(&archive.finish()).unwrap();
    for (name, mode) in [
        ("", 0o711),
        ("closed", 0o555),
        ("closed/file", 0o400),
        ("tmp", 0o1777),
        ("group", 0o2755),
        ("fifo", 0o666),
        ("plain", 0o755),
    ] {
        let stat = scratch.target().join(name).metadata().unwrap();
        assert_eq!(stat.mode() & 0o7777, mode, "{name}");
        assert!(name == "plain" || stat.mtime() == 1_000_000_000, "{name}");
    }
    let link = scratch.target().join("link").symlink_metadata().unwrap();
    assert_eq!(link.mtime(), 1_000_000_000);
    let late = scratch.target().join("late").metadata().unwrap();
    assert_eq!(
        (late.mtime(), late.mtime_nsec()),
        (1_000_000_001, 250_000_000)
    );
}

#[test]
fn a_member_may_lie_behind_a_link_of_the_same_image() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .directory("usr/bin")
        .symlink("bin", "usr/bin")
        .file("bin/relative", "x")
        .symlink("sbin", "/usr/bin")
        .file("sbin/absolute", "x")
        .hard_link("sbin/alias", "bin/relative");
    scratch.unpack(&archive.finish()).unwrap();
    assert_eq!(
        scratch.tree(),
        [
            "bin -> usr/bin",
            "sbin -> /usr/bin",
            "usr/",
            "usr/bin/",
            "usr/bin/absolute",
            "usr/bin/alias",
            "usr/bin/relative"
        ]
    );
}

#[test]
fn a_link_on_the_way_to_its_own_replacement_leads_nowhere_any_more() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .symlink("d/l", ".")
        .directory("d/l/l")
        .file("d/l/file", "x")
        .finish();
    scratch.unpack(&archive).unwrap();
    assert_eq!(scratch.tree(), ["d/", "d/l/", "d/l/file"]);
}

#[test]
fn of_two_members_with_one_name_the_later_counts() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .file("file", "first and longer")
        .file("file", "second")
        .file("kept/a", "x")
        .directory("kept")
        .file("kept/b", "x")
        .file("gone/deep/a", "x")
        .file("gone", "a file now")
        .symlink("link", "kept")
        .directory("link")
        .symlink("again", "one")
        .symlink("again", "two")
        .finish();
    scratch.unpack(&archive).unwrap();
    assert_eq!(
        scratch.tree(),
        [
            "again -> two",
            "file",
            "gone",
            "kept/",
            "kept/a",
            "kept/b",
            "link/"
        ]
    );
    assert_eq!(fs::read(scratch.target().join("file")).unwrap(), b"second");
}

#[test]
fn what_replaces_a_linked_file_leaves_the_other_name_alone() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .file("one", "old")
        .hard_link("two", "one")
        .file("one", "new")
        .finish();
    scratch.unpack(&archive).unwrap();
    assert_eq!(fs::read(scratch.target().join("one")).unwrap(), b"new");
    assert_eq!(fs::read(scratch.target().join("two")).unwrap(), b"old");
}

#[test]
fn a_hard_link_to_itself_loses_nothing() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .file("d/one", "x")
        .symlink("s", "d")
        .hard_link("d/one", "d/one")
        .hard_link("s/one", "d/one");
    scratch.unpack(&archive.finish()).unwrap();
    assert_eq!(fs::read(scratch.target().join("d/one")).unwrap(), b"x");
}

#[rstest]
#[case::of_200_bytes("x".repeat(200))]
#[case::of_2000_bytes(["directory"; 200].join("/"))]
#[case::with_a_line_feed_in_it(format!("{}\nb", "x".repeat(120)))]
#[case::with_blanks(" ".repeat(150))]
fn a_long_name_is_kept(#[case] name: String) {
    let gnu = Tar::new()
        .gnu_long(EntryType::GNULongName, name.as_bytes())
        .file("short", "x")
        .finish();
    let pax = Tar::new()
        .pax(&[("path", name.as_bytes())])
        .file("short", "x")
        .finish();
    for archive in [gnu, pax] {
        let scratch = Scratch::new();
        scratch.unpack(&archive).unwrap();
        assert_eq!(fs::read(scratch.target().join(&name)).unwrap(), b"x");
        assert!(!scratch.target().join("short").exists());
    }
}

#[test]
fn a_long_link_is_kept() {
    let target = "y/".repeat(500);
    let scratch = Scratch::new();
    scratch
        .unpack(&Tar::new().symlink("link", &target).finish())
        .unwrap();
    assert_eq!(
        fs::read_link(scratch.target().join("link"))
            .unwrap()
            .as_os_str(),
        target.as_str()
    );
}

#[test]
fn a_name_is_bytes_and_not_text() {
    let scratch = Scratch::new();
    scratch
        .unpack(&Tar::new().file(b"\xff\xfe\n*", "x").finish())
        .unwrap();
    let names: Vec<_> = fs::read_dir(scratch.target())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names[0].as_bytes(), b"\xff\xfe\n*");
}

#[test]
fn extended_attributes_are_kept() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .pax(&[
            ("SCHILY.xattr.user.note", b"two\nlines\0"),
            ("SCHILY.xattr.nonsense.note", b"?"),
        ])
        .file("file", "x")
        .pax(&[("SCHILY.xattr.user.note", b"d")])
        .directory("directory");
    scratch.unpack(&archive.finish()).unwrap();
    if let Ok(Some(value)) = xattr::get(scratch.target().join("file"), "user.note") {
        assert_eq!(value, b"two\nlines\0");
        assert_eq!(
            xattr::get(scratch.target().join("directory"), "user.note")
                .unwrap()
                .unwrap(),
            b"d"
        );
    } else {
        eprintln!(
            "skipped: the file system of {} has no user attributes",
            scratch.path().display()
        );
    }
}

#[rstest]
#[case::gnu(&["--format=gnu"])]
#[case::posix_1_0(&["--format=posix"])]
#[case::posix_0_1(&["--format=posix", "--sparse-version=0.1"])]
#[case::posix_0_0(&["--format=posix", "--sparse-version=0.0"])]
fn holes_stay_holes(#[case] options: &[&str]) {
    let scratch = Scratch::new();
    let file = fs::File::create(scratch.path().join("target-source")).unwrap();
    let mut expected = Vec::new();
    for piece in 0..40_u64 {
        std::os::unix::fs::FileExt::write_all_at(&file, &[1 + piece as u8; 4096], piece << 20)
            .unwrap();
    }
    file.set_len((40 << 20) + 5).unwrap();
    std::io::Read::read_to_end(
        &mut fs::File::open(scratch.path().join("target-source")).unwrap(),
        &mut expected,
    )
    .unwrap();
    let made = Command::new("tar")
        .args(options)
        .args(["--sparse", "-cf", "images/image.tar", "target-source"])
        .current_dir(scratch.path())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine has no GNU tar");
        return;
    }
    assert!(scratch.images().join("image.tar").metadata().unwrap().len() < 1 << 20);
    images::find(&scratch.images(), "image")
        .unwrap()
        .unpack_into(&scratch.target())
        .unwrap();
    let copy = scratch.target().join("target-source");
    assert!(fs::read(&copy).unwrap() == expected, "the contents differ");
    assert!(
        copy.metadata().unwrap().blocks() * 512 < 1 << 20,
        "the holes are filled"
    );
}

#[test]
fn what_a_directory_passes_on_does_not_reach_the_members_in_it() {
    // "The user 33 may do everything", as the rights that new files in it begin with.
    let acl =
        b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\x21\0\0\0\x04\0\x05\0\xff\xff\xff\xff\
        \x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff";
    const DEFAULT: &str = "system.posix_acl_default";
    let scratch = Scratch::new();
    let archive = Tar::new()
        .pax(&[("SCHILY.xattr.system.posix_acl_default", acl)])
        .directory("./")
        .pax(&[("SCHILY.xattr.system.posix_acl_default", acl)])
        .directory("d")
        .file("d/file", "x")
        .directory("d/inner");
    scratch.unpack(&archive.finish()).unwrap();
    let names = |path: &str| -> Vec<_> {
        let all = xattr::list(scratch.target().join(path)).unwrap();
        all.filter(|name| name.to_string_lossy().contains("acl"))
            .collect()
    };
    if names("d").is_empty() {
        eprintln!("skipped: this file system has no such attributes");
        return;
    }
    assert_eq!(
        (names(""), names("d")),
        (vec![DEFAULT.into()], vec![DEFAULT.into()])
    );
    assert_eq!((names("d/file"), names("d/inner")), (vec![], vec![]));
}

#[test]
fn a_hundred_thousand_empty_files_are_no_problem() {
    let mut archive = Tar::new();
    for number in 0..100_000 {
        archive = archive.file(format!("d{}/f{number}", number / 1000), "");
    }
    let scratch = Scratch::new();
    scratch.unpack(&archive.finish()).unwrap();
    assert!(scratch.target().join("d99/f99999").is_file());
    scratch.clear();
    assert!(!scratch.target().exists());
}

#[test]
fn a_label_and_a_comment_are_no_files() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .raw(Tar::header(b"a label", EntryType::new(b'V')), b"")
        .sized(
            Tar::header(b"pax_global_header", EntryType::XGlobalHeader),
            b"20 comment=something\n",
        )
        .file("file", "x");
    scratch.unpack(&archive.finish()).unwrap();
    assert_eq!(scratch.tree(), ["file"]);
}

#[test]
fn a_slash_at_the_end_made_a_directory_once() {
    let scratch = Scratch::new();
    let mut header = Tar::header(b"old/", EntryType::new(0));
    header.set_mode(0o750);
    scratch
        .unpack(&Tar::new().raw(header, b"").file("old/file", "x").finish())
        .unwrap();
    assert_eq!(scratch.tree(), ["old/", "old/file"]);
    assert_eq!(
        scratch.target().join("old").metadata().unwrap().mode() & 0o777,
        0o750
    );
}

#[test]
fn a_target_with_something_in_it_is_left_alone() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.target()).unwrap();
    fs::write(scratch.target().join("mine"), "x").unwrap();
    let text = scratch.unpack(&sample()).unwrap_err().to_string();
    assert!(text.contains("something in it already"), "{text}");
    assert_eq!(scratch.tree(), ["mine"]);
}

#[test]
fn an_empty_target_is_used() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.target()).unwrap();
    scratch.unpack(&sample()).unwrap();
    assert_eq!(scratch.tree(), SAMPLE);
}
