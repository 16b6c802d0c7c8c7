//! The control groups of levels 08 and 09, and what level 15 needs of them.
//!
//! This follows `given::hierarchies`, which finds and prepares them for the levels, step
//! by step; only it looks where that acts.

use std::collections::BTreeSet;

use super::finding::{Finding, Levels, State, Topic, needed, used};
use super::machine::{Machine, Mount};
use super::surroundings;

/// The group that all containers' groups are in.
const PARENT: &str = "rubber-docker";

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mounts = machine.mounts();
    vec![
        layout(&mounts),
        controller(machine, &mounts, "cpu", needed("cgroup-cpu")),
        controller(machine, &mounts, "memory", needed("cgroup-memory")),
        swap(machine, &mounts),
        device_programs(machine, &mounts),
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
    let mut found = finding("cgroup-layout", state, needed("namespace-cgroup"), summary);
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

/// Whether a hierarchy has the controller: as `given::hierarchies` finds it.
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
        // Otherwise the new group would be one that no process can join. `-cpu` also if it is
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
    let v2 = mounts.iter().find(|mount| mount.kind == "cgroup2");
    let row = row(machine, name);
    let mut found = found;
    if let Some(mount) = v2 {
        let file = format!("{}/cgroup.controllers", mount.point);
        found = found.seen(&file, machine.read(&file).unwrap_or_default());
    }
    if let Some(row) = &row {
        let source = "/proc/cgroups (name, hierarchy, groups, enabled)";
        found = found.seen(source, row.join(" "));
    }

    let disabling = command_line.split_whitespace().find(|word| {
        word.strip_prefix("cgroup_disable=")
            .is_some_and(|names| names.split(',').any(|it| it == name))
    });
    let has = |column: usize, value| row.as_ref().is_some_and(|row| row[column] == value);
    if disabling.is_some() || has(3, "0") {
        let told = disabling.unwrap_or("no cgroup_disable=; the kernel's own default");
        return switched_off(name, found.seen("/proc/cmdline", told));
    }
    if row.is_some() && !has(1, "0") {
        let point = format!("/sys/fs/cgroup/{name}");
        return found
            .remedy("it is in a hierarchy of version 1 that is not mounted here: mount it")
            .command(format!(
                "sudo mkdir -p {point} && sudo mount -t cgroup -o {name} cgroup {point}"
            ));
    }
    match v2 {
        Some(mount) if machine.has(format!("{}/cgroup.type", mount.point)) => found
            .remedy(format!(
                "our group is given only these: from outside, write +{name} to \
                cgroup.subtree_control of the group above (systemd: Delegate=cpu memory); \
                or start the container with everything"
            ))
            .command("docker run --privileged --cgroupns=host ..."),
        None => not_mounted(machine, mounts, row.is_some(), found),
        Some(_) => found.remedy(WITHOUT),
    }
}

const WITHOUT: &str =
    "this kernel seems to have been built without it; every distribution's has it";

/// The controller's row of /proc/cgroups: NAME HIERARCHY GROUPS ENABLED. That there is none
/// says nothing: from Linux 6.12 on it may list only what can be in version 1.
fn row(machine: &Machine, name: &str) -> Option<Vec<String>> {
    let table = machine.read("/proc/cgroups")?;
    let mut rows = table.lines().map(|line| -> Vec<String> {
        let words = line.split_whitespace();
        words.map(str::to_owned).collect()
    });
    rows.find(|row| row.len() == 4 && row[0] == name)
}

fn switched_off(name: &str, found: Finding) -> Finding {
    found
        .remedy(format!(
            "switch it on by the kernel's command line, and reboot. With GRUB: \
            take cgroup_disable={name} out of /etc/default/grub, then run update-grub. On a \
            Raspberry Pi: the command here"
        ))
        .command(format!(
            "sudo sed -i 's/$/ cgroup_enable={name}/' \
            /boot/firmware/cmdline.txt"
        ))
}

/// Without version 2. What that would have can only be seen when it is mounted.
fn not_mounted(machine: &Machine, mounts: &[Mount], has_row: bool, found: Finding) -> Finding {
    let found = found.seen("/proc/self/mountinfo", "no mount of type cgroup2");
    if surroundings::container(machine).is_some() {
        return found
            .remedy(
                "the container that we are in was given no control groups; start it with \
                everything, or use a virtual machine",
            )
            .command("docker run --privileged ...");
    }
    let known = lists(machine, "/proc/filesystems", "cgroup2");
    if !known && !has_row {
        return found
            .seen("/proc/filesystems", "no cgroup2")
            .remedy(WITHOUT);
    }
    // Where systemd has it: alone, or beside those of version 1.
    let command = match mounts.iter().any(|mount| mount.kind == "cgroup") {
        false => "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup".to_owned(),
        true => {
            let point = "/sys/fs/cgroup/unified";
            format!("sudo mkdir -p {point} && sudo mount -t cgroup2 cgroup2 {point}")
        }
    };
    found.remedy("mount version 2").command(command)
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
            return finding("swap", State::Note, used("swap"), summary)
                .seen(file, "not there")
                .remedy("add swapaccount=1 to the kernel's command line, if you want to see it");
        }
    }
    if areas.is_empty() {
        let summary = "there is no swap: --memory-swap is accepted, and makes no difference to \
            see";
        return finding("swap", State::Note, used("swap"), summary)
            .seen("/proc/swaps", "no area")
            .remedy("if you want to see one: a swap file of 256 MB")
            .command("sudo fallocate -l 256M /swap && sudo chmod 600 /swap")
            .command("sudo mkswap /swap && sudo swapon /swap");
    }
    finding(
        "swap",
        State::Fine,
        used("swap"),
        "there is swap, which --memory-swap can limit",
    )
    .seen("/proc/swaps", areas.join("; "))
}

/// What level 15 attaches its program to: as `given::unified_group` finds it. Whether the kernel
/// takes such a program, only root can try; what it was built with, it may tell.
fn device_programs(machine: &Machine, mounts: &[Mount]) -> Finding {
    let about = |state, summary| {
        let levels = needed("device-programs");
        finding("device-programs", state, levels, summary)
    };
    let config = format!("/boot/config-{}", machine.release());
    if let Some(text) = machine.read(&config)
        && !text.lines().any(|line| line == "CONFIG_CGROUP_BPF=y")
    {
        return about(
            State::InTheWay,
            "this kernel cannot ask a program about devices",
        )
        .seen(config, "no CONFIG_CGROUP_BPF=y")
        .remedy("start a kernel that was built with it; every distribution's is");
    }
    let seen = |mount: &&Mount| {
        let last = mounts.iter().rfind(|it| it.point == mount.point);
        last.is_some_and(|last| last.kind == "cgroup2" && !last.is_read_only())
    };
    let mut of_v2 = mounts.iter().filter(|mount| mount.kind == "cgroup2");
    if let Some(mount) = of_v2.clone().find(seen) {
        return about(
            State::Fine,
            "a program about devices has control groups of version 2 to be attached to",
        )
        .seen("/proc/self/mountinfo, type cgroup2", &mount.point);
    }
    let found = about(
        State::InTheWay,
        "there are no control groups of version 2 to attach a program about devices to",
    );
    if let Some(mount) = of_v2.next_back() {
        let found = found.seen("/proc/self/mountinfo", &mount.line);
        return match surroundings::container(machine) {
            Some(_) => found
                .remedy(
                    "the container's engine mounts them: start it with everything, or use a \
                     virtual machine",
                )
                .command("docker run --privileged ..."),
            None => found
                .remedy("mount them writable")
                .command(format!("sudo mount -o remount,rw {}", mount.point)),
        };
    }
    // Beside those of version 1 if there are some; no controller has to move for it.
    let command = match mounts.iter().any(|mount| mount.kind == "cgroup") {
        false => "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup".to_owned(),
        true => {
            let point = "/sys/fs/cgroup/unified";
            format!("sudo mkdir -p {point} && sudo mount -t cgroup2 cgroup2 {point}")
        }
    };
    found
        .seen("/proc/self/mountinfo", "no mount of the type cgroup2")
        .remedy("mount version 2; it needs no controller for this, so all others stay as they are")
        .command(command)
}

fn in_container(machine: &Machine, outside: &str, inside: &str) -> String {
    match surroundings::container(machine) {
        Some(_) => inside.to_owned(),
        None => outside.to_owned(),
    }
}
