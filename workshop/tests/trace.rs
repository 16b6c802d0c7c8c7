//! A trace of what can never end ends all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fixture::{Fixture, Run};

/// `trace 00`, on a machine whose strace writes two calls, and then does as the `script` says.
fn traced(script: &str) -> Run {
    let fixture = Fixture::new();
    let calls = r#"'4711 execve("level00", ["level00"], 0x7f /* 2 vars */) = 0' '4711 wait4(-1, NULL, 0, NULL) = 0'"#;
    fixture.write(
        "bin/strace",
        &format!(
            "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nprintf '%s\\n' {calls} >\"$2\"\n{script}\n"
        ),
    );
    let strace = fixture.path("bin/strace");
    fs::set_permissions(strace, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", fixture.path("bin").display());
    let mut trace = fixture.command(&["trace", "00", "--", "true"]);
    fixture::of(trace.env("PATH", path).output().unwrap())
}

#[test]
fn what_never_ends_is_ended_and_told() {
    let run = traced("while :; do :; done");
    assert_eq!(run.status, 137, "{}", run.err);
    assert!(run.out.contains("wait4"), "{}", run.out);
    let said = run.err.replace('\n', " ");
    assert!(
        said.contains("A traced program may take 5 seconds of a processor"),
        "{said}"
    );
}

#[test]
fn of_what_ends_by_itself_nothing_is_said() {
    let run = traced("exit 3");
    assert_eq!(run.status, 3, "{}", run.err);
    assert!(!run.err.contains("of a processor"), "{}", run.err);
}
