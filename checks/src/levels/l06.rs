//! Level 06: the command is number 1 of a process table of its own.

use std::time::Instant;

use super::l00::IN_A_CHILD;
use super::l01::{ROOT_IS_IMAGE, names};
use super::{moments, refusals};
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::process::AT_ONCE;
use crate::{namespace, process, procfs};
use sandbox::wait::await_that;

const SIGTERM: i32 = 15;

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 6,
    checks: &[
        Check {
            name: "the command is number 1 of a PID namespace of its own",
            step: 1,
            usually: "CLONE_NEWPID is missing in the call that makes the child",
            needs: &[IN_A_CHILD],
            run: is_number_1,
        },
        Check {
            name: "/proc shows the container's processes and no others",
            step: 1,
            usually: "/proc was mounted by a process of the host's PID namespace, or is the \
                      host's: a proc shows the namespace of the process that mounted it",
            needs: &[ROOT_IS_IMAGE],
            run: proc_is_its_own,
        },
        Check {
            name: "the command has an IPC namespace of its own",
            step: 1,
            usually: "CLONE_NEWIPC is missing among the child's new namespaces",
            needs: &[],
            run: own_ipc,
        },
        Check {
            name: "all processes of the container end with the command",
            step: 1,
            usually: "number 1 of the PID namespace is another process than the command: the \
                      kernel ends a namespace with its number 1",
            needs: &[],
            run: ends_with_number_1,
        },
        Check {
            name: "what the command starts is in its PID namespace",
            step: 2,
            usually: "unshare(CLONE_NEWPID) is still among what the child does: it makes one more \
                      namespace, for the command's children",
            needs: &[],
            run: children_are_inside,
        },
        Check {
            name: "a command that handles SIGTERM ends in its own way",
            step: 1,
            usually: "the parent does not wait in the given code, which passes signals on; or it \
                      sends SIGKILL without asking first",
            needs: &[],
            run: ends_in_its_own_way,
        },
        Check {
            name: "a second SIGTERM ends a command that does not handle it",
            step: 1,
            usually: "the parent does not wait in the given code: the kernel keeps from number 1 \
                      what it has no handler for, so SIGKILL must follow",
            needs: &[],
            run: ends_at_second_signal,
        },
        Check {
            name: DIES_WITH_PARENT,
            step: 3,
            usually: "set_pdeathsig(SIGKILL) is missing in the child, or asks for a signal that \
                      number 1 is shielded from",
            needs: &[],
            run: no_process_outlives,
        },
        Check {
            name: "a container whose parent dies while it starts does not run",
            step: 3,
            usually: "the look at the parent after set_pdeathsig is missing, or stands before it: \
                      if the parent has died already, the signal never comes",
            needs: &[DIES_WITH_PARENT],
            run: moments::parent_dies_while_it_starts,
        },
        refusals::check(
            "a container that would outlive its parent does not run",
            3,
            refused_calls,
        ),
    ],
    calls: &[("clone(", "", 1), ("prctl(PR_SET_PDEATHSIG", "", 3)],
};

const DIES_WITH_PARENT: &str = "no process of the container outlives the level's process";

/// A command with a child.
const FAMILY: [&str; 5] = ["probe", "start", "pause", "then", "hold"];

/// A process's numbers, from the sandbox's PID namespace to its own.
fn numbers(pid: i32) -> Result<Vec<String>, Failure> {
    let all = procfs::status(pid, "NSpid")?;
    Ok(all.split_whitespace().map(str::to_owned).collect())
}

fn is_number_1(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let path = container.proc("ns/pid");
    let outside = procfs::identity("/proc/1/ns/pid")?;
    let numbers = numbers(container.pid)?;
    if procfs::identity(&path)? == outside {
        let failure = Failure::seen(format!(
            "it is in the host's, as number {}",
            numbers.join(", ")
        ))
        .expected("its PID namespace is another than the host's, and it is number 1 there")
        .at(format!("{} and /proc/1/ns/pid", path.display()));
        // Where its children would be born. Before the first one there is nothing to see.
        let for_children = procfs::identity(container.proc("ns/pid_for_children")).ok();
        return Err(match for_children == Some(outside) {
            true => failure,
            false => failure.usually(
                "unshare(CLONE_NEWPID) was called by the child: it leaves the caller where it is \
                 and takes effect for its later children; clone makes a child in a new one",
            ),
        }
        .into());
    }
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected("two numbers: one on the host, and 1 in its own PID namespace")
            .at(format!("{}, NSpid", container.proc("status").display()))
    };
    match &numbers[..] {
        [_, own] if own == "1" => Ok(()),
        [_, own] => Err(failure(format!("it is number {own}"))
            .usually("a process in between is number 1: there is a fork too many")
            .into()),
        all => Err(failure(format!("it has the numbers {}", all.join(", ")))
            .usually("a PID namespace was made twice: by clone, and by an unshare that was left")
            .into()),
    }
}

fn proc_is_its_own(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let path = container.inside("proc");
    let mut shown = names(&path)?;
    shown.retain(|name| name.bytes().all(|digit| digit.is_ascii_digit()));
    if shown != ["1"] {
        return Err(
            Failure::seen(format!("it shows the processes {}", procfs::few(shown, 8)))
                .expected("the container's /proc shows process 1, the command, and no other")
                .at(path.display().to_string())
                .into(),
        );
    }
    // A link that leads to the file itself, whatever its name is where.
    let first = container.inside("proc/1/exe");
    if procfs::identity(&first)? == procfs::identity(container.proc("exe"))? {
        return Ok(());
    }
    Err(Failure::seen("process 1 is another program")
        .expected("process 1 of the container's /proc is the command")
        .at(first.display().to_string())
        .into())
}

fn own_ipc(host: &Host) -> Outcome {
    namespace::expect_own(&host.run(&["probe", "hold"]).hold()?, "ipc", "IPC")
}

/// The processes that the command has started.
fn family(container: &Container) -> Result<Vec<i32>, Failure> {
    let children = process::children(container.pid);
    if !children.is_empty() {
        return Ok(children);
    }
    Err(
        Failure::seen(format!("it has none; {}", container.errors()))
            .expected("the command can start a process")
            .at(format!("/proc/*/status, PPid: {}", container.pid)),
    )
}

/// `process 12 "probe", S (sleeping)`, ...
fn describe(pids: &[i32]) -> String {
    let name = |pid: &i32| {
        let field = |key| procfs::status(*pid, key).unwrap_or_default();
        format!("process {pid} `{}`, {}", field("Name"), field("State"))
    };
    procfs::few(pids.iter().map(name).collect(), 4)
}

fn ends_with_number_1(host: &Host) -> Outcome {
    let container = host.run(&FAMILY).hold()?;
    let children = family(&container)?;
    container.end()?;
    // No patience here: waitpid tells of the end of a number 1 when all others are gone.
    let left: Vec<i32> = children
        .into_iter()
        .filter(|&pid| process::is_alive(pid))
        .collect();
    let Some(first) = left.first() else {
        return Ok(());
    };
    Err(Failure::seen(format!("there is still {}", describe(&left)))
        .expected("when the level's process has ended, so has what its command had started")
        .at(format!("/proc/{first}/status"))
        .into())
}

fn children_are_inside(host: &Host) -> Outcome {
    let container = host.run(&FAMILY).hold()?;
    let own = procfs::identity(container.proc("ns/pid"))?;
    for child in family(&container)? {
        let path = procfs::path(child, "ns/pid");
        if procfs::identity(&path)? != own {
            let numbers = numbers(child)?;
            return Err(Failure::seen(format!(
                "its child is in another, with the numbers {}",
                numbers.join(", ")
            ))
            .expected("a child of the command is in the command's PID namespace")
            .at(format!(
                "{} and {}",
                path.display(),
                container.proc("ns/pid").display()
            ))
            .into());
        }
    }
    Ok(())
}

/// Sends SIGTERM to the level's process when it has done what there was to do before.
fn ask_to_end(container: &Container) -> Result<(), Failure> {
    let level = container.level();
    await_that(|| process::is_at_rest(level));
    process::send(level, SIGTERM)
}

fn ends_in_its_own_way(host: &Host) -> Outcome {
    // Not the probe: it fetches signals without a handler. Nor a shell that waits in read(2): a
    // signal just before that call is noted, and the call then waits for ever.
    let script = "trap 'exit 3' TERM; echo ready; while :; do :; done";
    let container = host.run(&["sh", "-c", script]).hold_as("/bin/sh")?;
    ask_to_end(&container)?;
    expect_end(host, container, 3, "the command's own status 3")
}

fn ends_at_second_signal(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    ask_to_end(&container)?;
    ask_to_end(&container)?;
    expect_end(
        host,
        container,
        137,
        "status 137, SIGKILL's, at the second SIGTERM",
    )
}

/// The level ends now, although the check does not let its command end.
fn expect_end(host: &Host, container: Container, code: i32, expected: &str) -> Outcome {
    host.waiting("the level's process to end after SIGTERM");
    let level = container.level();
    if !process::await_end(level, AT_ONCE)? {
        let seconds = AT_ONCE.as_secs();
        return Err(Failure::seen(format!("it still runs {seconds} s later"))
            .expected(format!("the level's process ends with {expected}"))
            .at(format!("/proc/{level}/status"))
            .into());
    }
    let ended = container.end()?;
    if ended.code() == Some(code) {
        return Ok(());
    }
    let expected = format!("`{}` ends with {expected}", ended.line);
    Err(ended.wrong_status().expected(expected).into())
}

fn no_process_outlives(host: &Host) -> Outcome {
    dies_with_parent(host, &[])?;
    // Whatever the command is.
    let container = host.shell().hold_shell()?;
    process::kill(container.level())?;
    host.waiting("the container to end after SIGKILL to the level's process");
    if process::await_end(container.pid, AT_ONCE)? {
        return Ok(());
    }
    Err(Failure::seen(format!(
        "{} s after SIGKILL to it there is still {}",
        AT_ONCE.as_secs(),
        describe(&[container.pid])
    ))
    .expected("when the level's process is killed, its container ends too, whatever its command is")
    .at(format!("/proc/{}/status", container.pid))
    .into())
}

/// Kills the level's process: every process that it has started with these options must end
/// with it.
pub(super) fn dies_with_parent(host: &Host, options: &[&str]) -> Outcome {
    let run = host.run(&FAMILY);
    let run = options.iter().fold(run, |run, option| run.option(option));
    let container = run.hold()?;
    let mut all = family(&container)?;
    all.push(container.pid);
    process::kill(container.level())?;
    host.waiting("the container to end after SIGKILL to the level's process");
    let deadline = Instant::now() + AT_ONCE;
    for &pid in &all {
        process::await_end(pid, deadline.saturating_duration_since(Instant::now()))?;
    }
    all.retain(|&pid| process::is_alive(pid));
    let Some(first) = all.first() else {
        return Ok(());
    };
    let seconds = AT_ONCE.as_secs();
    let failure = |why: &str| {
        let left = describe(&all);
        Failure::seen(format!(
            "{seconds} s after SIGKILL to it there is still {left}{why}"
        ))
        .expected("when the level's process is killed, its container ends too")
        .at(format!("/proc/{first}/status"))
    };
    if let Ok(Some(gain)) = moments::gains_by_exec(host, options) {
        return Err(failure(&format!("; {gain}"))
            .usually(
                "exec by root has filled its sets again, since the bounding set was left full, and \
                 a process that gains capabilities loses the wish for a signal (prctl(2)): `limit` \
                 has to come before `drop_capabilities`, for any user",
            )
            .step(11, 1)
            .into());
    }
    Err(failure("").into())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 6, &[])
}
