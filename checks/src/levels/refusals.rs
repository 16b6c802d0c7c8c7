//! What a level makes of a call that is refused: its error must not be swallowed.
//!
//! The level runs once, and its calls are written down. Then it runs again for each of them,
//! and that one fails, once. Either the level says so and its command never starts, or it has
//! another way to the very same surroundings: how it gets there is its own business.
//!
//! Left out, because their failure may well be ignored: what happens after the command has
//! started (tidying up, where something may not be there to be tidied); questions, such as
//! `prctl(PR_CAPBSET_READ)`; what makes files that isolate nothing, such as links in /dev; what
//! given code does to the groups above the container's own.

use std::collections::BTreeMap;

use linux_sys::Errno;

use crate::calls::{self, Call};
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::{Host, Invocation};
use crate::seccomp_supervisor::{Event, Supervised};
use crate::surroundings::Surroundings;
use crate::{names, process, procfs};

/// The command's own status, by which its parent can be seen to know it.
const STATUS: i32 = 7;

/// What is usually wrong.
const SWALLOWED: &str = "the call's error was thrown away (`let _ =`, `.ok()`, `unwrap_or`, an \
                         `if` without `else`): `?` hands it on to who can stop and say so";

/// The check of a level: `step` is that of the call that learners forget first.
pub(super) const fn check(name: &'static str, step: u8, run: fn(&Host) -> Outcome) -> Check {
    Check {
        name,
        step,
        usually: SWALLOWED,
        needs: &[],
        run,
    }
}

/// One call of the level's: the `count`th of its kind.
struct Made {
    call: Call,
    count: usize,
}

/// What level `number` adds to a container must be there, or the command must not start.
pub(super) fn stop_the_command(host: &Host, number: u8, options: &[&str]) -> Outcome {
    let (all, expected) = write_down(host, options)?;
    for made in chosen(&all, number) {
        refuse(host, options, made, &expected)?;
    }
    Ok(())
}

fn invocation<'a>(host: &'a Host, options: &[&str]) -> Invocation<'a> {
    let status = STATUS.to_string();
    let invocation = host.run(&["probe", "exit", &status]);
    options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option))
}

fn supervise<'a>(
    host: &'a Host,
    options: &[&str],
) -> Result<Supervised<'a>, crate::finding::Finding> {
    let calls = calls::numbers(&[
        calls::BIRTHS,
        calls::EXECS,
        calls::WAITS,
        calls::ISOLATING,
        calls::OTHERS,
    ]);
    Supervised::start(invocation(host, options), &calls)
}

/// All calls up to the command's start, those that wait for its end, and what has come of
/// them.
fn write_down(
    host: &Host,
    options: &[&str],
) -> Result<(Vec<Made>, Surroundings), crate::finding::Finding> {
    let mut level = supervise(host, options)?;
    let mut counts = BTreeMap::new();
    let mut all = Vec::new();
    let mut found = None;
    while let Event::Call(call) = level.next()? {
        if found.is_none() && call.starts(names::program()) {
            found = Some(Surroundings::of(call.pid, level.level())?);
            note(&mut all, &mut counts, &call);
        } else if found.is_none() || call.is_in(calls::WAITS) {
            note(&mut all, &mut counts, &call);
        }
        level.go_on(&call);
    }
    let ended = level.end()?;
    match found {
        Some(found) => Ok((all, found)),
        None => Err(ended.failed_to_start().into()),
    }
}

fn note(all: &mut Vec<Made>, counts: &mut BTreeMap<String, usize>, call: &Call) {
    let count = counts.entry(call.kind.clone()).or_default();
    *count += 1;
    all.push(Made {
        call: call.clone(),
        count: *count,
    });
}

/// Those that this level teaches; of many of a kind the first and the last.
fn chosen(all: &[Made], number: u8) -> impl Iterator<Item = &Made> {
    let is_last = |made: &Made| {
        let mut others = all.iter();
        !others.any(|it| it.call.kind == made.call.kind && it.count > made.count)
    };
    let is_ours = move |made: &Made| made.call.taught.is_some_and(|(level, _)| level == number);
    all.iter()
        .filter(move |made| is_ours(made) && (made.count == 1 || is_last(made)))
}

/// What a kernel says that does not want to. `EINVAL` and `ENOSYS` would mean that it cannot,
/// and have some look for another way.
fn errno(call: &Call) -> Errno {
    match call.is_in(calls::WAITS) {
        true => Errno::ECHILD,
        false => Errno::EPERM,
    }
}

fn refuse(host: &Host, options: &[&str], made: &Made, expected: &Surroundings) -> Outcome {
    let mut level = supervise(host, options)?;
    let mut count = 0;
    let mut is_refused = false;
    let mut has_started = false;
    while let Event::Call(call) = level.next()? {
        if !is_refused && call.kind == made.call.kind {
            count += 1;
            if count == made.count {
                is_refused = true;
                level.refuse(&call, errno(&call));
                continue;
            }
        }
        if is_refused && !has_started && call.starts(names::program()) {
            has_started = true;
            // A wait comes after it, or beside it.
            if !made.call.is_in(calls::WAITS) {
                look(&level, &call, made, expected)?;
            }
        }
        level.go_on(&call);
    }
    // On a terminal of its own the child's standard error comes out with all else.
    let (ended, output) = match options.contains(&"-t") {
        true => level.end_with_output()?,
        false => (level.end()?, String::new()),
    };
    if !is_refused || (has_started && !made.call.is_in(calls::WAITS)) {
        return Ok(());
    }
    let is_told = is_told(&ended.errors) || is_told(&output);
    let knows = ended.code() == Some(STATUS) && made.call.is_in(calls::WAITS);
    let has_failed = matches!(ended.code(), Some(125..=127));
    match (knows, has_failed, is_told) {
        (true, _, _) | (_, true, true) => Ok(()),
        (_, true, false) => Err(failure(
            made,
            format!("and it has said nothing of it: {}", ended.describe()),
        )
        .usually(
            "the error reached the level's status, but no process printed it: \
             `given::exit(contain(..))` does in the child, `given::decide` in the parent",
        )
        .into()),
        (_, false, _) => Err(failure(made, ended.describe()).into()),
    }
}

/// The command is about to start, although a call was refused: all must be as if it had not
/// been.
fn look(level: &Supervised, start: &Call, made: &Made, expected: &Surroundings) -> Outcome {
    let found = Surroundings::of(start.pid, level.level())?;
    let differences: Vec<String> = found
        .differences(expected)
        .iter()
        .map(|it| it.text())
        .collect();
    if !differences.is_empty() {
        let seen = format!(
            "and the command ran all the same: {}",
            procfs::few(differences, 3)
        );
        return Err(failure(made, seen).into());
    }
    // It shows nowhere but in what it does.
    if made.call.taught == Some((6, 3)) {
        process::send(level.level(), linux_sys::SIGKILL)?;
        let dies = process::await_end(start.pid, process::AT_ONCE)?;
        if !dies {
            let seen = "and the command ran all the same: it outlives the level's process";
            return Err(failure(made, seen.to_owned()).into());
        }
    }
    Ok(())
}

fn failure(made: &Made, seen: String) -> Failure {
    let errno = errno(&made.call);
    let failure = Failure::seen(format!(
        "`{}` was made to fail with {errno:?}, {seen}",
        made.call.text
    ))
    .expected(match made.call.is_in(calls::WAITS) {
        true => format!(
            "the level ends with 125 and says what failed, or knows all the same that its \
             command ended with {STATUS}"
        ),
        false => "the level says which call was refused, and ends with 125 before its command \
                  starts"
            .to_owned(),
    })
    .at("the call itself, stopped on its way to the kernel (seccomp_unotify(2))");
    match made.call.taught {
        Some((level, step)) => failure.step(level, step),
        None => failure,
    }
}

/// Whether it has written more than how its child ended.
fn is_told(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| !line.trim().is_empty() && !line.contains(" exited with status "))
}
