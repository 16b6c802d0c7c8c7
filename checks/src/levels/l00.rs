//! Level 00: a command runs in a child process, and its end is told to the caller.

use std::fs;

use linux_sys::Pid;

use crate::check::{Check, Failure, Level, Outcome};
use crate::container::Container;
use crate::host::{CANARY, CANARY_VALUE, Host, NOT_HELD, await_that};
use crate::procfs;

/// What other levels need of this one: without a container there is nothing to see.
pub(super) const IN_A_CHILD: &str = "the command runs in a child process";
const WAITS: &str = "the level's process waits while the command runs";
const ARGUMENTS: &str = "the command gets its arguments unchanged";
const DEFAULT_SIGNALS: &str = "the command starts with default signals, none held back";
const STATUS: &str = "the command's exit status is passed on";

pub(super) const LEVEL: Level = Level {
    number: 0,
    directory: "00_fork_exec",
    title: "fork, exec, wait",
    checks: &[
        Check {
            name: IN_A_CHILD,
            step: 2,
            usually: "fork is missing, or the child does not exec",
            needs: &[],
            run: in_a_child,
        },
        Check {
            name: WAITS,
            step: 3,
            usually: "waitpid is missing: the parent goes on, and ends, while the command runs",
            needs: &[],
            run: waits,
        },
        Check {
            name: ARGUMENTS,
            step: 1,
            usually: "the arguments were joined and split again, or argv[0] was left out or given twice",
            needs: &[],
            run: arguments,
        },
        Check {
            name: DEFAULT_SIGNALS,
            step: 1,
            usually: "`given::clean_start()?` before execvp was left out: ignored signals and \
                      the mask survive exec, and Rust ignores SIGPIPE",
            needs: &[ARGUMENTS],
            run: signals,
        },
        Check {
            name: "a signal to the level's process reaches the command once",
            step: 3,
            usually: "the parent does not pass on signals while it waits: \
                      `given::pass_signals_until_end(child)?` before waitpid does",
            needs: &[WAITS],
            run: forwarding,
        },
        Check {
            name: "nothing is left running afterwards",
            step: 3,
            usually: "a child was not waited for: it stays as a zombie until its parent asks \
                      how it ended",
            needs: &[WAITS],
            run: nothing_left,
        },
        Check {
            name: STATUS,
            step: 4,
            usually: "what waitpid tells was not turned into this program's own exit status",
            needs: &[WAITS],
            run: status,
        },
        Check {
            name: "a command ended by signal N gives status 128 + N",
            step: 4,
            usually: "the case that a signal ended the command was forgotten: it has no exit \
                      status then, and shells have agreed on 128 + N",
            needs: &[STATUS, DEFAULT_SIGNALS],
            run: killed,
        },
        Check {
            name: "the end is reported as `PID exited with status N`",
            step: 4,
            usually: "the report to standard error is missing, or has another process's number",
            needs: &[STATUS],
            run: report,
        },
        Check {
            name: "the command gets the environment",
            step: 1,
            usually: "execve was given an empty environment; execvp passes on the caller's",
            needs: &[],
            run: environment,
        },
        Check {
            name: "a command that does not exist gives status 127",
            step: 1,
            usually: "the child ended without saying that execvp failed with ENOENT",
            needs: &[STATUS],
            run: not_found,
        },
        Check {
            name: "a command that cannot be executed gives status 126",
            step: 1,
            usually: "every error of execvp got the same status: ENOENT is 127, the others are 126",
            needs: &[STATUS],
            run: not_executable,
        },
        Check {
            name: "the command has no open file but 0, 1 and 2",
            step: 1,
            usually: "`given::clean_start()?` before execvp was left out: what is open and not \
                      close-on-exec survives exec, a door into the caller's files",
            needs: &[],
            run: open_files,
        },
    ],
    calls: &[
        ("call given::hold_signals()", "", 2),
        ("fork()", "", 2),
        ("waitpid(", "", 3),
        ("execvp(", "", 1),
    ],
};

fn in_a_child(host: &Host) -> Outcome {
    // Finding the container is the check; it knows what to say when there is none.
    let expected = "a process below the level's own that has become the command by exec";
    let container = host.run(&["probe", "hold"]).hold();
    container.map_err(|failure| failure.expected(expected))?;
    Ok(())
}

fn arguments(host: &Host) -> Outcome {
    let given = [
        "probe",
        "hold",
        "0",
        "two words",
        "",
        "--keep",
        "-i",
        "--",
        "q\"u'o\\te",
        "$HOME",
        "ü",
    ];
    // Another command has started: what is wrong now is wrong with these words.
    let container = host.run(&given).hold().map_err(|failure| {
        failure
            .here()
            .expected("the command starts, whatever its arguments are")
            .usually(
                "the words were joined into one line for a shell, which has split and read it in \
                 its own way: execvp takes them one by one, and no shell",
            )
    })?;
    let got = procfs::arguments(container.pid)?;
    if got.iter().eq(given.map(str::as_bytes).iter()) {
        return Ok(());
    }
    let got: Vec<_> = got
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    Err(Failure::seen(format!("{got:?}"))
        .expected(format!("{given:?}"))
        .at(container.proc("cmdline").display().to_string())
        .into())
}

fn environment(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let path = container.proc("environ");
    let variables = procfs::read(&path)?;
    let canary = format!("{CANARY}={CANARY_VALUE}");
    let mut all = variables.split(|byte| *byte == 0);
    if all.any(|variable| variable == canary.as_bytes()) {
        return Ok(());
    }
    let names = variables
        .split(|byte| *byte == 0)
        .filter_map(|it| it.split(|b| *b == b'=').next());
    let names = names.map(|name| String::from_utf8_lossy(name).into_owned());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let seen = match names.len() {
        0 => "an empty environment".to_owned(),
        _ => procfs::few(names, 8),
    };
    Err(Failure::seen(seen)
        .expected(format!(
            "{canary}, which the caller has, among the variables"
        ))
        .at(path.display().to_string())
        .into())
}

/// Runs a command to its end and compares the status.
fn expect_status(host: &Host, command: &[&str], expected: i32) -> Outcome {
    let ended = host.run(command).finish()?;
    if ended.code() == Some(expected) {
        return Ok(());
    }
    let expected = format!("`{}` ends with status {expected}", ended.line);
    Err(ended.wrong_status().expected(expected).into())
}

fn not_found(host: &Host) -> Outcome {
    expect_status(host, &["no-such-command"], 127)
}

fn not_executable(host: &Host) -> Outcome {
    // A directory: it is there in every image, and nobody can execute it, not even root.
    expect_status(host, &["/"], 126)
}

fn signals(host: &Host) -> Outcome {
    const SIGPIPE: u32 = 13;
    // Rust's runtime has the probe ignore SIGPIPE before anybody can see how it was
    // started, and bash ignores SIGQUIT. Each tells what the other cannot.
    let shell = host
        .run(&["sh", "-c", "echo ready; read line"])
        .hold_as("/bin/sh")?;
    default_signals(&shell, |signal| signal == SIGPIPE)?;
    let probe = host.run(&["probe", "hold"]).hold()?;
    default_signals(&probe, |signal| signal != SIGPIPE)
}

fn default_signals(container: &Container, is_judged: impl Fn(u32) -> bool) -> Outcome {
    for (key, what) in [("SigIgn", "ignored"), ("SigBlk", "held back")] {
        let mut set = procfs::signals(container.pid, key)?;
        set.retain(|signal| is_judged(*signal));
        if !set.is_empty() {
            let names = set
                .iter()
                .map(|signal| linux_sys::signal_name(signal.cast_signed()));
            let names = procfs::few(names.collect(), 8);
            return Err(Failure::seen(format!("{what} are {names}"))
                .expected(format!("no signal is {what}: {key} is 0"))
                .at(container.proc("status").display().to_string())
                .into());
        }
    }
    Ok(())
}

fn open_files(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let path = container.proc("fd");
    let mut open: Vec<u32> = descriptors(&path)?;
    open.sort_unstable();
    if open == [0, 1, 2] {
        return Ok(());
    }
    let names = open.iter().map(|number| {
        let target = fs::read_link(path.join(number.to_string()));
        format!("{number} -> {}", target.unwrap_or_default().display())
    });
    Err(Failure::seen(procfs::few(names.collect(), 8))
        .expected("0, 1 and 2 alone, although the level itself was given one file more")
        .at(path.display().to_string())
        .into())
}

fn descriptors(path: &std::path::Path) -> Result<Vec<u32>, Failure> {
    let entries = fs::read_dir(path).map_err(|why| Failure::unreadable(path, why))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

fn waits(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let level = container.level();
    // The command may be ahead of its parent: give that time to come to rest.
    await_that(|| matches!(procfs::state(level), None | Some('S' | 'Z')));
    if procfs::state(level).is_none_or(|state| state == 'Z') {
        let ended = container.end()?;
        let failure = Failure::seen(format!(
            "{}, with the command still running",
            ended.describe()
        ))
        .expected("the level's process is there as long as the command is")
        .at(format!("/proc/{level}/status, State"));
        return Err(match ended.is_unwaited() {
            true => failure.step(0, 2).usually(NOT_HELD),
            false => failure,
        }
        .into());
    }
    let parent = procfs::status(container.pid, "PPid")?;
    if parent == level.to_string() {
        return Ok(());
    }
    Err(Failure::seen(format!("its parent is process {parent}"))
        .expected(format!(
            "the command's parent is the level's process, {level}"
        ))
        .at(format!("{}, PPid", container.proc("status").display()))
        .usually("there is a process too many: a shell, or a second fork")
        .into())
}

fn forwarding(host: &Host) -> Outcome {
    const SIGTERM: i32 = 15;
    let container = host.run(&["probe", "catch"]).hold()?;
    let (level, files) = (container.level(), container.proc("fd"));
    // It opens a file for each signal it gets.
    let before = descriptors(&files)?.len();
    let caught = || descriptors(&files).map_or(0, |open| open.len().saturating_sub(before));
    await_that(|| procfs::state(level) == Some('S'));
    linux_sys::kill(Pid::from_raw(level), SIGTERM)
        .map_err(|why| Failure::seen(why.to_string()).at(format!("process {level}")))?;
    host.waiting("SIGTERM, sent to the level's process, to reach its command");
    let arrived = await_that(|| caught() > 0 || procfs::state(level).is_none_or(|it| it == 'Z'));
    // Whatever the two still have to do about it, they have done when they sleep again.
    let is_done = |pid| procfs::state(pid) != Some('R') && pending(pid).is_empty();
    await_that(|| is_done(level) && is_done(container.pid));
    let expected = "SIGTERM, sent to the level's process, arrives at the command, one time";
    let seen = match caught() {
        1 => return Ok(()),
        0 if procfs::state(level).is_none_or(|state| state == 'Z') => {
            "the level's process ended by it, and the command got nothing"
        }
        0 if arrived => "the command got it and is gone",
        0 => "the command got nothing",
        _ => "the command got it more than once",
    };
    Err(Failure::seen(seen)
        .expected(expected)
        .at(format!(
            "{}, to which the probe adds one file a signal",
            files.display()
        ))
        .into())
}

fn pending(pid: i32) -> Vec<u32> {
    let of = |key| procfs::signals(pid, key).unwrap_or_default();
    of("SigPnd").into_iter().chain(of("ShdPnd")).collect()
}

fn nothing_left(host: &Host) -> Outcome {
    host.run(&["probe", "exit", "0"]).finish()?;
    // Orphans become children of the sandbox's PID 1, which does not reap them here.
    let parents = procfs::parents();
    let left: Vec<_> = parents.into_keys().filter(|&pid| pid != 1).collect();
    let Some(first) = left.first() else {
        return Ok(());
    };
    let name = |pid: &i32| {
        let name = procfs::status(*pid, "Name").unwrap_or_default();
        let state = procfs::status(*pid, "State").unwrap_or_default();
        format!("process {pid} `{name}`, {state}")
    };
    Err(
        Failure::seen(procfs::few(left.iter().map(name).collect(), 6))
            .expected("no process of the level's is left")
            .at(format!("/proc/{first}/status"))
            .into(),
    )
}

fn status(host: &Host) -> Outcome {
    for status in [0, 7, 200] {
        expect_status(host, &["probe", "exit", &status.to_string()], status)?;
    }
    Ok(())
}

fn killed(host: &Host) -> Outcome {
    const SIGTERM: i32 = 15;
    const SIGKILL: i32 = 9;
    /// A realtime signal: beyond the 31 that many enums of signals know.
    const SIGRTMIN_1: i32 = 35;
    for signal in [SIGKILL, SIGTERM, SIGRTMIN_1] {
        let container = host.run(&["probe", "hold"]).hold()?;
        // PID 1 of a PID namespace gets only what it handles, and SIGKILL.
        if signal != SIGKILL && procfs::own_pid(container.pid)? == 1 {
            continue;
        }
        linux_sys::kill(Pid::from_raw(container.pid), signal).map_err(|why| {
            Failure::seen(why.to_string()).at(format!("process {}", container.pid))
        })?;
        let ended = container.end()?;
        let name = linux_sys::signal_name(signal);
        if ended.code() != Some(128 + signal) {
            let expected = format!("status {} after {name} has ended the command", 128 + signal);
            return Err(ended.wrong_status().expected(expected).into());
        }
    }
    Ok(())
}

fn report(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold", "7"]).hold()?;
    let line = format!("{} exited with status 7", container.pid);
    let ended = container.end()?;
    let has_line = |one: &str| {
        // The program's name may stand in front, but not another digit.
        let before = one.trim_end().strip_suffix(&line);
        before.is_some_and(|before| before.is_empty() || before.ends_with(' '))
    };
    if ended.errors.lines().any(has_line) {
        return Ok(());
    }
    let seen = match ended.errors.is_empty() {
        true => "nothing".to_owned(),
        false => ended.errors.clone(),
    };
    Err(Failure::seen(seen)
        .expected(format!("the line `{line}`"))
        .at("standard error of the level's process")
        .into())
}
