//! What a new level is to be, and the files of the last solution under its name.

use super::levels::Level;
use super::promotion;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a new level is to be.
#[derive(Debug, Clone)]
pub struct NewLevel {
    /// Its number: the one after the last.
    pub number: u8,
    /// What its directory is called behind the number: `masked_paths`.
    pub name: String,
    /// What it is about, in a few words.
    pub title: String,
    /// If it begins a part: what the directory of the part's solution is called.
    pub part: Option<String>,
}

impl NewLevel {
    pub(super) fn directory(&self) -> String {
        format!("{:02}_{}", self.number, self.name)
    }

    pub(super) fn package(&self) -> String {
        format!("level{:02}", self.number)
    }

    /// A template with everything put in that is known.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut letters = self.title.chars();
        let first = letters.next().map(|it| it.to_uppercase().to_string());
        let capital = first.unwrap_or_default() + letters.as_str();
        template
            .replace("{NN}", &format!("{:02}", self.number))
            .replace("{number}", &self.number.to_string())
            .replace("{directory}", &self.directory())
            .replace("{package}", &self.package())
            .replace("{title}", &self.title)
            .replace("{Title}", &capital)
    }
}

/// Files by their paths from the root of the workspace, with their whole text.
pub(super) type Files = BTreeMap<PathBuf, String>;

/// A file of the last solution, under the level's name.
pub(super) fn of_the_level(file: &Path, text: String, complete: &Level, new: &NewLevel) -> String {
    let mut text = text;
    if file == Path::new("Cargo.toml") {
        text = text.replace(
            &format!("name = \"{}\"", complete.package),
            &format!("name = \"{}\"", new.package()),
        );
        let description = text.lines().find(|line| line.starts_with("description = "));
        if let Some(line) = description.map(str::to_owned) {
            let own = new.fill("description = \"Level {NN}: {title}\"");
            text = text.replace(&line, &own);
        }
        text = promotion::without_library(&text);
    } else if file == Path::new("src/main.rs") {
        let header = new.fill(include_str!("template/header.txt"));
        let is_header = |line: &&str| line.starts_with("//!");
        let rest: Vec<&str> = text.lines().skip_while(is_header).collect();
        text = format!("{header}{}\n", rest.join("\n"));
    } else if file.starts_with("tests") {
        for mark in ["-p ", "CARGO_BIN_EXE_"] {
            let theirs = format!("{mark}{}", complete.package);
            text = text.replace(&theirs, &format!("{mark}{}", new.package()));
        }
    }
    text
}
