//! The host's files and devices: by path, from above the root, by another process's root.

use std::fs::{self, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use linux_sys::{CloneFlags, MntFlags, OpenTreeFlags};

use super::{Sight, failed, hold, kept, left_in_canary, open_file, since, text, words};
use crate::finding::Failure;
use crate::host::Host;
use crate::seccomp_supervisor::sleeps_in;
use crate::{calls, namespace, procfs};
use sandbox::wait::await_that;

pub(crate) fn read_by_path(host: &Host, _: u8) -> Result<Sight, Failure> {
    let canary = host.canary().join("alive");
    let identity = procfs::identity(&canary)?;
    let container = hold(host, &["keep", &text(&canary)], None)?;
    Ok(kept(
        &container,
        |it| (it.dev(), it.ino()) == identity,
        "the host's canary",
    ))
}

pub(crate) fn breakout(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| words(&["breakout", mark]))
}

pub(crate) fn enter_namespace(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| {
        words(&["enter", "/proc/1/ns/mnt", "then", "try", "write", mark])
    })
}

pub(crate) fn root_of_process_1(host: &Host, _: u8) -> Result<Sight, Failure> {
    left_in_canary(host, |mark| {
        words(&["write", &format!("/proc/1/root{mark}")])
    })
}

/// The kernel's log, read by a device like any other: what works with it works with
/// a disk, and looking at it changes nothing.
const KMSG: (u32, u32) = (1, 11);
pub(crate) const KMSG_PATH: &str = "/dev/kmsg";

fn is_kmsg(file: &Metadata) -> bool {
    file.rdev() == linux_sys::makedev(KMSG.0.into(), KMSG.1.into())
}

pub(crate) fn device_of_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["keep", "/dev/kmsg"], None)?;
    Ok(kept(&container, is_kmsg, "the device 1:11"))
}

fn make_device(host: &Host, directories: &[&str]) -> Result<Sight, Failure> {
    let words = [&["device", "1", "11"], directories].concat();
    let container = hold(host, &words, None)?;
    Ok(kept(&container, is_kmsg, "the device 1:11"))
}

pub(crate) fn device_in_root(host: &Host, _: u8) -> Result<Sight, Failure> {
    make_device(host, &["."])
}

pub(crate) fn device_anywhere(host: &Host, solution: u8) -> Result<Sight, Failure> {
    make_device(host, &[&["."][..], dev(solution)].concat())
}

/// Until 02 the container's /dev is every container's, and the machine's: not a place
/// to make devices in.
fn dev(solution: u8) -> &'static [&'static str] {
    if solution < 2 { &[] } else { &["/dev"] }
}

/// A right that was asked for is a right; but to make a node is not to open it.
pub(crate) fn device_with_right(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let words = [&["device", "1", "11", "."][..], dev(solution)].concat();
    let container = hold(host, &words, since(11, solution, "--cap-add=ALL"))?;
    Ok(kept(&container, is_kmsg, "the device 1:11"))
}

/// A device of the host's that is mounted on a file of the container's /dev: by a person of the
/// host's who means well, or by a program there that was told to. No right of the command's is
/// needed for it, so it opens for writing, for which the log asks nothing either.
pub(crate) fn bound_device(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let words = "probe hold then try keep-writable /dev/full then pause";
    let command: Vec<&str> = words.split(' ').collect();
    let mut container = host.run(&command).hold()?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let device = linux_sys::open_tree(KMSG_PATH, flags).map_err(|why| failed("a device", &why))?;
    let target = container.inside("dev/full");
    let place = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_PATH)
        .open(&target)
        .map_err(|why| Failure::unreadable(&target, why))?;
    // A path of the mount namespace that the target is in, to take the mount away by.
    let root = fs::read_link(container.proc("root")).unwrap_or_default();
    let told = namespace::look_into(container.pid, CloneFlags::CLONE_NEWNS, || {
        let moved = linux_sys::move_mount(&device, &place);
        moved.map_or_else(|why| why.to_string(), |()| String::new())
    })?;
    if !told.is_empty() {
        return Err(Failure::seen(told));
    }
    container.release();
    // First it sleeps in the read of its standard input, and in the end in pause.
    let is_paused = || {
        let call = sleeps_in(container.pid).filter(|call| *call != nix::libc::SYS_read);
        call.is_some_and(|call| calls::RESTS.contains(&call))
    };
    await_that(|| open_file(&container, is_kmsg).is_some() || is_paused());
    let sight = kept(&container, is_kmsg, "the device 1:11");
    if solution < 2 {
        // It is the host's own /dev, or what the host sees as well.
        let _ = linux_sys::umount2(root.join("dev/full"), MntFlags::MNT_DETACH);
    }
    Ok(sight)
}

/// What "shocker" did to Docker in 2014: no path, so no root.
pub(crate) fn by_handle(host: &Host, _: u8) -> Result<Sight, Failure> {
    let canary = host.canary().join("alive");
    let identity = procfs::identity(&canary)?;
    let handle = linux_sys::name_to_handle_at(&canary).map_err(|why| failed("a handle", &why))?;
    let bytes: String = handle
        .bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let handle = format!("{:x}:{bytes}", handle.kind);
    // Any directory on the same file system will do.
    let directory = format!("/proc/1/root{}", text(&host.canary()));
    let container = hold(host, &["handle", &handle, ".", &directory], None)?;
    Ok(kept(
        &container,
        |it| (it.dev(), it.ino()) == identity,
        "the host's canary",
    ))
}
