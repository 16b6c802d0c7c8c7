//! What the kernel says of a process, and of the host, at one moment.
//!
//! All of it is read from `/proc` and from the cgroup file systems; what has no file there (a
//! hostname, an interface's state and addresses) is asked for inside of the namespace, which the tracer
//! enters and leaves: it has one thread.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use linux_sys::mountinfo::{MountInfo, unescape};
use linux_sys::{CloneFlags, Pid};
use serde_json::{Map, Value, json};

use crate::names::{KINDS, Names};
use crate::network::{addresses, interfaces, routes};

/// Whose mounts, groups and names everything is compared with: this process, the tracer, has
/// changed none of it for itself.
pub(crate) struct Host {
    uts: Option<File>,
    net: Option<File>,
    cgroup: BTreeMap<String, String>,
}

impl Host {
    /// Of the calling process.
    pub(crate) fn of_ours(names: &mut Names) -> Host {
        for kind in KINDS {
            if let Some(inode) = namespace("self", kind) {
                names.host_namespace(kind, &inode);
            }
        }
        Host {
            uts: File::open("/proc/self/ns/uts").ok(),
            net: File::open("/proc/self/ns/net").ok(),
            cgroup: groups_of("self"),
        }
    }

    /// The host's column.
    pub(crate) fn view(
        &self,
        names: &mut Names,
        processes: &BTreeMap<String, Value>,
        made_groups: &[PathBuf],
    ) -> Value {
        json!({
            "mounts": mounts("self", "host", names),
            "hostname": hostname(),
            "interfaces": interfaces("self"),
            "addresses": addresses(),
            "routes": routes("self"),
            "processes": processes,
            "cgroups": limits(made_groups, names),
        })
    }

    /// A process's column. What it is not there for is left out.
    pub(crate) fn process(&self, pid: Pid, names: &mut Names) -> Value {
        let process = pid.to_string();
        let mut view = Map::new();
        let mut namespaces = Map::new();
        for kind in KINDS {
            if let Some(inode) = namespace(&process, kind) {
                namespaces.insert(kind.to_owned(), names.namespace(kind, &inode).into());
            }
        }
        // After unshare(CLONE_NEWPID) it is the children's that is another one.
        let children = fs::read_link(format!("/proc/{process}/ns/pid_for_children")).ok();
        if let Some(inode) = children.as_deref().and_then(inode_of) {
            let name = names.namespace("pid", &inode);
            if namespaces.get("pid").and_then(Value::as_str) != Some(&name) {
                namespaces.insert("pid_for_children".to_owned(), name.into());
            }
        }
        let named = |kind: &str| {
            let name = namespaces.get(kind).and_then(Value::as_str);
            name.unwrap_or("unknown").to_owned()
        };
        let (mnt, uts, net) = (named("mnt"), named("uts"), named("net"));
        view.insert("mounts".to_owned(), mounts(&process, &mnt, names));
        for link in ["root", "cwd"] {
            if let Ok(path) = fs::read_link(format!("/proc/{process}/{link}")) {
                view.insert(link.to_owned(), names.text(&path.to_string_lossy()).into());
            }
        }
        let hostname = match uts == "host" {
            true => Some(hostname()),
            false => inside(&process, "uts", self.uts.as_ref(), hostname),
        };
        if let Some(name) = hostname {
            view.insert("hostname".to_owned(), names.text(&name).into());
        }
        let ask = || (interfaces(&process), addresses());
        let network = match net == "host" {
            true => Some(ask()),
            false => inside(&process, "net", self.net.as_ref(), ask),
        };
        if let Some((interfaces, addresses)) = network {
            view.insert("interfaces".to_owned(), interfaces);
            view.insert("addresses".to_owned(), addresses);
            view.insert("routes".to_owned(), routes(&process));
        }
        view.insert("cgroup".to_owned(), self.cgroup(&process, names));
        status(&process, names, &mut view);
        view.insert("descriptors".to_owned(), descriptors(&process, names));
        view.insert("namespaces".to_owned(), namespaces.into());
        view.into()
    }

    /// Its control groups, where they are not those that we are in ourselves.
    fn cgroup(&self, process: &str, names: &mut Names) -> Value {
        let mut own = Map::new();
        for (hierarchy, path) in groups_of(process) {
            if self.cgroup.get(&hierarchy) != Some(&path) {
                own.insert(hierarchy, names.text(&path).into());
            }
        }
        own.into()
    }
}

/// Does something in another namespace than ours, and comes back.
fn inside<T>(process: &str, kind: &str, ours: Option<&File>, ask: impl FnOnce() -> T) -> Option<T> {
    let theirs = File::open(format!("/proc/{process}/ns/{kind}")).ok()?;
    linux_sys::setns(theirs, CloneFlags::empty()).ok()?;
    let answer = ask();
    // If we could not come back, nothing that follows would be true.
    if let Err(error) = linux_sys::setns(ours?, CloneFlags::empty()) {
        given::log(&format!("the x-ray has lost its own namespace: {error}"));
        std::process::exit(125);
    }
    Some(answer)
}

fn namespace(process: &str, kind: &str) -> Option<String> {
    let link = fs::read_link(format!("/proc/{process}/ns/{kind}")).ok()?;
    inode_of(&link)
}

/// `mnt:[4026531841]`.
fn inode_of(link: &Path) -> Option<String> {
    let text = link.to_str()?;
    let (_, inode) = text.split_once(":[")?;
    Some(inode.trim_end_matches(']').to_owned())
}

fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_end().to_owned()
}

/// The mount table, by the mounts' names.
fn mounts(process: &str, namespace: &str, names: &mut Names) -> Value {
    let table = fs::read(format!("/proc/{process}/mountinfo")).unwrap_or_default();
    let rows: Vec<MountInfo> = table
        .split(|byte| *byte == b'\n')
        .filter_map(MountInfo::parse)
        .collect();
    // A process in a root of its own sees a part of the table, and the rest is there all the same.
    if process == "self" || fs::read_link(format!("/proc/{process}/root")).is_ok_and(is_top) {
        let numbers: Vec<u32> = rows.iter().map(|row| row.id).collect();
        names.keep_mounts(namespace, &numbers);
    }
    let mut all = Map::new();
    for row in &rows {
        let name = names.mount(namespace, row.id);
        let text = |field| unescape(field).to_string_lossy().into_owned();
        let mut mount = Map::new();
        mount.insert("point".to_owned(), names.text(&text(row.point)).into());
        mount.insert("type".to_owned(), text(row.fstype).into());
        mount.insert("source".to_owned(), names.text(&text(row.source)).into());
        if row.root != "/" {
            mount.insert("root".to_owned(), names.text(&text(row.root)).into());
        }
        mount.insert("options".to_owned(), text(row.options).into());
        if row.fstype == "overlay" {
            let layers = names.text(&text(row.super_options));
            mount.insert("layers".to_owned(), layers.into());
        }
        let fields = text(row.propagation);
        mount.insert("propagation".to_owned(), names.propagation(&fields).into());
        all.insert(name, mount.into());
    }
    // When all have a name: that of the one on which each lies.
    for row in &rows {
        let parent = names.known_mount(namespace, row.parent).cloned();
        let name = names.mount(namespace, row.id);
        let parent = parent.filter(|parent| *parent != name);
        if let (Some(parent), Some(mount)) = (parent, all.get_mut(&name)) {
            mount["on"] = parent.into();
        }
    }
    all.into()
}

fn is_top(root: PathBuf) -> bool {
    root == Path::new("/")
}

/// `/proc/PID/cgroup`: by hierarchy. Version 2 has no name there; it is called `unified`.
fn groups_of(process: &str) -> BTreeMap<String, String> {
    let table = fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
    let rows = table.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let hierarchy = match controllers {
            "" => "unified",
            controllers => controllers,
        };
        Some((hierarchy.to_owned(), path.to_owned()))
    });
    rows.collect()
}

/// What of a control group is shown: who is in it, and the limits that levels set.
const GROUP_FILES: [&str; 11] = [
    "cgroup.procs",
    "cgroup.subtree_control",
    "cpu.weight",
    "cpu.shares",
    "cpuset.cpus",
    "memory.max",
    "memory.swap.max",
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "pids.max",
    "io.weight",
];

/// The groups that this run has made, and their limits.
fn limits(groups: &[PathBuf], names: &mut Names) -> Value {
    let mut all = Map::new();
    for group in groups.iter().filter(|group| group.is_dir()) {
        let mut files = Map::new();
        for file in GROUP_FILES {
            let Ok(text) = fs::read_to_string(group.join(file)) else {
                continue;
            };
            let words = text.split_whitespace().map(|word| match file {
                // Its pids. One that has no name is none of the run's.
                "cgroup.procs" => {
                    let pid = word.parse().ok();
                    let name = pid.and_then(|pid| names.process(pid));
                    name.unwrap_or("another").to_owned()
                }
                _ => word.to_owned(),
            });
            let words: Vec<String> = words.collect();
            files.insert(file.to_owned(), words.join(" ").into());
        }
        let name = names.text(&group.to_string_lossy());
        all.insert(name, files.into());
    }
    all.into()
}

/// Rows of `/proc/PID/status`, as they stand there.
const ROWS: [&str; 10] = [
    "Uid",
    "Gid",
    "Groups",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Seccomp",
];

fn status(process: &str, names: &mut Names, view: &mut Map<String, Value>) {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    for line in text.lines() {
        let Some((row, value)) = line.split_once(':') else {
            continue;
        };
        let words: Vec<&str> = value.split_whitespace().collect();
        if row == "NSpid" {
            // The first is the number here, another in each run.
            let own = process.parse().ok().and_then(|pid| names.process(pid));
            let own = own.unwrap_or("PID").to_owned();
            let inner = words.iter().skip(1).map(|it| (*it).to_owned());
            let all: Vec<String> = [own].into_iter().chain(inner).collect();
            view.insert("NSpid".to_owned(), all.join(" ").into());
        } else if ROWS.contains(&row) {
            view.insert(row.to_owned(), words.join(" ").into());
        }
    }
}

/// The open descriptors, by their numbers.
fn descriptors(process: &str, names: &mut Names) -> Value {
    let directory = format!("/proc/{process}/fd");
    let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    // In their order, so that what is seen first is so in each run.
    numbers.sort_unstable();
    let mut all = Map::new();
    for number in numbers {
        if let Ok(what) = fs::read_link(format!("{directory}/{number}")) {
            all.insert(
                number.to_string(),
                names.text(&what.to_string_lossy()).into(),
            );
        }
    }
    all.into()
}
