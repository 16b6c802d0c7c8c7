//! More than one's share of what all have together: of a user's counts, of the disk, and
//! of a file that was handed in.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use linux_sys::{How, MntFlags, Pid, SignalSet, Uid};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::inotify::{InitFlags, Inotify};

use super::escape::named;
use super::failure::Failure;

/// The first of the real-time signals that the C library leaves to programs. The kernel queues
/// each real-time signal, and of every other kind keeps one pending (signal(7)).
const SIGRTMIN: i32 = 34;

/// Becomes another user, for good.
pub(super) fn become_user(uid: u32) -> Result<(), Failure> {
    let uid = Uid::from_raw(uid);
    linux_sys::setresuid(uid, uid, uid)?;
    println!("user {uid}");
    Ok(())
}

/// Makes inotify instances, which are descriptors, and keeps them.
pub(super) fn watch(number: u32) -> Result<(), Failure> {
    for _ in 0..number {
        let instance = Inotify::init(InitFlags::empty());
        std::mem::forget(instance.map_err(|why| format!("inotify_init1: {why}"))?);
    }
    println!("made {number} inotify instances");
    Ok(())
}

/// Sends itself signals that it does not take.
pub(super) fn queue(number: u32) -> Result<(), Failure> {
    linux_sys::sigprocmask(How::Block, &[SIGRTMIN].into_iter().collect::<SignalSet>())?;
    for _ in 0..number {
        linux_sys::kill(Pid::this(), SIGRTMIN)?;
    }
    println!("has {number} signals waiting");
    Ok(())
}

/// Makes pipes as large as a user may have them, and keeps them. They have room for that
/// and not the memory yet: it is counted all the same.
pub(super) fn pipes(number: u32) -> Result<(), Failure> {
    for _ in 0..number {
        let pipe = std::io::pipe()?;
        // When the share is used up it is refused: then this has done what it is for.
        let _ = fcntl(&pipe.0, FcntlArg::F_SETPIPE_SZ(1 << 20));
        std::mem::forget(pipe);
    }
    println!("made {number} pipes");
    Ok(())
}

/// Puts keys on the session keyring.
pub(super) fn keys(number: u32) -> Result<(), Failure> {
    for number in 0..number {
        linux_sys::add_key(format!("of-many-{number}"), b"from a container")?;
    }
    println!("added {number} keys");
    Ok(())
}

/// Writes a large file.
pub(super) fn fill(megabytes: u32, path: &Path) -> Result<(), Failure> {
    let mut file = File::create(path).map_err(|why| named(path, &why))?;
    let chunk = vec![1; 1 << 20];
    for _ in 0..megabytes {
        file.write_all(&chunk).map_err(|why| named(path, &why))?;
    }
    println!("wrote {megabytes} MB to {}", path.display());
    Ok(())
}

/// Makes many files that have nothing in them.
pub(super) fn litter(number: u32, directory: &Path) -> Result<(), Failure> {
    let litter = directory.join("litter");
    fs::create_dir(&litter).map_err(|why| named(&litter, &why))?;
    for number in 0..number {
        let path = litter.join(number.to_string());
        File::create(&path).map_err(|why| named(&path, &why))?;
    }
    println!("made {number} files in {}", litter.display());
    Ok(())
}

/// Unmounts its own root, which makes that file system read-only instead (umount(2)).
pub(super) fn unmount_root() -> Result<(), Failure> {
    linux_sys::umount2("/", MntFlags::empty())?;
    println!("/ is read-only");
    Ok(())
}

/// Makes a file empty by opening it.
pub(super) fn shorten(path: &Path) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).truncate(true).open(path);
    opened.map_err(|why| named(path, &why))?;
    println!("emptied {}", path.display());
    Ok(())
}
