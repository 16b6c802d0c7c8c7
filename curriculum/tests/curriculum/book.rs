//! The book has every lesson, its links lead somewhere, each system call is linked where a
//! learner first meets it, and the map of the code is true.

use crate::course::{Course, Verdict, nothing_of};
use curriculum::book::{Book, PAGES, page_of, pictures, text};
use curriculum::{map, pages};
use libtest_mimic::{Completion, Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Calls that belong to a level in linux-sys's map, and that its learner does not write:
/// given code, bonus rounds, and others of a family.
const NOT_WRITTEN: [&str; 12] = [
    "execve",
    "exit",
    "umount",
    "pidfd_open",
    "pidfd_send_signal",
    "setresgid",
    "setresuid",
    "cap_ambient_is_set",
    "cap_ambient_lower",
    "cap_ambient_raise",
    "set_keepcaps",
    "set_no_new_privs",
];

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    vec![
        Trial::ignorable_test("book::has_every_lesson_and_page", move || has_all(course)),
        Trial::ignorable_test("book::links_lead_somewhere", move || links(course)),
        Trial::ignorable_test("book::links_at_the_root_lead_somewhere", move || {
            links_at_the_root(course)
        }),
        Trial::ignorable_test("book::the_map_is_drawn_from_the_code", move || {
            // Of the levels the last solution is on it, which a learner may have gone on with.
            course.unless_learners(&[course.levels.len() - 1], || the_map(course))
        }),
        Trial::ignorable_test("book::pictures_stand_alone_and_are_shown", move || {
            the_pictures(course)
        }),
        Trial::ignorable_test("book::calls_are_linked_in_their_lesson", move || {
            calls(course)
        }),
    ]
}

fn read(course: &Course, path: impl AsRef<Path>) -> Result<String, Failed> {
    let path = path.as_ref();
    fs::read_to_string(course.root.join(path))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

fn has_all(course: &Course) -> Verdict {
    let summary = read(course, Path::new(PAGES).join("SUMMARY.md"))?;
    let mut missing = Vec::new();
    for level in &course.levels {
        let include = format!(
            "{{{{#include ../../../{}/README.md}}}}",
            level.path().display()
        );
        let page = Path::new(PAGES).join(page_of(level));
        if read(course, &page).unwrap_or_default().trim() != include {
            missing.push(format!("{} is not the line {include}", page.display()));
        }
    }
    for path in pages::of_the_book(&course.root) {
        let page = path.strip_prefix(PAGES).unwrap_or(&path);
        let is_listed = summary.contains(&format!("]({})", page.display()));
        if !is_listed && page != Path::new("SUMMARY.md") {
            missing.push(format!("SUMMARY.md does not list {}", page.display()));
        }
    }
    nothing_of("the book is not whole", missing)
}

fn the_map(course: &Course) -> Verdict {
    let is = map::markdown(&course.root, &course.levels)?;
    let was = read(course, map::PAGE).unwrap_or_default();
    if is == was {
        return Ok(Completion::Completed);
    }
    let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
    let (is, was) = (lines(&is), lines(&was));
    let new = is.difference(&was).map(|line| format!("+ {line}"));
    let gone = was.difference(&is).map(|line| format!("- {line}"));
    let command = map::COMMAND;
    nothing_of(
        &format!(
            "{} is not what the code says; draw it again with\n{command}",
            map::PAGE
        ),
        gone.chain(new),
    )?;
    Err(format!("{}: the lines stand in another order: {command}", map::PAGE).into())
}

/// Every picture has the style of today inside, draws with classes alone, and is shown somewhere.
fn the_pictures(course: &Course) -> Verdict {
    let style = read(course, pictures::STYLE)?;
    let mut shown = String::new();
    let lessons = course
        .levels
        .iter()
        .map(|level| level.path().join("README.md"));
    let slides = fs::read_dir(course.root.join("slides/deck"))?;
    let slides = slides.filter_map(|it| {
        it.ok()?
            .path()
            .strip_prefix(&course.root)
            .ok()
            .map(PathBuf::from)
    });
    let at_the_root = pages::AT_THE_ROOT.iter().map(PathBuf::from);
    let in_the_book = pages::of_the_book(&course.root).into_iter();
    for path in in_the_book.chain(lessons).chain(slides).chain(at_the_root) {
        shown += &read(course, path)?;
    }
    let mut faults = Vec::new();
    let house = read(course, "docs/theme/house.css").unwrap_or_default();
    for line in house
        .lines()
        .filter_map(|line| line.trim().strip_suffix(");"))
    {
        let Some((name, pair)) = line.split_once(": light-dark(") else {
            continue;
        };
        for colour in pair.split(", ") {
            // Nothing but code has a string's colour.
            if name != "--string" && !style.contains(&format!("{name}: {colour};")) {
                faults.push(format!(
                    "{}: {name} is {colour} in the house",
                    pictures::STYLE
                ));
            }
        }
    }
    for path in pictures::all(&course.root)? {
        let path = path.strip_prefix(&course.root).unwrap_or(&path);
        let svg = read(course, path)?;
        let mut complain = |what: &str| faults.push(format!("{}: {what}", path.display()));
        match pictures::styled(&svg, &style) {
            Ok(styled) if styled == svg => {}
            Ok(_) => complain(
                "its style is not docs/theme/pictures.css: cargo run -p curriculum -- pictures",
            ),
            Err(error) => complain(&error.to_string()),
        }
        if let Err(error) = pictures::figure(&svg, "it", "", "") {
            complain(&error.to_string());
        }
        let (_, drawing) = svg.split_once("</style>").unwrap_or_default();
        if [" style=", " fill=", " stroke="]
            .iter()
            .any(|it| drawing.contains(it))
        {
            complain("it has a colour of its own; classes have those");
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !shown.contains(&format!("/{name})")) {
            complain("no page, lesson or slide shows it");
        }
    }
    nothing_of("pictures", faults)
}

/// mdBook would say so too, but one page at a time, and only where it is installed.
fn links(course: &Course) -> Verdict {
    let book = Book::new(&course.root, &course.levels, Vec::new());
    let mut faults = Vec::new();
    for path in pages::of_the_book(&course.root) {
        let page = path.strip_prefix(PAGES).unwrap_or(&path);
        if let Err(error) = book.page(page, &read(course, &path)?) {
            faults.push(error.to_string());
        }
    }
    for (page, level) in book.lessons() {
        if let Err(error) = book.page(page, &read(course, level.join("README.md"))?) {
            faults.push(error.to_string());
        }
    }
    nothing_of("links lead nowhere", faults)
}

/// Those of the book are followed to their anchors by .ci/book.sh, in a browser.
fn links_at_the_root(course: &Course) -> Verdict {
    let mut faults = Vec::new();
    for page in pages::AT_THE_ROOT {
        let text = read(course, page)?;
        for link in links_of(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = if path.is_empty() { page } else { path };
            if link.contains("://") {
                continue;
            }
            if !course.root.join(path).exists() {
                faults.push(format!("{page}: the link to `{link}` leads nowhere"));
            } else if !anchor.is_empty() && !anchors(&read(course, path)?).contains(anchor) {
                faults.push(format!("{page}: {path} has no heading for `{link}`"));
            }
        }
    }
    nothing_of("links lead nowhere", faults)
}

fn links_of(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    for part in text::parts(page) {
        let text::Part::Prose(line) = part else {
            continue;
        };
        for (piece, _) in text::spans(line).filter(|(_, is_code)| !is_code) {
            let behind = piece.split("](").skip(1);
            links.extend(behind.filter_map(|it| Some(it.split_once(')')?.0.to_owned())));
        }
    }
    links
}

/// The headings of a page, as links name them.
fn anchors(page: &str) -> BTreeSet<String> {
    let heading = |part| match part {
        text::Part::Prose(line) if line.starts_with('#') => Some(line),
        _ => None,
    };
    let named = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.replace(|it: char| !it.is_alphanumeric() && !" -_".contains(it), "");
        kept.replace(' ', "-")
    };
    let headings = text::parts(page).into_iter().filter_map(heading);
    headings.map(named).collect()
}

fn calls(course: &Course) -> Verdict {
    let taught = taught(&read(course, "linux-sys/src/lib.rs")?);
    let names = taught.keys().cloned().collect();
    let book = Book::new(&course.root, &course.levels, names);
    let mut missing = Vec::new();
    for level in &course.levels {
        let readme = read(course, level.path().join("README.md"))?;
        let page = book.page(&page_of(level), &readme)?;
        for (call, number) in &taught {
            let is_written = number.is_some() && !NOT_WRITTEN.contains(&call.as_str());
            if is_written && *number == level.number && !page.contains(&format!("/fn.{call}.html)"))
            {
                missing.push(format!(
                    "{} does not mention `{call}` before the checks",
                    level.package
                ));
            }
        }
    }
    nothing_of(
        "linux-sys's map says that a lesson teaches what it does not name",
        missing,
    )
}

/// The calls in the map at the top of linux-sys, and the level that teaches each.
/// `00, given` is a level whose learner need not know.
fn taught(library: &str) -> BTreeMap<String, Option<u8>> {
    let mut taught = BTreeMap::new();
    for row in library
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
    {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [calls, _, level, ..] = cells[..] else {
            continue;
        };
        for call in calls.split('`').step_by(2) {
            taught.insert(call.trim_end_matches("()").to_owned(), level.parse().ok());
        }
    }
    taught
}
