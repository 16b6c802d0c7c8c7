//! What the learner's machine and checkout are, in rows: for whoever is asked for help.

use std::fs;
use std::process::Command;

use crate::course::Course;

/// What, and which. Without names: `uname -a` would have the machine's.
pub(crate) fn rows(course: &Course) -> [(&'static str, String); 4] {
    let said = |mut command: Command, arguments: &[&str]| {
        let output = command.current_dir(&course.root).args(arguments).output();
        let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
        text.ok().filter(|text| !text.is_empty())
    };
    let rows = [
        (
            "workshop",
            said(course.git(), &["log", "-1", "--format=%h of %cs"]),
        ),
        ("rustc", said(Command::new("rustc"), &["--version"])),
        ("kernel", said(Command::new("uname"), &["-srm"])),
        ("system", system()),
    ];
    rows.map(|(what, version)| (what, version.unwrap_or_else(|| "not known".to_owned())))
}

/// os-release(5)
fn system() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}
