//! `docs/src/maintainers/walkthrough.md`, done: a level is added to a copy of the checkout, by
//! the commands and the changes of that page and nothing else, and what was touched is
//! counted.
//!
//! It builds all levels in the copy, so it runs when it is asked for:
//! `cargo test -p curriculum --test walkthrough -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use curriculum::levels;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const PAGE: &str = "docs/src/maintainers/walkthrough.md";

/// What the page promises.
const FILES: usize = 15;
const LINES: usize = 30;

/// Written by commands that the page calls, or by cargo.
const GENERATED: [&str; 4] = [
    "Cargo.lock",
    "levels/skeletons.lock",
    "docs/src/escapes.md",
    "docs/src/maintainers/map.md",
];

/// A fence of the page: what stands behind its backticks, and its lines.
fn fences(page: &str) -> Vec<(String, String)> {
    let mut fences = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        open = match (open, line.strip_prefix("```")) {
            (None, Some(info)) => Some((info.to_owned(), String::new())),
            (Some(fence), Some("")) => {
                fences.push(fence);
                None
            }
            (Some((info, text)), _) => Some((info, text + line + "\n")),
            (None, None) => None,
        };
    }
    fences
}

/// A copy of the checkout as it is now, with what is not committed yet, in a repository of
/// its own.
struct Copy {
    root: PathBuf,
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Always the same, so that cargo knows its crates again and what it builds does not pile up.
fn place() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("walkthrough")
}

impl Copy {
    fn new() -> Copy {
        let root = levels::workspace_root().unwrap();
        let copy = Copy {
            root: place().join("checkout"),
        };
        // An earlier run that was killed has left its copy.
        let _ = fs::remove_dir_all(&copy.root);
        let mut list = Command::new("git");
        list.current_dir(&root);
        list.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let output = list.output().unwrap();
        assert!(output.status.success(), "git lists no files here");
        for path in String::from_utf8(output.stdout).unwrap().split('\0') {
            let from = root.join(path);
            // git lists a file that the maintainer has removed and not yet committed.
            if path.is_empty() || !from.is_file() {
                continue;
            }
            let to = copy.root.join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
        copy.git(&["init", "-q"]);
        copy.commit("as it is");
        copy
    }

    fn git(&self, words: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(&self.root);
        git.args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
        let output = git.args(words).output().unwrap();
        assert!(output.status.success(), "git {words:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// The files that differ from a commit, and how many lines each has more.
    fn touched(&self, since: &str) -> Vec<(String, usize)> {
        self.git(&["add", "--all"]);
        let list = self.git(&["diff", "--cached", "--numstat", "--no-renames", since]);
        let line = |line: &str| {
            let mut words = line.split('\t');
            let added = words.next()?.parse().unwrap_or(0);
            Some((words.nth(1)?.to_owned(), added))
        };
        list.lines().filter_map(line).collect()
    }

    fn run(&self, program: &str, words: &[&str], input: &str) -> Output {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let is_of_this_build = name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_");
            if is_of_this_build || name == "CARGO_MANIFEST_DIR" {
                command.env_remove(name);
            }
        }
        // What is built here stays for the next time, beside what is built for other tests.
        command
            .args(words)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", place().join("target"))
            .env("CI", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

fn said(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr];
    both.map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}

/// What is the level's own: its directory, its checks, its wrong and right solutions, its
/// slides.
fn is_its_own(path: &str, number: u8) -> bool {
    let own = [
        format!("levels/{number:02}_"),
        format!("checks/src/levels/l{number:02}"),
        format!("checks/wrong/{number:02}/"),
        format!("checks/right/{number:02}/"),
        "slides/".to_owned(),
    ];
    own.iter().any(|start| path.starts_with(start))
}

#[test]
#[ignore = "it builds all levels, in a copy"]
fn a_level_is_added_as_the_page_says() {
    if !nix::unistd::geteuid().is_root() {
        println!("not tried: the checks need root");
        return;
    }
    let copy = Copy::new();
    let page = fs::read_to_string(copy.root.join(PAGE)).unwrap();
    let number = syllabus::LAST + 1;
    let before = copy.commit("nothing");
    let mut skeleton = None;
    let mut printed = String::new();
    for (info, text) in fences(&page) {
        match info.as_str() {
            "sh" | "sh,fails" => {
                println!("{text}");
                let output = copy.run("bash", &["-euo", "pipefail", "-c", &text], "");
                printed = said(&output);
                let is_as_said = output.status.success() == (info == "sh");
                assert!(is_as_said, "{}\n{text}\n{printed}", output.status);
                if text.contains("curriculum -- new ") {
                    skeleton = Some(copy.commit("the skeleton"));
                }
            }
            "diff" => {
                let output = copy.run("git", &["apply", "-"], &text);
                assert!(output.status.success(), "{}\n{text}", said(&output));
            }
            // What has just been printed; the first is how this test is called.
            "text" if !printed.is_empty() => {
                let missing: Vec<&str> = text
                    .lines()
                    .filter(|line| !printed.contains(line))
                    .collect();
                assert_eq!(missing, [""; 0], "{printed}");
            }
            _ => {}
        }
    }

    let all = copy.touched(&before);
    let generated: BTreeSet<&str> = GENERATED.into_iter().collect();
    let by_hand = copy.touched(&skeleton.unwrap()).into_iter();
    let by_hand: Vec<_> = by_hand
        .filter(|(path, _)| !generated.contains(path.as_str()))
        .collect();
    let outside: Vec<_> = all
        .iter()
        .filter(|(path, _)| !is_its_own(path, number))
        .collect();
    let counted = outside.iter().filter(|(path, _)| !path.ends_with(".lock"));
    let lines: usize = counted.map(|(_, added)| added).sum();
    println!("{} files in all; by hand: {}", all.len(), by_hand.len());
    println!(
        "outside of the level: {} files, {lines} new lines",
        outside.len()
    );
    for (path, added) in &outside {
        println!("  {added:>3}  {path}");
    }
    assert!(by_hand.len() <= FILES, "by hand: {by_hand:#?}");
    assert!(outside.len() <= FILES, "outside of the level: {outside:#?}");
    assert!(lines <= LINES, "{lines} new lines outside: {outside:#?}");
}
