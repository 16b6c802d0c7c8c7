//! Every minute after that: the learner has changed a line of a level, and checks it.

use std::fs;
use std::path::{Path, PathBuf};

use given::Error;

use crate::tree::{Taken, Tree};

/// The first level, one in the middle, the last.
const LEVELS: [u8; 3] = [0, 6, syllabus::LAST];

const REPETITIONS: usize = 5;

/// Where every level has a line to change.
const BEGINNING: &str = ") -> Result<Infallible, Error> {\n";

/// Print the table.
pub fn measure(tree: &Tree) -> Result<(), Error> {
    println!(
        "| a line changed in | compiled | its own checks | together | `cargo workshop check`: all checks | `cargo test`: all checks |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for number in LEVELS {
        let (Some(level), Some(next)) = (syllabus::level(number), syllabus::after(number)) else {
            return Err(format!("there is no level {number:02}").into());
        };
        let source = tree.path("levels").join(level.directory).join("src");
        match number {
            0 => solve_level_00(&source)?,
            _ => copy(
                &tree.path("levels").join(next.directory).join("src"),
                &source,
            )?,
        }
        measure_level(tree, &level.package(), &source.join("container.rs"))?;
    }
    Ok(())
}

fn measure_level(tree: &Tree, level: &str, file: &Path) -> Result<(), Error> {
    let number = level.trim_start_matches("level");
    // What `cargo workshop check` calls, without the companion around it.
    let compile = format!("cargo build -q -p {level} --bin {level} -p checks --bin checks");
    let own = format!(
        ".cargo/as-root target/debug/checks judge --alone --level {number} --binary target/debug/{level}"
    );
    let check = format!("cargo workshop check {number}");
    let test = format!("cargo test -q -p {level}");

    let text = fs::read_to_string(file)?;
    let mut edits = 0;
    let mut edit = || {
        edits += 1;
        let line = format!("{BEGINNING}    let _edited = {edits};\n");
        fs::write(file, text.replacen(BEGINNING, &line, 1))
    };
    // Once without looking: the solution is compiled, and all that the tests need.
    edit()?;
    tree.time(&check)?;
    tree.time(&test)?;

    let mut all: [Vec<Taken>; 4] = Default::default();
    for _ in 0..REPETITIONS {
        edit()?;
        all[0].push(tree.time(&compile)?);
        all[1].push(tree.time(&own)?);
        edit()?;
        all[2].push(tree.time(&check)?);
        edit()?;
        all[3].push(tree.time(&test)?);
    }
    let [compiled, own, check, test] = all.map(|all| Taken::median(&all));
    let together = compiled.then(own);
    println!("| {level} | {compiled} | {own} | {together} | {check} | {test} |");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Level 01 has the answers to level 00 among its own; so here they are by themselves.
fn solve_level_00(source: &Path) -> Result<(), Error> {
    let child = "
    given::reset_signals_and_fds()?;
    Ok(linux_sys::execvp(&options.command[0], &options.command)?)
";
    let parent = "
    given::block_signals()?;
    let child = match linux_sys::fork()? {
        linux_sys::Fork::Child => given::exit(contain(options)),
        linux_sys::Fork::Parent { child } => child,
    };
    given::forward_signals(child)?;
    let status = match linux_sys::waitpid(child, linux_sys::WaitOptions::empty())? {
        linux_sys::WaitStatus::Exited(status) => status,
        linux_sys::WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        other => return Err(format!(\"{other:?}\").into()),
    };
    given::log(&format!(\"{child} exited with status {status}\"));
    Ok(status)
";
    solve(source.join("container.rs"), child)?;
    solve(source.join("main.rs"), parent)
}

/// Put `answer` in the place of the only block of a file.
fn solve(file: PathBuf, answer: &str) -> Result<(), Error> {
    let text = fs::read_to_string(&file)?;
    let block = || {
        let (before, rest) = text.split_once("    // TODO(00) ")?;
        let (_, after) = rest.split_once("    // END TODO(00)\n")?;
        Some(format!("{before}{answer}{after}"))
    };
    let solved = block().ok_or_else(|| format!("{} has no block", file.display()))?;
    fs::write(file, solved)?;
    Ok(())
}
