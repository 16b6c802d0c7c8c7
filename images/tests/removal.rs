//! Removing trees, and the directory that containers live in.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use common::Scratch;
use rstest::rstest;

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_tree_is_removed_with_everything_in_it() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.target().join("a/b/c")).unwrap();
    fs::create_dir_all(scratch.target().join("a/empty")).unwrap();
    fs::create_dir_all(scratch.target().join("a/other")).unwrap();
    for name in ["a/1", "a/b/2", "a/b/c/3", "a/other/4"] {
        fs::write(scratch.target().join(name), "x").unwrap();
    }
    images::remove_tree(&scratch.target()).unwrap();
    assert!(!scratch.target().exists());
}

#[test]
fn a_path_that_does_not_exist_is_fine() {
    let scratch = Scratch::new();
    images::remove_tree(&scratch.target()).unwrap();
    images::remove_tree(&scratch.target().join("not/there")).unwrap();
}

#[test]
fn links_are_removed_and_not_followed() {
    let scratch = Scratch::new();
    let before = scratch.outside();
    fs::create_dir(scratch.target()).unwrap();
    symlink(scratch.canary(), scratch.target().join("directory")).unwrap();
    symlink(scratch.canary().join("file"), scratch.target().join("file")).unwrap();
    images::remove_tree(&scratch.target()).unwrap();
    assert!(!scratch.target().exists());
    symlink(scratch.canary(), scratch.target()).unwrap();
    images::remove_tree(&scratch.target()).unwrap();
    assert!(scratch.target().symlink_metadata().is_err());
    assert_eq!(scratch.outside(), before);
}

#[test]
fn a_tree_that_is_too_deep_for_a_path_is_removed() {
    let scratch = Scratch::new();
    // Each step through an open directory: the whole path would be 40 times PATH_MAX.
    let mut here = fs::File::open(scratch.path()).unwrap();
    let mut name = "target".to_owned();
    for _ in 0..1000 {
        nix::sys::stat::mkdirat(&here, name.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let flags = nix::fcntl::OFlag::O_DIRECTORY | nix::fcntl::OFlag::O_CLOEXEC;
        here = nix::fcntl::openat(&here, name.as_str(), flags, nix::sys::stat::Mode::empty())
            .unwrap()
            .into();
        name = "d".repeat(160);
    }
    images::remove_tree(&scratch.target()).unwrap();
    assert!(!scratch.target().exists());
}

#[rstest]
#[case("/")]
#[case("..")]
#[case("/tmp/..")]
fn a_path_without_a_name_is_not_removed(#[case] path: &str) {
    let text = images::remove_tree(Path::new(path))
        .unwrap_err()
        .to_string();
    assert!(text.contains("does not end in the name"), "{text}");
}

#[test]
fn a_store_is_made_closed_to_others() {
    let scratch = Scratch::new();
    let store = scratch.path().join("target/a/store");
    images::create_store(&store).unwrap();
    images::create_store(&store).unwrap();
    assert_eq!(mode(&store), 0o700);
}

#[test]
fn a_store_that_lets_others_in_is_closed() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.store().join(".images")).unwrap();
    fs::create_dir(scratch.store().join("0123456789ab")).unwrap();
    fs::set_permissions(scratch.store(), Permissions::from_mode(0o755)).unwrap();
    images::create_store(&scratch.store()).unwrap();
    assert_eq!(mode(&scratch.store()), 0o700);
}

#[test]
fn a_directory_with_other_things_in_it_is_not_closed() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.store()).unwrap();
    fs::write(scratch.store().join("thesis"), "x").unwrap();
    fs::set_permissions(scratch.store(), Permissions::from_mode(0o1777)).unwrap();
    let text = images::create_store(&scratch.store())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("thesis") && text.contains("RUBBER_DOCKER_CONTAINERS"),
        "{text}"
    );
    assert_eq!(mode(&scratch.store()), 0o1777);
}

#[test]
fn a_store_that_is_a_file_is_an_error() {
    let scratch = Scratch::new();
    fs::write(scratch.store(), "x").unwrap();
    let text = images::create_store(&scratch.store())
        .unwrap_err()
        .to_string();
    assert!(text.contains("is a file"), "{text}");
}
