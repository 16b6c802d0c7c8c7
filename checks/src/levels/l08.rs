//! Level 08: a control group of its own, and a share of the processor.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use linux_sys::{CloneFlags, MountAttr, MountAttrFlags};

use super::l00::IN_A_CHILD;
use super::l01::left_in_store;
use crate::cgroups::{self, Hierarchy, Version};
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::container::Container;
use crate::host::{Host, Invocation};
use crate::{namespace, procfs};

/// The group at the top of a hierarchy that all containers' groups are in.
const PARENT: &str = "rubber-docker";

const GROUP: &str = "a control group named after the container is there while it runs";
const MEMBERS: &str = "the container's processes are in its control group, and nobody else is";

pub(super) const LEVEL: Level = Level {
    number: 8,
    directory: "08_cpu_cgroup",
    title: "a share of the processor",
    checks: &[
        Check {
            name: GROUP,
            step: 1,
            usually: "the group was not made: mkdir for each of `groups`; or it was removed \
                      before the container had ended",
            needs: &[IN_A_CHILD],
            run: group,
        },
        Check {
            name: "--cpu-shares is the share of the container's group",
            step: 1,
            usually: "the limits were not written, or not to the container's own group, or in the \
                      other version's unit: each of `limits` is a file and what belongs into it",
            needs: &[],
            run: shares,
        },
        Check {
            name: "two containers are in two groups",
            step: 1,
            usually: "the group has the same name for every container: it should be called by \
                      the container's id",
            needs: &[],
            run: two_groups,
        },
        Check {
            name: MEMBERS,
            step: 2,
            usually: "nobody has joined: write 0, which stands for the writer, to cgroup.procs of \
                      the group, in the child and before exec",
            needs: &[],
            run: members,
        },
        Check {
            name: "the container's group is the / of a cgroup namespace of its own",
            step: 3,
            usually: "unshare(CLONE_NEWCGROUP) is missing, or comes before the group was joined: \
                      what one is in at that moment becomes /",
            needs: &[MEMBERS],
            run: own_namespace,
        },
        Check {
            name: "the container's group is gone afterwards, and rubber-docker stays",
            step: 4,
            usually: "rmdir of each of the groups is missing, or comes while somebody is still in \
                      there",
            needs: &[],
            run: removed,
        },
        Check {
            name: "a share that there is not is refused, and nothing is left",
            step: 1,
            usually: "Docker's shares are 2 to 262144, and the option's parser checks that",
            needs: &[],
            run: no_such_share,
        },
        Check {
            name: "where control groups are read-only, the level says so and leaves nothing",
            step: 1,
            usually: "an error of mkdir was ignored, or what was made before it stays",
            needs: &[],
            run: read_only,
        },
    ],
    calls: &[
        ("there is no such group", "cgroup.procs", 1),
        ("outside of this process's cgroup namespace", "", 3),
        ("write \"0\" to ", "cgroup.procs", 2),
        ("unshare(CLONE_NEWCGROUP", "", 3),
        ("rmdir(", "rubber-docker", 4),
        ("mkdir(", "rubber-docker", 1),
    ],
};

/// The hierarchy in which the sandbox has this controller.
pub(super) fn hierarchy(controller: &str) -> Result<Hierarchy, Finding> {
    if let Some(problem) = cgroups::problem() {
        return Err(Finding::Skip(problem.to_owned()));
    }
    let all = cgroups::hierarchies()
        .map_err(|why| Failure::unreadable("/proc/self/mountinfo", why).elsewhere())?;
    let found = all.into_iter().find(|it| it.has(controller));
    found.ok_or_else(|| Finding::Skip(format!("the sandbox has no {controller} controller")))
}

fn parent(hierarchy: &Hierarchy) -> PathBuf {
    hierarchy.top.join(PARENT)
}

/// The groups below `rubber-docker`, by name.
pub(super) fn groups(hierarchy: &Hierarchy) -> BTreeSet<String> {
    let entries = fs::read_dir(parent(hierarchy)).into_iter().flatten();
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn expect_group(host: &Host, hierarchy: &Hierarchy) -> Result<PathBuf, Finding> {
    let expected: BTreeSet<String> = left_in_store(host)?.into_iter().collect();
    let found = groups(hierarchy);
    let names = |set: &BTreeSet<String>| match set.is_empty() {
        true => "none".to_owned(),
        false => procfs::few(set.iter().cloned().collect(), 4),
    };
    let parent = parent(hierarchy);
    match expected.first() {
        Some(id) if found == expected && expected.len() == 1 => Ok(parent.join(id)),
        _ => Err(Failure::seen(format!("groups there: {}", names(&found)))
            .expected(format!(
                "one group, called by the container's id: {}",
                names(&expected)
            ))
            .at(parent.display().to_string())
            .into()),
    }
}

/// The group of the one container that is running, for this controller.
pub(super) fn the_group(host: &Host, controller: &str) -> Result<PathBuf, Finding> {
    expect_group(host, &hierarchy(controller)?)
}

fn group(host: &Host) -> Outcome {
    let hierarchy = hierarchy("cpu")?;
    let _container = host.run(&["probe", "hold"]).hold()?;
    expect_group(host, &hierarchy).map(drop)
}

/// A file of a group must hold this.
pub(super) fn expect_value(group: &Path, file: &str, expected: &str, option: &str) -> Outcome {
    let path = group.join(file);
    let found = procfs::read_text(&path)?;
    if found.trim_end() == expected {
        return Ok(());
    }
    Err(Failure::seen(format!("{}, {option}", found.trim_end()))
        .expected(format!("{expected} in {file}, {option}"))
        .at(path.display().to_string())
        .into())
}

fn shares(host: &Host) -> Outcome {
    let hierarchy = hierarchy("cpu")?;
    // (--cpu-shares, cpu.weight of version 2, cpu.shares of version 1)
    let cases = [
        (None, "100", "1024"),
        (Some("256"), "35", "256"),
        (Some("2"), "1", "2"),
        (Some("262144"), "10000", "262144"),
    ];
    for (shares, v2, v1) in cases {
        let mut invocation = host.run(&["probe", "hold"]);
        let mut option = "without the option".to_owned();
        if let Some(shares) = shares {
            invocation = invocation.option("--cpu-shares").option(shares);
            option = format!("with --cpu-shares {shares}");
        }
        let container = invocation.hold()?;
        let group = expect_group(host, &hierarchy)?;
        match hierarchy.version {
            Version::V1 => expect_value(&group, "cpu.shares", v1, &option)?,
            Version::V2 => expect_value(&group, "cpu.weight", v2, &option)?,
        }
        container.end()?;
        // One that was not removed is another check's matter.
        let _ = fs::remove_dir(group);
    }
    Ok(())
}

fn two_groups(host: &Host) -> Outcome {
    let hierarchy = hierarchy("cpu")?;
    let _one = host.run(&["probe", "hold"]).hold()?;
    let first = groups(&hierarchy);
    let _two = host.run(&["probe", "hold"]).hold()?;
    let both = groups(&hierarchy);
    let ids: BTreeSet<String> = left_in_store(host)?.into_iter().collect();
    if both == ids && first.is_subset(&both) && both.len() == 2 {
        return Ok(());
    }
    let names = |set: BTreeSet<String>| procfs::few(set.into_iter().collect(), 4);
    Err(
        Failure::seen(format!("with two containers: {}", names(both)))
            .expected(format!("a group for each of them: {}", names(ids)))
            .at(parent(&hierarchy).display().to_string())
            .into(),
    )
}

/// What a line of `/proc/PID/cgroup` says about a hierarchy.
pub(super) fn path_in(text: &str, hierarchy: &Hierarchy, controller: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, names, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is_it = match hierarchy.version {
            Version::V1 => names.split(',').any(|name| name == controller),
            Version::V2 => number == "0",
        };
        is_it.then(|| path.to_owned())
    })
}

/// All that is below the level's process, and nobody else, must be in the group.
pub(super) fn expect_members(host: &Host, container: &Container, controller: &str) -> Outcome {
    let hierarchy = hierarchy(controller)?;
    let group = expect_group(host, &hierarchy)?;
    let file = container.proc("cgroup");
    let path = path_in(&procfs::read_text(&file)?, &hierarchy, controller).unwrap_or_default();
    let id = group.file_name().unwrap_or_default().to_string_lossy();
    let wanted = format!("/{PARENT}/{id}");
    if path != wanted {
        return Err(Failure::seen(format!("the command is in {path}"))
            .expected(format!("the command is in {wanted}"))
            .at(file.display().to_string())
            .into());
    }

    let list = group.join("cgroup.procs");
    let text = procfs::read_text(&list)?;
    let members: BTreeSet<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let parents = procfs::parents();
    let level = container.level();
    let is_below = |pid: i32| {
        let above =
            std::iter::successors(parents.get(&pid).copied(), |it| parents.get(it).copied());
        above.into_iter().any(|it| it == level)
    };
    let processes: BTreeSet<i32> = parents.keys().copied().filter(|&it| is_below(it)).collect();
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected(format!(
                "the container's processes and no others: {processes:?}"
            ))
            .at(list.display().to_string())
    };
    if members.contains(&level) {
        return Err(
            failure(format!("the level's own process, {level}, is in it"))
                .usually(
                    "the parent has joined, before the fork: what it does for the container is \
                 limited then, and the group is in use when it is to be removed",
                )
                .into(),
        );
    }
    if members != processes {
        return Err(failure(format!("in it are {members:?}"))
            .usually(
                "the command was moved after it had been started: what it had started by then \
                 stays outside. Who joins before exec takes all that come later along",
            )
            .into());
    }
    Ok(())
}

fn members(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    // With a child that was there before anybody could look.
    let command = ["probe", "start", "pause", "then", "hold"];
    let container = host.run(&command).hold()?;
    expect_members(host, &container, "cpu")
}

/// Seen from the container's cgroup namespace, its group must be `/`.
pub(super) fn expect_namespace_root(container: &Container, controller: &str) -> Outcome {
    let hierarchy = hierarchy(controller)?;
    let file = container.proc("cgroup");
    let look = || fs::read_to_string(&file).unwrap_or_default();
    let text = namespace::look_into(container.pid, CloneFlags::CLONE_NEWCGROUP, look)?;
    let path = path_in(&text, &hierarchy, controller).unwrap_or_default();
    if path == "/" {
        return Ok(());
    }
    Err(Failure::seen(format!("{path} is its path there"))
        .expected("the container's group is / in its cgroup namespace")
        .at(format!(
            "{}, read in the container's cgroup namespace",
            file.display()
        ))
        .usually("the namespace was made before the group was joined: / is where one was then")
        .into())
}

fn own_namespace(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    let container = host.run(&["probe", "hold"]).hold()?;
    namespace::expect_own(&container, "cgroup", "cgroup")?;
    expect_namespace_root(&container, "cpu")
}

/// Neither a group nor a directory of a container's may be left.
pub(super) fn expect_nothing_left(host: &Host, controller: &str, after: &str) -> Outcome {
    let hierarchy = hierarchy(controller)?;
    let left = groups(&hierarchy);
    if !left.is_empty() {
        let names = procfs::few(left.into_iter().collect(), 4);
        return Err(Failure::seen(format!("left after {after}: {names}"))
            .expected("no group of a container's is left")
            .at(parent(&hierarchy).display().to_string())
            .into());
    }
    let left = left_in_store(host)?;
    if !left.is_empty() {
        let names = procfs::few(left, 4);
        return Err(Failure::seen(format!("left after {after}: {names}"))
            .expected("no directory of a container's is left")
            .at(host.store().display().to_string())
            .into());
    }
    Ok(())
}

fn removed(host: &Host) -> Outcome {
    let hierarchy = hierarchy("cpu")?;
    let commands = [
        (&["probe", "start", "pause", "then", "exit", "0"][..], 0),
        (&["no-such-command"][..], 127),
    ];
    for (command, status) in commands {
        let ended = host.run(command).finish()?;
        expect_nothing_left(host, "cpu", &format!("`{}`", ended.line))?;
        if ended.code() != Some(status) {
            let expected = format!("`{}` ends with status {status}", ended.line);
            return Err(ended.wrong_status().expected(expected).into());
        }
    }
    let parent = parent(&hierarchy);
    if parent.exists() {
        return Ok(());
    }
    Err(Failure::seen("rubber-docker is gone, too")
        .expected("rubber-docker, in which the groups are, stays")
        .at(parent.display().to_string())
        .usually(
            "removing it races with another container that is just being started, and about to \
             make its own group in there",
        )
        .into())
}

/// The runtime must refuse, with status 125, and leave nothing.
pub(super) fn expect_refusal(host: &Host, invocation: Invocation, controllers: &[&str]) -> Outcome {
    let ended = invocation.finish()?;
    if ended.code() != Some(125) {
        return Err(Failure::seen(ended.describe())
            .expected(format!("`{}` ends with status 125", ended.line))
            .at("wait status of the level's process")
            .into());
    }
    controllers.iter().try_for_each(|controller| {
        expect_nothing_left(host, controller, &format!("`{}`", ended.line))
    })
}

fn no_such_share(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    for shares in ["1", "262145", "-5", "half"] {
        let invocation = host.run(&["probe", "exit", "0"]);
        let invocation = invocation.option("--cpu-shares").option(shares);
        expect_refusal(host, invocation, &["cpu"])?;
    }
    Ok(())
}

fn read_only(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    // So that rubber-docker is there: what cannot be made then is the container's own.
    host.run(&["probe", "exit", "0"]).finish()?;
    let read_only = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    for hierarchy in cgroups::hierarchies().unwrap_or_default() {
        linux_sys::mount_setattr(&hierarchy.top, false, read_only)
            .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    }
    expect_refusal(host, host.run(&["probe", "exit", "0"]), &["cpu"])
}
