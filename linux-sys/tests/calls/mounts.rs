//! mount, umount, mount_setattr, pivot_root, chroot.

use std::fs;
use std::path::Path;

use linux_sys::{
    Errno, MntFlags, Mode, MountAttr, MountAttrFlags, MsFlags, chdir, chroot, mkdir, mount,
    mount_setattr, pivot_root, umount, umount2,
};

use crate::{Outcome, Test, fails, in_private_tmp};

pub(crate) const TESTS: &[Test] = &[
    ("mount_shows_and_umount_hides", mount_and_umount),
    ("a_bind_mount_shows_the_same_directory", bind),
    (
        "pivot_root_exchanges_the_root_and_detach_loses_the_old_one",
        pivot,
    ),
    ("chroot_changes_what_slash_means", change_root),
    ("mount_setattr_reaches_the_mounts_below", setattr),
];

fn new_directory(path: &str) {
    mkdir(path, Mode::from_bits_truncate(0o755)).unwrap();
}

fn mount_and_umount() -> Outcome {
    in_private_tmp()?;
    fs::write("/tmp/below", "").unwrap();
    mount(
        "scratch",
        "/tmp",
        "tmpfs",
        MsFlags::MS_NODEV,
        "size=1m,mode=700",
    )
    .unwrap();
    assert!(!Path::new("/tmp/below").exists());
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = table.lines().last().unwrap();
    assert!(
        line.contains(" /tmp rw,nodev") && line.contains(" - tmpfs scratch "),
        "{line}"
    );
    umount("/tmp").unwrap();
    assert!(Path::new("/tmp/below").exists());
    Ok(())
}

fn bind() -> Outcome {
    in_private_tmp()?;
    new_directory("/tmp/a");
    new_directory("/tmp/b");
    mount("/tmp/a", "/tmp/b", "", MsFlags::MS_BIND, "").unwrap();
    fs::write("/tmp/a/file", "same").unwrap();
    assert_eq!(fs::read_to_string("/tmp/b/file").unwrap(), "same");
    Ok(())
}

fn pivot() -> Outcome {
    in_private_tmp()?;
    fs::write("/tmp/new", "").unwrap();
    new_directory("/tmp/old");
    pivot_root("/tmp", "/tmp/old").unwrap();
    chdir("/").unwrap();
    assert!(Path::new("/new").exists() && Path::new("/old/proc").exists());
    umount2("/old", MntFlags::MNT_DETACH).unwrap();
    assert!(!Path::new("/old/proc").exists());
    Ok(())
}

fn change_root() -> Outcome {
    in_private_tmp()?;
    fs::write("/tmp/new", "").unwrap();
    chroot("/tmp").unwrap();
    chdir("/").unwrap();
    assert!(Path::new("/new").exists() && !Path::new("/proc").exists());
    fails(chdir("/tmp"), Errno::ENOENT, "begin at the *new* root");
    Ok(())
}

fn setattr() -> Outcome {
    in_private_tmp()?;
    new_directory("/tmp/below");
    mount("below", "/tmp/below", "tmpfs", MsFlags::empty(), "").unwrap();
    let read_only = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    let write = |path| fs::write(path, "").map_err(|error| error.raw_os_error());
    let refused = Err(Some(Errno::EROFS as i32));

    mount_setattr("/tmp", false, read_only).unwrap();
    assert_eq!((write("/tmp/x"), write("/tmp/below/x")), (refused, Ok(())));
    mount_setattr("/tmp", true, read_only).unwrap();
    assert_eq!((write("/tmp/x"), write("/tmp/below/x")), (refused, refused));

    let shared = MountAttr {
        clear: MountAttrFlags::MOUNT_ATTR_RDONLY,
        propagation: MsFlags::MS_SHARED,
        ..MountAttr::default()
    };
    mount_setattr("/tmp", true, shared).unwrap();
    assert_eq!(write("/tmp/below/x"), Ok(()));
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = table
        .lines()
        .find(|line| line.contains(" /tmp/below "))
        .unwrap();
    assert!(line.contains(" shared:"), "{line}");

    fails(
        mount_setattr("/tmp/below/x", false, read_only),
        Errno::EINVAL,
        "not a mount point",
    );
    Ok(())
}
