//! The container's root file system: where it is, how it is made and removed.

use std::path::PathBuf;

use given::Error;

use crate::Options;

/// What belongs to this container and to no other. It is locked as long as this value lives.
pub struct Directory {
    path: PathBuf,
    _lock: given::Claim,
}

/// The container's `/`, as the host sees it.
pub fn root(directory: &Directory) -> PathBuf {
    directory.path.join("rootfs")
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
    image.unpack_into(&root(directory))?;
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
