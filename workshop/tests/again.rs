//! A check that fails ends with the commands that tell more of the very run that has failed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fixture::Fixture;

/// A workshop whose checks say what they have run, on a machine that has a strace.
fn with_a_run(told: &str) -> Fixture {
    let fixture = Fixture::new();
    fixture.replace(
        "checks/src/main.rs",
        r#""seen":"nothing""#,
        &format!(r#""seen":"nothing",{told}"#),
    );
    fixture.write("bin/strace", "#!/bin/sh\n");
    let strace = fixture.path("bin/strace");
    fs::set_permissions(strace, fs::Permissions::from_mode(0o755)).unwrap();
    fixture.solve("00", 1);
    fixture
}

/// What is said behind the count of verdicts.
fn last_words(fixture: &Fixture) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", fixture.path("bin").display());
    let mut check = fixture.command(&["check", "00"]);
    let run = fixture::of(check.env("PATH", path).output().unwrap());
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    let (_, words) = run.out.rsplit_once("1 failed\n\n").unwrap();
    words.to_owned()
}

#[test]
fn the_run_of_the_failure_can_be_told() {
    let ran = r#""ran":"level00 run -i test --memory 20m -- sh -c \"exit $((3 + 1))\"""#;
    assert_eq!(
        last_words(&with_a_run(ran)),
        "  Stuck?                    cargo workshop hint 00\n  \
         Its calls, as a story:    cargo workshop trace 00 -- --memory 20m sh -c 'exit $((3 + 1))'\n  \
         What each call changed:   cargo workshop xray 00 -- --memory 20m sh -c 'exit $((3 + 1))'\n"
    );
    let stopped = r#""consequence":true,"stopped":true,"ran":"level00 run -- probe hold""#;
    assert_eq!(
        last_words(&with_a_run(stopped)),
        "  Stuck?                    cargo workshop hint 00\n  \
         Its calls, as a story:    cargo workshop trace 00 -- true\n"
    );
}

#[test]
fn a_run_that_a_learner_cannot_repeat_is_not_offered() {
    let ran = r#""ran":"umask 077; level00 run -- true""#;
    let stuck = "  Stuck?                    cargo workshop hint 00\n";
    assert_eq!(last_words(&with_a_run(ran)), stuck);
    assert_eq!(last_words(&with_a_run(r#""milliseconds":1"#)), stuck);
}
