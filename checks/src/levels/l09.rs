//! Level 09: a limit to memory, and to swap.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use linux_sys::Errno;

use super::l08::{
    expect_members, expect_namespace_root, expect_no_more, expect_refusal, expect_value, hierarchy,
    the_group,
};
use super::refusals;
use crate::calls;
use crate::check::{Check, LevelChecks};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Ended, Host};
use crate::seccomp_supervisor::{Event, Supervised};
use crate::{group_limits, process, procfs};
use sandbox::cgroups::Version;

const COUNTED: &str = "the container's memory is counted in its control group";
const LIMIT: &str = "--memory is the limit of the container's group";
const SWAP: &str = "--memory-swap is memory and swap together";
const KILLED: &str = "what takes more than --memory is killed, and nobody else";

/// The files of the two limits, of version 1 and of version 2.
const MEMORY: [&str; 2] = ["memory.limit_in_bytes", "memory.max"];
const SWAPPED: [&str; 2] = ["memory.memsw.limit_in_bytes", "memory.swap.max"];

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 9,
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
        refusals::check(
            "a container whose memory cannot be limited does not run",
            2,
            refused_calls,
        ),
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

pub(super) fn with<'a>(
    host: &'a Host,
    options: &[&'a str],
    command: &[&str],
) -> crate::host::Invocation<'a> {
    let invocation = host.run(command);
    options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option))
}

/// The file of the version that the machine has.
fn of(version: Version, [v1, v2]: [&'static str; 2]) -> &'static str {
    match version {
        Version::V1 => v1,
        Version::V2 => v2,
    }
}

/// How the kernel keeps these numbers, in these files and in this order: the last of them.
fn as_kept(group: &Path, written: &[(&str, &str)]) -> Result<String, Finding> {
    let kept = group_limits::as_kept(group, written);
    Ok(kept.map_err(|why| Failure::unreadable(group, why).elsewhere())?)
}

/// What it means that the upper half of a number is gone.
const CUT: &str = "the number went through 32 bits, in which 4g is 0 and 5g is 1g: `bytes` is a u64, \
                   and so are all numbers made of it";

/// With what else a number could have been taken for this size, if it was.
fn misread(found: &str, bytes: u64) -> Option<&'static str> {
    let found: u64 = found.trim_end().parse().ok()?;
    // The kernel drops what is no whole page.
    let is_about = |other: u64| other.abs_diff(found) < 1 << 16;
    // A limit in which no bit is left is none.
    let most = u64::from(u32::MAX);
    if bytes > most && (is_about(bytes & most) || is_about(most)) {
        return Some(CUT);
    }
    (found < bytes && bytes - found < 1 << 20 && found.is_multiple_of(1 << 20)).then_some(
        "the limit was rounded: it is written in bytes, as many as were asked for, and the kernel \
         makes whole pages of them",
    )
}

fn limit(host: &Host) -> Outcome {
    let hierarchy = hierarchy("memory")?;
    let file = of(hierarchy.version, MEMORY);
    // More than 32 bits hold, and numbers of which every digit counts.
    let cases = [
        (None, 0),
        (Some("64m"), 64 << 20),
        (Some("102400K"), 100 << 20),
        (Some("5G"), 5 << 30),
        (Some("5368778753"), (5 << 30) + (1 << 16) + 4097),
        (Some("100000001b"), 100_000_001),
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
        let container = container.map_err(|failure| too_low(failure, bytes))?;
        let group = the_group(host, "memory")?;
        let option = match size {
            Some(size) => format!("with --memory {size}"),
            None => "without the option".to_owned(),
        };
        if size.is_some() {
            let expected = as_kept(&group, &[(file, &bytes.to_string())])?;
            let found = procfs::read_text(group.join(file))?;
            expect_value(&group, file, &expected, &option)
                .map_err(|why| why.usually(misread(&found, bytes)))?;
        }
        let [memory, swap] = [MEMORY, SWAPPED];
        let asked = size.map(|_| [memory, swap].concat()).unwrap_or_default();
        expect_no_more(host, &asked, &option)?;
        container.end()?;
    }
    Ok(())
}

/// Explains a failure by a limit so low that the command cannot run in it.
fn too_low(failure: Failure, bytes: u64) -> Failure {
    // What shows that the kernel has killed the command, or would not start it.
    if !failure.mentions("ended with status 137") {
        return failure;
    }
    failure.here().usually(match bytes > u64::from(u32::MAX) {
        true => CUT,
        false => {
            "the limit is too low for any program: it is written in bytes, whatever the unit of the \
             option is"
        }
    })
}

fn swap(host: &Host) -> Outcome {
    let hierarchy = hierarchy("memory")?;
    let (part, file) = (
        of(hierarchy.version, MEMORY),
        of(hierarchy.version, SWAPPED),
    );
    // (--memory, --memory-swap, memory, swap alone if there is a limit)
    let mib = |count: u64| count << 20;
    let cases = [
        ("64m", None, mib(64), Some(mib(64))),
        ("64m", Some("64m"), mib(64), Some(0)),
        ("64m", Some("100m"), mib(64), Some(mib(36))),
        ("64m", Some("-1"), mib(64), None),
        ("65537k", Some("5g"), mib(64) + 1024, Some(mib(5056) - 1024)),
        ("5g", None, mib(5120), Some(mib(5120))),
    ];
    for (memory, both, bytes, swap) in cases {
        let mut options = vec!["--memory", memory];
        options.extend(both.iter().flat_map(|both| ["--memory-swap", both]));
        let option = format!("with {}", options.join(" "));
        let container = with(host, &options, &["probe", "hold"]).hold();
        let container = container.map_err(|failure| order(failure, bytes))?;
        let group = the_group(host, "memory")?;
        if !group.join(file).exists() {
            return expect_sentence(file, |options| Ok(with(host, options, &ENDS).finish()?));
        }
        let number = match (hierarchy.version, swap) {
            (Version::V1, Some(swap)) => (bytes + swap).to_string(),
            (Version::V2, Some(swap)) => swap.to_string(),
            (Version::V1, None) => "-1".to_owned(),
            (Version::V2, None) => "max".to_owned(),
        };
        let expected = as_kept(&group, &[(part, &bytes.to_string()), (file, &number)])?;
        let found = procfs::read_text(group.join(file))?;
        let sum = swap.map_or(0, |swap| swap + bytes);
        let usually = [swap.unwrap_or(0), bytes, sum]
            .into_iter()
            .find_map(|number| misread(&found, number).filter(|_| number > u64::from(u32::MAX)));
        expect_value(&group, file, &expected, &option).map_err(|why| why.usually(usually))?;
        expect_no_more(host, &[MEMORY, SWAPPED].concat(), &option)?;
        container.end()?;
    }
    match expect_sentence(file, |options| without(host, options, file)) {
        // What was looked at above is enough where no call can be stopped.
        Err(Finding::Skip(_)) => Ok(()),
        outcome => outcome,
    }
}

/// A command that ends at once, and well.
pub(super) const ENDS: [&str; 3] = ["probe", "exit", "0"];

/// Runs the level where this file is never found, as on a kernel that does not have it.
pub(super) fn without(host: &Host, options: &[&str], file: &str) -> Result<Ended, Finding> {
    let looks = calls::numbers(&[calls::LOOKS]);
    let mut level = Supervised::start(with(host, options, &ENDS), &looks)?;
    while let Event::Call(call) = level.next()? {
        match call.text.ends_with(&format!("{file}\")")) {
            true => level.refuse(&call, Errno::ENOENT),
            false => level.go_on(&call),
        }
    }
    Ok(level.end()?)
}

/// Version 1 refuses a sum that is below its part: what that means depends on the number.
fn order(failure: Failure, bytes: u64) -> Failure {
    if !(failure.mentions("memory.memsw.limit_in_bytes") && failure.mentions("EINVAL")) {
        return failure;
    }
    let is_it = |number: u64| failure.mentions(&format!("\"{number}\""));
    let is_order = is_it(bytes) || is_it(2 * bytes);
    let failure = failure.here();
    if is_order {
        return failure.usually(
            "the order: version 1 keeps memory and swap together at least as high as memory alone, \
             which has no limit yet. So memory.limit_in_bytes is written first, and \
             memory.memsw.limit_in_bytes second",
        );
    }
    match bytes > u64::from(u32::MAX) {
        true => failure.usually(CUT),
        false => failure,
    }
}

/// Where the kernel does not count swap: an option that has no effect must not pass in silence.
fn expect_sentence(file: &str, run: impl Fn(&[&'static str]) -> Result<Ended, Finding>) -> Outcome {
    let with_swap = ["--memory", "64m", "--memory-swap", "100m"];
    for (options, is_asked) in [(&with_swap[..], true), (&with_swap[..2], false)] {
        let ended = run(options)?;
        if ended.code() != Some(0) {
            let expected = format!("`{}` runs, without {file}, which is not there", ended.line);
            let failure = ended.wrong_status().expected(expected).here();
            return Err(failure
                .usually(
                    "the row of swap says `Lacking::Refused`: on a kernel that does not account for \
                     swap no user could have --memory then, and a container can do without",
                )
                .into());
        }
        if ended.errors.contains("swap") != is_asked {
            let (expected, usually) = match is_asked {
                true => (
                    "a line that says that --memory-swap has no effect",
                    "the row of swap says `Lacking::Ignored` in each case: this kernel does not \
                     account for swap, and a user who asks for a limit of it should hear that there is \
                     none: `Lacking::Told`",
                ),
                false => (
                    "no word of swap where no option has asked for a limit of it",
                    "the sentence is for those who have said --memory-swap: without it the row says \
                     `Lacking::Ignored`",
                ),
            };
            return Err(Failure::seen(said(&ended))
                .expected(format!("{expected}: `{}`", ended.line))
                .at("standard error of the level's process")
                .usually(usually)
                .into());
        }
    }
    Ok(())
}

/// What the level has written to its standard error.
fn said(ended: &Ended) -> String {
    match ended.errors.is_empty() {
        true => "nothing".to_owned(),
        false => ended.errors.clone(),
    }
}

/// Runs what takes twice the memory that it may have.
fn hog(host: &Host) -> Result<Ended, Failure> {
    let options = ["--memory", "48m", "--memory-swap", "48m"];
    with(host, &options, &["probe", "hog", "100"]).finish()
}

fn killed(host: &Host) -> Outcome {
    hierarchy("memory")?;
    // A process outside of the container, with more memory than that may use: the kernel would
    // kill it first if it chose among all of the sandbox's.
    let mut canary = Command::new(host.path(&host.probe()))
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
    let hogged = hog(host)?;
    if !says_so(&hogged) {
        return Err(Failure::seen(said(&hogged))
            .expected("a line that says `out of memory`")
            .at("standard error of the level's process")
            .into());
    }
    keeps_its_status(host)?;
    let options = ["--memory", "48m", "--memory-swap", "48m"];
    let container = with(host, &options, &["probe", "hold"]).hold()?;
    process::send(container.pid, linux_sys::SIGKILL)?;
    let ended = container.end()?;
    if ended.code() == Some(137) && !says_so(&ended) {
        return Ok(());
    }
    Err(Failure::seen(said(&ended))
        .expected("no word of memory after a `kill -KILL` by another process")
        .at("standard error of the level's process")
        .usually(
            "137 alone does not mean out of memory, and `oom_kill_disable` of version 1 is \
             another line than `oom_kill`",
        )
        .into())
}

/// A child of the command's is killed for want of memory, and the command makes the best
/// of it: then its status is its own.
fn keeps_its_status(host: &Host) -> Outcome {
    const STATUS: i32 = 7;
    const PATIENCE: Duration = Duration::from_secs(5);
    let options = ["--memory", "48m", "--memory-swap", "48m"];
    let command = ["probe", "start", "hog", "100", "then", "hold", "7"];
    let container = with(host, &options, &command).hold()?;
    host.waiting("the command's child to be killed for want of memory");
    for child in process::children(container.pid) {
        process::await_end(child, PATIENCE)?;
    }
    let ended = container.end()?;
    if ended.code() == Some(STATUS) {
        return Ok(());
    }
    let expected =
        "status 7, the command's own, although a child of it was killed for want of memory";
    Err(ended
        .wrong_status()
        .expected(expected)
        .usually(
            "the status was made from the number of kills: what waitpid tells is the status, \
             whichever other process was killed",
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
        expect_refusal(host, invocation)?;
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 9, &["--memory", "64m", "--memory-swap", "96m"])
}
