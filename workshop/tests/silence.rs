//! Whatever takes long says what it is: cargo that builds or waits for another cargo, and
//! checks that look for a while. Nothing is built for what needs nothing built.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fixture::Fixture;
use nix::fcntl::{Flock, FlockArg};

/// Reads what a program says on standard error until a line has `what` in it.
fn says(child: &mut Child, what: &str) -> BufReader<std::process::ChildStderr> {
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "no {what:?} in:\n{seen}"
        );
        if line.contains(what) {
            return lines;
        }
        seen += &line;
    }
}

fn start(command: &mut Command) -> Child {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// The lock that another cargo would hold while it builds.
fn held(target: &Path) -> Flock<File> {
    let lock = File::open(target.join("debug/.cargo-lock")).unwrap();
    Flock::lock(lock, FlockArg::LockExclusive).unwrap()
}

/// A checkout in which `cargo workshop` is what it is here, and its program a small one.
fn with_alias() -> Fixture {
    let fixture = Fixture::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/config.toml");
    fixture.write(".cargo/config.toml", &fs::read_to_string(own).unwrap());
    fixture.replace("Cargo.toml", "\"checks\"", "\"checks\", \"workshop\"");
    let manifest = "[package]\nname = \"workshop\"\nedition = \"2024\"\n";
    fixture.write("workshop/Cargo.toml", manifest);
    fixture.write("workshop/src/main.rs", "fn main() {}\n");
    fixture
}

fn cargo_workshop(fixture: &Fixture) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    cargo.arg("workshop").current_dir(&fixture.root);
    cargo
        .env("CARGO_TARGET_DIR", fixture.path("target"))
        .env_remove("CARGO_TERM_QUIET");
    cargo
}

#[test]
fn the_companion_is_not_built_in_silence_nor_waited_for() {
    let fixture = with_alias();
    let mut first = start(&mut cargo_workshop(&fixture));
    let mut rest = says(&mut first, "Compiling workshop");
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert!(first.wait().unwrap().success());

    let lock = held(&fixture.path("target"));
    let mut second = start(&mut cargo_workshop(&fixture));
    let mut rest = says(&mut second, "Blocking waiting for file lock");
    drop(lock);
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert!(second.wait().unwrap().success());
}

#[test]
fn a_check_says_that_it_waits_for_another_cargo() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture.workshop(&["check"]);
    let target = fixture.path("target");
    let mut check = fixture.command(&["check"]);
    let check = check.env("CARGO_TARGET_DIR", &target);
    // Also where the learner has set cargo to be quiet.
    check.env("CARGO_TERM_QUIET", "true");
    start(check).wait_with_output().unwrap();
    let lock = held(&target);
    let mut check = start(check);
    let mut rest = says(&mut check, "Blocking waiting for file lock");
    drop(lock);
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(check.wait().unwrap().code(), Some(1));
}

#[test]
fn checks_that_take_their_time_say_so() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture.run("mkfifo", &["go"]);
    // The judge does not begin before we say so.
    fixture.write(".cargo/as-root", "#!/bin/sh\nread -r _ <go\nexec \"$@\"\n");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(fixture.path(".cargo/as-root"), mode).unwrap();
    let mut check = start(&mut fixture.command(&["check"]));
    let mut rest = says(&mut check, "the checks of level00 are looking");
    fixture.write("go", "now\n");
    rest.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(check.wait().unwrap().code(), Some(1));
}

#[test]
fn images_are_listed_without_building_anything() {
    let fixture = Fixture::new();
    fixture.write("images/small.tar", &"\0".repeat(1536));
    for words in [&["images"][..], &["images", "list"], &["images", "ls"]] {
        let mut images = fixture.command(words);
        // A companion that starts cargo fails.
        images.env("CARGO", "/bin/false");
        images.env("RUBBER_DOCKER_IMAGES", fixture.path("images"));
        images.env("RUBBER_DOCKER_CONTAINERS", fixture.path("containers"));
        let run = fixture::of(images.output().unwrap());
        assert_eq!(run.status, 0, "{words:?}: {}{}", run.out, run.err);
        assert!(
            run.out.contains("small") && run.out.contains("no  "),
            "{}",
            run.out
        );
        images.env("RUBBER_DOCKER_IMAGES", fixture.path("none"));
        let none = fixture::of(images.output().unwrap());
        assert!(
            none.out.starts_with("no image in "),
            "{}{}",
            none.out,
            none.err
        );
    }
    let mut help = fixture.command(&["images", "list", "--help"]);
    let help = fixture::of(help.env("CARGO", "/bin/false").output().unwrap());
    assert!(help.out.contains("--image-dir"), "{}{}", help.out, help.err);
}
