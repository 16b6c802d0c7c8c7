//! Level 05: a hostname of its own, and an environment.

use std::collections::BTreeMap;
use std::time::Duration;

use linux_sys::CloneFlags;

use super::l00::IN_A_CHILD;
use super::l01::left_in_store;
use super::{moments, refusals};
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::{names, namespace, process, procfs};
use sandbox::wait::await_that;

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 5,
    checks: &[
        Check {
            name: "the command has a UTS namespace of its own",
            step: 1,
            usually: "CLONE_NEWUTS is missing among the child's new namespaces",
            needs: &[IN_A_CHILD],
            run: own_namespace,
        },
        Check {
            name: "the host keeps its hostname",
            step: 2,
            usually: "sethostname stands before the call that makes the namespace: it has renamed \
                      the host, and the new namespace has begun as a copy of that",
            needs: &[],
            run: host_keeps_its_name,
        },
        Check {
            name: NAMED_BY_ITS_ID,
            step: 2,
            usually: "sethostname was given something else than the container's id",
            needs: &[],
            run: named_by_its_id,
        },
        Check {
            name: "the container has its name before its command starts",
            step: 2,
            usually: "the name was set by the parent, from outside: the command runs already, or \
                      may do so, before it has a name. The child names itself, and then becomes \
                      the command",
            needs: &[NAMED_BY_ITS_ID],
            run: named_before_it_starts,
        },
        Check {
            name: ENVIRONMENT,
            step: 3,
            usually: "the caller's variables are still there: clearenv before the first setenv \
                      forgets all of them, whatever they are called",
            needs: &[IN_A_CHILD],
            run: own_environment,
        },
        Check {
            name: "--env adds to the environment, and the last word counts",
            step: 3,
            usually: "`given::environment` was not told `&options.env`, or asked after clearenv, \
                      when the caller's values are gone. If a variable is there that was not \
                      asked for, clearenv is missing",
            needs: &[],
            run: asked_for,
        },
        Check {
            name: "the command is looked up in the container's PATH, not in the caller's",
            step: 3,
            usually: "execvp looks in the PATH that it finds when it is called: the new \
                      environment has to be this process's own by then",
            needs: &[],
            run: looked_up,
        },
        Check {
            name: "a variable without a name is refused, and nothing is left",
            step: 3,
            usually: "the option's parser, `given::variable`, sees to it",
            needs: &[],
            run: nameless,
        },
        Check {
            name: "when the command starts, all is done that makes its container",
            step: 2,
            usually: "something comes after exec, or from outside",
            needs: &[],
            run: moments::all_is_done_at_start,
        },
        refusals::check(
            "a container that cannot be named does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("unshare(", "CLONE_NEWUTS", 1),
        ("sethostname(", "", 2),
        ("clearenv(", "", 3),
        ("setenv(", "", 3),
    ],
};

const NAMED_BY_ITS_ID: &str = "the container's hostname is its id";
const ENVIRONMENT: &str = "the command's environment is the container's, and not the caller's";

const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;

/// How long a command may take to its start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// What nearly all images agree on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Which host a check means: no learner has to give their machine its name back.
const HERE: &str = "here that is the checks' sandbox: your machine keeps its name";

/// The hostname in the sandbox's own UTS namespace.
fn host_name() -> Result<String, Failure> {
    let name = nix::unistd::gethostname();
    name.map(|name| name.to_string_lossy().into_owned())
        .map_err(|why| Failure::seen(format!("gethostname failed: {why}")))
}

fn own_namespace(host: &Host) -> Outcome {
    let before = host_name()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let outcome = namespace::expect_own(&container, "uts", "UTS");
    let name = host_name()?;
    match outcome {
        Err(Finding::Failure(failure)) if name != before => Err(failure
            .usually(format!(
                "sethostname without a namespace of its own: CLONE_NEWUTS is missing, and the \
                 host is called {name:?} now ({HERE})"
            ))
            .into()),
        // Whatever the command is.
        Ok(()) => namespace::expect_own(&host.shell().hold_shell()?, "uts", "UTS"),
        other => other,
    }
}

fn host_keeps_its_name(host: &Host) -> Outcome {
    let before = host_name()?;
    let expect_unchanged = |when: &str| -> Outcome {
        let name = host_name()?;
        if name == before {
            return Ok(());
        }
        Err(Failure::seen(format!("{when} it is called {name:?}"))
            .expected(format!("the host ({HERE}) is called {before:?}, as before"))
            .at("gethostname on the host")
            .into())
    };
    let container = host.run(&["probe", "hold"]).hold()?;
    expect_unchanged("while the container runs,")?;
    container.end()?;
    expect_unchanged("afterwards")
}

fn named_by_its_id(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let name = container_name(&container)?;
    let directories = left_in_store(host)?;
    let is_id = name.len() == 12 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_id && directories == [name.as_str()] {
        return Ok(());
    }
    let failure = Failure::seen(format!("it is {name:?}"))
        .expected(format!(
            "the hostname is twelve hexadecimal digits, the name of the container's directory: {}",
            procfs::few(directories, 3)
        ))
        .at(format!("setns to {}", container.proc("ns/uts").display()));
    Err(match name == host_name()? {
        true => failure.usually("sethostname is missing: a new UTS namespace is a copy of the old"),
        false => failure,
    }
    .into())
}

/// The level's process sleeps from the birth of its child on, and with it all that it starts
/// beside: what is done for the container before its command starts, the child does.
fn named_before_it_starts(host: &Host) -> Outcome {
    // A busy machine may let us see the child too late, time and again.
    const ATTEMPTS: u32 = 6;
    let command = ["probe", "hold"];
    // The first start takes longer, which unpacks the image.
    host.run(&command).hold()?.end()?;
    let before = host_name()?;
    for _ in 0..ATTEMPTS {
        let mut run = host.run(&command).start()?;
        let level = run.pid();
        host.waiting("the level's process to start its child");
        let Some(child) = process::await_child(level) else {
            return Err(run.end()?.failed_to_start().into());
        };
        process::send(level, SIGSTOP)?;
        await_that(|| matches!(procfs::state(level), None | Some('T' | 'Z')));
        // A helper may be under way already.
        let mut outside = process::children(level);
        outside.retain(|helper| *helper != child);
        for helper in &outside {
            let _ = process::send(*helper, SIGSTOP);
        }
        outside.push(level);
        // One that has ended meanwhile has nothing to go on with.
        let wake = || {
            for pid in &outside {
                let _ = process::send(*pid, SIGCONT);
            }
        };
        // If there is a name already, parent or child may have set it.
        let is_early = namespace::hostname_of(child).is_ok_and(|name| name == before);
        let is_ready = is_early && run.await_ready_for(PATIENCE);
        if !is_ready {
            // Or the child waits for its parent, as it may: then the name is there in time.
            wake();
        }
        if !is_early {
            run.end()?;
            continue;
        }
        let is_ready = is_ready || run.await_ready();
        let container = Container::look_for(run, "/proc/self/exe".as_ref(), is_ready)?;
        let name = container_name(&container)?;
        wake();
        let ids = left_in_store(host)?;
        if ids == [name.as_str()] {
            return Ok(());
        }
        return Err(Failure::seen(format!(
            "the parent was asleep, and the command has started: the machine is called {name:?}"
        ))
        .expected(format!(
            "whatever its parent does meanwhile, the command finds the hostname {}",
            procfs::few(ids, 3)
        ))
        .at(format!("setns to {}", container.proc("ns/uts").display()))
        .into());
    }
    Ok(())
}

/// The machine's name to a process in the container's UTS namespace.
pub(super) fn container_name(container: &Container) -> Result<String, Failure> {
    namespace::look_into(container.pid, CloneFlags::CLONE_NEWUTS, || {
        host_name().unwrap_or_default()
    })
}

type Variables = BTreeMap<String, String>;

/// The environment of the command, as the kernel has it in the process's memory.
fn variables(container: &Container) -> Result<Variables, Failure> {
    let bytes = procfs::read(container.proc("environ"))?;
    let all = bytes.split(|byte| *byte == 0).filter(|it| !it.is_empty());
    let pairs = all.map(|it| {
        let text = String::from_utf8_lossy(it).into_owned();
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        (name.to_owned(), value.to_owned())
    });
    Ok(pairs.collect())
}

/// What is usually wrong where nothing of the caller's is left.
const NOT_SET: &str = "not all that `given::environment` returns was set, or something else was: \
                       setenv for each name and value of it";

/// The environment must be the usual one, with these in addition or in place.
pub(super) fn expect_environment(
    host: &Host,
    container: &Container,
    with: &[(&str, &str)],
    if_not_set: Option<&'static str>,
) -> Outcome {
    let id = left_in_store(host)?.concat();
    let usual = [("PATH", PATH), ("HOME", "/root"), ("HOSTNAME", &id)];
    let expected: Variables = usual
        .iter()
        .chain(with)
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let found = variables(container)?;
    if found == expected {
        return Ok(());
    }
    let beyond = found.keys().filter(|name| !expected.contains_key(*name));
    let missing = expected.keys().filter(|name| !found.contains_key(*name));
    let other = expected
        .iter()
        .filter_map(|(name, value)| Some((name, value, found.get(name)?)))
        .filter(|(_, value, found)| value != found)
        .map(|(name, value, found)| format!("{name} is {found:?}, not {value:?}"));
    let seen = beyond
        .map(|name| format!("{name} is there"))
        .chain(missing.map(|name| format!("{name} is missing")))
        .chain(other);
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    let failure = Failure::seen(procfs::few(seen.collect(), 8))
        .expected(format!(
            "these variables and no others: {}",
            names.join(", ")
        ))
        .at(container.proc("environ").display().to_string());
    let has_more = found.keys().any(|name| !expected.contains_key(name));
    Err(match if_not_set.filter(|_| !has_more) {
        None => failure,
        Some(usually) => failure.usually(usually),
    }
    .into())
}

fn own_environment(host: &Host) -> Outcome {
    let container = host
        .run(&["probe", "hold"])
        .variable("AWS_SECRET_ACCESS_KEY", "not for everybody")
        .variable("LD_PRELOAD", "/nowhere.so")
        .variable("TMPDIR", "/nowhere")
        .variable("HOME", "/home/of-the-caller")
        .variable("HOSTNAME", "the-caller")
        // Its standard input and output are pipes: no terminal, nothing to know about it.
        .variable("TERM", "xterm")
        .hold()?;
    expect_environment(host, &container, &[], Some(NOT_SET))
}

fn asked_for(host: &Host) -> Outcome {
    let words = [
        "A=1",
        "B=",
        "A=2=3",
        names::variable(),
        "NOT_SET_HERE",
        "HOME=/tmp",
        "C=1",
        "--env=C=2",
    ];
    let mut invocation = host.run(&["probe", "hold"]);
    for word in words {
        invocation = match word.starts_with("--") {
            true => invocation.option(word),
            false => invocation.option("-e").option(word),
        };
    }
    let container = invocation.hold()?;
    let with = [
        ("A", "2=3"),
        ("B", ""),
        ("C", "2"),
        (names::variable(), names::value()),
        ("HOME", "/tmp"),
    ];
    expect_environment(host, &container, &with, None)
}

fn looked_up(host: &Host) -> Outcome {
    const NOWHERE: &str = "/nowhere";
    let expect = |case: &str, seen: Option<i32>, expected: i32, said: String| -> Outcome {
        if seen == Some(expected) {
            return Ok(());
        }
        Err(Failure::seen(said)
            .expected(format!("{case}: status {expected}"))
            .at("wait status of the level's process")
            .into())
    };
    let command = ["probe", "exit", "0"];
    let ended = host.run(&command).variable("PATH", NOWHERE).finish()?;
    let case = "the caller's PATH leads nowhere, the container's to the command";
    expect(case, ended.code(), 0, ended.describe())?;
    let asked = host.run(&command).option("--env").option("PATH=/nowhere");
    let ended = asked.finish()?;
    let case = "--env PATH=/nowhere leads nowhere, and the caller's PATH to the command";
    expect(case, ended.code(), 127, ended.describe())
}

fn nameless(host: &Host) -> Outcome {
    for word in ["", "=", "=value"] {
        let invocation = host
            .run(&["probe", "exit", "0"])
            .option("--env")
            .option(word);
        let ended = invocation.finish()?;
        if ended.code() != Some(125) {
            return Err(Failure::seen(ended.describe())
                .expected(format!("`{}` ends with status 125", ended.line))
                .at("wait status of the level's process")
                .into());
        }
        let left = left_in_store(host)?;
        if !left.is_empty() {
            return Err(Failure::seen(format!("left: {}", procfs::few(left, 4)))
                .expected("no directory of a container's is left")
                .at(host.store().display().to_string())
                .into());
        }
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 5, &[])
}
