//! The host's processes: ended, held, read and written to; and what is left of the
//! container's own.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};

use super::{Sight, USER, failed, hold, moment, sight, since};
use crate::container::Container;
use crate::finding::Failure;
use crate::host::Host;
use crate::names;
use crate::process;
use crate::procfs;
use sandbox::wait::await_that;

/// A process on the host, which does nothing.
fn bystander(host: &Host) -> Result<Child, Failure> {
    let bystander = Command::new(host.path(&host.probe()))
        .arg("pause")
        .env(names::variable(), names::value())
        .spawn()
        .map_err(|why| failed("a process on the host cannot be started", &why))?;
    // exec has no way back for a moment already before the new program has all it needs.
    let environment = procfs::path(bystander.id().cast_signed(), "environ");
    await_that(|| {
        procfs::read_text(&environment).is_ok_and(|text| text.contains(names::variable()))
    });
    Ok(bystander)
}

pub(crate) fn kill_host_process(host: &Host, _: u8) -> Result<Sight, Failure> {
    let bystander = bystander(host)?;
    let pid = bystander.id().to_string();
    let container = hold(host, &["kill", &pid], None)?;
    fate(bystander, container.errors())
}

/// -1: every process that the caller sees, but for process 1 and itself (kill(2)).
pub(crate) fn kill_everybody(host: &Host, _: u8) -> Result<Sight, Failure> {
    kill_many(host, "-1", None)
}

/// A process group is no matter of namespaces: the caller, its pipeline, and a container
/// are one. (And the sandbox's process 1; but that one no signal from below ends.)
pub(crate) fn kill_group(host: &Host, _: u8) -> Result<Sight, Failure> {
    kill_many(host, "0", None)
}

pub(crate) fn kill_group_as_user(host: &Host, solution: u8) -> Result<Sight, Failure> {
    kill_many(host, "0", since(10, solution, USER))
}

fn kill_many(host: &Host, whom: &str, option: Option<&str>) -> Result<Sight, Failure> {
    let bystander = bystander(host)?;
    let mut run = host.run(&["probe", "try", "kill", whom, "then", "hold"]);
    if let Some(option) = option {
        run = run.option(option);
    }
    let mut run = run.start()?;
    // If it does not get so far, it is among those whom it has killed.
    run.await_ready();
    fate(bystander, run.errors())
}

/// Whether a process of the host's still lives.
fn fate(mut bystander: Child, said: String) -> Result<Sight, Failure> {
    let pid = bystander.id();
    let is_gone = process::await_end(pid.cast_signed(), moment())?;
    let by = match bystander.try_wait() {
        Ok(Some(status)) => format!(
            ": {}",
            status
                .signal()
                .map_or_else(String::new, linux_sys::signal_name)
        ),
        _ => String::new(),
    };
    let how = if is_gone { "was ended" } else { "lives" };
    Ok(Sight {
        worked: is_gone,
        seen: format!("the host's process {pid} {how}{by}"),
        said,
    })
}

pub(crate) fn trace(host: &Host, _: u8) -> Result<Sight, Failure> {
    let bystander = bystander(host)?;
    let container = hold(host, &["trace", &bystander.id().to_string()], None)?;
    let tracer = procfs::status(bystander.id().cast_signed(), "TracerPid")?;
    let seen = format!(
        "TracerPid of the host's process {} is {tracer}",
        bystander.id()
    );
    Ok(sight(&container, tracer == container.pid.to_string(), seen))
}

/// The environment lies in a process's memory, and the kernel shows it from there.
pub(crate) fn write_memory(host: &Host, _: u8) -> Result<Sight, Failure> {
    let bystander = bystander(host)?;
    let pid = bystander.id().cast_signed();
    let environment = procfs::path(pid, "environ");
    let before = procfs::read_text(&environment)?;
    let name = names::variable();
    let address = before
        .find(name)
        .map(|at| at + name.len() + 1)
        .zip(environment_start(pid))
        .map(|(offset, start)| start + offset as u64)
        .ok_or_else(|| Failure::seen("the environment of a process on the host was not found"))?;
    let memory = format!("/proc/{pid}/mem");
    let container = hold(
        host,
        &["poke", &memory, &address.to_string(), "stung"],
        None,
    )?;
    let after = procfs::read_text(&environment)?;
    let is_changed = after.contains(&format!("{name}=stung"));
    let how = if is_changed {
        "was changed"
    } else {
        "is as it was"
    };
    let seen = format!("{} {how}", environment.display());
    Ok(sight(&container, is_changed, seen))
}

/// Where a process has its environment: field 50 of its stat (proc_pid_stat(5)).
fn environment_start(pid: i32) -> Option<u64> {
    let stat = procfs::read_text(procfs::path(pid, "stat")).ok()?;
    // Field 2 is a name that may have anything in it, in parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(50 - 3)?.parse().ok()
}

/// The child asked to die with its parent; the command, the same process, can take that back.
pub(crate) fn orphan(host: &Host, solution: u8) -> Result<Sight, Failure> {
    outlive_after(host, &["orphan"], since(19, solution, INIT))
}

const INIT: &str = "--init";

/// Number 1 of the command's PID namespace, if it has one: itself, or its parent.
fn number_1(container: &Container) -> Option<i32> {
    let is_first = |pid: &i32| procfs::own_pid(*pid).is_ok_and(|own| own == 1);
    let parent = procfs::status(container.pid, "PPid").ok()?.parse().ok()?;
    let mut both = [container.pid, parent].into_iter();
    both.find(is_first).filter(|pid| *pid != 1)
}

/// A process beside the command takes hold of the number 1 of both.
pub(crate) fn trace_number_1(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let (container, pid) = match beside(host, solution, &["trace", "1"])? {
        Ok(both) => both,
        Err(nothing) => return Ok(nothing),
    };
    let tracer = || procfs::status(pid, "TracerPid").unwrap_or_default();
    await_that(|| tracer() != "0" || container.errors().contains("probe: "));
    let seen = format!("TracerPid of number 1 is {}", tracer());
    Ok(sight(&container, tracer() != "0", seen))
}

/// The same by its memory, which is a file.
pub(crate) fn memory_of_number_1(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let (container, _) = match beside(host, solution, &["keep-writable", "/proc/1/mem"])? {
        Ok(both) => both,
        Err(nothing) => return Ok(nothing),
    };
    let is_open = || {
        let others = procfs::parents().into_keys().filter(|pid| *pid != 1);
        let descriptors = others.flat_map(|pid| {
            let entries = std::fs::read_dir(procfs::path(pid, "fd")).into_iter();
            entries.flatten().flatten().map(|entry| entry.path())
        });
        let mut targets = descriptors.filter_map(|path| std::fs::read_link(path).ok());
        targets.any(|target| target.ends_with("1/mem"))
    };
    await_that(|| is_open() || container.errors().contains("probe: "));
    let is_open = is_open();
    let how = if is_open { "has" } else { "has not" };
    let seen = format!("a process {how} the memory of number 1 open for writing");
    Ok(sight(&container, is_open, seen))
}

type Beside<'a> = Result<(Container<'a>, i32), Sight>;

/// A container in which a child of the command does this and stays. Before level 06 no process in
/// it is number 1.
fn beside<'a>(host: &'a Host, solution: u8, words: &[&str]) -> Result<Beside<'a>, Failure> {
    let none = |said: String| Sight {
        worked: false,
        seen: "no process of the container is number 1".to_owned(),
        said,
    };
    if solution < 6 {
        return Ok(Err(none(String::new())));
    }
    let command = [&["probe", "start", "stay"][..], words, &["then", "hold"]].concat();
    let run = host.run(&command);
    let run = match since(19, solution, INIT) {
        Some(option) => run.option(option),
        None => run,
    };
    let container = run.hold()?;
    Ok(match number_1(&container) {
        Some(pid) => Ok((container, pid)),
        None => Err(none(container.errors())),
    })
}

/// More processes than a learner's pipeline has.
pub(crate) fn crowd(host: &Host, solution: u8) -> Result<Sight, Failure> {
    const CROWD: usize = 200;
    let option = since(14, solution, "--pids-limit=100");
    let container = hold(host, &["crowd", &CROWD.to_string()], option)?;
    let count = process::children(container.pid).len();
    let seen = format!("the command has {count} children");
    Ok(sight(&container, count == CROWD, seen))
}

pub(crate) fn outlive(host: &Host, _: u8) -> Result<Sight, Failure> {
    outlive_after(host, &["fds"], None)
}

fn outlive_after(
    host: &Host,
    words: &[&str],
    option: Option<&'static str>,
) -> Result<Sight, Failure> {
    let container = hold(host, words, option)?;
    let pid = container.pid;
    process::kill(container.level())?;
    let is_gone = process::await_end(pid, moment())?;
    let how = if is_gone {
        "ended with it"
    } else {
        "lives on without it"
    };
    let seen = format!("the command, process {pid}, {how}");
    Ok(sight(&container, !is_gone, seen))
}

pub(crate) fn stay_behind(host: &Host, _: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["start", "pause"], None)?;
    let left = process::children(container.pid);
    let [pid] = left[..] else {
        return Err(Failure::seen(format!(
            "the command has {} children",
            left.len()
        )));
    };
    let said = container.errors();
    container.end()?;
    let is_gone = process::await_end(pid, moment())?;
    let how = if is_gone { "ended with it" } else { "lives on" };
    Ok(Sight {
        worked: !is_gone,
        seen: format!("the process {pid}, which the command started, {how}"),
        said,
    })
}
