//! Level 19: a number one of its own.

use std::fs;
use std::time::Duration;

use linux_sys::SIGKILL;
use nix::libc::SIGTERM;

use super::l08::expect_refusal;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::seccomp_supervisor::sleeps_in;
use crate::{calls, names, process, procfs};
use sandbox::wait::await_that;

const NUMBER_1: &str = "with --init number 1 is the level's own program, and the command its child";
const CONFINED: &str =
    "number 1 is as confined as the command, whoever it is and whatever it keeps";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 19,
    checks: &[
        Check {
            name: NUMBER_1,
            step: 2,
            usually: "fork is missing, or its two outcomes are the wrong way round: the child \
                      returns and becomes the command, the parent stays and is number 1",
            needs: &[],
            run: number_1,
        },
        Check {
            name: CONFINED,
            step: 1,
            usually: "stay_behind stands before a step that takes something away: that step is \
                      the child's alone then, and number 1 keeps for life what the command lost",
            needs: &[],
            run: confined,
        },
        Check {
            name: "without --init the command is number 1, as ever",
            step: 1,
            usually: "the option was not asked: `if options.init`",
            needs: &[],
            run: without_init,
        },
        Check {
            name: "with --init nothing outlives the parent, whatever the command does about it",
            step: 1,
            usually: "number 1 was forked before set_pdeathsig: then that signal is for the command, \
                      which can take it back, and number 1 has none",
            needs: &[],
            run: nothing_outlives,
        },
        Check {
            name: "nobody in the container looks into number 1",
            step: 2,
            usually: "set_dumpable(false) is missing, or came after the fork: what number 1 has in its \
                      memory is a way to change what it does",
            needs: &[],
            run: not_dumpable,
        },
        Check {
            name: "number 1 has nothing of what the level's caller has called it with",
            step: 3,
            usually: "`given::begin_init()` is missing: number 1 never makes an exec, so its \
                      environment, arguments and open files are its caller's until it forgets them",
            needs: &[],
            run: forgetful,
        },
        Check {
            name: "with --init the status is the command's, whatever ended it",
            step: 3,
            usually: "number 1 has to end as the command did: `exit(status_of(status))`, where \
                      `child == command`",
            needs: &[],
            run: status,
        },
        Check {
            name: "orphans are taken in and collected, however many end at once",
            step: 3,
            usually: "one SIGCHLD may stand for several children: waitpid_any with WNOHANG again and \
                      again, until there is none that has ended",
            needs: &[],
            run: orphans,
        },
        Check {
            name: "with --init signals come to the command, and have their usual effect there",
            step: 3,
            usually: "number 1 has to wait in `given::pass_signals(command)`, which hands on what it \
                      is sent",
            needs: &[],
            run: signals,
        },
        Check {
            name: "with --init all ends when the command does",
            step: 3,
            usually: "number 1 has to end when the command has ended, and not when its last child has",
            needs: &[],
            run: all_ends,
        },
        Check {
            name: "with --init -t the keys are for the command",
            step: 2,
            usually: "number 1 leads the session, and the command is in its group: nothing else must \
                      be done about the terminal",
            needs: &[],
            run: keys,
        },
        refusals::check(
            "a container that cannot have its number 1 does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("fork()", "", 2),
        ("prctl(PR_SET_DUMPABLE", "", 2),
        ("waitpid(-1", "", 3),
    ],
};

const HOLD: [&str; 2] = ["probe", "hold"];

fn run<'a>(host: &'a Host, command: &[&str], options: &[&str]) -> Invocation<'a> {
    let invocation = host.run(command).option("--init");
    options
        .iter()
        .fold(invocation, |it, option| it.option(option))
}

fn parent(pid: i32) -> Result<i32, Failure> {
    let path = procfs::path(pid, "status");
    let text = procfs::status(pid, "PPid")?;
    text.parse().map_err(|why| Failure::unreadable(path, why))
}

/// Number 1 of a container: where it is the command itself, nothing here says anything.
fn first(container: &Container) -> Result<i32, Finding> {
    let above = parent(container.pid)?;
    if above != container.level() && procfs::own_pid(above)? == 1 {
        return Ok(above);
    }
    let own = procfs::own_pid(container.pid)?;
    Err(Failure::seen(format!(
        "the command is number {own} of its namespace; its parent is {}",
        match above == container.level() {
            true => "the level's process".to_owned(),
            false => format!("process {above}"),
        }
    ))
    .expected("the command's parent is number 1, whose parent is the level's process")
    .at(container.proc("status").display().to_string())
    .into())
}

fn number_1(host: &Host) -> Outcome {
    let container = run(host, &HOLD, &[]).hold()?;
    let init = first(&container)?;
    let failure = |seen: String, expected: &str, at: &str| {
        Failure::seen(seen)
            .expected(expected)
            .at(procfs::path(init, at).display().to_string())
    };
    if parent(init)? != container.level() {
        let seen = format!("the parent of number 1 is process {}", parent(init)?);
        return Err(failure(seen, "the level's process is", "status").into());
    }
    let exe = |pid: i32| procfs::identity(procfs::path(pid, "exe"));
    if exe(init)? != exe(container.level())? {
        let target = fs::read_link(procfs::path(init, "exe")).unwrap_or_default();
        let seen = format!("number 1 runs {}", target.display());
        return Err(failure(seen, "it runs what the level's process does", "exe").into());
    }
    container.end()?;
    Ok(())
}

const OPTIONS: [&[&str]; 7] = [
    &[],
    &["--user", "2014:222"],
    &["--cap-drop", "ALL"],
    &["--cap-add", "ALL"],
    &["--cap-add", "ALL", "--user", "2014:222"],
    &["--security-opt=seccomp=unconfined"],
    &["--read-only", "-t"],
];

fn confined(host: &Host) -> Outcome {
    for options in OPTIONS {
        let container = run(host, &HOLD, options).hold()?;
        let init = first(&container)?;
        let differs = |what: &str, own: &str, commands: &str, file: &str| -> Finding {
            Failure::seen(format!(
                "{what} of number 1: {own}; of the command: {commands}{}",
                match options.is_empty() {
                    true => String::new(),
                    false => format!(", with {}", options.join(" ")),
                }
            ))
            .expected("number 1 has no more than the command")
            .at(procfs::path(init, file).display().to_string())
            .into()
        };
        let same = ["Uid", "Gid", "Groups", "CapBnd", "Seccomp", "NoNewPrivs"];
        // exec may take from them what is not inheritable; it must not have been more.
        let at_most = ["CapPrm", "CapEff", "CapInh", "CapAmb"];
        for key in same.into_iter().chain(["Seccomp_filters"]) {
            // Before Linux 5.9 the filters were not counted.
            let Ok(commands) = procfs::status(container.pid, key) else {
                continue;
            };
            let own = procfs::status(init, key)?;
            if own != commands {
                return Err(differs(key, &own, &commands, "status"));
            }
        }
        for key in at_most {
            let (own, commands) = (
                procfs::status(init, key)?,
                procfs::status(container.pid, key)?,
            );
            let bits = |text: &str| u64::from_str_radix(text, 16).unwrap_or(u64::MAX);
            if bits(&own) & !bits(&commands) != 0 {
                return Err(differs(key, &own, &commands, "status"));
            }
        }
        for kind in ["mnt", "uts", "ipc", "pid", "net", "cgroup"] {
            let of = |pid: i32| procfs::identity(procfs::path(pid, &format!("ns/{kind}")));
            let (own, commands) = (of(init)?, of(container.pid)?);
            if own != commands {
                let file = format!("ns/{kind}");
                return Err(differs(
                    &file,
                    &format!("{}", own.1),
                    &format!("{}", commands.1),
                    &file,
                ));
            }
        }
        for file in ["root", "cgroup", "limits", "oom_score_adj"] {
            let of = |pid: i32| -> Result<String, Failure> {
                match file {
                    "root" => Ok(format!("{:?}", procfs::identity(procfs::path(pid, file))?)),
                    _ => procfs::read_text(procfs::path(pid, file)),
                }
            };
            let (own, commands) = (of(init)?, of(container.pid)?);
            if own != commands {
                return Err(differs(file, own.trim(), commands.trim(), file));
            }
        }
        container.end()?;
    }
    Ok(())
}

fn without_init(host: &Host) -> Outcome {
    let container = host.run(&HOLD).hold()?;
    let own = procfs::own_pid(container.pid)?;
    if own != 1 {
        return Err(Failure::seen(format!("the command is number {own}"))
            .expected("without --init the command is number 1 of its namespace")
            .at(container.proc("status").display().to_string())
            .into());
    }
    container.end()?;
    Ok(())
}

fn nothing_outlives(host: &Host) -> Outcome {
    let container = run(host, &["probe", "try", "orphan", "then", "hold"], &[]).hold()?;
    let (command, init) = (container.pid, first(&container)?);
    host.expect_leftovers();
    process::kill(container.level())?;
    for (pid, which) in [(init, "number 1"), (command, "the command")] {
        if !process::await_end(pid, process::AT_ONCE)? {
            return Err(Failure::seen(format!(
                "{which}, process {pid}, lives on without the level's process"
            ))
            .expected("number 1 ends with its parent, and the kernel ends all others with it")
            .at(procfs::path(pid, "status").display().to_string())
            .into());
        }
    }
    process::collect(init);
    Ok(())
}

fn not_dumpable(host: &Host) -> Outcome {
    for options in [&[][..], &["--user", "2014:222"]] {
        let command = "probe try keep /proc/1/mem then try keep-writable /proc/1/mem then \
                       try trace 1 then hold";
        let command: Vec<&str> = command.split_whitespace().collect();
        let container = run(host, &command, options).hold()?;
        let init = first(&container)?;
        let failure = |seen: String, at: String| {
            Failure::seen(seen)
                .expected("the kernel refuses it: number 1 is not dumpable (PR_SET_DUMPABLE)")
                .at(at)
        };
        let directory = container.proc("fd");
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            if target.ends_with("1/mem") {
                let seen = "the command has the memory of number 1 open".to_owned();
                return Err(failure(seen, entry.path().display().to_string()).into());
            }
        }
        if procfs::status(init, "TracerPid")? != "0" {
            let seen = "the command traces number 1".to_owned();
            return Err(failure(seen, procfs::path(init, "status").display().to_string()).into());
        }
        container.end()?;
    }
    Ok(())
}

fn forgetful(host: &Host) -> Outcome {
    let secret = "a-secret-of-the-caller";
    let container = run(host, &["probe", "hold", "0", secret], &[])
        .variable("SECRET", secret)
        .hold()?;
    let init = first(&container)?;
    let looked_for = [secret, names::value()];
    // It forgets while the command begins.
    let mut outcome = has_forgotten(init, looked_for);
    if outcome.is_err() {
        await_that(|| {
            outcome = has_forgotten(init, looked_for);
            outcome.is_ok()
        });
    }
    outcome?;
    container.end()?;
    Ok(())
}

/// Nothing of these words is in what the kernel shows of number 1, and no more files are open in
/// it than the command has.
fn has_forgotten(init: i32, looked_for: [&str; 2]) -> Outcome {
    for file in ["environ", "cmdline"] {
        let path = procfs::path(init, file);
        let found = procfs::read(&path)?;
        let has = |words: &&str| {
            found
                .windows(words.len())
                .any(|window| window == words.as_bytes())
        };
        if let Some(words) = looked_for.iter().find(|it| has(it)) {
            return Err(Failure::seen(format!("{words} is in it"))
                .expected("nothing of the caller's: the whole container can read it")
                .at(path.display().to_string())
                .into());
        }
    }
    let directory = procfs::path(init, "fd");
    let entries = fs::read_dir(&directory).map_err(|why| Failure::unreadable(&directory, why))?;
    let others: Vec<String> = entries
        .flatten()
        .filter(|entry| !["0", "1", "2"].iter().any(|it| entry.file_name() == *it))
        .map(|entry| {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            format!("{} ({})", entry.file_name().display(), target.display())
        })
        .collect();
    if !others.is_empty() {
        return Err(
            Failure::seen(format!("it has open: {}", procfs::few(others, 4)))
                .expected("0, 1 and 2")
                .at(directory.display().to_string())
                .into(),
        );
    }
    Ok(())
}

fn status(host: &Host) -> Outcome {
    let cases: [(&[&str], i32); 6] = [
        (&["probe", "exit", "0"], 0),
        (&["probe", "exit", "7"], 7),
        (&["probe", "signal", "9"], 137),
        (&["probe", "signal", "15"], 143),
        (&["no-such-command"], 127),
        (&["/proc/self/status"], 126),
    ];
    for (command, expected) in cases {
        let ended = run(host, command, &[]).finish()?;
        if ended.code() != Some(expected) {
            return Err(Failure::seen(ended.describe())
                .expected(format!("it ends with status {expected}"))
                .at("wait status of the level's process")
                .into());
        }
    }
    expect_refusal(
        host,
        run(host, &["probe", "exit", "0"], &["--cap-add", "NO_SUCH"]),
    )
}

/// How many children that have ended number 1 has, and how many it has in all.
fn children(init: i32) -> (usize, usize) {
    let all = process::children(init);
    let is_ended = |pid: &&i32| procfs::state(**pid) == Some('Z');
    (all.iter().filter(is_ended).count(), all.len())
}

fn orphans(host: &Host) -> Outcome {
    const COUNT: usize = 4;
    let left = |init: i32, seen: String| -> Finding {
        Failure::seen(seen)
            .expected("number 1 collects each child that has ended, and goes on")
            .at(format!(
                "/proc/*/status of process {init}, and of its children"
            ))
            .into()
    };
    // One at a time: the command's child ends, and its child's child is number 1's.
    let command = ["probe", "orphans", "1"];
    let mut container = run(host, &command, &[]).hold()?;
    let init = first(&container)?;
    container.release();
    let is_collected = await_that(|| is_left(&container) && children(init) == (0, 1));
    // It may be about to.
    if process::await_end(init, Duration::from_millis(150))? {
        let seen = "number 1 has ended with an orphan, and the command with it".to_owned();
        return Err(left(init, seen));
    }
    if !is_collected {
        let seen = format!("{} orphan that has ended is a zombie", children(init).0);
        return Err(left(init, seen));
    }
    process::send(container.pid, SIGKILL)?;
    container.end()?;
    // While number 1 cannot look, several end: the kernel keeps one SIGCHLD for all.
    let command = ["probe", "orphans", "4"];
    let mut container = run(host, &command, &[]).hold()?;
    let init = first(&container)?;
    // Its parent would wake it: so that holds still first.
    for pid in [container.level(), init] {
        process::send(pid, nix::libc::SIGSTOP)?;
        await_that(|| procfs::state(pid) == Some('T'));
    }
    container.release();
    await_that(|| children(init).0 >= COUNT);
    let (ended, _) = children(init);
    for pid in [init, container.level()] {
        process::send(pid, nix::libc::SIGCONT)?;
    }
    if ended < COUNT || !await_that(|| children(init) == (0, 1)) {
        let (now, _) = children(init);
        let seen = format!("{ended} ended at once, and {now} of them are zombies still");
        return Err(left(init, seen));
    }
    process::send(container.pid, SIGKILL)?;
    container.end()?;
    Ok(())
}

/// Whether the command has come to do nothing any more: it pauses.
fn is_left(container: &Container) -> bool {
    let is_busy = |call: &i64| *call == nix::libc::SYS_read || calls::WAITS.contains(call);
    let call = sleeps_in(container.pid).filter(|call| !is_busy(call));
    call.is_some_and(|call| calls::RESTS.contains(&call))
}

fn signals(host: &Host) -> Outcome {
    let container = run(host, &["probe", "catch"], &[]).hold()?;
    let open = || fs::read_dir(container.proc("fd")).map_or(0, |entries| entries.count());
    let before = open();
    let sent = [SIGTERM, nix::libc::SIGUSR1, nix::libc::SIGHUP];
    for signal in sent {
        process::send(container.level(), signal)?;
    }
    if !await_that(|| open() >= before + sent.len()) {
        return Err(Failure::seen(format!(
            "the level's process was sent {} signals, and {} came to the command",
            sent.len(),
            open().saturating_sub(before)
        ))
        .expected("SIGTERM, SIGUSR1 and SIGHUP come to the command, by way of number 1")
        .at(container.proc("fd").display().to_string())
        .into());
    }
    container.end()?;
    // The command is not number 1: the kernel does not shield it.
    let container = run(host, &HOLD, &[]).hold()?;
    let level = container.level();
    process::send(level, SIGTERM)?;
    if !process::await_end(level, process::AT_ONCE)? {
        return Err(
            Failure::seen("the level's process was sent SIGTERM, and all go on")
                .expected("SIGTERM ends the command, and so the container")
                .at(procfs::path(level, "status").display().to_string())
                .into(),
        );
    }
    let ended = container.end()?;
    if ended.code() != Some(143) {
        return Err(Failure::seen(ended.describe())
            .expected("143: SIGTERM has ended the command")
            .at("wait status of the level's process")
            .into());
    }
    Ok(())
}

fn all_ends(host: &Host) -> Outcome {
    let container = run(host, &["probe", "start", "pause", "then", "hold", "5"], &[]).hold()?;
    let left = process::children(container.pid);
    let [left] = left[..] else {
        return Err(
            Failure::seen(format!("the command has {} children", left.len()))
                .elsewhere()
                .into(),
        );
    };
    let ended = container.end()?;
    if ended.code() != Some(5) {
        return Err(ended
            .wrong_status()
            .expected("5, the command's status, although another process was left")
            .into());
    }
    if process::await_end(left, process::AT_ONCE)? {
        return Ok(());
    }
    Err(Failure::seen(format!(
        "process {left}, which the command has started, lives on"
    ))
    .expected("the kernel ends what is left when number 1 has ended")
    .at(procfs::path(left, "status").display().to_string())
    .into())
}

fn keys(host: &Host) -> Outcome {
    let mut container = run(host, &HOLD, &["-t"]).hold()?;
    let (level, init) = (container.level(), first(&container)?);
    let front = procfs::field(container.pid, 8)?;
    if front != procfs::field(container.pid, 5)? {
        return Err(
            Failure::seen(format!("the terminal's keys are for the group {front}"))
                .expected("they are for the command's group")
                .at(container.proc("stat").display().to_string())
                .into(),
        );
    }
    container.type_keys(b"\x03")?;
    if !process::await_end(level, process::AT_ONCE)? {
        return Err(Failure::seen("^C was typed, and the command goes on")
            .expected("SIGINT ends the command, which is no number 1")
            .at(format!("/proc/{init}/status"))
            .into());
    }
    let ended = container.end()?;
    if ended.code() != Some(130) {
        return Err(Failure::seen(ended.describe())
            .expected("130: SIGINT has ended the command")
            .at("wait status of the level's process")
            .into());
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 19, &["--init"])
}
