//! Layers that become one archive.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use common::{Scratch, Tar, gzip, zstd};
use rstest::rstest;
use tar::EntryType;

fn merged(layers: &[Vec<u8>]) -> images::Result<Vec<u8>> {
    let files: Vec<File> = layers
        .iter()
        .map(|layer| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(layer).unwrap();
            file
        })
        .collect();
    let mut archive = Vec::new();
    images::merge_layers(&files, "a test", &images::Config::default(), &mut archive)?;
    Ok(archive)
}

/// Merges and unpacks.
fn unpacked(layers: &[Vec<u8>]) -> Scratch {
    let scratch = Scratch::new();
    let before = scratch.outside();
    scratch.unpack(&merged(layers).unwrap()).unwrap();
    assert_eq!(scratch.outside(), before);
    scratch
}

fn tree(layers: &[Vec<u8>]) -> Vec<String> {
    unpacked(layers).tree()
}

fn refusal(layers: &[Vec<u8>]) -> String {
    merged(layers).unwrap_err().to_string()
}

fn lower() -> Tar {
    Tar::new()
        .directory("d/")
        .file("d/a", "lower a")
        .file("d/b", "lower b")
        .directory("d/deep/")
        .file("d/deep/c", "lower c")
        .file("e", "lower e")
}

#[rstest]
#[case::a_file(Tar::new().file(".wh.e", ""), &["d/", "d/a", "d/b", "d/deep/", "d/deep/c"])]
#[case::a_tree(Tar::new().file(".wh.d", ""), &["e"])]
#[case::deep_inside(Tar::new().file("d/deep/.wh.c", ""), &["d/", "d/a", "d/b", "d/deep/", "e"])]
#[case::everything_in_a_directory(Tar::new().file("d/.wh..wh..opq", ""), &["d/", "e"])]
#[case::what_was_never_there(Tar::new().file("d/.wh.x", "").file("x/y/.wh.z", ""),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::not_what_the_same_layer_brings(Tar::new().file("d/a", "new").file("d/.wh.a", ""),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::what_is_below_something_new(Tar::new().file("d/deep/new", "").file(".wh.d", ""),
    &["d/", "d/deep/", "d/deep/new", "e"])]
#[case::in_the_other_order(Tar::new().file(".wh.e", "").file("e", "new"),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::all_before_something_new(Tar::new().file("d/.wh..wh..opq", "").file("d/new", ""), &["d/", "d/new", "e"])]
#[case::all_behind_something_new(Tar::new().file("d/new", "").file("d/.wh..wh..opq", ""), &["d/", "d/new", "e"])]
#[case::all_but_a_new_tree(Tar::new().directory("d/deep/").file("d/deep/new", "").file("d/.wh..wh..opq", ""),
    &["d/", "d/deep/", "d/deep/new", "e"])]
#[case::notes_of_aufs(Tar::new().directory(".wh..wh.plnk/").file(".wh..wh.plnk/1.2", "").file(".wh..wh.aufs", ""),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::no_way_up(Tar::new().file("d/.wh...", "").file("d/.wh..", "").file("d/.wh.", ""),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::a_directory_by_a_file(Tar::new().file("d", "now"), &["d", "e"])]
#[case::a_file_by_a_directory(Tar::new().directory("e/"), &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e/"])]
#[case::nothing_by_a_described_directory(Tar::new().directory("d/"),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::nothing_by_a_second_name_of_a_device(
    Tar::new().raw(Tar::header(b"d/device", EntryType::Char), b"").hard_link("d/again", "d/device"),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e"])]
#[case::a_file_by_a_device(Tar::new().raw(Tar::header(b"e", EntryType::Char), b""),
    &["d/", "d/a", "d/b", "d/deep/", "d/deep/c"])]
fn a_layer_hides_and_replaces(#[case] upper: Tar, #[case] expected: &[&str]) {
    assert_eq!(tree(&[lower().finish(), upper.finish()]), expected);
}

#[test]
fn a_whiteout_lasts_for_one_layer() {
    let layers = [
        lower().finish(),
        Tar::new().file(".wh.e", "").finish(),
        Tar::new().file("e", "again").finish(),
    ];
    let scratch = unpacked(&layers);
    assert_eq!(fs::read(scratch.target().join("e")).unwrap(), b"again");
}

#[test]
fn contents_come_from_the_layer_that_has_them_last() {
    let layers = [
        gzip(&lower().finish()),
        zstd(&Tar::new().file("d/a", "upper a").finish()),
        Tar::new().file("f", "upper f").finish(),
    ];
    let scratch = unpacked(&layers);
    let read = |name: &str| fs::read_to_string(scratch.target().join(name)).unwrap();
    assert_eq!(
        ["d/a", "d/b", "e", "f"].map(read),
        ["upper a", "lower b", "lower e", "upper f"]
    );
}

#[test]
fn a_hard_link_reaches_into_lower_layers_and_outlives_its_first_name() {
    let layers = [
        lower().finish(),
        Tar::new()
            .hard_link("d/z", "e")
            .hard_link("another", "/d/a")
            .finish(),
        Tar::new()
            .file("e", "replaced")
            .file("d/.wh.a", "")
            .finish(),
        Tar::new().hard_link("third", "d/z").finish(),
    ];
    let scratch = unpacked(&layers);
    let read = |name: &str| fs::read_to_string(scratch.target().join(name)).unwrap();
    assert_eq!(
        ["d/z", "third", "e", "another"].map(read),
        ["lower e", "lower e", "replaced", "lower a"]
    );
    let about = |name: &str| scratch.target().join(name).metadata().unwrap();
    assert_eq!(about("d/z").ino(), about("third").ino());
    assert_eq!(
        ["d/z", "e", "another"].map(|name| about(name).nlink()),
        [2, 1, 1]
    );
}

#[test]
fn paths_lead_through_links_and_none_leads_out() {
    let layers = [
        lower()
            .symlink("relative", "d/deep")
            .symlink("absolute", "/d")
            .symlink("up", "../../../d/../d/deep/..")
            .symlink("chain", "absolute/deep")
            .symlink("d/inner", "/d/deep")
            .symlink("top", "../../..")
            .finish(),
        Tar::new()
            .file("relative/1", "")
            .file("absolute/2", "")
            .file("up/3", "")
            .file("chain/.wh.c", "")
            .file("d/inner/4", "")
            .file("top/5", "")
            .finish(),
    ];
    assert_eq!(
        tree(&layers),
        [
            "5",
            "absolute -> /d",
            "chain -> absolute/deep",
            "d/",
            "d/2",
            "d/3",
            "d/a",
            "d/b",
            "d/deep/",
            "d/deep/1",
            "d/deep/4",
            "d/inner -> /d/deep",
            "e",
            "relative -> d/deep",
            "top -> ../../..",
            "up -> ../../../d/../d/deep/.."
        ]
    );
}

#[test]
fn a_link_gives_way_to_what_a_later_layer_puts_there() {
    let layers = [
        lower().symlink("l", "d").finish(),
        Tar::new().directory("l/").file("l/x", "").finish(),
    ];
    assert_eq!(
        tree(&layers),
        ["d/", "d/a", "d/b", "d/deep/", "d/deep/c", "e", "l/", "l/x"]
    );
}

#[test]
fn times_and_attributes_arrive() {
    let layer = Tar::new()
        .pax(&[
            ("mtime", b"-1.250000000".as_slice()),
            ("SCHILY.xattr.user.word", b"a=b\n\0".as_slice()),
        ])
        .file("old", "x")
        .pax(&[("mtime", b"1600000000.123456789".as_slice())])
        .directory("precise/");
    let scratch = unpacked(&[layer.finish()]);
    let time = |name: &str| {
        let about = scratch.target().join(name).metadata().unwrap();
        (about.mtime(), about.mtime_nsec())
    };
    assert_eq!(time("old"), (-2, 750_000_000));
    assert_eq!(time("precise"), (1_600_000_000, 123_456_789));
    let value = xattr::get(scratch.target().join("old"), "user.word").unwrap();
    assert_eq!(value.unwrap(), b"a=b\n\0");
}

#[test]
fn long_and_odd_names_arrive() {
    let long = "n".repeat(200);
    let target = "t".repeat(400);
    let layer = Tar::new()
        .gnu_long(EntryType::GNULongName, long.as_bytes())
        .file("x", "long")
        .file(b"\xff\n", "odd")
        .symlink("link", &target)
        .finish();
    let scratch = unpacked(&[layer]);
    assert_eq!(fs::read(scratch.target().join(&long)).unwrap(), b"long");
    let odd = std::ffi::OsStr::from_bytes(b"\xff\n");
    assert_eq!(fs::read(scratch.target().join(odd)).unwrap(), b"odd");
    let link = fs::read_link(scratch.target().join("link")).unwrap();
    assert_eq!(link.to_str().unwrap(), target);
}

#[rstest]
fn the_target_of_a_link_is_not_tidied_up(
    #[values("a//b", "./a/./b/", "/", ".", "//", "a/", "../../a/../b")] target: &str,
) {
    let scratch = unpacked(&[Tar::new().symlink("link", target).finish()]);
    let link = fs::read_link(scratch.target().join("link")).unwrap();
    assert_eq!(link.as_os_str(), target);
}

#[test]
fn holes_stay_holes() {
    let scratch = Scratch::new();
    let sparse = File::create(scratch.path().join("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"island", 1 << 29).unwrap();
    let packed = Command::new("tar")
        .args(["--sparse", "--format=posix", "-cf", "-", "-C"])
        .arg(scratch.path())
        .arg("sparse")
        .output()
        .unwrap();
    let archive = merged(&[packed.stdout]).unwrap();
    assert!(archive.len() < 100_000, "{}", archive.len());
    scratch.unpack(&archive).unwrap();
    let file = File::open(scratch.target().join("sparse")).unwrap();
    let about = file.metadata().unwrap();
    assert_eq!(about.len(), 1 << 30);
    assert!(about.blocks() * 512 < 1 << 20, "{}", about.blocks());
    let mut island = [0; 6];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut island, 1 << 29).unwrap();
    assert_eq!(&island, b"island");
}

#[test]
fn a_layer_may_end_without_a_mark_and_without_padding() {
    let mut bytes = Tar::new().file("a", "x").unfinished();
    bytes.truncate(512 + 1);
    assert_eq!(tree(&[bytes, Vec::new()]), ["a"]);
}

#[test]
fn the_archive_says_where_it_is_from_and_tar_reads_it() {
    let scratch = Scratch::new();
    scratch.image(&merged(&[lower().finish()]).unwrap());
    let listed = images::list(&scratch.images(), &scratch.store()).unwrap();
    assert_eq!(listed[0].origin.as_deref(), Some("a test"));
    let output = Command::new("tar")
        .arg("-tf")
        .arg(scratch.images().join(common::ARCHIVE))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let names = String::from_utf8_lossy(&output.stdout);
    assert_eq!(names.lines().count(), 6, "{names}");
}

#[rstest]
#[case::a_path_upwards(Tar::new().file("../x", ""), "\"..\", which could lead out")]
#[case::a_target_upwards(Tar::new().hard_link("x", "../../etc/passwd"), "\"..\", which could lead out")]
#[case::a_target_that_is_not_there(Tar::new().hard_link("x", "etc/passwd"), "neither this layer nor one below it")]
#[case::a_target_that_is_a_directory(Tar::new().directory("y/").hard_link("x", "y"), "which is a directory")]
#[case::links_in_a_circle(Tar::new().symlink("x", "y").symlink("y", "x").file("x/z", ""), "in a circle")]
#[case::a_file_as_a_directory(Tar::new().file("x", "").file("x/y", ""), "not a directory")]
#[case::a_link_to_nothing(Tar::new().symlink("x", ""), "\"x\" is a symbolic link to nothing")]
#[case::a_root_that_is_a_file(Tar::new().file("./", "").symlink(".", "x"), "must be a directory")]
fn a_layer_that_makes_no_sense_is_refused_by_its_number(#[case] layer: Tar, #[case] why: &str) {
    let text = refusal(&[lower().finish(), layer.finish()]);
    assert!(
        text.contains("layer 2 of 2 cannot be used") && text.contains(why),
        "{text}"
    );
}

#[test]
fn a_layer_that_is_cut_inside_of_a_file_is_refused() {
    let bytes = Tar::new().file("a", vec![1; 5000]).unfinished();
    let text = refusal(&[bytes[..3000].to_vec()]);
    assert!(text.contains("cut short"), "{text}");
}

#[test]
fn directories_do_not_nest_without_end() {
    let deep = "d/".repeat(2000);
    let layer = Tar::new()
        .gnu_long(EntryType::GNULongName, deep.as_bytes())
        .directory("x")
        .finish();
    let text = refusal(&[layer]);
    assert!(text.contains("deeper than Linux allows"), "{text}");
}
