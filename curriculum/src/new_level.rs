//! The skeleton of a level that is to be added behind the last one.
//!
//! It is the last solution under a new name, with a lesson, a check, a wrong solution and
//! slides that say [`FILL IN`](super::lacking::FILL_IN) wherever a person must, and a line in
//! every list of levels. It builds, and [`lacking`](super::lacking) tells what is left to do.
//! A level that begins a part stands above that solution: see `new_part`.

use super::lacking::CARD;
use super::levels::{self, Level};
use super::lock::Lock;
use super::skeleton::{Files, of_the_level};
use super::{Result, book, deck, mistakes, new_part, promotion, read};
use std::fs;
use std::path::{Path, PathBuf};

pub use super::skeleton::NewLevel;

/// Makes the skeleton, and the lock that is true of it. Returns the files that were written,
/// in order; nothing is written if something is in the way.
pub fn make(root: &Path, levels: &[Level], new: &NewLevel) -> Result<Vec<PathBuf>> {
    let [.., last, complete] = levels else {
        return Err("there are no levels to add one to".into());
    };
    if complete.number.is_some() {
        let part = complete.facts.part;
        return Err(format!("part {part} has no solution that a level could be made of").into());
    }
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
    if let Some(part) = &new.part
        && !(part.starts_with(|letter: char| letter.is_ascii_lowercase())
            && part.chars().all(is_plain))
    {
        return Err(
            "the part's solution is called by small letters, digits and `_`, a letter first, \
             as in `harden`"
                .into(),
        );
    }
    if new.title.contains(['"', '\\', '\n']) || new.title.trim().is_empty() {
        return Err("its title is a few words, without a double quote".into());
    }
    let mut files = match &new.part {
        None => code(root, complete, new)?,
        Some(part) => new_part::code(root, complete, new, part)?,
    };
    files.extend(of_its_own(root, complete, new)?);
    if let Some(path) = files.keys().find(|path| root.join(path).exists()) {
        return Err(format!("{} is there already", path.display()).into());
    }
    files.extend(lines_elsewhere(root, last, complete, new)?);
    if new.part.is_some() {
        files.extend(new_part::under_another_name(root, complete)?);
    }
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
    let library = promotion::library(root, complete)?;
    for file in complete.files(root)? {
        if library.is_some() && file == Path::new(promotion::LIBRARY) {
            continue;
        }
        let text = read(&root.join(complete.path()).join(&file))?;
        let mut text = of_the_level(&file, text, complete, new);
        if let Some(library) = &library
            && file == Path::new("src/main.rs")
        {
            text = promotion::with_listed_rooms(&text, library);
        }
        files.insert(Path::new("levels").join(new.directory()).join(file), text);
    }
    Ok(files)
}

/// The files that are about this level alone.
fn of_its_own(root: &Path, complete: &Level, new: &NewLevel) -> Result<Files> {
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
    // What comes behind the last level of a part belongs to that part, unless it begins one.
    let part = complete.facts.part + u8::from(new.part.is_some());
    let solution = new.part.as_ref().unwrap_or(&complete.directory);
    let fill = |template: &str| {
        let filled = new.fill(template).replace("{part}", &part.to_string());
        filled.replace("{solution}", solution)
    };
    let filled = files.map(|(path, template)| (path, fill(template)));
    Ok(filled.into_iter().collect())
}

/// The lines about it in what lists all levels: the file, the beginning or the end of the
/// line behind which a new one goes, and that one.
fn lines_elsewhere(root: &Path, last: &Level, complete: &Level, new: &NewLevel) -> Result<Files> {
    let before = last.number.unwrap_or_default();
    // These two list the solutions, too, each behind the levels of its part.
    let (behind, page) = match &new.part {
        None => (&last.directory, format!("- [Level {before:02}: ")),
        Some(_) => {
            let page = book::page_of(complete);
            (&complete.directory, format!("]({})", page.display()))
        }
    };
    let edits = [
        (
            "syllabus/src/lib.rs",
            format!("    \"{behind}\","),
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
            page,
            "- [Level {NN}: {title}](lessons/{NN}.md)",
        ),
        (
            CARD,
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
        let is_it = |line: &String| line.starts_with(&anchor) || line.ends_with(&anchor);
        let at = lines.iter().rposition(is_it);
        let at = at.ok_or_else(|| format!("{file}: no line begins with {anchor:?}"))?;
        lines.insert(at + 1, new.fill(line));
        files.insert(file.into(), lines.join("\n") + "\n");
    }
    if let Some(part) = &new.part {
        new_part::list(root, complete, new, part, &mut files)?;
        return Ok(files);
    }
    // The checks of the last level lead on to this one now, and its transcript says so.
    let lesson = last.path().join("README.md");
    let text = read(&root.join(&lesson))?.replace(
        &format!("; on to {}/README.md", complete.path().display()),
        &new.fill("; on to levels/{directory}/README.md"),
    );
    files.insert(lesson, text);
    Ok(files)
}
