//! The machine: what is installed, what it is, and which cgroups it shows.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use given::{Error, Hierarchy, Version};
use linux_sys::{CloneFlags, MsFlags, mount, unshare};

use crate::scratch::Scratch;

/// The runtimes beside rd, and the tools that count and time them: program and Debian package.
pub const RUNTIMES: [(&str, &str); 7] = [
    ("hyperfine", "hyperfine"),
    ("bwrap", "bubblewrap"),
    ("crun", "crun"),
    ("runc", "runc"),
    ("strace", "strace"),
    ("dpkg-deb", "dpkg"),
    ("patchelf", "patchelf"),
];

/// Install what is missing of `needed`, each a program and its Debian package.
pub fn install(needed: &[(&str, &str)]) -> Result<(), Error> {
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let done = Command::new("apt-get")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status();
    match done {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("please install {}: apt-get could not", missing.join(", ")).into()),
    }
}

/// Where a program is.
pub fn find(program: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
        .map(|directory| PathBuf::from(directory).join(program))
        .into_iter()
        .find(|path| path.is_file())
}

/// Date, kernel and kind of machine, in a line.
pub fn describe() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.unwrap_or_default()
    };
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let is_virtual = match cpuinfo.contains(" hypervisor ") {
        true => "virtual machine",
        false => "machine",
    };
    format!(
        "{}, Linux {}, {is_virtual} with {} processors ({model})",
        said("date", &["+%Y-%m-%d"]),
        said("uname", &["-r"]),
        said("nproc", &[]),
    )
}

/// What a limit of rd's may need.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

/// A mount namespace of our own, in which `/sys/fs/cgroup` is a version 2 hierarchy and
/// `memory` in `scratch` a tmpfs. Returns where rd makes its groups.
///
/// crun and runc look at exactly that path, and want one version there. On a machine that
/// has both, controllers are in version 1: for rd, which reads the table of mounts, these
/// stay within reach in another place. The other hierarchies of version 1 do not: rd would
/// make a group in each, and crun has one in all.
pub fn prepare(scratch: &Scratch) -> Result<Vec<Hierarchy>, Error> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
    if !PathBuf::from("/sys/fs/cgroup/cgroup.controllers").exists() {
        let aside = scratch.join("cgroup");
        fs::create_dir(&aside)?;
        let here = given::hierarchies(&CONTROLLERS)?;
        for controller in CONTROLLERS {
            let hierarchy = here.of(controller)?;
            let (Version::V1, Some(top)) = (hierarchy.version, hierarchy.parent.parent()) else {
                continue;
            };
            let place = aside.join(controller);
            fs::create_dir(&place)?;
            mount(top, &place, "", MsFlags::MS_BIND, "")?;
        }
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MsFlags::empty(), "")?;
    }
    // Where /run is memory, as on most machines, so is the state of crun and runc.
    let memory = scratch.join("memory");
    fs::create_dir(&memory)?;
    mount("memory", &memory, "tmpfs", MsFlags::empty(), "mode=700")?;

    let found = given::hierarchies(&CONTROLLERS)?;
    found.prepare()?;
    for hierarchy in found.iter().filter(|it| it.version == Version::V1) {
        given::log(&format!("version 1: {}", hierarchy.parent.display()));
    }
    Ok(found.iter().cloned().collect())
}
