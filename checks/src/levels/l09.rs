//! Level 09: a limit to memory, and to swap.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use super::l08::{
    expect_members, expect_namespace_root, expect_refusal, expect_value, hierarchy, the_group,
};
use crate::cgroups::Version;
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::host::{Ended, Host};
use crate::{process, procfs};

const COUNTED: &str = "the container's memory is counted in its control group";
const LIMIT: &str = "--memory is the limit of the container's group";
const SWAP: &str = "--memory-swap is memory and swap together";
const KILLED: &str = "what takes more than --memory is killed, and nobody else";

/// How the kernel writes "no limit" on version 1: the highest number of whole pages.
const UNLIMITED_V1: &str = "9223372036854771712";

pub(super) const LEVEL: Level = Level {
    number: 9,
    directory: "09_memory_cgroup",
    title: "a limit to memory",
    checks: &[
        Check {
            name: COUNTED,
            step: 1,
            usually: "the memory controller is missing in CONTROLLERS, or the command has not \
                      joined its group",
            needs: &[],
            run: counted,
        },
        Check {
            name: LIMIT,
            step: 2,
            usually: "the limit was not written, or not before the command was started, or into \
                      another file: memory.max on version 2, memory.limit_in_bytes on version 1, \
                      in bytes",
            needs: &[],
            run: limit,
        },
        Check {
            name: SWAP,
            step: 3,
            usually: "the limit of swap was not written, or the other version's number: version 2 \
                      counts swap alone (memory.swap.max), version 1 both together \
                      (memory.memsw.limit_in_bytes): `SwapSize::beside` has both numbers",
            needs: &[LIMIT],
            run: swap,
        },
        Check {
            name: KILLED,
            step: 2,
            usually: "the limit was set for a group that the command is not in, or not in time",
            needs: &[LIMIT, SWAP],
            run: killed,
        },
        Check {
            name: "a kill for want of memory is reported, and no other",
            step: 4,
            usually: "the number behind `oom_kill ` (memory.events, or memory.oom_control on \
                      version 1) was not read, or not before the group was removed",
            needs: &[KILLED],
            run: reported,
        },
        Check {
            name: "a limit that makes no sense is refused, and nothing is left",
            step: 3,
            usually: "the error of `SwapSize::beside` was ignored, or the group that had been made \
                      by then stays",
            needs: &[LIMIT],
            run: no_such_limit,
        },
    ],
    calls: &[
        ("memory.memsw.limit_in_bytes", "write", 3),
        ("memory.swap.max", "write", 3),
        ("memory.limit_in_bytes", "write", 2),
        ("memory.max", "write", 2),
    ],
};

fn counted(host: &Host) -> Outcome {
    let hierarchy = hierarchy("memory")?;
    let command = ["probe", "start", "pause", "then", "hold"];
    let container = host.run(&command).hold()?;
    expect_members(host, &container, "memory")?;
    expect_namespace_root(&container, "memory")?;
    let file = match hierarchy.version {
        Version::V1 => "memory.usage_in_bytes",
        Version::V2 => "memory.current",
    };
    let path = the_group(host, "memory")?.join(file);
    let used = procfs::read_text(&path)?;
    if used.trim_end() != "0" {
        return Ok(());
    }
    Err(Failure::seen("0 bytes")
        .expected("what the command uses is booked on its group")
        .at(path.display().to_string())
        .into())
}

fn with<'a>(host: &'a Host, options: &[&'a str], command: &[&str]) -> crate::host::Invocation<'a> {
    let invocation = host.run(command);
    options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option))
}

fn limit(host: &Host) -> Outcome {
    let hierarchy = hierarchy("memory")?;
    let cases = [
        (None, 0),
        (Some("64m"), 64 << 20),
        (Some("102400K"), 100 << 20),
    ];
    for (size, bytes) in cases {
        // As much swap as there is, if it can be had: its limit is the next check's matter.
        let options = size.map(|size| ["--memory", size, "--memory-swap", "-1"]);
        let options = options.as_ref().map_or(&[][..], |options| options);
        let container = with(host, options, &["probe", "hold"]).hold();
        let container = container.or_else(|_| {
            with(
                host,
                options.split_at(options.len() / 2).0,
                &["probe", "hold"],
            )
            .hold()
        });
        let container = container.map_err(|failure| {
            match failure.mentions("ended with status 137") {
            true => failure.here().usually(
                "the limit is too low for any program: it is written in bytes, whatever the unit \
                 of the option is",
            ),
            false => failure,
        }
        })?;
        let group = the_group(host, "memory")?;
        let (file, unlimited) = match hierarchy.version {
            Version::V1 => ("memory.limit_in_bytes", UNLIMITED_V1),
            Version::V2 => ("memory.max", "max"),
        };
        match size {
            Some(size) => {
                let option = format!("with --memory {size}");
                expect_value(&group, file, &bytes.to_string(), &option)?;
            }
            None => expect_value(&group, file, unlimited, "without the option")?,
        }
        container.end()?;
    }
    Ok(())
}

/// The file of the swap limit, if this kernel counts swap.
fn swap_file(version: Version, group: &Path) -> Result<&'static str, Finding> {
    let file = match version {
        Version::V1 => "memory.memsw.limit_in_bytes",
        Version::V2 => "memory.swap.max",
    };
    match group.join(file).exists() {
        true => Ok(file),
        false => Err(Finding::Skip(format!(
            "this kernel does not account for swap: there is no {file}"
        ))),
    }
}

fn swap(host: &Host) -> Outcome {
    let hierarchy = hierarchy("memory")?;
    // (--memory-swap beside 64m, swap alone, memory and swap together)
    let mib = |count: u64| (count << 20).to_string();
    let cases = [
        (None, mib(64), mib(128)),
        (Some("64m"), mib(0), mib(64)),
        (Some("100m"), mib(36), mib(100)),
        (Some("-1"), "max".to_owned(), UNLIMITED_V1.to_owned()),
    ];
    for (size, alone, together) in cases {
        let mut options = vec!["--memory", "64m"];
        options.extend(size.iter().flat_map(|size| ["--memory-swap", size]));
        let option = format!("with {}", options.join(" "));
        let container = with(host, &options, &["probe", "hold"]).hold()?;
        let group = the_group(host, "memory")?;
        let file = swap_file(hierarchy.version, &group)?;
        let expected = match hierarchy.version {
            Version::V1 => together,
            Version::V2 => alone,
        };
        expect_value(&group, file, &expected, &option)?;
        container.end()?;
    }
    Ok(())
}

/// Runs what takes twice the memory that it may have.
fn hog(host: &Host) -> Result<Ended, Failure> {
    let options = ["--memory", "48m", "--memory-swap", "48m"];
    with(host, &options, &["probe", "hog", "100"]).finish()
}

fn killed(host: &Host) -> Outcome {
    hierarchy("memory")?;
    // Somebody outside of the container who has more memory than it may use, and so would
    // be the first to go if the whole sandbox were searched.
    let mut canary = Command::new(host.path("bin/probe"))
        .args(["hog", "60", "then", "hold"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| Failure::seen(format!("the canary does not start: {why}")))?;
    if let Some(output) = &mut canary.stdout {
        let _ = output.read_exact(&mut [0]);
    }
    let ended = hog(host)?;
    let canary_lives = process::is_alive(canary.id().cast_signed());
    let _ = canary.kill();
    let _ = canary.wait();
    if !canary_lives {
        return Err(
            Failure::seen("a process outside of the container was killed")
                .expected("only the container's processes are killed")
                .at("a process of the sandbox's that had done nothing")
                .into(),
        );
    }
    if ended.code() == Some(137) {
        return Ok(());
    }
    let expected = "100 MB do not go into --memory 48m --memory-swap 48m: SIGKILL, which is 137";
    Err(ended.wrong_status().expected(expected).into())
}

fn reported(host: &Host) -> Outcome {
    hierarchy("memory")?;
    let says_so = |ended: &Ended| ended.errors.to_lowercase().contains("memory");
    let seen = |ended: &Ended| match ended.errors.is_empty() {
        true => "nothing".to_owned(),
        false => ended.errors.clone(),
    };
    let hogged = hog(host)?;
    if !says_so(&hogged) {
        return Err(Failure::seen(seen(&hogged))
            .expected("a line that says `out of memory`")
            .at("standard error of the level's process")
            .into());
    }
    let options = ["--memory", "48m", "--memory-swap", "48m"];
    let container = with(host, &options, &["probe", "hold"]).hold()?;
    process::send(container.pid, linux_sys::SIGKILL)?;
    let ended = container.end()?;
    if ended.code() == Some(137) && !says_so(&ended) {
        return Ok(());
    }
    Err(Failure::seen(seen(&ended))
        .expected("no word of memory after a `kill -KILL` by somebody")
        .at("standard error of the level's process")
        .usually(
            "137 alone does not mean out of memory, and `oom_kill_disable` of version 1 is \
             another line than `oom_kill`",
        )
        .into())
}

fn no_such_limit(host: &Host) -> Outcome {
    hierarchy("memory")?;
    let cases: [&[&str]; 5] = [
        &["--memory", "64m", "--memory-swap", "32m"],
        &["--memory", "0"],
        &["--memory", "12q"],
        &["--memory", "64m", "--memory-swap", "-2"],
        &["--memory-swap", "64m"],
    ];
    for options in cases {
        let invocation = with(host, options, &["probe", "exit", "0"]);
        expect_refusal(host, invocation, &["cpu", "memory"])?;
    }
    Ok(())
}
