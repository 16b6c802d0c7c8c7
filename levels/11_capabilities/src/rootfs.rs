//! The container's root file system: where it is, how it is made and removed.

use std::path::PathBuf;

use given::Error;
use linux_sys::{Mode, MsFlags, chmod, mkdir, mount, symlink};

use crate::Options;

/// What belongs to this container and to no other. It is locked as long as this value lives.
pub struct Directory {
    path: PathBuf,
    _lock: given::Claim,
}

/// The container's `/`, as the host sees it.
pub fn root(directory: &Directory) -> PathBuf {
    directory.path.join("merged")
}

/// Given: make the container's directory, in a store that only root may enter. An
/// image has setuid programs, and whoever could walk into the store could run
/// them on the host (CVE-2021-41091). A lock says that the directory is in use.
pub fn make_directory(options: &Options) -> Result<Directory, Error> {
    images::create_store(&options.container_dir)?;
    let path = options.container_dir.join(&options.id);
    let lock = given::claim(&path, options.keep)?;
    Ok(Directory { path, _lock: lock })
}

/// The parent's part: everything that has to be there before the child starts.
pub fn prepare(options: &Options, directory: &Directory) -> Result<(), Error> {
    let image = images::find(&options.image_dir, &options.image_name)?;
    // Once for all containers, on the first use of the image.
    let unpacked = image.unpacked(&options.container_dir)?;

    // The four names of an overlay, side by side. `lower` is only a link, so that
    // `ls -l` in a kept container tells the whole story.
    let mode = Mode::from_bits_truncate(0o755);
    symlink(&unpacked, directory.path.join("lower"))?;
    for name in ["upper", "work", "merged"] {
        mkdir(directory.path.join(name), mode)?;
    }
    // The merged `/` has the mode of `upper`, and our umask may have narrowed it.
    chmod(directory.path.join("upper"), mode)?;
    Ok(())
}

/// The child's part: lay this container's directory over the image.
pub fn mount_overlay(directory: &Directory) -> Result<(), Error> {
    // Reads look in `upper` first, then in `lower`. The first write to a file
    // copies it up; `work` is where the kernel prepares the copy, on the same
    // file system as `upper` so that it can be renamed into place.
    // `volatile`: without it, unmounting waits until everything is on the disk, and
    // nobody will want these files after a power cut (filesystems/overlayfs.rst).
    let layers = format!(
        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work,volatile",
        directory.path.display()
    );

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
/// was forgotten lies somebody's /dev, or their home.
pub fn remove(options: &Options, directory: &Directory) -> Result<(), Error> {
    if options.keep {
        given::tell(&format!("kept {}", directory.path.display()));
        return Ok(());
    }
    images::remove_tree(&directory.path)?;
    Ok(())
}
