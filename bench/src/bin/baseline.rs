//! The least that rd's work costs: its system calls, and nothing around them.
//!
//!   baseline STORE TREE UNIFIED GROUP... COMMAND
//!
//! What rd has to find out is an argument here: STORE exists, TREE is the unpacked
//! image, each GROUP is a `rubber-docker` in which a control group is made, and UNIFIED is the
//! one of version 2, or `-`. There is no command line with options, no search for the image
//! or for the hierarchies, no thought for terminals, and after an error nothing is tidied up.
//! Every call that makes the container is here, once and in rd's order, which
//! src/container.rs of levels/harden explains.

use std::convert::Infallible;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use given::{Error, NEXT_CALL, call, op};
use linux_sys::{
    AF_INET, AUDIT_ARCH_NATIVE, BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE, BPF_DEVCG_DEV_CHAR,
    BPF_JEQ_K, BPF_JGE_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K, BpfInsn, Capabilities, Capability,
    CapabilitySet, CloneFlags, CloseRangeFlags, DEVICE_ACCESS_TYPE, DEVICE_MAJOR, DEVICE_MINOR,
    Disposition, EBPF_AND_K, EBPF_EXIT, EBPF_JNE_K, EBPF_JSET_K, EBPF_LOAD_W, EBPF_MOV_K,
    EBPF_MOV_X, EBPF_RSH_K, Errno, How, IFF_UP, MntFlags, Mode, MsFlags, Pid, Resource,
    SECCOMP_DATA_ARCH, SECCOMP_DATA_ARG0, SECCOMP_DATA_NR, SECCOMP_RET_ALLOW, SFlag, SIGKILL,
    SOCK_CLOEXEC, SOCK_DGRAM, SignalSet, SockFilter, WaitOptions, WaitStatus, bpf_prog_attach,
    bpf_prog_load_cgroup_device, cap_ambient_clear_all, capbset_drop, capset, chdir, chmod, clone,
    close_range, execve, getrlimit, keyctl_join_session_keyring, makedev, mkdir, mknod, mount,
    pidfd_open, pivot_root, rmdir, seccomp_ret_errno, seccomp_set_mode_filter, set_pdeathsig,
    setgroups, sethostname, setrlimit, setsid, signal, sigprocmask, siocgifflags, siocsifflags,
    socket, symlink, umask, umount2, unshare, waitpid,
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
    unified: Option<PathBuf>,
    groups: Vec<PathBuf>,
    command: String,
}

fn main() -> Result<(), Error> {
    // As rd does first of all, as root.
    given::begin_by_own_mount();
    if !given::runs_by_own_mount() {
        return Err("no mount of its own could be had for this program".into());
    }
    let mut arguments = std::env::args().skip(1);
    let mut next = || {
        arguments
            .next()
            .ok_or("baseline STORE TREE UNIFIED GROUP... COMMAND")
    };
    let (store, tree) = (PathBuf::from(next()?), PathBuf::from(next()?));
    let unified = Some(next()?).filter(|it| it != "-");
    let mut rest: Vec<String> = arguments.collect();
    let command = rest
        .pop()
        .ok_or("baseline STORE TREE UNIFIED GROUP... COMMAND")?;

    let id = given::new_id();
    let directory = store.join(&id);
    let container = Container {
        merged: directory.join("merged"),
        unified: unified.map(|parent| Path::new(&parent).join(&id)),
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

    if let Some(group) = &container.unified {
        let devices = bpf_prog_load_cgroup_device(&devices())?;
        bpf_prog_attach(&File::open(group)?, &devices)?;
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
    mask()?;
    // Its input is no terminal here.
    setsid()?;
    keyctl_join_session_keyring()?;
    for (resource, soft, hard) in [
        (Resource::RLIMIT_CORE, 0, 0),
        (Resource::RLIMIT_NOFILE, 1024, 524_288),
    ] {
        let (_, highest) = getrlimit(resource)?;
        setrlimit(resource, soft.min(highest), hard.min(highest))?;
    }
    let kept: CapabilitySet = KEPT.into_iter().collect();
    seccomp_set_mode_filter(&filter(kept))?;
    drop_capabilities(kept)?;

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
    mount(
        "tmpfs",
        &dev,
        "tmpfs",
        closed,
        "mode=755,size=64k,nr_inodes=1k",
    )?;

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

/// What a path may be: to look is a call more than to try.
#[derive(Clone, Copy)]
enum Mask {
    ReadOnly,
    Directory,
    File,
}

fn mask() -> Result<(), Error> {
    let inert = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    for (path, mask) in [
        ("/proc/bus", Mask::ReadOnly),
        ("/proc/fs", Mask::ReadOnly),
        ("/proc/irq", Mask::ReadOnly),
        ("/proc/sys", Mask::ReadOnly),
        ("/proc/sysrq-trigger", Mask::ReadOnly),
        ("/proc/acpi", Mask::Directory),
        ("/proc/asound", Mask::Directory),
        ("/proc/interrupts", Mask::File),
        ("/proc/kcore", Mask::File),
        ("/proc/keys", Mask::File),
        ("/proc/latency_stats", Mask::File),
        ("/proc/sched_debug", Mask::File),
        ("/proc/scsi", Mask::Directory),
        ("/proc/timer_list", Mask::File),
        ("/proc/timer_stats", Mask::File),
        ("/sys/devices/virtual/powercap", Mask::Directory),
        ("/sys/firmware", Mask::Directory),
    ] {
        let small = "nr_blocks=1,nr_inodes=1";
        let covered = match mask {
            Mask::ReadOnly => mount(path, path, "", MsFlags::MS_BIND | MsFlags::MS_REC, ""),
            Mask::Directory => mount("tmpfs", path, "tmpfs", inert | MsFlags::MS_RDONLY, small),
            Mask::File => mount("/dev/null", path, "", MsFlags::MS_BIND, ""),
        };
        match (covered, mask) {
            (Ok(()), Mask::ReadOnly) => {
                let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
                mount("", path, "", flags | inert, "")?;
            }
            (Err(error), _) if error.errno() != Errno::ENOENT => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// rd's filter; levels/harden/src/seccomp.rs says what it does.
fn filter(kept: CapabilitySet) -> Vec<SockFilter> {
    let no_such_call = op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::ENOSYS));
    let mut filter = vec![
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARCH),
        op(BPF_JEQ_K, 1, 0, AUDIT_ARCH_NATIVE),
        no_such_call,
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR),
        op(BPF_JGE_K, 0, 1, NEXT_CALL),
        no_such_call,
    ];
    for number in call::IO_URING.into_iter().chain([call::CLONE3]) {
        filter.extend([op(BPF_JEQ_K, 0, 1, number), no_such_call]);
    }
    let namespaces = 0x7e02_0000;
    filter.extend([
        op(BPF_JEQ_K, 0, 4, call::CLONE),
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARG0),
        op(BPF_JSET_K, 0, 1, namespaces),
        op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::EPERM)),
        op(BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW),
    ]);
    filter.extend(given::listed_calls(kept));
    filter
}

/// rd's program; levels/harden/src/devices.rs says what it does.
fn devices() -> Vec<BpfInsn> {
    let insn = |code, destination: u8, source: u8, off, imm| BpfInsn {
        code,
        registers: source << 4 | destination,
        off,
        imm,
    };
    let answer = |is_allowed: bool| {
        let imm = i32::from(is_allowed);
        [insn(EBPF_MOV_K, 0, 0, 0, imm), insn(EBPF_EXIT, 0, 0, 0, 0)]
    };
    let open = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    let mut program = vec![
        insn(EBPF_LOAD_W, 2, 1, DEVICE_ACCESS_TYPE, 0),
        insn(EBPF_MOV_X, 3, 2, 0, 0),
        insn(EBPF_AND_K, 3, 0, 0, 0xffff),
        insn(EBPF_RSH_K, 2, 0, 0, 16),
        insn(EBPF_LOAD_W, 4, 1, DEVICE_MAJOR, 0),
        insn(EBPF_LOAD_W, 5, 1, DEVICE_MINOR, 0),
        insn(EBPF_JSET_K, 2, 0, 2, open),
    ];
    program.extend(answer(true));
    for (major, minor) in [
        (1, 3),
        (1, 5),
        (1, 7),
        (1, 8),
        (1, 9),
        (5, 0),
        (5, 1),
        (5, 2),
    ] {
        program.push(insn(EBPF_JNE_K, 3, 0, 4, BPF_DEVCG_DEV_CHAR));
        program.push(insn(EBPF_JNE_K, 4, 0, 3, major));
        program.push(insn(EBPF_JNE_K, 5, 0, 2, minor));
        program.extend(answer(true));
    }
    program.push(insn(EBPF_JNE_K, 3, 0, 3, BPF_DEVCG_DEV_CHAR));
    program.push(insn(EBPF_JNE_K, 4, 0, 2, 136));
    program.extend(answer(true));
    program.extend(answer(false));
    program
}

fn drop_capabilities(kept: CapabilitySet) -> Result<(), Error> {
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
