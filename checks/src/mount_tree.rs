//! The whole mount tree of a container's namespace, down to what lies beneath its root, and
//! whose its mounts are.
//!
//! mountinfo shows a process what lies *on* its root, however deep it is buried there. It does
//! not show what the root lies on. After pivot_root(2) that is nothing, or an empty file system
//! that the kernel keeps at the bottom of each namespace. But a child that moves or binds a
//! directory onto `/` (MS_MOVE, MS_BIND in mount(2)) covers the host's tree with it, and all of
//! that tree is still there.
//!
//! So a child of the check's removes the roots, one after the other, in a copy of the namespace.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use linux_sys::{CloneFlags, Fork, MntFlags, Mode, MsFlags, Pid, WaitOptions};

use crate::container::Container;
use crate::finding::Failure;
use crate::host::Host;
use crate::procfs::{self, Mount};

/// What was at `/` of the namespace when all above it was gone.
pub(crate) struct Layer {
    /// Device and inode of that directory.
    pub(crate) root: (u64, u64),
    /// What is mounted there and below.
    pub(crate) mounts: Vec<Mount>,
}

/// The layers of the mount namespace that `pid` is in. The first one is what setns(2) leads to.
pub(crate) fn layers(pid: i32) -> Result<Vec<Layer>, Failure> {
    let path = procfs::path(pid, "ns/mnt");
    let failed = |why: &dyn std::fmt::Display| {
        Failure::seen(format!("the container's mounts cannot be looked at: {why}"))
            .at(path.display().to_string())
    };
    let namespace = std::fs::File::open(&path).map_err(|why| failed(&why))?;
    let (mut ours, mut theirs) = UnixStream::pair().map_err(|why| failed(&why))?;
    match linux_sys::fork().map_err(|why| failed(&why))? {
        Fork::Child => {
            drop(ours);
            let dug = dig(&namespace.into(), &mut theirs);
            linux_sys::exit(u8::from(dug.is_err()))
        }
        Fork::Parent { child } => {
            drop(theirs);
            let found = look(child.as_raw(), &mut ours);
            drop(ours);
            let status = linux_sys::waitpid(child, WaitOptions::empty());
            let layers = found?;
            match status {
                Ok(linux_sys::WaitStatus::Exited(0)) if !layers.is_empty() => Ok(layers),
                _ => Err(failed(
                    &"no process of the checks could enter their namespace",
                )),
            }
        }
    }
}

/// The client's part: looks at each layer that the digging child announces.
fn look(digger: i32, told: &mut UnixStream) -> Result<Vec<Layer>, Failure> {
    let mut layers = Vec::new();
    while told.read_exact(&mut [0]).is_ok() {
        layers.push(Layer {
            root: procfs::identity(procfs::path(digger, "root"))?,
            mounts: procfs::mounts(digger)?,
        });
        if told.write_all(&[1]).is_err() {
            break;
        }
    }
    Ok(layers)
}

/// The child's part: enters the namespace, announces each layer, and then unmounts it.
fn dig(namespace: &OwnedFd, client: &mut UnixStream) -> io::Result<()> {
    let failed = |why: linux_sys::Error| io::Error::other(why.to_string());
    // By this, setns leads to the top of our copy again, whatever /proc is by then.
    let myself = linux_sys::pidfd_open(Pid::this()).map_err(failed)?;
    linux_sys::setns(namespace, CloneFlags::CLONE_NEWNS).map_err(failed)?;
    linux_sys::unshare(CloneFlags::CLONE_NEWNS).map_err(failed)?;
    loop {
        client.write_all(&[1])?;
        client.read_exact(&mut [0])?;
        if take_root_away().is_err() {
            return Ok(());
        }
        linux_sys::setns(&myself, CloneFlags::CLONE_NEWNS).map_err(failed)?;
    }
}

/// Takes away the mount at `/`, with all that lies on it; an error if it is the last.
///
/// By a detour, for the machine's sake: the kernel repeats an umount of what lies on a shared
/// mount in all of that mount's peers, on the machine too. But pivot_root refuses a root that
/// lies on a shared mount (EINVAL). So first it puts an empty file system in the place of the
/// root; where that has worked, an umount is safe.
fn take_root_away() -> linux_sys::Result<()> {
    // Directories that are there in nearly every container, and on every host.
    let place = ["/proc", "/dev", "/sys"].map(Path::new);
    let place = place.into_iter().find(|path| path.is_dir());
    let place = place.unwrap_or(Path::new("/proc"));
    linux_sys::mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
    linux_sys::mount("empty", place, "tmpfs", MsFlags::empty(), "size=4k")?;
    linux_sys::chdir(place)?;
    linux_sys::mkdir("old", Mode::from_bits_truncate(0o700))?;
    linux_sys::pivot_root(".", "old")?;
    linux_sys::chdir("/")?;
    linux_sys::umount2("/old", MntFlags::MNT_DETACH)?;
    linux_sys::umount2("/", MntFlags::MNT_DETACH)
}

/// The host's mounts, and what of them a container may have.
pub(crate) struct HostsMounts {
    mounts: Vec<Mount>,
    store: PathBuf,
}

/// A mount of the host's that a container has.
pub(crate) struct HostsMount {
    /// The mount point in the container.
    pub(crate) point: PathBuf,
    pub(crate) fstype: String,
    /// The path on the host of what is mounted.
    pub(crate) path: PathBuf,
}

/// `the host's /etc is mounted on /etc`, ...
pub(crate) fn name_hosts(found: &[HostsMount]) -> String {
    let names = found.iter().map(|mount| {
        let (path, point) = (mount.path.display(), mount.point.display());
        format!("the host's {path} ({}) is mounted on {point}", mount.fstype)
    });
    procfs::few(names.collect(), 3)
}

/// What it usually means that a container has a mount of the host's.
pub(crate) const BOUND: &str = "a file or a directory of the host's was bound into the container \
                                (MS_BIND): with it the container has what is there, for as long \
                                as it runs. What it needs belongs into its image, or as a copy \
                                into its own directory";

/// File systems of which the kernel has one for each namespace, and the namespace: to mount
/// one anew is to mount the same one again.
const BY_NAMESPACE: [(&str, &str, &str); 3] = [
    ("proc", "pid", "/proc"),
    ("sysfs", "net", "/sys"),
    ("mqueue", "ipc", "/dev/mqueue"),
];

impl HostsMounts {
    /// To be asked before the container starts: what comes to the host by then is another
    /// check's matter.
    pub(crate) fn of(host: &Host) -> Result<HostsMounts, Failure> {
        Ok(HostsMounts {
            mounts: host.mounts()?,
            store: host.store(),
        })
    }

    /// The mounts among these that are the host's, and not the container's.
    pub(crate) fn among(&self, mounts: &[Mount], container: &Container) -> Vec<HostsMount> {
        let all = mounts.iter();
        all.filter_map(|mount| self.host_s(mount, container))
            .collect()
    }

    fn host_s(&self, mount: &Mount, container: &Container) -> Option<HostsMount> {
        let path = self.path(mount)?;
        let may_have = self.is_its_own(&path)
            || is_of_its_namespace(mount, container)
            || is_own_group(mount, &path, &self.mounts)
            || is_harmless_device(&container.inside(&mount.point.display().to_string()));
        (!may_have).then(|| HostsMount {
            point: mount.point.clone(),
            fstype: mount.fstype.clone(),
            path,
        })
    }

    /// What a mount shows, as a path on the host; none if it is no file system of the host's.
    fn path(&self, mount: &Mount) -> Option<PathBuf> {
        let is_same = |it: &&Mount| it.device == mount.device;
        let same = self.mounts.iter().filter(is_same);
        let below = |it: &Mount| {
            let rest = Path::new(&mount.root).strip_prefix(&it.root).ok()?;
            // Joined with nothing it would end in a slash.
            let is_all = rest.as_os_str().is_empty();
            Some(if is_all {
                it.point.clone()
            } else {
                it.point.join(rest)
            })
        };
        // The shortest path that the host has for it.
        let known = same
            .clone()
            .filter_map(below)
            .min_by_key(|path| path.components().count());
        // A part of the file system that is mounted nowhere on the host.
        known.or_else(|| {
            same.map(|it| it.point.join(mount.root.trim_start_matches('/')))
                .next()
        })
    }

    /// Whether it lies in the directory of a container, or is an unpacked image.
    fn is_its_own(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.store) else {
            return false;
        };
        let mut names = below
            .components()
            .map(|name| name.as_os_str().as_encoded_bytes());
        match names.next() {
            Some(name) if name.starts_with(b".") => names.next().is_some(),
            first => first.is_some(),
        }
    }

    /// The mount of the host's `/` among these, and those that lie below it.
    pub(crate) fn whole_host(found: &[HostsMount]) -> Option<&HostsMount> {
        found.iter().find(|mount| mount.path == Path::new("/"))
    }
}

/// Whether it is a file system that comes with a namespace that the container is in. One that
/// does not, in the place where that namespace's belongs, has a check of its own.
fn is_of_its_namespace(mount: &Mount, container: &Container) -> bool {
    let known = BY_NAMESPACE
        .iter()
        .find(|(fstype, ..)| mount.fstype == *fstype);
    let Some((_, namespace, place)) = known else {
        return false;
    };
    let identity = |pid: i32| procfs::identity(procfs::path(pid, &format!("ns/{namespace}"))).ok();
    mount.point.starts_with(place) || identity(container.pid) == identity(1)
}

/// Whether it is a control group below those that the host has mounted.
fn is_own_group(mount: &Mount, path: &Path, hosts: &[Mount]) -> bool {
    mount.fstype.starts_with("cgroup") && hosts.iter().all(|host| host.point != path)
}

/// Devices that every container has. A node may be bound where it cannot be made.
pub(crate) const DEVICES: [(&str, u64, u64); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

fn is_harmless_device(path: &Path) -> bool {
    let is_known = |device: u64| {
        let mut known = DEVICES.iter();
        known.any(|(_, major, minor)| device == linux_sys::makedev(*major, *minor))
    };
    path.symlink_metadata()
        .is_ok_and(|file| file.file_type().is_char_device() && is_known(file.rdev()))
}
