//! Level 18: a terminal of its own.

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use linux_sys::{Errno, SIGKILL, WindowSize, tiocgwinsz, tiocswinsz};
use nix::libc::O_NOCTTY;
use nix::pty::{OpenptyResult, openpty};

use super::l10::hold_with;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::{Container, find_command};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::patience::is_emulated;
use crate::{process, procfs};
use sandbox::wait::{await_that, await_within};

const LEADS: &str = "with -t the command leads a session of its own, on a terminal of its own";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 18,
    checks: &[
        Check {
            name: LEADS,
            step: 3,
            usually: "setsid is missing, or tiocsctty is, or they stand the other way round: a \
                      session begins without a terminal, and only its leader can get it one. And \
                      it loses a terminal that no process has open: dup2 keeps it",
            needs: &[],
            run: leads,
        },
        Check {
            name: "with -t its terminal is what the command has as 0, 1 and 2",
            step: 3,
            usually: "dup2 of the terminal to 0, 1 and 2 is missing, or leaves one of them out: \
                      that one is the caller's, still",
            needs: &[],
            run: streams,
        },
        Check {
            name: "with -t its terminal is one of the container's own /dev/pts",
            step: 2,
            usually: "the terminal was made before `enter`: what is at /dev/pts then is the \
                      host's, and `tty` in the container finds no name for it",
            needs: &[],
            run: in_its_own_devpts,
        },
        Check {
            name: "with -t what is typed comes to the command, and keys are signals to it",
            step: 1,
            usually: "the parent does not carry between the two terminals: `given::relay` takes \
                      the place of `given::forward_signals`, and takes `container.terminal` as well",
            needs: &[],
            run: relayed,
        },
        Check {
            name: "with -t the terminal is as large as the caller's window, and grows with it",
            step: 1,
            usually: "the window is watched by `given::relay`, which is not called",
            needs: &[],
            run: as_large,
        },
        Check {
            name: "where its input is no terminal the command leads a session that has none",
            step: 4,
            usually: "without a terminal of its own and with none on standard input, setsid takes \
                      nothing from the command: it is missing, or the condition is the wrong way \
                      round",
            needs: &[],
            run: without_a_terminal,
        },
        Check {
            name: "without -t, on the caller's terminal, the command stays in the caller's session",
            step: 4,
            usually: "setsid was called where standard input is the caller's terminal: from another \
                      session, its Ctrl-C reaches nobody, and a shell there has no job control",
            needs: &[],
            run: on_the_callers_terminal,
        },
        Check {
            name: "the command's session keyring is not its caller's",
            step: 5,
            usually: "keyctl_join_session_keyring is missing: no namespace separates keyrings, and \
                      a process has that of its parent",
            needs: &[],
            run: keyring,
        },
        Check {
            name: "open files and core dumps are limited, and no limit is raised above the caller's",
            step: 5,
            usually: "a row of LIMITS was not set, or its hard limit was not compared with what \
                      getrlimit says: raising it takes CAP_SYS_RESOURCE, and is not ours to do",
            needs: &[],
            run: limited,
        },
        Check {
            name: "a caller that the kernel spares when memory is short does not hand that on",
            step: 5,
            usually: "/proc/self/oom_score_adj was not looked at, or not set to 0 where it is less; \
                      what is more than 0 the caller has wanted",
            needs: &[],
            run: not_spared,
        },
        refusals::check(
            "a container that cannot have a session or terminal of its own does not run",
            3,
            refused_calls,
        ),
    ],
    calls: &[
        ("setsid(", "", 4),
        ("tiocsctty(", "", 3),
        ("dup2(", "", 3),
        ("keyctl(", "", 2),
        ("setrlimit(", "", 5),
        ("getrlimit(", "", 5),
        ("oom_score_adj", "", 5),
        ("/dev/pts/ptmx", "", 2),
    ],
};

/// How long a command may take to say that it is ready. One whose terminal leads nowhere never
/// does.
fn patience() -> Duration {
    let usual = Duration::from_secs(4);
    if is_emulated() { usual * 2 } else { usual }
}

/// Where a process stands among sessions and terminals (proc_pid_stat(5)).
struct Seat {
    pid: i32,
    group: i32,
    session: i32,
    /// The session's terminal as a device's number; 0 if it has none.
    terminal: u64,
    /// The group that the terminal's keys are for.
    in_front: i32,
}

impl Seat {
    fn of(pid: i32) -> Result<Seat, Failure> {
        let number = |field: usize| -> Result<i32, Failure> {
            let text = procfs::field(pid, field)?;
            text.parse()
                .map_err(|why| Failure::unreadable(procfs::path(pid, "stat"), why))
        };
        let terminal = number(7)?.cast_unsigned();
        // The minor number's upper bits stand above the major number.
        let (major, minor) = (
            terminal >> 8 & 0xfff,
            terminal & 0xff | terminal >> 12 & 0xfff00,
        );
        Ok(Seat {
            pid,
            group: number(5)?,
            session: number(6)?,
            terminal: linux_sys::makedev(major.into(), minor.into()),
            in_front: number(8)?,
        })
    }

    fn leads(&self) -> bool {
        self.session == self.pid
    }
}

/// A terminal's device, for people: 136:0.
fn device(number: u64) -> String {
    match number {
        0 => "none".to_owned(),
        number => format!(
            "{}:{}",
            nix::sys::stat::major(number),
            nix::sys::stat::minor(number)
        ),
    }
}

/// A container whose command has a terminal of its own.
fn with_terminal<'a>(host: &'a Host, options: &[&str]) -> Result<Container<'a>, Finding> {
    let invocation = host.run(&HOLD).option("-t");
    let invocation = options
        .iter()
        .fold(invocation, |it, option| it.option(option));
    start(invocation, PROBE)
}

/// Waits for the command, and not for what it says: that may not come out.
fn start<'a>(invocation: Invocation<'a>, program: &str) -> Result<Container<'a>, Finding> {
    let run = invocation.start()?;
    let level = run.pid();
    let program = Path::new(program);
    let mut command = None;
    await_within(patience(), || {
        command = find_command(level, program);
        command.is_some() || !process::is_alive(level)
    });
    if command.is_none() && !process::is_alive(level) {
        return Err(run.end()?.failed_to_start().into());
    }
    Ok(Container::look_for(run, program, true)?)
}

/// Ends it by the end of what is typed, or by force where that does not come to the command.
fn finish(mut container: Container) -> Outcome {
    let level = container.level();
    container.release();
    if process::await_end(level, Duration::from_secs(1))? {
        container.end()?;
    } else {
        process::send(level, SIGKILL)?;
    }
    Ok(())
}

const PROBE: &str = "/proc/self/exe";
const HOLD: [&str; 2] = ["probe", "hold"];

fn leads(host: &Host) -> Outcome {
    for options in [&[][..], &["--user", "2014:222"], &["--cap-drop", "ALL"]] {
        let container = with_terminal(host, options)?;
        let (seat, of_level) = (Seat::of(container.pid)?, Seat::of(container.level())?);
        let failure = |seen: String| {
            Failure::seen(seen)
                .expected("it leads a session, which has a terminal that is not the caller's")
                .at(container.proc("stat").display().to_string())
        };
        if !seat.leads() {
            let whose = match seat.session == of_level.session {
                true => "its caller's",
                false => "another's",
            };
            return Err(failure(format!("it is in {whose} session, {}", seat.session)).into());
        }
        if seat.terminal == 0 {
            return Err(failure("it leads a session that has no terminal".to_owned()).into());
        }
        if seat.terminal == of_level.terminal {
            let seen = format!("its terminal is the caller's, {}", device(seat.terminal));
            return Err(failure(seen).into());
        }
        if seat.in_front != seat.group {
            let seen = format!(
                "the terminal's keys are for the group {}, and it is in the group {}",
                seat.in_front, seat.group
            );
            return Err(failure(seen).into());
        }
        finish(container)?;
    }
    Ok(())
}

fn streams(host: &Host) -> Outcome {
    let container = with_terminal(host, &[])?;
    let terminal = Seat::of(container.pid)?.terminal;
    for stream in 0..=2 {
        let path = container.proc(&format!("fd/{stream}"));
        let found = procfs::stat(&path)?.rdev();
        if found != terminal {
            let target = fs::read_link(&path).unwrap_or_default();
            return Err(Failure::seen(format!("{stream} is {}", target.display()))
                .expected(format!(
                    "the session's terminal, device {}",
                    device(terminal)
                ))
                .at(path.display().to_string())
                .into());
        }
    }
    Ok(())
}

fn in_its_own_devpts(host: &Host) -> Outcome {
    for user in [None, Some("2014")] {
        let options: Vec<&str> = user.iter().flat_map(|user| ["--user", *user]).collect();
        let container = with_terminal(host, &options)?;
        let path = container.proc("fd/0");
        let (found, own) = (procfs::stat(&path)?, container.inside("/dev/pts"));
        let name = fs::read_link(&path).unwrap_or_default();
        if found.dev() != procfs::stat(&own)?.dev() || !name.starts_with("/dev/pts") {
            return Err(Failure::seen(format!(
                "its terminal is {}, of another devpts than its /dev/pts",
                name.display()
            ))
            .expected("/dev/pts/0, of the devpts that is mounted in the container")
            .at(format!("{} and {}", path.display(), own.display()))
            .into());
        }
        let owner = user.map_or(0, |user| user.parse().unwrap_or(0));
        if found.uid() != owner {
            return Err(Failure::seen(format!("it belongs to user {}", found.uid()))
                .expected(format!("it belongs to the command's user, {owner}"))
                .at(path.display().to_string())
                .usually("`given::new_terminal` was not given `options.user`")
                .into());
        }
    }
    Ok(())
}

/// ^C, ^Z and ^\.
const KEYS: &[u8] = b"\x03\x1a\x1c";

fn relayed(host: &Host) -> Outcome {
    let nothing = |container: &Container, what: &str| -> Finding {
        Failure::seen(format!("{what}; {}", container.errors()))
            .expected("the parent carries what is typed to the container's terminal, and back")
            .at("the level's standard input and output")
            .into()
    };
    let on_a_terminal = |command: &[&str]| host.run(command).option("-t");
    let mut container = start(on_a_terminal(&["probe", "catch"]), PROBE)?;
    if !container.await_ready_for(patience()) {
        return Err(nothing(
            &container,
            "what the command printed has not come out",
        ));
    }
    let open = |container: &Container| {
        fs::read_dir(container.proc("fd")).map_or(0, |entries| entries.count())
    };
    let before = open(&container);
    container.type_keys(KEYS)?;
    if !await_that(|| open(&container) >= before + KEYS.len()) {
        let caught = open(&container).saturating_sub(before);
        let seen = format!("^C, ^Z and ^\\ were typed, and {caught} signals came");
        return Err(nothing(&container, &seen));
    }
    let (ended, output) = container.end_with_output()?;
    if !["SIGINT", "SIGTSTP", "SIGQUIT"]
        .iter()
        .all(|name| output.contains(name))
    {
        return Err(
            Failure::seen(format!("it printed {output:?}; {}", ended.describe()))
                .expected("the names of the signals that it got, in its caller's output")
                .at("the level's standard output")
                .into(),
        );
    }
    let script = "echo ready; read line; echo \"$line\" >/typed; read line";
    let mut container = start(on_a_terminal(&["sh", "-c", script]), "/bin/sh")?;
    container.type_keys(b"a line\n")?;
    let typed = container.inside("/typed");
    if !await_that(|| fs::read(&typed).is_ok_and(|it| it == b"a line\n")) {
        return Err(nothing(
            &container,
            "a line was typed, and did not come to the command",
        ));
    }
    container.end()?;
    Ok(())
}

/// The caller's terminal: a pair of its own.
fn pair(size: WindowSize) -> Result<OpenptyResult, Failure> {
    let failed =
        |why: &dyn std::fmt::Display| Failure::seen(format!("a terminal: {why}")).elsewhere();
    let pair = openpty(None, None).map_err(|why| failed(&why))?;
    tiocswinsz(&pair.master, size).map_err(|why| failed(&why))?;
    Ok(pair)
}

/// Started as from a shell on this terminal, which is the session's that it leads.
fn at<'a>(invocation: Invocation<'a>, terminal: &OwnedFd) -> Result<Invocation<'a>, Failure> {
    let terminal = terminal
        .try_clone()
        .map_err(|why| Failure::seen(format!("a terminal: {why}")).elsewhere())?;
    Ok(invocation
        .stdin(File::from(terminal))
        .prelude("exec setsid -c \"$0\" \"$@\";"))
}

fn as_large(host: &Host) -> Outcome {
    let [first, second] = [(33, 101), (44, 88)].map(|(rows, columns)| WindowSize { rows, columns });
    let pair = pair(first)?;
    let invocation = at(host.run(&HOLD).option("-t"), &pair.slave)?;
    let container = start(invocation, PROBE)?;
    let name = fs::read_link(container.proc("fd/0")).unwrap_or_default();
    let path: PathBuf = container.inside(&name.to_string_lossy());
    // Without O_NOCTTY it would become our own.
    let terminal = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOCTTY)
        .open(&path)
        .map_err(|why| Failure::unreadable(&path, why))?;
    let size = || tiocgwinsz(&terminal).ok().map(|it| (it.rows, it.columns));
    for (wanted, when) in [(first, "at first"), (second, "when the window has changed")] {
        tiocswinsz(&pair.master, wanted)
            .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
        let expected = (wanted.rows, wanted.columns);
        if !await_that(|| size() == Some(expected)) {
            return Err(
                Failure::seen(format!("it is {:?} {when}", size().unwrap_or_default()))
                    .expected(format!("{expected:?}, lines and columns, as the caller's"))
                    .at(format!("{}, TIOCGWINSZ", path.display()))
                    .into(),
            );
        }
    }
    end_by_key(container, &pair)
}

/// ^D: the end of what is typed.
fn end_by_key(container: Container, pair: &OpenptyResult) -> Outcome {
    nix::unistd::write(&pair.master, b"\x04")
        .map_err(|why| Failure::seen(format!("the terminal: {why}")).elsewhere())?;
    container.end()?;
    Ok(())
}

fn without_a_terminal(host: &Host) -> Outcome {
    for options in [&[][..], &["--user", "2014:222"], &["--cap-add", "ALL"]] {
        let container = hold_with(host, options)?;
        let (seat, of_level) = (Seat::of(container.pid)?, Seat::of(container.level())?);
        if !seat.leads() || seat.terminal != 0 {
            let seen = match seat.leads() {
                true => format!("its session's terminal is {}", device(seat.terminal)),
                false => format!(
                    "it is in session {}; the level's process is in {}",
                    seat.session, of_level.session
                ),
            };
            return Err(Failure::seen(seen)
                .expected("it leads a session of its own, without a terminal")
                .at(container.proc("stat").display().to_string())
                .into());
        }
        container.end()?;
    }
    Ok(())
}

fn on_the_callers_terminal(host: &Host) -> Outcome {
    let pair = pair(WindowSize {
        rows: 24,
        columns: 80,
    })?;
    let container = start(at(host.run(&HOLD), &pair.slave)?, PROBE)?;
    let (seat, of_level) = (Seat::of(container.pid)?, Seat::of(container.level())?);
    if of_level.terminal == 0 {
        return Err(Finding::Skip(
            "setsid(1) has got the session no terminal".to_owned(),
        ));
    }
    if (seat.session, seat.terminal, seat.group)
        != (of_level.session, of_level.terminal, of_level.group)
    {
        return Err(Failure::seen(format!(
            "session {}, terminal {}, group {}; the level's process: {}, {}, {}",
            seat.session,
            device(seat.terminal),
            seat.group,
            of_level.session,
            device(of_level.terminal),
            of_level.group
        ))
        .expected("those of the level's process: the terminal's keys are for both")
        .at(container.proc("stat").display().to_string())
        .into());
    }
    end_by_key(container, &pair)
}

fn keyring(host: &Host) -> Outcome {
    if !Path::new("/proc/keys").exists() {
        return Err(Finding::Skip("this kernel has no keys".to_owned()));
    }
    let failed = |why: &dyn std::fmt::Display| {
        Failure::seen(format!("the caller's keyring: {why}")).elsewhere()
    };
    // The machine's own stays as it was.
    linux_sys::keyctl_join_session_keyring()
        .and_then(|_| linux_sys::add_key("the-callers", b"open sesame"))
        .map_err(|why| failed(&why))?;
    // The filter of level 13 refuses all that has to do with keys; so it is left out.
    let command = "probe try key of-the-container then try forget-keys then hold";
    let command: Vec<&str> = command.split(' ').collect();
    let container = host
        .run(&command)
        .option("--security-opt=seccomp=unconfined")
        .hold()?;
    let has = |name: &str| match linux_sys::keyctl_search(name) {
        Ok(_) => Ok(true),
        Err(why) if why.errno() == Errno::ENOKEY => Ok(false),
        Err(why) => Err(failed(&why)),
    };
    let (came, stayed) = (has("of-the-container")?, has("the-callers")?);
    if came || !stayed {
        let seen = match came {
            true => "a key that the command has added is on its caller's session keyring",
            false => "the command has taken a key off its caller's session keyring",
        };
        return Err(Failure::seen(seen)
            .expected("the command has a session keyring of its own")
            .at("the caller's session keyring (keyctl(2), KEYCTL_SEARCH)")
            .into());
    }
    container.end()?;
    Ok(())
}

/// Soft and hard limit of a process, by the words of `/proc/PID/limits`.
pub(super) fn limit(pid: i32, name: &str) -> Result<(u64, u64), Failure> {
    let path = procfs::path(pid, "limits");
    let text = procfs::read_text(&path)?;
    let row = text.lines().find_map(|line| line.strip_prefix(name));
    let number = |word: Option<&str>| match word {
        Some("unlimited") => Some(u64::MAX),
        word => word?.parse().ok(),
    };
    let mut words = row.unwrap_or_default().split_whitespace();
    let (soft, hard) = (number(words.next()), number(words.next()));
    soft.zip(hard)
        .ok_or_else(|| Failure::unreadable(path, format!("no row {name:?}")))
}

/// What a level limits, as `/proc/PID/limits` calls it.
const LIMITED: [&str; 2] = ["Max core file size", "Max open files"];

fn limited(host: &Host) -> Outcome {
    let cases = ["", "ulimit -n 4096;", "ulimit -n 200;", "ulimit -Sn 200;"];
    for (prelude, options) in cases
        .iter()
        .zip([&[][..], &["-t"], &["--user", "2014"], &[]])
    {
        let invocation = host.run(&HOLD).prelude(prelude);
        let invocation = options
            .iter()
            .fold(invocation, |it, option| it.option(option));
        let container = start(invocation, PROBE)?;
        for (name, soft, hard) in [(LIMITED[0], 0, 0), (LIMITED[1], 1024, 524_288)] {
            let (_, highest) = limit(container.level(), name)?;
            let hard = highest.min(hard);
            let (found, expected) = (limit(container.pid, name)?, (hard.min(soft), hard));
            if found != expected {
                return Err(
                    Failure::seen(format!("{name}: {} and {}", found.0, found.1))
                        .expected(format!(
                            "{} and {}; the hard limit of its caller is {highest}",
                            expected.0, expected.1
                        ))
                        .at(container.proc("limits").display().to_string())
                        .into(),
                );
            }
        }
        unlimited_is_the_callers(&container)?;
        finish(container)?;
    }
    Ok(())
}

/// The other limits, and how the scheduler treats it, are as the level was called with.
fn unlimited_is_the_callers(container: &Container) -> Outcome {
    let rows = |pid: i32| -> Result<Vec<String>, Failure> {
        let text = procfs::read_text(procfs::path(pid, "limits"))?;
        let is_limited = |row: &str| LIMITED.iter().any(|it| row.starts_with(it));
        let rows = text.lines().filter(|row| !is_limited(row));
        let mut rows: Vec<String> = rows.map(str::to_owned).collect();
        for (what, field) in [("nice value", 19), ("scheduling policy", 41)] {
            rows.push(format!("{what} {}", procfs::field(pid, field)?));
        }
        Ok(rows)
    };
    let (own, callers) = (rows(container.pid)?, rows(1)?);
    let mut pairs = own.iter().zip(&callers);
    match pairs.find(|(own, callers)| own != callers) {
        None => Ok(()),
        Some((own, callers)) => Err(Failure::seen(format!("`{}`", own.trim_end()))
            .expected(format!("`{}`, as its caller has it", callers.trim_end()))
            .at(container.proc("limits").display().to_string())
            .usually("more was limited than LIMITS says: whatever it is, the command has it")
            .into()),
    }
}

fn not_spared(host: &Host) -> Outcome {
    let score = |pid: i32| -> Result<i32, Failure> {
        let path = procfs::path(pid, "oom_score_adj");
        let text = procfs::read_text(&path)?;
        text.trim()
            .parse()
            .map_err(|why| Failure::unreadable(path, why))
    };
    let mut was_spared = false;
    for value in ["-1000", "-1", "0", "300"] {
        let prelude = format!("echo {value} >/proc/self/oom_score_adj;");
        let container = host.run(&HOLD).prelude(&prelude).hold()?;
        let (of_level, found) = (score(container.level())?, score(container.pid)?);
        was_spared |= of_level < 0;
        let expected = of_level.max(0);
        if found != expected {
            return Err(Failure::seen(format!("{found}; its caller has {of_level}"))
                .expected(expected.to_string())
                .at(container.proc("oom_score_adj").display().to_string())
                .into());
        }
        container.end()?;
    }
    match was_spared {
        true => Ok(()),
        // It takes CAP_SYS_RESOURCE.
        false => Err(Finding::Skip(
            "nobody can be spared here: oom_score_adj cannot be less than it is".to_owned(),
        )),
    }
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 18, &[])?;
    refusals::stop_the_command(host, 18, &["-t"])
}
