//! Standard streams: as they were found for the caller, handed over to the command's user.

use std::io::{stderr, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::fchown;
use std::sync::OnceLock;

use linux_sys::{Uid, makedev};
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::sys::statfs::{FsType, fstatfs};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::Error;

/// How 0, 1 and 2 were. It belongs to what is open, and our caller has it open too.
static FOUND: OnceLock<[Found; 3]> = OnceLock::new();

struct Found {
    flags: Option<OFlag>,
    access: Option<Access>,
}

/// Which users may open a stream's file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Access {
    is_device: bool,
    user: u32,
    group: u32,
    mode: u32,
}

/// What makes a program run as its owner, or in its group, for every user who starts it.
const SETUID: u32 = 0o6000;

/// The file system that pipes are in (`PIPEFS_MAGIC` in linux/magic.h). A FIFO, which is a
/// pipe with a name, is in that of its name.
const PIPES: FsType = FsType(0x5049_5045);

fn each<T>(mut look: impl FnMut(BorrowedFd<'_>) -> T) -> [T; 3] {
    [
        look(stdin().as_fd()),
        look(stdout().as_fd()),
        look(stderr().as_fd()),
    ]
}

fn flags(stream: BorrowedFd<'_>) -> Option<OFlag> {
    let flags = fcntl(stream, FcntlArg::F_GETFL).ok()?;
    Some(OFlag::from_bits_retain(flags))
}

/// Of devices, the terminal among them, and of files. A pipe is handed over.
fn access(stream: BorrowedFd<'_>) -> Option<Access> {
    let about = fstat(stream).ok()?;
    let kind = SFlag::from_bits_truncate(about.st_mode & SFlag::S_IFMT.bits());
    (kind == SFlag::S_IFCHR || kind == SFlag::S_IFREG).then_some(Access {
        is_device: kind == SFlag::S_IFCHR,
        user: about.st_uid,
        group: about.st_gid,
        mode: about.st_mode & 0o7777,
    })
}

/// Take note of how the streams are, once.
pub(crate) fn remember() {
    FOUND.get_or_init(|| {
        each(|stream| Found {
            flags: flags(stream),
            access: access(stream),
        })
    });
}

/// Put that back, if the container left it changed. O_NONBLOCK, for one: a shell whose
/// input does not wait any more takes that for its end.
pub(crate) fn restore() {
    let Some(found) = FOUND.get() else { return };
    let mut found = found.iter();
    each(|stream| {
        let Some(found) = found.next() else { return };
        // What can be changed of the flags (fcntl(2)). There is no remedy for an error.
        if let Some(before) = found.flags.filter(|_| flags(stream) != found.flags) {
            let _ = fcntl(stream, FcntlArg::F_SETFL(before));
        }
        if let (Some(before), Some(now)) = (found.access, access(stream))
            && before != now
        {
            restore_access(stream, before, now);
        }
    });
}

/// A device is used by many, so it becomes what it was. A file is the caller's, who may
/// have changed it meanwhile; but a setuid program it has become by the container's doing.
fn restore_access(stream: BorrowedFd<'_>, before: Access, now: Access) {
    if before.is_device {
        // In this order: an owner could change the mode again.
        let _ = fchown(stream, Some(before.user), Some(before.group));
        let _ = fchmod(stream, Mode::from_bits_truncate(before.mode));
    } else if now.mode & SETUID & !before.mode != 0 {
        let mode = now.mode & !(SETUID & !before.mode);
        let _ = fchmod(stream, Mode::from_bits_truncate(mode));
    }
}

/// An error where one of 0, 1 and 2 is a directory (`<.`), or a place to begin a path at
/// (O_PATH): what is behind it could be reached from the container, by any root.
pub(crate) fn are_no_doors() -> Result<(), Error> {
    let is_door = |stream: BorrowedFd<'_>| {
        let is_directory = fstat(stream).is_ok_and(|it| {
            SFlag::from_bits_truncate(it.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR
        });
        is_directory || flags(stream).is_some_and(|flags| flags.contains(OFlag::O_PATH))
    };
    match each(is_door).iter().position(|&is_door| is_door) {
        None => Ok(()),
        Some(number) => Err(format!(
            "descriptor {number} is a directory, or a place in the host's tree: through it the container \
             could reach all that is around. Start this with another one: </dev/null"
        )
        .into()),
    }
}

/// The devices that make nothing out of what is written: the host's are replaced by the
/// container's own, where it has a /dev. `</dev/null` is common, and root in the container
/// could close the host's to everybody, by `chmod 600 /proc/self/fd/0`.
pub(crate) fn own_devices() {
    const NULLS: [(u64, &str); 3] = [(3, "/dev/null"), (5, "/dev/zero"), (7, "/dev/full")];
    let own = |stream: BorrowedFd<'_>| {
        let device = fstat(stream).ok()?.st_rdev;
        let is_it = |&&(minor, _): &&(u64, &str)| device == makedev(1, minor);
        let (_, path) = NULLS.iter().find(is_it)?;
        let how = flags(stream)? & OFlag::O_ACCMODE;
        let own = open(*path, how | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
        (fstat(&own).ok()?.st_rdev == device).then_some(own)
    };
    let [input, output, errors] = each(own);
    // One that there is none for stays as it is.
    let _ = input.map(dup2_stdin);
    let _ = output.map(dup2_stdout);
    let _ = errors.map(dup2_stderr);
}

/// Give 0, 1 and 2 to `user`, where they are pipes. To be called while we are root.
///
/// A program that opens /dev/stdout opens what descriptor 1 is, once more and by its name
/// in /proc. Then the kernel looks at its owner and its mode, as for any file; for what is
/// open already it does not. A pipe belongs to the user who made it, in mode 0600.
///
/// Only pipes: they have no name, and are gone when no process has them open any more.
/// A file keeps its owner after the container, a device on the machine, and a terminal is
/// the caller's: the user of the container would own what the caller types on.
pub fn hand_over_streams(user: Uid) {
    each(|stream| {
        if fstatfs(stream).is_ok_and(|it| it.filesystem_type() == PIPES) {
            // One that may not be given away can still be used, as long as it stays open.
            let _ = fchown(stream, Some(user.as_raw()), None);
        }
    });
}
