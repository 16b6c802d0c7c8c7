//! Mounts: which namespaces see them, and whether the command may make and change them.

use super::{Sight, hold, sight};
use crate::finding::Failure;
use crate::host::Host;
use crate::process;
use crate::procfs;

pub(crate) fn mount_on_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let count = || -> Result<usize, Failure> {
        let mounts = host.mounts()?;
        let is_it =
            |mount: &&procfs::Mount| mount.fstype == "tmpfs" && mount.point.ends_with("tmp");
        Ok(mounts.iter().filter(is_it).count())
    };
    let before = count()?;
    let container = hold(host, &["mount", "tmpfs", "/tmp"], None)?;
    let after = count()?;
    let seen = format!(
        "/proc/1/mountinfo has {} new tmpfs on a directory tmp",
        after - before
    );
    Ok(sight(&container, after > before, seen))
}

pub(crate) fn mounts_left(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["fds"], None)?;
    let pid = container.pid;
    process::kill(container.level())?;
    if process::is_alive(pid) {
        process::kill(pid)?;
    }
    let mounts = host.mounts()?;
    let store = host.store();
    let left: Vec<_> = mounts
        .iter()
        .filter(|it| it.point.starts_with(&store))
        .collect();
    let seen = match left.len() {
        0 => format!("/proc/1/mountinfo has nothing below {}", store.display()),
        _ => format!(
            "/proc/1/mountinfo still has {}",
            procfs::name_mounts(left.iter().copied())
        ),
    };
    Ok(sight(&container, !left.is_empty(), seen))
}

pub(crate) fn mount_inside(host: &Host, _: u8) -> Result<Sight, Failure> {
    mount_ramfs(host, &["mount", "ramfs", "/tmp"])
}

/// A process that makes a user namespace has all capabilities in it. After chroot(2) the
/// kernel refuses (EPERM), and the command needs none: it still has all of the host's root.
pub(crate) fn mount_with_own_users(host: &Host, _: u8) -> Result<Sight, Failure> {
    let words = ["own-users", "then", "try", "mount", "ramfs", "/tmp"];
    mount_ramfs(host, &words)
}

/// The same by a child, which clone3 has made: after chroot(2) the kernel refuses that as well,
/// and the command mounts by itself.
pub(crate) fn mount_with_heir(host: &Host, _: u8) -> Result<Sight, Failure> {
    let words = ["heir", "then", "try", "mount", "ramfs", "/tmp"];
    let container = hold(host, &words, None)?;
    let mut count = 0;
    for pid in process::children(container.pid)
        .into_iter()
        .chain([container.pid])
    {
        let mounts = procfs::mounts(pid)?;
        let ramfs = procfs::mounted_at(&mounts, "/tmp").is_some_and(|it| it.fstype == "ramfs");
        count += usize::from(ramfs);
    }
    let seen = format!("the command and its child have {count} ramfs on /tmp");
    Ok(sight(&container, count > 0, seen))
}

fn mount_ramfs(host: &Host, words: &[&str]) -> Result<Sight, Failure> {
    let container = hold(host, words, None)?;
    let mounts = container.mounts()?;
    let is_there = procfs::mounted_at(&mounts, "/tmp").is_some_and(|it| it.fstype == "ramfs");
    let what = if is_there { "a" } else { "no" };
    Ok(sight(
        &container,
        is_there,
        format!("the command's mountinfo has {what} ramfs on /tmp"),
    ))
}

pub(crate) fn remount_sys(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["remount", "/sys"], None)?;
    let mounts = container.mounts()?;
    let Some(mount) = procfs::mounted_at(&mounts, "/sys") else {
        return Err(Failure::seen("nothing is mounted at /sys"));
    };
    let of_system = mount.super_options.split(',').any(|it| it == "rw");
    let is_writable = mount.has_option("rw") && of_system;
    let seen = format!("/sys: {} and {}", mount.options, mount.super_options);
    Ok(sight(&container, is_writable, seen))
}
