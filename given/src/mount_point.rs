//! A place to mount on.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use linux_sys::{Errno, Mode, OFlag, OpenHow, ResolveFlag, openat2};

use crate::Error;

/// Whether something is at `path`. Not to know is an error: who covers only what is there
/// must not leave open what could not be looked at.
pub fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists()
        .map_err(|error| format!("cannot look for {}: {error}", path.display()).into())
}

/// An empty file to mount a file on. Nothing may be there yet, no link either.
pub fn create_file(path: &Path) -> Result<(), Error> {
    fs::File::create_new(path)
        .map(drop)
        .map_err(|error| format!("cannot make {}: {error}", path.display()).into())
}

/// The directory `name` of the new root, made if the image has none, and
/// refused if it is anything but a directory.
///
/// mount(2) follows symbolic links. An image is a stranger's archive: if its
/// `proc` is a link to `/etc`, a mount on `ROOT/proc` lands on the *host's*
/// `/etc` (CVE-2019-19921 was of that kind). openat2(2) with
/// `RESOLVE_NO_SYMLINKS` looks the name up without following any.
///
/// Looking first and mounting afterwards is safe here because no other process can
/// change the tree in between: it lies in a directory that only root may enter,
/// and nothing out of the image runs yet.
pub fn mount_point(root: &Path, name: &str) -> Result<PathBuf, Error> {
    let path = root.join(name);
    let directory = fs::File::open(root).map_err(|error| {
        format!(
            "the container's root {} cannot be opened: {error}. Was the image unpacked into it, \
             into `root(directory)`?",
            root.display()
        )
    })?;
    let how = OpenHow {
        flags: OFlag::O_PATH | OFlag::O_DIRECTORY,
        mode: Mode::empty(),
        resolve: ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS,
    };
    match openat2(&directory, name, how) {
        Ok(_) => Ok(path),
        Err(error) if error.errno() == Errno::ENOENT => match fs::create_dir(&path) {
            Ok(()) => Ok(path),
            Err(error) => {
                // A full disk shows here first: an overlay that finds no room to work in
                // is mounted all the same, read-only (filesystems/overlayfs.rst).
                let advice = match error.kind() {
                    ErrorKind::ReadOnlyFilesystem => {
                        "; an overlay is read-only without `upperdir=`, or where it finds no room \
                         to work in: is there room for files where the container's directory is \
                         (`df -i`)?"
                    }
                    ErrorKind::StorageFull => {
                        "; is there room for files where the container's directory is (`df -i`)?"
                    }
                    _ => "",
                };
                let path = path.display();
                Err(format!("cannot make the mount point {path}: {error}{advice}").into())
            }
        },
        Err(error) if matches!(error.errno(), Errno::ELOOP | Errno::ENOTDIR | Errno::EXDEV) => {
            Err(format!(
                "/{name} of this image is a link or a file. Something is mounted there in every \
             container, and following a link would mount it outside of the container. \
             Make it a directory in the image, or leave it out"
            )
            .into())
        }
        Err(error) => Err(error.into()),
    }
}
