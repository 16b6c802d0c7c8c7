//! Level 15: devices that do not open, by a program that the kernel asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use linux_sys::{Errno, MntFlags, MountAttr, MountAttrFlags};

use super::l08::expect_refusal;
use super::l10::hold_with;
use super::{moments, refusals};
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::seccomp_supervisor::Supervised;
use crate::{calls, procfs};
use sandbox::cgroups::{self, Hierarchy, Version};
use sandbox::wait::await_that;

const ATTACHED: &str =
    "a device program is attached to the container's group while it is there, and to no other";
const MADE: &str = "a node of any device can be made, with --cap-add MKNOD";
const LISTED: &str = "the nine devices of the list open, through any node";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 15,
    checks: &[
        Check {
            name: ATTACHED,
            step: 3,
            usually: "bpf_prog_attach is missing: a program that is only loaded is asked by nobody, and \
                      gone with its descriptor",
            needs: &[],
            run: attached,
        },
        Check {
            name: "the program is attached before the command starts",
            step: 3,
            usually: "it is attached after the child was started: which of the two comes first is a \
                      matter of luck, and what is open by then stays open",
            needs: &[],
            run: in_time,
        },
        Check {
            name: MADE,
            step: 1,
            usually: "the program is asked for mknod as well: without a bit for reading or writing \
                      the answer is 1",
            needs: &[],
            run: made,
        },
        Check {
            name: LISTED,
            step: 2,
            usually: "no comparison ends at `answer(true)` for it: a jump leaves out too much, or goes \
                      by the wrong register",
            needs: &[MADE],
            run: listed,
        },
        Check {
            name: "no other character device opens, for reading or for writing",
            step: 2,
            usually: "a comparison is left out, or its jump leads into `answer(true)` and not behind it",
            needs: &[MADE],
            run: others,
        },
        Check {
            name: "no block device opens, whatever its numbers",
            step: 2,
            usually: "r3 is not compared: block 1:3 is a memory disk, and not /dev/null",
            needs: &[MADE],
            run: blocks,
        },
        Check {
            name: "what the command starts is bound as well, in whatever group below its own",
            step: 3,
            usually: "the program belongs on the container's group itself: it counts for the groups \
                      below, and for all that is ever in them",
            needs: &[MADE],
            run: bound,
        },
        Check {
            name: "where no hierarchy of version 2 is, --cap-add MKNOD is an error",
            step: 3,
            usually: "without a group to attach to, the right to make nodes is the right to open every \
                      disk: `guard` returns an error for it",
            needs: &[],
            run: without_a_place,
        },
        refusals::check(
            "a container whose devices cannot be limited does not run",
            3,
            |host| unified().and_then(|_| refusals::stop_the_command(host, 15, &[])),
        ),
    ],
    calls: &[
        ("mknod(", "EPERM", 1),
        ("bpf(BPF_PROG_LOAD", "", 2),
        ("bpf(BPF_PROG_ATTACH", "", 3),
    ],
};

/// The hierarchy of version 2, where the kernel can ask programs about devices.
fn unified() -> Result<Hierarchy, Finding> {
    let skip =
        |why: String| Finding::Skip(format!("{why}; `cargo workshop doctor` says what helps"));
    if let Some(why) = cgroups::problem() {
        return Err(Finding::Skip(why.to_owned()));
    }
    let all = cgroups::all().unwrap_or_default();
    let Some(unified) = all.into_iter().find(|it| it.version == Version::V2) else {
        return Err(skip(
            "no control groups of version 2 are mounted".to_owned(),
        ));
    };
    let asked = File::open(&unified.top).map(linux_sys::bpf_prog_query);
    match asked {
        Ok(Ok(_)) => Ok(unified),
        Ok(Err(why)) => Err(skip(why.to_string())),
        Err(why) => Err(skip(format!("{}: {why}", unified.top.display()))),
    }
}

/// The programs of each group that has some.
fn programs(hierarchy: &Hierarchy) -> BTreeMap<PathBuf, Vec<u32>> {
    let mut all = BTreeMap::new();
    let mut todo = vec![hierarchy.top.clone()];
    while let Some(group) = todo.pop() {
        if let Ok(Ok(programs)) = File::open(&group).map(linux_sys::bpf_prog_query)
            && !programs.is_empty()
        {
            all.insert(group.clone(), programs);
        }
        let entries = fs::read_dir(&group).into_iter().flatten().flatten();
        let directories = entries.filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
        todo.extend(directories.map(|it| it.path()));
    }
    all
}

/// The group of a process.
fn group(hierarchy: &Hierarchy, pid: i32) -> Result<PathBuf, Failure> {
    let text = procfs::read_text(procfs::path(pid, "cgroup"))?;
    let group = hierarchy.group_in(&text).unwrap_or("/");
    Ok(hierarchy.top.join(group.trim_start_matches('/')))
}

fn shown(hierarchy: &Hierarchy, group: &Path) -> String {
    let below = group.strip_prefix(&hierarchy.top).unwrap_or(group);
    calls::without_ids(&format!("/{}", below.display()))
}

fn attached(host: &Host) -> Outcome {
    let hierarchy = unified()?;
    for options in [&[][..], &["--cap-add", "MKNOD"]] {
        let before = programs(&hierarchy);
        let container = hold_with(host, options)?;
        let own = group(&hierarchy, container.pid)?;
        let mut now = programs(&hierarchy);
        let of_container = now.remove(&own).unwrap_or_default();
        now.retain(|group, programs| before.get(group) != Some(programs));
        let others: Vec<String> = now.keys().map(|it| shown(&hierarchy, it)).collect();
        let seen = match (of_container.is_empty(), others.is_empty()) {
            (false, true) => None,
            (true, true) => Some("no group has a new one".to_owned()),
            (true, false) => Some(format!(
                "the container's group has none, and {} has one",
                procfs::few(others, 3)
            )),
            (false, false) => Some(format!("{} has one, too", procfs::few(others, 3))),
        };
        if let Some(seen) = seen {
            let failure = Failure::seen(seen)
                .expected(format!(
                    "{} has a program about devices, and no other group has a new one",
                    shown(&hierarchy, &own)
                ))
                .at(format!(
                    "bpf(BPF_PROG_QUERY) of the groups in {}",
                    hierarchy.top.display()
                ));
            return Err(match now.is_empty() {
                true => failure,
                false => failure.usually(
                    "the program is on a group above: then it is asked for every container, and \
                     stays when this one has ended. The last part of the path is the id",
                ),
            }
            .into());
        }
        container.end()?;
        // A group goes in its own time.
        let is_there = |id: &u32| linux_sys::bpf_prog_get_fd_by_id(*id).is_ok();
        if !await_that(|| !of_container.iter().any(is_there)) {
            return Err(Failure::seen("the program is still there, without a group")
                .expected("nothing has it any more when the container has ended")
                .at("bpf(BPF_PROG_GET_FD_BY_ID)")
                .into());
        }
    }
    Ok(())
}

fn in_time(host: &Host) -> Outcome {
    let hierarchy = unified()?;
    let chosen = calls::numbers(&[calls::BIRTHS, calls::EXECS, calls::ISOLATING]);
    let mut level = Supervised::start(host.run(&["probe", "exit", "0"]), &chosen)?;
    let (start, held) = moments::until_start(&mut level)?;
    let Some(start) = start else {
        return Err(level.end()?.failed_to_start().into());
    };
    let own = group(&hierarchy, start.pid)?;
    let has_one = programs(&hierarchy).contains_key(&own);
    held.iter().for_each(|call| level.go_on(call));
    level.go_on(&start);
    level.end()?;
    if has_one {
        return Ok(());
    }
    Err(
        Failure::seen("the command is about to start, and its group has no program yet")
            .expected("the kernel is asked about all that the command ever opens")
            .at("bpf(BPF_PROG_QUERY) of its group, while execve waits")
            .into(),
    )
}

fn made(host: &Host) -> Outcome {
    unified()?;
    let command = "probe try mknod /kmsg c 1 11 then try mknod /disk b 8 0 then \
                   try mknod /dev/fuse c 10 229 then hold";
    let command: Vec<&str> = command.split_whitespace().collect();
    let with = ["--cap-add", "MKNOD"];
    let container = with
        .iter()
        .fold(host.run(&command), |run, option| run.option(option))
        .hold()?;
    let wanted = [
        ("kmsg", false, (1, 11)),
        ("disk", true, (8, 0)),
        ("dev/fuse", false, (10, 229)),
    ];
    for (path, is_block, (major, minor)) in wanted {
        let node = container.inside(path);
        let found = node.symlink_metadata();
        let is_it = found.is_ok_and(|it| {
            it.rdev() == linux_sys::makedev(major, minor)
                && it.file_type().is_block_device() == is_block
        });
        if !is_it {
            return Err(Failure::seen(format!(
                "mknod has made no /{path}: {}",
                container.errors()
            ))
            .expected(format!("a node of {major}:{minor}"))
            .at(node.display().to_string())
            .into());
        }
    }
    Ok(())
}

/// A kind and its numbers, as `opens` of the probe takes them.
type Device = (&'static str, u32, u32);

/// What came of a device: of mknod, of an open for reading, one for writing, and one for both.
type Results = [i32; 4];

/// Makes nodes of these and opens them, in a container that may make nodes.
fn tried<'a>(
    host: &'a Host,
    devices: &[Device],
) -> Result<(Container<'a>, Vec<(Device, Results)>), Finding> {
    let mut command = vec!["probe".to_owned()];
    for (kind, major, minor) in devices {
        command.extend(["opens".into(), "/report".into(), (*kind).to_owned()]);
        command.extend([major.to_string(), minor.to_string(), "then".into()]);
    }
    command.push("hold".into());
    let run = host.run(&command);
    let container = run.option("--cap-add").option("MKNOD").hold()?;
    let lines = report(&container, "report")?;
    let results = devices.iter().copied().zip(lines).collect();
    Ok((container, results))
}

/// What the probe has written to a file there. It is a file, and not a report of the level's.
fn report(container: &Container, file: &str) -> Result<Vec<Results>, Failure> {
    let path = container.inside(file);
    let text = procfs::read_text(&path)?;
    let line = |line: &str| {
        let words: Vec<i32> = line.split(' ').filter_map(|it| it.parse().ok()).collect();
        words.try_into().ok()
    };
    let lines: Option<Vec<Results>> = text.lines().map(line).collect();
    lines.ok_or_else(|| Failure::unreadable(&path, format!("{text:?}")))
}

const NOT_ALLOWED: i32 = Errno::EPERM as i32;
/// What `nodev` says.
const NO_DEVICES: i32 = Errno::EACCES as i32;

fn name((kind, major, minor): Device) -> String {
    let kind = if kind == "b" { "block" } else { "character" };
    format!("the {kind} device {major}:{minor}")
}

fn listed(host: &Host) -> Outcome {
    unified()?;
    let list = [
        ("c", 1, 3),
        ("c", 1, 5),
        ("c", 1, 7),
        ("c", 1, 8),
        ("c", 1, 9),
        ("c", 5, 0),
        ("c", 5, 1),
        ("c", 5, 2),
        ("c", 136, 0),
        ("c", 136, 5),
        ("c", 136, 3000),
    ];
    let (container, results) = tried(host, &list)?;
    for (device, [_, opened @ ..]) in results {
        // A terminal that there is not says ENXIO, EIO or so: the kernel has looked for it, at least.
        if opened.contains(&NOT_ALLOWED) || opened.contains(&NO_DEVICES) {
            return Err(Failure::seen(format!(
                "{} does not open: {:?}",
                name(device),
                Errno::from_raw(opened[0])
            ))
            .expected("it is on the list, and opens for reading and for writing")
            .at(container.inside("report").display().to_string())
            .into());
        }
    }
    container.end()?;
    in_dev(host)
}

/// The same in the container's own /dev, without an option and seen from outside.
fn in_dev(host: &Host) -> Outcome {
    let names = ["null", "zero", "full", "random", "urandom", "ptmx"];
    let numbers = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 2)];
    let mut command = vec!["probe".to_owned()];
    for name in names {
        command.extend([
            "try".into(),
            "keep".into(),
            format!("/dev/{name}"),
            "then".into(),
        ]);
    }
    command.push("hold".into());
    let container = host.run(&command).hold()?;
    let open = open_devices(&container)?;
    for (name, (major, minor)) in names.iter().zip(numbers) {
        if !open.contains(&linux_sys::makedev(major, minor)) {
            return Err(Failure::seen(format!(
                "the command cannot open /dev/{name}: {}",
                container.errors()
            ))
            .expected(format!("it has {major}:{minor} open"))
            .at(container.proc("fd").display().to_string())
            .into());
        }
    }
    Ok(())
}

/// The numbers of the character devices that a command has open.
fn open_devices(container: &Container) -> Result<BTreeSet<u64>, Failure> {
    let directory = container.proc("fd");
    let entries = fs::read_dir(&directory).map_err(|why| Failure::unreadable(&directory, why))?;
    let files = entries
        .flatten()
        .filter_map(|it| fs::metadata(it.path()).ok());
    let devices = files.filter(|it| it.file_type().is_char_device());
    Ok(devices.map(|it| it.rdev()).collect())
}

fn expect_none(container: &Container, results: Vec<(Device, Results)>) -> Outcome {
    for (device, [_, opened @ ..]) in results {
        let ways = ["for reading", "for writing", "for both"];
        let wrong: Vec<String> = ways
            .iter()
            .zip(opened)
            .filter(|(_, errno)| *errno != NOT_ALLOWED)
            .map(|(way, errno)| match errno {
                0 => format!("opens {way}"),
                errno => format!("gives {:?} {way}", Errno::from_raw(errno)),
            })
            .collect();
        if wrong.is_empty() {
            continue;
        }
        let failure = Failure::seen(format!("{} {}", name(device), procfs::few(wrong, 3)))
            .expected("EPERM from each open: what is not on the list is not asked for further")
            .at(container.inside("report").display().to_string());
        let is_not_named = |major: u32| device.1 == major && device.0 == "c";
        let of_one_way = opened.contains(&NOT_ALLOWED);
        return Err(match () {
            // To read the kernel's log takes a capability as well.
            () if of_one_way && device != ("c", 1, 11) => failure.usually(
                "the answer goes by reading or by writing: the bits of r2 only tell an open from \
                 a mknod, and an open is allowed or not",
            ),
            () if is_not_named(1) || is_not_named(5) => failure.usually(
                "the minor number is not compared, or the jump behind the comparison is one too \
                 short and lands in `answer(true)`: behind it are the comparisons that are left, \
                 and two instructions more",
            ),
            () => failure,
        }
        .into());
    }
    Ok(())
}

fn others(host: &Host) -> Outcome {
    unified()?;
    // Neighbours of what is on the list, its numbers turned around, and what is worth the trouble.
    let list = [
        ("c", 1, 11),
        ("c", 1, 1),
        ("c", 1, 2),
        ("c", 1, 4),
        ("c", 1, 6),
        ("c", 1, 10),
        ("c", 1, 0),
        ("c", 5, 3),
        ("c", 5, 64),
        ("c", 3, 1),
        ("c", 2, 3),
        ("c", 135, 0),
        ("c", 137, 0),
        ("c", 10, 229),
        ("c", 257, 3),
        ("c", 1, 259),
    ];
    let (container, results) = tried(host, &list)?;
    expect_none(&container, results)?;
    container.end()?;

    // The same, as an open file would show.
    let words = "probe try device 1 11 . /dev then hold";
    let command: Vec<&str> = words.split(' ').collect();
    let run = host.run(&command);
    let container = run.option("--cap-add").option("MKNOD").hold()?;
    if open_devices(&container)?.contains(&linux_sys::makedev(1, 11)) {
        return Err(Failure::seen(
            "the command has the character device 1:11 open, the kernel's log",
        )
        .expected("no descriptor of it")
        .at(container.proc("fd").display().to_string())
        .into());
    }
    Ok(())
}

fn blocks(host: &Host) -> Outcome {
    unified()?;
    let list = [
        ("b", 1, 3),
        ("b", 1, 5),
        ("b", 1, 9),
        ("b", 5, 0),
        ("b", 136, 0),
        ("b", 7, 0),
        ("b", 8, 0),
    ];
    let (container, results) = tried(host, &list)?;
    expect_none(&container, results).map_err(|why| why.usually(None))
}

fn bound(host: &Host) -> Outcome {
    let hierarchy = unified()?;
    let words = "probe start opens /forked c 1 11 then subgroup below then opens /below c 1 11 \
                 then hold";
    let command: Vec<&str> = words.split_whitespace().collect();
    // To mount the groups takes more than the right to make nodes.
    let run = host.run(&command);
    let container = run.option("--cap-add").option("ALL").hold()?;
    let own = group(&hierarchy, container.pid)?;
    if !own.ends_with("below") {
        return Err(Failure::seen(format!(
            "the command is in the group {}",
            shown(&hierarchy, &own)
        ))
        .expected("in a group that it has made itself, in the container's")
        .at(container.proc("cgroup").display().to_string())
        .into());
    }
    await_that(|| report(&container, "forked").is_ok_and(|lines| !lines.is_empty()));
    for (file, who) in [
        ("forked", "a child of the command"),
        (
            "below",
            "the command, in a group that it has made in the container's,",
        ),
    ] {
        let lines = report(&container, file)?;
        let [[0, opened @ ..]] = lines[..] else {
            return Err(
                Failure::seen(format!("mknod of {who} has failed: {lines:?}"))
                    .at(container.inside(file).display().to_string())
                    .into(),
            );
        };
        if opened.iter().any(|errno| *errno != NOT_ALLOWED) {
            return Err(
                Failure::seen(format!("{who} opens the character device 1:11"))
                    .expected("EPERM, as the command itself gets it in the container's group")
                    .at(container.inside(file).display().to_string())
                    .into(),
            );
        }
    }
    Ok(())
}

fn without_a_place(host: &Host) -> Outcome {
    unified()?;
    let mounts = host.mounts()?;
    let has_version_1 = mounts.iter().any(|it| it.fstype == "cgroup");
    let read_only = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    // This mount namespace is the check's own.
    for mount in mounts.iter().filter(|it| it.fstype == "cgroup2") {
        match has_version_1 {
            true => linux_sys::umount2(&mount.point, MntFlags::MNT_DETACH),
            // Without any the checks could not look. In many a container it is like this.
            false => linux_sys::mount_setattr(&mount.point, false, read_only),
        }
        .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    }
    for name in ["MKNOD", "ALL"] {
        let run = host.run(&["probe", "exit", "0"]);
        expect_refusal(host, run.option("--cap-add").option(name))?;
    }
    Ok(())
}
