//! The checks on a machine that they cannot look at: in a mount namespace without control
//! groups, by a program that is called as a level that makes some.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::process::Command;

use nix::unistd::geteuid;

/// How many checks level 08 has, and what is said of them.
fn told() -> (usize, String) {
    let level = checks::LEVELS.iter().find(|level| level.number == 8);
    let count = level.unwrap().checks.len();
    let why = "no cgroups for the sandbox: the cpu controller: no mounted hierarchy has it; \
        `cargo workshop doctor` says what helps";
    let line = format!("level08 was not judged: all {count} of its checks were skipped: {why}");
    (count, line)
}

/// What `checks WORDS... BINARY MORE...` prints there, and its status. None without root.
fn checks(words: &[&str], more: &[&str]) -> Option<(String, Option<i32>)> {
    if !geteuid().is_root() {
        println!("not tried: only root can change a machine");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let binary = directory.path().join("level08");
    fs::copy("/bin/true", &binary).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c"])
        .arg("umount --all --lazy --types cgroup,cgroup2 && exec \"$0\" \"$@\"")
        .arg(env!("CARGO_BIN_EXE_checks"))
        .args(words)
        .arg(&binary)
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some((text, output.status.code()))
}

const JUDGE: [&str; 5] = ["judge", "--alone", "--level", "8", "--binary"];

#[test]
fn one_line_says_that_nothing_was_judged_and_the_status_that_it_could_not_be() {
    let Some((text, status)) = checks(&JUDGE, &[]) else {
        return;
    };
    let (count, line) = told();
    let end = format!("\n{count} skipped\n\n{line}\n\n");
    assert!(text.ends_with(&end), "{text}");
    assert_eq!((text.matches("\x1b").count(), status), (0, Some(125)));
}

#[test]
fn for_programs_it_is_the_last_line() {
    let Some((text, status)) = checks(&JUDGE, &["--json"]) else {
        return;
    };
    let (count, line) = told();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let expected = serde_json::json!({
        "judged": false, "level": 8, "skipped": count, "seen": line
    });
    assert_eq!((last, status), (expected, Some(125)));
    assert_eq!(text.matches(r#""verdict":"skip""#).count(), count);
}

#[test]
fn cargo_test_says_so_too_in_red_where_colours_are_wanted() {
    let words = ["test", "level08"];
    let Some((text, status)) = checks(&words, &["--color", "always", "--quiet"]) else {
        return;
    };
    let end = format!("\x1b[31m{}\x1b[0m\n\n", told().1);
    assert!(text.ends_with(&end), "{text}");
    assert_eq!(status, Some(125));
    // A filter that leaves only skipped ones leaves nothing judged either.
    let (text, status) = checks(&words, &["hostname"]).unwrap();
    assert!(text.contains("\nnothing was judged: all "), "{text}");
    assert_eq!(status, Some(125));
}
