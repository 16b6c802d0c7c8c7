//! Level 04: an image is unpacked once, and each container writes into a layer of its own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::l00::IN_A_CHILD;
use super::l01::{ROOT_IS_IMAGE, left_in_store, names};
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::container::Container;
use crate::host::{Host, NOT_CLEANED};
use crate::probe_image::{ODD_FILE, ODD_TEXT};
use crate::procfs::{self, Mount};

const ROOT_IS_OVERLAY: &str = "the container's root is an overlay";

pub(super) const LEVEL: Level = Level {
    number: 4,
    directory: "04_overlay",
    title: "an overlay",
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
            name: "two containers share the image and nothing else",
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
            name: "only the unpacked image stays in the container directory",
            step: 2,
            usually: "upper, work and merged lie elsewhere than in the container's own directory, \
                      which is what is removed at the end",
            needs: &[],
            run: only_image_stays,
        },
    ],
    calls: &[("mount(\"overlay\"", "", 2)],
};

/// The unpacked images in the store.
fn unpacked_images(host: &Host) -> Result<Vec<PathBuf>, Failure> {
    let images = host.store().join(".images");
    let mut found = Vec::new();
    for name in names(&images).unwrap_or_default() {
        let path = images.join(name);
        if path.join("bin/probe").exists() {
            found.push(path);
        }
    }
    Ok(found)
}

/// The one unpacked image.
fn unpacked_image(host: &Host) -> Result<PathBuf, Finding> {
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
    let path = unpacked_image(host)?.join("bin/probe");
    let before = procfs::stat(&path)?;
    host.run(&["probe", "exit", "0"]).finish()?;
    let again = unpacked_image(host)?.join("bin/probe");
    let after = procfs::stat(&again)?;
    if (before.ino(), before.ctime_nsec()) == (after.ino(), after.ctime_nsec()) {
        return Ok(());
    }
    Err(Failure::seen("its files are new ones")
        .expected("a second container uses what was unpacked for the first")
        .at(path.display().to_string())
        .into())
}

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
        let mode = procfs::stat(&root)?.mode() & 0o7777;
        if mode != 0o755 {
            return Err(
                Failure::seen(format!("mode {mode:04o}, with a umask of {umask:03o}"))
                    .expected("the container's / has mode 0755, whatever the umask")
                    .at(root.display().to_string())
                    .into(),
            );
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
    // An overlay shows a file that nobody has changed under its own inode number.
    let image = unpacked_image(host)?.join("bin/probe");
    let expected = procfs::stat(&image)?.ino();
    for container in [&writer, &reader] {
        let path = container.inside("bin/probe");
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
