//! One look at the host: what is there, and in what state.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use linux_sys::{AF_INET, IFF_UP, SOCK_CLOEXEC, SOCK_DGRAM, siocgifflags};

use super::kind::Kind;
use crate::{process, procfs};

/// Something of the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    /// What a report calls it.
    pub(super) what: String,
    /// Its state, in one word where that says enough.
    pub(super) state: String,
    /// The path of a file or a group.
    pub(super) path: PathBuf,
}

impl Thing {
    fn new(kind: Kind, what: impl Into<String>, state: impl Into<String>) -> Thing {
        Thing {
            kind,
            what: what.into(),
            state: state.into(),
            path: PathBuf::new(),
        }
    }
}

/// Where there is something to look through.
pub(super) struct Places {
    /// Directories.
    pub(super) trees: Vec<PathBuf>,
    /// The tops of the hierarchies of control groups.
    pub(super) tops: Vec<PathBuf>,
}

/// Everything that a level has no business with, once its container has ended; without what
/// it leaves when it is killed, unless `leftovers` are asked for.
pub(super) fn look(places: &Places, leftovers: bool) -> Vec<Thing> {
    let mut things = Vec::with_capacity(256);
    mounts(&mut things);
    network(&mut things);
    settings(&mut things);
    if !leftovers {
        return things;
    }
    groups(&places.tops, &mut things);
    devices(&mut things);
    processes(&mut things);
    for tree in &places.trees {
        if let Ok(top) = fs::symlink_metadata(tree) {
            files(tree, top.dev(), &mut things);
        }
    }
    things
}

fn text(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim_end().to_owned())
}

/// A mount is of its namespace, and its file system is shared by all who have mounted it:
/// both have options (proc_pid_mountinfo(5)).
fn mounts(things: &mut Vec<Thing>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for mount in procfs::mounts(1).unwrap_or_default() {
        let mut name = format!("{} on {}", mount.fstype, mount.point.display());
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name += &format!(" (number {count})");
        }
        let propagation = match mount.propagation.contains("shared:") {
            true => "shared",
            false => "private",
        };
        let state = format!("{}, {propagation}", mount.options);
        things.push(Thing::new(
            Kind::Mount,
            format!("the mount of {name}"),
            state,
        ));
        let what = format!("the file system {name}");
        things.push(Thing::new(Kind::Superblock, what, mount.super_options));
    }
}

/// How each interface is called: `the interface lo`.
pub(super) const INTERFACE: &str = "the interface ";

fn network(things: &mut Vec<Thing>) {
    let table = text("/proc/self/net/dev").unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split_once(':'));
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for name in names.map(|(name, _)| name.trim()) {
        let flags = socket.as_ref().ok();
        let flags = flags.and_then(|socket| siocgifflags(socket, name).ok());
        let state = match flags {
            Some(flags) if flags & IFF_UP != 0 => "up",
            Some(_) => "down",
            None => "unknown",
        };
        things.push(Thing::new(
            Kind::Network,
            format!("{INTERFACE}{name}"),
            state,
        ));
    }
    for (what, file) in [
        ("the list of IPv4 addresses", "/proc/self/net/fib_trie"),
        ("the list of IPv4 routes", "/proc/self/net/route"),
        ("the list of IPv6 addresses", "/proc/self/net/if_inet6"),
    ] {
        let state = text(file).unwrap_or_default();
        things.push(Thing::new(Kind::Network, what, state));
    }
}

/// Settings below /proc/sys: those of network, UTS and IPC namespaces, of which the
/// sandbox has its own, and some of the whole machine that no container needs changed.
const SETTINGS: [&str; 41] = [
    "net/ipv4/ip_forward",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_nonlocal_bind",
    "net/ipv4/ip_default_ttl",
    "net/ipv4/ping_group_range",
    "net/ipv4/icmp_echo_ignore_all",
    "net/ipv4/tcp_syncookies",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/all/accept_redirects",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/conf/default/forwarding",
    "net/ipv4/conf/lo/forwarding",
    "net/ipv6/bindv6only",
    "net/ipv6/conf/all/disable_ipv6",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/disable_ipv6",
    "net/ipv6/conf/lo/disable_ipv6",
    "net/core/somaxconn",
    "net/unix/max_dgram_qlen",
    "kernel/shmmax",
    "kernel/shmall",
    "kernel/shmmni",
    "kernel/shm_rmid_forced",
    "kernel/sem",
    "kernel/msgmax",
    "kernel/msgmnb",
    "kernel/msgmni",
    "fs/mqueue/msg_max",
    "fs/mqueue/msgsize_max",
    "fs/mqueue/queues_max",
    "kernel/core_pattern",
    "kernel/modprobe",
    "kernel/sysrq",
    "kernel/pid_max",
    "kernel/dmesg_restrict",
    "kernel/yama/ptrace_scope",
    "kernel/unprivileged_userns_clone",
    "user/max_user_namespaces",
    "vm/overcommit_memory",
    "fs/suid_dumpable",
];

/// The objects of System V's IPC, each in a line that begins with its key and its number.
const OBJECTS: [(&str, &str); 3] = [
    ("the segments of shared memory", "/proc/sysvipc/shm"),
    ("the message queues", "/proc/sysvipc/msg"),
    ("the semaphores", "/proc/sysvipc/sem"),
];

fn settings(things: &mut Vec<Thing>) {
    let root = Path::new("/proc/sys");
    for (what, file) in [
        ("the hostname", "kernel/hostname"),
        ("the domain name", "kernel/domainname"),
    ] {
        let state = text(root.join(file)).unwrap_or_default();
        things.push(Thing::new(Kind::Name, what, format!("{state:?}")));
    }
    for setting in SETTINGS {
        if let Some(state) = text(root.join(setting)) {
            let what = format!("/proc/sys/{setting}");
            things.push(Thing::new(Kind::Setting, what, state.replace('\t', " ")));
        }
    }
    for (what, file) in OBJECTS {
        let table = text(file).unwrap_or_default();
        let lines = table.lines().skip(1);
        let number = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        let numbers: Vec<String> = lines.filter_map(number).collect();
        let state = match numbers.is_empty() {
            true => "none".to_owned(),
            false => numbers.join(", "),
        };
        things.push(Thing::new(Kind::Object, what, state));
    }
}

/// What a group's share and limits are in.
const LIMITS: [&str; 10] = [
    "cpu.weight",
    "cpu.max",
    "cpu.shares",
    "cpu.cfs_quota_us",
    "memory.max",
    "memory.high",
    "memory.swap.max",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "pids.max",
];

fn groups(tops: &[PathBuf], things: &mut Vec<Thing>) {
    for top in tops {
        group(top, things);
    }
    if let Some(state) = text("/proc/self/cgroup") {
        things.push(Thing::new(Kind::Group, "the caller's own group", state));
    }
}

/// The group that all containers' groups are in (level 08).
pub(super) const CONTAINERS: &str = "rubber-docker";

fn group(path: &Path, things: &mut Vec<Thing>) {
    // A container's own group is there or not; how it is, is another check's matter. There
    // are many where a check has killed many levels.
    let is_container = path.parent().is_some_and(|it| it.ends_with(CONTAINERS));
    if is_container {
        let name = format!("the group {}", path.display());
        things.push(Thing {
            path: path.to_owned(),
            ..Thing::new(Kind::Group, name, "there")
        });
        return;
    }
    let limits = LIMITS.iter().filter_map(|file| {
        let value = text(path.join(file))?;
        Some(format!("{file} {value}"))
    });
    things.push(Thing {
        path: path.to_owned(),
        ..Thing::new(
            Kind::Group,
            format!("the group {}", path.display()),
            limits.collect::<Vec<_>>().join(", "),
        )
    });
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            group(&entry.path(), things);
        }
    }
}

/// A devtmpfs is the machine's, wherever it is mounted. The kernel adds and removes devices
/// there by itself; all other files are there because a process made them.
fn devices(things: &mut Vec<Thing>) {
    const KNOWN: [&str; 7] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx"];
    for entry in fs::read_dir("/dev").into_iter().flatten().flatten() {
        let Ok(file) = fs::symlink_metadata(entry.path()) else {
            continue;
        };
        let kind = file.file_type();
        let is_device = kind.is_char_device() || kind.is_block_device();
        let is_known = KNOWN.iter().any(|name| entry.file_name() == *name);
        if !is_device || is_known {
            let state = format!(
                "mode {:o}, owner {}:{}",
                file.mode(),
                file.uid(),
                file.gid()
            );
            let what = entry.path().display().to_string();
            things.push(Thing::new(Kind::File, what, state));
        }
    }
}

fn processes(things: &mut Vec<Thing>) {
    for pid in procfs::parents().into_keys() {
        if pid != 1 && process::is_alive(pid) {
            let name = procfs::status(pid, "Name").unwrap_or_default();
            let what = format!("process {pid} `{name}`");
            things.push(Thing::new(Kind::Process, what, "there"));
        }
    }
}

/// Every file below a directory that is on its file system, of the number `device`. What is
/// mounted there is told as a mount: a `/sys` that was left has some ten thousand files.
fn files(directory: &Path, device: u64, things: &mut Vec<Thing>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(file) = fs::symlink_metadata(&path) else {
            continue;
        };
        // What a directory's times and size say, its entries say as well.
        let content = match file.is_dir() {
            true => String::new(),
            false => format!(
                ", {} bytes of {}.{}, inode {}",
                file.size(),
                file.mtime(),
                file.mtime_nsec(),
                file.ino()
            ),
        };
        let state = format!(
            "mode {:o}, owner {}:{}{content}",
            file.mode(),
            file.uid(),
            file.gid()
        );
        things.push(Thing {
            path: path.clone(),
            ..Thing::new(Kind::File, path.display().to_string(), state)
        });
        if file.is_dir() && file.dev() == device {
            files(&path, device, things);
        }
    }
}
