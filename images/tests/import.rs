//! From an archive that the user has to an image.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

mod common;

use std::fs::{self, File};
use std::io::Write;

use common::{Scratch, Tar, gzip, zstd};
use rstest::rstest;

fn root() -> Tar {
    Tar::new()
        .directory("bin")
        .file("bin/sh", "x")
        .hard_link("bin/bash", "bin/sh")
        .symlink("etc", "bin")
}

/// A layer larger than what is kept in memory, and a link to it, as Docker once wrote it.
fn saved() -> Tar {
    let layer = Tar::new()
        .directory("bin")
        .file("bin/sh", [7; 100_000])
        .finish();
    let config = r#"{"config":{"Cmd":["sh"],"User":"web"}}"#;
    Tar::new()
        .file("a/layer.tar", layer)
        .symlink("b/layer.tar", "../a/layer.tar")
        .hard_link("c/layer.tar", "a/layer.tar")
        .file("config.json", config)
        .file(
            "manifest.json",
            r#"[{"Config":"config.json","Layers":["a/layer.tar","b/layer.tar","c/layer.tar"]}]"#,
        )
}

fn import(bytes: &[u8], from: &str) -> Result<File, String> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let mut archive = tempfile::tempfile().unwrap();
    images::import(&file, from, &|| tempfile::tempfile(), &mut archive)
        .map(|()| archive)
        .map_err(|error| error.to_string())
}

#[rstest]
#[case::root(root(), &["bin/", "bin/bash", "bin/sh", "etc -> bin"])]
#[case::saved(saved(), &["bin/", "bin/sh"])]
#[case::of_one_program(Tar::new().file("hello", "x"), &["hello"])]
fn an_archive_becomes_an_image(
    #[case] archive: Tar,
    #[case] tree: &[&str],
    #[values(|bytes: &[u8]| bytes.to_vec(), gzip, zstd)] pack: fn(&[u8]) -> Vec<u8>,
) {
    let scratch = Scratch::new();
    let mut ours = import(&pack(&archive.finish()), "x.tar").unwrap();
    images::put(&scratch.images(), "x", &mut ours).unwrap();
    let image = images::find(&scratch.images(), "x").unwrap();
    image.unpack_into(&scratch.target()).unwrap();
    assert_eq!(scratch.tree(), tree);
    let listed = images::list(&scratch.images(), &scratch.store()).unwrap();
    assert_eq!(listed[0].origin.as_deref(), Some("imported from x.tar"));
}

#[test]
fn what_an_image_says_of_its_command_comes_along_also_the_second_time() {
    let scratch = Scratch::new();
    let mut once = import(&saved().finish(), "x.tar").unwrap();
    let file = images::put(&scratch.images(), "x", &mut once).unwrap();
    let mut twice = import(&gzip(&fs::read(file).unwrap()), "x.tar.gz").unwrap();
    images::put(&scratch.images(), "y", &mut twice).unwrap();
    for image in images::list(&scratch.images(), &scratch.store()).unwrap() {
        let config = image.config.unwrap();
        assert_eq!((&*config.user, config.command()), ("web", vec!["sh"]));
    }
}

#[test]
fn nothing_gives_way_to_what_is_imported() {
    let scratch = Scratch::new();
    let mut ours = import(&root().finish(), "x.tar").unwrap();
    images::put(&scratch.images(), "x", &mut ours).unwrap();
    let before = fs::read(scratch.images().join("x.tar")).unwrap();
    let error = images::put(&scratch.images(), "x", &mut ours).unwrap_err();
    assert!(
        error.to_string().contains("it was imported from x.tar"),
        "{error}"
    );
    assert_eq!(fs::read(scratch.images().join("x.tar")).unwrap(), before);
    assert!(images::may_put(&scratch.images(), "x", "imported from x.tar").is_err());
}

#[rstest]
#[case::nothing(b"".to_vec(), "the file is empty")]
#[case::no_member(Tar::new().finish(), "has no member")]
#[case::no_archive(b"hello".repeat(1000), "no tar archive")]
#[case::a_page(b"<html>".to_vec(), "page of the web")]
#[case::cut_short(root().unfinished()[..600].to_vec(), "cut short")]
#[case::out_of_it(root().file("../out", "x").finish(), "could lead out of the container")]
#[case::one_level_down(Tar::new().directory("a/").directory("a/bin").finish(), "one level down, in \"a\"")]
#[case::no_layer(Tar::new().file("manifest.json", r#"[{"Layers":[]}]"#).finish(), "empty list of layers")]
#[case::no_box(Tar::new().file("index.json", "{}").finish(), "no oci-layout")]
#[case::a_link_round(Tar::new().symlink("l", "l").file("manifest.json", r#"[{"Layers":["l"]}]"#).finish(), "\"l\" is missing")]
#[case::bad_config(Tar::new().file("c", r#"{"config":[]}"#).file("manifest.json", r#"[{"Config":"c","Layers":["c"]}]"#).finish(), "should be an object")]
fn what_cannot_become_one_is_refused(#[case] bytes: Vec<u8>, #[case] why: &str) {
    let text = import(&bytes, "x.tar").unwrap_err();
    for part in [why, "cannot import \"x.tar\"", "What to do"] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains(char::is_control), "{text:?}");
}
