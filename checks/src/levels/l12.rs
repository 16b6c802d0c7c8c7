//! Level 12: what the kernel shows of the whole machine is covered, or can only be read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::l01::{expect_options, names};
use super::l08::expect_refusal;
use super::l10::hold_with;
use super::refusals;
use crate::calls::without_ids;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::procfs::{self, Mount};

const HIDDEN_IS_EMPTY: &str = "what tells of the whole machine shows nothing";
const ROOT: &str = "with --read-only nothing can be written to the root, and without it as ever";

/// May be read, but not written: as the level's file has them.
const READ_ONLY: [&str; 5] = [
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
];

/// May not be read either.
const HIDDEN: [&str; 12] = [
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

const FORGOTTEN_FOR_SOME: &str = "the call of `cover` depends on an option: these files are the one \
     kernel's for every user, and a capability more is a reason more to cover them";

const DROPPED: &str = "MS_NOSUID, MS_NODEV or MS_NOEXEC is missing in the remount: it sets all flags \
     anew, and drops those that are not said once more";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 12,
    checks: &[
        Check {
            name: "the kernel's knobs in /proc can be read, and not written",
            step: 1,
            usually: "nothing was done in `make_read_only`: a flag needs a mount to belong to, so bind \
                      the path onto itself first",
            needs: &[],
            run: |host| knobs(&hold_with(host, &[])?, ""),
        },
        Check {
            name: "these mounts are nosuid, nodev and noexec, as /proc itself is",
            step: 1,
            usually: DROPPED,
            needs: &[],
            run: inert,
        },
        Check {
            name: "the rest of /proc can be written as before, the container's and the host's",
            step: 1,
            usually: "MS_BIND is missing in the remount: without it MS_REMOUNT changes the file \
                      system, and with it every mount that shows it",
            needs: &[],
            run: rest,
        },
        Check {
            name: HIDDEN_IS_EMPTY,
            step: 2,
            usually: "nothing was mounted over it in `hide`: /dev/null goes over a file, an empty \
                      tmpfs over a directory",
            needs: &[],
            run: |host| hidden(&hold_with(host, &[])?, ""),
        },
        Check {
            name: "nothing can be put where nothing is to be seen",
            step: 2,
            usually: "MS_RDONLY is missing among the flags of the tmpfs: it is empty, and every \
                      process with the right to may fill it",
            needs: &[HIDDEN_IS_EMPTY],
            run: stays_empty,
        },
        Check {
            name: "what lies over them is the container's own, and nothing of the host's",
            step: 2,
            usually: "the host's /dev/null was bound, or a directory of the host's: who may change the \
                      mode of the one in the container changes it for the whole machine. After `enter` \
                      the path leads to the container's own",
            needs: &[HIDDEN_IS_EMPTY],
            run: own_covers,
        },
        Check {
            name: "another user, a root with all capabilities and a shell find them covered too",
            step: 1,
            usually: FORGOTTEN_FOR_SOME,
            needs: &[HIDDEN_IS_EMPTY],
            run: for_all,
        },
        Check {
            name: ROOT,
            step: 3,
            usually: "nothing was done in `make_root_read_only`; or it changes another mount than the \
                      container's `/`: before `enter`, `/` is the host's",
            needs: &[],
            run: read_only_root,
        },
        Check {
            name: "--read-only changes no mount but the root",
            step: 3,
            usually: "the mounts below were made read-only too (AT_RECURSIVE), and with them /dev/shm \
                      and a process's own files in /proc: only the mount on `/` is meant",
            needs: &[ROOT],
            run: only_the_root,
        },
        refusals::check(
            "a container whose paths cannot be covered does not run",
            1,
            refused_calls,
        ),
    ],
    calls: &[
        ("mount(\"/proc/", "", 1),
        ("mount(\"\", \"/proc/", "", 1),
        ("mount(\"/dev/null\", \"/proc/", "", 2),
        ("mount(\"/dev/null\", \"/sys/", "", 2),
        ("mount(\"tmpfs\", \"/proc/", "", 2),
        ("mount(\"tmpfs\", \"/sys/", "", 2),
        ("mount(\"\", \"/\", \"\", MS_RDONLY", "", 3),
    ],
};

/// Those that this kernel has.
fn there<'a>(paths: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    paths
        .iter()
        .copied()
        .filter(|path| Path::new(path).exists())
}

fn mountinfo(container: &Container) -> String {
    container.proc("mountinfo").display().to_string()
}

/// The device of the file system that a path of the container's is in.
fn device(container: &Container, path: &str) -> Result<u64, Failure> {
    procfs::stat(container.inside(path)).map(|file| file.dev())
}

/// Whether nothing can be written to what this mount shows.
fn is_read_only(mount: &Mount) -> bool {
    mount.has_option("ro") || mount.super_options.split(',').any(|it| it == "ro")
}

fn knobs(container: &Container, with: &str) -> Outcome {
    let mounts = container.mounts()?;
    let wanted = |failure: Failure| {
        failure
            .expected(format!(
                "each of these is a mount of its own, read-only: {}",
                there(&READ_ONLY).collect::<Vec<_>>().join(", ")
            ))
            .at(mountinfo(container))
    };
    let mount = |path: &str| procfs::mounted_at(&mounts, path);
    let bare: Vec<String> = there(&READ_ONLY)
        .filter(|path| mount(path).is_none())
        .map(str::to_owned)
        .collect();
    if !bare.is_empty() {
        let failure = wanted(Failure::seen(format!(
            "nothing is mounted on {}{with}",
            procfs::few(bare.clone(), 5)
        )));
        return Err(match bare.len() == there(&READ_ONLY).count() {
            true => failure,
            false => failure.usually(
                "`make_read_only` is not called for each path of the list, or an error on the way \
                 was no error",
            ),
        }
        .into());
    }
    for path in there(&READ_ONLY) {
        let Some(mount) = mount(path) else { continue };
        if !mount.has_option("ro") {
            return Err(wanted(Failure::seen(format!(
                "{path} is a mount of its own, with the options {}{with}",
                mount.options
            )))
            .usually(
                "a bind mount ignores all other flags (mount(2)), and MS_RDONLY among them does not \
                 even fail: it takes a second call, with MS_REMOUNT",
            )
            .into());
        }
        if device(container, path)? != device(container, "/proc")? {
            return Err(wanted(Failure::seen(format!(
                "a {} lies over {path}{with}",
                mount.fstype
            )))
            .usually(
                "what is only to be protected from writing was hidden: programs read /proc/sys",
            )
            .into());
        }
    }
    Ok(())
}

fn inert(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    for path in there(&READ_ONLY) {
        expect_options(&container, path, &["nosuid", "nodev", "noexec"])
            .map_err(|failure| failure.usually(DROPPED))?;
    }
    Ok(())
}

/// The mounts on /proc and /sys of the host, and their options.
fn kernels_own(mounts: &[Mount]) -> Vec<(String, String, String)> {
    let is_it =
        |mount: &&Mount| mount.point.starts_with("/proc") || mount.point.starts_with("/sys");
    mounts
        .iter()
        .filter(is_it)
        .map(|mount| {
            let point = mount.point.display().to_string();
            (point, mount.options.clone(), mount.super_options.clone())
        })
        .collect()
}

fn rest(host: &Host) -> Outcome {
    let before = kernels_own(&host.mounts()?);
    let container = host.run(&["probe", "hold"]).hold()?;
    let after = kernels_own(&host.mounts()?);
    if let Some((point, options, _)) = after.iter().find(|it| !before.contains(it)) {
        return Err(
            Failure::seen(format!("the host has a mount on {point}, with {options}"))
                .expected(
                    "the host's own /proc and /sys are as they were before the container started",
                )
                .at("/proc/1/mountinfo")
                .usually(
                    "the paths were covered by the parent, or before the mounts were made private: \
                     `cover` belongs into the child, behind `enter`",
                )
                .into(),
        );
    }
    let mounts = container.mounts()?;
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected("rw among the options of the mount on /proc, and of its file system")
            .at(mountinfo(&container))
    };
    let Some(mount) = procfs::mounted_at(&mounts, "/proc") else {
        return Err(failure("nothing is mounted on /proc".to_owned()).into());
    };
    if mount.has_option("ro") {
        return Err(
            failure(format!("/proc itself has the options {}", mount.options))
                .usually(
                    "all of /proc was made read-only: a process writes to files of its own there",
                )
                .into(),
        );
    }
    if is_read_only(mount) {
        return Err(failure(format!(
            "the file system that /proc shows has the options {}",
            mount.super_options
        ))
        .into());
    }
    Ok(())
}

/// What a path shows that should show nothing.
fn shown(container: &Container, path: &str) -> Option<String> {
    let inside = container.inside(path);
    let file = match fs::symlink_metadata(&inside) {
        Ok(file) => file,
        Err(why) => return Some(format!("{path} cannot be looked at: {why}")),
    };
    let top = if path.starts_with("/sys") {
        "/sys"
    } else {
        "/proc"
    };
    if device(container, top).is_ok_and(|of_kernel| of_kernel == file.dev()) {
        return Some(format!("nothing lies over {path}"));
    }
    let is_null = file.file_type().is_char_device() && file.rdev() == linux_sys::makedev(1, 3);
    if file.is_dir() {
        return match names(&inside) {
            Ok(names) if names.is_empty() => None,
            Ok(names) => Some(format!("{path} has {}", procfs::few(names, 3))),
            Err(_) => Some(format!("{path} cannot be listed")),
        };
    }
    let is_empty = file.is_file() && file.len() == 0;
    (!is_null && !is_empty).then(|| format!("over {path} lies a file with something in it"))
}

pub(super) fn hidden(container: &Container, with: &str) -> Outcome {
    let all: Vec<(bool, String)> = there(&HIDDEN)
        .filter_map(|path| Some((Path::new(path).is_dir(), shown(container, path)?)))
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    let (directories, count) = (all.iter().filter(|it| it.0).count(), all.len());
    let seen: Vec<String> = all.into_iter().map(|it| it.1).collect();
    let failure = Failure::seen(format!("{}{with}", procfs::few(seen, 4)))
        .expected(format!(
            "an empty file or an empty directory lies over each of these: {}",
            there(&HIDDEN).collect::<Vec<_>>().join(", ")
        ))
        .at(container.inside("/").display().to_string());
    let (of_dirs, of_all) = (
        there(&HIDDEN).filter(|it| Path::new(it).is_dir()).count(),
        there(&HIDDEN).count(),
    );
    Err(if directories == count && of_dirs < of_all {
        failure.usually(
            "a file cannot lie over a directory (ENOTDIR, which must not be ignored): over these goes \
             an empty tmpfs",
        )
    } else if directories == 0 && of_dirs > 0 {
        failure.usually(
            "a file system cannot be mounted over a file (ENOTDIR, which must not be ignored): over \
             these goes the bind of an empty file, /dev/null",
        )
    } else {
        failure
    }
    .into())
}

fn stays_empty(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    for path in there(&HIDDEN) {
        let file = procfs::stat(container.inside(path))?;
        if file.file_type().is_char_device() {
            continue;
        }
        let Some(mount) = procfs::mounted_at(&mounts, path) else {
            continue;
        };
        if !is_read_only(mount) {
            return Err(Failure::seen(format!(
                "the {} on {path} has the options {}",
                mount.fstype, mount.options
            ))
            .expected(format!("ro among the options of what lies over {path}"))
            .at(mountinfo(&container))
            .into());
        }
    }
    Ok(())
}

fn own_covers(host: &Host) -> Outcome {
    let on_host: Vec<String> = host.mounts()?.into_iter().map(|it| it.device).collect();
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    let hosts: Vec<String> = there(&HIDDEN)
        .filter_map(|path| {
            let mount = procfs::mounted_at(&mounts, path)?;
            let is_hosts = on_host.contains(&mount.device);
            is_hosts.then(|| format!("{} of the host's on {path}", mount.root))
        })
        .collect();
    if hosts.is_empty() {
        return Ok(());
    }
    Err(Failure::seen(procfs::few(hosts, 3))
        .expected("no file system of the host's lies over a path of the container's")
        .at(mountinfo(&container))
        .into())
}

/// The words by which the probe tries each of these, and stays.
fn attempts() -> Vec<String> {
    let writable = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];
    let writable = there(&writable).map(|path| ("keep-writable", path.to_owned()));
    let is_file = |path: &&str| !Path::new(path).is_dir();
    let readable = there(&HIDDEN)
        .filter(is_file)
        .map(|path| ("keep", path.to_owned()));
    let mut words = vec!["probe".to_owned()];
    for (verb, path) in writable.chain(readable).collect::<Vec<_>>() {
        words.extend(["try".to_owned(), verb.to_owned(), path, "then".to_owned()]);
    }
    words.push("hold".to_owned());
    words
}

/// What of the kernel's own files the command has open.
fn has_open(container: &Container) -> Result<Option<String>, Failure> {
    let of_kernel = device(container, "/proc")?;
    let directory = container.proc("fd");
    let entries = fs::read_dir(&directory).map_err(|why| Failure::unreadable(&directory, why))?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    let found = paths.find(|path| fs::metadata(path).is_ok_and(|file| file.dev() == of_kernel));
    Ok(found.map(|path| match fs::read_link(&path) {
        Ok(target) => target.display().to_string(),
        Err(_) => path.display().to_string(),
    }))
}

fn for_all(host: &Host) -> Outcome {
    let blame = |why: crate::finding::Finding| why.usually(Some(FORGOTTEN_FOR_SOME));
    let words = attempts();
    for options in [&["--user", "1000:1000"][..], &["--cap-add", "ALL"]] {
        let with = format!(", with {}", options.join(" "));
        let invocation = options.iter().fold(host.run(&words), |invocation, option| {
            invocation.option(option)
        });
        let container = invocation.hold()?;
        knobs(&container, &with).map_err(blame)?;
        hidden(&container, &with).map_err(blame)?;
        if let Some(path) = has_open(&container)? {
            return Err(Failure::seen(format!("the command has opened {path}{with}"))
                .expected("the kernel refuses to open its knobs for writing, and shows an empty file in the place of the others")
                .at(container.proc("fd").display().to_string())
                .into());
        }
        container.end()?;
    }
    let container = host.shell().hold_shell()?;
    let with = ", and the command is a shell";
    knobs(&container, with).map_err(blame)?;
    hidden(&container, with).map_err(blame)
}

/// Whether the command could write to its root, and to a directory of it.
fn has_written(container: &Container) -> bool {
    let is_there = |path: &str| container.inside(path).symlink_metadata().is_ok();
    is_there("/written") || is_there("/etc/written")
}

const WRITES: &str = "probe try write /written then try write /etc/written then hold";

fn read_only_root(host: &Host) -> Outcome {
    let words: Vec<&str> = WRITES.split_whitespace().collect();
    let usual = host.run(&words).hold()?;
    let usual_mounts = usual.mounts()?;
    let root = |mounts: &[Mount]| {
        let root = procfs::mounted_at(mounts, "/").cloned();
        root.ok_or_else(|| Failure::seen("nothing is mounted on the container's /"))
    };
    let usual_root = root(&usual_mounts)?;
    if usual_root.has_option("ro") || !has_written(&usual) {
        return Err(Failure::seen(format!(
            "without --read-only its options are {}",
            usual_root.options
        ))
        .expected("without --read-only the container's root can be written to")
        .at(mountinfo(&usual))
        .usually("`make_root_read_only` is called whether it was asked for or not")
        .into());
    }
    usual.end()?;

    let container = host.run(&words).option("--read-only").hold()?;
    let mount = root(&container.mounts()?)?;
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected(format!(
                "the mount on the container's / is read-only, and all else of it as without \
                 --read-only: {}",
                usual_root.options.replacen("rw", "ro", 1)
            ))
            .at(mountinfo(&container))
    };
    let seen = format!("with --read-only its options are {}", mount.options);
    if !mount.has_option("ro") {
        return Err(failure(seen).into());
    }
    if mount.options != usual_root.options.replacen("rw", "ro", 1) {
        return Err(failure(seen)
            .usually(
                "MS_REMOUNT sets all flags of the mount anew: MS_NODEV, which the overlay has from \
                 level 04 on, is lost if it is not said once more",
            )
            .into());
    }
    let of_system = |mount: &Mount| without_ids(&mount.super_options);
    if of_system(&mount) != of_system(&usual_root) {
        return Err(failure(format!(
            "the overlay itself has become another: {}",
            of_system(&mount)
        ))
        .usually(
            "MS_BIND is missing in the remount: without it MS_REMOUNT changes the file system, and \
             not this mount alone",
        )
        .into());
    }
    if has_written(&container) {
        return Err(failure("the command has written to its root".to_owned()).into());
    }
    container.end()?;
    expect_refusal(
        host,
        host.run(&["probe", "exit", "0"])
            .option("--read-only=perhaps"),
    )
}

/// The options of each mount but the root.
fn below_the_root(container: &Container) -> Result<BTreeMap<String, String>, Failure> {
    let mounts = container.mounts()?.into_iter();
    let below = mounts.filter(|mount| mount.point != Path::new("/"));
    Ok(below
        .map(|mount| (mount.point.display().to_string(), mount.options))
        .collect())
}

fn only_the_root(host: &Host) -> Outcome {
    let usual = host.run(&["probe", "hold"]).hold()?;
    let wanted = below_the_root(&usual)?;
    usual.end()?;
    let words = ["probe", "try", "write", "/dev/shm/written", "then", "hold"];
    let container = host.run(&words).option("--read-only").hold()?;
    let found = below_the_root(&container)?;
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected("with --read-only the mounts below the root are as without it")
            .at(mountinfo(&container))
    };
    let other = wanted
        .iter()
        .find(|(point, options)| found.get(*point) != Some(options));
    if let Some((point, options)) = other {
        let now = found
            .get(point)
            .map_or("no options: it is not there", String::as_str);
        return Err(failure(format!(
            "with --read-only the mount on {point} has {now}, and {options} without"
        ))
        .into());
    }
    if container
        .inside("/dev/shm/written")
        .symlink_metadata()
        .is_err()
    {
        return Err(failure("the command could not write to /dev/shm".to_owned()).into());
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 12, &["--read-only"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_the_level_s_own() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(root.join("levels/harden/src/masks.rs")).unwrap_or_default();
        let lines = text
            .lines()
            .map(|line| line.trim().trim_matches([',', '"']));
        let named: Vec<&str> = lines
            .filter(|line| line.starts_with("/proc/") || line.starts_with("/sys/"))
            .collect();
        assert_eq!(named, [&READ_ONLY[..], &HIDDEN[..]].concat());
    }
}
