//! Why an archive was not unpacked: the cause, and what to do about it.
//!
//! The image adds its name and the paths; see [`Image`](crate::Image).

use std::io;

use nix::errno::Errno;

use crate::error::{advice, errno_of, io_named, named, shown};
use crate::members::{Kind, Member};
use crate::rooted_path::BadPath;

pub(crate) const NO_IMAGE: &str =
    "this is no root file system: look at it with `tar -tvf`, and make it anew";

/// Why an archive was not unpacked.
#[derive(Debug)]
pub(crate) struct UnpackError {
    pub(crate) cause: String,
    pub(crate) advice: String,
}

/// The archive itself is at fault, or the disk that it is on.
pub(crate) fn broken(error: &io::Error) -> UnpackError {
    let (cause, advice) = match error.kind() {
        io::ErrorKind::UnexpectedEof => (
            "the archive is cut short: it ends in the middle of a member".into(),
            "copy or make it anew, and compare its size with that of the original",
        ),
        io::ErrorKind::FileTooLarge => (error.to_string(), NO_IMAGE),
        io::ErrorKind::Unsupported => (error.to_string(), "make it anew, or get the archive again"),
        io::ErrorKind::OutOfMemory => (
            format!("unpacking it takes more memory than we give it: {error}"),
            "compress it anew, with xz -9 or zstd -19 at most, and without --long",
        ),
        _ if errno_of(error).is_some() => (
            format!("reading it failed: {}", io_named(error)),
            "check that it is a file and that its disk is well",
        ),
        _ => (
            format!("this is no tar archive, or a damaged one: {error}"),
            "see whether `tar -tf` reads it, and copy or make it anew",
        ),
    };
    UnpackError {
        cause,
        advice: advice.into(),
    }
}

/// The kernel refused something that a member asks for.
pub(crate) fn refused(member: &Member, errno: Errno) -> UnpackError {
    let what = format!("member {:?}", shown(&member.path));
    let (cause, advice) = match errno {
        Errno::EPERM | Errno::EACCES => (
            format!(
                "{what} belongs to user {} and group {}, and only root may give files away: {}",
                member.uid,
                member.gid,
                named(errno)
            ),
            "run it as root, or as the root of a user namespace (level 20)",
        ),
        Errno::ENOTDIR | Errno::ELOOP | Errno::EEXIST | Errno::EXDEV => (
            format!(
                "{what} lies behind something that is not a directory: {}",
                named(errno)
            ),
            NO_IMAGE,
        ),
        Errno::ENOENT => (
            format!(
                "{what} lies behind a link that leads nowhere: {}",
                named(errno)
            ),
            NO_IMAGE,
        ),
        Errno::ENAMETOOLONG => (
            format!(
                "{what} has a longer name than Linux allows (255 bytes, 4095 for a whole path): {}",
                named(errno)
            ),
            NO_IMAGE,
        ),
        _ => (format!("{what}: {}", named(errno)), advice(errno)),
    };
    UnpackError {
        cause,
        advice: advice.into(),
    }
}

pub(crate) fn io_refused(member: &Member, error: &io::Error) -> UnpackError {
    match errno_of(error) {
        Some(errno) => refused(member, errno),
        None => UnpackError {
            cause: format!("member {:?}: {error}", shown(&member.path)),
            advice: NO_IMAGE.into(),
        },
    }
}

pub(crate) fn target(what: &str, errno: Errno) -> UnpackError {
    UnpackError {
        cause: format!("{what}: {}", named(errno)),
        advice: advice(errno).into(),
    }
}

/// A symbolic link must have a target, though nothing need be there.
pub(crate) fn check_link(member: &Member) -> Result<(), UnpackError> {
    if member.kind != Kind::Symlink {
        return Ok(());
    }
    if member.link.contains(&0) {
        return Err(bad_path("the target of", &member.path, &BadPath::Nul));
    }
    if member.link.is_empty() {
        return Err(UnpackError {
            cause: format!(
                "member {:?} is a symbolic link to nothing",
                shown(&member.path)
            ),
            advice: NO_IMAGE.into(),
        });
    }
    Ok(())
}

pub(crate) fn bad_path(what: &str, path: &[u8], bad: &BadPath) -> UnpackError {
    let path = shown(path);
    let cause = match bad {
        BadPath::Upwards => {
            format!("{what} member {path:?} contains \"..\", which could lead out of the container")
        }
        BadPath::Nul => format!("{what} member {path:?} contains a NUL byte"),
    };
    UnpackError {
        cause,
        advice: "do not use this archive unless you know who made it, and why like that".into(),
    }
}
