//! A tree on the disk as lines that can be compared.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;

/// A line for each file: kind, mode, owner, time, names, contents.
pub fn tree(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            lines.push(line(root, &path));
            if path.symlink_metadata().unwrap().is_dir() {
                left.push(path);
            }
        }
    }
    lines.sort();
    lines
}

fn line(root: &Path, path: &Path) -> String {
    let about = path.symlink_metadata().unwrap();
    let kind = about.file_type();
    let what = if kind.is_symlink() {
        format!("-> {:?}", fs::read_link(path).unwrap())
    } else if kind.is_dir() {
        "directory".to_owned()
    } else if kind.is_fifo() {
        "fifo".to_owned()
    } else {
        let contents = fs::read(path).unwrap();
        let sum: u64 = contents.iter().map(|&byte| u64::from(byte)).sum();
        format!(
            "{} bytes, sum {sum}, {} names",
            contents.len(),
            about.nlink()
        )
    };
    let mode = if kind.is_symlink() {
        0
    } else {
        about.mode() & 0o7777
    };
    format!(
        "{:?} {what} {mode:o} {}:{} {}",
        path.strip_prefix(root).unwrap(),
        about.uid(),
        about.gid(),
        time(&about)
    )
}

/// A directory that no member describes is as old as the test, and not compared.
fn time(about: &fs::Metadata) -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let age = i64::try_from(now.as_secs()).unwrap() - about.mtime();
    if age.abs() < 86_400 {
        "now".to_owned()
    } else {
        about.mtime().to_string()
    }
}
