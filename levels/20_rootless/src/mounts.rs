//! What the container sees as its file systems.

use std::path::Path;

use given::Error;
use linux_sys::{
    MntFlags, Mode, MsFlags, SFlag, chdir, makedev, mknod, mount, pivot_root, rmdir, symlink,
    umask, umount2,
};

/// The file systems that no archive can hold, because the kernel makes them up.
pub fn mount_proc_sys_dev(root: &Path) -> Result<(), Error> {
    // Nothing in them is a program to run, or a device to open (mount(2)).
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;

    mount("proc", given::mount_point(root, "proc")?, "proc", inert, "")?;

    // Read-only: what is in /sys are the knobs of the one kernel that all share.
    mount(
        "sysfs",
        given::mount_point(root, "sys")?,
        "sysfs",
        inert | MsFlags::MS_RDONLY,
        "",
    )?;

    // The host's /dev has every disk of the machine. Ours has what is made in it.
    // No NODEV here, of all places: the kernel would refuse to open its devices.
    // Without a limit it grows to half of the machine's memory; and there are two, because
    // a file that is empty has no size, and takes the kernel's memory all the same (tmpfs(5)).
    let dev = given::mount_point(root, "dev")?;
    mount(
        "tmpfs",
        &dev,
        "tmpfs",
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        "mode=755,size=64k,nr_inodes=1k",
    )?;
    make_devices(&dev)?;
    Ok(())
}

/// Make `root` the place that `/` means for this process and its children.
pub fn enter(root: &Path) -> Result<(), Error> {
    // The host's root has to go somewhere; pivot_root puts it below the new one.
    let old_root = given::mount_point(root, ".old-root")?;
    pivot_root(root, &old_root)?;
    // The working directory is still in the old root, and would keep it in reach.
    chdir("/")?;

    // Out of the mount table, with everything mounted below it. MNT_DETACH because
    // it is in use: by those mounts, and by this program, which was started from
    // it (umount2(2)).
    umount2("/.old-root", MntFlags::MNT_DETACH)?;
    rmdir("/.old-root")?;
    Ok(())
}

/// Name, major and minor number: the whole of what a device node is (mknod(2)).
const DEVICES: [(&str, u64, u64); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// Names that programs expect in /dev and that are only links.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// What a program may count on in /dev, and nothing else.
fn make_devices(dev: &Path) -> Result<(), Error> {
    // mknod takes the umask's bits away, and /dev/null must be everybody's.
    let umask_before = umask(Mode::empty());
    let made = DEVICES
        .iter()
        .try_for_each(|(name, major, minor)| make_device(dev, name, makedev(*major, *minor)));
    // The command inherits it, so it is put back, also after an error.
    umask(umask_before);
    made?;

    for (name, target) in LINKS {
        symlink(target, dev.join(name))?;
    }

    // Pseudo-terminals of our own: in the host's instance we could write to
    // every open terminal. Group 5 is `tty` (devpts in filesystems/devpts.rst). Given: a user
    // namespace with one user has no such group, and then the option is refused.
    let pts = given::mount_point(dev, "pts")?;
    let options = match given::has_group(5)? {
        true => "newinstance,ptmxmode=0666,mode=0620,gid=5",
        false => "newinstance,ptmxmode=0666,mode=0620",
    };
    mount(
        "devpts",
        pts,
        "devpts",
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        options,
    )?;

    // shm_open(3) wants a tmpfs here.
    let shm = given::mount_point(dev, "shm")?;
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = "mode=1777,size=64m,nr_inodes=16k";
    mount("shm", shm, "tmpfs", inert, options)?;
    Ok(())
}

/// Make a device of ours; or show the host's, where the kernel lets us make none.
fn make_device(dev: &Path, name: &str, number: u64) -> Result<(), Error> {
    let place = dev.join(name);
    let mode = Mode::from_bits_truncate(0o666);
    // TODO(20) 4. In a user namespace mknod is refused: show the host's device in its place. Bind
    // it over an empty file, which `given::create_file(&place)?` makes.
    mknod(&place, SFlag::S_IFCHR, mode, number)?;
    // END TODO(20)
    Ok(())
}
