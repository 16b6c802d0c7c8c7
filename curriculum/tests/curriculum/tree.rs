//! A level's build is the learner's waiting time: its tree of crates is small.

use crate::build::cargo;
use crate::course::{Course, Verdict, nothing_of};
use libtest_mimic::{Completion, Trial};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const CRATES: usize = 60;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("tree", is_small);
    trials.push(Trial::ignorable_test(
        "tree::levels_are_members_and_not_defaults",
        move || members(course),
    ));
    trials.extend(course.each("tree_of_rd", has_the_same_features));
    trials
}

fn is_small(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    let tree = said(
        course,
        &[
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--package",
            &level.package,
        ],
    )?;
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    if (1..=CRATES).contains(&crates.len()) {
        return Ok(Completion::Completed);
    }
    nothing_of(
        &format!(
            "{} is {} crates, and {CRATES} is what a learner should wait for",
            level.package,
            crates.len()
        ),
        crates,
    )
}

/// A crate is built once for each set of features. A learner who has built `rd`, as the
/// README says, has built all that a level needs.
fn has_the_same_features(course: &'static Course, index: usize) -> Verdict {
    let built = crates_with_features(course, "rd")?;
    let package = &course.levels[index].package;
    let needed = crates_with_features(course, package)?;
    let own = format!("{package} v");
    let again = needed
        .difference(&built)
        .filter(|line| !line.starts_with(&own));
    nothing_of(
        &format!("after `cargo build -p rd`, these are built again for {package}"),
        again,
    )
}

/// Lines like `nix v0.32.0 default,dir,fs`.
fn crates_with_features(course: &Course, package: &str) -> Result<BTreeSet<String>, String> {
    let tree = said(
        course,
        &[
            "tree",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
            "--package",
            package,
        ],
    )?;
    let lines = tree.lines().filter(|line| !line.is_empty());
    Ok(lines
        .map(|line| line.trim_end_matches(" (*)").trim_end().to_owned())
        .collect())
}

/// `cargo test` at the root asks whether the workshop is sound; a level, which a
/// learner is in the middle of changing, is built when it is named.
fn members(course: &'static Course) -> Verdict {
    let metadata: Value = serde_json::from_str(&said(
        course,
        &["metadata", "--no-deps", "--format-version", "1"],
    )?)?;
    let directories = |list: &str| -> BTreeSet<String> {
        let ids = metadata[list].as_array().map_or(&[][..], Vec::as_slice);
        let packages = metadata["packages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let manifests = packages
            .iter()
            .filter(|package| ids.contains(&package["id"]));
        manifests
            .filter_map(|package| package["manifest_path"].as_str().map(str::to_owned))
            .collect()
    };
    let members = directories("workspace_members");
    let defaults = directories("workspace_default_members");
    let mut found = Vec::new();
    for level in &course.levels {
        let is_in = |list: &BTreeSet<String>| {
            let manifest = course.root.join(level.path()).join("Cargo.toml");
            list.iter().any(|path| Path::new(path) == manifest)
        };
        if !is_in(&members) {
            found.push(format!(
                "{} is not a member of the workspace",
                level.package
            ));
        }
        if is_in(&defaults) {
            found.push(format!("{} is a default member", level.package));
        }
    }
    nothing_of("the workspace does not have the levels as it should", found)
}

fn said(course: &Course, arguments: &[&str]) -> Result<String, String> {
    let output = cargo(&course.root)
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
