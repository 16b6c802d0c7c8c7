//! Output that cannot be written is a failure, whatever the command: a report that is not
//! there must not look like one that is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs::File;
use std::process::Stdio;

use fixture::Fixture;

/// Every command that has something to say, with what makes it say it.
const COMMANDS: &[&[&str]] = &[
    &[],
    &["--help"],
    &["-h"],
    &["check", "--help"],
    &["check"],
    &["check", "--all"],
    &["hint"],
    &["hint", "--again"],
    &["solution", "00"],
    &["reset", "01"],
    &["report"],
    &["doctor"],
    &["doctor", "--json"],
    &["completions", "bash"],
    &["images"],
    &["clean", "--dry-run"],
];

#[test]
fn what_cannot_be_written_is_no_success() {
    let fixture = Fixture::new();
    for step in [1, 2] {
        fixture.solve("00", step);
    }
    for words in COMMANDS {
        let mut command = fixture.command(words);
        // A store that no user has: what is printed is that nothing is left.
        command.env("RUBBER_DOCKER_CONTAINERS", "/no/such/store");
        command.env("RUBBER_DOCKER_IMAGES", "/no/such/images");
        command.stdout(Stdio::from(File::create("/dev/full").unwrap()));
        let run = fixture::of(command.output().unwrap());
        assert!(run.status > 0, "{words:?}: {}", run.err);
        assert!(
            run.err.contains("No space left on device"),
            "{words:?}: {}",
            run.err
        );
        assert!(!run.err.contains("panicked"), "{words:?}: {}", run.err);
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let fixture = Fixture::new();
    for words in [
        &["report"][..],
        &["hint"],
        &["--help"],
        &["completions", "zsh"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = fixture::of(fixture.command(words).stdout(writer).output().unwrap());
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    }
}
