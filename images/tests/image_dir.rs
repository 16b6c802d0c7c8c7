//! The image directory: list, put, remove.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs::{self, File};
use std::io::Write;

use common::{Scratch, Tar, gzip};

/// An archive that was pulled from `origin`.
fn pulled(origin: &str, name: &str) -> File {
    let mut layer = tempfile::tempfile().unwrap();
    layer
        .write_all(&Tar::new().file(name, "x").finish())
        .unwrap();
    let mut archive = tempfile::tempfile().unwrap();
    images::merge_layers(&[layer], origin, &images::Config::default(), &mut archive).unwrap();
    archive
}

fn names(scratch: &Scratch) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(scratch.images())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_list_tells_name_size_state_and_origin() {
    let scratch = Scratch::new();
    let image = scratch.image(&gzip(&Tar::new().file("a", "x").finish()));
    fs::write(scratch.images().join("image.tar.gz"), "hidden by image.tar").unwrap();
    fs::write(scratch.images().join(".x.tar.partial"), "").unwrap();
    fs::create_dir(scratch.images().join("directory.tar")).unwrap();
    images::put(&scratch.images(), "pulled", &mut pulled("r sha256:1", "a")).unwrap();
    let list = || images::list(&scratch.images(), &scratch.store()).unwrap();
    let told = |listed: images::Listed| (listed.name, listed.unpacked, listed.origin);
    let expected = [
        ("image".into(), Some(false), None),
        ("pulled".into(), Some(false), Some("r sha256:1".into())),
    ];
    assert_eq!(list().into_iter().map(told).collect::<Vec<_>>(), expected);
    image.unpacked(&scratch.store()).unwrap();
    assert_eq!(list()[0].unpacked, Some(true));
    assert_eq!(list()[0].archive, image.archive());
}

#[test]
fn only_a_newer_one_of_the_same_reference_replaces_an_image() {
    let scratch = Scratch::new();
    let put = |name: &str, origin: &str| {
        images::put(&scratch.images(), name, &mut pulled(origin, "a")).map_err(|e| e.to_string())
    };
    put("x", "r sha256:1").unwrap();
    put("x", "r sha256:2").unwrap();
    let listed = images::list(&scratch.images(), &scratch.store()).unwrap();
    assert_eq!(listed[0].origin.as_deref(), Some("r sha256:2"));
    let text = put("x", "other sha256:2").unwrap_err();
    assert!(text.contains("pulled from r sha256:2"), "{text}");

    fs::write(scratch.images().join("mine.tar.zst"), "mine").unwrap();
    let text = put("mine", "r sha256:1").unwrap_err();
    assert!(text.contains("it was not pulled"), "{text}");
    assert!(put("base", "r sha256:1").is_err());
    assert!(put("../x", "r sha256:1").is_err());
    assert_eq!(names(&scratch), ["mine.tar.zst", "x.tar"]);
}

#[test]
fn what_does_not_say_where_it_is_from_is_not_put() {
    let scratch = Scratch::new();
    let mut archive = tempfile::tempfile().unwrap();
    archive
        .write_all(&Tar::new().file("a", "x").finish())
        .unwrap();
    assert!(images::put(&scratch.images(), "x", &mut archive).is_err());
    let mut odd = pulled("r \x1b[2J", "a");
    assert!(images::put(&scratch.images(), "x", &mut odd).is_err());
    assert_eq!(names(&scratch), [""; 0]);
}

#[test]
fn removing_takes_the_archive_and_its_trees_and_no_other() {
    let scratch = Scratch::new();
    let other = {
        fs::write(
            scratch.images().join("image-2.tar"),
            Tar::new().file("a", "x").finish(),
        )
        .unwrap();
        images::find(&scratch.images(), "image-2").unwrap()
    };
    let others = other.unpacked(&scratch.store()).unwrap();
    let first = scratch
        .image(&Tar::new().file("a", "x").finish())
        .unpacked(&scratch.store())
        .unwrap();
    fs::remove_file(scratch.images().join(common::ARCHIVE)).unwrap();
    let second = scratch
        .image(&Tar::new().file("b", "x").finish())
        .unpacked(&scratch.store())
        .unwrap();

    let mut removed = images::remove(&scratch.images(), &scratch.store(), "image").unwrap();
    removed.trees.sort();
    let mut expected = vec![first, second];
    expected.sort();
    assert_eq!(removed.trees, expected);
    assert_eq!(removed.archives, [scratch.images().join(common::ARCHIVE)]);
    assert!(removed.in_use.is_empty());
    assert!(others.join("a").exists());
    assert_eq!(
        fs::read_dir(scratch.store().join(".images"))
            .unwrap()
            .count(),
        1
    );
    let text = images::remove(&scratch.images(), &scratch.store(), "image").unwrap_err();
    assert!(
        text.to_string().contains("(there: base, image-2)"),
        "{text}"
    );
}
