//! Archives that mean harm. Each ends in a sentence or in a correct tree, and
//! the tree beside the target is as it was.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use common::{Scratch, Tar, bytes, gzip, refused, skip_without_root, unpacked, zstd};
use rstest::rstest;
use tar::EntryType;

#[rstest]
#[case::at_the_start("../canary/file")]
#[case::in_the_middle("a/../../canary/file")]
#[case::at_the_end("a/..")]
#[case::alone("..")]
#[case::after_a_slash("/../canary/file")]
fn dot_dot_in_a_path_is_refused(
    #[case] path: &str,
    #[values(
        EntryType::Regular,
        EntryType::Directory,
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Fifo
    )]
    kind: EntryType,
) {
    let mut header = Tar::header(path.as_bytes(), kind);
    header.as_old_mut().linkname[..1].copy_from_slice(b"a");
    refused(
        &Scratch::new(),
        &Tar::new().directory("a").raw(header, b"").finish(),
        &[path, "\"..\""],
    );
}

#[test]
fn dot_dot_in_a_long_name_is_refused() {
    let path = format!("{}../canary/file", "a/../".repeat(50));
    let gnu = Tar::new()
        .gnu_long(EntryType::GNULongName, path.as_bytes())
        .file("harmless", "dead")
        .finish();
    refused(&Scratch::new(), &gnu, &["\"..\""]);
    let pax = Tar::new()
        .pax(&[("path", path.as_bytes())])
        .file("harmless", "dead")
        .finish();
    refused(&Scratch::new(), &pax, &["\"..\""]);
}

#[test]
fn an_absolute_path_begins_at_the_root_of_the_image() {
    let scratch = Scratch::new();
    unpacked(
        &scratch,
        &Tar::new()
            .file("/etc/passwd", "x")
            .file("//double//slash", "x")
            .finish(),
        &["double/", "double/slash", "etc/", "etc/passwd"],
    );
}

#[rstest]
#[case::relative("../canary".into())]
#[case::far_up("../../../../../../../../../..".into())]
#[case::absolute("/".into())]
fn writing_through_a_link_out_of_the_image_stays_inside(#[case] target: String) {
    let scratch = Scratch::new();
    let before = scratch.outside();
    let archive = Tar::new()
        .symlink("way", &target)
        .file("way/file", "dead")
        .directory("way/directory")
        .finish();
    // Whether it works (the link is as good as one to the root) or not: nothing is outside.
    let _ = scratch.unpack(&archive);
    assert_eq!(scratch.outside(), before);
    if target != "../canary" {
        assert!(scratch.target().join("file").is_file());
    }
}

#[test]
fn writing_through_a_link_to_the_canary_stays_inside() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .symlink("way", bytes(&scratch.canary()))
        .file("way/file", "dead")
        .finish();
    refused(&scratch, &archive, &["way/file", "leads nowhere"]);
}

#[test]
fn writing_to_a_link_replaces_the_link() {
    let scratch = Scratch::new();
    let canary = bytes(&scratch.canary().join("file"));
    let archive = Tar::new()
        .symlink("file", canary)
        .file("file", "dead")
        .finish();
    unpacked(&scratch, &archive, &["file"]);
    assert_eq!(fs::read(scratch.target().join("file")).unwrap(), b"dead");
}

#[test]
fn the_mode_of_a_directory_is_not_set_through_a_link() {
    let scratch = Scratch::new();
    let mut header = Tar::header(b"d", EntryType::Directory);
    header.set_mode(0o777);
    let archive = Tar::new()
        .raw(header, b"")
        .symlink("d", bytes(&scratch.canary()))
        .finish();
    let expected = format!("d -> {}", scratch.canary().display());
    unpacked(&scratch, &archive, &[&expected]);
}

#[test]
fn a_hard_link_to_a_file_outside_is_refused() {
    let scratch = Scratch::new();
    let canary = bytes(&scratch.canary().join("file"));
    refused(
        &scratch,
        &Tar::new().hard_link("h", canary).finish(),
        &["\"h\"", "hard link to"],
    );
    refused(
        &scratch,
        &Tar::new().hard_link("h", "../canary/file").finish(),
        &["\"h\"", "\"..\""],
    );
    refused(
        &scratch,
        &Tar::new()
            .symlink("way", "../canary")
            .hard_link("h", "way/file")
            .finish(),
        &["hard link to \"way/file\""],
    );
}

#[test]
fn a_hard_link_to_a_link_does_not_follow_it() {
    let scratch = Scratch::new();
    let canary = scratch.canary().join("file");
    let archive = Tar::new()
        .symlink("s", bytes(&canary))
        .hard_link("h", "s")
        .finish();
    let link = |name: &str| format!("{name} -> {}", canary.display());
    unpacked(&scratch, &archive, &[&link("h"), &link("s")]);
}

#[test]
fn a_directory_replaced_by_a_link_half_way_leads_nowhere_outside() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .file("d/one", "x")
        .symlink("d", bytes(&scratch.canary()))
        .file("d/file", "dead")
        .finish();
    refused(&scratch, &archive, &["d/file"]);
    let archive = Tar::new()
        .file("d/one", "x")
        .symlink("d", "/e")
        .directory("e")
        .file("d/two", "x")
        .finish();
    unpacked(&scratch, &archive, &["d -> /e", "e/", "e/two"]);
}

#[test]
fn a_member_behind_a_file_is_refused() {
    refused(
        &Scratch::new(),
        &Tar::new().file("a", "x").file("a/b", "x").finish(),
        &["a/b", "not a directory"],
    );
}

#[test]
fn links_in_a_circle_are_an_error() {
    refused(
        &Scratch::new(),
        &Tar::new()
            .symlink("a", "b")
            .symlink("b", "a")
            .file("a/x", "x")
            .finish(),
        &["a/x", "ELOOP"],
    );
}

#[rstest]
#[case::a_file(EntryType::Regular)]
#[case::a_link(EntryType::Symlink)]
#[case::a_fifo(EntryType::Fifo)]
fn a_root_that_is_no_directory_is_refused(
    #[case] kind: EntryType,
    #[values("./", ".", "/", "")] path: &str,
) {
    // "./" of a file is an old directory.
    if kind == EntryType::Regular && path.ends_with('/') {
        return;
    }
    let mut header = Tar::header(path.as_bytes(), kind);
    header.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
    refused(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["the root of the image"],
    );
}

#[test]
fn devices_are_left_out_and_fifos_are_not() {
    let scratch = Scratch::new();
    let mut archive = Tar::new();
    for (name, kind) in [
        ("zero", EntryType::Char),
        ("disk", EntryType::Block),
        ("fifo", EntryType::Fifo),
    ] {
        let mut header = Tar::header(name.as_bytes(), kind);
        header.set_device_major(1).unwrap();
        header.set_device_minor(5).unwrap();
        archive = archive.raw(header, b"");
    }
    // A whiteout of overlayfs: character device 0, 0.
    archive = archive.raw(Tar::header(b"whiteout", EntryType::Char), b"");
    unpacked(&scratch, &archive.finish(), &["fifo"]);
    assert!(
        scratch
            .target()
            .join("fifo")
            .symlink_metadata()
            .unwrap()
            .file_type()
            .is_fifo()
    );
}

#[test]
fn an_image_does_not_speak_to_overlayfs() {
    let scratch = Scratch::new();
    let archive = Tar::new()
        .pax(&[
            ("SCHILY.xattr.trusted.overlay.redirect", b"/../../etc"),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.user.overlay.opaque", b"y"),
            (
                "SCHILY.xattr.security.selinux",
                b"system_u:object_r:bin_t:s0",
            ),
        ])
        .directory("d")
        .finish();
    unpacked(&scratch, &archive, &["d/"]);
    let left: Vec<_> = xattr::list(scratch.target().join("d")).unwrap().collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains("overlay")),
        "{left:?}"
    );
}

#[test]
fn a_file_of_seventeen_gigabytes_is_refused_before_it_is_read() {
    let mut header = Tar::header(b"big", EntryType::Regular);
    header.set_size(17 << 30);
    refused(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["more than 17179869184 bytes"],
    );
}

#[test]
fn many_big_files_are_refused_when_they_are_too_many() {
    // Sizes without contents: the second is never reached, but the first must not be believed either.
    let mut header = Tar::header(b"big", EntryType::Regular);
    header.set_size(u64::MAX / 2);
    refused(
        &Scratch::new(),
        &gzip(&Tar::new().raw(header, b"").finish()),
        &["more than"],
    );
}

#[rstest]
#[case::gnu(EntryType::GNULongName)]
#[case::gnu_link(EntryType::GNULongLink)]
#[case::posix(EntryType::XHeader)]
#[case::global(EntryType::XGlobalHeader)]
fn a_name_of_two_gigabytes_takes_no_memory(#[case] kind: EntryType) {
    let mut header = Tar::header(b"name", kind);
    header.set_size(2 << 30);
    refused(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["described by 2147483648 bytes"],
    );
}

#[test]
fn a_sparse_giant_is_all_hole() {
    let scratch = Scratch::new();
    let mut header = Tar::header(b"giant", EntryType::GNUSparse);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(8 << 40);
    gnu.sparse[0].set_offset(8 << 40);
    gnu.sparse[0].set_length(0);
    match scratch.unpack(&Tar::new().raw(header, b"").finish()) {
        Ok(()) => {
            let stat = scratch.target().join("giant").metadata().unwrap();
            assert_eq!((stat.size(), stat.blocks()), (8 << 40, 0));
        }
        // Not every file system has files as big.
        Err(error) => assert!(error.to_string().contains("EFBIG"), "{error}"),
    }
}

#[rstest]
#[case::overlap(&[(0, 512), (256, 512)], 1024, 2048, "overlap")]
#[case::beyond_the_end(&[(0, 512)], 512, 100, "behind its end")]
#[case::beyond_all_numbers(&[(0o777_7777_7777, 0o777_7777_7777)], 512, 2048, "do not add up")]
#[case::less_than_stored(&[(0, 512)], 1024, 2048, "do not add up")]
fn a_map_of_holes_that_lies_is_refused(
    #[case] pieces: &[(u64, u64)],
    #[case] stored: usize,
    #[case] size: u64,
    #[case] why: &str,
) {
    let mut header = Tar::header(b"sparse", EntryType::GNUSparse);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.set_real_size(if why == "do not add up" {
        1 << 40
    } else {
        size
    });
    for (field, &(offset, length)) in gnu.sparse.iter_mut().zip(pieces) {
        field.set_offset(offset);
        field.set_length(length);
    }
    refused(
        &Scratch::new(),
        &Tar::new().sized(header, &vec![1; stored]).finish(),
        &["holes", why],
    );
}

#[test]
fn the_user_minus_one_is_refused() {
    // chown would leave the file as it is: root's.
    let mut header = Tar::header(b"setuid", EntryType::Regular);
    header.set_uid(u64::from(u32::MAX));
    refused(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["4294967295"],
    );
}

#[rstest]
#[case::name(256, "longer name")]
#[case::path(4099, "longer name")]
fn a_name_longer_than_linux_allows_is_refused(#[case] length: usize, #[case] why: &str) {
    let name = if length == 256 {
        "x".repeat(256)
    } else {
        "x/".repeat(2049) + "y"
    };
    refused(
        &Scratch::new(),
        &Tar::new()
            .gnu_long(EntryType::GNULongName, name.as_bytes())
            .file("x", "")
            .finish(),
        &[why],
    );
}

#[test]
fn directories_without_end_do_not_fill_the_memory() {
    // Each member brings two thousand directories of its own into being, whose
    // paths together are megabytes.
    let mut archive = Tar::new();
    for number in 0..60 {
        let path = format!("{number}/{}x", "d/".repeat(2000));
        archive = archive
            .gnu_long(EntryType::GNULongName, path.as_bytes())
            .file("x", "");
    }
    refused(
        &Scratch::new(),
        &archive.finish(),
        &["paths of its directories"],
    );
}

#[test]
fn a_nul_in_a_name_is_refused() {
    refused(
        &Scratch::new(),
        &Tar::new().pax(&[("path", b"a\0b")]).file("x", "").finish(),
        &["NUL"],
    );
}

#[rstest]
#[case::empty(b"".to_vec(), "is empty")]
#[case::text(b"this is not a tar\n".repeat(100), "checksum of a header")]
#[case::xz(b"\xfd7zXZ\0 and so on".to_vec(), "XZ stream header")]
#[case::bzip2(b"BZh91AY&SY".to_vec(), "bzip2")]
#[case::zip(b"PK\x03\x04".to_vec(), "zip")]
#[case::gzip_of_text(gzip(&b"this is not a tar\n".repeat(100)), "checksum of a header")]
#[case::zstd_of_nothing(zstd(b""), "cut short")]
fn what_is_no_tar_is_refused_with_a_reason(#[case] archive: Vec<u8>, #[case] why: &str) {
    refused(&Scratch::new(), &archive, &[why]);
}

#[test]
fn giving_files_to_others_needs_root_and_says_so() {
    if common::is_root() {
        eprintln!("skipped: needs an ordinary user, because root may give files away");
        return;
    }
    let mut header = Tar::header(b"x", EntryType::Regular);
    header.set_uid(0);
    header.set_gid(0);
    refused(
        &Scratch::new(),
        &Tar::new().raw(header, b"").finish(),
        &["only root may give files away", "run it as root"],
    );
}

#[test]
fn setuid_bits_and_capabilities_survive_the_change_of_owner() {
    if skip_without_root("only root may make a file setuid for others, and give it capabilities") {
        return;
    }
    let scratch = Scratch::new();
    let mut header = Tar::header(b"program", EntryType::Regular);
    header.set_mode(0o4755);
    header.set_uid(33);
    header.set_gid(33);
    // cap_dac_override,cap_fowner=ep: the second byte of the set is a line feed,
    // where careless readers end the record.
    let capability = b"\x01\0\0\x02\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let archive = Tar::new()
        .pax(&[("SCHILY.xattr.security.capability", capability)])
        .sized(header, b"x")
        .finish();
    scratch.unpack(&archive).unwrap();
    let program = scratch.target().join("program");
    let stat = program.metadata().unwrap();
    assert_eq!(
        (stat.mode() & 0o7777, stat.uid(), stat.gid()),
        (0o4755, 33, 33)
    );
    assert_eq!(
        xattr::get(&program, "security.capability")
            .unwrap()
            .unwrap(),
        capability
    );
}
