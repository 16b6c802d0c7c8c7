//! What a program's containers are like, as text: not a check, but an answer to "is this
//! the same container?". The test of the generated mutants asks it of the solution and of
//! each mutant that is listed as equivalent.

use super::program::is_from;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::surroundings::Surroundings;

/// It never passes: what was seen is the answer.
pub(crate) static OBSERVED: Check = Check {
    name: "what its containers are like",
    step: 0,
    usually: "",
    needs: &[],
    run: observed,
};

/// The options that it is run with, each from its level on.
const OPTIONS: [(u8, &[&str]); 8] = [
    (0, &[]),
    (8, &["--cpu-shares", "512"]),
    (9, &["--memory", "64m"]),
    (9, &["--memory", "64m", "--memory-swap", "96m"]),
    (10, &["--user", "1000:1001"]),
    (11, &["--cap-drop", "CHOWN", "--cap-add", "NET_RAW"]),
    (18, &["-t"]),
    (19, &["--init"]),
];

/// Commands that end by themselves, one of them at once.
const COMMANDS: [&[&str]; 3] = [
    &["probe", "exit", "7"],
    &["no-such-command"],
    &["/proc/self/status"],
];

fn observed(host: &Host) -> Outcome {
    let mut all = String::new();
    for (level, options) in OPTIONS {
        if !is_from(level, host.program()) {
            continue;
        }
        let mut invocation = host.run(&["probe", "hold"]);
        for option in options {
            invocation = invocation.option(option);
        }
        let container = invocation.hold()?;
        let surroundings = Surroundings::of(container.pid, container.level())?;
        let ended = container.end()?;
        all += &format!(
            "{}\n{surroundings}status {:?}\n{}\n",
            options.join(" "),
            ended.code(),
            without_numbers(&ended.errors)
        );
    }
    for command in COMMANDS {
        let ended = host.run(command).finish()?;
        all += &format!(
            "{}\nstatus {:?}\n{}\n",
            command.join(" "),
            ended.code(),
            without_numbers(&ended.errors)
        );
    }
    Err(Failure::seen(all).into())
}

/// Processes have other numbers each time, and containers other names.
fn without_numbers(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let is_name = word.len() >= 12 && word.chars().any(|it| it.is_ascii_digit());
        let is_number = word.parse::<u32>().is_ok();
        match is_name || is_number {
            true => "N",
            false => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
