//! What kind of machine this is: a container, WSL, a chroot.

use super::finding::{Finding, Levels, State, Topic, needed, none};
use super::machine::Machine;

/// Words in the name of a control group that container engines use.
const ENGINES: [&str; 6] = [
    "docker",
    "libpod",
    "kubepods",
    "lxc",
    "containerd",
    "machine.slice",
];

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = vec![inside(machine)];
    findings.extend(wsl(machine));
    findings.extend(root_directory(machine));
    findings
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Surroundings, id, state, levels, summary)
}

/// A sign that we are in a container: which file, and what is in it.
pub(super) fn container(machine: &Machine) -> Option<(String, String)> {
    for (file, engine) in [
        ("/.dockerenv", "Docker"),
        ("/run/.containerenv", "Podman"),
        ("/run/systemd/container", "an engine that told systemd"),
    ] {
        if machine.has(file) {
            return Some((file.into(), format!("there; made by {engine}")));
        }
    }
    let groups = machine.read("/proc/1/cgroup").unwrap_or_default();
    let of_engine = |line: &&str| ENGINES.iter().any(|engine| line.contains(engine));
    if let Some(line) = groups.lines().find(of_engine) {
        return Some(("/proc/1/cgroup".into(), line.into()));
    }
    let root = machine
        .mounts()
        .into_iter()
        .find(|mount| mount.point == "/")?;
    let is_overlay = root.kind == "overlay";
    is_overlay.then(|| {
        (
            "/proc/self/mountinfo".into(),
            "the root is an overlay".into(),
        )
    })
}

/// No verdict by itself: what a container takes away is looked at one by one.
fn inside(machine: &Machine) -> Finding {
    match container(machine) {
        Some((file, seen)) => {
            let summary =
                "this is a container, or was made out of one; what that takes away stands below";
            finding("container", State::Note, none(), summary).seen(file, seen)
        }
        None => {
            let summary = "nothing says that this is a container";
            let looked_at =
                "/.dockerenv, /run/.containerenv, /proc/1/cgroup, the root's file system";
            finding("container", State::Fine, none(), summary).seen(looked_at, "no sign of one")
        }
    }
}

fn wsl(machine: &Machine) -> Option<Finding> {
    let release = machine.release();
    if !release.to_lowercase().contains("microsoft") {
        return None;
    }
    let source = "/proc/sys/kernel/osrelease";
    if machine.version() < Some((4, 19)) {
        let summary =
            "this is WSL 1, which has no Linux kernel, and so none of what the levels use";
        let found = finding("wsl", State::InTheWay, needed("root"), summary).seen(source, release);
        return Some(
            found
                .remedy("move this distribution to WSL 2, in PowerShell")
                .command("wsl --set-version NAME 2"),
        );
    }
    let summary = "this is WSL 2: a real kernel in a virtual machine. Keep the checkout and the \
        container directory off /mnt/c";
    Some(finding("wsl", State::Note, none(), summary).seen(source, release))
}

fn root_directory(machine: &Machine) -> Option<Finding> {
    let mounts = machine.mounts();
    // Mounted over each other, the last one is the one that is seen.
    let root = mounts.iter().rfind(|mount| mount.point == "/");
    let source = "/proc/self/mountinfo";
    match root {
        None if mounts.is_empty() => {
            let summary = "the mounts cannot be read: is /proc mounted?";
            Some(
                finding("root-directory", State::NotKnown, needed("root"), summary)
                    .seen(source, "nothing"),
            )
        }
        None => {
            let summary = "our root directory is no mount point, as after chroot: its \
                propagation cannot be set";
            let found = finding(
                "root-directory",
                State::InTheWay,
                needed("mounted-root"),
                summary,
            )
            .seen(source, "no mount on /");
            Some(
                found
                    .remedy(
                        "leave the chroot, or make its directory a mount point before you enter \
                            it",
                    )
                    .command("sudo mount --bind DIR DIR"),
            )
        }
        // The kernel's first file system, rootfs, which an initramfs is unpacked into. Since
        // Linux 7.0 it sits on another one, nullfs, and can be exchanged as any other.
        Some(mount) if mount.is_lowest => {
            let summary = "the root is the lowest of all mounts, as an initramfs is before Linux \
                7.0: pivot_root cannot replace it";
            let found = finding(
                "root-directory",
                State::InTheWay,
                needed("replaceable-root"),
                summary,
            )
            .seen(source, &mount.line)
            .seen("/proc/sys/kernel/osrelease", machine.release());
            Some(found.remedy(
                "move to another file system first, as switch_root(8) does; or boot a kernel \
                    from 7.0 on, whose initramfs can be replaced",
            ))
        }
        Some(_) => None,
    }
}
