//! What a level does if something happens just then: a signal, its parent's end, another
//! container. The level is stopped at that moment, so it is no matter of luck.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use linux_sys::SIGKILL;

use super::program::is_from;
use crate::calls::{self, Call};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::seccomp_supervisor::{Event, Supervised, sleeps_in};
use crate::surroundings::Surroundings;
use crate::{names, process, procfs};

const SIGTERM: i32 = 15;

/// How long a process makes none of the chosen calls before it is taken to wait for something:
/// not long where it sleeps in a call that waits for others, and longer where it may be busy. A
/// guess that errs lets a mistake pass, and never the other way round.
#[derive(Default)]
struct Quiet(u32);

impl Quiet {
    fn is_long(&mut self, is_waiting: bool) -> bool {
        self.0 += if is_waiting { 16 } else { 1 };
        self.0 > 160
    }
}

/// The level's process gets SIGTERM between the birth of its child and its next call.
pub(super) fn signal_after_birth(host: &Host) -> Outcome {
    let chosen = calls::numbers(&[calls::BIRTHS, calls::EXECS, calls::RESTS, calls::MASKS]);
    let mut level = Supervised::start(host.run(&["probe", "hold"]), &chosen)?;
    let parent = level.level();
    let (mut birth, mut after, mut start) = (false, None, None);
    while after.is_none() || start.is_none() {
        let event = match after {
            Some(_) => level.glance()?,
            None => level.next()?,
        };
        let call = match event {
            Event::Call(call) => call,
            Event::Ended => return Err(level.end()?.failed_to_start().into()),
            Event::Nothing => {
                // Its child was a helper's, such as `cp`, and has ended: another birth is meant.
                if let Some(held) = after.take_if(|_| !has_child(parent)) {
                    level.go_on(&held);
                    birth = false;
                }
                continue;
            }
        };
        if call.pid == parent && birth && after.is_none() {
            after = Some(call);
        } else if call.pid != parent && start.is_none() && call.starts(names::program()) {
            start = Some(call);
        } else {
            birth |= call.pid == parent && call.is_in(calls::BIRTHS);
            level.go_on(&call);
        }
    }
    let (Some(after), Some(start)) = (after, start) else {
        return Ok(());
    };
    process::send(parent, SIGTERM)?;
    level.go_on(&after);
    // Once for the command, and once more where it is number 1 of a PID namespace, to which
    // the kernel does not deliver the first.
    for _ in 0..2 {
        if settles(&mut level, Some(start.pid))? {
            break;
        }
        process::send(parent, SIGTERM)?;
    }
    settles(&mut level, Some(start.pid))?;
    if process::is_alive(parent) || !process::is_alive(start.pid) {
        return Ok(());
    }
    let child = start.pid;
    let ended = level.end()?;
    Err(Failure::seen(format!(
        "SIGTERM came between the birth of the child and `{}` of its parent; {}, and its child, \
         process {child}, lives on",
        after.text,
        ended.describe()
    ))
    .expected("the signal waits until the parent passes it on, or ends parent and child")
    .at(format!("/proc/{child}/status"))
    .into())
}

/// Lets all go on but `held`, until the level's process has ended (true) or waits.
fn settles(level: &mut Supervised, held: Option<i32>) -> Result<bool, Failure> {
    let parent = level.level();
    let mut quiet = Quiet::default();
    loop {
        match level.glance()? {
            Event::Ended => return Ok(true),
            Event::Call(call) if Some(call.pid) == held => {}
            Event::Call(call) => {
                quiet = Quiet::default();
                level.go_on(&call);
            }
            Event::Nothing if quiet.is_long(waits(parent)) => return Ok(false),
            Event::Nothing => {}
        }
    }
}

/// Whether a process has a child that has not ended.
fn has_child(pid: i32) -> bool {
    let mut children = process::children(pid).into_iter();
    children.any(process::is_alive)
}

/// Whether a process sleeps in a call that waits for others.
fn waits(pid: i32) -> bool {
    sleeps_in(pid).is_some_and(|call| calls::RESTS.contains(&call))
}

/// When the command starts, neither parent nor child has anything left to do for its container.
pub(super) fn all_is_done_at_start(host: &Host) -> Outcome {
    let chosen = calls::numbers(&[calls::BIRTHS, calls::EXECS, calls::ISOLATING]);
    let mut invocation = host.run(&["probe", "hold"]);
    if is_from(8, host.program()) {
        invocation = invocation.option("--cpu-shares").option("512");
    }
    if is_from(9, host.program()) {
        invocation = invocation.option("--memory").option("64m");
    }
    let mut level = Supervised::start(invocation, &chosen)?;
    let (start, held) = until_start(&mut level)?;
    let (Some(start), parent) = (start, level.level()) else {
        return Err(level.end()?.failed_to_start().into());
    };
    let before = Surroundings::of(start.pid, parent)?;
    // Now the parent, as far as it comes while the command has not started.
    held.iter().for_each(|call| level.go_on(call));
    let mut late: Vec<String> = held.iter().map(|call| call.text.clone()).collect();
    let mut quiet = Quiet::default();
    loop {
        match level.glance()? {
            Event::Ended => break,
            Event::Call(call) => {
                quiet = Quiet::default();
                if call.pid == parent && call.taught.is_some() {
                    late.push(call.text.clone());
                }
                level.go_on(&call);
            }
            Event::Nothing if quiet.is_long(waits(parent)) => break,
            Event::Nothing => {}
        }
    }
    if !process::is_alive(start.pid) {
        return Err(level.end()?.failed_to_start().into());
    }
    let after = Surroundings::of(start.pid, parent)?;
    let found = after.differences(&before);
    let Some(first) = found.first() else {
        return Ok(());
    };
    let step = found.iter().find_map(|it| it.step());
    let done = match late.is_empty() {
        true => "the level's process".to_owned(),
        false => format!("`{}` of the level's process", procfs::few(late, 3)),
    };
    let texts = found.iter().map(|it| it.text()).collect();
    let failure = Failure::seen(format!(
        "the command was stopped at its very start; what came of {done} after that: {}",
        procfs::few(texts, 3)
    ))
    .expected(
        "hostname, mounts, network, group and limits are as they should be before exec, and \
         the parent changes none of them from outside afterwards",
    )
    .at(format!("process {}, stopped in execve", start.pid));
    let failure = match first.is_of_exec() {
        true => failure,
        false => failure.usually(
            "the parent does it from outside, while the child is on its way to exec already: which \
             comes first is a matter of luck. The child does it for itself, or waits",
        ),
    };
    Err(match step {
        Some((level, step)) => failure.step(level, step),
        None => failure,
    }
    .into())
}

/// Until the command is about to start. What the parent would do to its container meanwhile
/// is held: it comes too late unless the child waits for it, and then it is let go on.
pub(super) fn until_start(level: &mut Supervised) -> Result<(Option<Call>, Vec<Call>), Failure> {
    let parent = level.level();
    let (mut is_born, mut held, mut quiet) = (false, Vec::new(), Quiet::default());
    loop {
        match level.glance()? {
            Event::Ended => return Ok((None, held)),
            Event::Call(call) if call.starts(names::program()) => return Ok((Some(call), held)),
            Event::Call(call) => {
                quiet = Quiet::default();
                let is_late = is_born && call.pid == parent && call.taught.is_some();
                is_born |= call.is_in(calls::BIRTHS);
                match is_late {
                    true => held.push(call),
                    false => level.go_on(&call),
                }
            }
            Event::Nothing if held.is_empty() => {}
            Event::Nothing => {
                let children = process::children(parent);
                if quiet.is_long(children.into_iter().any(waits)) {
                    held.iter().for_each(|call| level.go_on(call));
                    held.clear();
                }
            }
        }
    }
}

/// The level's process is killed when its child is about to make one of the calls that matter:
/// its first one, each wish for a signal, and the start of the command.
pub(super) fn parent_dies_while_it_starts(host: &Host) -> Outcome {
    let chosen = calls::numbers(&[calls::EXECS, calls::ISOLATING]);
    let hold = || host.run(&["probe", "hold"]);
    let mut all = Vec::new();
    let mut level = Supervised::start(hold(), &chosen)?;
    let parent = level.level();
    while let Event::Call(call) = level.next()? {
        if call.pid != parent {
            all.push(call.clone());
        }
        let is_start = call.starts(names::program());
        level.go_on(&call);
        if is_start {
            break;
        }
    }
    if !all.iter().any(|call| call.starts(names::program())) {
        return Err(level.end()?.failed_to_start().into());
    }
    level.end()?;
    let matters = |index: usize, call: &Call| {
        index == 0 || index + 1 == all.len() || call.taught == Some((6, 3))
    };
    let moments = all
        .iter()
        .enumerate()
        .filter(|(index, it)| matters(*index, it));
    for (index, _) in moments {
        parent_dies_before(host, hold(), &chosen, index)?;
    }
    Ok(())
}

/// The parent dies while its child's call number `index` is on its way to the kernel.
fn parent_dies_before(
    host: &Host,
    invocation: Invocation,
    chosen: &[i64],
    index: usize,
) -> Outcome {
    let mut level = Supervised::start(invocation, chosen)?;
    let parent = level.level();
    let mut made = 0;
    let stopped = loop {
        let Event::Call(call) = level.next()? else {
            return Ok(());
        };
        if call.pid != parent {
            made += 1;
            if made > index {
                break call;
            }
        }
        level.go_on(&call);
    };
    let child = stopped.pid;
    let ends = |level: &mut Supervised| -> Result<bool, Failure> {
        host.waiting("what a killed level was just starting to end");
        while process::is_alive(child) {
            match level.glance()? {
                // It goes on, if it is the command's: it must not come to that.
                Event::Call(call) if call.starts(names::program()) => return Ok(false),
                Event::Call(call) => level.go_on(&call),
                // The parent, whose end was seen already.
                Event::Ended | Event::Nothing => {}
            }
        }
        Ok(true)
    };
    process::send(parent, SIGKILL)?;
    process::await_end(parent, process::AT_ONCE)?;
    let is_start = stopped.starts(names::program());
    level.go_on(&stopped);
    let has_ended = match is_start {
        true => process::await_end(child, process::AT_ONCE)?,
        false => ends(&mut level)?,
    };
    if has_ended {
        process::collect(child);
        return Ok(());
    }
    let seen = format!(
        "the level's process was killed when its child, process {child}, was about to call \
         `{}`, and the child has gone on to start the command",
        stopped.text
    );
    let failure = Failure::seen(seen)
        .expected("whenever the level's process is killed, nothing of it stays")
        .at(format!("/proc/{child}/status"));
    Err(match stopped.taught == Some((6, 3)) {
        true => failure.usually(
            "the look at the parent stands before set_pdeathsig, or is missing: if the parent dies \
             between the two, the signal never comes",
        ),
        false => failure,
    }
    .into())
}

/// Two containers of an image that was never unpacked, the first stopped in the middle of it.
pub(super) fn unpacked_by_two(host: &Host) -> Outcome {
    let wanted = members(&host.archive(names::image()))
        .map_err(|why| Failure::seen(format!("the test image: {why}")).elsewhere())?;
    let chosen = calls::numbers(&[calls::FILES, calls::BIRTHS, calls::EXECS]);
    let hold = || host.run(&["probe", "hold"]);
    let store = host.store();
    let is_unpacking = |call: &Call| {
        let is_there = call.text.contains(&format!("{}/", store.display()));
        call.is_in(calls::FILES) && (is_there || !call.text.contains("\"/"))
    };

    // The middle is where half of the image's own names are there.
    let mut first = Supervised::start(hold(), &chosen)?;
    let middle = loop {
        let Event::Call(call) = first.next()? else {
            return Err(first.end()?.failed_to_start().into());
        };
        if call.is_in(calls::BIRTHS) {
            // It has unpacked nothing, or by another program: then there is no middle.
            return Ok(());
        }
        if is_unpacking(&call) && count(&store) >= wanted.len() / 2 {
            break call;
        }
        first.go_on(&call);
    };

    let mut second = Supervised::start(hold(), &chosen)?;
    let (mut quiet, mut has_child) = (Quiet::default(), false);
    let start = loop {
        match second.glance()? {
            Event::Ended => break None,
            Event::Call(call) if call.starts(names::program()) => break Some(call),
            Event::Call(call) => {
                has_child |= call.is_in(calls::BIRTHS);
                second.go_on(&call);
            }
            Event::Nothing => {
                // For the first, by a lock or by a look now and then; and not for its child.
                let is_waiting = !has_child && sleeps_in(second.level()).is_some();
                if quiet.is_long(is_waiting) {
                    break None;
                }
            }
        }
    };
    let expected = "the second waits for the first, or unpacks for itself: its command sees all \
                    of the image";
    let usually = "the image is unpacked where others look for it, and is there for them before it \
                   is whole: `Image::unpacked` unpacks beside it and renames at the end";
    if let Some(start) = start {
        let root = procfs::path(start.pid, "root");
        let missing: Vec<String> = wanted
            .iter()
            .filter(|name| root.join(name).symlink_metadata().is_err())
            .map(|name| format!("/{}", name.display()))
            .collect();
        if !missing.is_empty() {
            return Err(Failure::seen(format!(
                "while a first container was unpacking the image, a second was about to start \
                 its command without {}",
                procfs::few(missing, 4)
            ))
            .expected(expected)
            .usually(usually)
            .at(root.display().to_string())
            .into());
        }
        second.go_on(&start);
    }
    let is_over = !process::is_alive(second.level());
    if is_over {
        return Err(Failure::seen(format!(
            "while a first container was unpacking the image: {}",
            second.end()?.describe()
        ))
        .expected(expected)
        .usually(usually)
        .at("wait status and standard error of the second level's process")
        .into());
    }
    first.go_on(&middle);
    for (which, level) in [("first", first), ("second", second)] {
        let ended = level.end()?;
        if ended.code() != Some(0) {
            let expected = format!("the {which} of the two ends with its command's status, 0");
            return Err(ended.wrong_status().expected(expected).into());
        }
    }
    Ok(())
}

/// The names in an archive.
fn members(archive: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut names = BTreeSet::new();
    for entry in tar::Archive::new(File::open(archive)?).entries()? {
        let path: PathBuf = entry?.path()?.components().collect();
        names.insert(path.strip_prefix(".").unwrap_or(&path).to_owned());
    }
    names.retain(|name| !name.as_os_str().is_empty());
    Ok(names)
}

/// How many files are below a directory.
fn count(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(
            |entry| match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => 1 + count(&entry.path()),
                false => 1,
            },
        )
        .sum()
}

/// Why the wish for a signal at the parent's death may be gone although it was uttered: exec
/// has given the command capabilities, and then the kernel forgets it (prctl(2)).
pub(super) fn gains_by_exec(host: &Host, options: &[&str]) -> Result<Option<String>, Finding> {
    let hold = host.run(&["probe", "hold"]);
    let hold = options
        .iter()
        .fold(hold, |hold, option| hold.option(option));
    let mut level = Supervised::start(hold, &calls::numbers(&[calls::EXECS]))?;
    while let Event::Call(call) = level.next()? {
        if !call.starts(names::program()) {
            level.go_on(&call);
            continue;
        }
        let permitted = || procfs::status(call.pid, "CapPrm");
        let before = permitted()?;
        level.go_on(&call);
        // Each attempt on the way through PATH is a call of its own.
        while procfs::identity(procfs::path(call.pid, "exe"))
            .is_ok_and(|exe| Some(exe) == own_exe(level.level()))
        {
            match level.glance()? {
                Event::Call(next) => level.go_on(&next),
                Event::Ended => return Ok(None),
                Event::Nothing => {}
            }
        }
        let after = permitted()?;
        let number = |set: &str| u64::from_str_radix(set, 16).unwrap_or(0);
        if number(&after) & !number(&before) == 0 {
            return Ok(None);
        }
        return Ok(Some(format!(
            "before exec its CapPrm was {before}, and after it {after}"
        )));
    }
    Ok(None)
}

fn own_exe(pid: i32) -> Option<(u64, u64)> {
    procfs::identity(procfs::path(pid, "exe")).ok()
}
