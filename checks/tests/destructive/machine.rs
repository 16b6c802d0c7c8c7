//! What must be the same afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::sandbox_abuse::ABUSED;

/// How long the machine may take to be itself again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where the machine's programs leave files, and a abuser too, where it is let. (How full
/// the disk is says nothing: others write to it meanwhile.)
const SHARED: [&str; 2] = ["/tmp", "/var/tmp"];

/// The control groups of a sandbox of the checks.
const SANDBOX: &str = "rubber-docker-check-";

/// The control group in which those of containers are.
const CONTAINERS: &str = "rubber-docker";

const AF_INET: i32 = 2;
const SOCK_DGRAM: i32 = 2;

/// The machine, in lines that can be compared.
pub(crate) struct Machine {
    lines: BTreeSet<String>,
}

impl Machine {
    /// Looks at everything.
    pub(crate) fn look(canary: &Path) -> Result<Machine, Failed> {
        let mut lines = BTreeSet::new();
        // With the mounts' own numbers: taken away and put back is not the same. And with
        // the options of their file systems, which a mount namespace does not separate.
        let names = ["hostname", "domainname", "pid_max", "core_pattern"];
        let settings = names.map(|name| format!("/proc/sys/kernel/{name}"));
        for path in settings
            .iter()
            .map(String::as_str)
            .chain(["/proc/self/mountinfo"])
        {
            let text = fs::read_to_string(path)?;
            lines.extend(text.lines().map(|line| format!("{path}: {line}")));
        }
        let socket = linux_sys::socket(AF_INET, SOCK_DGRAM, 0)?;
        for interface in interfaces()? {
            let flags = linux_sys::siocgifflags(&socket, &interface)?;
            lines.insert(format!("interface {interface}, flags {flags:x}"));
        }
        groups(Path::new("/sys/fs/cgroup"), &mut lines);
        tree(canary, &mut lines)?;
        for directory in SHARED {
            let file = Path::new(directory).join(ABUSED);
            if let Ok(meta) = fs::symlink_metadata(&file) {
                lines.insert(format!("{} of {} bytes", file.display(), meta.len()));
            }
        }
        Ok(Machine { lines })
    }

    /// Waits until nothing differs, and no process is left that was started from
    /// `abusers`.
    pub(crate) fn is_unchanged(&self, canary: &Path, abusers: &Path) -> Result<(), Failed> {
        let started = Instant::now();
        loop {
            // With /proc mounted over, not even that can be told.
            let differences = self
                .differences(canary, abusers)
                .unwrap_or_else(|why| vec![format!("it cannot be looked at: {why:?}")]);
            if differences.is_empty() {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let all = differences.join("\n");
                return Err(format!("the machine is not as it was:\n{all}").into());
            }
            // Of none of this the kernel sends an event.
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn differences(&self, canary: &Path, abusers: &Path) -> Result<Vec<String>, Failed> {
        let now = Machine::look(canary)?;
        // What a supervisor has left behind before, the next one removes.
        let is_swept = |line: &&String| line.starts_with("group ") && line.contains(SANDBOX);
        let gone = self.lines.difference(&now.lines);
        let gone = gone.filter(|line| !is_swept(line));
        let new = now.lines.difference(&self.lines);
        let mut all: Vec<String> = gone.map(|line| format!("- {line}")).collect();
        all.extend(new.map(|line| format!("+ {line}")));
        for (pid, words) in processes(abusers) {
            all.push(format!("+ process {pid}: {}", words.join(" ")));
        }
        Ok(all)
    }
}

/// The interfaces of this process's network namespace. Those in `/sys` are of the process
/// that mounted it.
pub(crate) fn interfaces() -> std::io::Result<Vec<String>> {
    let text = fs::read_to_string("/proc/self/net/dev")?;
    let names = text.lines().filter_map(|line| line.split_once(':'));
    Ok(names.map(|(name, _)| name.trim().to_owned()).collect())
}

/// The directories of the cgroup file systems. Those of sandboxes whose supervisor lives
/// are other tests' business; what a supervisor left behind is ours. The group above all
/// containers is made by the first one, which may be anybody's, and is meant to stay.
fn groups(directory: &Path, lines: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(SANDBOX)) && is_kept(&entry.path()) {
            continue;
        }
        if name != CONTAINERS {
            lines.insert(format!("group {}", entry.path().display()));
        }
        groups(&entry.path(), lines);
    }
}

/// Whether a supervisor holds the lock of a sandbox's group, or the group is gone. Looked up in
/// /proc/locks and not tried: while we held it, other supervisors would take us for one.
fn is_kept(group: &Path) -> bool {
    let Ok(inode) = fs::metadata(group).map(|it| it.ino()) else {
        return true;
    };
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let end = format!(":{inode}");
    locks
        .lines()
        .any(|line| line.split_whitespace().any(|word| word.ends_with(&end)))
}

/// A tree's names, contents and times.
fn tree(path: &Path, lines: &mut BTreeSet<String>) -> Result<(), Failed> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why.into()),
    };
    let content = match meta.is_file() {
        true => fs::read_to_string(path)?,
        false => String::new(),
    };
    lines.insert(format!(
        "canary {} inode {} mode {:o} owner {} links {} modified {}.{} changed {}.{} {content:?}",
        path.display(),
        meta.ino(),
        meta.mode(),
        meta.uid(),
        meta.nlink(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ));
    if meta.is_dir() {
        for entry in fs::read_dir(path)?.flatten() {
            tree(&entry.path(), lines)?;
        }
    }
    Ok(())
}

/// The processes that have a program of this directory as theirs, or in their command
/// line, as the checks have: their numbers and their command lines.
pub(crate) fn processes(abusers: &Path) -> Vec<(i32, Vec<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<String> = words
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let runs = fs::read_link(entry.path().join("exe"));
        if words
            .iter()
            .any(|word| Path::new(word).starts_with(abusers))
            || runs.is_ok_and(|program| program.starts_with(abusers))
        {
            found.push((pid, words));
        }
    }
    found
}
