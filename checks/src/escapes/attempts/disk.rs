//! The host's disk, memory that looks like one, and a file that the caller handed in.

use std::fs;
use std::path::Path;

use linux_sys::MsFlags;
use nix::sys::statvfs::{Statvfs, statvfs};

use super::{Sight, failed, hold, sight, text};
use crate::finding::Failure;
use crate::host::Host;
use crate::procfs;

/// A part of the sandbox's disk, which is a tmpfs, that cannot be overlooked.
const MEGABYTES: u64 = 64;
const FILES: u64 = 2000;
/// Room for an image, and for that.
const OWN_DISK: &str = "mode=0700,size=200m,nr_inodes=10k";

pub(crate) fn bytes(host: &Host, _: u8) -> Result<Sight, Failure> {
    let words = ["fill", &MEGABYTES.to_string(), "much"];
    let free = |disk: &Statvfs| (disk.blocks_free() * disk.fragment_size()) >> 20;
    taken(host, &words, MEGABYTES, "MB", free)
}

/// The same, with the containers on a file system of their own.
pub(crate) fn bytes_elsewhere(host: &Host, solution: u8) -> Result<Sight, Failure> {
    mount_disk(host)?;
    bytes(host, solution)
}

/// A disk for the containers alone.
fn mount_disk(host: &Host) -> Result<(), Failure> {
    let store = host.store();
    fs::create_dir(&store).map_err(|why| failed("mkdir", &why))?;
    linux_sys::mount("own", &store, "tmpfs", MsFlags::empty(), OWN_DISK)
        .map_err(|why| failed("the containers' own disk", &why))
}

/// A process that unmounts its own root makes that file system read-only instead, all of
/// it (umount(2)); and a bind mount's file system is the one that it was made of.
pub(crate) fn read_only(host: &Host, _: u8) -> Result<Sight, Failure> {
    mount_disk(host)?;
    let container = hold(host, &["unmount-root"], None)?;
    let mounts = host.mounts()?;
    let Some(disk) = procfs::mounted_at(&mounts, &text(&host.store())) else {
        return Err(Failure::seen("the containers' own disk is gone"));
    };
    let is_read_only = disk.super_options.split(',').any(|it| it == "ro");
    let seen = format!("the disk of the containers is {}", disk.super_options);
    Ok(sight(&container, is_read_only, seen))
}

pub(crate) fn inodes(host: &Host, _: u8) -> Result<Sight, Failure> {
    let words = ["litter", &FILES.to_string(), "."];
    taken(host, &words, FILES, "files", |disk| disk.files_free())
}

/// Whether the host's file system that holds the containers has lost so much.
fn taken(
    host: &Host,
    words: &[&str],
    much: u64,
    unit: &str,
    free: impl Fn(&Statvfs) -> u64,
) -> Result<Sight, Failure> {
    let look = || {
        let disk = statvfs(&host.images()).map_err(|why| failed("statvfs", &why))?;
        Ok::<u64, Failure>(free(&disk))
    };
    // What a container costs by itself is paid before.
    host.run(&["probe", "exit", "0"]).finish()?;
    let before = look()?;
    let container = hold(host, words, None)?;
    let after = look()?;
    let seen = format!("the host's disk has room for {after} {unit}, before it was {before}");
    let worked = before.saturating_sub(after) >= much;
    Ok(sight(&container, worked, seen))
}

/// Until 02 the container's /dev is the machine's own, with nothing to be tried in: the
/// files are made beside its others. From then on it is memory, by the megabyte.
pub(crate) fn empty_files(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let directory = if solution < 2 { "." } else { "/dev" };
    let words = ["litter", &FILES.to_string(), directory];
    let container = hold(host, &words, None)?;
    let inside = match directory {
        "." => container.proc("cwd"),
        _ => container.inside("dev"),
    };
    let made = fs::read_dir(inside.join("litter")).map_or(0, Iterator::count);
    let seen = format!("{made} files are in {}", inside.display());
    Ok(sight(&container, made as u64 >= FILES, seen))
}

/// A descriptor that can only be appended to can be opened once more, in another way: its
/// file has a path, /proc/self/fd/N, and the mode asks no descriptor (open(2), proc(5)).
pub(crate) fn log(host: &Host, _: u8) -> Result<Sight, Failure> {
    let log = host.path("log");
    shortened(host, &log, None)
}

fn shortened(host: &Host, log: &Path, option: Option<&str>) -> Result<Sight, Failure> {
    const YESTERDAY: &str = "what was said yesterday\n";
    fs::write(log, YESTERDAY).map_err(|why| failed("a log", &why))?;
    let words = ["probe", "try", "shorten", "/proc/self/fd/2", "then", "hold"];
    let mut run = host.run(&words).errors_to(log);
    if let Some(option) = option {
        run = run.option(option);
    }
    let container = run.hold()?;
    let content = fs::read(log).map_err(|why| failed("a log", &why))?;
    let is_gone = !content.starts_with(YESTERDAY.as_bytes());
    let how = if is_gone { "is gone" } else { "is still there" };
    let seen = format!("what was in the caller's log {how}");
    Ok(sight(&container, is_gone, seen))
}

pub(crate) fn log_as_user(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let option = super::since(10, solution, super::USER);
    shortened(host, &host.path("log"), option)
}
