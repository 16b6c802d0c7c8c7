//! What the texts say of kernels, where one kernel does what another does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

const FACTS: &str = "maintainers/facts.md";

/// Every text for people, with its path; but not the page that lists these facts.
fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open = ["docs/src", "slides/deck", "levels"]
        .map(|it| root.join(it))
        .to_vec();
    let mut texts = vec![];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "md") && !path.ends_with(FACTS) {
            let text = fs::read_to_string(&path).unwrap();
            texts.push((path, text));
        }
    }
    texts
}

/// Paragraphs, and items of lists, that have each of these words.
fn paragraphs_with(words: &[&str]) -> Vec<String> {
    let mut found = vec![];
    for (path, text) in texts() {
        let text = text.replace("\n- ", "\n\n- ").replace("\n   - ", "\n\n- ");
        let all = text.split("\n\n");
        let wanted = all.filter(|paragraph| words.iter().all(|word| paragraph.contains(word)));
        found.extend(wanted.map(|paragraph| format!("{}: {paragraph}", path.display())));
    }
    found
}

// On Linux 6.12 pivot_root from an initramfs is EINVAL, on 7.2 it works.
#[test]
fn that_an_initramfs_cannot_be_replaced_is_said_of_old_kernels_only() {
    let said = paragraphs_with(&["initramfs", "pivot"]);
    assert!(said.len() > 3, "the words have changed: {said:#?}");
    for paragraph in said {
        assert!(paragraph.contains("Linux 7.0"), "{paragraph}");
    }
}

// On Debian's 7.2 the memory controller is there, and this file does not list it.
#[test]
fn proc_cgroups_is_not_where_one_looks_for_a_controller() {
    for paragraph in paragraphs_with(&["/proc/cgroups"]) {
        assert!(paragraph.contains("Do not look into"), "{paragraph}");
    }
}

// It holds for processes; setns of a time namespace moves its caller (tried on Linux 6.18).
#[test]
fn only_a_pid_namespace_is_said_to_wait_for_children() {
    for paragraph in paragraphs_with(&["setns", "time namespace", "children"]) {
        let line = paragraph.replace('\n', " ");
        assert!(
            line.contains("setns into a time namespace moves"),
            "{paragraph}"
        );
    }
}

// On Debian the list begins with lockdown.
#[test]
fn capability_is_not_said_to_be_first_of_all_modules() {
    for paragraph in paragraphs_with(&["`capability` is always"]) {
        assert!(paragraph.contains("lockdown,capability"), "{paragraph}");
    }
}
