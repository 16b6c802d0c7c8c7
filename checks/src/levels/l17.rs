//! Level 17: a program that nobody can change.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::l01::left_in_store;
use super::{l08, refusals};
use crate::calls::{self, Call};
use crate::check::{Check, LevelChecks};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::own_program::Program;
use crate::seccomp_supervisor::{Event, Supervised};
use crate::{names, process, procfs};
use sandbox::cgroups;

const PROTECTED: &str = "nobody can write to the program that made the container, root neither";

/// By which execveat a program becomes its copy; more than a few are no end.
const MOST: usize = 4;

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 17,
    checks: &[
        Check {
            name: PROTECTED,
            step: 4,
            usually: "the level's process still runs the file that it was started from: \
                      /proc/PID/exe of its child leads a command there. execveat of the copy in \
                      memory is missing",
            needs: &[],
            run: protected,
        },
        Check {
            name: "the level's process has made nothing yet when it becomes its copy",
            step: 1,
            usually: "seal_self stands too late: what was made before, the copy does not know of, \
                      and makes it once more",
            needs: &[],
            run: before_all_else,
        },
        Check {
            name: "the copy has all four seals, of a program on a tmpfs too",
            step: 2,
            usually: "a seal is missing in what you ask for and in what you set: without one of \
                      WRITE, SHRINK and GROW the copy can be changed, without F_SEAL_SEAL that \
                      is not the last word",
            needs: &[],
            run: sealed,
        },
        Check {
            name: "the copy is the program itself, byte by byte, and needs no path to it",
            step: 3,
            usually: "the copy was made of what a name leads to: the name may be gone, or another's \
                      by now. `given::this_program()` has opened what runs",
            needs: &[],
            run: copied,
        },
        Check {
            name: "where files in memory are not run unasked, the copy is run all the same",
            step: 3,
            usually: "MFD_EXEC is missing in memfd_create: where vm.memfd_noexec is 1, a file in \
                      memory may be executed only by who has asked for that",
            needs: &[],
            run: unasked,
        },
        Check {
            name: "the copy has the arguments and the environment that the program was given",
            step: 4,
            usually: "execveat was not given what `given::as_started()` returns: all of argv, the \
                      program's own name first, and the environment as it was",
            needs: &[],
            run: as_started,
        },
        Check {
            name: "no descriptor of the program or of its copy stays open",
            step: 3,
            usually: "MFD_CLOEXEC is missing in memfd_create: the copy's process, and all that it \
                      starts, has the file open on",
            needs: &[],
            run: descriptors,
        },
        Check {
            name: "what the program was started to ignore its copy ignores, and no other signal",
            step: 4,
            usually: "what was made of argv and the environment by hand is not all: Rust's runtime \
                      ignores SIGPIPE, exec hands that on, and the copy takes it for its caller's \
                      wish. `given::as_started()` puts signals back as well",
            needs: &[],
            run: signals,
        },
        refusals::check(
            "a container whose program cannot be sealed does not run",
            4,
            refused_calls,
        ),
    ],
    calls: &[
        ("memfd_create(", "", 3),
        ("F_ADD_SEALS", "", 4),
        ("F_GET_SEALS", "", 2),
        ("execveat(", "", 4),
    ],
};

/// A run that stops whenever the level's process becomes another program, and once more where
/// the command starts.
struct Watched<'a, 'b> {
    /// At each of the first: the level's process, and what it executes.
    exec: &'b mut dyn FnMut(i32, &Call) -> Outcome,
    /// At the start: the level's process, and its child.
    start: &'b mut dyn FnMut(i32, i32) -> Outcome,
    invocation: Invocation<'a>,
}

impl Watched<'_, '_> {
    fn run(self) -> Outcome {
        let chosen = calls::numbers(&[calls::EXECS]);
        let mut level = Supervised::start(self.invocation, &chosen)?;
        let parent = level.level();
        let mut count = 0;
        loop {
            let Event::Call(call) = level.next()? else {
                return Err(level.end()?.failed_to_start().into());
            };
            if call.pid != parent && call.starts(names::program()) {
                (self.start)(parent, call.pid)?;
                level.go_on(&call);
                break;
            }
            if call.pid == parent {
                count += 1;
                if count > MOST {
                    return Err(endless(&call));
                }
                (self.exec)(parent, &call)?;
            }
            level.go_on(&call);
        }
        level.end()?;
        Ok(())
    }
}

fn endless(call: &Call) -> Finding {
    Failure::seen(format!(
        "it has executed itself {MOST} times and is about to do it again: `{}`",
        call.text
    ))
    .expected("once: the copy finds that it is the copy, and goes on")
    .at(format!("/proc/{}/exe", call.pid))
    .usually(
        "what is asked is not true of the copy: it must have the seals that are asked for, and the \
         function returns if it has. Seals come before execveat, which does not return (step 4)",
    )
    .step(17, 2)
    .into()
}

/// The host with a program on a tmpfs that can be written to. The machine's own files cannot,
/// in the sandbox.
fn writable(host: &Host) -> Result<Host, Failure> {
    host.with_program_of_its_own()
        .map_err(|why| Failure::seen(format!("a copy of the level's program: {why}")).elsewhere())
}

fn hold(host: &Host) -> Invocation<'_> {
    host.run(&["probe", "hold"])
}

fn protected(host: &Host) -> Outcome {
    let machine = host;
    let host = writable(host)?;
    let own = procfs::identity(host.program())?;
    let look = |which: &str, pid: i32| -> Outcome {
        let program = Program::of(pid)?;
        let is_original = program.identity()? == own;
        let can_be_changed = match is_original {
            true => !program.is_read_only(),
            false => program.missing().contains(&"F_SEAL_WRITE") && !program.is_read_only(),
        };
        if !can_be_changed {
            return Ok(());
        }
        let failure = Failure::seen(match is_original {
            true => format!("{which} runs {}", host.program().display()),
            false => format!("{which} runs a copy, whose seals are: {}", program.seals()),
        })
        .expected("a copy in memory that is sealed, or a mount by which it cannot be written to")
        .at(program.path.display().to_string());
        Err(match is_original {
            true if becomes_a_copy(machine) => failure.usually(ON_A_TMPFS).step(17, 2),
            true => failure,
            false => failure.usually(
                "the copy was not sealed before it was executed: fcntl_add_seals with all of the \
                 seals",
            ),
        }
        .into())
    };
    let watched = Watched {
        invocation: hold(&host),
        exec: &mut |_, _| Ok(()),
        start: &mut |parent, child| {
            look("the level's process", parent)?;
            look("its child, which is about to become the command,", child)
        },
    };
    match watched.run() {
        // A kernel that lets no call be stopped can be asked a moment later.
        Err(Finding::Skip(_)) => {
            let container = hold(&host).hold()?;
            look("the level's process", container.level())?;
            container.end()?;
            Ok(())
        }
        outcome => outcome,
    }
}

const ON_A_TMPFS: &str = "it took the file for the copy already. A file on a tmpfs has F_SEAL_SEAL \
                          from its birth and no other: all four must be asked for, and all be there";

/// Whether it does so where its file is on no tmpfs.
fn becomes_a_copy(host: &Host) -> bool {
    let own = procfs::identity(host.program()).ok();
    hold(host)
        .hold()
        .is_ok_and(|container| procfs::identity(procfs::path(container.level(), "exe")).ok() != own)
}

fn sealed(host: &Host) -> Outcome {
    let on_a_tmpfs = writable(host)?;
    for host in [host, &on_a_tmpfs] {
        let container = hold(host).hold()?;
        let program = Program::of(container.level())?;
        let is_original = program.identity()? == procfs::identity(host.program())?;
        let missing = program.missing();
        if !is_original && !missing.is_empty() && !program.is_read_only() {
            return Err(Failure::seen(format!(
                "its seals are {}; without {}",
                program.seals(),
                missing.join(", ")
            ))
            .expected("F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, and F_SEAL_SEAL")
            .at(format!("{}, F_GET_SEALS", program.path.display()))
            .into());
        }
        container.end()?;
    }
    Ok(())
}

/// The level's program by its bare name, as people start it: PATH leads to it.
const BY_PATH: &str = "name=${0##*/}; exec \"$name\" \"$@\";";
/// The level's program in the place of a shell that has removed its file.
const GONE: &str = "exec 9<\"$0\"; rm \"$0\"; exec /proc/self/fd/9 \"$@\";";

fn copied(host: &Host) -> Outcome {
    let original = procfs::read(host.program())?;
    let on_a_tmpfs = writable(host)?;
    for invocation in [
        hold(host),
        hold(&on_a_tmpfs).prelude(BY_PATH),
        hold(&on_a_tmpfs).prelude(GONE),
    ] {
        let container = invocation.hold().map_err(|failure| failure.here())?;
        let path = procfs::path(container.level(), "exe");
        let found = procfs::read(&path)?;
        if found != original {
            return Err(Failure::seen(format!(
                "it has {} bytes, and they are not the program's",
                found.len()
            ))
            .expected(format!("the {} bytes of the program", original.len()))
            .at(path.display().to_string())
            .into());
        }
        container.end()?;
    }
    Ok(())
}

const NOEXEC: &str = "/proc/sys/vm/memfd_noexec";

fn unasked(host: &Host) -> Outcome {
    // The sandbox's own PID namespace has its own, since Linux 6.3.
    fs::write(NOEXEC, "1").map_err(|why| Finding::Skip(format!("{NOEXEC}: {why}")))?;
    let container = hold(host).hold();
    let container = container.map_err(|failure| failure.here())?;
    container.end()?;
    Ok(())
}

fn before_all_else(host: &Host) -> Outcome {
    let groups = || -> Result<BTreeSet<String>, Failure> {
        let all = cgroups::hierarchies()
            .map_err(|why| Failure::unreadable("/proc/self/mountinfo", why).elsewhere())?;
        Ok(all.iter().flat_map(l08::groups).collect())
    };
    Watched {
        invocation: hold(host),
        start: &mut |_, _| Ok(()),
        exec: &mut |parent, call| {
            let children = process::children(parent).len();
            let made = [
                ("a container's directory", left_in_store(host)?.len()),
                ("a control group", groups()?.len()),
                ("a child", children),
            ];
            let found: Vec<&str> = made
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(what, _)| *what)
                .collect();
            if found.is_empty() {
                return Ok(());
            }
            Err(Failure::seen(format!(
                "when it called `{}`, there was {}",
                call.text,
                found.join(", and ")
            ))
            .expected("it becomes its copy first of all, and the copy makes the container")
            .at(format!(
                "{}, the control groups, and the children of process {parent}",
                host.store().display()
            ))
            .into())
        },
    }
    .run()
}

fn as_started(host: &Host) -> Outcome {
    let odd = OsStr::from_bytes(b"not\xffUTF-8\n");
    let mut words: Vec<OsString> = ["probe", "exit", "0", "", "two words", "--", "-i"]
        .map(OsString::from)
        .to_vec();
    words.push(odd.to_owned());
    let seen = |pid: i32| -> Result<[Vec<Vec<u8>>; 2], Failure> {
        let mut environment: Vec<Vec<u8>> = procfs::read(procfs::path(pid, "environ"))?
            .split(|byte| *byte == 0)
            .map(<[u8]>::to_vec)
            .collect();
        environment.sort();
        Ok([procfs::arguments(pid)?, environment])
    };
    let first = std::cell::RefCell::new(None);
    Watched {
        invocation: host
            .run(&words)
            .variable("ODD", odd)
            .variable("EMPTY", "")
            .variable("TWO_LINES", "one=1\ntwo"),
        exec: &mut |parent, _| {
            let mut first = first.borrow_mut();
            if first.is_none() {
                *first = Some(seen(parent)?);
            }
            Ok(())
        },
        start: &mut |parent, _| {
            let Some(before) = first.take() else {
                return Ok(());
            };
            let after = seen(parent)?;
            let kinds = [("cmdline", "arguments"), ("environ", "environment")];
            for ((file, what), (before, after)) in kinds.iter().zip(before.iter().zip(&after)) {
                if before == after {
                    continue;
                }
                let only = |one: &[Vec<u8>], other: &[Vec<u8>]| {
                    let words = one.iter().filter(|it| !other.contains(it));
                    let words = words.map(|it| format!("{:?}", String::from_utf8_lossy(it)));
                    match procfs::few(words.collect(), 3) {
                        none if none.is_empty() => "nothing".to_owned(),
                        some => some,
                    }
                };
                return Err(Failure::seen(format!(
                    "its {what} changed: {} came, {} went; {} there were, {} there are",
                    only(after, before),
                    only(before, after),
                    before.len(),
                    after.len()
                ))
                .expected(format!("the {what} that the program was started with"))
                .at(procfs::path(parent, file).display().to_string())
                .into());
            }
            Ok(())
        },
    }
    .run()
}

fn signals(host: &Host) -> Outcome {
    // SIGHUP, SIGPIPE, SIGTERM and SIGXFSZ: no shell ignores any of them by itself.
    const JUDGED: [u32; 4] = [1, 13, 15, 25];
    for ignored in [&[][..], &[1, 15], &[13]] {
        let shell = host.shell();
        let shell = match ignored.is_empty() {
            true => shell,
            false => shell.ignoring(ignored),
        };
        let container = shell.hold_shell()?;
        let mut found = procfs::signals(container.pid, "SigIgn")?;
        found.retain(|signal| JUDGED.contains(signal));
        let names = |signals: Vec<i32>| match signals.is_empty() {
            true => "none".to_owned(),
            false => procfs::few(signals.into_iter().map(linux_sys::signal_name).collect(), 4),
        };
        let found: Vec<i32> = found.into_iter().map(u32::cast_signed).collect();
        if found != ignored {
            return Err(
                Failure::seen(format!("the command ignores {}", names(found)))
                    .expected(format!(
                        "of SIGHUP, SIGPIPE, SIGTERM and SIGXFSZ it ignores what the level's \
                         caller does: {}",
                        names(ignored.to_vec())
                    ))
                    .at(container.proc("status").display().to_string())
                    .into(),
            );
        }
        container.end()?;
    }
    Ok(())
}

fn descriptors(host: &Host) -> Outcome {
    let container = hold(host).hold()?;
    let level = container.level();
    let programs = [
        procfs::identity(procfs::path(level, "exe"))?,
        procfs::identity(host.program())?,
    ];
    for pid in [level, container.pid] {
        let directory = procfs::path(pid, "fd");
        let entries =
            fs::read_dir(&directory).map_err(|why| Failure::unreadable(&directory, why))?;
        for entry in entries.flatten() {
            let Ok(found) = procfs::identity(entry.path()) else {
                continue;
            };
            if programs.contains(&found) {
                let target = fs::read_link(entry.path()).unwrap_or_default();
                return Err(Failure::seen(format!(
                    "descriptor {} is {}",
                    entry.file_name().display(),
                    target.display()
                ))
                .expected("the kernel has read the program; no process needs it open")
                .at(entry.path().display().to_string())
                .into());
            }
        }
    }
    container.end()?;
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 17, &[])
}
