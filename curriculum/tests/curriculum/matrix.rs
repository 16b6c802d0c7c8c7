//! Which check passes in which level, as `right_reason` has seen it.

use crate::course::Course;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// By level: its checks' names, in their order, with a mark for each crate.
type Table = Vec<(u64, String, BTreeMap<usize, char>)>;

static TABLE: Mutex<Table> = Mutex::new(Vec::new());

/// Remembers what the crate `levels[index]` was found to be.
pub(crate) fn note(index: usize, reports: &[Value]) {
    let Ok(mut table) = TABLE.lock() else { return };
    for report in reports {
        let level = report["level"].as_u64().unwrap_or_default();
        let name = report["name"].as_str().unwrap_or_default();
        let mark = match report["verdict"].as_str() {
            Some("pass") => '+',
            Some("fail") => 'F',
            Some("skip") => 's',
            _ => '-',
        };
        match table.iter_mut().find(|row| row.0 == level && row.1 == name) {
            Some(row) => drop(row.2.insert(index, mark)),
            None => table.push((level, name.to_owned(), BTreeMap::from([(index, mark)]))),
        }
    }
}

/// A line for each check, a column for each crate that was judged by it.
pub(crate) fn print(course: &Course) {
    let Ok(mut table) = TABLE.lock() else { return };
    if table.is_empty() {
        return;
    }
    table.sort_by_key(|row| row.0);
    let short = |package: &str| package.trim_start_matches("level").to_owned();
    let heading: Vec<String> = course.levels.iter().map(|it| short(&it.package)).collect();
    println!("Each check, by level, in each crate from there on: + passes, F fails,");
    println!("- not run because one that it needs fails, s cannot be looked at here\n");
    println!("    {}", heading.join(" "));
    for (level, name, marks) in table.iter() {
        let cell = |index| marks.get(&index).copied().unwrap_or(' ');
        let cells: Vec<String> = (0..heading.len())
            .map(|it| format!(" {}", cell(it)))
            .collect();
        println!("{level:02}  {}  {name}", cells.join(" "));
    }
    println!();
}
