//! One question, answered in a sandbox of its own.
//!
//! The client starts this executable again as a supervisor, which makes the sandbox and has
//! the question answered by its PID 1. The question travels as arguments, the answer as
//! JSON lines over a pipe that is the supervisor's and PID 1's standard output. The level's
//! process never gets that pipe: it cannot pass a check by printing what the check wants
//! to see.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use linux_sys::WaitStatus;
use serde_json::{Value, json};

use crate::asked_with::{WITH, asked_with};
use crate::host::{Host, tell};
use crate::levels::{self, makes_cgroups};
use crate::patience::deadline;
use sandbox::cgroups;
use sandbox::{End, Sandbox};

/// What has come of a question.
pub(crate) struct Heard {
    /// The answer, if PID 1 has come as far.
    pub(crate) answer: Option<Value>,
    /// The commands that the check has run for it.
    pub(crate) ran: Vec<String>,
    /// What was waited for last.
    pub(crate) waited_for: String,
    /// How the sandbox has ended.
    pub(crate) ending: Ending,
}

/// How a sandbox has ended, as its supervisor tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The sandbox has ended by itself.
    Well,
    /// The deadline came first.
    DeadlinePassed,
    /// A file system of the machine's is not as it was: this one.
    Changed(String),
    /// It could not be made, or broke down.
    Broken(String),
}

/// The client's part: starts a supervisor in the role that is called `role`, with these words
/// for it and the image as its standard input, and listens to its end.
pub(crate) fn ask(role: &str, words: &[&OsStr], image: &File) -> io::Result<Heard> {
    let mut supervisor = Command::new("/proc/self/exe")
        .arg(role)
        .arg(std::process::id().to_string())
        .args(words)
        .env(WITH, asked_with().join(" "))
        .stdin(image.try_clone()?)
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(answers) = supervisor.stdout.take() else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut heard = Heard {
        answer: None,
        ran: Vec::new(),
        waited_for: "the sandbox to be made".to_owned(),
        ending: Ending::Well,
    };
    for line in BufReader::new(answers).lines() {
        heard.hear(serde_json::from_str(&line?)?);
    }
    supervisor.wait()?;
    Ok(heard)
}

impl Heard {
    fn hear(&mut self, mut message: Value) {
        if let Some(answer) = message.get_mut("answer") {
            self.answer = Some(answer.take());
            return;
        }
        let text = |key: &str| message.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(event) = text("waiting") {
            self.waited_for = event;
        } else if let Some(line) = text("ran") {
            self.ran.push(line);
        } else if message.get("deadline").is_some() {
            self.ending = Ending::DeadlinePassed;
        } else if let Some(what) = text("changed") {
            self.ending = Ending::Changed(what);
        } else if let Some(why) = text("broken")
            && self.ending == Ending::Well
        {
            // What broke first is why the rest did.
            self.ending = Ending::Broken(why);
        }
    }
}

/// The supervisor's part: makes a sandbox for `binary`, which should have come as far as level
/// `judged`, and has its PID 1 `answer`. Where the program makes control groups and the
/// sandbox has none, it is told why: no container could start.
pub(crate) fn supervise(
    client: u32,
    binary: &Path,
    judged: u8,
    answer: impl FnOnce(&Host, Option<&'static str>) -> Value,
) -> ExitCode {
    let sandbox = Sandbox {
        client,
        deadline: Some(deadline()),
        needed: &[Path::new("/proc/self/exe"), binary],
        keeps_terminal: false,
    };
    let end = sandbox.run(|base| match Host::prepare(base, binary) {
        Ok(host) => {
            let host = host.judged_as(judged, levels::diagnose);
            let problem = cgroups::problem().filter(|_| makes_cgroups(binary));
            tell(&json!({ "answer": answer(&host, problem) }));
            0
        }
        Err(why) => {
            tell(&json!({ "broken": format!("preparing {}: {why}", base.display()) }));
            1
        }
    });
    match end {
        Ok(End::Ended(WaitStatus::Exited(0))) => return ExitCode::SUCCESS,
        Ok(End::DeadlinePassed) => tell(&json!({ "deadline": true })),
        Ok(End::Abandoned) => {}
        Ok(End::MachineChanged(what)) => tell(&json!({ "changed": what })),
        Ok(End::Ended(status)) => {
            tell(&json!({ "broken": format!("the sandbox's PID 1 ended: {status:?}") }));
        }
        Err(why) => tell(&json!({ "broken": why.to_string() })),
    }
    ExitCode::FAILURE
}

/// What a supervisor says to a person who has called it.
pub(crate) fn not_for_people(role: &str) -> ExitCode {
    eprintln!("{role} is how the checks call themselves; there is nothing here for people");
    ExitCode::FAILURE
}

/// The words of a question, if they are as many as they should be: the client first.
pub(crate) fn words<const COUNT: usize>(arguments: &[OsString]) -> Option<(u32, [&OsStr; COUNT])> {
    let (client, rest) = arguments.split_first()?;
    let words: Vec<&OsStr> = rest.iter().map(OsString::as_os_str).collect();
    Some((client.to_str()?.parse().ok()?, words.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_first_is_told_and_a_changed_machine_in_any_case() {
        let mut heard = Heard {
            answer: None,
            ran: Vec::new(),
            waited_for: String::new(),
            ending: Ending::Well,
        };
        heard.hear(json!({ "waiting": "a" }));
        heard.hear(json!({ "answer": { "seen": "b" } }));
        heard.hear(json!({ "broken": "c" }));
        heard.hear(json!({ "broken": "d" }));
        assert_eq!(heard.waited_for, "a");
        assert_eq!(heard.answer, Some(json!({ "seen": "b" })));
        assert_eq!(heard.ending, Ending::Broken("c".to_owned()));
        heard.hear(json!({ "changed": "e" }));
        assert_eq!(heard.ending, Ending::Changed("e".to_owned()));
    }
}
