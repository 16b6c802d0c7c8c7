//! Level 04: an image is unpacked once, and each container writes into a layer of its own.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tar::{Builder, EntryType, Header};

use super::l00::IN_A_CHILD;
use super::l01::{ROOT_IS_IMAGE, left_in_store, names};
use super::{moments, refusals};
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Diagnosis, Failure, Finding, Outcome};
use crate::host::{Host, NOT_CLEANED, Run};
use crate::ordinary;
use crate::probe_image::{self, ODD_FILE, ODD_TEXT};
use crate::process;
use crate::procfs::{self, Mount};
use sandbox::wait::await_that;

const ROOT_IS_OVERLAY: &str = "the container's root is an overlay";
const TWO_CONTAINERS: &str = "two containers share the image and nothing else";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 4,
    checks: &[
        Check {
            name: "the image is unpacked once",
            step: 1,
            usually: "the image is unpacked for each container: `Image::unpacked` keeps one \
                      copy in the store and gives its path",
            needs: &[],
            run: unpacked_once,
        },
        Check {
            name: ROOT_IS_OVERLAY,
            step: 2,
            usually: "the bind mount is still there instead of an overlay; or pivot_root went \
                      to another directory than merged",
            needs: &[IN_A_CHILD, ROOT_IS_IMAGE],
            run: root_is_overlay,
        },
        Check {
            name: "devices in the container's root cannot be opened",
            step: 2,
            usually: "MS_NODEV is missing in the mount of the overlay: a device node in an \
                      image, or one made by mknod, opens the host's disk",
            needs: &[ROOT_IS_OVERLAY],
            run: nodev,
        },
        Check {
            name: "the container's / can be entered by everybody, whatever the umask",
            step: 1,
            usually: "`upper` gives the merged / its mode, and the umask has narrowed it: chmod \
                      it to 0755",
            needs: &[ROOT_IS_OVERLAY],
            run: mode_of_root,
        },
        Check {
            name: TWO_CONTAINERS,
            step: 2,
            usually: "the upper directory is the same for all containers: it belongs into the \
                      container's own directory",
            needs: &[ROOT_IS_OVERLAY],
            run: two_containers,
        },
        Check {
            name: "what a container writes does not change the image",
            step: 2,
            usually: "the unpacked image is used as upper directory, or bound instead of being \
                      the lower one of an overlay",
            needs: &[IN_A_CHILD, ROOT_IS_IMAGE],
            run: image_unchanged,
        },
        Check {
            name: "an archive that was exchanged is unpacked anew",
            step: 1,
            usually: "the unpacked image is known by too little, such as its name alone: \
                      `Image::unpacked` has the archive's size, time and inode number in the \
                      name of the tree",
            needs: &[ROOT_IS_OVERLAY, TWO_CONTAINERS],
            run: exchanged,
        },
        Check {
            name: "what was unpacked by half is not used",
            step: 1,
            usually: HALF,
            needs: &[ROOT_IS_OVERLAY, TWO_CONTAINERS],
            run: never_half,
        },
        Check {
            name: "only the unpacked image stays in the container directory",
            step: 2,
            usually: "upper, work and merged lie elsewhere than in the container's own directory, \
                      which is what is removed at the end",
            needs: &[],
            run: only_image_stays,
        },
        Check {
            name: "two containers that start at once both have the whole image",
            step: 1,
            usually: "the image is unpacked where others look for it, and is there for them before it \
                      is whole: `Image::unpacked` unpacks beside it and renames at the end",
            needs: &[ROOT_IS_OVERLAY],
            run: moments::unpacked_by_two,
        },
        refusals::check(
            "a container without its overlay does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[("mount(\"overlay\"", "", 2)],
};

/// Which step it is that these errors come of, where the calls alone do not tell.
pub(super) fn diagnose(errors: &str) -> Option<Diagnosis> {
    let usually = overlay_missing(errors)?;
    Some(Diagnosis {
        step: (4, 2),
        usually,
    })
}

/// What the errors of a level mean that unpacks its image once, and does not lay an
/// overlay over it yet, or one that cannot be written to.
fn overlay_missing(errors: &str) -> Option<&'static str> {
    let failed = |call: &str, what: &str| {
        let mut lines = errors.lines();
        lines.any(|line| line.contains(call) && line.contains(what) && line.contains("ENOENT"))
    };
    let is_read_only = |line: &str| {
        line.contains("cannot make the mount point") && line.contains("Read-only file system")
    };
    if errors.lines().any(is_read_only) {
        return Some(
            "the overlay has no upper directory (`upperdir=` and `workdir=` among its options), \
             which makes it read-only; or there is no room for files where the container's \
             directory is",
        );
    }
    if failed("mount(", "MS_BIND") {
        return Some(
            "the directory that the bind mount wants is no longer made: mount the overlay in \
             place of it",
        );
    }
    if errors.contains("Read-only file system") && errors.contains("/merged") {
        return Some("the overlay has no upper directory, which makes it read-only");
    }
    // What the errors of its many conditions say first is level 03's answer.
    if errors
        .lines()
        .any(|line| line.contains("pivot_root(") && line.contains("new_root must be"))
    {
        return Some(
            "no overlay is mounted at `root(directory)`, and pivot_root takes nothing but a mount: \
             does contain call mount_overlay, is its error passed on by `?`, and is `merged` what \
             it mounts on?",
        );
    }
    // A program that is in every image.
    failed("execvp(", "probe").then_some(
        "the root is an empty directory, with no image below it: mount the overlay there, in \
         place of the bind mount",
    )
}

/// The unpacked images in the store.
fn unpacked_images(host: &Host) -> Result<Vec<PathBuf>, Failure> {
    let images = host.store().join(".images");
    let mut found = Vec::new();
    for name in names(&images).unwrap_or_default() {
        let path = images.join(name);
        if path.join(host.probe()).exists() {
            found.push(path);
        }
    }
    Ok(found)
}

/// The one unpacked image.
pub(super) fn unpacked_image(host: &Host) -> Result<PathBuf, Finding> {
    let mut found = unpacked_images(host)?;
    let expected = "one unpacked image below .images in the container directory";
    let at = host.store().join(".images").display().to_string();
    match (found.pop(), found.len()) {
        (Some(path), 0) => Ok(path),
        (None, _) => Err(Failure::seen("there is none")
            .expected(expected)
            .at(at)
            .into()),
        (_, more) => {
            let seen = format!("there are {}", more + 1);
            Err(Failure::seen(seen).expected(expected).at(at).into())
        }
    }
}

fn unpacked_once(host: &Host) -> Outcome {
    host.run(&["probe", "exit", "0"]).finish()?;
    let path = unpacked_image(host)?.join(host.probe());
    let before = procfs::stat(&path)?;
    host.run(&["probe", "exit", "0"]).finish()?;
    let again = unpacked_image(host)?.join(host.probe());
    let after = procfs::stat(&again)?;
    if (before.ino(), before.ctime_nsec()) == (after.ino(), after.ctime_nsec()) {
        return Ok(());
    }
    Err(Failure::seen("its files are new ones")
        .expected("a second container uses what was unpacked for the first")
        .at(path.display().to_string())
        .into())
}

/// A file that tells which archive it has come from; all are of the same size.
const EDITION: &str = "etc/edition";

/// Puts an archive with this edition below the name of an image, with this time.
fn publish(host: &Host, image: &str, edition: &str, time: SystemTime) -> Result<(), Failure> {
    let path = host.archive(image);
    let failed = |why: io::Error| Failure::seen(format!("{}: {why}", path.display()));
    // Written beside it and renamed, as one does: the file is another, not only its content.
    host.add_changed_image("next", |archive| {
        probe_image::rebuild(archive, |_| true, |tar| add_file(tar, EDITION, edition))
    })?;
    let next = host.archive("next");
    let file = File::options().write(true).open(&next).map_err(failed)?;
    file.set_modified(time).map_err(failed)?;
    fs::rename(&next, &path).map_err(failed)
}

fn add_file(tar: &mut Builder<Vec<u8>>, path: &str, text: &str) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, path, text.as_bytes())
}

fn exchanged(host: &Host) -> Outcome {
    // No more than this tells them apart: the name, the archive, and what is in it.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let editions = [
        ("daily", "monday ", ""),
        (
            "daily",
            "tuesday",
            "another archive was put in its place, as large and as old",
        ),
        (
            "other",
            "another",
            "the image of another name is as large and as old",
        ),
    ];
    for (image, edition, what) in editions {
        publish(host, image, edition, time)?;
        let container = host.run(&["probe", "hold"]).image(image).hold()?;
        let path = container.inside(EDITION);
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == edition {
            continue;
        }
        let found = match found.trim() {
            "" => "no edition at all".to_owned(),
            found => format!("the edition {found:?}"),
        };
        return Err(Failure::seen(format!("the container has {found}: {what}"))
            .expected(format!(
                "a container of the image {image} has what is in {image}.tar now: the edition \
                 {:?}",
                edition.trim()
            ))
            .at(path.display().to_string())
            .into());
    }
    Ok(())
}

/// The last member of an archive: a tree that lacks it is not whole.
const LAST: &str = "etc/last";

fn never_half(host: &Host) -> Outcome {
    let program = Path::new("/proc/self/exe");
    // The first level's process is killed while it unpacks: what it leaves stays.
    let images = new_images("killed");
    let (image, first) = unpacking(host, &images)?;
    process::send(first.pid(), linux_sys::SIGKILL)?;
    first.end()?;
    let what = "a container was killed while it unpacked the image";
    expect_whole(host.run(&["probe", "hold"]).image(image).hold(), what)?;
    // The first level's process is slow: its tree will be whole later.
    let images = new_images("slow");
    let (image, first) = unpacking(host, &images)?;
    let second = host.run(&["probe", "hold"]).image(image).start()?;
    let level = second.pid();
    await_that(|| {
        let has_chosen = !process::children(level).is_empty() || !process::is_alive(level);
        has_chosen || looks_at_the_cache(host, level)
    });
    process::send(first.pid(), SIGCONT)?;
    let what = "two containers of the image were started at once, and the first was slow";
    expect_whole(Container::find(second, program), what)?;
    expect_whole(Container::find(first, program), what)
}

const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;

/// Images that no level has unpacked yet, one for each attempt.
fn new_images(name: &str) -> Vec<String> {
    const ATTEMPTS: u32 = 20;
    (0..ATTEMPTS)
        .map(|number| format!("{name}-{number}"))
        .collect()
}

/// A level's process that has unpacked a part of one of these images, and is stopped.
fn unpacking<'a>(host: &'a Host, images: &'a [String]) -> Result<(&'a str, Run<'a>), Finding> {
    for image in images {
        host.add_changed_image(image, |archive| {
            probe_image::rebuild(archive, |_| true, |tar| add_file(tar, LAST, "whole\n"))
        })?;
        let before = trees(host);
        let run = host.run(&["probe", "hold"]).image(image).start()?;
        let level = run.pid();
        host.waiting("the level's process to unpack its image");
        // Those who make an ordinary user's container root have begun long before.
        let has_child = || ordinary::caller().is_none() && !process::children(level).is_empty();
        let has_begun = || trees(host) != before || has_child();
        while !has_begun() && process::is_alive(level) {
            std::thread::yield_now();
        }
        // The level's process holds still while we look.
        process::send(level, SIGSTOP)?;
        await_that(|| !matches!(procfs::state(level), Some('R' | 'S' | 'D')));
        let mut new = trees(host);
        new.retain(|tree| !before.contains(tree));
        let is_half = !new.is_empty() && new.iter().all(|tree| !tree.join(LAST).exists());
        if is_half && process::children(level).is_empty() && process::is_alive(level) {
            return Ok((image, run));
        }
        process::send(level, SIGCONT)?;
        run.end()?;
    }
    Err(Finding::Skip(format!(
        "the level was never seen while it unpacked an image, {} times",
        images.len()
    )))
}

/// What is in the directories of the store.
fn trees(host: &Host) -> BTreeSet<PathBuf> {
    let store = host.store();
    let within = names(&store)
        .unwrap_or_default()
        .into_iter()
        .flat_map(|directory| {
            let directory = store.join(directory);
            let names = names(&directory).unwrap_or_default().into_iter();
            names.map(move |name| directory.join(name))
        });
    within.collect()
}

/// Whether a process has something of the hidden directories open: a lock that it waits for,
/// or a tree that it fills itself.
fn looks_at_the_cache(host: &Host, pid: i32) -> bool {
    let open = procfs::path(pid, "fd").read_dir().into_iter().flatten();
    let targets = open
        .flatten()
        .filter_map(|it| fs::read_link(it.path()).ok());
    let mut below = targets.filter_map(|it| {
        it.strip_prefix(host.store())
            .ok()?
            .to_str()
            .map(str::to_owned)
    });
    below.any(|path| path.starts_with('.'))
}

fn expect_whole(started: Result<Container, Failure>, what: &str) -> Outcome {
    let expected = format!("{what}: the next one has all of the image");
    let container = started.map_err(|failure| match failure.mentions("cgroup") {
        // That two containers cannot be in one group says nothing of their images.
        true => failure,
        false => failure.here().expected(expected.clone()).usually(HALF),
    })?;
    let path = container.inside(LAST);
    if path.exists() {
        return Ok(());
    }
    Err(Failure::seen(format!(
        "/{LAST}, the last file of the archive, is not there"
    ))
    .expected(expected)
    .at(path.display().to_string())
    .usually(HALF)
    .into())
}

const HALF: &str = "a tree was used that was not whole: it was unpacked in the place where others \
                    look for it, which is there before it is whole. `Image::unpacked` fills \
                    another one, on which it holds a lock, and renames it at the end";

fn overlay(container: &Container) -> Result<Mount, Finding> {
    let mounts = container.mounts()?;
    let known = procfs::read_text("/proc/filesystems")?;
    let seen = match procfs::mounted_at(&mounts, "/") {
        Some(mount) if mount.fstype == "overlay" => return Ok(mount.clone()),
        _ if !known.contains("\toverlay\n") => {
            return Err(Finding::Skip(
                "this kernel does not have overlay (modprobe overlay)".into(),
            ));
        }
        Some(mount) => format!("a {} is mounted there", mount.fstype),
        None => "nothing is mounted there".to_owned(),
    };
    Err(Failure::seen(seen)
        .expected("an overlay is mounted on the container's /")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

fn root_is_overlay(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold();
    let container =
        container.map_err(|failure| match failure.mentions("Read-only file system") {
            true => failure
                .here()
                .usually("the overlay has no upper directory, which makes it read-only"),
            false => failure,
        })?;
    overlay(&container).map(drop)
}

fn nodev(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let root = overlay(&container)?;
    if root.has_option("nodev") {
        return Ok(());
    }
    Err(Failure::seen(format!("the options are {}", root.options))
        .expected("nodev among the options of the mount on /")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

fn mode_of_root(host: &Host) -> Outcome {
    for umask in [0o077, 0] {
        let container = host.run(&["probe", "hold"]).umask(umask).hold()?;
        let root = container.proc("root");
        let file = procfs::stat(&root)?;
        let mode = file.mode() & 0o7777;
        let failure = |seen: String| {
            Failure::seen(seen)
                .expected("the container's / is root's and has mode 0755, whatever the umask")
                .at(root.display().to_string())
        };
        if mode != 0o755 {
            let seen = format!("mode {mode:04o}, with a umask of {umask:03o}");
            return Err(failure(seen).into());
        }
        if file.uid() != 0 {
            return Err(failure(format!("it belongs to user {}", file.uid()))
                .usually(
                    "`upper` gives the merged / its owner, and was given away: the owner of the \
                     root can put other files in the place of all that is in it",
                )
                .into());
        }
    }
    Ok(())
}

fn two_containers(host: &Host) -> Outcome {
    let writer = host
        .run(&["probe", "write", "/written", "by one", "then", "hold"])
        .hold()?;
    let reader = host.run(&["probe", "hold"]).hold()?;
    overlay(&writer)?;
    overlay(&reader)?;
    if !writer.inside("written").exists() {
        return Err(
            Failure::seen(format!("it could not be written; {}", writer.errors()))
                .expected("a container may write into its root")
                .at(writer.inside("written").display().to_string())
                .usually("the overlay has no upper directory, which makes it read-only")
                .into(),
        );
    }
    if reader.inside("written").exists() {
        return Err(Failure::seen("the other container has the file too")
            .expected("a file that one container writes is not in another")
            .at(reader.inside("written").display().to_string())
            .into());
    }
    // An overlay shows a file that no container has changed under its own inode number.
    let image = unpacked_image(host)?.join(host.probe());
    let expected = procfs::stat(&image)?.ino();
    for container in [&writer, &reader] {
        let path = container.inside(&host.probe());
        let ino = procfs::stat(&path)?.ino();
        if ino != expected {
            return Err(Failure::seen(format!("inode {ino} and not {expected}"))
                .expected(format!(
                    "/bin/probe is the unpacked image's, {}",
                    image.display()
                ))
                .at(path.display().to_string())
                .usually("the lower directory is a copy of the container's own")
                .into());
        }
    }
    Ok(())
}

fn image_unchanged(host: &Host) -> Outcome {
    let file = format!("/{ODD_FILE}");
    let command = [
        "probe",
        "write",
        &file,
        "overwritten",
        "then",
        "write",
        "/new",
        "then",
        "hold",
    ];
    let _container = host.run(&command).hold()?;
    let image = unpacked_image(host)?;
    let failure = |seen: &str, path: PathBuf| -> Finding {
        Failure::seen(seen)
            .expected("the unpacked image is what it was, whatever a container writes")
            .at(path.display().to_string())
            .into()
    };
    let odd = image.join(ODD_FILE);
    if !fs::read(&odd).is_ok_and(|text| text == ODD_TEXT.as_bytes()) {
        return Err(failure("the container's text is in the image's file", odd));
    }
    let new = image.join("new");
    if new.exists() {
        return Err(failure("the container's new file is in the image", new));
    }
    Ok(())
}

fn only_image_stays(host: &Host) -> Outcome {
    let ended = host.run(&["probe", "write", "/written"]).finish()?;
    let left = left_in_store(host)?;
    if !left.is_empty() {
        let seen = format!("left: {}; {}", procfs::few(left, 6), ended.describe());
        let failure = Failure::seen(seen)
            .expected("upper, work and merged are gone with the container")
            .at(host.store().display().to_string());
        return Err(match ended.code() {
            Some(125) if ended.has_run() => failure.elsewhere().usually(NOT_CLEANED),
            _ => failure,
        }
        .into());
    }
    unpacked_image(host).map(drop)
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 4, &[])
}
