//! The sandbox has a hierarchy of version 2 wherever the machine has one, with a controller or
//! without, and programs about devices can be asked for there; and where it has none, the
//! checks of level 15 say why they do not look.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::process::Command;

use nix::unistd::geteuid;

/// What the checks say of a program that is called as level 15 and does nothing, on a machine
/// that was changed by `before`. None without root.
fn checks(before: &str) -> Option<(String, Option<i32>)> {
    if !geteuid().is_root() {
        println!("not tried: only root can change a machine");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let binary = directory.path().join("level15");
    fs::copy("/bin/true", &binary).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .arg(format!("{before} && exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_checks"))
        .args(["judge", "--alone", "--level", "15", "--binary"])
        .arg(&binary)
        .output()
        .unwrap();
    Some((
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    ))
}

#[test]
fn where_there_is_version_2_the_sandbox_has_it_as_well() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    if !mounts.contains(" - cgroup2 ") {
        println!("not tried: this machine has no cgroup2 mounted");
        return;
    }
    let Some((text, status)) = checks("true") else {
        return;
    };
    // Looked at, and found wanting.
    assert!(!text.contains("skip"), "{text}");
    assert!(
        text.contains("  FAIL  a device program is attached"),
        "{text}"
    );
    assert_eq!(status, Some(1), "{text}");
}

#[test]
fn where_there_is_none_the_level_was_not_judged() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    if !mounts.contains(" - cgroup ") {
        println!("not tried: without version 2 this machine has no control groups at all");
        return;
    }
    let Some((text, status)) = checks("umount --all --lazy --types cgroup2") else {
        return;
    };
    let why = "checks were skipped: no control groups of version 2 are mounted; \
        `cargo workshop doctor` says what helps";
    assert!(text.contains(why), "{text}");
    assert_eq!(status, Some(125), "{text}");
}
