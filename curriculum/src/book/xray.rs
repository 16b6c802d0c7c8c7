//! The X-ray of a lesson's solution, before the lesson's further reading.
//!
//! The page gets a picture and a link, which `docs/theme/xray.js` makes a frame of.
//! `docs/xrays.sh` makes the pages and their pictures, below `PAGES`, from real runs. That needs
//! root, and a book can be built without: then this place says how they are made.

use super::super::Result;
use super::super::pages::PAGES;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Their directory below `PAGES` and in the book; git ignores it.
pub const DIRECTORY: &str = "xray";

/// Which there are, and at which step they open.
const LIST: &str = "docs/xrays.txt";

/// The heading before which it stands; without it, at the end.
const BEFORE: &str = "## Further reading";

/// A line of the list.
struct Row<'a> {
    level: &'a str,
    call: &'a str,
    argument: Option<&'a str>,
    look_at: &'a str,
}

/// Where in a lesson the X-ray goes, and what stands there; `None` if the list has none.
pub fn put(root: &Path, page: &Path, lesson: &str) -> Result<Option<String>> {
    let list = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let stem = page.file_stem().unwrap_or_default().to_string_lossy();
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    let Some(row) = rows.filter_map(row).find(|row| row.level == stem) else {
        return Ok(None);
    };
    let shown = format!("## Watch it happen\n\n{}\n\n", shown(root, &row)?);
    let heading = format!("\n{BEFORE}\n");
    Ok(Some(match lesson.split_once(&heading) {
        Some((before, after)) => format!("{before}\n{shown}{BEFORE}\n{after}"),
        None => format!("{lesson}\n{shown}"),
    }))
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [level, _, step, look_at] = cells[..] else {
        return None;
    };
    let mut words = step.split_whitespace();
    Some(Row {
        level,
        call: words.next()?,
        argument: words.next(),
        look_at,
    })
}

fn shown(root: &Path, row: &Row) -> Result<String> {
    let Row { level, call, .. } = row;
    let directory = root.join(PAGES).join(DIRECTORY);
    let Ok(page) = fs::read_to_string(directory.join(format!("{level}.html"))) else {
        return Ok(
            "> This book was built without X-rays, which show the solution at work, call by \
                   call. They are made from real runs, by root: `docs/xrays.sh`, and then \
                   `mdbook build docs`."
                .to_owned(),
        );
    };
    let number = step(&page, row).ok_or_else(|| {
        let argument = row.argument.unwrap_or("anything");
        format!("{LIST}: the run of level {level} has no step {call} with {argument}")
    })?;
    let mut solutions = syllabus::all().iter().filter(|it| it.number.is_none());
    let whose = match solutions.clone().find(|it| it.directory == *level) {
        None => format!("the solution of level {level}"),
        found if found == solutions.next_back() => "the finished runtime".to_owned(),
        Some(part) => format!("the solution of Part {}", part.facts.part),
    };
    let address = format!("../{DIRECTORY}/{level}.html#step-{number}");
    let picture = match directory.join(format!("{level}.png")).is_file() {
        true => format!(
            "<img src=\"../{DIRECTORY}/{level}.png\" alt=\"Step {number} of the X-ray: {call}\">\n"
        ),
        false => String::new(),
    };
    Ok(format!(
        "The X-ray of {whose}, a run of which every step can be seen. It shows the solution's own \
         lines: look when yours works. It begins at the step that this lesson is about; the \
         arrows lead to the others.\n\n{}\n\n\
         <figure class=\"xray\" data-call=\"{call}\" \
         data-title=\"X-ray of {whose}, at step {number}: {call}\">\n{picture}\
         <figcaption><a href=\"{address}\">Open it by itself</a></figcaption>\n\
         </figure>",
        row.look_at
    ))
}

/// The number of the step, counted from 1, in the record that the page holds.
fn step(page: &str, row: &Row) -> Option<usize> {
    let (_, behind) = page.split_once("id=\"record\">")?;
    let (record, _) = behind.split_once("</script>")?;
    let record: Value = serde_json::from_str(record).ok()?;
    let is_it = |step: &Value| {
        let mut arguments = step["arguments"].as_array().into_iter().flatten();
        let has = |word| arguments.any(|it| it.as_str().is_some_and(|it| it.contains(word)));
        step["call"] == row.call && row.argument.is_none_or(has)
    };
    Some(record["steps"].as_array()?.iter().position(is_it)? + 1)
}
