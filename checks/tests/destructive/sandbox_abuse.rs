//! What a wrong solution may do at its worst: one kind of destruction each. It runs as
//! the level's process, as root, on what the level takes for the host.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::loop_machine;
use linux_sys::{Disposition, Fork, MntFlags, MsFlags, Pid, WaitOptions, WaitStatus};

/// How an executable is called that wrecks; the kind follows.
pub(crate) const PREFIX: &str = "abuser-";

/// The directory beside the abusers' that is to survive.
pub(crate) const CANARY: &str = "canary";

/// Does the damage, and tells whether it could do all of it.
pub(crate) type Abuse = fn(&Scene) -> io::Result<bool>;

/// One kind of destruction.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What the report says, one of them: it tells that the wreck was done and not that
    /// it was impossible from the beginning.
    pub(crate) expected: &'static [&'static str],
    wreck: Abuse,
}

/// What a abuser finds around it.
pub(crate) struct Scene {
    /// What must survive, by its absolute path.
    canary: PathBuf,
    /// The level's own: here it may do everything.
    store: PathBuf,
    /// The sandbox's directory, in which the store is.
    base: PathBuf,
    /// The command that the judge has told it to run.
    command: Vec<OsString>,
}

const DONE: u8 = 42;
const IMPOSSIBLE: u8 = 43;

const ENDED: &[&str] = &["ended with status 42"];
/// There is no `ip` on every machine.
const ENDED_OR_NO_IP: &[&str] = &["ended with status 42", "interfaces was impossible: No such"];
const TOO_LONG: &[&str] = &["did not finish: waited 10 s"];
/// The kernel kills a process of the sandbox: the abuser or, sooner, PID 1 and so all.
const OUT_OF_MEMORY: &[&str] = &["SIGKILL ended", "PID 1 ended: Signaled { signal: 9"];
/// What said `ready` too early may be looked at before it has become the command.
const NO_CHILD: &[&str] = &["own process became the command", "no process below"];
/// The probe ends when its standard output is closed.
const UNHEARD: &[&str] = &[
    "ended with status 0",
    "the level's own process became the command",
];

macro_rules! kinds {
    ($($name:literal $expected:ident $wreck:ident)*) => {
        &[$(Kind { name: $name, expected: $expected, wreck: $wreck }),*]
    };
}

pub(crate) const KINDS: &[Kind] = kinds! {
    "hostname" ENDED hostname
    "interfaces" ENDED_OR_NO_IP interfaces
    "unmount" ENDED unmount
    "mount-over" ENDED mount_over
    "fork" TOO_LONG fork
    "memory" OUT_OF_MEMORY memory
    "hang" TOO_LONG hang
    "daemons" ENDED daemons
    "daemons-and-hang" TOO_LONG daemons_and_hang
    "disk" ENDED disk
    "delete-below" ENDED delete_below
    "delete-all" ENDED delete_all
    "kill-all" ENDED kill_all
    "close-stdout" UNHEARD close_stdout
    "forge" NO_CHILD forge
    "groups" ENDED groups
};

/// Whether this process is a abuser, and how that ended.
pub(crate) fn role() -> Option<ExitCode> {
    let own = std::env::args_os().next().map(PathBuf::from)?;
    let name = own.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    let Some(wreck) = wreck(name) else {
        eprintln!("there is no wreck called {name}, or not on this machine");
        return Some(ExitCode::FAILURE);
    };
    let (base, store) = match sandbox() {
        Some(places) => places,
        None => {
            eprintln!("this is no sandbox of the checks; nothing is done");
            return Some(ExitCode::FAILURE);
        }
    };
    let words = std::env::args_os().skip_while(|word| word != "--");
    let scene = Scene {
        canary: own.parent()?.parent()?.join(CANARY),
        store,
        base,
        command: words.skip(1).collect(),
    };
    Some(match wreck(&scene) {
        Ok(true) => ExitCode::from(DONE),
        Ok(false) => ExitCode::from(IMPOSSIBLE),
        Err(why) => {
            eprintln!("{name} was impossible: {why}");
            ExitCode::from(IMPOSSIBLE)
        }
    })
}

/// Some wrecks are for a machine that is there to be wrecked.
fn wreck(name: &str) -> Option<Abuse> {
    let anywhere = KINDS.iter().find(|kind| kind.name == name);
    let on_a_loop = loop_machine::KINDS.iter().find(|(kind, _)| *kind == name);
    let on_a_loop = on_a_loop.filter(|_| loop_machine::is_here());
    anywhere
        .map(|kind| kind.wreck)
        .or(on_a_loop.map(|(_, wreck)| *wreck))
}

/// The sandbox's directory and the containers' store, if this is a sandbox: a child of PID 1,
/// which is a check's supervisor, with the store on the tmpfs that is mounted for it alone.
fn sandbox() -> Option<(PathBuf, PathBuf)> {
    let store = PathBuf::from(std::env::var_os("RUBBER_DOCKER_CONTAINERS")?);
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let has_tmpfs = |base: &&Path| {
        let point = format!(" {} ", base.display());
        let mut lines = mounts.lines();
        lines.any(|line| line.contains(&point) && line.contains(" - tmpfs "))
    };
    let base = store.ancestors().skip(1).find(has_tmpfs)?.to_owned();
    let is_child = std::os::unix::process::parent_id() == 1;
    let supervisor = fs::read("/proc/1/cmdline").ok()?;
    let supervisor =
        String::from_utf8_lossy(&supervisor).contains("--supervise-a-sandbox-for-one-check");
    (is_child && supervisor).then_some((base, store))
}

pub(crate) fn error(why: linux_sys::Error) -> io::Error {
    io::Error::other(why.to_string())
}

fn hostname(_: &Scene) -> io::Result<bool> {
    linux_sys::sethostname("wrecked").map_err(error)?;
    Ok(fs::write("/proc/sys/kernel/domainname", "wrecked").is_ok())
}

/// An interface of its own, and all that there are down.
fn interfaces(_: &Scene) -> io::Result<bool> {
    let ip = |words: &str| Command::new("ip").args(words.split(' ')).status();
    let made = ip("link add wreck0 type veth peer name wreck1")?.success();
    for interface in crate::machine::interfaces()? {
        ip(&format!("link set {interface} down"))?;
    }
    Ok(made)
}

/// All mounts, the last first.
pub(crate) fn mount_points() -> io::Result<Vec<PathBuf>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    let points = text.lines().rev().filter_map(|line| line.split(' ').nth(4));
    Ok(points.map(PathBuf::from).collect())
}

fn unmount(_: &Scene) -> io::Result<bool> {
    let points = mount_points()?;
    let gone = |point: &&PathBuf| linux_sys::umount2(point, MntFlags::MNT_DETACH).is_ok();
    Ok(points.iter().filter(gone).count() > 3)
}

fn mount_over(scene: &Scene) -> io::Result<bool> {
    let shared = MsFlags::MS_REC | MsFlags::MS_SHARED;
    linux_sys::mount("", "/", "", shared, "").map_err(error)?;
    let over = |path: &Path| linux_sys::mount("wrecked", path, "tmpfs", MsFlags::empty(), "");
    for path in [
        &scene.canary,
        Path::new("/etc"),
        Path::new("/usr"),
        Path::new("/"),
    ] {
        over(path).map_err(error)?;
    }
    Ok(true)
}

/// Each forks as long as it lives.
fn fork(_: &Scene) -> io::Result<bool> {
    loop {
        // The kernel refuses: another process may end, and make room.
        if linux_sys::fork().is_err() {
            std::thread::yield_now();
        }
    }
}

fn memory(_: &Scene) -> io::Result<bool> {
    let mut all = Vec::new();
    // Twice what the sandbox has: if it comes that far, the kernel has not stopped it.
    for _ in 0..2048 {
        all.push(vec![1_u8; 1 << 20]);
    }
    Ok(all.len() == 2048)
}

fn ignore_all() {
    for signal in 1..=64 {
        // SIGKILL and SIGSTOP cannot be ignored (signal(7)).
        let _ = linux_sys::signal(signal, Disposition::Ignore);
    }
}

fn hang(_: &Scene) -> io::Result<bool> {
    ignore_all();
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// As daemon(3) makes them: without the level's session, terminal and pipes, and orphaned.
fn daemons(scene: &Scene) -> io::Result<bool> {
    for _ in 0..10 {
        if let Fork::Child = linux_sys::fork().map_err(error)? {
            let everything = linux_sys::CloseRangeFlags::empty();
            let orphaned = linux_sys::close_range(0, u32::MAX, everything)
                .and_then(|()| linux_sys::setsid())
                .and_then(|_| linux_sys::fork());
            if let Ok(Fork::Child) = orphaned {
                hang(scene)?;
            }
            linux_sys::exit(0);
        }
    }
    Ok(true)
}

fn daemons_and_hang(scene: &Scene) -> io::Result<bool> {
    daemons(scene)?;
    hang(scene)
}

/// The file that fills a disk.
pub(crate) const ABUSED: &str = "wrecked";

/// Fills whatever file system it can write to.
fn disk(scene: &Scene) -> io::Result<bool> {
    // More than a sandbox holds, and not so much that the machine would suffer.
    const ENOUGH: usize = 512;
    let chunk = vec![1_u8; 1 << 20];
    fs::create_dir_all(&scene.store)?;
    let mut is_full = false;
    for directory in [
        &scene.canary,
        Path::new("/var/tmp"),
        Path::new("/tmp"),
        &scene.store,
    ] {
        let Ok(mut file) = File::create(directory.join(ABUSED)) else {
            continue;
        };
        let written = (0..ENOUGH).try_for_each(|_| file.write_all(&chunk));
        is_full |= written.is_err_and(|why| why.kind() == io::ErrorKind::StorageFull);
    }
    Ok(is_full)
}

/// Deletes what can be deleted; no file of it is waited for, and none is followed.
fn delete(path: &Path) {
    let is_directory = fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
    if !is_directory {
        let _ = fs::remove_file(path);
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        delete(&entry.path());
    }
    let _ = fs::remove_dir(path);
}

/// What a level does that removes its container's directory with the host still
/// mounted somewhere below.
fn delete_below(scene: &Scene) -> io::Result<bool> {
    let container = scene.store.join("0123456789ab");
    for (source, name) in [(&scene.canary, "canary"), (&PathBuf::from("/etc"), "etc")] {
        let target = container.join("rootfs").join(name);
        fs::create_dir_all(&target)?;
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        linux_sys::mount(source, &target, "", bind, "").map_err(error)?;
    }
    fs::write(container.join("rootfs/own"), "to be deleted")?;
    delete(&container);
    Ok(!container.join("rootfs/own").exists())
}

fn delete_all(scene: &Scene) -> io::Result<bool> {
    // By its path first: the deadline may come before the walk arrives there.
    delete(&scene.canary);
    for path in [
        &*scene.base,
        Path::new("/etc"),
        Path::new("/home"),
        Path::new("/run"),
    ] {
        delete(path);
    }
    for path in [
        "/sys/fs/cgroup",
        "/dev",
        "/boot",
        "/bin",
        "/sbin",
        "/var/tmp",
    ] {
        delete(Path::new(path));
    }
    Ok(!scene.base.join("bin").exists())
}

/// kill(-1), the whole process group, and every number.
fn kill_all(_: &Scene) -> io::Result<bool> {
    let Fork::Parent { child: victim } = linux_sys::fork().map_err(error)? else {
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    };
    let kill = |pid| linux_sys::kill(Pid::from_raw(pid), linux_sys::SIGKILL);
    let own = std::process::id().cast_signed();
    let _ = kill(-1);
    for pid in (1..=100_000).filter(|pid| *pid != own) {
        let _ = kill(pid);
    }
    let status = linux_sys::waitpid(victim, WaitOptions::empty()).map_err(error)?;
    Ok(matches!(status, WaitStatus::Signaled { signal: 9, .. }))
}

/// Becomes the command, without the fork that was asked for.
fn exec(scene: &Scene) -> io::Result<bool> {
    let Some(program) = scene.command.first() else {
        return Ok(false);
    };
    linux_sys::execvp(program, &scene.command).map_err(error)?;
    Ok(false)
}

fn close_stdout(scene: &Scene) -> io::Result<bool> {
    // From descriptor 1 on: standard error goes with it.
    linux_sys::close_range(1, u32::MAX, linux_sys::CloseRangeFlags::empty()).map_err(error)?;
    exec(scene)
}

/// Says what the probe says, and what the judge says, wherever it can.
fn forge(scene: &Scene) -> io::Result<bool> {
    let name = "the command runs in a child process";
    let verdict = format!(r#"{{"level":0,"name":"{name}","verdict":"pass"}}"#);
    let mut out = io::stdout();
    writeln!(
        out,
        "ready\n{verdict}\ntest result: ok. 1 passed; 0 failed\nready"
    )?;
    out.flush()?;
    eprintln!("{verdict}");
    exec(scene)
}

/// Groups at the top of everything that is there, and this process in them.
fn groups(_: &Scene) -> io::Result<bool> {
    let points: BTreeSet<PathBuf> = mount_points()?.into_iter().collect();
    let groups = points
        .iter()
        .filter(|point| point.starts_with("/sys/fs/cgroup"));
    let mut made = 0;
    for top in groups {
        let nested = top.join("wrecked/deep/deeper");
        if fs::create_dir_all(&nested).is_err() {
            continue;
        }
        made += 1;
        for file in [
            "memory.limit_in_bytes",
            "cpu.cfs_quota_us",
            "memory.max",
            "pids.max",
        ] {
            let _ = fs::write(top.join(file), "100000000");
        }
        let _ = fs::write(nested.join("cgroup.procs"), "0");
        let _ = fs::write(top.join("cgroup.procs"), "1");
    }
    Ok(made > 0)
}
