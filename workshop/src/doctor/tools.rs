//! Programs: what builds the levels, what the base image is made of, what the lessons use.

use std::process::{Command, Stdio};

use super::finding::{self, Finding, Levels, State, Topic, needed, none};
use super::machine::Machine;

/// The lowest version of Rust that the workspace compiles with.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Programs that lessons or the companion use, and what is missed without each. Which
/// lessons, their `level.toml` says.
const USED_BY_LESSONS: [(&str, &str); 9] = [
    (
        "ip",
        "the lesson looks at interfaces, on the host and in the container",
    ),
    (
        "strace",
        "`cargo workshop trace` shows system calls with it",
    ),
    (
        "git",
        "`cargo workshop` finds the skeletons in git's history",
    ),
    ("nsenter", "the lessons enter namespaces from the host"),
    ("unshare", "the lessons try namespaces in a shell first"),
    (
        "pgrep",
        "the lessons find the container's process from the host",
    ),
    ("pkill", "the lessons end containers from the host"),
    ("ps", "the lessons look at processes"),
    ("taskset", "the lesson puts two containers on one processor"),
];

/// Without these there is no image `base`.
const IN_BASE: [&str; 3] = ["sh", "ls", "cat"];

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = rust(machine);
    findings.push(linker(machine));
    findings.extend(base(machine));
    findings.extend(used(machine));
    findings
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Tools, id, state, levels, summary)
}

fn rust(machine: &Machine) -> Vec<Finding> {
    let install = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
    let mut found = Vec::new();
    for name in ["cargo", "rustc"] {
        match machine.program(name) {
            Some(path) => found.push(path),
            None => {
                let summary = format!("there is no {name}: nothing can be built");
                return vec![
                    finding("rust", State::InTheWay, needed("rust"), summary)
                        .seen("PATH", format!("no {name}"))
                        .remedy("install Rust with rustup, then open a new terminal")
                        .command(install),
                ];
            }
        }
    }
    if machine.is_quick {
        return Vec::new();
    }
    let rustc = found.pop().unwrap_or_default();
    let output = Command::new(&rustc)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    let said = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
        Err(error) => error.to_string(),
    };
    let source = format!("{} --version", rustc.display());
    let version = said.strip_prefix("rustc ").and_then(number);
    let result = match version {
        Some(version) if Some(version) >= number(RUST) => finding(
            "rust",
            State::Fine,
            needed("rust"),
            format!("Rust is {RUST} or newer"),
        )
        .seen(source, said),
        Some(_) => finding(
            "rust",
            State::InTheWay,
            needed("rust"),
            format!("this Rust is older than {RUST}: the workshop does not build with it"),
        )
        .seen(source, said)
        .remedy("update it; a distribution's own package is often too old, and rustup's is not")
        .command(if machine.program("rustup").is_some() {
            "rustup update stable"
        } else {
            install
        }),
        None => finding(
            "rust",
            State::InTheWay,
            needed("rust"),
            "rustc does not say its version: it does not work",
        )
        .seen(source, said)
        .remedy("let rustup set up a toolchain")
        .command("rustup default stable"),
    };
    vec![result]
}

/// The first two numbers of a version.
fn number(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|it: char| !it.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// rustc calls the C compiler, for it knows where the C library is.
fn linker(machine: &Machine) -> Finding {
    // cargo's configuration may name another one; only this way of it is looked at.
    let variable = format!(
        "CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_LINKER",
        std::env::consts::ARCH.to_uppercase()
    );
    let name = std::env::var(&variable).unwrap_or_else(|_| "cc".to_owned());
    match machine.program(&name) {
        Some(path) => finding("linker", State::Fine, needed("linker"), "there is a linker")
            .seen("PATH", path.display().to_string()),
        None => install(
            machine,
            &name,
            finding(
                "linker",
                State::InTheWay,
                needed("linker"),
                format!(
                    "there is no linker ({name}): \
                nothing can be built, unless cargo's configuration names another"
                ),
            )
            .seen("PATH", format!("no {name}")),
        ),
    }
}

fn base(machine: &Machine) -> Option<Finding> {
    let missing: Vec<&str> = IN_BASE
        .into_iter()
        .filter(|name| machine.program_of_root(name).is_none())
        .collect();
    if missing.is_empty() || machine.images.join("base.tar").exists() {
        return None;
    }
    let missing = missing.join(", ");
    let summary =
        format!("the image `base` is made of this machine's programs, and there is no {missing}");
    let found = finding("base", State::InTheWay, needed("base-image"), summary)
        .seen("PATH", format!("no {missing}"));
    Some(found.remedy("install them (package coreutils, or busybox)"))
}

fn used(machine: &Machine) -> Vec<Finding> {
    let is_there = |(name, _): &(&str, &str)| machine.program_of_root(name).is_some();
    let (there, missing): (Vec<_>, Vec<_>) = USED_BY_LESSONS.into_iter().partition(is_there);
    let mut findings = Vec::new();
    if !there.is_empty() {
        let names: Vec<&str> = there.iter().map(|(name, _)| *name).collect();
        let summary = if missing.is_empty() {
            "the tools of the lessons are there"
        } else {
            "the other tools of the lessons are there"
        };
        findings
            .push(finding("tools", State::Fine, none(), summary).seen("PATH", names.join(", ")));
    }
    for (name, purpose) in missing {
        let found = finding(
            &format!("tool-{name}"),
            State::Note,
            finding::used(name),
            format!("there is no {name}: {purpose}"),
        );
        findings.push(install(
            machine,
            name,
            found.seen("PATH and root's usual one", format!("no {name}")),
        ));
    }
    findings
}

/// With the command that installs `program` here, if this is a distribution we know.
pub(super) fn install(machine: &Machine, program: &str, finding: Finding) -> Finding {
    let release = machine.read("/etc/os-release").unwrap_or_default();
    // os-release(5): what it is, and what it is like.
    let words: Vec<&str> = release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .collect();
    let family = words.into_iter().find_map(|word| match word {
        "debian" | "ubuntu" => Some(("apt install", 0)),
        "fedora" | "rhel" | "centos" => Some(("dnf install", 1)),
        "arch" => Some(("pacman -S", 2)),
        "alpine" => Some(("apk add", 3)),
        "suse" | "opensuse" => Some(("zypper install", 0)),
        _ => None,
    });
    let packages = match program {
        "cc" => ["gcc", "gcc", "gcc", "build-base"],
        "ip" => ["iproute2", "iproute", "iproute2", "iproute2"],
        "pgrep" | "pkill" | "ps" => ["procps", "procps-ng", "procps-ng", "procps-ng"],
        "nsenter" | "unshare" | "taskset" => ["util-linux"; 4],
        "newuidmap" | "newgidmap" => ["uidmap", "shadow-utils", "shadow", "shadow-uidmap"],
        "strace" => ["strace"; 4],
        "git" => ["git"; 4],
        _ => return finding.remedy(format!("install {program}")),
    };
    match family {
        Some((command, column)) => finding
            .remedy("install it")
            .command(format!("sudo {command} {}", packages[column])),
        None => finding.remedy(format!(
            "install the package {} of your distribution",
            packages[0]
        )),
    }
}
