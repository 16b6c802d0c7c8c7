//! What a level still lacks: all that belongs to one, looked for.
//!
//! The other tests of the curriculum ask whether what is there is right. Here is asked
//! whether it is there, so that who adds a level is told what is left to do, by name.

use super::lesson::Lesson;
use super::levels::Level;
use super::lock::{Lock, State};
use super::{Result, book, chain, deck, mistakes, patch, read};
use checks::LEVELS;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What `curriculum new` writes where a person must; the words behind it say what.
pub const FILL_IN: &str = "FILL IN";

/// The page about what goes wrong in each level, with what to say.
pub const CARD: &str = "docs/src/class/helpers.md";

/// Pages with a row for each level.
const LISTS: [&str; 2] = ["README.md", CARD];

/// Everything that the level lacks, each as a sentence; nothing of `complete`.
pub fn of(root: &Path, levels: &[Level], index: usize) -> Result<Vec<String>> {
    let level = &levels[index];
    let Some(number) = level.number else {
        return Ok(Vec::new());
    };
    let mut lacking = of_code(root, level)?;
    lacking.extend(of_lesson(root, levels, index)?);
    lacking.extend(of_checks(root, number)?);
    lacking.extend(of_slides(root, level, number)?);
    lacking.extend(of_book(root, level, number)?);
    for file in files(root, level, number)? {
        let text = read(&root.join(&file))?;
        let is_list = LISTS.iter().any(|list| file == Path::new(list));
        for (at, line) in (1..).zip(text.lines()) {
            if is_list && is_row_of_another(line, number) {
                continue;
            }
            if let Some((_, what)) = line.split_once(FILL_IN) {
                lacking.push(format!("{}:{at}: to be filled in{what}", file.display()));
            }
        }
    }
    Ok(lacking)
}

fn of_code(root: &Path, level: &Level) -> Result<Vec<String>> {
    let mut lacking = Vec::new();
    let path = level.path();
    if chain::blocks(root, level)?.is_empty() {
        lacking.push(format!(
            "{}/src: no block `// TODO({:02}) 1. ...`, so there is nothing to write",
            path.display(),
            level.number.unwrap_or_default()
        ));
    }
    if Lock::read(root)?.state(root, level)? == State::Unlocked {
        lacking.push(format!(
            "levels/skeletons.lock does not know {}: `curriculum lock` writes it",
            level.package
        ));
    }
    if !syllabus::TABLE
        .iter()
        .any(|(directory, _)| *directory == level.directory)
    {
        lacking.push(format!(
            "syllabus/src/lib.rs does not list {}",
            level.directory
        ));
    }
    Ok(lacking)
}

fn of_lesson(root: &Path, levels: &[Level], index: usize) -> Result<Vec<String>> {
    let level = &levels[index];
    let path = level.path().join("README.md");
    let text = read(&root.join(&path)).unwrap_or_default();
    let mut lacking = Vec::new();
    let heading = heading(level);
    if text.lines().next() != Some(&format!("# {heading}")) {
        lacking.push(format!("its first line is not `# {heading}`"));
    }
    let blocks = chain::blocks(root, level)?;
    let steps: BTreeSet<u32> = blocks
        .iter()
        .flat_map(|(_, block)| block.steps.iter().map(|(step, _)| *step))
        .collect();
    lacking.extend(Lesson::parse(&text).missing(&steps));
    let mut lacking: Vec<String> = lacking
        .into_iter()
        .map(|what| format!("{}: {what}", path.display()))
        .collect();
    if let Some(before) = index.checked_sub(1).map(|before| &levels[before]) {
        let path = before.path().join("README.md");
        let link = format!("](../{}/README.md)", level.directory);
        if !read(&root.join(&path))?.contains(&link) {
            lacking.push(format!("{}: no link on to this level", path.display()));
        }
    }
    Ok(lacking)
}

fn of_checks(root: &Path, number: u8) -> Result<Vec<String>> {
    let mut lacking = Vec::new();
    let file = format!("checks/src/levels/l{number:02}.rs");
    let checks = LEVELS
        .iter()
        .find(|level| level.number == number)
        .map_or(&[][..], |level| level.checks);
    if checks.is_empty() {
        lacking.push(format!("{file}: no check"));
    }
    let directory = format!("{}/{number:02}", mistakes::PATH);
    let mut named = BTreeSet::new();
    let mut count = 0;
    for path in &patch::discover(root, mistakes::PATH)? {
        count += usize::from(path.starts_with(&directory));
        // Those of a later level may be the ones that a check notices.
        if let Ok(mistake) = mistakes::Mistake::read(root, path) {
            named.insert(mistake.check);
            named.extend(mistake.also);
            named.extend(mistake.on_v2.map(|(check, _)| check));
        }
    }
    if count < mistakes::AT_LEAST_A_LEVEL {
        lacking.push(format!(
            "{directory}: {count} wrong solutions; {} are promised",
            mistakes::AT_LEAST_A_LEVEL
        ));
    }
    let unseen = checks.iter().filter(|check| !named.contains(check.name));
    lacking.extend(unseen.map(|check| {
        let name = check.name;
        format!("{file}: no wrong solution is noticed by {name:?}: can it fail at all?")
    }));
    Ok(lacking)
}

fn of_slides(root: &Path, level: &Level, number: u8) -> Result<Vec<String>> {
    let sections = deck::sections(root)?;
    let own = sections.iter().find(|it| it.level == Some(number));
    Ok(match own {
        None => vec![format!(
            "{}: no section has `level: {number:02}`",
            deck::PATH
        )],
        Some(section) if section.minutes != level.facts.minutes => vec![format!(
            "{}/{}: {} minutes of talk and exercise; {}/level.toml says {}",
            deck::PATH,
            section.file,
            section.minutes,
            level.path().display(),
            level.facts.minutes
        )],
        Some(_) => Vec::new(),
    })
}

/// The lines about it in the pages that list all levels.
fn of_book(root: &Path, level: &Level, number: u8) -> Result<Vec<String>> {
    let page = book::page_of(level);
    let page = page.display();
    let wanted = [
        (
            "docs/src/SUMMARY.md",
            format!("- [{}]({page})", heading(level)),
            "the line of its page",
        ),
        (
            "docs/src/glossary.md",
            format!("]({page})"),
            "a word that it brings, with a link to it",
        ),
        (
            CARD,
            format!("\n| {number:02} | "),
            "a row about what goes wrong in it",
        ),
        (
            "README.md",
            format!("\n| [{number:02}]({}/README.md) | ", level.path().display()),
            "its row in the table of levels",
        ),
    ];
    let mut lacking = Vec::new();
    for (file, text, what) in wanted {
        if !read(&root.join(file))?.contains(&text) {
            lacking.push(format!("{file}: {what} is missing ({})", text.trim()));
        }
    }
    if !root.join(book::PAGES).join(book::page_of(level)).is_file() {
        lacking.push(format!("{}/{page}: there is no such page", book::PAGES));
    }
    Ok(lacking)
}

/// What a level is called in its lesson and in the book: `Level 03: pivot_root`.
fn heading(level: &Level) -> String {
    let number = level.number.unwrap_or_default();
    format!("Level {number:02}: {}", level.facts.title)
}

/// Where something may be left to be filled in: the level's own files, and the pages that
/// have a line about it.
fn files(root: &Path, level: &Level, number: u8) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = level.files(root)?;
    files.extend(["README.md".into(), "level.toml".into()]);
    let mut files: Vec<PathBuf> = files.iter().map(|file| level.path().join(file)).collect();
    files.push(format!("checks/src/levels/l{number:02}.rs").into());
    for suite in ["checks/wrong", "checks/right"] {
        let directory = Path::new(suite).join(format!("{number:02}"));
        let patches = fs::read_dir(root.join(&directory)).into_iter().flatten();
        files.extend(patches.flatten().map(|it| directory.join(it.file_name())));
    }
    let sections = deck::sections(root)?.into_iter();
    let own = sections.filter(|section| section.level == Some(number));
    files.extend(own.map(|section| Path::new(deck::PATH).join(section.file)));
    files.extend(LISTS.map(PathBuf::from));
    files.retain(|file| root.join(file).is_file());
    Ok(files)
}

/// Whether a line is a table's row about another level: `| 03 | ...`, `| [03](...`.
fn is_row_of_another(line: &str, number: u8) -> bool {
    let cell = line.strip_prefix("| ").unwrap_or_default();
    let digits = cell.trim_start_matches('[').get(..2);
    digits.is_some_and(|it| it.parse::<u8>().is_ok_and(|row| row != number))
}
