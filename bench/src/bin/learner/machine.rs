//! What was measured on.

use std::fs;
use std::process::Command;

/// Date, kernel, kind of machine and compiler, in a line; and how busy it is.
pub fn describe() -> String {
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map(|output| output.stdout).unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}, {}; load average before: {}",
        bench::machine::describe(),
        String::from_utf8_lossy(&compiler).trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}
