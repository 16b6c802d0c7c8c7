//! The sections of the slides, as far as the course asks about them: which level each is
//! about, how long it takes, and in which plans of a day it is held.

use super::{Result, read};
use std::fs;
use std::path::Path;

/// Where they are, from the root of the workspace.
pub const PATH: &str = "slides/deck";

/// A file of the deck.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name: `15-uts.md`.
    pub file: String,
    /// The level that it is about, if it is about one.
    pub level: Option<u8>,
    /// The talk and the exercise of a full day.
    pub minutes: u32,
    /// The plans that hold it: `full`, `half`, `two-hours`.
    pub plans: Vec<String>,
}

/// All sections below `root`, in their order.
pub fn sections(root: &Path) -> Result<Vec<Section>> {
    let directory = root.join(PATH);
    let entries = fs::read_dir(&directory)
        .map_err(|error| format!("list {}: {error}", directory.display()))?;
    let mut sections = Vec::new();
    for entry in entries {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if file.ends_with(".md") {
            sections.push(section(&read(&directory.join(&file))?, file));
        }
    }
    sections.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(sections)
}

/// What its front matter says. Whether that is well formed, the tests of the slides ask.
fn section(text: &str, file: String) -> Section {
    let front = text.lines().skip(1).take_while(|line| *line != "---");
    let value = |key: &str| {
        let of_key =
            |line: &str| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned());
        front.clone().find_map(of_key).unwrap_or_default()
    };
    let minutes = |key| value(key).parse().unwrap_or(0);
    Section {
        level: value("level").parse().ok(),
        minutes: minutes("talk") + minutes("exercise"),
        plans: value("plans")
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        file,
    }
}
