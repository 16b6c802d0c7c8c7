//! A bundle for the OCI runtimes: config.json asks for what rd does by itself.

use std::path::Path;

use given::Error;
use serde_json::{Value, json};

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

/// Make a bundle in `directory`, with `tree` as its root.
pub fn bundle(directory: &Path, tree: &Path, name: &str) -> Result<(), Error> {
    std::fs::create_dir(directory)?;
    write(
        &directory.join("config.json"),
        &config(tree, name).to_string(),
    )
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
