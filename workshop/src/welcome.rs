//! The first screen that anybody sees.

use crate::Result;
use crate::course::Course;
use crate::doctor;
use crate::screen::{self, BOLD, CODE, YELLOW, paint, prose, say};

/// One screen of 80 by 24, with a few lines to spare for what the machine lacks.
pub(crate) fn show(course: &Course) -> Result<()> {
    let count = course.numbered().count();
    say(format!(
        "\n{}\n",
        paint(BOLD, "Welcome to Rubber Docker in Rust.")
    ));
    prose(format!(
        "You will build a container runtime from system calls, in {count} levels. Each has a\n\
         lesson, and code that runs already and does not isolate yet: you fill that in,\n\
         and the checks look at what the kernel sees.\n"
    ));
    let first = course.numbered().next();
    let lesson = first.map(|level| course.lesson(level)).unwrap_or_default();
    let rows = [
        (
            "Begin with the first lesson",
            "cargo workshop lesson".to_owned(),
        ),
        ("or read it in your editor", lesson),
        ("Have your work checked", "cargo workshop check".to_owned()),
        ("the same on every save", "cargo workshop watch".to_owned()),
        (
            "Stuck? one hint at a time",
            "cargo workshop hint".to_owned(),
        ),
        ("Where am I?", "cargo workshop".to_owned()),
        ("Everything else", "cargo workshop --help".to_owned()),
    ];
    for (what, command) in rows {
        screen::row(what, 29, &command);
    }
    prose(
        "\nFrom level 01 on the programs run as root, and change this machine's mounts:\n\
         use a virtual machine that you can throw away.",
    );
    match doctor::short() {
        Some(findings) => {
            say(format!(
                "\n{}",
                paint(YELLOW, "This machine lacks something:")
            ));
            say(findings.trim_end());
            say(format!(
                "All of it: {}",
                paint(CODE, "cargo workshop doctor")
            ));
        }
        None => prose(format!(
            "\nIs this machine ready for all levels?  {}",
            paint(CODE, "cargo workshop doctor")
        )),
    }
    Ok(())
}
