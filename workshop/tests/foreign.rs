//! What others have written, or put where a learner's file was: nothing of it is obeyed by
//! the terminal, and nothing from another place gets into a report.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod fixture;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use fixture::Fixture;

/// Clears the screen, names the window, turns letters round, and hides some.
const EVIL: &str = "x\x1b[2J\x1b]0;mine\x07\u{9b}2J\u{202e}\u{200b}\r\x1b[8my";

/// Control characters that do harm; lines must end, and tabs set in.
fn is_obeyed(letter: char) -> bool {
    let is_ours = matches!(letter, '\n' | '\t');
    letter.is_control() && !is_ours || matches!(letter, '\u{202e}' | '\u{200b}')
}

fn assert_tame(what: &str, text: &str) {
    assert!(!text.contains(is_obeyed), "{what}: {text:?}");
}

#[test]
fn a_report_follows_no_link() {
    let fixture = Fixture::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let key = elsewhere.path().join("id_rsa");
    fs::write(&key, "SECRET\nSECRET\n").unwrap();
    let level = fixture.path("levels/00_fork_exec");
    symlink(&key, level.join("src/key.rs")).unwrap();
    symlink(elsewhere.path(), level.join("src/keys")).unwrap();
    symlink(elsewhere.path(), level.join("tests")).unwrap();
    fs::remove_file(level.join("README.md")).unwrap();
    symlink(&key, level.join("README.md")).unwrap();
    fs::remove_file(level.join("src/main.rs")).unwrap();
    symlink(&key, level.join("src/main.rs")).unwrap();
    // A device and a FIFO have no end, or none that comes.
    symlink("/dev/zero", level.join("src/zero.rs")).unwrap();
    let fifo = Command::new("mkfifo")
        .arg(level.join("src/fifo.rs"))
        .status();
    assert!(fifo.unwrap().success());
    symlink(
        elsewhere.path(),
        fixture.path("levels/01_chroot_image/tests"),
    )
    .unwrap();
    fixture.write("levels/01_chroot_image/src/mine.rs", "// my own work\n");

    let out = fixture.says(&["report", "--yes"]);
    let written = fixture.read("workshop-report.txt");
    for text in [&out, &written] {
        assert!(!text.contains("SECRET"), "{text}");
    }
    assert!(written.contains("+// my own work"), "{written}");
    for file in ["src/key.rs", "src/main.rs", "src/zero.rs", "src/fifo.rs"] {
        let line = format!("levels/00_fork_exec/{file}: a link, or no file");
        assert!(written.contains(&line), "{written}");
    }
    assert!(!written.contains("id_rsa"), "{written}");
    assert_eq!(fs::read_to_string(&key).unwrap(), "SECRET\nSECRET\n");
}

#[test]
fn nothing_that_a_file_says_is_obeyed_by_the_terminal() {
    let fixture = Fixture::new();
    fixture.write(
        ".workshop/progress",
        &format!("{EVIL} {EVIL}\nhint fork_exec {EVIL}\n"),
    );
    let lesson = "levels/00_fork_exec/README.md";
    fixture.replace(lesson, "title 00", EVIL);
    fixture.replace("levels/00_fork_exec/level.toml", "title 00", EVIL);
    fixture.replace(lesson, "Text 1a", EVIL);
    fixture.solve("00", 1);
    fixture.replace(
        "levels/00_fork_exec/src/main.rs",
        "// mine",
        "// \x1b[2J\u{9b}2J",
    );
    fixture.write(
        &format!("levels/00_fork_exec/src/{}.rs", EVIL.replace('/', "")),
        "// x\n",
    );
    let evil = EVIL.replace('/', "");
    for words in [
        &[][..],
        &["check"],
        &["check", EVIL],
        &["check", "--all"],
        &[EVIL],
        &["--no-such-option", EVIL],
        &["lesson", "00"],
        &["lesson", "00", "--hints"],
        &["hint", "00"],
        &["hint", "00", "--again"],
        &["solution", "00"],
        &["report", "--yes"],
        &["reset", "00"],
        &["clean", "--dry-run", "--container-dir", &evil],
    ] {
        let run = fixture.workshop(words);
        assert_tame(&format!("{words:?}, standard output"), &run.out);
        assert_tame(&format!("{words:?}, standard error"), &run.err);
        let said = run.out + &run.err;
        assert!(!said.contains("panicked"), "{said}");
    }
    assert_tame("the report", &fixture.read("workshop-report.txt"));
    // The map shows such a line all the same.
    fixture.write(".workshop/progress", &format!("{EVIL}\n"));
    let run = fixture.workshop(&[]);
    assert!(
        run.err.contains(r"left alone: x\u{1b}[2J\u{1b}]0;mine"),
        "{}",
        run.err
    );
    assert!(run.out.contains(r"x\u{1b}[2J"), "{}", run.out);
    // The companion leaves the file as it was.
    assert_eq!(fixture.read(".workshop/progress"), format!("{EVIL}\n"));
}

#[test]
fn a_level_s_directory_is_shown_as_text() {
    let fixture = Fixture::new();
    fixture.write(
        &format!("levels/{EVIL}/Cargo.toml"),
        "[package]\nname = \"level07\"\n",
    );
    let run = fixture.workshop(&[]);
    assert_ne!(run.status, 0);
    assert_tame("a directory's name", &run.err);
    assert!(run.err.contains(r"levels/x\u{1b}[2J"), "{}", run.err);
}
