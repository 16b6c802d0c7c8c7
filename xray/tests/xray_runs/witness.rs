//! What `/proc` says at each step, asked by other means than the x-ray's own: while the process
//! stands still.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use serde_json::{Map, Value, json};

/// The word that makes this program the tracer: `witness OUTPUT PROGRAM [WORD]...`.
pub(crate) const WORD: &str = "witness";

/// Traces a program, with what was seen in each step.
pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let [output, program @ ..] = words else {
        return ExitCode::from(2);
    };
    let record = xray::host::run(program, &|step| {
        let seen = look(step);
        step["seen"] = seen;
    });
    match record {
        Ok(seen) => {
            fs::write(output, seen.record.to_string()).unwrap();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The process that has made the step: `p1` is the oldest that we trace, `p2` the youngest.
fn pid_of(who: &str) -> Option<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let traced = pids.filter(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("\nTracerPid:\t1\n")
    });
    match who {
        "p1" => traced.min(),
        _ => traced.max(),
    }
}

fn look(step: &Value) -> Value {
    let Some(pid) = pid_of(step["who"].as_str().unwrap()) else {
        return Value::Null;
    };
    let link = |name: &str| {
        let link = fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default();
        link.display().to_string()
    };
    let mut seen = Map::new();
    seen.insert("root".into(), link("root").into());
    seen.insert("cwd".into(), link("cwd").into());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for row in status.lines().filter_map(|line| line.split_once(':')) {
        let words: Vec<&str> = row.1.split_whitespace().collect();
        seen.insert(row.0.into(), words.join(" ").into());
    }
    let mut own = Vec::new();
    for kind in ["mnt", "uts", "pid", "ipc", "net", "cgroup", "user"] {
        let name = format!("ns/{kind}");
        if link(&name)
            != fs::read_link(Path::new("/proc/self").join(&name))
                .unwrap()
                .display()
                .to_string()
        {
            own.push(kind);
        }
    }
    seen.insert("own namespaces".into(), json!(own));
    let table = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    let mut mounts: Vec<String> = table
        .lines()
        .map(|line| {
            let (before, after) = line.split_once(" - ").unwrap();
            let fields: Vec<&str> = before.split(' ').collect();
            let how: Vec<&str> = fields[6..]
                .iter()
                .map(|it| it.split(':').next().unwrap())
                .collect();
            let how = if how.is_empty() {
                "private".to_owned()
            } else {
                how.join(" ")
            };
            format!(
                "{} {} {} {how}",
                fields[4],
                after.split(' ').next().unwrap(),
                fields[5]
            )
        })
        .collect();
    mounts.sort();
    seen.insert("mounts".into(), json!(mounts));
    let numbers = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let mut numbers: Vec<u32> = numbers
        .filter_map(|it| it.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    seen.insert("descriptors".into(), json!(numbers));
    let inside = |kind: &str, words: &[&str]| {
        let pid = pid.to_string();
        let output = Command::new("nsenter")
            .args(["-t", &pid, kind, "--"])
            .args(words)
            .output();
        String::from_utf8(output.unwrap().stdout)
            .unwrap()
            .trim()
            .to_owned()
    };
    seen.insert("hostname".into(), inside("-u", &["hostname"]).into());
    let links = inside("-n", &["ip", "-o", "link", "show", "lo"]);
    seen.insert("lo is up".into(), links.contains(",UP").into());
    let addresses = inside("-n", &["ip", "-o", "addr", "show", "dev", "lo"]);
    let addresses = addresses
        .lines()
        .filter_map(|it| it.split_whitespace().nth(3));
    seen.insert("lo has".into(), addresses.map(Value::from).collect());
    let routes = inside("-n", &["ip", "route"]);
    seen.insert("routes".into(), json!(routes.lines().collect::<Vec<_>>()));
    seen.into()
}
