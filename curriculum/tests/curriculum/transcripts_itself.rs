//! Transcripts made up for the purpose: what passes, and what is said of what does not.

use crate::course::{Course, Verdict};
use crate::performance::{PATIENCE, perform};
use crate::right_reason::no_root;
use curriculum::lesson::{Fence, Mode};
use curriculum::transcript;
use libtest_mimic::{Completion, Trial};
use std::path::Path;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let cases: [(&str, &str, &[&str]); 10] = [
        (
            "output_as_shown",
            "$ echo one; echo two >&2\none\ntwo\n",
            &[],
        ),
        (
            "wildcards",
            "$ seq 9; echo $$ was it\n1\n...\n9\n[PID] was [..]\n",
            &[],
        ),
        (
            "a_shell_that_remembers",
            "$ cd /usr; x=1; false\n$ echo $? $PWD $x\n1 /usr 1\n",
            &[],
        ),
        (
            "a_pipe_and_a_line_more",
            "$ echo one |\n> tr o O\nOne\n",
            &[],
        ),
        (
            "a_second_terminal_that_waits",
            "$ sleep 0.2; echo ready; exec sleep 1000\nready\nhost$ pgrep -cx sleep\n1\nhost$ pkill -x sleep\n",
            &[],
        ),
        (
            "a_second_terminal_that_looks_again",
            "$ sleep 0.3; sleep 1000\nhost$ pgrep -fxc 'sleep 1000'\n1\n",
            &[],
        ),
        (
            "output_that_differs",
            "$ true\n$ echo one\ntwo\n",
            &["made-up.md:3: $ echo one", "- two", "+ one"],
        ),
        (
            "output_that_was_not_shown",
            "$ echo one\n",
            &["made-up.md:2: $ echo one", "+ one"],
        ),
        (
            "a_command_that_goes_on",
            "$ sleep 1000\n",
            &["made-up.md:2: $ sleep 1000", "it did not end"],
        ),
        (
            "a_second_terminal_that_waits_in_vain",
            "$ sleep 1000\nhost$ echo one\ntwo\n",
            &["made-up.md:3: host$ echo one", "- two", "+ one"],
        ),
    ];
    let trial =
        |(name, text, complaints): (&'static str, &'static str, &'static [&'static str])| {
            Trial::ignorable_test(
                format!("transcript::itself::{name}"),
                move || match no_root() {
                    Some(reason) => course.skip(reason),
                    None => complains(course, text, complaints),
                },
            )
        };
    cases.map(trial).into()
}

fn complains(course: &Course, text: &str, complaints: &[&str]) -> Verdict {
    let page = Path::new("made-up.md");
    let lines = text.lines().map(str::to_owned).collect();
    let commands = transcript::read(
        page,
        &Fence {
            line: 1,
            mode: Mode::Before,
            lines,
        },
    )?;
    // Long enough for what shall pass, and a tenth of that for what shall not.
    let patience = if complaints.is_empty() {
        PATIENCE
    } else {
        PATIENCE / 10
    };
    let said = match perform(course, page, &[], &commands, patience) {
        Ok(()) => String::new(),
        Err(failed) => failed.message().unwrap_or_default().to_owned(),
    };
    let missed: Vec<&&str> = complaints
        .iter()
        .filter(|complaint| !said.contains(**complaint))
        .collect();
    if missed.is_empty() && said.is_empty() == complaints.is_empty() {
        return Ok(Completion::Completed);
    }
    Err(format!("not said: {missed:?}\nsaid:\n{said}").into())
}
