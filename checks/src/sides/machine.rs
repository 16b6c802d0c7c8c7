//! What every machine has, and the sandbox needs to have for its sides to be compared.

use std::fs;
use std::path::{Path, PathBuf};

use linux_sys::{
    AF_INET, IFF_UP, MntFlags, MountAttr, MountAttrFlags, MsFlags, SOCK_CLOEXEC, SOCK_DGRAM,
    siocgifflags, siocsifflags,
};

/// Where every user may leave a file behind. The rest of the machine is read-only here.
const OPEN: [&str; 4] = ["/tmp", "/var/tmp", "/run", "/dev/shm"];

/// A loopback that is up, a /sys of the sandbox's own network, and empty directories that
/// can be written to, as far as that can be had. Returns these directories.
pub(crate) fn furnish(base: &Path, needed: &[&Path]) -> Vec<PathBuf> {
    // Where these fail, the comparison sees less, and no level is found wrong for it.
    let _ = switch_loopback(true);
    let _ = mount_sys(&base.join("sys"));
    let needed: Vec<PathBuf> = needed
        .iter()
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    let is_free = |path: &&str| {
        let is_directory = fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
        let covers = |needed: &PathBuf| needed.starts_with(path);
        is_directory && !base.starts_with(path) && !needed.iter().any(covers)
    };
    let mount = |path: &&str| {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        let options = "mode=1777,size=16m,nr_inodes=2k";
        linux_sys::mount("tmpfs", path, "tmpfs", flags, options).is_ok()
    };
    let open = OPEN.into_iter().filter(is_free).filter(mount);
    open.map(PathBuf::from).collect()
}

/// Switches the sandbox's loopback on or off.
pub(crate) fn switch_loopback(up: bool) -> linux_sys::Result<()> {
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
    let others = siocgifflags(&socket, "lo")? & !IFF_UP;
    siocsifflags(&socket, "lo", if up { others | IFF_UP } else { others })
}

/// A sysfs is one file system for each network namespace (sysfs(5)): the machine's is
/// another than the one that the level mounts in the sandbox. On a learner's machine they
/// are one, and what a level does to the file system it does to the host's /sys.
fn mount_sys(aside: &Path) -> linux_sys::Result<()> {
    let groups = Path::new("/sys/fs/cgroup");
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mode = linux_sys::Mode::from_bits_truncate(0o700);
    linux_sys::mkdir(aside, mode)?;
    // Only what can be mounted once can be mounted in place of the other.
    linux_sys::mount("sysfs", aside, "sysfs", inert, "")?;
    linux_sys::umount2(aside, MntFlags::MNT_DETACH)?;
    // What the sandbox has of control groups is mounted below, and stays. Private: what is
    // unmounted in one of two places is unmounted in its peer's, too.
    let whole = MsFlags::MS_BIND | MsFlags::MS_REC;
    linux_sys::mount(groups, aside, "", whole, "")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    linux_sys::mount("", aside, "", private, "")?;
    linux_sys::umount2("/sys", MntFlags::MNT_DETACH)?;
    linux_sys::mount("sysfs", "/sys", "sysfs", inert, "")?;
    linux_sys::mount(aside, groups, "", whole, "")?;
    linux_sys::umount2(aside, MntFlags::MNT_DETACH)?;
    linux_sys::rmdir(aside)?;
    // The mount, and not the file system: it has the knobs of the whole machine.
    let read_only = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    linux_sys::mount_setattr("/sys", false, read_only)
}
