//! Level 01: the command's root directory is an image, with /proc, /sys and /dev.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use linux_sys::MsFlags;

use super::l00::IN_A_CHILD;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::{Container, is_copy};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Ended, Host, NOT_CLEANED};
use crate::mount_tree::{self, HostsMount, HostsMounts};
use crate::procfs::{self, Mount};
use crate::{probe_image, process};
use sandbox::wait::await_that;

pub(super) const ROOT_IS_IMAGE: &str = "the command's root directory is the image";

const SYS_IS_MOUNTED: &str = "/sys is mounted";
const DEV_IS_MOUNTED: &str = "/dev is mounted and has /dev/null";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 1,
    checks: &[
        Check {
            name: "the image is unpacked below the container directory",
            step: 1,
            usually: "the image was not unpacked, or somewhere else",
            needs: &[],
            run: unpacked,
        },
        Check {
            name: "files of the image keep their owner and mode",
            step: 1,
            usually: "the archive was unpacked by other means than the image's own",
            needs: &[],
            run: owner_and_mode,
        },
        Check {
            name: "the container directory is closed to others",
            step: 1,
            usually: "the store was not made by the given code: a set-user-ID program in an \
                      image would be open to every user of the host (CVE-2021-41091)",
            needs: &[],
            run: closed,
        },
        Check {
            name: ROOT_IS_IMAGE,
            step: 2,
            usually: "chroot is missing, or was called with another directory",
            needs: &[IN_A_CHILD],
            run: root_is_image,
        },
        Check {
            name: "the command starts in its root directory",
            step: 2,
            usually: "chdir(\"/\") after chroot is missing: chroot does not move the current \
                      directory, which stays on the host and leads there by `..`",
            needs: &[ROOT_IS_IMAGE],
            run: starts_in_root,
        },
        Check {
            name: "/proc is mounted and shows the command's own process",
            step: 3,
            usually: "proc was not mounted, or not on the /proc of the new root; or something was \
                      mounted on that root afterwards, which hides it",
            needs: &[ROOT_IS_IMAGE],
            run: proc_is_mounted,
        },
        Check {
            name: SYS_IS_MOUNTED,
            step: 3,
            usually: "sysfs was not mounted, or not on the /sys of the new root",
            needs: &[ROOT_IS_IMAGE],
            run: sys_is_mounted,
        },
        Check {
            name: "/sys is read-only",
            step: 3,
            usually: "MS_RDONLY is missing: what is in /sys are the knobs of the one kernel that \
                      all share",
            needs: &[SYS_IS_MOUNTED],
            run: sys_is_read_only,
        },
        Check {
            name: DEV_IS_MOUNTED,
            step: 3,
            usually: "nothing was mounted on the container's /dev",
            needs: &[ROOT_IS_IMAGE],
            run: dev_is_mounted,
        },
        Check {
            name: "/proc, /sys and /dev are nosuid and noexec",
            step: 3,
            usually: "MS_NOSUID, MS_NOEXEC or MS_NODEV is missing among the flags of a mount",
            needs: &[
                "/proc is mounted and shows the command's own process",
                SYS_IS_MOUNTED,
                DEV_IS_MOUNTED,
            ],
            run: inert,
        },
        Check {
            name: "an image without /proc, /sys and /dev works too",
            step: 3,
            usually: "the mount points were not made: `given::mount_point` gives the path of one \
                      and makes the directory where there is none",
            needs: &["/proc is mounted and shows the command's own process"],
            run: bare_image,
        },
        Check {
            name: "a link in the image leads no mount to the host",
            step: 3,
            usually: "mount(2) follows symbolic links, and an image may have any: mount targets \
                      must be resolved beneath the new root, as `given::mount_point` does \
                      (CVE-2019-19921)",
            needs: &[ROOT_IS_IMAGE],
            run: links,
        },
        Check {
            name: "no directory and no mount is left afterwards",
            step: 3,
            usually: "what was mounted or made by other means than the given code's is not \
                      known to the given code that cleans up",
            needs: &[],
            run: nothing_left,
        },
        Check {
            name: "--keep keeps the container's directory",
            step: 1,
            usually: "the container's directory was removed although --keep was given",
            needs: &[ROOT_IS_IMAGE],
            run: keep,
        },
        Check {
            name: "asked to end before there is a command, the level ends so, and leaves nothing",
            step: 1,
            usually: "signals were let go, or are handled by other means than the given code's: \
                      `given::main` holds them back before `run`, and who unpacks looks for them",
            needs: &[ROOT_IS_IMAGE],
            run: ends_early,
        },
        Check {
            name: "the status is the command's own, even if its directory cannot be removed",
            step: 1,
            usually: "an error of the tidying up was returned in place of what came before it: \
                      `given::warn_of` tells it, and `Ok(status)` stays",
            needs: &[ROOT_IS_IMAGE],
            run: not_removed,
        },
        Check {
            name: "an unknown image gives status 125 and leaves nothing",
            step: 1,
            usually: "a directory was made before the image was known to exist, or the error \
                      was not passed on",
            needs: &[],
            run: unknown_image,
        },
        refusals::check(
            "a container whose root cannot be made does not run",
            3,
            refused_calls,
        ),
    ],
    calls: &[
        ("chroot(", "", 2),
        ("mount(\"proc\"", "", 3),
        ("mount(\"sysfs\"", "", 3),
        ("mount(\"devtmpfs\"", "", 3),
        // If even the probe is not found, the root is not the image.
        ("execvp(\"probe\"", "", 2),
    ],
};

/// Files called `name` in `directory`, not deeper than a container's root is.
pub(super) fn find(directory: &Path, name: &str) -> Vec<PathBuf> {
    const DEPTH: u32 = 3;
    fn walk(directory: &Path, name: &str, depth: u32, found: &mut Vec<PathBuf>) {
        let path = directory.join(name);
        if path.symlink_metadata().is_ok() {
            found.push(path);
        }
        if depth == 0 {
            return;
        }
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                walk(&entry.path(), name, depth - 1, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(directory, name, DEPTH, &mut found);
    found
}

/// The same, for a container of the test image, looked at while it runs: afterwards
/// the level removes it. If it does not even start, what it leaves with `--keep`
/// tells as much.
fn look_unpacked<T>(
    host: &Host,
    name: &str,
    look: impl FnOnce(Vec<PathBuf>, Option<&Container>) -> T,
) -> Result<T, Failure> {
    let running = host.run(&["probe", "hold"]).hold();
    if running.is_err() {
        host.run(&["probe", "exit", "0"])
            .option("--keep")
            .finish()?;
    }
    let seen = look(find(&host.store(), name), running.as_ref().ok());
    drop(running);
    Ok(seen)
}

/// The names in a directory, sorted.
pub(super) fn names(directory: &Path) -> Result<Vec<String>, Failure> {
    let read = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    };
    read().map_err(|why| Failure::unreadable(directory, why))
}

/// What is in the store besides what it may keep, which starts with a dot.
pub(super) fn left_in_store(host: &Host) -> Result<Vec<String>, Failure> {
    match host.store().exists() {
        true => Ok(names(&host.store())?
            .into_iter()
            .filter(|it| !it.starts_with('.'))
            .collect()),
        false => Ok(Vec::new()),
    }
}

fn unpacked(host: &Host) -> Outcome {
    let store = host.store();
    let (is_there, too_high) = look_unpacked(host, &host.probe(), |found, container| {
        let too_high = (found.iter()).find(|path| is_too_high(&store, path, container));
        (!found.is_empty(), too_high.cloned())
    })?;
    if let Some(probe) = too_high {
        return Err(Failure::seen(
            "the image is in ID/, the container's directory, not in ID/rootfs",
        )
        .expected("the image's bin/probe in the container's `/`: ID/rootfs/bin/probe")
        .at(probe.display().to_string())
        .usually("it was unpacked into `directory.path` instead of `root(directory)`")
        .into());
    }
    if is_there {
        return Ok(());
    }
    let seen = match names(&store) {
        Ok(names) if names.is_empty() => "an empty container directory".to_owned(),
        Ok(names) => format!("no bin/probe in any of {}", procfs::few(names, 6)),
        Err(_) => "no container directory at all".to_owned(),
    };
    Err(Failure::seen(seen)
        .expected("the image's bin/probe somewhere below the container directory")
        .at(store.display().to_string())
        .into())
}

/// Whether this probe lies in a container's directory itself, and that is no container's root.
fn is_too_high(store: &Path, probe: &Path, container: Option<&Container>) -> bool {
    let Some(directory) = probe.parent().and_then(Path::parent) else {
        return false;
    };
    // What starts with a dot is no container's.
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    if directory.parent() != Some(store) || directory.file_name().is_none_or(is_hidden) {
        return false;
    }
    let identity = |path: &Path| procfs::identity(path).ok();
    container.is_none_or(|it| identity(&it.proc("root")) != identity(directory))
}

fn owner_and_mode(host: &Host) -> Outcome {
    let first = look_unpacked(host, probe_image::ODD_FILE, |found, _| {
        let path = found.into_iter().next()?;
        Some((procfs::stat(&path), path))
    })?;
    let Some((file, path)) = first else {
        return Err(Failure::seen(format!("no {} there", probe_image::ODD_FILE))
            .at(host.store().display().to_string())
            .into());
    };
    let file = file?;
    let seen = (file.uid(), file.gid(), file.mode() & 0o7777);
    let expected = (
        probe_image::ODD_OWNER,
        probe_image::ODD_GROUP,
        probe_image::ODD_MODE,
    );
    if seen == expected {
        return Ok(());
    }
    let show = |(uid, gid, mode)| format!("owner {uid}, group {gid}, mode {mode:04o}");
    Err(Failure::seen(show(seen))
        .expected(format!("{} has {}", probe_image::ODD_FILE, show(expected)))
        .at(path.display().to_string())
        .into())
}

fn closed(host: &Host) -> Outcome {
    host.run(&["probe", "exit", "0"]).umask(0).finish()?;
    let mode = procfs::stat(host.store())?.permissions().mode() & 0o7777;
    if mode == 0o700 {
        return Ok(());
    }
    Err(Failure::seen(format!("mode {mode:04o}"))
        .expected("the container directory has mode 0700")
        .at(host.store().display().to_string())
        .into())
}

fn root_is_image(host: &Host) -> Outcome {
    let hosts = HostsMounts::of(host)?;
    let container = host.run(&["probe", "hold"]).hold().map_err(|failure| {
        match failure.mentions("execvp(\"probe\"") {
            true => failure.here().usually(
                "chroot was called with another directory than the one unpacked into: there is \
                 no bin/probe below it",
            ),
            false => failure,
        }
    })?;
    let root = container.proc("root");
    if procfs::identity(&root)? == procfs::identity("/proc/1/root")? {
        return Err(Failure::seen("its root directory is the host's")
            .expected("its root directory is the one that the image was unpacked into")
            .at(root.display().to_string())
            .into());
    }
    let canary = host.canary();
    if container.inside(&canary.display().to_string()).exists() {
        return Err(
            Failure::seen(format!("the host's {} is in it", canary.display()))
                .expected("nothing of the host's is below the command's root directory")
                .at(root.display().to_string())
                .into(),
        );
    }
    let bound = bound_inside(&hosts, &container)?;
    if !bound.is_empty() {
        return Err(Failure::seen(mount_tree::name_hosts(&bound))
            .expected("nothing of the host's is below the command's root directory")
            .at(container.proc("mountinfo").display().to_string())
            .step(1, 3)
            .usually(mount_tree::BOUND)
            .into());
    }
    if is_copy(&container.inside(&host.probe()), Path::new("/proc/1/exe")).unwrap_or(false) {
        return Ok(());
    }
    Err(
        Failure::seen(format!("it has {}", procfs::few(names(&root)?, 8)))
            .expected("the image's bin/probe is in the command's root directory")
            .at(root.display().to_string())
            .usually("chroot was called with another directory than the one unpacked into")
            .into(),
    )
}

/// What of the host's is mounted in a container, but for what other checks look at: what is in
/// /dev, and what lies below the whole of the host's root, the old root of level 03.
fn bound_inside(hosts: &HostsMounts, container: &Container) -> Result<Vec<HostsMount>, Failure> {
    let mut found = hosts.among(&container.mounts()?, container);
    let old_root = HostsMounts::whole_host(&found).map(|whole| whole.point.clone());
    found.retain(|mount| {
        let is_below = |place: &Path| mount.point.starts_with(place);
        !is_below(Path::new("/dev")) && !old_root.as_deref().is_some_and(is_below)
    });
    Ok(found)
}

fn starts_in_root(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let (root, cwd) = (container.proc("root"), container.proc("cwd"));
    if procfs::identity(&root)? == procfs::identity(&cwd)? {
        return Ok(());
    }
    let place = fs::read_link(&cwd).unwrap_or_default();
    let failure = Failure::seen(format!(
        "its current directory is {} of the host",
        place.display()
    ))
    .expected("its current directory is its root directory")
    .at(format!("{} and {}", cwd.display(), root.display()));
    Err(match host.judged() {
        3.. => failure.step(3, 2).elsewhere().usually(
            "chdir(\"/\") after pivot_root is missing: the current directory is still in the old \
             root, and leads there by `..`",
        ),
        _ => failure,
    }
    .into())
}

/// What is mounted at `point` in the container must be one of `fstypes`.
fn expect_mount(container: &Container, point: &str, fstypes: &[&str]) -> Outcome {
    let mounts = container.mounts()?;
    let mount = procfs::mounted_at(&mounts, point);
    if mount.is_some_and(|mount| fstypes.contains(&mount.fstype.as_str())) {
        return Ok(());
    }
    let seen = match mount {
        Some(mount) => format!("a {} is mounted there", mount.fstype),
        None if mounts.is_empty() => "nothing is mounted in the container".to_owned(),
        None => format!("mounted in the container: {}", procfs::name_mounts(&mounts)),
    };
    let failure = Failure::seen(seen)
        .expected(format!(
            "a {} is mounted on the container's {point}",
            fstypes.join(" or a ")
        ))
        .at(container.proc("mountinfo").display().to_string());
    Err(covered(container, &mounts, failure).into())
}

/// If nothing is mounted in a container but its root, that root was mounted last, and has
/// covered what was there. From level 03 on there is such a mount.
pub(super) fn covered(container: &Container, mounts: &[Mount], failure: Failure) -> Failure {
    let has = |point| procfs::mounted_at(mounts, point).is_some();
    if container.judged() < 3 || !has("/") || ["/proc", "/sys", "/dev"].into_iter().any(has) {
        return failure;
    }
    let (what, level, step) = match container.judged() {
        3 => ("bind", 3, 1),
        _ => ("overlay", 4, 2),
    };
    failure.step(level, step).usually(format!(
        "the {what} is mounted on that root afterwards, which hides it: the {what} has to be \
         the first, before proc, sys and dev"
    ))
}

/// What is mounted at `point` must let its devices be opened.
pub(super) fn expect_devices(container: &Container, point: &str) -> Result<(), Failure> {
    let mounts = container.mounts()?;
    match procfs::mounted_at(&mounts, point) {
        Some(mount) if mount.has_option("nodev") => {
            Err(Failure::seen(format!("the options are {}", mount.options))
                .expected(format!(
                    "no nodev among the options of the mount on {point}"
                ))
                .at(container.proc("mountinfo").display().to_string())
                .usually(format!(
                    "MS_NODEV is among the flags of {point}: the nodes are there, and the kernel \
                     refuses to open them"
                )))
        }
        _ => Ok(()),
    }
}

fn proc_is_mounted(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    expect_mount(&container, "/proc", &["proc"])?;
    // A proc belongs to the PID namespace of the process that mounted it, for ever.
    let own = procfs::own_pid(container.pid)?;
    let inner = container.inside(&format!("proc/{own}/cmdline"));
    if procfs::read(container.proc("cmdline"))? == procfs::read(&inner).unwrap_or_default() {
        return Ok(());
    }
    Err(Failure::seen(format!(
        "process {own}, which is the command, is another process in it"
    ))
    .expected("the container's /proc shows the PID namespace that the command is in")
    .at(inner.display().to_string())
    .usually("/proc was mounted by a process of another PID namespace")
    .into())
}

fn sys_is_mounted(host: &Host) -> Outcome {
    expect_mount(&host.run(&["probe", "hold"]).hold()?, "/sys", &["sysfs"])
}

fn sys_is_read_only(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    // The option of this mount: the file system itself is the host's too, and writable.
    let options = match procfs::mounted_at(&mounts, "/sys") {
        Some(mount) if mount.has_option("ro") => return Ok(()),
        Some(mount) => mount.options.as_str(),
        None => "those of no mount",
    };
    Err(Failure::seen(format!("the options are {options}"))
        .expected("ro among the options of the mount on /sys")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

fn dev_is_mounted(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    expect_mount(&container, "/dev", &["devtmpfs", "tmpfs"])?;
    // A tmpfs is empty at first. From level 02 on it is right, and filled.
    let is_own = has_dev_of_its_own(&container)? && host.judged() >= 2;
    // Level 02 has a check for all the nodes, which is told first.
    let in_place = |failure: Failure| match is_own {
        true => failure.step(2, 3).elsewhere(),
        false => failure,
    };
    let null = container.inside("dev/null");
    let seen = match fs::symlink_metadata(&null) {
        Err(_) => "it is not there".to_owned(),
        Ok(file) if !file.file_type().is_char_device() => "it is no device".to_owned(),
        Ok(file) if file.rdev() != linux_sys::makedev(1, 3) => {
            format!("it is the device {}", show_device(file.rdev()))
        }
        Ok(_) => return Ok(expect_devices(&container, "/dev").map_err(in_place)?),
    };
    let usually = match is_own {
        true => {
            "the tmpfs is mounted, and a node in it is missing or another: \
             mknod(dev.join(\"null\"), S_IFCHR, 0666, makedev(1, 3)), see `make_devices`"
        }
        false => "something is mounted on /dev, and not devtmpfs, which has the devices in it",
    };
    let failure = Failure::seen(seen)
        .expected("the container's /dev/null is character device 1:3")
        .at(null.display().to_string())
        .usually(usually);
    Err(in_place(failure).into())
}

/// Whether /dev is what it is from level 02 on.
fn has_dev_of_its_own(container: &Container) -> Result<bool, Failure> {
    let mounts = container.mounts()?;
    Ok(procfs::mounted_at(&mounts, "/dev").is_some_and(|mount| mount.fstype == "tmpfs"))
}

/// `1:3`; the two numbers in a device number are not side by side (makedev(3)).
pub(super) fn show_device(device: u64) -> String {
    let major = (device >> 8 & 0xfff) | (device >> 32 & !0xfff);
    let minor = (device & 0xff) | (device >> 12 & !0xff);
    format!("{major}:{minor}")
}

/// What is mounted at `point` must have these options.
pub(super) fn expect_options(
    container: &Container,
    point: &str,
    wanted: &[&str],
) -> Result<(), Failure> {
    let mounts = container.mounts()?;
    let Some(mount) = procfs::mounted_at(&mounts, point) else {
        return Ok(());
    };
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|option| !mount.has_option(option))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let flags = missing.iter().map(|it| format!("MS_{}", it.to_uppercase()));
    let flags: Vec<_> = flags.collect();
    Err(Failure::seen(format!("the options are {}", mount.options))
        .expected(format!(
            "{} among the options of the mount on {point}",
            missing.join(" and ")
        ))
        .at(container.proc("mountinfo").display().to_string())
        .usually(format!(
            "{} is missing among the flags of the mount on {point}: nothing in there is a program \
             to run, and only /dev has devices to open",
            flags.join(" | ")
        )))
}

fn inert(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    for point in ["/proc", "/sys"] {
        expect_options(&container, point, &["nosuid", "nodev", "noexec"])?;
    }
    let is_own = has_dev_of_its_own(&container)?;
    expect_options(&container, "/dev", &["nosuid", "noexec"]).map_err(|failure| {
        match is_own && host.judged() >= 2 {
            true => failure.step(2, 3),
            false => failure,
        }
    })?;
    Ok(())
}

fn is_mount_point(path: &Path) -> bool {
    ["proc", "sys", "dev"]
        .iter()
        .any(|point| path.starts_with(point))
}

fn bare_image(host: &Host) -> Outcome {
    host.add_changed_image("bare", |archive| {
        probe_image::rebuild(archive, |path| !is_mount_point(path), |_| Ok(()))
    })?;
    // The same image with these directories has started.
    let container = host.run(&["probe", "hold"]).image("bare").hold();
    let container = container.map_err(|failure| {
        failure
            .here()
            .expected("the container starts, and the directories are made")
            .usually(
                "the mount points are expected to be in the image: `given::mount_point` makes \
                 those that are missing",
            )
    })?;
    expect_mount(&container, "/proc", &["proc"])?;
    expect_mount(&container, "/sys", &["sysfs"])?;
    expect_mount(&container, "/dev", &["devtmpfs", "tmpfs"])
}

fn links(host: &Host) -> Outcome {
    let canary = host.canary();
    let upwards = PathBuf::from("../".repeat(12)).join(canary.strip_prefix("/").unwrap_or(&canary));
    for (name, target) in [("absolute", &canary), ("upwards", &upwards)] {
        host.add_changed_image(name, |archive| {
            probe_image::rebuild(
                archive,
                |path| !is_mount_point(path),
                |tar| {
                    for point in ["proc", "sys", "dev"] {
                        probe_image::add_link(tar, point, target)?;
                    }
                    Ok(())
                },
            )
        })?;
        // Refusing such an image is fine, and so is running it unharmed.
        let container = host
            .run(&["probe", "hold"])
            .image(name)
            .option("--keep")
            .hold();
        if find(&host.store(), "proc")
            .iter()
            .all(|path| !path.is_symlink())
        {
            let why = "the given code does not unpack such an image";
            return Err(Finding::Skip(why.to_owned()));
        }
        let mounts = host.mounts()?;
        if let Some(mount) = mounts.iter().find(|mount| mount.point.starts_with(&canary)) {
            return Err(
                Failure::seen(format!("a {} was mounted there", mount.fstype))
                    .expected(format!(
                        "nothing is mounted on the host's {}, where the image's /proc, /sys and \
                     /dev point to",
                        canary.display()
                    ))
                    .at("/proc/1/mountinfo")
                    .into(),
            );
        }
        drop(container);
    }
    Ok(())
}

fn nothing_left(host: &Host) -> Outcome {
    let before = host.mounts()?;
    let ended = host.run(&["probe", "exit", "0"]).finish()?;
    let after = host.mounts()?;
    let new: Vec<_> = after
        .iter()
        .filter(|mount| !before.contains(mount))
        .collect();
    if only_propagation(&before, &new) {
        let failure = no_longer_shared("afterwards");
        // In level 01 no step has to do with it.
        return Err(match host.judged() {
            0 | 1 => failure,
            _ => failure.step(2, 2).elsewhere(),
        }
        .into());
    }
    if !new.is_empty() {
        let seen = format!("left mounted: {}", procfs::name_mounts(new.iter().copied()));
        let failure = Failure::seen(seen)
            .expected("the host's mounts are what they were before the container")
            .at("/proc/1/mountinfo");
        return Err(match has_leaked(host) {
            Some(true) if mounted_by_the_parent(host, &new) => {
                failure.step(4, 2).usually(BY_THE_PARENT)
            }
            // Not the container's, wherever its own are.
            Some(true) if !new.iter().any(|it| it.point.starts_with(host.store())) => {
                failure.usually("the parent mounts something on its host, and does not unmount it")
            }
            Some(true) => failure.elsewhere().usually(
                "the container has a mount namespace of its own, and its mounts appear on the \
                 host all the same: propagation was left shared, or unshare comes after the \
                 first mount",
            ),
            Some(false) if host.judged() >= 2 => failure.step(2, 1).elsewhere().usually(
                "the container has no mount namespace of its own, so that its mounts are the \
                 host's: unshare(CLONE_NEWNS) is missing in the child",
            ),
            _ => failure,
        }
        .into());
    }
    if after.len() < before.len() {
        return Err(Failure::seen(format!(
            "{} mounts were there, {} are",
            before.len(),
            after.len()
        ))
        .expected("the host's mounts are what they were before the container")
        .at("/proc/1/mountinfo")
        .usually("something of the host's was unmounted: the umount named the wrong path")
        .into());
    }
    let left = left_in_store(host)?;
    if left.is_empty() {
        return Ok(());
    }
    // A container's directory has an ID for its name; level 04 has its own check for the rest.
    let is_id = |name: &String| name.len() == 12 && name.bytes().all(|it| it.is_ascii_hexdigit());
    let has_ids = left.iter().any(is_id);
    let seen = format!("left: {}; {}", procfs::few(left, 6), ended.describe());
    let failure = Failure::seen(seen)
        .expected("the container's directory is removed at the end")
        .at(host.store().display().to_string());
    Err(match ended.code() {
        // It tried, and says itself what was in the way.
        Some(125) if ended.has_run() => failure.elsewhere().usually(NOT_CLEANED),
        Some(125) => failure.elsewhere(),
        _ if host.judged() >= 4 && !has_ids => failure.step(4, 1).elsewhere(),
        _ if host.judged() >= 2 && has_left_the_host(host) => {
            failure.step(2, 1).elsewhere().usually(
                "unshare was called before fork, so that the parent has the container's mounts, \
                 too, and cannot remove the directory below them",
            )
        }
        _ => failure,
    }
    .into())
}

/// What [`mounted_by_the_parent`] means.
pub(super) const BY_THE_PARENT: &str = "the parent mounted it, before the namespace was unshared: \
                                        mount_overlay belongs in contain";

/// Whether only overlays have come to the host. The rest of a container's mounts would be
/// there too, if its namespace were to blame.
pub(super) fn mounted_by_the_parent(host: &Host, new: &[&Mount]) -> bool {
    host.judged() >= 4 && new.iter().all(|mount| mount.fstype == "overlay")
}

/// Whether there are no new mounts after all: the host's own are called `new` only
/// because their propagation is not what it was.
pub(super) fn only_propagation(before: &[Mount], new: &[&Mount]) -> bool {
    let differs_in_that = |now: &Mount, was: &Mount| {
        let was = Mount {
            propagation: now.propagation.clone(),
            ..was.clone()
        };
        *now == was
    };
    let is_old = |mount: &&Mount| before.iter().any(|was| differs_in_that(mount, was));
    !new.is_empty() && new.iter().all(is_old)
}

/// What [`only_propagation`] means.
pub(super) fn no_longer_shared(when: &str) -> Failure {
    Failure::seen("the host's own mounts are not shared any more; none has come or gone")
        .expected(format!(
            "{when}, the host's mounts are what they were before, their propagation included"
        ))
        .at("/proc/1/mountinfo, the optional fields")
        .usually(
            "mount(MS_PRIVATE) was called before unshare(CLONE_NEWNS): until that has returned, \
             / is the host's. On your own machine: `sudo mount --make-rshared /`, or reboot",
        )
}

/// Whether mounts on the host are not the level's, but come from the container's own
/// mount namespace; none if there is no container to ask.
fn has_leaked(host: &Host) -> Option<bool> {
    let container = host.run(&["probe", "hold"]).hold().ok()?;
    Some(!is_on_the_host(container.pid))
}

/// Whether the level's own process is in another mount namespace than it was started in.
fn has_left_the_host(host: &Host) -> bool {
    let container = host.run(&["probe", "hold"]).hold();
    container.is_ok_and(|container| !is_on_the_host(container.level()))
}

fn is_on_the_host(pid: i32) -> bool {
    let namespace = |pid: i32| procfs::identity(procfs::path(pid, "ns/mnt")).ok();
    namespace(pid) == namespace(1)
}

fn keep(host: &Host) -> Outcome {
    host.run(&["probe", "write", "/kept"])
        .option("--keep")
        .finish()?;
    if !find(&host.store(), "kept").is_empty() {
        return Ok(());
    }
    Err(Failure::seen(match left_in_store(host)? {
        left if left.is_empty() => "it is gone".to_owned(),
        left => format!("only {} is left", procfs::few(left, 6)),
    })
    .expected("after `--keep`, the container's directory has the file that the command wrote")
    .at(host.store().display().to_string())
    .into())
}

fn not_removed(host: &Host) -> Outcome {
    const STATUS: i32 = 3;
    let container = host.run(&["probe", "hold", "3"]).hold()?;
    // A mount of ours in the container's directory, which no removal may cross.
    host.expect_leftovers();
    for id in left_in_store(host)? {
        let place = host.store().join(id).join("in-use");
        fs::create_dir(&place).map_err(|why| Failure::unreadable(&place, why))?;
        linux_sys::mount("none", &place, "tmpfs", MsFlags::empty(), "")
            .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    }
    let ended = container.end()?;
    if ended.code() == Some(STATUS) {
        return Ok(());
    }
    Err(Failure::seen(ended.describe())
        .expected("status 3, with which the command has ended: it has done its work")
        .at("wait status of the level's process")
        .into())
}

fn unknown_image(host: &Host) -> Outcome {
    let before = host.mounts()?;
    let ended = host
        .run(&["probe", "exit", "0"])
        .image("no-such-image")
        .finish()?;
    if ended.code() != Some(125) {
        return Err(Failure::seen(ended.describe())
            .expected("status 125: the container could not be made")
            .at("wait status of the level's process")
            .into());
    }
    let left = left_in_store(host)?;
    if !left.is_empty() {
        return Err(Failure::seen(format!("left: {}", procfs::few(left, 6)))
            .expected("no container's directory")
            .at(host.store().display().to_string())
            .into());
    }
    if host.mounts()? == before {
        return Ok(());
    }
    Err(Failure::seen("the host's mounts have changed")
        .at("/proc/1/mountinfo")
        .into())
}

fn ends_early(host: &Host) -> Outcome {
    const SIGHUP: i32 = 1;
    const SIGINT: i32 = 2;
    const SIGALRM: i32 = 14;
    const SIGTERM: i32 = 15;
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGALRM] {
        let name = linux_sys::signal_name(signal);
        let (ended, before) = ask_early(host, signal)?;
        let mut left = left_in_store(host)?;
        left.retain(|name| !before.contains(name));
        if ended.signal() == Some(signal) && left.is_empty() {
            continue;
        }
        let seen = match left.is_empty() {
            true => ended.describe(),
            false => format!("left: {}; {}", procfs::few(left, 6), ended.describe()),
        };
        let failure = Failure::seen(seen)
            .expected(format!(
                "sent {name} while its container is made, the level ends by it, and nothing is left"
            ))
            .at(format!("{}, and its wait status", host.store().display()));
        // Who was ended by the signal had no time for a word; who tells it was asked by us.
        let has_told = !ended.errors.trim().is_empty();
        return Err(match ended.signal() == Some(signal) && has_told {
            true => failure.usually(
                "the signal is an error of unpacking, and that was passed on by `?` before the \
                 container's directory was removed",
            ),
            false => failure,
        }
        .into());
    }
    Ok(())
}

/// Starts the level, and sends it a signal when it has begun to make its container, and has
/// no child yet. Returns how it ended, and what was in the store before.
fn ask_early(host: &Host, signal: i32) -> Result<(Ended, Vec<String>), Failure> {
    const SIGCONT: i32 = 18;
    const SIGSTOP: i32 = 19;
    const ATTEMPTS: u32 = 20;
    for attempt in 0..ATTEMPTS {
        // An image that no level has unpacked yet: that takes a while.
        let image = format!("new-{signal}-{attempt}");
        host.add_changed_image(&image, |archive| Ok(archive.to_vec()))?;
        let archive = host.archive(&image);
        // An attempt that came too late is an ordinary run: what it leaves is for others to say.
        let before = left_in_store(host)?;
        let run = host.run(&["probe", "hold"]).image(&image).start()?;
        let level = run.pid();
        host.waiting("the level's process to make its container's directory");
        while left_in_store(host)? == before && process::is_alive(level) {
            std::thread::yield_now();
        }
        // The level holds still while we look. One that has ended says so itself.
        process::send(level, SIGSTOP)?;
        await_that(|| !matches!(procfs::state(level), Some('R' | 'S' | 'D')));
        // While the archive is open, the parent will look for signals again before it makes the
        // child. Later it may already be in that call, and looks no more.
        let is_early = process::children(level).is_empty() && has_open(level, &archive);
        if is_early {
            process::send(level, signal)?;
        }
        process::send(level, SIGCONT)?;
        let ended = run.end()?;
        fs::remove_file(&archive).map_err(|why| Failure::seen(why.to_string()))?;
        if is_early {
            return Ok((ended, before));
        }
    }
    Err(Failure::seen(format!("its child was faster, {ATTEMPTS} times")).elsewhere())
}

/// Whether a process has this file open.
fn has_open(pid: i32, file: &Path) -> bool {
    let open = procfs::path(pid, "fd").read_dir().into_iter().flatten();
    let Ok(file) = procfs::identity(file) else {
        return false;
    };
    let mut open = open.flatten();
    open.any(|entry| procfs::identity(entry.path()).is_ok_and(|it| it == file))
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 1, &[])
}
