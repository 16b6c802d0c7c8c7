//! Level 04: what a container has changed.

use std::fs::{self, File};
use std::io::Write;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::probe_image::{EMPTY_DIRECTORY, ODD_FILE};

pub(super) const CHOICE: Check = Check {
    name: "--diff: the level says what its container has added, changed and deleted",
    step: 0,
    usually: "`upper` has what was changed: a file that `lower` has as well was changed, one that it \
              has not was added, and a device 0, 0 is a whiteout, for what was deleted",
    needs: &[],
    run: diff,
};

/// What is added by the check, as the container sees it.
const ADDED: &str = "added-by-the-command";

/// The only check that believes what a level says: this option is about a text, and whether
/// that is true is looked up in the changes that were really made.
fn diff(host: &Host) -> Outcome {
    known(host, &["--diff"])?;
    let container = host.run(&["probe", "hold"]).option("--diff").hold()?;
    // Made in the container's own root, as its command would.
    let change = || -> std::io::Result<()> {
        fs::write(container.inside(ADDED), "added\n")?;
        let mut changed = File::options()
            .append(true)
            .open(container.inside(ODD_FILE))?;
        changed.write_all(b"changed\n")?;
        fs::remove_dir(container.inside(EMPTY_DIRECTORY))
    };
    change().map_err(|why| {
        Failure::seen(format!(
            "the check cannot change the container's root: {why}"
        ))
        .elsewhere()
    })?;
    let (ended, output) = container.end_with_output()?;
    // Which of the two it is written to is a part of the choice.
    let said = format!("{output}\n{}", ended.errors);
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let wanted = [('A', ADDED), ('C', ODD_FILE), ('D', EMPTY_DIRECTORY)];
    for (letter, path) in wanted {
        let line = format!("{letter} /{path}");
        if lines.contains(&line.as_str()) {
            continue;
        }
        let about = lines
            .iter()
            .find(|line| line.ends_with(&format!(" /{path}")));
        let seen = match about {
            Some(other) => format!("it says {other:?}"),
            None => format!("no line is about /{path}; it wrote {:?}", said.trim()),
        };
        return Err(Failure::seen(seen)
            .expected(format!("a line {line:?}, as `docker diff` has it"))
            .at("standard output and error of the level's process")
            .into());
    }
    let untouched = "/bin/sh";
    match lines
        .iter()
        .find(|line| line.ends_with(untouched) && line.len() == untouched.len() + 2)
    {
        None => Ok(()),
        Some(line) => Err(Failure::seen(format!("it says {line:?}"))
            .expected(format!(
                "no line about {untouched}, which the command has left alone"
            ))
            .at("standard output and error of the level's process")
            .into()),
    }
}
