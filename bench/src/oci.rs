//! A bundle for the OCI runtimes: config.json asks for what rd does by itself.

use std::path::Path;

use given::Error;
use linux_sys::CapabilitySet;
use serde_json::{Value, json};

use crate::calls;
use crate::scratch::{OCI_GROUP, write};

/// rd's usual capabilities.
const KEPT: [&str; 13] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SYS_CHROOT",
    "CAP_AUDIT_WRITE",
    "CAP_SETFCAP",
];

/// levels/harden/src/masks.rs has the same two lists.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// And levels/harden/src/devices.rs these: character devices, and which.
const DEVICES: [(u32, Option<u32>); 9] = [
    (1, Some(3)),
    (1, Some(5)),
    (1, Some(7)),
    (1, Some(8)),
    (1, Some(9)),
    (5, Some(0)),
    (5, Some(1)),
    (5, Some(2)),
    (136, None),
];

/// Make a bundle in `directory`, with `tree` as its root.
pub fn bundle(directory: &Path, tree: &Path, name: &str) -> Result<(), Error> {
    std::fs::create_dir(directory)?;
    write(
        &directory.join("config.json"),
        &config(tree, name).to_string(),
    )
}

/// Likewise, with all that rd can be asked for: its masks, its list of system calls, its devices,
/// its limits, a read-only root, `volume` on /mnt, and a tmpfs on /srv.
pub fn hardened(directory: &Path, tree: &Path, name: &str, volume: &Path) -> Result<(), Error> {
    let mut config = config(tree, name);
    config["root"]["readonly"] = json!(true);
    for mount in [
        json!({ "destination": "/mnt", "type": "bind", "source": volume,
            "options": ["rbind", "rro", "nosuid", "nodev"] }),
        json!({ "destination": "/srv", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "nodev", "noexec", "size=1m"] }),
    ] {
        if let Some(mounts) = config["mounts"].as_array_mut() {
            mounts.push(mount);
        }
    }
    let kept: CapabilitySet = KEPT.iter().filter_map(|name| name.parse().ok()).collect();
    let linux = &mut config["linux"];
    linux["readonlyPaths"] = json!(READ_ONLY);
    linux["maskedPaths"] = json!(MASKED);
    linux["seccomp"] = calls::profile(kept)?;
    linux["resources"] = resources()?;
    std::fs::create_dir(directory)?;
    write(&directory.join("config.json"), &config.to_string())
}

/// The list of devices; and limits, where version 2 has their controllers. On a machine that has
/// them in version 1, an OCI runtime that uses version 2 cannot be asked for them.
fn resources() -> Result<Value, Error> {
    let mut devices = vec![json!({ "allow": false, "access": "rwm" })];
    for kind in ["c", "b"] {
        devices.push(json!({ "allow": true, "type": kind, "access": "m" }));
    }
    for (major, minor) in DEVICES {
        let mut device = json!({ "allow": true, "type": "c", "major": major, "access": "rwm" });
        if let Some(minor) = minor {
            device["minor"] = json!(minor);
        }
        devices.push(device);
    }
    let mut resources = json!({ "devices": devices });
    let controllers = given::read(Path::new("/sys/fs/cgroup/cgroup.controllers"))?;
    for controller in controllers.split_whitespace() {
        match controller {
            "pids" => resources["pids"] = json!({ "limit": 64 }),
            "cpu" => resources["cpu"] = json!({ "quota": 100_000, "period": 100_000 }),
            _ => {}
        }
    }
    Ok(resources)
}

fn config(tree: &Path, name: &str) -> Value {
    let file_system = |destination: &str, kind: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": kind, "options": options });
    let inert = ["nosuid", "noexec", "nodev"];
    let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"];
    json!({
        "ociVersion": "1.0.0",
        "process": {
            "terminal": false,
            "user": { "uid": 0, "gid": 0 },
            "args": ["true"],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": { "bounding": KEPT, "effective": KEPT, "permitted": KEPT },
        },
        "root": { "path": tree, "readonly": false },
        "hostname": name,
        "mounts": [
            file_system("/proc", "proc", &inert),
            file_system("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            file_system("/dev", "tmpfs", &["nosuid", "noexec", "mode=755", "size=64k"]),
            file_system("/dev/pts", "devpts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            file_system("/dev/shm", "tmpfs",
                &["nosuid", "noexec", "nodev", "mode=1777", "size=64m"]),
        ],
        "linux": {
            "cgroupsPath": format!("/{OCI_GROUP}/{name}"),
            "namespaces": namespaces.map(|kind| json!({ "type": kind })),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of a room of rd's, up to where its first function begins.
    fn lists(room: &str) -> &str {
        room.split_once("\npub fn ")
            .map_or(room, |(lists, _)| lists)
    }

    #[test]
    fn the_paths_are_those_of_rd() {
        let room = lists(include_str!("../../levels/harden/src/masks.rs"));
        let of_rd: Vec<&str> = room.split('"').skip(1).step_by(2).collect();
        assert_eq!(of_rd, [&READ_ONLY[..], &MASKED].concat());
    }

    #[test]
    fn the_devices_are_those_of_rd() {
        let room = include_str!("../../levels/harden/src/devices.rs");
        let number = |text: &str| {
            text.trim_matches(|it: char| !it.is_ascii_digit())
                .parse()
                .ok()
        };
        let device = |line: &str| {
            let (_, numbers) = line.trim().split_once("(BPF_DEVCG_DEV_CHAR, ")?;
            let (major, minor) = numbers.split_once("),")?.0.split_once(", ")?;
            Some((number(major)?, number(minor)))
        };
        let of_rd: Vec<(u32, Option<u32>)> = room.lines().filter_map(device).collect();
        assert_eq!(of_rd, DEVICES);
    }
}
