//! The curriculum's own tests. Whatever they say of a level they say of every
//! directory below `levels/`: a level added later is covered by being there.
//!
//! They are trials made at run time, not `#[test]` functions, so that a level
//! which a learner has made their own can be skipped with that reason and is
//! counted. With `CI=true` such a skip is a failure.
//!
//! `cargo test -p curriculum --test curriculum -- chain` runs one suite; the wrong and the
//! right solutions, the choices and the wrong transcripts, which take minutes, run with `-- --ignored`.
//! With `--nocapture`, or in CI, the matrix of all checks and levels is printed.

mod against;
mod book;
mod build;
mod chain;
mod choices;
mod course;
mod escapes;
mod filters;
mod generated;
mod judged;
mod lacking;
mod lessons;
mod licences;
mod lock;
mod matrix;
mod patched;
mod performance;
mod promotion;
mod right;
mod right_reason;
mod rooms;
mod second_look;
mod terminal;
mod transcripts;
mod transcripts_itself;
mod tree;
mod usage;
mod warnings;
mod wrong;

use course::Course;
use curriculum::Result;
use libtest_mimic::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (course, _scratch) = match load(&arguments) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("the levels cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    trials.extend(lock::trials(course));
    trials.extend(chain::trials(course));
    trials.extend(lessons::trials(course));
    trials.extend(book::trials(course));
    trials.extend(lacking::trials(course));
    trials.extend(rooms::trials(course));
    trials.extend(promotion::trials(course));
    trials.extend(tree::trials(course));
    trials.extend(licences::trials(course));
    trials.extend(warnings::trials(course));
    trials.extend(usage::trials(course));
    trials.extend(right_reason::trials(course));
    trials.extend(transcripts_itself::trials(course));
    trials.extend(transcripts::trials(course));
    trials.extend(escapes::trials(course));
    trials.extend(wrong::trials(course));
    trials.extend(right::trials(course));
    trials.extend(choices::trials(course));
    trials.extend(generated::trials(course));
    trials.extend(against::trials(course));
    trials.extend(judged::trials(course));
    trials.extend(second_look::trials());
    trials.push(filters::trial(course, &trials));
    let conclusion = libtest_mimic::run(&arguments, trials);
    course.print_notices();
    wrong::print_report();
    generated::print_report();
    course.judged.print_report();
    let are_enough = against::report();
    if arguments.nocapture || std::env::var_os("CI").is_some() {
        matrix::print(course);
    }
    if !are_enough {
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Reads the levels, and makes a directory that is gone when the trials are over.
/// It is below target/, where even what a killed run leaves is in no later run's way.
fn load(arguments: &Arguments) -> Result<(&'static Course, tempfile::TempDir)> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    Ok((Course::load(scratch.path(), arguments)?, scratch))
}
