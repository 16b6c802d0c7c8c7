//! What the kernel says of a process, in `/proc`.

use std::fs;
use std::io;

/// One line of `/proc/PID/status`.
pub fn status(pid: i32, key: &str) -> io::Result<String> {
    // The name of the program stands there, too, and may be anything.
    let bytes = fs::read(format!("/proc/{pid}/status"))?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.map(|value| value.trim().to_owned())
        .ok_or_else(|| io::Error::other(format!("it has no line {key}")))
}

/// `R` running, `S` sleeping, `Z` zombie, ...; none if there is no such process.
pub fn state(pid: i32) -> Option<char> {
    status(pid, "State").ok()?.chars().next()
}

/// Whether a process lives: it is there, and no zombie.
pub fn is_alive(pid: i32) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// The first child of a process, by a file that is read faster than all processes' status.
pub fn first_child(pid: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
