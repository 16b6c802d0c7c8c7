//! Break it, level by level: ways out of a container, and which level closes each.
//!
//! | module | holds |
//! |---|---|
//! | `table` | what there is to try, and which solution should stop it |
//! | `row` | what a line of the table is |
//! | `requirement` | on what machine it can be tried |
//! | `attempts` | how it is tried, and what is looked at from outside |
//! | `verdict` | whether what came of it is what the table says |
//! | `supervisor` | one attempt: asked for, tried in a sandbox, answered |
//! | `elsewhere` | what is shown elsewhere, what will stop the rest, what is not tried |
//! | `page` | the page in the docs |
//!
//! Every escape is tried in the solution of every level, each in a sandbox of its own:
//! [`main`] prints what came of it, and fails where the table says something else.
//! [`markdown`] is the same table for the docs.

mod attempts;
mod elsewhere;
mod page;
mod requirement;
mod row;
mod supervisor;
mod table;
mod verdict;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::probe_image;
use row::solution;
use supervisor::ask;
use syllabus::LAST;
use table::ESCAPES;
use verdict::Cell;

pub use page::{markdown, references};
pub(crate) use supervisor::{ARGUMENT, supervisor};

/// `checks escapes [--only WORDS | --edges | --markdown]`.
pub fn main(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (only, edges) = match words[..] {
        ["--markdown"] => {
            print!("{}", markdown());
            return ExitCode::SUCCESS;
        }
        ["--only", words] => (words, false),
        ["--edges"] => ("", true),
        [] => ("", false),
        _ => {
            eprintln!("checks escapes: I know only `--only WORDS`, `--edges` and `--markdown`");
            return ExitCode::from(125);
        }
    };
    match run(only, edges) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("checks escapes: {why}");
            ExitCode::from(125)
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Tries the escapes that have these words in their name, and prints what came of it;
/// if it is only about the edges, in the solutions where the answer changes.
/// Whether it is what the table says.
fn run(only: &str, edges: bool) -> Result<bool> {
    sandbox::may_be_made()?;
    let started = Instant::now();
    let binaries = binaries()?;
    let image = probe_image::temporary()?;
    let chosen: Vec<usize> = (0..ESCAPES.len())
        .filter(|&row| ESCAPES[row].what.contains(only))
        .collect();
    if chosen.is_empty() {
        return Err(format!("no escape has {only:?} in its name").into());
    }
    let is_wanted = |row: usize, level| !edges || ESCAPES[row].is_edge(level);
    let cells = try_all(&chosen, &binaries, &image, is_wanted);
    let mut deviations = Vec::new();
    let mut skipped = BTreeMap::new();
    let (mut true_rows, mut untrue_rows) = (0, 0);
    let levels: Vec<String> = (0..=LAST).map(|level| format!("{level:02}")).collect();
    println!("In the solution of each level: X works, . does not, s not tried here, ? broken\n");
    println!("{}  works to  stopped in", levels.join(" "));
    for (row, cells) in chosen.iter().zip(&cells) {
        let escape = &ESCAPES[*row];
        let marks: Vec<String> = cells
            .iter()
            .map(|cell| format!(" {}", cell.mark()))
            .collect();
        let last_works = cells
            .iter()
            .rposition(|cell| matches!(cell, Cell::Works(_)));
        let number = |it: Option<usize>| it.map_or("-".to_owned(), |it| format!("{it:02}"));
        let stopped = match last_works {
            Some(level) => Some(level + 1).filter(|&level| level < cells.len()),
            None => None,
        };
        println!(
            "{}     {:>2}        {:>2}      {}",
            marks.join(" "),
            number(last_works),
            number(stopped),
            escape.what
        );
        let found = escape.deviations(cells);
        let not_tried = cells.iter().find_map(|cell| match cell {
            Cell::Skipped(why) => Some(why),
            _ => None,
        });
        match not_tried {
            _ if !found.is_empty() => untrue_rows += 1,
            Some(why) => drop(skipped.insert(escape.what, why)),
            None => true_rows += 1,
        }
        deviations.extend(found);
    }
    let count = cells
        .iter()
        .flatten()
        .filter(|it| **it != Cell::LeftOut)
        .count();
    println!(
        "\n{count} cells in {:.1} s",
        started.elapsed().as_secs_f32()
    );
    for (what, why) in &skipped {
        println!("not tried here: {what}: {why}");
    }
    for deviation in &deviations {
        println!("\n{deviation}");
    }
    println!(
        "\n{true_rows} passed, {untrue_rows} failed, {} skipped",
        skipped.len()
    );
    if true_rows + untrue_rows == 0 {
        return Err("every row was skipped: nothing is known of any".into());
    }
    Ok(deviations.is_empty())
}

/// The solutions of all levels, as they were built beside us.
fn binaries() -> Result<Vec<PathBuf>> {
    let own = fs::canonicalize("/proc/self/exe")?;
    let directory = own.parent().unwrap_or(Path::new("/"));
    (0..=LAST)
        .map(|level| {
            let path = directory.join(solution(level));
            match path.is_file() {
                true => Ok(path),
                false => Err(format!(
                    "there is no {}: build all levels with `cargo build --workspace`",
                    path.display()
                )
                .into()),
            }
        })
        .collect()
}

/// Every chosen row with its cells, two attempts at a time: most of each is waiting.
fn try_all(
    chosen: &[usize],
    binaries: &[PathBuf],
    image: &File,
    is_wanted: impl Fn(usize, u8) -> bool + Sync,
) -> Vec<Vec<Cell>> {
    let columns = binaries.len();
    let nothing_yet = |row, column| match is_wanted(row, column) {
        true => Cell::Broken("it was not tried".to_owned()),
        false => Cell::LeftOut,
    };
    let row_of = |row| {
        (0..=LAST)
            .map(move |level| nothing_yet(row, level))
            .collect()
    };
    let cells: Mutex<Vec<Vec<Cell>>> = Mutex::new(chosen.iter().map(|&row| row_of(row)).collect());
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (index, column) = (number / columns, number % columns);
            let Some(&row) = chosen.get(index) else { break };
            if !is_wanted(row, column as u8) {
                continue;
            }
            let cell = ask(row, column, &binaries[column], image)
                .unwrap_or_else(|why| Cell::Broken(why.to_string()));
            if let Ok(mut cells) = cells.lock() {
                cells[index][column] = cell;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    cells.into_inner().unwrap_or_default()
}
