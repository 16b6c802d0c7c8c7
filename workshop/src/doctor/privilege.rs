//! Who we are, and what root may do here.
//!
//! The doctor itself never becomes root and never asks for a password. What only root
//! could find out it does not say.

use std::process::{Command, Stdio};

use linux_sys::{Capability, CapabilitySet};

use super::finding::{Finding, Levels, State, Topic, needed};
use super::machine::Machine;
use super::surroundings;

/// What the levels do that root may be forbidden; which levels, their `level.toml` says.
/// Found by taking one after the other away and running every solution.
const NEEDED: [(Capability, &str); 8] = [
    (Capability::CAP_SYS_CHROOT, "chroot"),
    (Capability::CAP_SYS_ADMIN, "mounts and namespaces"),
    (Capability::CAP_MKNOD, "the container's /dev/null"),
    (Capability::CAP_DAC_OVERRIDE, "the overlay's work directory"),
    (Capability::CAP_NET_ADMIN, "the container's lo"),
    (Capability::CAP_SETUID, "the user of the command"),
    (Capability::CAP_SETGID, "the groups of the command"),
    (Capability::CAP_SETPCAP, "the bounding set"),
];

/// Groups whose members a distribution usually lets use sudo.
const SUDOERS: [&str; 3] = ["sudo", "wheel", "admin"];

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = vec![root(machine)];
    findings.extend(capabilities(machine));
    findings.extend(user_namespace(machine));
    findings.extend(profile(machine));
    findings
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Privilege, id, state, levels, summary)
}

fn root(machine: &Machine) -> Finding {
    let about = |state, summary: &str| finding("root", state, needed("root"), summary);
    let uid = machine.status("Uid").unwrap_or_default();
    let source = "/proc/self/status, Uid";
    if machine.is_root() {
        return about(State::Fine, "this is root").seen(source, &uid);
    }
    let also = "the checks, those of level 00 too, and the programs of most levels need root";
    if machine.status("NoNewPrivs").as_deref() == Some("1") {
        let summary = "this is not root, and nothing started from here can become root";
        return about(State::InTheWay, summary)
            .seen(source, &uid)
            .seen("/proc/self/status, NoNewPrivs", "1")
            .remedy(format!(
                "{also}: open another terminal; an editor or a sandbox has locked this one"
            ));
    }
    let Some(sudo) = machine.program("sudo") else {
        return about(State::InTheWay, "this is not root, and there is no sudo")
            .seen(source, &uid)
            .seen("PATH", "no sudo")
            .remedy(format!(
                "{also}: install sudo as root, or build as yourself and start the \
                programs from a root shell"
            ))
            .command("su -");
    };
    let sudo = sudo.display().to_string();
    let asks = |finding: Finding| finding.seen(source, &uid);
    if machine.is_quick {
        return asks(about(State::Fine, "this is not root, but there is sudo")).seen("PATH", &sudo);
    }
    match without_password(&sudo) {
        Ok(()) => asks(about(State::Fine, "sudo makes us root without a password"))
            .seen("sudo -n true", "status 0"),
        Err(said) => match group_of_sudoers(machine) {
            Some(group) => asks(about(State::Fine, "sudo will ask for your password"))
                .seen("sudo -n true", said)
                .seen(
                    "/proc/self/status, Groups; /etc/group",
                    format!("you are in group {group}"),
                ),
            None => asks(about(
                State::NotKnown,
                "this is not root, and whether sudo lets you in \
                is not to be seen without a password",
            ))
            .seen("sudo -n true", said)
            .seen(
                "/proc/self/status, Groups; /etc/group",
                format!("you are in none of {}", SUDOERS.join(", ")),
            )
            .remedy(format!(
                "{also}: ask sudo yourself; if it refuses, the machine's \
                    administrator has to allow it (visudo)"
            ))
            .command("sudo -v"),
        },
    }
}

/// Whether sudo works at once, or else what it says. `-n`: it never asks.
fn without_password(sudo: &str) -> Result<(), String> {
    let output = Command::new(sudo)
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr)
            .lines()
            .next()
            .unwrap_or("failed")
            .to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn group_of_sudoers(machine: &Machine) -> Option<&'static str> {
    let groups = machine.status("Groups")?;
    let known = machine.read("/etc/group")?;
    SUDOERS.into_iter().find(|name| {
        // group(5): NAME:PASSWORD:GID:MEMBERS
        let line = known
            .lines()
            .find(|line| line.split(':').next() == Some(*name));
        let gid = line.and_then(|line| line.split(':').nth(2));
        groups.split_whitespace().any(|group| Some(group) == gid)
    })
}

/// Root has what is in its bounding set; through sudo it inherits ours.
fn capabilities(machine: &Machine) -> Vec<Finding> {
    let field = if machine.is_root() {
        "CapEff"
    } else {
        "CapBnd"
    };
    let seen = machine.status(field).unwrap_or_default();
    let source = format!("/proc/self/status, {field}");
    let Ok(bits) = u64::from_str_radix(&seen, 16) else {
        let summary = "the capabilities cannot be read";
        return vec![
            finding("capabilities", State::NotKnown, needed("root"), summary).seen(source, seen),
        ];
    };
    let set = CapabilitySet::from_bits(bits);
    let missing = NEEDED
        .into_iter()
        .filter(|(capability, _)| !set.contains(*capability));
    let mut findings: Vec<Finding> = missing
        .map(|(capability, purpose)| {
            let name = capability.to_string();
            let id = name.to_lowercase().replace('_', "-");
            let summary = format!("root has no {name} here, which {purpose} needs");
            with_container(
                machine,
                finding(&id, State::InTheWay, needed(&name), summary).seen(&source, &seen),
            )
        })
        .collect();
    if findings.is_empty() {
        let summary = "root has every capability that the levels use";
        findings
            .push(finding("capabilities", State::Fine, needed("root"), summary).seen(source, seen));
    }
    findings
}

/// What to do depends on who has taken it away.
fn with_container(machine: &Machine, finding: Finding) -> Finding {
    if surroundings::container(machine).is_some() {
        return finding
            .remedy(
                "it was taken away by the container that we are in. A virtual machine is \
                the better place; or start the container with everything",
            )
            .command("docker run --privileged ...");
    }
    finding
        .remedy(
            "something that started this shell has taken it away; look at the shell's \
        sets, then at who started it (a service's CapabilityBoundingSet=, setpriv, a container)",
        )
        .command("grep Cap /proc/$$/status /proc/$PPID/status")
}

/// The root of a user namespace is root over what was made in it, and nothing else.
fn user_namespace(machine: &Machine) -> Option<Finding> {
    let map = machine.read("/proc/self/uid_map")?;
    let numbers: Vec<&str> = map.split_whitespace().collect();
    if numbers == ["0", "0", "4294967295"] {
        return None;
    }
    let summary = "we are in a user namespace, whose root may neither make device nodes nor \
        mount the machine's file systems";
    Some(
        finding("user-namespace", State::InTheWay, needed("root"), summary)
            .seen("/proc/self/uid_map", map)
            .remedy(
                "leave it: in rootless Podman or Docker, or in `unshare -U`, the levels \
                cannot work; use a virtual machine",
            ),
    )
}

/// AppArmor may forbid to root what its capabilities allow, mounts first of all.
fn profile(machine: &Machine) -> Option<Finding> {
    let profile = machine
        .read("/proc/self/attr/apparmor/current")
        .or_else(|| machine.read("/proc/self/attr/current"))?;
    if !profile.ends_with("(enforce)") {
        return None;
    }
    let summary =
        "an AppArmor profile confines us; whether it lets root mount is not to be seen from here";
    Some(
        finding("apparmor", State::NotKnown, needed("root"), summary)
            .seen("/proc/self/attr/current", profile)
            .remedy("use a shell without a profile; in a container, start that without one")
            .command("docker run --privileged --security-opt apparmor=unconfined ..."),
    )
}
