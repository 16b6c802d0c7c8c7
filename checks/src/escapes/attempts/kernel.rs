//! The one kernel's own files: what it knows, and the knobs that it is governed by.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

use super::{Sight, USER, failed, flags, hold, sight, since};
use crate::container::Container;
use crate::finding::Failure;
use crate::host::Host;
use crate::procfs;

/// What the kernel does with the memory of a program that crashes: store it in a file
/// or hand it to a program, which it starts on the host.
const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";
/// The program that the kernel starts on the host when it wants a module.
pub(crate) const MODPROBE: &str = "/proc/sys/kernel/modprobe";
/// The machine's memory, as a file.
pub(crate) const KCORE: &str = "/proc/kcore";
pub(crate) const TIMERS: &str = "/proc/timer_list";
/// Who may make an io_uring: 0 is everybody.
pub(crate) const RINGS: &str = "/proc/sys/kernel/io_uring_disabled";

/// Open for writing is enough: to write would change the machine.
pub(crate) fn core_pattern(host: &Host, _: u8) -> Result<Sight, Failure> {
    opened(host, "keep-writable", CORE_PATTERN, None)
}

/// The same by all that a process may do that has every right, if only in a user namespace of
/// its own. After chroot(2) the kernel refuses one (EPERM), and the command needs none.
pub(crate) fn knob_with_own_users(host: &Host, _: u8) -> Result<Sight, Failure> {
    let words = ["own-users", "then", "try", "knob", CORE_PATTERN];
    opened_by(host, &words, CORE_PATTERN, None)
}

pub(crate) fn core_pattern_as_user(host: &Host, solution: u8) -> Result<Sight, Failure> {
    opened(
        host,
        "keep-writable",
        CORE_PATTERN,
        since(10, solution, USER),
    )
}

pub(crate) fn modprobe(host: &Host, _: u8) -> Result<Sight, Failure> {
    opened(host, "keep-writable", MODPROBE, None)
}

pub(crate) fn log(host: &Host, _: u8) -> Result<Sight, Failure> {
    opened(host, "keep", "/proc/kmsg", None)
}

pub(crate) fn memory(host: &Host, _: u8) -> Result<Sight, Failure> {
    opened(host, "keep", KCORE, None)
}

pub(crate) fn timers(host: &Host, _: u8) -> Result<Sight, Failure> {
    opened(host, "keep", TIMERS, None)
}

/// A ring is a descriptor; what is written to its memory later is no system call.
pub(crate) fn ring(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["ring"], None)?;
    let entries = fs::read_dir(container.proc("fd")).map_err(|why| failed("/proc/PID/fd", &why))?;
    let mut targets = entries
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    let is_there = targets.any(|target| target == Path::new("anon_inode:[io_uring]"));
    let what = if is_there { "a" } else { "no" };
    let seen = format!("the command has {what} ring open");
    Ok(sight(&container, is_there, seen))
}

/// A file of the kernel's that the command has open, be it of another /proc than ours.
fn opened(host: &Host, verb: &str, path: &str, option: Option<&str>) -> Result<Sight, Failure> {
    opened_by(host, &[verb, path], path, option)
}

/// For reading if the verb is `keep`, otherwise for writing.
fn opened_by(
    host: &Host,
    words: &[&str],
    path: &str,
    option: Option<&str>,
) -> Result<Sight, Failure> {
    let container = hold(host, words, option)?;
    let wanted = if words.first() == Some(&"keep") { 0 } else { 1 };
    let flags = flags_of_open(&container, path);
    let seen = match flags {
        Some(flags) => format!("the command has {path} open with the flags {flags:#o}"),
        None => format!("the command does not have {path} open"),
    };
    let is_open = flags.is_some_and(|flags| flags & 0o3 == wanted);
    Ok(sight(&container, is_open, seen))
}

/// How the kernel's own file of this name is open. What lies mounted on it has the same path, so
/// the file system of the open file is asked, and not only its name.
fn flags_of_open(container: &Container, path: &str) -> Option<i32> {
    let name = Path::new(path).file_name().unwrap_or(OsStr::new(path));
    let is_of_proc =
        |file: &Path| statfs(file).is_ok_and(|it| it.filesystem_type() == PROC_SUPER_MAGIC);
    let entries = fs::read_dir(container.proc("fd")).ok()?;
    let entry = entries.flatten().find(|entry| {
        let target = fs::read_link(entry.path());
        target.is_ok_and(|target| target.file_name() == Some(name)) && is_of_proc(&entry.path())
    })?;
    flags(container, &entry.file_name())
}

/// Where this is the whole machine, and the machine is there to be broken.
pub(crate) fn core_pattern_written(host: &Host, _: u8) -> Result<Sight, Failure> {
    let file = CORE_PATTERN;
    let before = procfs::read_text(file)?;
    let container = hold(host, &["write", file, "|/escaped"], None)?;
    let after = procfs::read_text(file)?;
    fs::write(file, &before).map_err(|why| failed(file, &why))?;
    let seen = format!("the host's core_pattern is {}", after.trim_end());
    Ok(sight(&container, after.trim_end() == "|/escaped", seen))
}

/// Some order that can be taken back: how much of the log goes to the console.
pub(crate) fn sysrq(host: &Host, _: u8) -> Result<Sight, Failure> {
    let file = "/proc/sys/kernel/printk";
    let before = procfs::read_text(file)?;
    let container = hold(host, &["write", "/proc/sysrq-trigger", "1"], None)?;
    let after = procfs::read_text(file)?;
    fs::write(file, &before).map_err(|why| failed(file, &why))?;
    let level = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let seen = format!("the host's {file} is {:?}", after.trim_end());
    let has_obeyed = level(&after).as_deref() == Some("1") && level(&before) != level(&after);
    Ok(sight(&container, has_obeyed, seen))
}
