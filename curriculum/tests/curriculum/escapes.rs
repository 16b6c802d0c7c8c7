//! Which solution stops which escape, as docs/src/escapes.md says it.

use crate::build::Build;
use crate::course::{Course, Verdict, nothing_of};
use crate::right_reason::no_root;
use checks::escapes;
use curriculum::levels;
use libtest_mimic::{Completion, Trial};
use std::fs;
use std::process::{Command, Stdio};

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    vec![
        Trial::ignorable_test("escapes::are_stopped_where_the_table_says", move || {
            // A solution is another level's skeleton: those of all but the first count.
            let all = 0..course.levels.len();
            let solutions = all.filter_map(|index| levels::solution(&course.levels, index));
            let solutions: Vec<usize> = solutions.collect();
            course.unless_learners(&solutions, || try_all(course))
        }),
        Trial::ignorable_test("escapes::the_page_in_the_docs_is_the_table", move || {
            page(course)
        }),
        Trial::ignorable_test("escapes::what_the_table_refers_to_is_there", move || {
            references(course)
        }),
    ]
}

fn try_all(course: &Course) -> Verdict {
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let build = Build::get(course);
    for level in &course.levels {
        build.binary(&level.package)?;
    }
    let mut command = Command::new(".cargo/as-root");
    command.current_dir(&course.root).stdin(Stdio::null());
    let output = command
        .arg(build.binary("checks")?)
        .arg("escapes")
        .output()?;
    let table = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        println!("{table}");
        return Ok(Completion::Completed);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("the table in checks/src/escapes/table.rs is not true:\n{table}{errors}").into())
}

fn page(course: &Course) -> Verdict {
    let path = course.root.join("docs/src/escapes.md");
    if fs::read_to_string(&path).is_ok_and(|page| page == escapes::markdown()) {
        return Ok(Completion::Completed);
    }
    Err(format!(
        "{} is not what the table says; write it again with\n\
         cargo run -p checks -- escapes --markdown > docs/src/escapes.md",
        path.display()
    )
    .into())
}

fn references(course: &Course) -> Verdict {
    let missing = escapes::references().filter(|(file, test)| {
        let text = fs::read_to_string(course.root.join(file));
        let needle = format!("fn {test}(");
        !text.is_ok_and(|text| test.is_empty() || text.contains(&needle))
    });
    nothing_of(
        "the table refers to what is not there",
        missing.map(|(file, test)| format!("{file} {test}")),
    )
}
