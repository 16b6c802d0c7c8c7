//! What of the host a container is shown, and where.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use linux_sys::{Errno, Mode, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::mkdirat;

use crate::Error;

/// What `-v HOST:CONTAINER[:ro]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// A file or directory of the host, by its absolute path.
    pub source: PathBuf,
    /// The path that the container finds it at.
    pub target: PathBuf,
    /// Whether the container may only read it.
    pub is_read_only: bool,
}

/// What `--tmpfs PATH[:OPTIONS]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tmpfs {
    /// The path that the container finds it at.
    pub target: PathBuf,
    /// The options of the file system, tmpfs(5): `size=64m,mode=1777`.
    pub options: String,
}

/// Reads the value of `-v`.
pub fn volume() -> impl TypedValueParser<Value = Volume> {
    OsStringValueParser::new().try_map(|text| parse_volume(&text))
}

/// Reads the value of `--tmpfs`.
pub fn tmpfs() -> impl TypedValueParser<Value = Tmpfs> {
    OsStringValueParser::new().try_map(|text| parse_tmpfs(&text))
}

fn parse_volume(text: &OsString) -> Result<Volume, String> {
    let words: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b':').collect();
    let (source, target, is_read_only) = match words[..] {
        [source, target] | [source, target, b"rw"] => (source, target, false),
        [source, target, b"ro"] => (source, target, true),
        [_, _, mode] => {
            return Err(format!(
                "{:?} is no way to show it: there are `ro` and `rw`",
                String::from_utf8_lossy(mode)
            ));
        }
        _ => {
            return Err(
                "HOST:CONTAINER or HOST:CONTAINER:ro is wanted, as in /srv/data:/data".into(),
            );
        }
    };
    let source = path(source);
    if !source.is_absolute() {
        return Err(format!(
            "the host's path begins with `/`, and {:?} does not: there are no volumes with names \
             here, and for a relative path, write $PWD/ before it",
            source.display()
        ));
    }
    Ok(Volume {
        source,
        target: place(target)?,
        is_read_only,
    })
}

fn parse_tmpfs(text: &OsString) -> Result<Tmpfs, String> {
    let bytes = text.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b':');
    let (target, options) = match at {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &b""[..]),
    };
    let options = std::str::from_utf8(options)
        .map_err(|_| "the options of a tmpfs are words and numbers, as in size=64m,mode=1777")?;
    Ok(Tmpfs {
        target: place(target)?,
        options: options.to_owned(),
    })
}

fn path(bytes: &[u8]) -> PathBuf {
    OsString::from_vec(bytes.to_vec()).into()
}

/// Where something may be mounted: not on the root, and not in what the kernel makes up,
/// where programs expect the kernel's own (CVE-2019-16884).
fn place(bytes: &[u8]) -> Result<PathBuf, String> {
    let target = path(bytes);
    let mut names = Vec::new();
    for component in target.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_owned()),
            Component::ParentDir => {
                names.pop();
            }
            Component::Prefix(_) => {}
        }
    }
    if !target.is_absolute() {
        return Err(format!(
            "the container's path begins with `/`, and {:?} does not",
            target.display()
        ));
    }
    match names.first().map(|name| name.as_bytes()) {
        None => Err("the container's `/` is its image, and nothing is mounted over it".into()),
        Some(b"proc" | b"sys") => Err(format!(
            "{} is the kernel's, and programs trust what they read there: nothing is mounted over it",
            target.display()
        )),
        Some(_) => Ok(target),
    }
}

/// The file or directory `target` of the new root, opened for move_mount(2), and made if the
/// image has none.
///
/// The path belongs to an image that a stranger has made: if its `/data` is a link to `/etc`,
/// a path that is put together as text leads to the *host's* `/etc`. With `RESOLVE_IN_ROOT`
/// the kernel walks it as the container would, so the link leads to the container's own
/// `/etc`. What is returned is no path any more, and cannot be led anywhere else.
///
/// # Arguments
///
/// * `root`: the container's root, as the host sees it.
/// * `target`: an absolute path in the container.
/// * `is_directory`: what to make if nothing is there.
pub fn mount_target(root: &Path, target: &Path, is_directory: bool) -> Result<OwnedFd, Error> {
    let root = File::open(root)
        .map_err(|error| format!("the container's root {}: {error}", root.display()))?;
    let said = |what: &dyn std::fmt::Display| -> Error {
        format!("{} in the container: {what}", target.display()).into()
    };
    let found = open(&root, target, OFlag::empty());
    let found = match found {
        Err(error) if error.errno() == Errno::ENOENT => {
            make(&root, target, is_directory).map_err(|error| said(&error))?;
            open(&root, target, OFlag::empty())
        }
        found => found,
    };
    let found = found.map_err(|error| said(&error))?;
    let place = rustix::fs::fstatfs(&found).map_err(|error| said(&error))?;
    // A link of the image may lead to where no text of the option does.
    if KERNELS.contains(&place.f_type) {
        return Err(said(
            &"this leads into /proc or /sys, which programs trust: nothing is mounted there",
        ));
    }
    Ok(found)
}

/// The file systems that the kernel makes up (linux/magic.h): proc and sysfs.
const KERNELS: [i64; 2] = [0x9fa0, 0x6265_6572];

fn open(root: &File, path: &Path, flags: OFlag) -> linux_sys::Result<OwnedFd> {
    let how = OpenHow {
        flags: OFlag::O_PATH | OFlag::O_CLOEXEC | flags,
        mode: Mode::empty(),
        resolve: ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    };
    // Where `..` is on the way, the kernel cannot vouch for its walk if any process of the
    // machine has renamed or mounted something meanwhile: then it has to be walked again.
    let mut tries = 0..TRIES;
    loop {
        match openat2(root, path, how) {
            Err(error) if error.errno() == Errno::EAGAIN && tries.next().is_some() => {}
            opened => return opened,
        }
    }
}

/// More than a busy machine needs: a walk takes some microseconds.
const TRIES: u32 = 1000;

/// Make all directories on the way, and a directory or an empty file at its end.
fn make(root: &File, target: &Path, is_directory: bool) -> Result<(), Error> {
    let mut way = PathBuf::from("/");
    let mut names = target.components().peekable();
    while let Some(component) = names.next() {
        let name = match component {
            Component::Normal(name) => name,
            Component::ParentDir => {
                way.push("..");
                continue;
            }
            _ => continue,
        };
        let parent = open(root, &way, OFlag::O_DIRECTORY)?;
        way.push(name);
        match open(root, &way, OFlag::empty()) {
            Ok(_) => continue,
            Err(error) if error.errno() == Errno::ENOENT => {}
            Err(error) => return Err(error.into()),
        }
        if names.peek().is_some() || is_directory {
            let made = mkdirat(&parent, name, Mode::from_bits_truncate(0o755));
            made.map_err(|errno| cannot_make(&way, errno))?;
        } else {
            let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            let mode = Mode::from_bits_truncate(0o644);
            let made = nix::fcntl::openat(&parent, name, flags, mode);
            made.map_err(|errno| cannot_make(&way, errno))?;
        }
    }
    Ok(())
}

fn cannot_make(path: &Path, errno: Errno) -> Error {
    let advice = match errno {
        Errno::EEXIST => "; a link to nothing is there, and whatever it names is not made",
        Errno::EROFS => "; the volume that it lies in is read-only: make it on the host",
        _ => "",
    };
    format!("cannot make {}: {}{advice}", path.display(), errno.desc()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    fn parsed(text: &str) -> Result<Volume, String> {
        parse_volume(&OsString::from(text))
    }

    #[test]
    fn a_volume_is_two_paths_and_perhaps_a_word() {
        let wanted = |is_read_only| Volume {
            source: "/srv/a b".into(),
            target: "/data".into(),
            is_read_only,
        };
        assert_eq!(parsed("/srv/a b:/data"), Ok(wanted(false)));
        assert_eq!(parsed("/srv/a b:/data:rw"), Ok(wanted(false)));
        assert_eq!(parsed("/srv/a b:/data:ro"), Ok(wanted(true)));
    }

    #[test]
    fn what_is_no_volume_is_an_error() {
        for text in [
            "",
            ":",
            "/srv",
            "/srv:",
            ":/data",
            "srv:/data",
            "./srv:/data",
            "/srv:data",
            "/srv:/",
            "/srv:/data/..",
            "/srv:/proc",
            "/srv:/proc/sys",
            "/srv:/data/../sys/kernel",
            "/srv:/data:x",
            "/srv:/data:",
            "/srv:/data:ro:",
            "/srv:/data:ro:z",
            "/srv:/./proc",
        ] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_tmpfs_is_a_path_and_perhaps_options() {
        let parsed = |text: &str| parse_tmpfs(&OsString::from(text));
        let tmpfs = parsed("/run:size=1m,mode=700").unwrap();
        assert_eq!(tmpfs.options, "size=1m,mode=700");
        assert_eq!(tmpfs.target, Path::new("/run"));
        assert_eq!(parsed("/run").unwrap().options, "");
        for text in ["", "run", "/", "/sys", ":size=1m"] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_target_is_looked_for_in_the_root_whatever_the_links() {
        let root = tempfile::tempdir().unwrap();
        let inside = |path: &str| root.path().join(path);
        std::fs::create_dir(inside("etc")).unwrap();
        std::os::unix::fs::symlink("/etc", inside("data")).unwrap();
        std::os::unix::fs::symlink("../../../etc/deep", inside("up")).unwrap();
        mount_target(root.path(), Path::new("/data/a/b"), true).unwrap();
        assert!(inside("etc/a/b").is_dir());
        mount_target(root.path(), Path::new("/data/../etc/file"), false).unwrap();
        assert!(inside("etc/file").is_file());
        // A link to nothing is not followed to make something.
        assert!(mount_target(root.path(), Path::new("/up"), true).is_err());
        assert!(!inside("etc/deep").exists());
    }
}
