//! Level 08: a control group of its own, and a share of the processor.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use linux_sys::{CloneFlags, MountAttr, MountAttrFlags};

use super::l00::IN_A_CHILD;
use super::l01::left_in_store;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::group_limits::Changed;
use crate::host::{FOR_ROOT, Host, Invocation};
use crate::{group_limits, namespace, procfs};
use sandbox::cgroups::{self, Hierarchy, Version};

/// The group at the top of a hierarchy that all containers' groups are in.
const PARENT: &str = "rubber-docker";

const STAYED: &str = "the group of an earlier container was not removed: step 4 of level 08, rmdir of \
                      each of the groups, in whatever hierarchy and with whatever limit";

const GROUP: &str = "a control group named after the container is there while it runs";
const EVERYWHERE: &str = "in each hierarchy of the machine the command is in the container's group";
const UNASKED: &str = "no limit is set that nobody has asked for";
const MEMBERS: &str = "the container's processes are in its control group, and nobody else is";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 8,
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
            usually: "the limits were not written, or not before the command was started, or not to \
                      the container's own group: each of `limits` is a file and what belongs into it",
            needs: &[],
            run: shares,
        },
        Check {
            name: UNASKED,
            step: 1,
            usually: "what no option has asked for stays as the kernel has it: a limit of your own \
                      belongs behind an option of its own, in the container's own group",
            needs: &[],
            run: unasked,
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
            usually: "no process has joined: write 0, which stands for the writer, to cgroup.procs \
                      of the group, in the child and before exec",
            needs: &[],
            run: members,
        },
        Check {
            name: EVERYWHERE,
            step: 2,
            usually: "a group was made or joined for some of `groups` and not for all: where the \
                      container stays in its caller's group, it can kill and freeze what is there",
            needs: &[MEMBERS],
            run: everywhere,
        },
        Check {
            name: "from a user namespace of its own it has no hold on its caller's groups",
            step: 2,
            usually: "the caller's group is the / of the cgroup namespace in a hierarchy in which \
                      the container has none: join one in each of `groups`, and then unshare",
            needs: &[MEMBERS],
            run: no_hold,
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
            usually: "rmdir of each of the groups is missing, or comes while a process is still in \
                      one",
            needs: &[],
            run: removed,
        },
        Check {
            name: "groups that were made in the container's own go with it, and the status stays",
            step: 4,
            usually: "rmdir refuses a group that has groups, and the container may have made some: \
                      `given::remove_groups` removes them from the leaves up",
            needs: &[],
            run: groups_in_it,
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
        refusals::check(
            "a container that cannot be put into its group does not run",
            2,
            refused_calls,
        ),
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
    let parent = hierarchy.top.join(PARENT);
    // The root of a user namespace has one of its own in there.
    match crate::asked_with::asked_with()
        .iter()
        .any(|it| it == "--userns")
    {
        true => parent.join(FOR_ROOT.to_string()),
        false => parent,
    }
}

/// The groups below `rubber-docker`, by name.
pub(super) fn groups(hierarchy: &Hierarchy) -> BTreeSet<String> {
    let entries = fs::read_dir(parent(hierarchy)).into_iter().flatten();
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        // Where the parents of a user namespace's containers are.
        .filter(|name| name != "parents")
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
    let failure = match expected.first() {
        Some(id) if found == expected && expected.len() == 1 => return Ok(parent.join(id)),
        _ => Failure::seen(format!("groups there: {}", names(&found)))
            .expected(format!(
                "one group, called by the container's id: {}",
                names(&expected)
            ))
            .at(parent.display().to_string()),
    };
    // Its own group is there, and so is that of a container that has ended.
    Err(match !expected.is_empty() && found.is_superset(&expected) {
        true => failure.usually(STAYED),
        false => failure,
    }
    .into())
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
        // The ends, and what is no power of two.
        (Some("2"), "1", "2"),
        (Some("70001"), "3198", "70001"),
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
        let (file, expected) = match hierarchy.version {
            Version::V1 => ("cpu.shares", v1),
            Version::V2 => ("cpu.weight", v2),
        };
        let found = procfs::read_text(group.join(file))?;
        let usually = match (shares, found.trim_end()) {
            (None, _) => Some(
                "without --cpu-shares nothing is written: then the kernel's own number stays, and \
                 the container is worth as much as any other group",
            ),
            (Some("70001"), "4465" | "325") => Some(
                "the number was cut to 16 bits: shares go up to 262144, and `options.cpu_shares` is \
                 a u64",
            ),
            // What a group begins with: nothing was written to it.
            (Some(_), "100" | "1024") => None,
            (Some(_), _) => Some(
                "another number was written than was asked for: a rounded one, or one in the other \
                 version's unit, which is shares on version 1 and a weight on version 2",
            ),
        };
        expect_value(&group, file, expected, &option).map_err(|why| why.usually(usually))?;
        container.end()?;
        // One that was not removed is another check's matter.
        let _ = fs::remove_dir(group);
    }
    Ok(())
}

/// Neither the container's groups nor those above them may have a limit that is not among
/// the files `asked` for.
pub(super) fn expect_no_more(host: &Host, asked: &[&str], option: &str) -> Outcome {
    let id = left_in_store(host)?.concat();
    for hierarchy in all_hierarchies()? {
        let parent = parent(&hierarchy);
        for (group, asked) in [(parent.join(&id), asked), (parent, &[])] {
            // One that is missing is another check's matter.
            if !group.exists() {
                continue;
            }
            let changed = group_limits::changed(&group, asked)
                .map_err(|why| Failure::unreadable(&group, why).elsewhere())?;
            if let Some(limit) = changed.into_iter().find(|it| !is_given(&group, &it.file)) {
                return Err(not_asked(host, &group, &limit, option).into());
            }
        }
    }
    Ok(())
}

/// Version 1's cpuset takes no process into a group without a processor: the level gives
/// rubber-docker those of the top.
fn is_given(group: &Path, file: &str) -> bool {
    group.ends_with(PARENT) && ["cpuset.cpus", "cpuset.mems"].contains(&file)
}

fn not_asked(host: &Host, group: &Path, limit: &Changed, option: &str) -> Failure {
    let file = &limit.file;
    // A file with a line for each disk has none at first.
    let shown = |text: &str| match text {
        "" => "no line".to_owned(),
        text => text.to_owned(),
    };
    let failure = Failure::seen(format!("{} in {file}, {option}", shown(&limit.found)))
        .expected(format!(
            "{} in {file}, as in a group that was just made: no option has asked for another limit",
            shown(&limit.usual)
        ))
        .at(group.join(file).display().to_string());
    if group.ends_with(PARENT) {
        return failure.usually(
            "it was written to rubber-docker, the group above: there it holds for all containers \
             together, and stays when they are gone. A limit belongs into the container's own group",
        );
    }
    if file.starts_with("cpu.cfs_") || file.starts_with("cpu.max") {
        return failure.usually(
            "a share is no ceiling: it holds no process back while there is time to spare, and a \
             quota does, on an idle machine too. --cpu-shares is cpu.shares, or cpu.weight, and \
             nothing else",
        );
    }
    let failure = failure.usually(
        "what no option has asked for stays as the kernel has it: a limit of your own belongs behind \
         an option of its own",
    );
    let has_memory = host.judged() >= 9 && file.starts_with("memory.");
    match file.contains("swap") || file.contains("memsw") {
        true if has_memory => failure.step(9, 3),
        false if has_memory => failure.step(9, 2),
        _ => failure,
    }
}

fn unasked(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    for shares in [None, Some("2"), Some("262144")] {
        let mut invocation = host.run(&["probe", "hold"]);
        let mut option = "without any option".to_owned();
        if let Some(shares) = shares {
            invocation = invocation.option("--cpu-shares").option(shares);
            option = format!("with --cpu-shares {shares} alone");
        }
        let container = invocation.hold()?;
        let asked: &[&str] = match shares {
            Some(_) => &["cpu.shares", "cpu.weight"],
            None => &[],
        };
        expect_no_more(host, asked, &option)?;
        container.end()?;
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

/// All processes below the level's, and no others, must be in the group.
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
    // With a child that the command started before the check could look.
    let command = ["probe", "start", "pause", "then", "hold"];
    let container = host.run(&command).hold()?;
    expect_members(host, &container, "cpu")
}

fn everywhere(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    let hierarchies = all_hierarchies()?;
    if let [one] = &hierarchies[..] {
        let why = format!("{} is the only hierarchy of the sandbox", one.top.display());
        return Err(Finding::Skip(why));
    }
    let container = host.run(&["probe", "hold"]).hold()?;
    let wanted = format!("/{PARENT}/{}", left_in_store(host)?.concat());
    let file = container.proc("cgroup");
    let text = procfs::read_text(&file)?;
    let elsewhere: Vec<String> = hierarchies
        .iter()
        .filter_map(|it| Some((it, it.group_in(&text)?)))
        .filter(|(_, group)| *group != wanted)
        .map(|(it, group)| format!("{group} in {}", it.top.display()))
        .collect();
    if elsewhere.is_empty() {
        return Ok(());
    }
    Err(Failure::seen(procfs::few(elsewhere, 6))
        .expected(format!("{wanted} in each hierarchy"))
        .at(file.display().to_string())
        .into())
}

fn all_hierarchies() -> Result<Vec<Hierarchy>, Finding> {
    let all = cgroups::all();
    Ok(all.map_err(|why| Failure::unreadable("/proc/self/mountinfo", why).elsewhere())?)
}

/// The files by which a group ends or stops all processes in it.
const GRIPS: [&str; 3] = ["cgroup.kill", "cgroup.freeze", "freezer.state"];

/// Puts this process, and so the level's, into a group of the caller's in each hierarchy.
/// Returns the files there that the command must not get hold of.
pub(crate) fn caller_grips() -> Result<Vec<PathBuf>, Finding> {
    let mut grips = Vec::new();
    for hierarchy in all_hierarchies()? {
        let group = hierarchy.top.join("caller");
        let join = || {
            fs::create_dir(&group)?;
            for file in ["cpuset.cpus", "cpuset.mems"] {
                // Version 1's: a group without a processor takes no process (cpuset(7)).
                let all = fs::read_to_string(hierarchy.top.join(file)).unwrap_or_default();
                if group.join(file).exists() {
                    fs::write(group.join(file), all.trim())?;
                }
            }
            fs::write(group.join("cgroup.procs"), "0")
        };
        join().map_err(|why| Failure::unreadable(&group, why).elsewhere())?;
        let files = GRIPS.map(|file| group.join(file));
        grips.extend(files.into_iter().filter(|file| file.exists()));
    }
    Ok(grips)
}

/// Those of the files that a process has open.
pub(crate) fn gripped(pid: i32, grips: &[PathBuf]) -> Vec<String> {
    let identity = |path: PathBuf| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    let descriptors = fs::read_dir(procfs::path(pid, "fd"));
    let open: BTreeSet<(u64, u64)> = descriptors
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| identity(entry.path()))
        .collect();
    let is_open = |file: &&PathBuf| identity((*file).clone()).is_some_and(|it| open.contains(&it));
    grips
        .iter()
        .filter(is_open)
        .map(|file| file.display().to_string())
        .collect()
}

fn no_hold(host: &Host) -> Outcome {
    let grips = caller_grips()?;
    let command = [
        "probe",
        "try",
        "own-groups",
        "then",
        "try",
        "grip",
        "then",
        "hold",
    ];
    let container = host.run(&command).hold()?;
    let gripped = gripped(container.pid, &grips);
    if gripped.is_empty() {
        return Ok(());
    }
    Err(
        Failure::seen(format!("open for writing: {}", procfs::few(gripped, 4)))
            .expected("none of the files by which the caller's groups are killed or frozen")
            .at(container.proc("fd").display().to_string())
            .into(),
    )
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
pub(super) fn expect_nothing_left(host: &Host, after: &str) -> Outcome {
    // Where the sandbox has no groups, no program has any to leave.
    let hierarchies = match cgroups::problem() {
        None => all_hierarchies()?,
        Some(_) => Vec::new(),
    };
    for hierarchy in hierarchies {
        let left = groups(&hierarchy);
        if !left.is_empty() {
            let names = procfs::few(left.into_iter().collect(), 4);
            return Err(Failure::seen(format!("left after {after}: {names}"))
                .expected("no group of a container's is left")
                .at(parent(&hierarchy).display().to_string())
                .into());
        }
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
        expect_nothing_left(host, &format!("`{}`", ended.line))?;
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

fn groups_in_it(host: &Host) -> Outcome {
    const STATUS: i32 = 3;
    hierarchy("cpu")?;
    let container = host.run(&["probe", "hold", "3"]).hold()?;
    // As a container does that has mounted a cgroup file system.
    let inner = the_group(host, "cpu")?.join("inner");
    for made in [inner.join("innermost"), inner.with_file_name("beside")] {
        fs::create_dir_all(&made).map_err(|why| Failure::unreadable(&made, why))?;
    }
    let ended = container.end()?;
    expect_nothing_left(host, &format!("`{}`", ended.line))?;
    if ended.code() == Some(STATUS) {
        return Ok(());
    }
    Err(Failure::seen(ended.describe())
        .expected("status 3, with which the command has ended")
        .at("wait status of the level's process")
        .into())
}

/// The runtime must refuse, with status 125, and leave nothing.
pub(super) fn expect_refusal(host: &Host, invocation: Invocation) -> Outcome {
    let ended = invocation.finish()?;
    if ended.code() != Some(125) {
        return Err(Failure::seen(ended.describe())
            .expected(format!("`{}` ends with status 125", ended.line))
            .at("wait status of the level's process")
            .into());
    }
    expect_nothing_left(host, &format!("`{}`", ended.line))
}

fn no_such_share(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    for shares in ["1", "262145", "-5", "half"] {
        let invocation = host.run(&["probe", "exit", "0"]);
        let invocation = invocation.option("--cpu-shares").option(shares);
        expect_refusal(host, invocation)?;
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
    expect_refusal(host, host.run(&["probe", "exit", "0"]))
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 8, &["--cpu-shares", "512"])
}
