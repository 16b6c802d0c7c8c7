//! An image: a name, and the archive that it stands for.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::archive::Archive;
use crate::config::Config;
use crate::error::{Error, Result, io_failed, shown};
use crate::limits::LIMITS;
use crate::look_alike::look_alike;
use crate::members::Members;
use crate::root::TOP;
use crate::rooted_path::split;
use crate::unpack::unpack;
use crate::unpack_error::{UnpackError, broken};
use crate::{base, name, remove, saved, users};

/// The endings under which an image is looked for, in this order.
pub(crate) const ENDINGS: [&str; 6] = [".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".tgz", ".txz"];

/// So many members at the beginning of an archive are looked at, and contents up to so many
/// bytes are passed over.
const FEW: usize = 64;
const LARGE: u64 = 1 << 20;

/// An image that was found: a root file system, packed in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    name: String,
    archive: PathBuf,
}

/// Finds the image `name` in `image_dir`: `NAME.tar`, `NAME.tar.gz`, `NAME.tar.zst` or
/// `NAME.tar.xz`.
///
/// The image `base` is always there: unless you put one there yourself, it is
/// made on first use from this machine's own programs.
///
/// ```no_run
/// # fn main() -> images::Result<()> {
/// let image = images::find("/var/lib/rubber-docker/images".as_ref(), "base")?;
/// image.unpack_into("/var/lib/rubber-docker/containers/c0ffee/rootfs".as_ref())?;
/// # Ok(())
/// # }
/// ```
pub fn find(image_dir: &Path, name: &str) -> Result<Image> {
    name::check(name)?;
    for ending in ENDINGS {
        let archive = image_dir.join(format!("{name}{ending}"));
        match fs::metadata(&archive) {
            Ok(there) if there.is_file() => {
                return Ok(Image {
                    name: name.to_owned(),
                    archive,
                });
            }
            Ok(_) => {
                return Err(Error::new(format!(
                    "{} is not a regular file, so it cannot be the archive of an image; move it away",
                    archive.display()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(io_failed(
                    format_args!(
                        "cannot look for the image {name:?} at {}",
                        archive.display()
                    ),
                    &error,
                ));
            }
        }
    }
    if name == base::NAME {
        let archive = base::make(image_dir)?;
        return Ok(Image {
            name: name.to_owned(),
            archive,
        });
    }
    // The name of the file instead of the image's: what is meant is clear.
    if let Some((shorter, _)) = name_of(name) {
        return find(image_dir, &shorter);
    }
    Err(unknown(image_dir, name))
}

/// Whether an image of this name is in `image_dir`, and we may read it. Nothing is made.
///
/// ```
/// assert!(!images::is_readable("/no/such/directory".as_ref(), "base"));
/// ```
pub fn is_readable(image_dir: &Path, name: &str) -> bool {
    name::check(name).is_ok()
        && ENDINGS.iter().any(|ending| {
            let archive = image_dir.join(format!("{name}{ending}"));
            fs::metadata(&archive).is_ok_and(|it| it.is_file()) && File::open(&archive).is_ok()
        })
}

pub(crate) fn unknown(image_dir: &Path, name: &str) -> Error {
    let mut there: Vec<String> = fs::read_dir(image_dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(name_of(entry.file_name().to_str()?)?.0))
        .chain([base::NAME.to_owned()])
        .collect();
    there.sort();
    there.dedup();
    let directory = image_dir.display();
    let advice = look_alike(image_dir, name).unwrap_or_else(|| {
        format!(
            "to add it, put its root file system there as {name}.tar, {name}.tar.gz, {name}.tar.xz or {name}.tar.zst"
        )
    });
    Error::new(format!(
        "there is no image {name:?} in {directory} (there: {}); {advice}",
        there.join(", ")
    ))
}

/// The name of the image that a file in the image directory is, and the place of its
/// ending among [`ENDINGS`].
pub(crate) fn name_of(file: &str) -> Option<(String, usize)> {
    let (rank, name) = ENDINGS
        .iter()
        .enumerate()
        .find_map(|(rank, ending)| Some((rank, file.strip_suffix(ending)?)))?;
    name::check(name).is_ok().then(|| (name.to_owned(), rank))
}

impl Image {
    /// The name under which it was found.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The archive that holds its root file system.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// Unpacks the image into `target`, which must not exist yet, or be empty.
    ///
    /// Owners, modes, times, links and extended attributes are those of the
    /// archive; devices are left out. Nothing outside `target` is ever written,
    /// whatever the archive says. After an error, `target` is gone again.
    pub fn unpack_into(&self, target: &Path) -> Result<()> {
        let archive = self.open()?;
        let failed = |error: &io::Error| {
            io_failed(
                format_args!(
                    "cannot unpack the image {:?} into {}",
                    self.name,
                    target.display()
                ),
                error,
            )
        };
        match DirBuilder::new().mode(0o700).create(target) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(&error));
            }
            _ => {}
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory =
            open(target, flags, Mode::empty()).map_err(|errno| failed(&errno.into()))?;
        if fs::read_dir(target)
            .map_err(|error| failed(&error))?
            .next()
            .is_some()
        {
            return Err(Error::new(format!(
                "cannot unpack the image {:?} into {}: there is something in it already; choose a directory that is empty, or does not exist yet",
                self.name,
                target.display()
            )));
        }
        self.unpack_archive(archive, directory, target).map(drop)
    }

    /// What the image says of its command, if that is seen at the beginning of its archive, as
    /// in those that were pulled or imported. Nothing is unpacked.
    pub fn told_config(&self) -> Option<Config> {
        self.told()
    }

    /// What the first members tell: all of it, if the archive is one of ours; and that there
    /// is nothing to be told, if it is a root file system.
    pub(crate) fn told(&self) -> Option<Config> {
        let file = self.open().ok()?;
        let size = file.metadata().ok()?.size();
        let mut members = Members::new(Archive::new(file, &self.name, size).ok()?, LIMITS);
        for _ in 0..FEW {
            let member = members.next().ok()??;
            if let Some(config) = members.config() {
                return Config::from_json(config).ok();
            }
            let path = split(&member.path).ok()?.map(|place| place.path());
            let path = path.unwrap_or_default();
            let first = path.split(|byte| *byte == b'/').next();
            if TOP.into_iter().any(|name| first == Some(name.as_bytes())) {
                return Some(Config::default());
            }
            // A layer: a root begins with something smaller, or with one of those names.
            if members.left() > LARGE {
                return None;
            }
        }
        None
    }

    /// The numbers of `user`, which is `USER[:GROUP]`: names out of the image's own lists,
    /// never those of this machine, or numbers. It is unpacked for that, if it is not yet.
    pub fn user(&self, store: &Path, user: &str) -> Result<(u32, u32)> {
        let tree = self.unpacked(store)?;
        users::look_up(&tree, user).map_err(|why| {
            Error::new(format!(
                "the image {:?} wants its command to run as the user {:?}, and {why}; choose one by number: \
                 --user UID:GID",
                self.name,
                shown(user.as_bytes())
            ))
        })
    }

    pub(crate) fn open(&self) -> Result<File> {
        File::open(&self.archive).map_err(|error| self.unreadable(&error))
    }

    pub(crate) fn unreadable(&self, error: &io::Error) -> Error {
        io_failed(
            format_args!(
                "cannot read the image {:?} ({})",
                self.name,
                self.archive.display()
            ),
            error,
        )
    }

    /// Unpacks an open archive into an open, empty directory, and removes that
    /// directory if it does not work out. Returns what the image says of its command.
    pub(crate) fn unpack_archive(
        &self,
        archive: File,
        directory: OwnedFd,
        target: &Path,
    ) -> Result<Config> {
        let UnpackError { cause, advice } = match self.try_unpack(archive, directory) {
            Ok(config) => return Ok(config),
            Err(problem) => problem,
        };
        let kept = match remove::remove_tree(target) {
            Ok(()) => "nothing of it was kept".to_owned(),
            Err(error) => format!(
                "what was unpacked is still in {} ({error})",
                target.display()
            ),
        };
        Err(Error::new(format!(
            "cannot unpack the image {:?} ({}) into {}: {cause}. What to do: {advice} ({kept})",
            self.name,
            self.archive.display(),
            target.display()
        )))
    }

    fn try_unpack(
        &self,
        archive: File,
        directory: OwnedFd,
    ) -> std::result::Result<Config, UnpackError> {
        let before = archive.metadata().map_err(|error| broken(&error))?;
        if before.size() == 0 {
            return Err(UnpackError {
                cause: "the archive is empty".into(),
                advice: "the program that should have written it has failed: make it anew".into(),
            });
        }
        let watched = archive.try_clone().map_err(|error| broken(&error))?;
        let stream =
            Archive::new(watched, &self.name, before.size()).map_err(|error| broken(&error))?;
        let reopened = directory.try_clone().map_err(|error| broken(&error))?;
        let told = unpack(stream, directory, LIMITS)?;
        let config = saved::replace(reopened, &self.name)?.unwrap_or(told);
        // Another process may still be copying the archive to where we read it.
        let after = archive.metadata().map_err(|error| broken(&error))?;
        let stamp = |stat: &fs::Metadata| (stat.size(), stat.mtime(), stat.mtime_nsec());
        if stamp(&before) != stamp(&after) {
            return Err(UnpackError {
                cause: "the archive changed while it was being read".into(),
                advice: "wait until it has been copied, then try again".into(),
            });
        }
        Ok(config)
    }
}
