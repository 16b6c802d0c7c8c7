//! Ways out of a container, or to more than it was given. Each verb does one small
//! thing that any program could do; the check sees from outside whether it has worked.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use linux_sys::{
    AF_INET, CloneFlags, IFF_UP, Mode, MsFlags, Pid, SFlag, SIGKILL, SOCK_CLOEXEC, SOCK_DGRAM, Uid,
};

use super::failure::Failure;

/// An empty directory that every image has, to mount things on.
pub(super) const SPOT: &str = "/tmp";

/// Opens a file and leaves it open, to be seen from outside in `/proc/PID/fd`.
pub(super) fn keep(path: &Path, writable: bool) -> Result<(), Failure> {
    let opened = OpenOptions::new()
        .read(!writable)
        .write(writable)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path);
    std::mem::forget(opened.map_err(|why| named(path, &why))?);
    println!("opened {}, and left open", path.display());
    Ok(())
}

/// Ends a process; 0 is the caller's process group, -1 every process it may kill (kill(2)).
pub(super) fn kill(pid: i32) -> Result<(), Failure> {
    linux_sys::kill(Pid::from_raw(pid), SIGKILL)?;
    println!("killed {pid}");
    Ok(())
}

/// Enters another process's mount namespace: setns(2) moves the caller to the root there.
pub(super) fn enter(namespace: &Path) -> Result<(), Failure> {
    let file = File::open(namespace).map_err(|why| named(namespace, &why))?;
    linux_sys::setns(&file, CloneFlags::CLONE_NEWNS)?;
    println!("entered {}", namespace.display());
    Ok(())
}

/// Removes a message queue. They have a file system of their own, one for each IPC
/// namespace (mq_overview(7)).
pub(super) fn unqueue(name: &OsStr) -> Result<(), Failure> {
    linux_sys::mount("none", SPOT, "mqueue", MsFlags::empty(), "")?;
    let queue = Path::new(SPOT).join(name);
    fs::remove_file(&queue).map_err(|why| named(&queue, &why))?;
    println!("removed the message queue {}", name.display());
    Ok(())
}

/// Switches a network interface off.
pub(super) fn switch_off(interface: &str) -> Result<(), Failure> {
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
    let flags = linux_sys::siocgifflags(&socket, interface)?;
    linux_sys::siocsifflags(&socket, interface, flags & !IFF_UP)?;
    println!("switched {interface} off");
    Ok(())
}

/// Makes a control group at the top of the tree that can be mounted here.
pub(super) fn group(name: &OsStr) -> Result<(), Failure> {
    mount_groups("cpu")?;
    let group = Path::new(SPOT).join(name);
    fs::create_dir(&group).map_err(|why| named(&group, &why))?;
    println!("made the control group {}", name.display());
    Ok(())
}

/// Takes the limit of memory off the top of the tree that can be mounted here, which
/// in a cgroup namespace is one's own group.
pub(super) fn lift() -> Result<(), Failure> {
    mount_groups("memory")?;
    // Swap before memory: version 1 refuses a sum below its part. A kernel that does
    // not count swap has no file for it.
    let of_v1 = ["memory.memsw.limit_in_bytes", "memory.limit_in_bytes"];
    let of_v2 = ["memory.swap.max", "memory.max"];
    for (file, all) in of_v1
        .map(|it| (it, "-1"))
        .into_iter()
        .chain(of_v2.map(|it| (it, "max")))
    {
        let path = Path::new(SPOT).join(file);
        if path.exists() {
            fs::write(&path, all).map_err(|why| named(&path, &why))?;
        }
    }
    println!("lifted the limit of memory");
    Ok(())
}

/// Leaves one's control group for the top of the tree that can be mounted here.
pub(super) fn leave() -> Result<(), Failure> {
    mount_groups("cpu")?;
    let top = Path::new(SPOT);
    // Version 2 wants processes to live in the leaves.
    let leaf = top.join("left");
    let is_version_1 = top.join("tasks").exists();
    let group = if is_version_1 { top } else { &leaf };
    if !is_version_1 {
        fs::create_dir(group).map_err(|why| named(group, &why))?;
    }
    let file = group.join("cgroup.procs");
    fs::write(&file, "0").map_err(|why| named(&file, &why))?;
    println!("left the control group");
    Ok(())
}

/// Opens the files that kill and freeze the groups that the caller is in, by their names here.
pub(super) fn grip() -> Result<(), Failure> {
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let mut refused = "no hierarchy has a file that kills or freezes".into();
    let mut count = 0;
    let lines = own.lines().filter_map(|line| line.split_once(':'));
    for (names, group) in lines.filter_map(|(_, rest)| rest.split_once(':')) {
        let (kind, options) = match names {
            "" => ("cgroup2", ""),
            names => ("cgroup", names),
        };
        if let Err(why) = linux_sys::mount("none", SPOT, kind, MsFlags::empty(), options) {
            refused = why.into();
            continue;
        }
        for file in ["cgroup.kill", "cgroup.freeze", "freezer.state"] {
            let group = Path::new(SPOT).join(group.trim_start_matches('/'));
            let path = group.join(file);
            match OpenOptions::new().write(true).open(&path) {
                Ok(file) => {
                    std::mem::forget(file);
                    count += 1;
                }
                Err(why) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => refused = named(&path, &why),
            }
        }
    }
    if count == 0 {
        return Err(refused);
    }
    println!("opened {count} files, and left open");
    Ok(())
}

/// The hierarchy with this controller, on [`SPOT`].
fn mount_groups(controller: &str) -> Result<(), Failure> {
    let own = "/proc/self/cgroup";
    let groups = fs::read_to_string(own).map_err(|why| named(Path::new(own), &why))?;
    // `4:cpu,cpuacct:/a/b`: mount(2) must be told all that share a hierarchy.
    let of_version_1 = groups
        .lines()
        .filter_map(|line| line.split(':').nth(1))
        .find(|names| names.split(',').any(|name| name == controller));
    match of_version_1 {
        Some(names) => linux_sys::mount("none", SPOT, "cgroup", MsFlags::empty(), names)?,
        None => linux_sys::mount("none", SPOT, "cgroup2", MsFlags::empty(), "")?,
    }
    Ok(())
}

/// Takes memory and does not give it back.
pub(super) fn hoard(megabytes: u32) {
    for number in 0..megabytes {
        std::mem::forget(vec![(number % 255) as u8 + 1; 1 << 20]);
    }
    println!("took {megabytes} MB, and keep them");
}

/// Makes a character device in the first directory in which it can be opened.
pub(super) fn device(
    major: u32,
    minor: u32,
    directories: &[impl AsRef<Path>],
) -> Result<(), Failure> {
    let mut refused = "`device` needs a directory".into();
    for directory in directories {
        let path = directory.as_ref().join("escape");
        let number = linux_sys::makedev(major.into(), minor.into());
        linux_sys::mknod(
            &path,
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o600),
            number,
        )?;
        match File::open(&path) {
            Ok(device) => {
                std::mem::forget(device);
                println!("opened {}, and left open", path.display());
                return Ok(());
            }
            // What `nodev` says. Another directory may be on another mount.
            Err(why) => refused = named(&path, &why),
        }
    }
    Err(refused)
}

/// Moves into a new group in one's own, in the hierarchy of version 2.
pub(super) fn subgroup(name: &OsStr) -> Result<(), Failure> {
    linux_sys::mount("none", SPOT, "cgroup2", MsFlags::empty(), "")?;
    let group = Path::new(SPOT).join(name);
    fs::create_dir(&group).map_err(|why| named(&group, &why))?;
    let file = group.join("cgroup.procs");
    fs::write(&file, "0").map_err(|why| named(&file, &why))?;
    println!("moved to the control group {}", name.display());
    Ok(())
}

/// Makes a device node, tries to open it in three ways, and removes it. What came of all that is
/// a line of `report`: the numbers of the errors, 0 for none.
pub(super) fn opens(report: &Path, kind: SFlag, number: u64) -> Result<(), Failure> {
    // The root of a container may be mounted without devices. By its number, since two processes
    // may do this at the same time.
    let node = PathBuf::from(format!("/dev/opens-{}", std::process::id()));
    let made = linux_sys::mknod(&node, kind, Mode::from_bits_truncate(0o600), number);
    let mut results = vec![made.err().map_or(0, |why| why.errno() as i32)];
    for (read, write) in [(true, false), (false, true), (true, true)] {
        let opened = OpenOptions::new()
            .read(read)
            .write(write)
            .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY)
            .open(&node);
        results.push(opened.err().and_then(|why| why.raw_os_error()).unwrap_or(0));
    }
    let _ = fs::remove_file(&node);
    let words: Vec<String> = results.iter().map(i32::to_string).collect();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(report)
        .map_err(|why| named(report, &why))?;
    writeln!(file, "{}", words.join(" "))?;
    println!("{kind:?} {number:x}: {}", words.join(" "));
    Ok(())
}

/// Makes a mount writable that is not.
pub(super) fn remount(directory: &Path) -> Result<(), Failure> {
    // The mount may be read-only, or the whole file system, or both.
    linux_sys::mount(
        "",
        directory,
        "",
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND,
        "",
    )?;
    if let Err(why) = File::create(directory.join("writable"))
        && why.kind() == io::ErrorKind::ReadOnlyFilesystem
    {
        linux_sys::mount("", directory, "", MsFlags::MS_REMOUNT, "")?;
    }
    println!("remounted {} for writing", directory.display());
    Ok(())
}

/// Becomes root again.
pub(super) fn root() -> Result<(), Failure> {
    let root = Uid::from_raw(0);
    linux_sys::setresuid(root, root, root)?;
    println!("root");
    Ok(())
}

pub(super) fn named(path: &Path, why: &io::Error) -> Failure {
    format!("{}: {why}", path.display()).into()
}
