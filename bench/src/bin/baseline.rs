//! The least that rd's work costs: its system calls, and nothing around them.
//!
//!   baseline STORE TREE GROUP... COMMAND
//!
//! What rd has to find out is an argument here: STORE exists, TREE is the unpacked
//! image, each GROUP is a `rubber-docker` in which a control group is made. There is no
//! command line with options, no search for the image or for the hierarchies, no thought
//! for terminals, and after an error nothing is tidied up. Every call that makes the
//! container is here, once and in rd's order, which src/container.rs of levels/complete
//! explains.

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use given::Error;
use linux_sys::{
    AF_INET, Capabilities, Capability, CapabilitySet, CloneFlags, CloseRangeFlags, Disposition,
    How, IFF_UP, MntFlags, Mode, MsFlags, Pid, SFlag, SIGKILL, SOCK_CLOEXEC, SOCK_DGRAM, SignalSet,
    WaitOptions, WaitStatus, cap_ambient_clear_all, capbset_drop, capset, chdir, chmod, clone,
    close_range, execve, makedev, mkdir, mknod, mount, pidfd_open, pivot_root, rmdir,
    set_pdeathsig, setgroups, sethostname, signal, sigprocmask, siocgifflags, siocsifflags, socket,
    symlink, umask, umount2, unshare, waitpid,
};

/// rd's usual capabilities, by number.
const KEPT: [Capability; 13] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_NET_RAW,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_AUDIT_WRITE,
    Capability::CAP_SETFCAP,
];

struct Container {
    id: String,
    directory: PathBuf,
    merged: PathBuf,
    groups: Vec<PathBuf>,
    command: String,
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or("baseline STORE TREE GROUP... COMMAND")
    };
    let (store, tree) = (PathBuf::from(next()?), PathBuf::from(next()?));
    let mut rest: Vec<String> = arguments.collect();
    let command = rest.pop().ok_or("baseline STORE TREE GROUP... COMMAND")?;

    let id = given::new_id();
    let directory = store.join(&id);
    let container = Container {
        merged: directory.join("merged"),
        groups: rest
            .iter()
            .map(|parent| Path::new(parent).join(&id))
            .collect(),
        id,
        directory,
        command,
    };
    run(&container, &tree)
}

fn run(container: &Container, tree: &Path) -> Result<(), Error> {
    let directory = &container.directory;
    let mode = Mode::from_bits_truncate(0o755);

    let _claim = given::create_container_dir(directory, false)?;
    symlink(tree, directory.join("lower"))?;
    for name in ["upper", "work", "merged"] {
        mkdir(directory.join(name), mode)?;
    }
    chmod(directory.join("upper"), mode)?;
    for group in &container.groups {
        mkdir(group, mode)?;
    }

    let _parent = pidfd_open(Pid::this())?;
    sigprocmask(How::Block, &SignalSet::all())?;
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET;
    let child = clone(|| given::exit(contain(container)), namespaces)?;
    let status = waitpid(child, WaitOptions::empty())?;

    // As rd does: has the kernel killed a process in the memory controller's group?
    let mut kills = container
        .groups
        .iter()
        .map(|group| fs::read(group.join("memory.oom_control")));
    let _ = kills.find(Result::is_ok);
    let _ = std::io::stderr().write_all(b"baseline: ended\n");
    for group in &container.groups {
        rmdir(group)?;
    }
    // What overlayfs leaves in `work` is known: nothing has to be looked for.
    for name in ["upper", "merged"] {
        rmdir(directory.join(name))?;
    }
    fs::remove_file(directory.join("lower"))?;
    fs::remove_file(directory.join("work/work/incompat/volatile/dirty"))?;
    for name in [
        "work/work/incompat/volatile",
        "work/work/incompat",
        "work/work",
        "work",
        "",
    ] {
        rmdir(directory.join(name))?;
    }
    match status {
        WaitStatus::Exited(0) => Ok(()),
        other => Err(format!("the command ended with {other:?}").into()),
    }
}

fn contain(container: &Container) -> Result<Infallible, Error> {
    for group in &container.groups {
        // Version 1's file for single threads, where there is one: see level 08.
        let mut file = OpenOptions::new();
        file.write(true)
            .open(group.join("tasks"))
            .or_else(|_| file.open(group.join("cgroup.procs")))?
            .write_all(b"0")?;
    }
    unshare(CloneFlags::CLONE_NEWCGROUP)?;
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
    sethostname(&container.id)?;
    let inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)?;
    let flags = siocgifflags(&inet, "lo")?;
    siocsifflags(&inet, "lo", flags | IFF_UP)?;
    drop(inet);

    mount_all(container)?;
    enter(&container.merged)?;
    drop_capabilities()?;

    set_pdeathsig(SIGKILL)?;
    for signum in 1..=64 {
        let _ = signal(signum, Disposition::Default);
    }
    sigprocmask(How::SetMask, &SignalSet::empty())?;
    close_range(3, u32::MAX, CloseRangeFlags::empty())?;
    let environment: [&str; 0] = [];
    Ok(execve(
        &container.command,
        &[&container.command],
        &environment,
    )?)
}

fn mount_all(container: &Container) -> Result<(), Error> {
    let merged = &container.merged;
    let layers = format!(
        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work,volatile",
        container.directory.display()
    );
    mount("overlay", merged, "overlay", MsFlags::MS_NODEV, &layers)?;

    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let closed = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let read_only = inert | MsFlags::MS_RDONLY;
    mount("proc", place(merged, "proc")?, "proc", inert, "")?;
    mount("sysfs", place(merged, "sys")?, "sysfs", read_only, "")?;
    let dev = place(merged, "dev")?;
    mount("tmpfs", &dev, "tmpfs", closed, "mode=755,size=64k")?;

    let before = umask(Mode::empty());
    for (name, major, minor) in [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    ] {
        let mode = Mode::from_bits_truncate(0o666);
        mknod(dev.join(name), SFlag::S_IFCHR, mode, makedev(major, minor))?;
    }
    umask(before);
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name))?;
    }
    let pts = "newinstance,ptmxmode=0666,mode=0620,gid=5";
    mount("devpts", place(&dev, "pts")?, "devpts", closed, pts)?;
    let shm = "mode=1777,size=64m";
    mount("shm", place(&dev, "shm")?, "tmpfs", inert, shm)?;
    Ok(())
}

/// Opens it without following a link, as rd does: that safety is a part of the cost.
fn place(root: &Path, name: &str) -> Result<PathBuf, Error> {
    given::mount_point(root, name)
}

fn enter(merged: &Path) -> Result<(), Error> {
    pivot_root(merged, place(merged, ".old-root")?)?;
    chdir("/")?;
    umount2("/.old-root", MntFlags::MNT_DETACH)?;
    rmdir("/.old-root")?;
    Ok(())
}

fn drop_capabilities() -> Result<(), Error> {
    let kept: CapabilitySet = KEPT.into_iter().collect();
    for capability in Capability::ALL.iter().copied() {
        if !kept.contains(capability) {
            capbset_drop(capability)?;
        }
    }
    setgroups(&[])?;
    cap_ambient_clear_all()?;
    capset(&Capabilities {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    })?;
    Ok(())
}
