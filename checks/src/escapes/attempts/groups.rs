//! Control groups: the container's share of the machine.

use std::fs;
use std::path::Path;

use super::{Sight, failed, hold, sight};
use crate::cgroups;
use crate::check::Failure;
use crate::container::Container;
use crate::host::Host;
use crate::procfs;

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

pub(crate) fn too_much_memory(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe"])
}

pub(crate) fn lift_limit(host: &Host, solution: u8) -> Result<Sight, Failure> {
    take_memory(host, solution, &["probe", "try", "lift", "then"])
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
