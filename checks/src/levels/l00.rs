//! Level 00: a command runs in a child process, and its end is told to the caller.

mod lookup;
mod status;
mod surroundings;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::check::{Check, LevelChecks};
use crate::container::{Container, OTHER_INPUT};
use crate::finding::{Failure, Outcome};
use crate::host::{Host, NOT_HELD, words_of_this_run};
use crate::levels::{is_asked_with_an_option, moments, refusals};
use crate::{names, process, procfs};
use lookup::{looked_up, not_executable};
use sandbox::wait::await_that;
use status::{NOT_TEXT, expect_status};
use surroundings::{inheritance, may_gain_privileges, surroundings};

/// What other levels need of this one: without a container there is nothing to see.
pub(super) const IN_A_CHILD: &str = "the command runs in a child process";
const WAITS: &str = "the level's process waits while the command runs";
const ARGUMENTS: &str = "the command gets its arguments unchanged";
const SIGNALS: &str = "the command's signals are as its caller left them, none held back";
const ENVIRONMENT: &str = "the command gets the environment";
const STATUS: &str = "the command's exit status is passed on";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 0,
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
            name: "the command's streams, umask and working directory are its caller's",
            step: 1,
            usually: "the child changed more about itself than the lesson asks for: whatever it \
                      changes before exec, the command has",
            needs: &[],
            run: surroundings,
        },
        Check {
            name: "the command's session and limits are its caller's",
            step: 1,
            usually: "the child changed more about itself than the lesson asks for: whatever it \
                      changes before exec, the command has",
            needs: &[],
            run: inheritance,
        },
        Check {
            name: "exec may give the command what its caller has not",
            step: 1,
            usually: "the child took from its command what setuid programs and file capabilities \
                      give: no lesson so far asks for it",
            needs: &[],
            run: may_gain_privileges,
        },
        Check {
            name: SIGNALS,
            step: 1,
            usually: "`given::reset_signals_and_fds()?` before execvp was left out: ignored signals and \
                      the mask survive exec, and Rust ignores SIGPIPE",
            needs: &[ARGUMENTS],
            run: signals,
        },
        Check {
            name: "a signal to the level's process reaches the command once",
            step: 3,
            usually: "the parent does not pass on signals while it waits: \
                      `given::forward_signals(child)?` before waitpid does",
            needs: &[WAITS],
            run: forwarding,
        },
        Check {
            name: "a signal that comes when the child was just born leaves no child behind",
            step: 2,
            usually: "`given::block_signals()?` comes after the fork, or what it holds back is let go \
                      again: a signal in between ends the parent, which then cannot wait for the \
                      child",
            needs: &[WAITS],
            run: moments::signal_after_birth,
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
            needs: &[STATUS, SIGNALS],
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
            name: ENVIRONMENT,
            step: 1,
            usually: "execve was given an empty environment; execvp passes on the caller's",
            needs: &[],
            run: environment,
        },
        Check {
            name: "the command is looked for in PATH, as a shell does it",
            step: 1,
            usually: "the file was looked for by hand: execvp takes the name as it is, and does that",
            needs: &[STATUS],
            run: looked_up,
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
            usually: "`given::reset_signals_and_fds()?` before execvp was left out: what is open and not \
                      close-on-exec survives exec, a door into the caller's files",
            needs: &[],
            run: open_files,
        },
        refusals::check(
            "when fork, exec or wait fails, the level says so",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("call given::block_signals()", "", 2),
        ("fork()", "", 2),
        ("waitpid(", "", 3),
        ("execvp(", "", 1),
    ],
};

fn in_a_child(host: &Host) -> Outcome {
    // Finding the container is the check; it knows what to say when there is none.
    let expected = "a process below the level's own that has become the command by exec";
    let container = host.run(&["probe", "hold"]).hold();
    let container = container.map_err(|failure| failure.expected(expected))?;
    // It waits for the end of its standard input, which is open here.
    let has_ended = || matches!(procfs::state(container.pid), None | Some('Z'));
    await_that(|| has_ended() || procfs::state(container.pid) == Some('S'));
    if has_ended() {
        return Err(
            Failure::seen("the command has started, and has ended already")
                .expected("the command runs until its standard input ends")
                .at(format!("/proc/{}/status, State", container.pid))
                .usually(OTHER_INPUT)
                .into(),
        );
    }
    Ok(())
}

fn arguments(host: &Host) -> Outcome {
    let odd = [
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
        "*",
        ";",
        "one\nline\tmore ",
        "ü",
    ];
    // Another command has started: what is wrong now is wrong with these words.
    let usually = "the words were joined into one line for a shell, which has split and read it \
                   in its own way: execvp takes them one by one, and no shell";
    arrive(host, "/proc/self/exe", &odd.map(OsString::from), usually)?;
    // No text in any encoding: the kernel knows of bytes, and of the zero at their end.
    let bytes = [b"probe", &b"hold"[..], b"0", b"\xff\xfe", b"caf\xe9"];
    let bytes = bytes.map(|word| OsString::from_vec(word.to_vec()));
    arrive(host, "/proc/self/exe", &bytes, NOT_TEXT)?;
    // More than a pipe takes at once, and less than the least that exec takes.
    let mut many = ["sh", "-c", "echo ready; read line", "sh"]
        .map(OsString::from)
        .to_vec();
    many.push("long".repeat(17_500).into());
    many.extend((0..1000).map(|number| format!("word {number}").into()));
    let usually = "there are many words, and a long one: all of them are the command's";
    arrive(host, "/bin/sh", &many, usually)?;
    Ok(())
}

/// `program` starts with these words, and has them.
fn arrive(host: &Host, program: &str, words: &[OsString], usually: &str) -> Result<(), Failure> {
    let container = host.run(words).hold_as(program).map_err(|failure| {
        failure
            .here()
            .expected("the command starts, whatever its arguments are")
            .usually(usually)
    })?;
    let got = procfs::arguments(container.pid)?;
    let words = &words_of_this_run(words)[..];
    let bytes = words.iter().map(|word| word.as_bytes());
    if got.iter().map(Vec::as_slice).eq(bytes.clone()) {
        return Ok(());
    }
    const FEW: usize = 20;
    let got: Vec<OsString> = got.into_iter().map(OsString::from_vec).collect();
    // All of a few short words; else the one that is another.
    let show = |words: &[OsString], index: usize| match words.get(index) {
        _ if words.len() < FEW => format!("{words:?}"),
        Some(word) => {
            let word: String = format!("{word:?}").chars().take(40).collect();
            format!("{} words, and word {index} is {word}", words.len())
        }
        None => format!("{} words", words.len()),
    };
    let index = got.iter().zip(words).position(|(got, word)| got != word);
    let index = index.unwrap_or(got.len().min(words.len()));
    let failure = Failure::seen(show(&got, index))
        .expected(show(words, index))
        .at(container.proc("cmdline").display().to_string());
    // Of a few, if each of them is one of ours, their number or their order is wrong.
    let are_ours = words.len() < FEW && got.iter().all(|word| words.contains(word));
    Err(match are_ours {
        true => failure,
        false => failure.usually(usually),
    })
}

fn environment(host: &Host) -> Outcome {
    let odd = odd_variables();
    let invocation = host.run(&["probe", "hold"]);
    let invocation = odd.iter().fold(invocation, |invocation, (name, value)| {
        invocation.variable(name, value)
    });
    // From level 05 on what the caller has is kept from the command, unless it is asked for.
    let is_asked_for = is_asked_with_an_option(ENVIRONMENT, host.judged());
    let canary = names::variable();
    let odd_names = odd.iter().map(|(name, _)| name.as_os_str());
    let asked = odd_names.chain([OsStr::new(canary)]);
    let container = match is_asked_for {
        true => asked
            .fold(invocation, |invocation, name| {
                invocation.option("--env").option(name)
            })
            .hold(),
        false => invocation.hold(),
    };
    // Another command has started: what is wrong now is wrong with these variables.
    let container = container.map_err(|failure| {
        failure
            .here()
            .expected("the command starts, whatever its caller has in the environment")
            .usually(NOT_TEXT)
    })?;
    let path = container.proc("environ");
    let variables = procfs::read(&path)?;
    let has: Vec<&[u8]> = variables.split(|byte| *byte == 0).collect();
    let callers = procfs::read(procfs::path(container.level(), "environ"))?;
    let is_wanted = |variable: &&[u8]| {
        let name = variable.split(|byte| *byte == b'=').next();
        let is_odd = odd.iter().any(|(odd, _)| name == Some(odd.as_bytes()));
        !is_asked_for || is_odd || name == Some(canary.as_bytes())
    };
    let mut callers = callers.split(|byte| *byte == 0).filter(is_wanted);
    let Some(missing) = callers.find(|variable| !has.contains(variable)) else {
        return Ok(());
    };
    let name_of = |variable: &[u8]| {
        let name = variable.split(|byte| *byte == b'=').next();
        let name = String::from_utf8_lossy(name.unwrap_or_default());
        name.into_owned()
    };
    let names = has.iter().map(|variable| name_of(variable));
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let seen = match names.len() {
        0 => "an empty environment".to_owned(),
        _ => procfs::few(names, 12),
    };
    let shown = OsStr::from_bytes(&missing[..missing.len().min(60)]);
    let failure = Failure::seen(seen).at(path.display().to_string());
    let is_text = std::str::from_utf8(missing).is_ok();
    let failure = match is_asked_for {
        true => failure
            .expected(format!(
                "{shown:?}, which `--env {}` asks for, among the variables",
                name_of(missing)
            ))
            .step(5, 3)
            .usually(
                "the values were asked for when the environment was empty already: \
                 `given::environment(&options.id, &options.env)` comes before clearenv",
            ),
        false => failure.expected(format!(
            "{shown:?}, which the caller has, among the variables"
        )),
    };
    Err(match is_text {
        true => failure,
        false => failure.usually(NOT_TEXT),
    }
    .into())
}

/// Variables that no learner would choose, but that real environments have.
fn odd_variables() -> Vec<(OsString, OsString)> {
    let variables: [(&[u8], &[u8]); 5] = [
        (b"RD_EMPTY", b""),
        (b"RD_LINES", b"one\ntwo=2; *\t"),
        (b"RD.no-identifier", b"\xc3\xbc"),
        (b"RD_BYTES", b"\xff\xfe"),
        (b"RD_\xff", b"a name of bytes"),
    ];
    let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    variables
        .map(|(name, value)| (owned(name), owned(value)))
        .into()
}

fn not_found(host: &Host) -> Outcome {
    for name in ["no-such-command", "/no/such/command"] {
        let ended = expect_status(host, &[name], 127)?;
        let is_report = |line: &str| line.contains("exited with status");
        if ended.errors.lines().all(is_report) {
            return Err(Failure::seen(ended.describe())
                .expected("it says what the reason is, before it ends")
                .at("standard error of the level's process")
                .usually(
                    "the child ended with a status and without a word: `given::exit` says what \
                     has failed, and chooses the status",
                )
                .into());
        }
    }
    Ok(())
}

fn signals(host: &Host) -> Outcome {
    const SIGPIPE: u32 = 13;
    // Rust's runtime has the probe ignore SIGPIPE before a check can see how the level
    // started it, and bash ignores SIGQUIT. Each shows what the other hides.
    let shell = host
        .run(&["sh", "-c", "echo ready; read line"])
        .hold_as("/bin/sh")?;
    are(&shell, "SigIgn", &[], |signal| signal == SIGPIPE)?;
    let probe = host.run(&["probe", "hold"]).hold()?;
    are(&probe, "SigIgn", &[], |signal| signal != SIGPIPE)?;
    are(&probe, "SigBlk", &[], |_| true)?;
    stay_ignored(host)
}

/// What nohup(1), or `command &` in a script, has its command ignore.
fn stay_ignored(host: &Host) -> Outcome {
    let usually = |failure: Failure| {
        failure.usually(
            "every signal was reset by hand: what the caller ignores was ignored for the \
             command's sake, and `given::reset_signals_and_fds()` leaves it so",
        )
    };
    let invocation = host.run(&["probe", "hold"]).ignoring(&IGNORED);
    let container = invocation.hold()?;
    are(&container, "SigIgn", &IGNORED, |_| true).map_err(usually)?;
    are(&container, "SigBlk", &[], |_| true)?;
    // The shell tells what was inherited of SIGPIPE, where the probe ignores it anyway.
    let command = ["sh", "-c", "echo ready; read line"];
    let shell = host.run(&command).ignoring(&IGNORED).hold_as("/bin/sh")?;
    let is_asked = |signal: u32| IGNORED.contains(&signal.cast_signed());
    are(&shell, "SigIgn", &IGNORED, is_asked).map_err(usually)?;
    Ok(())
}

/// Those signals that are judged are in this set of the command's, and no others.
fn are(
    container: &Container,
    key: &str,
    expected: &[i32],
    is_judged: impl Fn(u32) -> bool,
) -> Result<(), Failure> {
    let mut set = procfs::signals(container.pid, key)?;
    set.retain(|signal| is_judged(*signal));
    if set
        .iter()
        .map(|signal| signal.cast_signed())
        .eq(expected.iter().copied())
    {
        return Ok(());
    }
    let what = if key == "SigIgn" {
        "ignored"
    } else {
        "held back"
    };
    let names = |signals: Vec<i32>| match signals.is_empty() {
        true => format!("no signal is {what}"),
        false => {
            let names = signals.into_iter().map(linux_sys::signal_name).collect();
            format!("{what} are {}", procfs::few(names, 8))
        }
    };
    let seen = set.iter().map(|signal| signal.cast_signed()).collect();
    Err(Failure::seen(names(seen))
        .expected(format!(
            "{}, as before the level was started ({key})",
            names(expected.to_vec())
        ))
        .at(container.proc("status").display().to_string()))
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

fn descriptors(path: &Path) -> Result<Vec<u32>, Failure> {
    let entries = fs::read_dir(path).map_err(|why| Failure::unreadable(path, why))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

fn waits(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let level = container.level();
    // The command may be ahead of its parent: give the parent time to come to rest.
    let rests = await_that(|| matches!(procfs::state(level), None | Some('S' | 'Z')));
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
    if !rests {
        return Err(
            Failure::seen("it is busy all the time, and has nothing to do (state R)")
                .expected("it sleeps until the command has ended")
                .at(format!("/proc/{level}/status, State"))
                .usually(
                    "it asks again and again, by WNOHANG in a loop: `given::forward_signals` \
                     and waitpid with `WaitOptions::empty()` sleep until there is an answer",
                )
                .into(),
        );
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

/// SIGHUP, SIGINT, SIGPIPE.
const IGNORED: [i32; 3] = [1, 2, 13];

fn forwarding(host: &Host) -> Outcome {
    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;
    const SIGALRM: i32 = 14;
    const SIGIO: i32 = 29;
    const SIGPWR: i32 = 30;
    const SIGRTMIN_2: i32 = 36;
    let container = host.run(&["probe", "catch"]).hold()?;
    for signal in [SIGTERM, SIGALRM, SIGIO, SIGPWR, SIGRTMIN_2] {
        arrives(host, &container, signal)?;
    }
    drop(container);
    let invocation = host.run(&["probe", "catch"]).ignoring(&IGNORED);
    let container = invocation.hold()?;
    // The next one comes after it, so it need not be waited for.
    process::send(container.level(), SIGINT)?;
    arrives(host, &container, SIGTERM).map_err(|failure| {
        failure.expected("of SIGINT, which the caller ignores, and SIGTERM only SIGTERM arrives")
    })?;
    drop(container);
    stops_and_goes_on(host)
}

/// Ctrl-Z and `fg`: a shell waits for its job, which is the level, to stop.
fn stops_and_goes_on(host: &Host) -> Outcome {
    const SIGCONT: i32 = 18;
    const SIGTSTP: i32 = 20;
    // In a process group without a shell above it, SIGTSTP stops no process (setpgid(2)).
    let command = ["sh", "-c", "echo ready; read line"];
    let container = host.run(&command).in_a_job().hold_as("/bin/sh")?;
    let both = [container.level(), container.pid];
    await_that(|| process::is_at_rest(both[0]));
    for (signal, name, state, what) in [
        (SIGTSTP, "SIGTSTP", 'T', "stop"),
        (SIGCONT, "SIGCONT", 'S', "go on"),
    ] {
        process::send(both[0], signal)?;
        host.waiting(&format!(
            "{name}, sent to the level's process, to have both {what}"
        ));
        let states = || both.map(|pid| procfs::state(pid).unwrap_or('-'));
        if !await_that(|| states() == [state; 2]) {
            let [level, command] = states();
            return Err(Failure::seen(format!(
                "after {name} the level's process is in state {level}, its command in {command}"
            ))
            .expected(format!(
                "{name}, sent to the level's process, has both {what}: state {state}"
            ))
            .at(format!(
                "/proc/{}/status and /proc/{}/status, State",
                both[0], both[1]
            ))
            .usually(
                "who waits must look for stops as well (Ctrl-Z), stop as the command does, and \
                 wake it: `given::forward_signals(child)?` does",
            )
            .into());
        }
    }
    Ok(())
}

/// A signal that is sent to the level reaches its command, once.
fn arrives(host: &Host, container: &Container, signal: i32) -> Result<(), Failure> {
    let name = linux_sys::signal_name(signal);
    let (level, files) = (container.level(), container.proc("fd"));
    // It opens a file for each signal it gets.
    let before = descriptors(&files)?.len();
    let caught = || descriptors(&files).map_or(0, |open| open.len().saturating_sub(before));
    await_that(|| procfs::state(level) == Some('S'));
    process::send(level, signal)?;
    host.waiting(&format!(
        "{name}, sent to the level's process, to reach its command"
    ));
    let arrived = await_that(|| caught() > 0 || procfs::state(level).is_none_or(|it| it == 'Z'));
    // Whatever the two still have to do about it, they have done when they sleep again.
    let is_done = |pid| procfs::state(pid) != Some('R') && pending(pid).is_empty();
    await_that(|| is_done(level) && is_done(container.pid));
    let expected = format!("{name}, sent to the level's process, arrives at the command, one time");
    let seen = match caught() {
        1 => return Ok(()),
        0 if procfs::state(level).is_none_or(|state| state == 'Z') => {
            "the level's process ended by it, and the command got nothing"
        }
        0 if arrived => "the command got it and is gone",
        0 => "the command got nothing",
        _ => "the command got it more than once",
    };
    let failure = Failure::seen(seen).expected(expected).at(format!(
        "{}, to which the probe adds one file a signal",
        files.display()
    ));
    Err(match container.errors().contains("exited with status 137") {
        true => failure.usually(
            "the parent sends SIGKILL without asking first: a signal is handed on as it is, and \
             the command does with it what it likes",
        ),
        false => failure,
    })
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
    // Among those that shells and runtimes use themselves, and the ends of a byte. Not more:
    // where mounts are left on the host, each run has twice as many to copy.
    for status in [0, 1, 126, 128, 255] {
        expect_status(host, &["probe", "exit", &status.to_string()], status)?;
    }
    Ok(())
}

fn killed(host: &Host) -> Outcome {
    const SIGABRT: i32 = 6;
    const SIGTERM: i32 = 15;
    const SIGKILL: i32 = 9;
    /// A realtime signal: beyond the 31 that many enums of signals know.
    const SIGRTMIN_1: i32 = 35;
    for signal in [SIGKILL, SIGTERM, SIGRTMIN_1, SIGABRT] {
        let mut invocation = host.run(&["probe", "hold"]);
        if signal == SIGABRT {
            if !cores_stay_here() {
                continue;
            }
            // Less, where the machine allows no more, and then there is nothing to be seen.
            invocation = invocation.prelude("ulimit -S -c 65536 2>/dev/null || :;");
        }
        let container = invocation.hold()?;
        // PID 1 of a PID namespace gets only what it handles, and SIGKILL.
        if signal != SIGKILL && procfs::own_pid(container.pid)? == 1 {
            continue;
        }
        if signal == SIGABRT {
            // The core, in the working directory.
            host.expect_leftovers();
        }
        process::send(container.pid, signal)?;
        let ended = container.end()?;
        let name = linux_sys::signal_name(signal);
        if ended.code() != Some(128 + signal) {
            let expected = format!("status {} after {name} has ended the command", 128 + signal);
            let failure = ended.wrong_status().here().expected(expected);
            return Err(match signal {
                SIGABRT => failure.usually(
                    "such an end may leave a core dump, and waitpid says so in a bit of its own, \
                     beside the signal's number: the number alone counts",
                ),
                _ => failure,
            }
            .into());
        }
    }
    Ok(())
}

/// Whether a process that dumps core here leaves a file in its working directory, which is
/// the sandbox's, and does not start a program of the machine's (core(5)).
fn cores_stay_here() -> bool {
    let pattern = procfs::read_text("/proc/sys/kernel/core_pattern");
    pattern.is_ok_and(|pattern| !pattern.starts_with(['|', '/', '@']))
}

fn report(host: &Host) -> Outcome {
    for status in [0, 7, 200] {
        let container = host.run(&["probe", "hold", &status.to_string()]).hold()?;
        reported(container, status)?;
    }
    let container = host.run(&["probe", "hold"]).hold()?;
    process::send(container.pid, linux_sys::SIGKILL)?;
    reported(container, 137).map_err(|failure| {
        failure.usually(
            "the report tells another number than the program ends with: of a command that \
             SIGKILL has ended it is 137 as well",
        )
    })?;
    Ok(())
}

/// Lets the command go on to its end, and looks for this status in what is told of it.
fn reported(container: Container, status: i32) -> Result<(), Failure> {
    let line = format!("{} exited with status {status}", container.pid);
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
        .at("standard error of the level's process"))
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 0, &[])
}
