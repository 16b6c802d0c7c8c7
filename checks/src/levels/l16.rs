//! Level 16: the host's files in a container, and a directory in memory.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use linux_sys::{MntFlags, Mode, MsFlags, SFlag};

use super::l01::left_in_store;
use super::l02;
use super::l04::unpacked_image;
use super::l08::expect_refusal;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::probe_image::{ODD_FILE, add_link, rebuild};
use crate::{process, procfs};

const WHOLE: &str = "a volume has all that is mounted below it on the host";
const TMPFS: &str = "--tmpfs is a directory in memory, as large as asked, for this container alone";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 16,
    checks: &[
        Check {
            name: "a volume is the host's own directory or file, at the container's path",
            step: 1,
            usually: "open_tree with OPEN_TREE_CLONE, or move_mount, is missing: a tree that gets \
                      no place is gone when its descriptor is closed",
            needs: &[],
            run: shown,
        },
        Check {
            name: WHOLE,
            step: 1,
            usually: "AT_RECURSIVE is missing in open_tree: what is mounted below the source \
                      stays behind, and the container sees the empty directories under it",
            needs: &[],
            run: with_submounts,
        },
        Check {
            name: "what the host mounts later stays out, and what the container mounts stays in",
            step: 1,
            usually: "the tree was opened before the container's mounts were made private: a copy \
                      of a shared mount is a peer of the original (mount_namespaces(7))",
            needs: &[],
            run: private,
        },
        Check {
            name: "with :ro nothing of a volume can be written, and the host's own mounts stay as they are",
            step: 2,
            usually: "MOUNT_ATTR_RDONLY is missing, or was set for the topmost mount alone: each \
                      mount has flags of its own, and mount_setattr changes all of a tree when \
                      it is told to be recursive",
            needs: &[WHOLE],
            run: read_only,
        },
        Check {
            name: "no setuid program and no device of a volume counts",
            step: 2,
            usually: "MOUNT_ATTR_NOSUID or MOUNT_ATTR_NODEV is missing, or was set for the topmost \
                      mount alone: `nodev` of the overlay says nothing of what is mounted on it",
            needs: &[WHOLE],
            run: inert,
        },
        Check {
            name: "what a container writes to a volume is on the host, and stays",
            step: 3,
            usually: "the volume is a copy, or was made read-only unasked; or it was mounted where \
                      the removal of the container finds it",
            needs: &[],
            run: stays,
        },
        Check {
            name: "a target is looked for in the container's root, whatever links its image has",
            step: 3,
            usually: FOLLOWED,
            needs: &[],
            run: links,
        },
        Check {
            name: "a target that the image does not have is made, in the container's own layer",
            step: 3,
            usually: "`given::mount_target` makes it, in the overlay: a directory for a directory, \
                      a file for a file",
            needs: &[],
            run: made,
        },
        Check {
            name: TMPFS,
            step: 4,
            usually: "the mount of a tmpfs at the target's descriptor is missing, or its flags or \
                      options are: MS_NOSUID, MS_NODEV, MS_NOEXEC, and `tmpfs.options`",
            needs: &[],
            run: in_memory,
        },
        Check {
            name: "with --read-only, volumes and tmpfs can be written all the same",
            step: 3,
            usually: "the root was made read-only with all that is mounted on it, or before the \
                      targets were made",
            needs: &[TMPFS],
            run: on_a_read_only_root,
        },
        Check {
            name: "a volume that there is not, or a place that is the kernel's, is refused, and nothing is left",
            step: 3,
            usually: "an error was thrown away, or the target is not what `given::mount_target` \
                      has opened: it refuses what leads into /proc or /sys",
            needs: &[],
            run: refused,
        },
        refusals::check(
            "a container that cannot have its volumes as asked does not run",
            3,
            refused_calls,
        ),
    ],
    calls: &[
        ("open_tree(", "", 1),
        ("mount_setattr(", "", 2),
        ("move_mount(", "", 3),
        ("openat2(", "", 3),
        ("mount(\"tmpfs\", \"/proc/self/fd", "", 4),
    ],
};

const FOLLOWED: &str = "the target was put together as text: the image's link in it leads to the \
                        host's files. `given::mount_target` opens it as the container would, and \
                        a descriptor leads nowhere else";

/// What a source has, beside the file systems that are mounted below it.
const NOTE: &str = "note";
/// Where these are.
const BELOW: [&str; 2] = ["below", "below/deep"];

/// A directory of the host, with two file systems mounted below it.
struct Source {
    path: PathBuf,
}

impl Source {
    fn make(host: &Host, name: &str) -> Result<Source, Failure> {
        let path = directory(host, OsStr::new(name))?;
        let source = Source { path };
        for place in BELOW {
            let place = source.path.join(place);
            fs::create_dir(&place).map_err(|why| unmade(&place, &why))?;
            mount_on_host(&place)?;
            fs::write(place.join(NOTE), "below\n").map_err(|why| unmade(&place, &why))?;
        }
        Ok(source)
    }

    /// The source itself, and what is mounted below it.
    fn places(&self) -> impl Iterator<Item = (PathBuf, PathBuf)> + '_ {
        let below = BELOW.into_iter().map(PathBuf::from);
        let all = std::iter::once(PathBuf::new()).chain(below);
        all.map(|it| (it.clone(), joined(&self.path, &it)))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = linux_sys::umount2(self.path.join(BELOW[0]), MntFlags::MNT_DETACH);
    }
}

/// Joined with nothing, a path would end in a slash.
fn joined(path: &Path, below: &Path) -> PathBuf {
    match below.as_os_str().is_empty() {
        true => path.to_owned(),
        false => path.join(below),
    }
}

fn unmade(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::seen(format!(
        "the check could not make {}: {why}",
        path.display()
    ))
    .elsewhere()
}

fn mount_on_host(path: &Path) -> Result<(), Failure> {
    linux_sys::mount("below", path, "tmpfs", MsFlags::empty(), "size=64k")
        .map_err(|why| unmade(path, &why))
}

/// A directory of the host, with a file in it.
fn directory(host: &Host, name: &OsStr) -> Result<PathBuf, Failure> {
    let path = host.path("").join(name);
    fs::create_dir(&path)
        .and_then(|()| fs::write(path.join(NOTE), "This file belongs to the host.\n"))
        .map_err(|why| unmade(&path, &why))?;
    Ok(path)
}

fn volume(source: &Path, target: impl AsRef<OsStr>, mode: &str) -> OsString {
    let mut value = source.as_os_str().to_owned();
    value.push(":");
    value.push(target);
    value.push(mode);
    value
}

trait WithVolumes {
    fn volume(self, source: &Path, target: impl AsRef<OsStr>, mode: &str) -> Self;
    fn tmpfs(self, value: &str) -> Self;
}

impl WithVolumes for Invocation<'_> {
    fn volume(self, source: &Path, target: impl AsRef<OsStr>, mode: &str) -> Self {
        self.option("-v").option(volume(source, target, mode))
    }

    fn tmpfs(self, value: &str) -> Self {
        self.option("--tmpfs").option(value)
    }
}

/// A path of the container's whose name need be no text.
fn inside(container: &Container, path: &OsStr) -> PathBuf {
    let below = path
        .as_bytes()
        .strip_prefix(b"/")
        .unwrap_or(path.as_bytes());
    container.proc("root").join(OsStr::from_bytes(below))
}

/// What the container has at `target` must be what the host has at `source`.
fn expect_same(container: &Container, target: impl AsRef<OsStr>, source: &Path) -> Outcome {
    let target = target.as_ref();
    let path = inside(container, target);
    let expected = procfs::identity(source)?;
    let seen = match fs::metadata(&path) {
        Ok(file) if (file.dev(), file.ino()) == expected => return Ok(()),
        Ok(_) => format!(
            "{} in the container is another file than {} on the host",
            target.display(),
            source.display()
        ),
        Err(why) => format!("{} in the container: {why}", target.display()),
    };
    Err(Failure::seen(seen)
        .expected(format!(
            "the container has the host's {} at {}: the same device and inode number",
            source.display(),
            target.display()
        ))
        .at(path.display().to_string())
        .into())
}

fn shown(host: &Host) -> Outcome {
    // Blanks and backslashes are written otherwise in mountinfo, and a name need be no text.
    let odd = OsString::from_vec(b"a b\\040c\xff".to_vec());
    let [plain, odd_one] = [OsStr::new("shown"), &odd].map(|name| directory(host, name));
    let (plain, odd_one) = (plain?, odd_one?);
    let mut odd_target = OsString::from("/");
    odd_target.push(&odd);
    let container = host
        .run(&["probe", "hold"])
        .volume(&plain, "/mnt", "")
        .volume(&plain.join(NOTE), format!("/{ODD_FILE}"), "")
        .option("--volume")
        .option(volume(&odd_one, &odd_target, ":rw"))
        .hold()?;
    expect_same(&container, "/mnt", &plain)?;
    let second = "only the first volume was attached, or only directories: `contain` goes through \
                  all of `options.volume`, and open_tree opens a file as well";
    expect_same(&container, format!("/{ODD_FILE}"), &plain.join(NOTE))
        .map_err(|why| why.usually(Some(second)))?;
    expect_same(&container, &odd_target, &odd_one)
}

fn with_submounts(host: &Host) -> Outcome {
    let source = Source::make(host, "whole")?;
    for mode in ["", ":ro"] {
        let invocation = host.run(&["probe", "hold"]);
        let container = invocation.volume(&source.path, "/data", mode).hold()?;
        for (below, on_host) in source.places() {
            expect_same(&container, joined(Path::new("/data"), &below), &on_host)?;
        }
        container.end()?;
    }
    // It was copied, and not taken away.
    for (_, on_host) in source.places() {
        procfs::stat(on_host.join(NOTE))?;
    }
    Ok(())
}

/// A mount of the container's, which must be there.
fn mount_at(container: &Container, point: &Path) -> Result<procfs::Mount, Finding> {
    let mounts = container.mounts()?;
    let text = point.display().to_string();
    procfs::mounted_at(&mounts, &text).cloned().ok_or_else(|| {
        Failure::seen(format!("nothing is mounted on {text}"))
            .expected("each mount of the volume is there")
            .at(container.proc("mountinfo").display().to_string())
            .into()
    })
}

/// Every mount of the volume at `target` must have these options.
fn expect_options(
    container: &Container,
    source: &Source,
    target: &str,
    wanted: &[&str],
) -> Outcome {
    for (below, _) in source.places() {
        let point = joined(Path::new(target), &below);
        let mount = mount_at(container, &point)?;
        let missing: Vec<&str> = wanted
            .iter()
            .copied()
            .filter(|option| !mount.has_option(option))
            .collect();
        if missing.is_empty() {
            continue;
        }
        return Err(Failure::seen(format!(
            "{} is mounted {}, without {}",
            point.display(),
            mount.options,
            missing.join(" and ")
        ))
        .expected(format!(
            "{} at {target} and at every mount below it",
            wanted.join(", ")
        ))
        .at(container.proc("mountinfo").display().to_string())
        .into());
    }
    Ok(())
}

fn read_only(host: &Host) -> Outcome {
    let source = Source::make(host, "fixed")?;
    let before = host.mounts()?;
    let new = "new";
    let command = [
        "probe",
        "try",
        "write",
        "/data/new",
        "x",
        "then",
        "try",
        "write",
        "/data/below/new",
        "x",
        "then",
        "try",
        "write",
        "/data/below/deep/new",
        "x",
        "then",
        "try",
        "write",
        "/etc/odd",
        "x",
        "then",
        "hold",
    ];
    let file = source.path.join(NOTE);
    let text = procfs::read(&file)?;
    let container = host
        .run(&command)
        .volume(&source.path, "/data", ":ro")
        .volume(&file, format!("/{ODD_FILE}"), ":ro")
        .hold()?;
    expect_options(&container, &source, "/data", &["ro"])?;
    let written = source.places().find(|(_, path)| path.join(new).exists());
    if let Some((_, path)) = written {
        return Err(Failure::seen("the command has made a file there")
            .expected("the kernel refuses every write to a volume that is :ro (EROFS)")
            .at(path.join(new).display().to_string())
            .into());
    }
    if procfs::read(&file)? != text {
        return Err(Failure::seen("the command has written to it")
            .expected("a file that is shown with :ro can only be read")
            .at(file.display().to_string())
            .into());
    }
    let after = host.mounts()?;
    let is_new = |mount: &&procfs::Mount| !before.contains(mount);
    if let Some(mount) = after.iter().find(is_new) {
        return Err(Failure::seen(format!(
            "{} is mounted {} now",
            mount.point.display(),
            mount.options
        ))
        .expected("on the host the same mounts are as writable as before")
        .at("/proc/1/mountinfo, on the host")
        .usually(
            "the host's own mount was changed, and not a copy of it: OPEN_TREE_CLONE makes one",
        )
        .into());
    }
    container.end()?;
    Ok(())
}

fn inert(host: &Host) -> Outcome {
    let source = Source::make(host, "inert")?;
    // The null device, which every container may open: what stops it here is the mount.
    let device = linux_sys::makedev(1, 3);
    for (_, place) in source.places() {
        let node = place.join("null");
        linux_sys::mknod(
            &node,
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o666),
            device,
        )
        .map_err(|why| unmade(&node, &why))?;
    }
    for mode in ["", ":ro"] {
        let command = [
            "probe",
            "try",
            "keep",
            "/data/null",
            "then",
            "try",
            "keep",
            "/data/below/null",
            "then",
            "hold",
        ];
        let container = host
            .run(&command)
            .volume(&source.path, "/data", mode)
            .hold()?;
        expect_options(&container, &source, "/data", &["nosuid", "nodev"])?;
        let open = container.proc("fd");
        let descriptors = fs::read_dir(&open).map_err(|why| Failure::unreadable(&open, why))?;
        let mut files = descriptors
            .flatten()
            .filter_map(|it| fs::metadata(it.path()).ok());
        if files.any(|file| file.rdev() == device) {
            return Err(
                Failure::seen("the command has a device node of the volume open")
                    .expected("an open of a device of a volume fails with EACCES")
                    .at(open.display().to_string())
                    .into(),
            );
        }
        container.end()?;
    }
    Ok(())
}

fn stays(host: &Host) -> Outcome {
    let source = Source::make(host, "stays")?;
    let expect_written = |name: &str, when: &str| -> Outcome {
        for (_, place) in source.places() {
            let file = place.join(name);
            if !fs::read(&file).is_ok_and(|text| text == b"kept\n") {
                return Err(
                    Failure::seen(format!("what was written is not there {when}"))
                        .expected("the container writes into the host's own directory")
                        .at(file.display().to_string())
                        .into(),
                );
            }
        }
        Ok(())
    };
    let write = |name: &str| {
        let all = ["/data", "/data/below", "/data/below/deep"];
        let words = all.map(|place| {
            [
                "try".to_owned(),
                "write".into(),
                format!("{place}/{name}"),
                "kept".into(),
                "then".into(),
            ]
        });
        let mut command = vec!["probe".to_owned()];
        command.extend(words.into_iter().flatten());
        command.push("hold".into());
        command
    };
    let start = |name: &str| host.run(&write(name)).volume(&source.path, "/data", "");
    let container = start("ended").hold()?;
    expect_written("ended", "while the container runs")?;
    container.end()?;
    expect_written("ended", "when the container has ended")?;
    // A parent that is killed removes nothing. What removes its container's directory later
    // must not find the volume in it.
    host.expect_leftovers();
    let container = start("killed").hold()?;
    let command = container.pid;
    process::send(container.level(), linux_sys::SIGKILL)?;
    container.end()?;
    process::await_end(command, process::AT_ONCE)?;
    for left in left_in_store(host)? {
        let path = host.store().join(&left);
        let removed = images::remove_tree(&path);
        expect_written("killed", "when what a killed container has left is removed")?;
        removed.map_err(|why| {
            Failure::seen(why.to_string())
                .expected("nothing is mounted in what a killed container has left")
                .at(path.display().to_string())
        })?;
    }
    expect_written("ended", "when another container was killed")
}

/// The usual image with these links.
fn add_image(host: &Host, name: &str, links: &[(&str, &Path)]) -> Result<(), Failure> {
    host.add_changed_image(name, |archive| {
        rebuild(
            archive,
            |_| true,
            |tar| {
                for (path, target) in links {
                    add_link(tar, path, target)?;
                }
                Ok(())
            },
        )
    })
}

fn links(host: &Host) -> Outcome {
    let source = directory(host, OsStr::new("linked"))?;
    let canary = host.canary();
    let by_process_1 = Path::new("/proc/1/root").join(canary.strip_prefix("/").unwrap_or(&canary));
    let up = Path::new("../../../../../../etc");
    let image = "linked";
    let all = [
        ("data", Path::new("/etc")),
        ("up", up),
        ("away", &canary),
        ("process", &by_process_1),
        ("inside", Path::new("mnt")),
    ];
    add_image(host, image, &all)?;
    // What the container would find there is what it gets.
    for (target, place) in [
        ("/data", "/etc"),
        ("/up", "/etc"),
        ("/up/new", "/etc/new"),
        ("/inside", "/mnt"),
        ("/../data", "/etc"),
    ] {
        let invocation = host.run(&["probe", "hold"]).image(image);
        let container = invocation.volume(&source, target, "").hold()?;
        expect_same(&container, place, &source)?;
        container.end()?;
    }
    // A directory that the host has and the container has not: refused, or made inside.
    for target in ["/away", "/away/new", "/process", "/process/new"] {
        for asked in [volume(&source, target, ""), OsString::from(target)] {
            let option = match asked.as_bytes().contains(&b':') {
                true => "-v",
                false => "--tmpfs",
            };
            let run = host.run(&["probe", "exit", "0"]).image(image);
            let ended = run.option(option).option(&asked).finish()?;
            let made = canary.join("new");
            if made.exists() {
                let _ = fs::remove_dir(&made);
                let step = if option == "-v" { 3 } else { 4 };
                return Err(Failure::seen(format!(
                    "the host has a new directory: {}",
                    ended.describe()
                ))
                .expected("the host has what it had, whatever the links of an image say")
                .at(made.display().to_string())
                .step(16, step)
                .into());
            }
        }
    }
    Ok(())
}

fn made(host: &Host) -> Outcome {
    let source = directory(host, OsStr::new("made"))?;
    let inner = directory(host, OsStr::new("inner"))?;
    let place = source.join("inner");
    fs::create_dir(&place).map_err(|why| unmade(&place, &why))?;
    let note = source.join(NOTE);
    let container = host
        .run(&["probe", "hold"])
        .volume(&source, "/new/deep/directory", "")
        .volume(&inner, "/new/deep/directory/inner", "")
        .volume(&note, "/new/file", ":ro")
        .hold()?;
    expect_same(&container, "/new/deep/directory", &source)?;
    expect_same(&container, "/new/deep/directory/inner", &inner)?;
    expect_same(&container, "/new/file", &note)?;
    container.end()?;
    let image = unpacked_image(host)?.join("new");
    for path in [image.as_path(), Path::new("/new")] {
        if path.exists() {
            return Err(Failure::seen("the target was made there")
                .expected("it is made in the container's own layer, and is gone with it")
                .at(path.display().to_string())
                .into());
        }
    }
    Ok(())
}

fn in_memory(host: &Host) -> Outcome {
    let start = || {
        let invocation = host.run(&["probe", "hold"]);
        invocation
            .tmpfs("/scratch:size=64k,mode=700")
            .tmpfs("/new/plain")
            .hold()
    };
    let on_host = host.mounts()?;
    let (container, other) = (start()?, start()?);
    for point in ["/scratch", "/new/plain"] {
        let evidence = container.proc("mountinfo").display().to_string();
        let failure = |seen: String, expected: &str| -> Finding {
            Failure::seen(seen).expected(expected).at(&evidence).into()
        };
        let mount = mount_at(&container, Path::new(point))?;
        if mount.fstype != "tmpfs" {
            let seen = format!("a {} is mounted on {point}", mount.fstype);
            return Err(failure(seen, "a tmpfs is mounted there"));
        }
        let flags = ["nosuid", "nodev", "noexec"];
        if let Some(flag) = flags.into_iter().find(|flag| !mount.has_option(flag)) {
            let seen = format!("{point} is mounted {}, without {flag}", mount.options);
            return Err(failure(seen, "it is mounted nosuid, nodev and noexec"));
        }
        let theirs = mount_at(&other, Path::new(point))?;
        let is_shared = on_host.iter().any(|it| it.device == mount.device);
        if is_shared || theirs.device == mount.device {
            let seen = format!("another has the same tmpfs (device {})", mount.device);
            return Err(failure(seen, "it is this container's alone"));
        }
        let asked = point == "/scratch";
        let (size, mode) = (
            l02::limit(&mount, "size"),
            procfs::stat(container.inside(point))?.mode() & 0o7777,
        );
        if asked && (size != Some(64) || mode != 0o700) {
            let seen = format!("its options are {}, its mode {mode:o}", mount.super_options);
            return Err(failure(
                seen,
                "it has the size and the mode that were asked for: 64k, 700",
            ));
        }
    }
    drop((container, other));
    let image = "linked";
    add_image(host, image, &[("up", Path::new("../../../etc"))])?;
    let invocation = host.run(&["probe", "hold"]).image(image);
    let container = invocation.tmpfs("/up/new").hold()?;
    if mount_at(&container, Path::new("/etc/new")).is_ok_and(|mount| mount.fstype == "tmpfs") {
        return Ok(());
    }
    Err(Failure::seen("no tmpfs is mounted on /etc/new")
        .expected("--tmpfs /up/new is mounted where the image's link /up leads *in the container*")
        .at(container.proc("mountinfo").display().to_string())
        .usually(FOLLOWED)
        .into())
}

fn on_a_read_only_root(host: &Host) -> Outcome {
    let source = directory(host, OsStr::new("writable"))?;
    let command = [
        "probe",
        "try",
        "write",
        "/data/new",
        "x",
        "then",
        "try",
        "write",
        "/scratch/new",
        "x",
        "then",
        "hold",
    ];
    let container = host
        .run(&command)
        .option("--read-only")
        .volume(&source, "/data", "")
        .tmpfs("/scratch")
        .hold()?;
    for path in [source.join("new"), container.inside("/scratch/new")] {
        if !path.exists() {
            return Err(
                Failure::seen(format!("it could not be made; {}", container.errors()))
                    .expected("--read-only is about the root: a volume and a tmpfs stay writable")
                    .at(path.display().to_string())
                    .into(),
            );
        }
    }
    container.end()?;
    Ok(())
}

fn refused(host: &Host) -> Outcome {
    let source = directory(host, OsStr::new("refused"))?;
    let missing = host.path("missing");
    let run = || host.run(&["probe", "exit", "0"]);
    let ended = run().volume(&missing, "/data", "").finish()?;
    let name = missing.display().to_string();
    if ended.code() == Some(125) && !ended.errors.contains(&name) {
        return Err(Failure::seen(ended.describe())
            .expected("the error names the source that is not there")
            .at("standard error of the level's process")
            .step(16, 1)
            .into());
    }
    expect_refusal(host, run().volume(&missing, "/data", ""))
        .map_err(|why| why.usually(Some("what open_tree said was thrown away")))?;
    if missing.exists() {
        return Err(Failure::seen("the source was made, as an empty directory")
            .expected("a source that is not there is an error: it may be a slip of the pen")
            .at(name)
            .step(16, 1)
            .into());
    }
    for target in [
        "",
        "data",
        "/",
        "/mnt/..",
        "/proc",
        "/proc/1",
        "/sys",
        "/mnt/../sys/fs",
    ] {
        expect_refusal(host, run().volume(&source, target, ""))?;
        expect_refusal(host, run().tmpfs(target))?;
    }
    let text = source.display();
    for value in [
        String::new(),
        ":".into(),
        text.to_string(),
        "refused:/data".into(),
        "./refused:/data".into(),
        format!("{text}:/data:rx"),
        format!("{text}:/data:"),
        format!("{text}:/data:ro:ro"),
    ] {
        expect_refusal(host, run().option("-v").option(value))?;
    }
    expect_refusal(host, run().tmpfs("/scratch:size=much"))
        .map_err(|why| why.usually(Some("what mount said of the options was thrown away")))?;
    // A file on a directory, and a directory on a file.
    expect_refusal(host, run().volume(&source.join(NOTE), "/mnt", ""))?;
    expect_refusal(host, run().volume(&source, format!("/{ODD_FILE}"), ""))?;
    // No text of the option leads there, but a link of the image does.
    let image = "kernel";
    let to = [
        ("kernel", Path::new("/proc/sys")),
        ("bus", Path::new("sys/bus")),
    ];
    add_image(host, image, &to)?;
    for target in ["/kernel", "/bus"] {
        for option in [volume(&source, target, ""), target.into()] {
            let name = match option.as_bytes().contains(&b':') {
                true => "-v",
                false => "--tmpfs",
            };
            let invocation = run().image(image).option(name).option(option);
            expect_refusal(host, invocation).map_err(|why| {
                why.usually(Some(
                    "a link of the image leads into /proc or /sys, where programs expect the \
                     kernel's own files (CVE-2019-16884): `given::mount_target` looks where it \
                     has come to",
                ))
            })?;
        }
    }
    Ok(())
}

fn private(host: &Host) -> Outcome {
    let source = directory(host, OsStr::new("private"))?;
    let later = source.join("later");
    fs::create_dir(&later).map_err(|why| unmade(&later, &why))?;
    // The source is a mount of its own, as a disk for data is.
    let mount = |path: &Path| {
        linux_sys::mount(path, path, "", MsFlags::MS_BIND, "").map_err(|why| unmade(path, &why))
    };
    mount(&source)?;
    let outcome = nothing_passes(host, &source, &later);
    let _ = linux_sys::umount2(&source, MntFlags::MNT_DETACH);
    outcome
}

fn nothing_passes(host: &Host, source: &Path, later: &Path) -> Outcome {
    for mode in ["", ":ro"] {
        let invocation = host.run(&["probe", "hold"]);
        let container = invocation.volume(source, "/data", mode).hold()?;
        mount_on_host(later)?;
        let mounts = container.mounts();
        let _ = linux_sys::umount2(later, MntFlags::MNT_DETACH);
        let mounts = mounts?;
        let found = procfs::mounted_at(&mounts, "/data/later");
        if let Some(mount) = found {
            return Err(Failure::seen(format!(
                "it has come to /data/later, mounted {}",
                mount.options
            ))
            .expected(format!(
                "what the host mounts on {} while the container runs stays out of it{}",
                later.display(),
                match mode {
                    "" => "",
                    _ => ": nothing has made it read-only",
                }
            ))
            .at(container.proc("mountinfo").display().to_string())
            .into());
        }
        container.end()?;
    }
    let command = [
        "probe",
        "try",
        "mount",
        "tmpfs",
        "/data/later",
        "then",
        "hold",
    ];
    let invocation = host.run(&command).option("--cap-add").option("SYS_ADMIN");
    let container = invocation.volume(source, "/data", "").hold()?;
    let mounts = host.mounts()?;
    let has_come = mounts.iter().any(|mount| mount.point == later);
    container.end()?;
    if has_come {
        let _ = linux_sys::umount2(later, MntFlags::MNT_DETACH);
        return Err(Failure::seen("the host has it, too")
            .expected("what the container mounts in its volume stays in its mount namespace")
            .at("/proc/1/mountinfo, on the host")
            .into());
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    let source = Source::make(host, "held")?;
    let value = volume(&source.path, "/data", ":ro");
    let value = value.to_string_lossy();
    refusals::stop_the_command(host, 16, &["-v", &value, "--tmpfs", "/scratch"])
}
