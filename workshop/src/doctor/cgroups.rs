//! The control groups of levels 08 and 09.
//!
//! This follows `given::hierarchy`, which finds and prepares them for the levels, step
//! by step; only it looks where that acts.

use std::collections::BTreeSet;

use super::finding::{Finding, Levels, State, Topic, from};
use super::machine::{Machine, Mount};
use super::surroundings;

/// The group that all containers' groups are in.
const PARENT: &str = "rubber-docker";

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mounts = machine.mounts();
    vec![
        layout(&mounts),
        controller(machine, &mounts, "cpu", from(8)),
        controller(machine, &mounts, "memory", from(9)),
        swap(machine, &mounts),
    ]
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::ControlGroups, id, state, levels, summary)
}

/// Which versions there are. Both work; a reader of lesson 08 wants to know.
fn layout(mounts: &[Mount]) -> Finding {
    let points = |kind| {
        let of_kind = mounts.iter().filter(|mount| mount.kind == kind);
        of_kind
            .map(|mount| mount.point.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (v1, v2) = (points("cgroup"), points("cgroup2"));
    let summary = match (v1.is_empty(), v2.is_empty()) {
        (true, false) => "control groups are version 2, as the lessons teach them",
        (false, false) => "control groups are of both versions (hybrid)",
        (false, true) => "control groups are version 1",
        (true, true) => "no control groups are mounted",
    };
    let state = if v1.is_empty() && v2.is_empty() {
        State::Note
    } else {
        State::Fine
    };
    let mut found = finding("cgroup-layout", state, from(8), summary);
    for (kind, points) in [("cgroup2", v2), ("cgroup", v1)] {
        if !points.is_empty() {
            found = found.seen(format!("/proc/self/mountinfo, type {kind}"), points);
        }
    }
    found
}

fn controller(machine: &Machine, mounts: &[Mount], name: &str, levels: Levels) -> Finding {
    let id = format!("cgroup-{name}");
    let about = |state, summary: String| finding(&id, state, levels.clone(), summary);
    let Some(mount) = mounts.iter().find(|mount| has(machine, mount, name)) else {
        return missing(
            machine,
            mounts,
            name,
            about(
                State::InTheWay,
                format!("no control group has the {name} controller"),
            ),
        );
    };
    let top = &mount.point;
    // Mounted over each other, the last one is the one that is seen.
    let seen = mounts.iter().rfind(|it| it.point == *top).unwrap_or(mount);
    if seen.is_read_only() {
        return about(
            State::InTheWay,
            format!("the {name} controller is there, but its control groups are read-only"),
        )
        .seen("/proc/self/mountinfo", &seen.line)
        .remedy(in_container(
            machine,
            "mount them writable",
            "the container's engine does that: start it with everything, or use a virtual machine",
        ))
        .command(match surroundings::container(machine) {
            Some(_) => "docker run --privileged ...".to_owned(),
            None => format!("sudo mount -o remount,rw {top}"),
        });
    }
    if mount.kind == "cgroup" {
        return about(
            State::Fine,
            format!("the {name} controller is there (version 1)"),
        )
        .seen(
            "/proc/self/mountinfo",
            format!("type cgroup on {top}, {}", mount.options),
        );
    }
    let fine = about(
        State::Fine,
        format!("the {name} controller is there (version 2)"),
    )
    .seen(
        format!("{top}/cgroup.controllers"),
        machine
            .read(format!("{top}/cgroup.controllers"))
            .unwrap_or_default(),
    );
    handed_down(machine, top, name, fine, about)
}

/// Whether a hierarchy has the controller: as given::hierarchy finds it.
fn has(machine: &Machine, mount: &Mount, name: &str) -> bool {
    let top = &mount.point;
    let is_visible = machine.has(format!("{top}/cgroup.procs"));
    is_visible
        && match mount.kind.as_str() {
            "cgroup" => mount.options.split(',').any(|option| option == name),
            "cgroup2" => lists(machine, &format!("{top}/cgroup.controllers"), name),
            _ => false,
        }
}

fn lists(machine: &Machine, file: &str, name: &str) -> bool {
    machine
        .read(file)
        .is_some_and(|names| names.split_whitespace().any(|it| it == name))
}

/// Version 2: a group that has processes can have no groups with limits below it. Only
/// the real root may; the root of a cgroup namespace, which a container has, may not.
///
/// The kernel does take `+cpu` there, as long as that is the only one, and makes the
/// group "domain threaded"; what is refused then is to join a group below it.
fn handed_down(
    machine: &Machine,
    top: &str,
    name: &str,
    mut fine: Finding,
    about: impl Fn(State, String) -> Finding,
) -> Finding {
    let parent = format!("{top}/{PARENT}");
    for group in [top, parent.as_str()] {
        let file = format!("{group}/cgroup.subtree_control");
        let Some(enabled) = machine.read(&file) else {
            // Not made yet, so it is empty.
            continue;
        };
        let shown = match enabled.is_empty() {
            true => "nothing yet: done on first use",
            false => &enabled,
        };
        fine = fine.seen(&file, shown);
        // The real root is the one group that has no type.
        let Some(kind) = machine.read(format!("{group}/cgroup.type")) else {
            continue;
        };
        let processes = machine
            .read(format!("{group}/cgroup.procs"))
            .unwrap_or_default();
        if processes.is_empty() && kind == "domain" {
            continue;
        }
        let summary = format!(
            "the {name} controller is there, but its group has processes, and so can have no \
            groups with limits below it"
        );
        let count = format!("{} processes", processes.lines().count());
        // Otherwise the new group would be one that nobody can join. `-cpu` also if it is
        // not there yet: a level that is tried before this is done puts it there.
        let mut less: BTreeSet<&str> = enabled.split_whitespace().collect();
        less.insert("cpu");
        let less: Vec<String> = less.iter().map(|it| format!("-{it}")).collect();
        return about(State::InTheWay, summary)
            .seen(&file, shown)
            .seen(format!("{group}/cgroup.type"), kind)
            .seen(format!("{group}/cgroup.procs"), count)
            .remedy("move them into a group of their own, as root; the rest is done on first use")
            .command(format!("echo {} >{file}", less.join(" ")))
            .command(format!("mkdir -p {group}/others"))
            .command(format!("for p in $(cat {group}/cgroup.procs); do"))
            .command(format!("  echo $p >{group}/others/cgroup.procs; done"));
    }
    fine
}

/// Why a controller is in no hierarchy that we see, as far as that can be told, and what
/// to do about it.
fn missing(machine: &Machine, mounts: &[Mount], name: &str, found: Finding) -> Finding {
    let command_line = machine.read("/proc/cmdline").unwrap_or_default();
    let table = machine.read("/proc/cgroups").unwrap_or_default();
    // NAME HIERARCHY GROUPS ENABLED; newer kernels list version 1's only.
    let row = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|row| row.first() == Some(&name));
    let seen = row
        .as_ref()
        .map_or_else(|| format!("no {name}"), |row| row.join(" "));
    let found = found.seen("/proc/cgroups (name, hierarchy, groups, enabled)", seen);

    let disabling = command_line.split_whitespace().find(|word| {
        word.strip_prefix("cgroup_disable=")
            .is_some_and(|names| names.split(',').any(|it| it == name))
    });
    let is_off = row.as_ref().is_some_and(|row| row.get(3) == Some(&"0"));
    if disabling.is_some() || is_off {
        return found
            .seen(
                "/proc/cmdline",
                disabling.unwrap_or(
                    "no cgroup_disable=; the kernel's own \
                default",
                ),
            )
            .remedy(format!(
                "switch it on by the kernel's command line, and reboot. With GRUB: \
                take cgroup_disable={name} out of /etc/default/grub, then run update-grub. On a \
                Raspberry Pi: the command here"
            ))
            .command(format!(
                "sudo sed -i 's/$/ cgroup_enable={name}/' \
                /boot/firmware/cmdline.txt"
            ));
    }
    let hierarchy = row.as_ref().and_then(|row| row.get(1)).copied();
    let in_container = surroundings::container(machine).is_some();
    if hierarchy.is_some_and(|number| number != "0") {
        let point = format!("/sys/fs/cgroup/{name}");
        return found
            .remedy("it is in a hierarchy of version 1 that is not mounted here: mount it")
            .command(format!(
                "sudo mkdir -p {point} && sudo mount -t cgroup -o {name} cgroup {point}"
            ));
    }
    let v2 = mounts.iter().find(|mount| mount.kind == "cgroup2");
    match v2 {
        Some(mount) if machine.has(format!("{}/cgroup.type", mount.point)) => {
            let top = &mount.point;
            let offered = machine
                .read(format!("{top}/cgroup.controllers"))
                .unwrap_or_default();
            let found = found.seen(format!("{top}/cgroup.controllers"), offered);
            found
                .remedy(format!(
                    "our group is given only these: from outside, write +{name} to \
                    cgroup.subtree_control of the group above (systemd: Delegate=cpu memory); \
                    or start the container with everything"
                ))
                .command("docker run --privileged --cgroupns=host ...")
        }
        None if row.is_some() && !in_container => found
            .remedy("mount version 2")
            .command("sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup"),
        None if in_container => found
            .remedy(
                "the container that we are in was given no control groups; start it with \
                everything, or use a virtual machine",
            )
            .command("docker run --privileged ..."),
        _ => found.remedy(
            "this kernel seems to have been built without it; every \
            distribution's has it",
        ),
    }
}

/// What --memory-swap of level 09 can do here. Without it the level works, and says so.
fn swap(machine: &Machine, mounts: &[Mount]) -> Finding {
    let swaps = machine.read("/proc/swaps").unwrap_or_default();
    let areas: Vec<&str> = swaps.lines().skip(1).collect();
    let of_memory = mounts.iter().find(|mount| has(machine, mount, "memory"));
    if let Some(mount) = of_memory.filter(|mount| mount.kind == "cgroup") {
        let file = format!("{}/memory.memsw.limit_in_bytes", mount.point);
        if !machine.has(&file) {
            let summary = "this kernel does not count swap: --memory-swap will have no effect";
            return finding("swap", State::Note, 9..=9, summary)
                .seen(file, "not there")
                .remedy("add swapaccount=1 to the kernel's command line, if you want to see it");
        }
    }
    if areas.is_empty() {
        let summary = "there is no swap: --memory-swap is accepted, and makes no difference to \
            see";
        return finding("swap", State::Note, 9..=9, summary)
            .seen("/proc/swaps", "no area")
            .remedy("if you want to see one: a swap file of 256 MB")
            .command("sudo fallocate -l 256M /swap && sudo chmod 600 /swap")
            .command("sudo mkswap /swap && sudo swapon /swap");
    }
    finding(
        "swap",
        State::Fine,
        9..=9,
        "there is swap, which --memory-swap can limit",
    )
    .seen("/proc/swaps", areas.join("; "))
}

fn in_container(machine: &Machine, outside: &str, inside: &str) -> String {
    match surroundings::container(machine) {
        Some(_) => inside.to_owned(),
        None => outside.to_owned(),
    }
}
