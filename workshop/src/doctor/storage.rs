//! The directories of images and containers: what they lie on, and who may enter.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statfs::statfs;
use nix::sys::statvfs::{FsFlags, statvfs};

use super::finding::{Finding, Levels, State, Topic, needed, none};
use super::machine::Machine;

const MEGABYTE: u64 = 1024 * 1024;

/// The image `base`, once packed and once unpacked, and one container of levels 01 to
/// 03, which is a copy: three times 12 MB, and something to write in.
const LEAST: u64 = 64 * MEGABYTE;
/// For a few containers, and an image that is not the smallest.
const COMFORTABLE: u64 = 512 * MEGABYTE;
/// All levels and their checks, built once.
const BUILD: u64 = 1536 * MEGABYTE;

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = directory("image", "RUBBER_DOCKER_IMAGES", &machine.images);
    findings.extend(directory(
        "container",
        "RUBBER_DOCKER_CONTAINERS",
        &machine.containers,
    ));
    findings.extend(name(&machine.containers));
    if let Ok(there) = nearest(&machine.containers) {
        findings.push(file_system(machine, &there));
        findings.extend(not_executable(machine, &there));
        findings.extend(hands(&machine.containers, &there));
        findings.extend(store(&machine.containers));
        findings.extend(space(
            "space",
            &there,
            LEAST,
            COMFORTABLE,
            "for images and containers",
        ));
    }
    findings.extend(build_space());
    findings
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Directories, id, state, levels, summary)
}

/// A directory, or the one in which it will be made.
fn nearest(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for ancestor in path.ancestors() {
        match fs::metadata(ancestor) {
            Ok(_) => return Ok(ancestor.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Whether there is a directory, or one can be made. Root is not stopped by permissions,
/// so what counts is what stops root.
fn directory(what: &str, variable: &str, path: &Path) -> Vec<Finding> {
    let id = format!("{what}-directory");
    let shown = path.display().to_string();
    let about =
        |state, summary: String| finding(&id, state, needed("container-directory"), summary);
    let elsewhere = |found: Finding| {
        found
            .remedy("choose another one")
            .command(format!("export {variable}=/var/tmp/rubber-docker/{what}s"))
    };
    let there = match nearest(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let summary = format!("the {what} directory {shown} is not looked at without root");
            return vec![
                about(State::NotKnown, summary)
                    .seen(shown, error.to_string())
                    .remedy(
                        "run the doctor as root once, or choose a directory that you may enter",
                    ),
            ];
        }
        Err(error) => {
            let summary = format!("the {what} directory {shown} cannot be there");
            return vec![elsewhere(
                about(State::InTheWay, summary).seen(shown, error.to_string()),
            )];
        }
    };
    let place = there.display().to_string();
    if !there.is_dir() {
        let summary = format!("the {what} directory {shown} cannot be there: {place} is a file");
        return vec![elsewhere(
            about(State::InTheWay, summary).seen(place, "not a directory"),
        )];
    }
    let flags = statvfs(&there).map_or(FsFlags::empty(), |it| it.flags());
    let is_complete = what == "image" && path.join("base.tar").is_file();
    if flags.contains(FsFlags::ST_RDONLY) && !is_complete {
        let summary = format!("nothing can be written to the {what} directory {shown}");
        return vec![elsewhere(
            about(State::InTheWay, summary).seen(format!("statvfs {place}"), "mounted read-only"),
        )];
    }
    let (exists, owner) = (
        there == path,
        fs::metadata(&there).map(|it| (it.mode() & 0o7777, it.uid())),
    );
    let seen = owner.map_or_else(
        |error| error.to_string(),
        |(mode, uid)| format!("mode {mode:04o}, user {uid}"),
    );
    let summary = match exists {
        true => format!("the {what} directory is {shown}"),
        false => format!("the {what} directory {shown} will be made on first use"),
    };
    vec![about(State::Fine, summary).seen(place, seen)]
}

/// The names that given::container_dir refuses.
fn name(path: &Path) -> Option<Finding> {
    if !path
        .as_os_str()
        .as_bytes()
        .iter()
        .any(|byte| b",:\\".contains(byte))
    {
        return None;
    }
    let summary =
        "the container directory's path has a , : or \\ in it, which overlayfs cannot have";
    Some(
        finding(
            "container-directory-name",
            State::InTheWay,
            needed("container-directory"),
            summary,
        )
        .seen("RUBBER_DOCKER_CONTAINERS", path.display().to_string())
        .remedy("choose another one")
        .command("export RUBBER_DOCKER_CONTAINERS=/var/tmp/rubber-docker/containers"),
    )
}

/// Whether containers can lie on this file system (statfs(2) has the numbers). What is
/// not named here is a file system of a disk, or tmpfs: all of these can.
fn file_system(machine: &Machine, there: &Path) -> Finding {
    let id = "container-file-system";
    let source = format!("statfs {}", there.display());
    let kind = match statfs(there) {
        Ok(it) => it.filesystem_type().0 as u32,
        Err(errno) => {
            let summary = "the file system of the container directory is not known";
            return finding(id, State::NotKnown, needed("overlay"), summary)
                .seen(source, errno.desc());
        }
    };
    let (name, state, levels, why) = match kind {
        0x794c_7630 => (
            "overlayfs",
            State::InTheWay,
            needed("overlay"),
            "the kernel takes no overlay's upper directory from another overlay",
        ),
        0x6969 => (
            "NFS",
            State::InTheWay,
            needed("overlay"),
            "the kernel takes no overlay's upper directory from the network",
        ),
        0xff53_4d42 | 0xfe53_4d42 => (
            "a Windows share",
            State::InTheWay,
            needed("container-directory"),
            "it knows no Unix owners and modes",
        ),
        0x0102_1997 => (
            "9p, a directory shared by the host",
            State::InTheWay,
            needed("overlay"),
            "the kernel takes no overlay's upper directory from there",
        ),
        0x4d44 | 0x2011_bab0 => (
            "FAT",
            State::InTheWay,
            needed("container-directory"),
            "it knows no Unix owners, modes and links",
        ),
        0x6573_5546 => (
            "FUSE",
            State::NotKnown,
            needed("overlay"),
            "whether an overlay can be made on it depends on its program",
        ),
        0x786f_4256 => (
            "VirtualBox's shared folder",
            State::InTheWay,
            needed("container-directory"),
            "it knows no Unix owners and links",
        ),
        _ => {
            let summary =
                "containers, and overlays, can be made on the container directory's file system";
            return finding(id, State::Fine, needed("container-directory"), summary)
                .seen(source, format!("type {kind:#x}"));
        }
    };
    let found = finding(
        id,
        state,
        levels,
        format!("the container directory is on {name}: {why}"),
    )
    .seen(source, format!("type {kind:#x}"));
    other_place(
        machine,
        found,
        "The checks have a place of their own and pass all the same. ",
    )
}

/// Level 01 to 03 execute from the directory itself. An overlay is a mount of its own.
fn not_executable(machine: &Machine, there: &Path) -> Option<Finding> {
    let flags = statvfs(there).ok()?.flags();
    if !flags.contains(FsFlags::ST_NOEXEC) {
        return None;
    }
    let summary = "nothing may be executed from the container directory's file system";
    let found = finding(
        "container-noexec",
        State::InTheWay,
        needed("container-exec"),
        summary,
    )
    .seen(format!("statvfs {}", there.display()), "mounted noexec");
    Some(other_place(machine, found, ""))
}

/// A tmpfs right there works on every machine.
fn other_place(machine: &Machine, found: Finding, before: &str) -> Finding {
    let path = machine.containers.display();
    found
        .remedy(format!(
            "{before}Choose a directory on a disk with RUBBER_DOCKER_CONTAINERS (in \
            a container: a volume), or keep containers in memory"
        ))
        .command(format!("sudo mkdir -p {path}"))
        .command(format!(
            "sudo mount -t tmpfs -o mode=0700,size=1g rubber-docker {path}"
        ))
}

/// Root makes no containers where another user could put something else in their place.
fn hands(path: &Path, there: &Path) -> Option<Finding> {
    // A file in its place is another finding.
    fs::metadata(there).ok().filter(fs::Metadata::is_dir)?;
    let error = images::check_store_for_root(path).err()?;
    let summary =
        "the container directory belongs to another user, or another user could exchange it";
    Some(
        finding(
            "container-directory-hands",
            State::InTheWay,
            needed("container-directory"),
            summary,
        )
        .seen(path.display().to_string(), error.to_string())
        .remedy("choose one that only root can reach; this is the usual one")
        .command(format!(
            "export RUBBER_DOCKER_CONTAINERS={}",
            given::CONTAINERS
        )),
    )
}

/// The store must be closed to others, and is closed by the levels only if nothing else
/// is in it.
fn store(path: &Path) -> Option<Finding> {
    let there = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
    if there.mode() & 0o077 == 0 || there.uid() != 0 {
        return None;
    }
    let entries = fs::read_dir(path).ok()?;
    let is_ours = |name: &[u8]| {
        name == b".images" || (name.len() == 12 && name.iter().all(u8::is_ascii_hexdigit))
    };
    let others = entries
        .flatten()
        .map(|entry| entry.file_name())
        .find(|name| !is_ours(name.as_bytes()))?;
    let summary = "the container directory would be closed to other users, and holds other \
        things that they may need";
    Some(
        finding(
            "container-directory-shared",
            State::InTheWay,
            needed("container-directory"),
            summary,
        )
        .seen(
            path.display().to_string(),
            format!("mode {:04o}, {}", there.mode() & 0o7777, others.display()),
        )
        .remedy("choose a directory of its own")
        .command(format!(
            "export RUBBER_DOCKER_CONTAINERS={}/rubber-docker",
            path.display()
        )),
    )
}

fn space(id: &str, there: &Path, least: u64, comfortable: u64, purpose: &str) -> Option<Finding> {
    let room = statvfs(there).ok()?;
    let free = (room.blocks_available() as u64).saturating_mul(room.fragment_size() as u64);
    let (state, levels, words) = match free {
        _ if free < least => (
            State::InTheWay,
            needed("container-directory"),
            "is not enough",
        ),
        _ if free < comfortable => (State::Note, none(), "is not much"),
        _ => (State::Fine, needed("container-directory"), "is enough"),
    };
    let found = finding(
        id,
        state,
        levels,
        format!("{} MB {words} {purpose}", free / MEGABYTE),
    )
    .seen(
        format!("statvfs {}", there.display()),
        format!("{} MB free", free / MEGABYTE),
    );
    Some(match state {
        State::Fine => found,
        _ => found.remedy(format!(
            "make room: {} MB are comfortable",
            comfortable / MEGABYTE
        )),
    })
}

/// Part of it may have been built already, so it is never in the way.
fn build_space() -> Option<Finding> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from);
    space(
        "build-space",
        &nearest(&target).ok()?,
        0,
        BUILD,
        "for building all levels and their checks",
    )
}
