//! What was measured on.

use std::fs;
use std::process::Command;

/// Date, kernel and kind of machine, in a line; and how busy it is.
pub fn describe() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_default()
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kind = match cpuinfo.contains(" hypervisor ") {
        true => "virtual machine",
        false => "machine",
    };
    let load = read("/proc/loadavg");
    format!(
        "{}, Linux {}, {kind} with {} processors ({model}), {}; load average before: {}",
        said("date", &["+%Y-%m-%d"]),
        said("uname", &["-r"]),
        said("nproc", &[]),
        said("rustc", &["--version"]),
        load.split(' ').next().unwrap_or_default(),
    )
}
