//! A machine whose disk a abuser may ruin: an ext4 in a file, which is `/` for it.
//!
//! These abusers would make the true machine's file systems read-only, if the sandbox let
//! them. So the test judges them in namespaces that have nothing of the machine's mounted at
//! all, and the abusers refuse to do anything elsewhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Failed, Trial};
use linux_sys::{
    CloneFlags, Fork, MntFlags, Mode, MountAttr, MsFlags, SFlag, WaitOptions, WaitStatus,
};
use nix::unistd::geteuid;

use crate::Place;
use crate::judge::SENTENCE;
use crate::sandbox_abuse::{self, Abuse, Scene};

/// The first argument that makes this executable the supervisor of such a machine.
const ARGUMENT: &str = "--keep-a-loop-machine";

/// A file at the root of such a machine.
const MARK: &str = "/this-machine-may-be-wrecked";

/// The abuser that the sandbox does not stop: the check must tell what it changed.
const TOLD: &str = "shrink";

/// Abusers for this machine alone.
pub(crate) const KINDS: [(&str, Abuse); 4] = [
    ("unmount-root", unmount_root),
    ("remount", remount),
    ("unmount-roots", unmount_roots),
    (TOLD, shrink),
];

pub(crate) fn is_here() -> bool {
    Path::new(MARK).exists()
}

pub(crate) fn trials(place: &'static Place) -> impl Iterator<Item = Trial> {
    KINDS.iter().map(move |(kind, _)| {
        crate::trial(format!("superblocks::{kind}"), move || {
            survives(place, kind)
        })
    })
}

fn survives(place: &Place, kind: &str) -> Result<(), Failed> {
    let directory = place.abusers(kind);
    fs::create_dir_all(&directory)?;
    let own = std::env::current_exe()?;
    let mut command = match geteuid().is_root() {
        true => Command::new(&own),
        false => Command::new("sudo"),
    };
    if !geteuid().is_root() {
        command.arg("-n").arg(&own);
    }
    let checks = env!("CARGO_BIN_EXE_checks");
    command.args([ARGUMENT, kind, checks]).arg(&directory);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    // What the abuser ends with tells that it did all that it could.
    let expected = match kind {
        TOLD => "the machine's tmpfs on /dev had the options",
        _ => "ended with status 42",
    };
    match output.status.success() && said.contains(expected) {
        true => Ok(()),
        false => Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// The other side: `--keep-a-loop-machine KIND CHECKS DIRECTORY`.
pub(crate) fn role() -> Option<ExitCode> {
    let mut words = std::env::args().skip(1);
    if words.next()? != ARGUMENT {
        return None;
    }
    let (kind, checks, directory) = (words.next()?, words.next()?, words.next()?);
    let kept = keep(&kind, Path::new(&checks), Path::new(&directory));
    Some(kept.unwrap_or_else(|why| {
        eprintln!("the machine on a loop device: {why}");
        ExitCode::FAILURE
    }))
}

fn keep(kind: &str, checks: &Path, directory: &Path) -> io::Result<ExitCode> {
    let (disk, root) = (directory.join("disk"), directory.join("root"));
    fs::create_dir_all(&root)?;
    File::create(&disk)?.set_len(160 << 20)?;
    run(Command::new("mkfs.ext4").arg("-q").arg(&disk))?;
    let all = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    linux_sys::unshare(all).map_err(sandbox_abuse::error)?;
    private()?;
    // The loop device goes with its last mount, and that with this namespace.
    run(Command::new("mount")
        .args(["-o", "loop"])
        .args([&disk, &root]))?;
    lay_out(&root, kind, checks)?;
    // Not before: the first process that is made now is process 1, and there is no second.
    linux_sys::unshare(CloneFlags::CLONE_NEWPID).map_err(sandbox_abuse::error)?;
    match linux_sys::fork().map_err(sandbox_abuse::error)? {
        Fork::Child => {
            let status = match live(&root, kind) {
                Ok(()) => 0,
                Err(why) => {
                    println!("{why}");
                    1
                }
            };
            linux_sys::exit(status)
        }
        Fork::Parent { child } => {
            let status =
                linux_sys::waitpid(child, WaitOptions::empty()).map_err(sandbox_abuse::error)?;
            Ok(match status {
                WaitStatus::Exited(0) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            })
        }
    }
}

/// Programs, and what they need: the checks' own image has it, and these are linked alike.
fn lay_out(root: &Path, kind: &str, checks: &Path) -> io::Result<()> {
    let image = checks::write_probe_image(&root.join("image"))?;
    tar::Archive::new(File::open(image)?).unpack(root)?;
    for name in ["dev", "mnt", "old", "proc", "run", "sys", "tmp", "abusers"] {
        fs::create_dir_all(root.join(name))?;
    }
    fs::copy(checks, root.join("checks"))?;
    let abuser = format!("abusers/{}{kind}", sandbox_abuse::PREFIX);
    fs::copy(std::env::current_exe()?, root.join(abuser))?;
    fs::write(root.join(MARK.trim_start_matches('/')), "")
}

/// Process 1 of that machine: what the machine has mounted is the same afterwards.
fn live(root: &Path, kind: &str) -> io::Result<()> {
    furnish(root).map_err(sandbox_abuse::error)?;
    let before = superblocks()?;
    let judged = Command::new("/checks")
        .args(["judge", "--json", "--level", "00", "--only", SENTENCE])
        .args([
            "--binary",
            &format!("/abusers/{}{kind}", sandbox_abuse::PREFIX),
        ])
        .output()?;
    let errors = String::from_utf8_lossy(&judged.stderr);
    println!("{}{errors}", String::from_utf8_lossy(&judged.stdout));
    let after = superblocks()?;
    if (before != after) != (kind == TOLD) {
        let text = format!("the superblocks were\n{before:#?}\nand are\n{after:#?}");
        return Err(io::Error::other(text));
    }
    fs::write("/still-writable", "")
}

/// Every kind of file system that a machine has, none of them shared with the true one.
fn furnish(root: &Path) -> linux_sys::Result<()> {
    let none = MsFlags::empty();
    linux_sys::mount("proc", root.join("proc"), "proc", none, "")?;
    linux_sys::mount("sysfs", root.join("sys"), "sysfs", none, "")?;
    let dev = root.join("dev");
    linux_sys::mount("dev", &dev, "tmpfs", none, "mode=755,size=1m")?;
    for (name, minor) in [("null", 3), ("urandom", 9)] {
        let number = linux_sys::makedev(1, minor);
        let mode = Mode::from_bits_truncate(0o666);
        linux_sys::mknod(dev.join(name), SFlag::S_IFCHR, mode, number)?;
    }
    for (name, fstype) in [("pts", "devpts"), ("shm", "tmpfs"), ("mqueue", "mqueue")] {
        linux_sys::mkdir(dev.join(name), Mode::from_bits_truncate(0o755))?;
        linux_sys::mount(fstype, dev.join(name), fstype, none, "")?;
    }
    // As Debian 13 and Fedora have it. (On the disk, the checks' own temporary file would be
    // open for writing there, and by chance that would be enough.)
    linux_sys::mount("tmp", root.join("tmp"), "tmpfs", none, "size=100m")?;
    // One hides the other, as a second mount on a place does.
    for _ in 0..2 {
        linux_sys::mount("run", root.join("run"), "tmpfs", none, "size=1m")?;
    }
    linux_sys::pivot_root(root, root.join("old"))?;
    linux_sys::chdir("/")?;
    linux_sys::umount2("/old", MntFlags::MNT_DETACH)
}

/// The options of each file system that this process sees, by device.
fn superblocks() -> io::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let lines = text.lines().filter_map(|line| {
        let (mount, superblock) = line.split_once(" - ")?;
        Some((mount.split(' ').nth(2)?.to_owned(), superblock.to_owned()))
    });
    Ok(lines.collect())
}

fn private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    linux_sys::mount("", "/", "", flags, "").map_err(sandbox_abuse::error)
}

fn run(command: &mut Command) -> io::Result<()> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{command:?} has failed"))),
    }
}

/// What is left of a pivot_root(2) that was forgotten, or has failed.
fn unmount_root(_: &Scene) -> io::Result<bool> {
    let _ = linux_sys::umount2("/", MntFlags::empty());
    Ok(true)
}

/// Every file system read-only, where a mount was meant; then what lies below it.
fn remount(_: &Scene) -> io::Result<bool> {
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    peel(|point| drop(linux_sys::mount("", point, "", read_only, "")))
}

/// Another option of a file system, which stays writable. It is one of the machine's: in
/// /dev/shm, /tmp and /run the sandbox has its own.
fn shrink(_: &Scene) -> io::Result<bool> {
    let options = "mode=755,size=512k";
    let shrunk = linux_sys::mount("", "/dev", "", MsFlags::MS_REMOUNT, options);
    shrunk.map(|()| true).map_err(sandbox_abuse::error)
}

/// The same as [`unmount_root`], from every place that can be made one's root.
fn unmount_roots(_: &Scene) -> io::Result<bool> {
    peel(|point| {
        let unmount = || {
            linux_sys::chroot(point)?;
            linux_sys::umount2("/", MntFlags::empty())
        };
        if let Ok(Fork::Child) = linux_sys::fork() {
            let _ = unmount();
            linux_sys::exit(0);
        }
        let _ = linux_sys::waitpid(linux_sys::Pid::from_raw(-1), WaitOptions::empty());
    })
}

/// Does it to every mount, and when all are done, to what came to light below them.
fn peel(harm: impl Fn(&Path)) -> io::Result<bool> {
    let points = sandbox_abuse::mount_points()?;
    points.iter().for_each(|point| harm(point));
    let writable = MountAttr {
        clear: linux_sys::MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    let _ = linux_sys::mount_setattr("/", true, writable);
    points.iter().for_each(|point| harm(point));
    let root = PathBuf::from("/");
    for point in points.iter().filter(|point| **point != root) {
        let _ = linux_sys::umount2(point, MntFlags::MNT_DETACH);
        harm(point);
    }
    harm(&root);
    Ok(true)
}
