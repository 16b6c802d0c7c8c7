//! All that isolates a process, as the kernel has it at one moment. Two of these can be
//! compared, whatever calls have led there.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use linux_sys::{AF_INET, CloneFlags, SOCK_CLOEXEC, SOCK_DGRAM, bpf_prog_query, siocgifflags};

use crate::calls::without_ids;
use crate::container::Visitor;
use crate::finding::Failure;
use crate::own_program::Program;
use crate::{namespace, procfs};
use sandbox::cgroups;

/// What there is to see, by a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Surroundings(BTreeMap<String, String>);

/// What exec itself may change.
const OF_EXEC: [&str; 4] = ["CapInh", "CapPrm", "CapEff", "CapAmb"];

/// The key of how many filters of system calls it has.
const FILTERS: &str = "Seccomp_filters";

/// The key of what keeps the level's own program from being changed.
const PROTECTION: &str = "the level's program";

/// The keys of a session, and of its terminal.
const SESSION: &str = "its session";
const TERMINAL: &str = "its session's terminal";

/// Files of a group in which limits are, as far as levels set any.
const LIMITS: [&str; 11] = [
    "blkio.throttle.write_bps_device",
    "cpu.cfs_quota_us",
    "cpu.max",
    "cpu.shares",
    "cpu.weight",
    "io.max",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.max",
    "memory.swap.max",
    "pids.max",
];

impl fmt::Display for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            writeln!(f, "{name}: {value}")?;
        }
        Ok(())
    }
}

impl Surroundings {
    /// Those of `pid`, which has come from the process `level`.
    pub(crate) fn of(pid: i32, level: i32) -> Result<Surroundings, Failure> {
        let mut all = BTreeMap::new();
        let mut is_own = BTreeMap::new();
        for kind in ["mnt", "uts", "ipc", "pid", "net", "cgroup"] {
            let of = |pid| procfs::identity(procfs::path(pid, &format!("ns/{kind}")));
            let own = of(pid)? != of(1)?;
            is_own.insert(kind, own);
            let whose = if own { "its own" } else { "the host's" };
            all.insert(format!("its {kind} namespace"), whose.to_owned());
        }
        let has_own = |kind| is_own.get(kind).copied().unwrap_or(false);

        let parent = procfs::status(pid, "PPid")?;
        let parent = match parent == level.to_string() {
            true => "the level's process".to_owned(),
            // What is left behind becomes a child of the sandbox's PID 1, which is ours.
            false if pid == level => "the check".to_owned(),
            false => "another".to_owned(),
        };
        all.insert("its parent".to_owned(), parent);
        add_inheritance(&mut all, pid, level)?;
        let protection = Program::of(level).map_or_else(|_| String::new(), |it| it.protection());
        all.insert(PROTECTION.to_owned(), protection);

        // Before Linux 5.9 the filters were not counted.
        let filters = procfs::status(pid, "Seccomp_filters").unwrap_or_default();
        all.insert(FILTERS.to_owned(), filters);
        let keys = ["Uid", "Gid", "Groups", "CapBnd", "NoNewPrivs"];
        for key in keys.into_iter().chain(OF_EXEC) {
            let value = procfs::status(pid, key)?;
            all.insert(key.to_owned(), value.replace('\t', " "));
        }

        let at = |below| procfs::identity(procfs::path(pid, below));
        let (root, directory) = (at("root")?, at("cwd")?);
        let is_host = root == procfs::identity("/proc/1/root")?;
        let whose = if is_host { "the host's" } else { "its own" };
        all.insert("its root".to_owned(), whose.to_owned());
        let place = match directory == root {
            true => "its root".to_owned(),
            false => match fs::read_link(procfs::path(pid, "cwd")) {
                Ok(path) => without_ids(&path.display().to_string()),
                Err(why) => why.to_string(),
            },
        };
        all.insert("its working directory".to_owned(), place);

        // By the namespace and not by the process: what is outside of its root counts too.
        let mounts = match has_own("mnt") {
            true => Visitor::enter(pid)?.mounts()?,
            false => procfs::mounts(pid)?,
        };
        if has_own("mnt") || !is_host {
            add_mounts(&mut all, pid, &mounts);
        }
        if !is_host {
            add_devices(&mut all, pid);
        }
        if has_own("uts") {
            let name = namespace::look_into(pid, CloneFlags::CLONE_NEWUTS, host_name)?;
            all.insert("its hostname".to_owned(), without_ids(&name));
        }
        if has_own("net") {
            let flags = namespace::look_into(pid, CloneFlags::CLONE_NEWNET, loopback)?;
            all.insert("the flags of its lo".to_owned(), flags);
        }
        add_groups(&mut all, pid)?;
        Ok(Surroundings(all))
    }

    /// What is another than in `other`, as sentences without an end.
    pub(crate) fn differences(&self, other: &Surroundings) -> Vec<Difference> {
        let mut found = Vec::new();
        let nothing = "nothing";
        for (name, here) in &self.0 {
            let there = other.0.get(name).map_or(nothing, String::as_str);
            if here != there {
                found.push(Difference::new(name, here, there));
            }
        }
        for (name, there) in &other.0 {
            if !self.0.contains_key(name) {
                found.push(Difference::new(name, nothing, there));
            }
        }
        found
    }
}

/// Something that is not the same at two moments, or in two containers.
pub(crate) struct Difference {
    name: String,
    text: String,
}

impl Difference {
    fn new(name: &str, here: &str, there: &str) -> Difference {
        let text = match name.starts_with("the mount") {
            true => format!("{name}: {} (not {})", only(here, there), only(there, here)),
            false => format!("{name}: {here} (not {there})"),
        };
        Difference {
            name: name.to_owned(),
            text,
        }
    }

    /// `its hostname: a (not b)`.
    pub(crate) fn text(&self) -> String {
        self.text.clone()
    }

    /// Whether exec alone may have made it.
    pub(crate) fn is_of_exec(&self) -> bool {
        OF_EXEC.contains(&self.name.as_str())
    }

    /// The level and step that it is about.
    pub(crate) fn step(&self) -> Option<(u8, u8)> {
        let name = self.name.as_str();
        Some(match name {
            "its hostname" => (5, 2),
            "the flags of its lo" => (7, 2),
            FILTERS => (13, 6),
            PROTECTION => (17, 4),
            SESSION => (18, 4),
            TERMINAL => (18, 3),
            "its oom_score_adj" | "its limits" => (18, 5),
            "Groups" => (10, 1),
            "Uid" | "Gid" => (10, 2),
            _ if name.starts_with("its group") => (8, 2),
            _ if name.starts_with("memory.memsw") || name.starts_with("memory.swap") => (9, 3),
            _ if name.starts_with("memory.") => (9, 2),
            _ if name.starts_with("cpu.") => (8, 1),
            _ if name.starts_with("the device programs") => (15, 3),
            _ => return None,
        })
    }
}

/// The words of `one` that are not in `other`: a mount has many, and few of them differ.
fn only(one: &str, other: &str) -> String {
    let is_new = |word: &&str| !other.split(' ').any(|it| it == *word);
    let words: Vec<&str> = one.split(' ').filter(is_new).take(2).collect();
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(" "),
    }
}

fn host_name() -> String {
    let name = nix::unistd::gethostname();
    name.map_or_else(
        |why| why.to_string(),
        |it| it.to_string_lossy().into_owned(),
    )
}

fn loopback() -> String {
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    let flags = socket.and_then(|socket| siocgifflags(&socket, "lo"));
    flags.map_or_else(|why| why.to_string(), |flags| format!("{flags:#x}"))
}

/// How a mount is connected with others, without the numbers of the connections.
fn connection(propagation: &str) -> String {
    let kinds = propagation.split(' ').map(|it| it.split(':').next());
    kinds.flatten().collect::<Vec<_>>().join(" ")
}

fn add_mounts(all: &mut BTreeMap<String, String>, pid: i32, mounts: &[procfs::Mount]) {
    let root = procfs::path(pid, "root");
    for mount in mounts {
        let point = without_ids(&mount.point.display().to_string());
        // A device in /dev may be made or mounted: what it is tells `add_devices`.
        let inside = root.join(mount.point.strip_prefix("/").unwrap_or(&mount.point));
        let is_in_dev = mount.point.starts_with("/dev");
        if is_in_dev
            && fs::symlink_metadata(&inside).is_ok_and(|it| it.file_type().is_char_device())
        {
            continue;
        }
        let options = format!(
            "{} {} {} {}",
            mount.fstype,
            mount.options,
            without_ids(&mount.super_options),
            connection(&mount.propagation)
        );
        let name = format!("the mount on {point}");
        let entry = all.entry(name).or_default();
        if !entry.is_empty() {
            entry.push_str("; ");
        }
        entry.push_str(options.trim_end());
    }
}

fn add_devices(all: &mut BTreeMap<String, String>, pid: i32) {
    let directory = procfs::path(pid, "root/dev");
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(file) = entry.metadata() else { continue };
        if file.file_type().is_char_device() || file.file_type().is_block_device() {
            let (device, mode) = (file.rdev(), file.mode());
            let number = format!(
                "{}:{}",
                nix::sys::stat::major(device),
                nix::sys::stat::minor(device)
            );
            let name = format!("/dev/{}", entry.file_name().to_string_lossy());
            all.insert(name, format!("device {number}, mode {mode:o}"));
        }
    }
}

/// What a process has of its caller unless it does something about it.
fn add_inheritance(
    all: &mut BTreeMap<String, String>,
    pid: i32,
    level: i32,
) -> Result<(), Failure> {
    for (key, field) in [(SESSION, 6), (TERMINAL, 7)] {
        let own = procfs::field(pid, field)?;
        // The level's process may have ended.
        let callers = procfs::field(level, field).unwrap_or_default();
        let whose = match () {
            () if own == "0" => "none",
            () if own == callers => "its caller's",
            () => "its container's own",
        };
        all.insert(key.to_owned(), whose.to_owned());
    }
    let score = procfs::read_text(procfs::path(pid, "oom_score_adj"))?;
    all.insert("its oom_score_adj".to_owned(), score.trim().to_owned());
    let limits = procfs::read_text(procfs::path(pid, "limits"))?;
    let rows = limits.lines().filter_map(|row| {
        let is_ours = row.starts_with("Max core") || row.starts_with("Max open files");
        is_ours.then(|| row.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    let rows: Vec<String> = rows.collect();
    all.insert("its limits".to_owned(), rows.join("; "));
    Ok(())
}

fn add_groups(all: &mut BTreeMap<String, String>, pid: i32) -> Result<(), Failure> {
    let text = procfs::read_text(procfs::path(pid, "cgroup"))?;
    for hierarchy in cgroups::all().unwrap_or_default() {
        let Some(group) = hierarchy.group_in(&text) else {
            continue;
        };
        let top = hierarchy.top.display();
        all.insert(format!("its group in {top}"), without_ids(group));
        let group = hierarchy.top.join(group.trim_start_matches('/'));
        for file in LIMITS {
            if let Ok(value) = fs::read_to_string(group.join(file)) {
                all.insert(file.to_owned(), value.trim().to_owned());
            }
        }
        let programs = File::open(&group).map(bpf_prog_query);
        if let Ok(Ok(programs)) = programs
            && !programs.is_empty()
        {
            all.insert(
                "the device programs of its group".to_owned(),
                programs.len().to_string(),
            );
        }
    }
    Ok(())
}
