//! The container's root file system: where it is, how it is made and removed.

use std::path::{Path, PathBuf};

use given::Error;

/// What belongs to this container and to no other: the directory of its name in the store.
/// It is locked as long as this value lives.
pub struct Directory {
    store: PathBuf,
    id: String,
    keep: bool,
    _lock: given::ContainerLock,
}

/// The container's `/`, as the host sees it.
pub fn root(directory: &Directory) -> PathBuf {
    // TODO(04) 2. From now on it is where the overlay is mounted: `merged`.
    path(directory).join("rootfs")
    // END TODO(04)
}

/// Given: make the container's directory, in a store that only root may enter. An
/// image has setuid programs, and any user who could walk into the store could run
/// them on the host (CVE-2021-41091). A lock says that the directory is in use.
pub fn make_directory(store: &Path, id: &str, keep: bool) -> Result<Directory, Error> {
    images::create_store(store)?;
    let lock = given::create_container_dir(&store.join(id), keep)?;
    Ok(Directory {
        store: store.to_owned(),
        id: id.to_owned(),
        keep,
        _lock: lock,
    })
}

/// Given: where that directory is.
fn path(directory: &Directory) -> PathBuf {
    directory.store.join(&directory.id)
}

/// The parent's part: everything that has to be there before the child starts.
pub fn prepare(directory: &Directory, image_dir: &Path, image_name: &str) -> Result<(), Error> {
    let image = images::find(image_dir, image_name)?;
    // TODO(04) 1. Unpack the image once for all containers. Then make what an overlay needs:
    // a link `lower` to it, and the directories upper, work and merged.
    image.unpack_into(&root(directory))?;
    // END TODO(04)
    Ok(())
}

// TODO(04) 2. Write `mount_overlay`: lower, upper and work become one tree at `root`.
// END TODO(04)

/// The parent's part afterwards. Never crosses a mount point: behind one that
/// was forgotten lies the host's /dev, or a user's home.
pub fn remove(directory: &Directory) -> Result<(), Error> {
    if directory.keep {
        given::log(&format!("kept {}", path(directory).display()));
        return Ok(());
    }
    images::remove_tree(&path(directory))?;
    Ok(())
}
