//! Removing trees, and the directory that containers live in.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use common::{Scratch, skip_without_root};
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

#[test]
fn a_store_that_others_could_exchange_is_refused_and_not_made() {
    let scratch = Scratch::new();
    let before = scratch.outside();
    let shared = scratch.path().join("target");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o777)).unwrap();
    let text = images::create_store(&shared.join("a/store"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("other users may write to") && text.contains("chmod go-w"),
        "{text}"
    );
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
    assert_eq!(scratch.outside(), before);
    // In a sticky directory only the owner of an entry may rename it.
    fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
    images::create_store(&shared.join("a/store")).unwrap();
    assert_eq!(mode(&shared.join("a")) & 0o022, 0);
    assert_eq!(mode(&shared.join("a/store")), 0o700);
}

#[test]
fn a_store_of_another_user_is_refused_and_left_as_it_is() {
    // Only root may give files away, and only root is misled by others.
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    let before = scratch.outside();
    fs::create_dir(scratch.store()).unwrap();
    fs::set_permissions(scratch.store(), Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::chown(scratch.store(), Some(65534), Some(65534)).unwrap();
    for find in [images::create_store, |path: &Path| {
        images::find_store(path).map(drop)
    }] {
        let text = find(&scratch.store()).unwrap_err().to_string();
        assert!(
            text.contains("belongs to user 65534") && text.contains("sudo chown root:root"),
            "{text}"
        );
        let text = find(&scratch.store().join("below"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("on the way there belongs to"), "{text}");
    }
    assert_eq!(fs::read_dir(scratch.store()).unwrap().count(), 0);
    assert_eq!(mode(&scratch.store()), 0o755);
    assert_eq!(scratch.outside(), before);
}

#[test]
fn root_makes_a_store_for_another_user_and_gives_away_none_that_is_in_use() {
    if skip_without_root("it gives a directory away") {
        return;
    }
    let (user, group) = (
        nix::unistd::Uid::from_raw(4242),
        nix::unistd::Gid::from_raw(2424),
    );
    let scratch = Scratch::new();
    let made = scratch.path().join("containers-4242");
    images::create_store_for(&made, user, group).unwrap();
    let owner = |path: &Path| {
        let about = fs::metadata(path).unwrap();
        (about.uid(), about.gid())
    };
    assert_eq!((owner(&made), mode(&made)), ((4242, 2424), 0o700));
    // It is there already, and has something in it.
    fs::write(made.join("a file"), "").unwrap();
    images::create_store_for(&made, user, group).unwrap();

    let roots = scratch.path().join("containers");
    images::create_store(&roots).unwrap();
    fs::write(roots.join("a file"), "").unwrap();
    let refused = images::create_store_for(&roots, user, group).unwrap_err();
    assert!(
        refused.to_string().contains("has something in it"),
        "{refused}"
    );
    assert_eq!(owner(&roots), (0, 0));
}

#[test]
fn a_cache_that_is_a_link_is_refused_and_not_followed() {
    let scratch = Scratch::new();
    let partial = scratch.canary().join("base-1-1.1-1.partial");
    fs::create_dir_all(partial.join("thesis")).unwrap();
    let before = scratch.outside();
    images::create_store(&scratch.store()).unwrap();
    symlink(scratch.canary(), scratch.store().join(".images")).unwrap();
    let refused = [
        images::create_store(&scratch.store()).unwrap_err(),
        images::remove_partial(&scratch.store()).unwrap_err(),
        images::remove(&scratch.images(), &scratch.store(), "base").unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("is no directory"), "{error}");
    }
    assert!(partial.join("thesis").exists());
    assert_eq!(scratch.outside(), before);
}

#[test]
fn what_is_half_made_is_looked_at_before_it_is_opened() {
    let scratch = Scratch::new();
    let cache = scratch.store().join(".images");
    fs::create_dir_all(cache.join("base-1-1.1-2.partial")).unwrap();
    let fifo = |path: &Path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // A reader that opens a FIFO without a writer waits for ever (fifo(7)).
    fifo(&cache.join("base-1-1.1-1.partial"));
    fifo(&cache.join("image-1-1.1-1"));
    fifo(&scratch.images().join(".base.tar.partial"));
    fifo(&scratch.images().join("pulled.tar"));
    assert_eq!(images::remove_partial(&scratch.store()).unwrap().len(), 1);
    assert!(
        images::remove_partial_archives(&scratch.images())
            .unwrap()
            .is_empty()
    );
    images::remove(&scratch.images(), &scratch.store(), "image").unwrap_err();
    images::may_put(&scratch.images(), "pulled", "there sha256:0").unwrap_err();
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 2);
    assert!(
        scratch
            .images()
            .join(".base.tar.partial")
            .symlink_metadata()
            .is_ok()
    );
}

#[test]
fn a_store_hands_no_rights_down() {
    // What setfacl -d -m user:33:rwx makes of it (acl(5)).
    const DEFAULT: &[u8] = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\x21\0\0\0\x04\0\x05\0\xff\xff\xff\xff\x10\0\x07\0\xff\xff\xff\xff\x20\0\x05\0\xff\xff\xff\xff";
    let scratch = Scratch::new();
    let parent = scratch.path().join("parent");
    fs::create_dir(&parent).unwrap();
    if xattr::set(&parent, "system.posix_acl_default", DEFAULT).is_err() {
        println!("not tried: no such attributes here");
        return;
    }
    let store = parent.join("store");
    // One that is new, and one that is closed already.
    for _ in 0..2 {
        images::create_store(&store).unwrap();
        assert_eq!(
            xattr::get(&store, "system.posix_acl_default").unwrap(),
            None
        );
        xattr::set(&store, "system.posix_acl_default", DEFAULT).unwrap();
    }
}

#[test]
fn what_is_begun_in_the_image_directory_is_ours() {
    if skip_without_root("another user's file is among them") {
        return;
    }
    let scratch = Scratch::new();
    let partial = scratch.images().join(".base.tar.partial");
    let victim = scratch.canary().join("file");
    let others: [fn(&Path, &Path); 3] = [
        |partial, victim| fs::hard_link(victim, partial).unwrap(),
        |partial, _| {
            fs::write(partial, "theirs").unwrap();
            std::os::unix::fs::chown(partial, Some(33), None).unwrap();
        },
        |partial, _| fs::create_dir(partial).unwrap(),
    ];
    for put in others {
        put(&partial, &victim);
        images::find(&scratch.images(), "base").unwrap_err();
        assert_eq!(fs::read(&victim).unwrap(), b"alive");
        let _ = fs::remove_file(&partial).or_else(|_| fs::remove_dir(&partial));
    }
    images::find(&scratch.images(), "base").unwrap();
}
