//! The container's root file system: where it is, how it is made and removed.

use std::path::PathBuf;

use given::Error;
use linux_sys::{Mode, MsFlags, chmod, mkdir, mount, symlink};

use crate::Options;

/// What belongs to this container and to nobody else.
fn directory(options: &Options) -> PathBuf {
    options.container_dir.join(&options.id)
}

/// The container's `/`, as the host sees it.
pub fn root(options: &Options) -> PathBuf {
    directory(options).join("merged")
}

/// Given: make the container's directory, in a store that only root may enter. An
/// image has setuid programs, and whoever could walk into the store could run
/// them on the host (CVE-2021-41091). A lock says that the directory is in use.
pub fn make_directory(options: &Options) -> Result<(), Error> {
    images::create_store(&options.container_dir)?;
    given::claim(&directory(options))?;
    Ok(())
}

/// The parent's part: everything that has to be there before the child starts.
pub fn prepare(options: &Options) -> Result<(), Error> {
    let image = images::find(&options.image_dir, &options.image_name)?;
    // Once for all containers, on the first use of the image.
    let unpacked = image.unpacked(&options.container_dir)?;

    // The four names of an overlay, side by side. `lower` is only a link, so that
    // `ls -l` in a kept container tells the whole story.
    let directory = directory(options);
    let mode = Mode::from_bits_truncate(0o755);
    symlink(&unpacked, directory.join("lower"))?;
    for name in ["upper", "work", "merged"] {
        mkdir(directory.join(name), mode)?;
    }
    // The merged `/` has the mode of `upper`, and our umask may have narrowed it.
    chmod(directory.join("upper"), mode)?;
    Ok(())
}

/// The child's part: lay this container's directory over the image.
pub fn mount_overlay(options: &Options) -> Result<(), Error> {
    // Reads look in `upper` first, then in `lower`. The first write to a file
    // copies it up; `work` is where the kernel prepares the copy, on the same
    // file system as `upper` so that it can be renamed into place.
    let directory = directory(options);
    // `volatile`: without it, unmounting waits until everything is on the disk, and
    // nobody will want these files after a power cut (filesystems/overlayfs.rst).
    let layers = format!(
        "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work,volatile",
        directory.display()
    );

    // NODEV: a device node in an image is an archive's word for "give me the disk".
    mount(
        "overlay",
        root(options),
        "overlay",
        MsFlags::MS_NODEV,
        &layers,
    )?;
    Ok(())
}

/// The parent's part afterwards. Never crosses a mount point: behind one that
/// was forgotten lies somebody's /dev, or their home.
pub fn remove(options: &Options) -> Result<(), Error> {
    if options.keep {
        given::tell(&format!("kept {}", directory(options).display()));
        return Ok(());
    }
    images::remove_tree(&directory(options))?;
    Ok(())
}
