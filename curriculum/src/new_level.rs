//! The skeleton of a level that is to be added behind the last one.
//!
//! It is the last solution under a new name, with a lesson, a check, a wrong solution and
//! slides that say [`FILL IN`](super::lacking::FILL_IN) wherever a person must, and a line in
//! every list of levels. It builds, and [`lacking`](super::lacking) tells what is left to do.

use super::levels::{self, Level};
use super::lock::Lock;
use super::{Result, book, deck, mistakes, promotion, read};
use std::collections::BTreeMap;
use std::fs;
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
}

impl NewLevel {
    fn directory(&self) -> String {
        format!("{:02}_{}", self.number, self.name)
    }

    fn package(&self) -> String {
        format!("level{:02}", self.number)
    }

    /// A template with everything put in that is known.
    fn fill(&self, template: &str) -> String {
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
type Files = BTreeMap<PathBuf, String>;

/// Makes the skeleton, and the lock that is true of it. Returns the files that were written,
/// in order; nothing is written if something is in the way.
pub fn make(root: &Path, levels: &[Level], new: &NewLevel) -> Result<Vec<PathBuf>> {
    let [.., last, complete] = levels else {
        return Err("there are no levels to add one to".into());
    };
    let next = last.number.map_or(0, |number| number + 1);
    if new.number != next {
        return Err(format!(
            "a new level comes behind the last one, so its number is {next}. In the middle it \
             would renumber all that follow, and everybody's work in them"
        )
        .into());
    }
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit();
    if new.name.is_empty() || !new.name.chars().all(is_plain) {
        return Err("its name is of small letters, digits and `_`, as in `masked_paths`".into());
    }
    if new.title.contains(['"', '\\', '\n']) || new.title.trim().is_empty() {
        return Err("its title is a few words, without a double quote".into());
    }
    let mut files = code(root, complete, new)?;
    files.extend(of_its_own(root, last, new)?);
    if let Some(path) = files.keys().find(|path| root.join(path).exists()) {
        return Err(format!("{} is there already", path.display()).into());
    }
    files.extend(lines_elsewhere(root, last, new)?);
    for (path, text) in &files {
        let place = root.join(path);
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&place, text).map_err(|error| format!("write {}: {error}", place.display()))?;
    }
    Lock::of(root, &levels::discover(root)?)?.write(root)?;
    let mut written: Vec<PathBuf> = files.into_keys().collect();
    written.push(super::lock::PATH.into());
    Ok(written)
}

/// The last solution, under the level's name. It is no library: that it was in its place.
fn code(root: &Path, complete: &Level, new: &NewLevel) -> Result<Files> {
    let mut files = Files::new();
    let header = new.fill(include_str!("template/header.txt"));
    let library = promotion::library(root, complete)?;
    for file in complete.files(root)? {
        if library.is_some() && file == Path::new(promotion::LIBRARY) {
            continue;
        }
        let mut text = read(&root.join(complete.path()).join(&file))?;
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
            let is_header = |line: &&str| line.starts_with("//!");
            let rest: Vec<&str> = text.lines().skip_while(is_header).collect();
            text = format!("{header}{}\n", rest.join("\n"));
            if let Some(library) = &library {
                text = promotion::with_listed_rooms(&text, library);
            }
        } else if file.starts_with("tests") {
            for mark in ["-p ", "CARGO_BIN_EXE_"] {
                let theirs = format!("{mark}{}", complete.package);
                text = text.replace(&theirs, &format!("{mark}{}", new.package()));
            }
        }
        files.insert(Path::new("levels").join(new.directory()).join(file), text);
    }
    Ok(files)
}

/// The files that are about this level alone.
fn of_its_own(root: &Path, last: &Level, new: &NewLevel) -> Result<Files> {
    let level = Path::new("levels").join(new.directory());
    let number = new.number;
    // Behind the section of the last level.
    let sections = deck::sections(root)?.into_iter();
    let places = sections.filter(|it| it.level.is_some());
    let places = places.filter_map(|it| it.file.get(..2)?.parse::<u8>().ok());
    let place = places.max().map_or(10, |place| place + 1);
    let slug = new.name.replace('_', "-");
    let page = Path::new(book::PAGES).join(format!("lessons/{number:02}.md"));
    let files = [
        (
            level.join("level.toml"),
            include_str!("template/level.toml.txt"),
        ),
        (
            level.join("README.md"),
            include_str!("template/lesson.md.txt"),
        ),
        (
            format!("checks/src/levels/l{number:02}.rs").into(),
            include_str!("template/checks.rs.txt"),
        ),
        (
            format!("{}/{number:02}/step-1-left-out.patch", mistakes::PATH).into(),
            include_str!("template/wrong.patch.txt"),
        ),
        (
            format!("{}/{place}-{slug}.md", deck::PATH).into(),
            include_str!("template/slides.md.txt"),
        ),
        (page, "{{#include ../../../levels/{directory}/README.md}}\n"),
    ];
    // What comes behind the last level of a part belongs to that part.
    let part = last.facts.part.to_string();
    let fill = |template: &str| new.fill(template).replace("{part}", &part);
    let filled = files.map(|(path, template)| (path, fill(template)));
    Ok(filled.into_iter().collect())
}

/// The lines about it in what lists all levels: the file, the line behind which a new one
/// goes, and that one.
fn lines_elsewhere(root: &Path, last: &Level, new: &NewLevel) -> Result<Files> {
    let before = last.number.unwrap_or_default();
    let edits = [
        (
            "syllabus/src/lib.rs",
            format!("    \"{}\",", last.directory),
            "    \"{directory}\",",
        ),
        (
            "checks/src/levels/mod.rs",
            format!("mod l{before:02};"),
            "mod l{NN};",
        ),
        (
            "checks/src/levels/mod.rs",
            format!("    l{before:02}::LEVEL,"),
            "    l{NN}::LEVEL,",
        ),
        (
            "docs/src/SUMMARY.md",
            format!("- [Level {before:02}: "),
            "- [Level {NN}: {title}](lessons/{NN}.md)",
        ),
        (
            "docs/src/instructors.md",
            format!("| {before:02} | "),
            "| {NN} | FILL IN: what they see | FILL IN: what it is | FILL IN: what to say |",
        ),
        (
            "README.md",
            format!("| [{before:02}]("),
            "| [{NN}](levels/{directory}/README.md) | {title} | FILL IN: its calls |",
        ),
    ];
    let mut files = Files::new();
    for (file, anchor, line) in edits {
        let text = match files.remove(Path::new(file)) {
            Some(text) => text,
            None => read(&root.join(file))?,
        };
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = lines.iter().rposition(|line| line.starts_with(&anchor));
        let at = at.ok_or_else(|| format!("{file}: no line begins with {anchor:?}"))?;
        lines.insert(at + 1, new.fill(line));
        files.insert(file.into(), lines.join("\n") + "\n");
    }
    // The checks of the last level lead on to this one now, and its transcript says so.
    let lesson = last.path().join("README.md");
    let text = read(&root.join(&lesson))?.replace(
        "; on to levels/complete/README.md",
        &new.fill("; on to levels/{directory}/README.md"),
    );
    files.insert(lesson, text);
    Ok(files)
}
