//! Control groups: the container's share of the machine.

use std::fs;
use std::path::Path;

use super::{Sight, failed, hold, sight, since};
use crate::container::Container;
use crate::finding::{Failure, Finding};
use crate::host::Host;
use crate::levels::l08::{caller_grips, gripped};
use crate::procfs;
use sandbox::cgroups;

const MEMORY_LIMIT: &str = "--memory=32m";
const HOARD: &str = "96";

pub(crate) fn group_of_host(host: &Host, _: u8) -> Result<Sight, Failure> {
    let hierarchies = cgroups::hierarchies().map_err(|why| failed("cgroups", &why))?;
    let Some(hierarchy) = hierarchies.iter().find(|it| it.has("cpu")) else {
        return Err(Failure::seen("no hierarchy has the cpu controller"));
    };
    let group = hierarchy.top.join("escape");
    let container = hold(host, &["group", "escape"], None)?;
    let is_there = group.is_dir();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen} on the host", group.display()),
    ))
}

/// Where the caller is, the container is, unless it is put or goes elsewhere.
pub(crate) fn leave_group(host: &Host, _: u8) -> Result<Sight, Failure> {
    let hierarchies = cgroups::hierarchies().map_err(|why| failed("cgroups", &why))?;
    let Some(hierarchy) = hierarchies.iter().find(|it| it.has("cpu")) else {
        return Err(Failure::seen("no hierarchy has the cpu controller"));
    };
    let caller = hierarchy.top.join("caller");
    fs::create_dir(&caller)
        .and_then(|()| fs::write(caller.join("cgroup.procs"), "0"))
        .map_err(|why| failed("the caller's control group", &why))?;
    let container = hold(host, &["leave"], None)?;
    let groups = procfs::read_text(container.proc("cgroup"))?;
    let group = group_of_cpu(&groups).unwrap_or_default();
    let is_inside = ["/caller", "/rubber-docker/"]
        .iter()
        .any(|it| group.starts_with(it));
    let seen = format!("the command is in the group {group} of the host");
    Ok(sight(&container, !is_inside, seen))
}

/// `4:cpu,cpuacct:/a/b` of version 1, or `0::/a/b` of version 2 (cgroups(7)).
fn group_of_cpu(groups: &str) -> Option<&str> {
    let lines = || {
        groups.lines().filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            rest.split_once(':')
        })
    };
    let of_version_1 = lines().find(|(names, _)| names.split(',').any(|name| name == "cpu"));
    let of_version_2 = lines().find(|(names, _)| names.is_empty());
    of_version_1.or(of_version_2).map(|(_, group)| group)
}

/// Used up is the same time with a ceiling and without, however busy the machine is; by the
/// kernel's count it shows whether anything has made the command wait for it.
pub(crate) fn all_processors(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let hierarchies = cgroups::hierarchies().map_err(|why| failed("cgroups", &why))?;
    let Some(hierarchy) = hierarchies.iter().find(|it| it.has("cpu")) else {
        return Err(Failure::seen("no hierarchy has the cpu controller"));
    };
    let option = since(14, solution, "--cpus=0.1");
    let container = hold(host, &["burn", "50"], option)?;
    let groups = procfs::read_text(container.proc("cgroup"))?;
    let group = group_of_cpu(&groups).unwrap_or_default();
    let group = hierarchy.top.join(group.trim_start_matches('/'));
    let count = fs::read_to_string(group.join("cpu.stat")).unwrap_or_default();
    let count = count
        .lines()
        .find_map(|line| line.strip_prefix("nr_throttled "))
        .map_or_else(|| "not there".to_owned(), str::to_owned);
    let is_held = count.parse().is_ok_and(|count: u64| count > 0);
    let seen = format!("nr_throttled of the command's group is {count}");
    Ok(sight(&container, !is_held, seen))
}

pub(crate) fn too_much_memory(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe"])
}

pub(crate) fn lift_limit(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe", "try", "lift", "then"])
}

/// In a user namespace of its own it is root enough to mount them, whatever it gave up.
pub(crate) fn lift_limit_as_own_root(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let words = ["probe", "try", "own-groups", "then", "try", "lift", "then"];
    take_memory(host, solution, &words)
}

pub(crate) fn grip(host: &Host, _: u8) -> Result<Sight, Failure> {
    let grips = caller_grips().map_err(|finding| match finding {
        Finding::Failure(failure) => *failure,
        Finding::Skip(why) | Finding::NotThere(why) => Failure::seen(why),
    })?;
    let container = hold(host, &["own-groups", "then", "try", "grip"], None)?;
    let gripped = gripped(container.pid, &grips);
    let seen = match gripped.first() {
        Some(file) => format!("the command has {file} open"),
        None => "the command has no such file open".to_owned(),
    };
    Ok(sight(&container, !gripped.is_empty(), seen))
}

fn take_memory(host: &Host, solution: u8, words: &[&str]) -> Result<Sight, Failure> {
    let command = [words, &["hoard", HOARD, "then", "hold"]].concat();
    let mut run = host.run(&command);
    if solution >= 9 {
        run = run.option(MEMORY_LIMIT);
    }
    let mut run = run.start()?;
    if !run.await_ready() {
        let ended = run.end()?;
        // 128 and SIGKILL: what the kernel sends when there is no memory left.
        if ended.code() != Some(137) {
            return Err(ended.failed_to_start());
        }
        return Ok(Sight {
            worked: false,
            seen: format!("killed before it had {HOARD} MB"),
            said: ended.errors,
        });
    }
    let container = Container::look_for(run, Path::new("/proc/self/exe"), true)?;
    let taken = procfs::status(container.pid, "VmRSS")?;
    let kilobytes: u64 = taken
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    let seen = format!("VmRSS of the command is {taken}");
    Ok(sight(&container, kilobytes > 90 << 10, seen))
}
