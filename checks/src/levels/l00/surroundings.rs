//! What a process hands on by exec without a word: its session, its streams, its limits.

use std::fs;

use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::procfs;

/// What exec keeps of a process, and the child has no reason to change.
pub(super) fn surroundings(host: &Host) -> Outcome {
    /// Neither the usual umask nor 0: a child that sets either is noticed.
    const UMASK: u32 = 0o027;
    let command = ["sh", "-c", "echo ready; read line"];
    let invocation = host.run(&command).umask(UMASK).in_a_job();
    let container = invocation.hold_as("/bin/sh")?;
    has_its_callers_streams(&container)?;
    has_umask(&container, UMASK)?;
    is_where_its_caller_is(host, &container)?;
    Ok(())
}

/// The same, as long as no level has a reason.
pub(super) fn inheritance(host: &Host) -> Outcome {
    let container = host.shell().in_a_job().hold_shell()?;
    has_its_callers_groups(&container)?;
    has_its_callers_limits(&container)?;
    Ok(())
}

fn has_its_callers_groups(container: &Container) -> Result<(), Failure> {
    const GROUP: usize = 5;
    const SESSION: usize = 6;
    let (level, pid) = (container.level(), container.pid);
    // The caller is the sandbox's PID 1. It has made a group for the level, as a shell does.
    let session = procfs::field(1, SESSION)?;
    let failure = |what: &str, field: usize, expected: &str| -> Result<Failure, Failure> {
        let own = procfs::field(pid, field)?;
        let whose = if own == pid.to_string() {
            ", its own"
        } else {
            ""
        };
        Ok(
            Failure::seen(format!("the command is in {what} {own}{whose}"))
                .expected(format!("it is in {what} {expected}, as its caller has it"))
                .at(format!("/proc/{pid}/stat, field {field}")),
        )
    };
    if procfs::field(pid, SESSION)? != session {
        return Err(failure("session", SESSION, &session)?.usually(
            "setsid() was called: a new session has no terminal, and so neither Ctrl-C nor \
             Ctrl-Z; a command in the foreground stays in its caller's",
        ));
    }
    if procfs::field(pid, GROUP)? != level.to_string() {
        return Err(
            failure("process group", GROUP, &level.to_string())?.usually(
                "setpgid() was called: a terminal sends Ctrl-C to the group that its shell has put \
             in front, and that is the level's; another one is in the background",
            ),
        );
    }
    Ok(())
}

fn has_its_callers_streams(container: &Container) -> Result<(), Failure> {
    let given = container.streams()?;
    for (number, given) in given.into_iter().enumerate() {
        let path = container.proc(&format!("fd/{number}"));
        if procfs::identity(&path)? != given {
            let target = fs::read_link(&path).unwrap_or_default();
            return Err(
                Failure::seen(format!("descriptor {number} is {}", target.display()))
                    .expected("0, 1 and 2 of the command are what the level was started with")
                    .at(path.display().to_string())
                    .usually(
                        "a standard stream was replaced, by a pipe in between or by another file: \
                     exec keeps all three, so that the command reads and writes what its \
                     caller means",
                    ),
            );
        }
    }
    Ok(())
}

fn has_umask(container: &Container, umask: u32) -> Result<(), Failure> {
    let seen = procfs::status(container.pid, "Umask")?;
    if u32::from_str_radix(&seen, 8) == Ok(umask) {
        return Ok(());
    }
    let failure = Failure::seen(format!("its umask is {seen}"))
        .expected(format!(
            "a umask of {umask:04o}, as the level was called with"
        ))
        .at(format!("{}, Umask", container.proc("status").display()));
    Err(match container.judged() {
        ..2 => failure.usually(
            "umask() was called and not undone: the command inherits it, and what it makes is \
             open or closed to others against its caller's will",
        ),
        _ => failure
            .step(2, 3)
            .usually("umask(Mode::empty()) was not undone after mknod: the command inherits it"),
    })
}

/// As long as its root is the caller's. Which directory is right in another root, or on the
/// way there, is for level 01 to say.
fn is_where_its_caller_is(host: &Host, container: &Container) -> Result<(), Failure> {
    if procfs::identity(container.proc("root"))? != procfs::identity("/proc/1/root")? {
        return Ok(());
    }
    let cwd = container.proc("cwd");
    let place = fs::read_link(&cwd).map_err(|why| Failure::unreadable(&cwd, why))?;
    let callers = host.work();
    if place == callers || place.starts_with(host.store()) {
        return Ok(());
    }
    let failure = Failure::seen(format!("its working directory is {}", place.display()))
        .expected(format!("{}, where its caller is", callers.display()))
        .at(cwd.display().to_string())
        .usually(
            "chdir was called, and the root is still the host's: paths that the caller has \
             given to the command lead elsewhere now",
        );
    // Another root was meant, and that it is not there is the matter of level 01.
    Err(match container.judged() {
        0 => failure,
        _ => failure.elsewhere(),
    })
}

fn has_its_callers_limits(container: &Container) -> Result<(), Failure> {
    const NICE: usize = 19;
    const POLICY: usize = 41;
    let pid = container.pid;
    let usually = |failure: Failure| {
        failure.usually(
            "the level changed what it may use, or how it is treated by the kernel, for its own \
             sake: the command inherits that",
        )
    };
    let limits = |pid| procfs::read_text(procfs::path(pid, "limits"));
    let (own, callers) = (limits(pid)?, limits(1)?);
    if let Some((own, callers)) = own.lines().zip(callers.lines()).find(|(a, b)| a != b) {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(usually(
            Failure::seen(format!("`{}`", words(own)))
                .expected(format!("`{}`, as its caller has it", words(callers)))
                .at(container.proc("limits").display().to_string()),
        ));
    }
    for (what, field) in [("nice value", NICE), ("scheduling policy", POLICY)] {
        let (own, callers) = (procfs::field(pid, field)?, procfs::field(1, field)?);
        if own != callers {
            return Err(usually(
                Failure::seen(format!("its {what} is {own}"))
                    .expected(format!("{callers}, as its caller has it"))
                    .at(format!("/proc/{pid}/stat, field {field}")),
            ));
        }
    }
    let score = |pid| procfs::read_text(procfs::path(pid, "oom_score_adj"));
    let (own, callers) = (score(pid)?, score(1)?);
    if own != callers {
        return Err(usually(
            Failure::seen(format!("its oom_score_adj is {}", own.trim()))
                .expected(format!("{}, as its caller has it", callers.trim()))
                .at(container.proc("oom_score_adj").display().to_string()),
        ));
    }
    Ok(())
}

pub(super) fn may_gain_privileges(host: &Host) -> Outcome {
    let container = host.shell().hold_as("/bin/sh")?;
    for (key, usually) in [
        (
            "NoNewPrivs",
            "set_no_new_privs() was called: no lesson so far asks for it, and it cannot be \
             taken back. su, sudo and ping would not work in the command any more",
        ),
        (
            "Seccomp",
            "a filter of system calls was set: no lesson asks for it, and it stays for ever",
        ),
    ] {
        // A machine's kernel may have been built without it, and a sandbox may be in one.
        let of = |pid| procfs::status(pid, key).unwrap_or_default();
        let (own, callers) = (of(container.pid), of(1));
        if own != callers {
            return Err(Failure::seen(format!("{key} is {own}"))
                .expected(format!("{key} is {callers}, as its caller has it"))
                .at(container.proc("status").display().to_string())
                .usually(usually)
                .into());
        }
    }
    Ok(())
}
