//! The container's root file system: where it is, how it is made and removed.

use std::path::{Path, PathBuf};

use given::Error;
use linux_sys::{Mode, MsFlags, chmod, mkdir, mount, symlink};

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
    path(directory).join("merged")
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
    // Once for all containers, on the first use of the image.
    let unpacked = image.unpacked(&directory.store)?;

    // The four names of an overlay, side by side. `lower` is only a link, so that
    // `ls -l` in a kept container tells the whole story.
    let mode = Mode::from_bits_truncate(0o755);
    symlink(&unpacked, path(directory).join("lower"))?;
    for name in ["upper", "work", "merged"] {
        mkdir(path(directory).join(name), mode)?;
    }
    // The merged `/` has the mode of `upper`, and our umask may have narrowed it.
    chmod(path(directory).join("upper"), mode)?;
    Ok(())
}

/// The child's part: lay this container's directory over the image.
pub fn mount_overlay(directory: &Directory) -> Result<(), Error> {
    // Reads look in `upper` first, then in `lower`. The first write to a file
    // copies it up; `work` is where the kernel prepares the copy, on the same
    // file system as `upper` so that it can be renamed into place.
    // `volatile`: without it, unmounting waits until everything is on the disk, and
    // no run needs these files after a power cut (filesystems/overlayfs.rst).
    // TODO(20) 5. In a user namespace overlayfs needs the option `userxattr` as well. For what?
    let layers = format!(
        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work,volatile",
        path(directory).display()
    );
    // END TODO(20)

    // NODEV: a device node in an image is an archive's word for "give me the disk".
    mount(
        "overlay",
        root(directory),
        "overlay",
        MsFlags::MS_NODEV,
        &layers,
    )?;
    Ok(())
}

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
