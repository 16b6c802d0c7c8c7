//! What the kernel says: of mounts, of processes, of files.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use linux_sys::Pid;

/// Line by line.
pub(crate) fn mount_table() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    text.lines().map(str::to_owned).collect()
}

// ---- files ----

/// The directories below one, at any depth, on its own file system.
pub(crate) fn directories_below(top: &Path) -> Vec<PathBuf> {
    let all = everything_below(top).into_iter();
    all.filter(|(_, it)| it.is_dir()).map(|it| it.0).collect()
}

/// The paths below a directory, at any depth, on its own file system.
pub(crate) fn everything_below(top: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut found = Vec::new();
    let Ok(device) = fs::symlink_metadata(top).map(|it| it.dev()) else {
        return found;
    };
    for path in entries(top) {
        // One that was there a moment ago, of a process that ends, is not.
        let Ok(it) = fs::symlink_metadata(&path) else {
            continue;
        };
        let is_on_it = it.is_dir() && it.dev() == device;
        found.push((path.clone(), it));
        if is_on_it {
            found.extend(everything_below(&path));
        }
    }
    found
}

/// What is in a directory, in the order of the names; nothing if there is none.
pub(crate) fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

/// What is in it, and when each was last changed in any way; reading does not count. The
/// change time is that of attributes, too (inode(7)).
pub(crate) fn manifest(directory: &Path) -> BTreeMap<PathBuf, String> {
    let all = everything_below(directory).into_iter();
    all.map(|(path, it)| {
        let content = match it.file_type() {
            kind if kind.is_file() => hash(&fs::read(&path).unwrap()).to_string(),
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().display().to_string(),
            _ => String::new(),
        };
        let line = format!("{} {content}", state(&it));
        (path, line)
    })
    .collect()
}

/// Kind, mode, owner, size, times, inode and links of a file, as text.
pub(crate) fn state(it: &fs::Metadata) -> String {
    format!(
        "{:o} {}:{} {} bytes, modified {}.{}, changed {}.{}, inode {}, {} links",
        it.mode(),
        it.uid(),
        it.gid(),
        it.size(),
        it.mtime(),
        it.mtime_nsec(),
        it.ctime(),
        it.ctime_nsec(),
        it.ino(),
        it.nlink()
    )
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The permission bits, with setuid, setgid and sticky.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// The number of the user whose file it is.
pub(crate) fn owner(path: &Path) -> u32 {
    fs::metadata(path).unwrap().uid()
}

/// As stat(1) names the kind of a file.
pub(crate) fn kind(path: &Path) -> &'static str {
    match fs::symlink_metadata(path).unwrap().file_type() {
        it if it.is_fifo() => "FIFO",
        it if it.is_socket() => "socket",
        it if it.is_char_device() => "character device",
        _ => "file",
    }
}

// ---- processes ----

/// The command line of every process but PID 1 and this one.
pub(crate) fn processes() -> BTreeMap<i32, String> {
    let own = std::process::id().cast_signed();
    let numbers = entries(Path::new("/proc")).into_iter();
    let numbers = numbers.filter_map(|path| path.file_name()?.to_str()?.parse().ok());
    let others = numbers.filter(|pid: &i32| *pid != 1 && *pid != own);
    others
        .filter_map(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            // A zombie has none; its name is in brackets, as ps(1) shows it.
            let words = match words.trim() {
                "" => format!(
                    "[{}]",
                    fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim()
                ),
                words => words.to_owned(),
            };
            Some((pid, words))
        })
        .collect()
}

/// The program's name, as the kernel keeps it.
pub(crate) fn comm(pid: i32) -> Option<String> {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(comm.trim().to_owned())
}

/// Sends a signal; that the process has ended is no error.
pub(crate) fn send(pid: i32, signal: i32) {
    let _ = linux_sys::kill(Pid::from_raw(pid), signal);
}
