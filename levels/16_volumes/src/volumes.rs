//! What of the host the container is shown, and what it gets in memory.

use std::path::Path;

use given::{Error, Tmpfs, Volume};

/// The child's part: show a file or directory of the host, with all that is mounted below it.
pub fn attach(root: &Path, volume: &Volume) -> Result<(), Error> {
    // TODO(16) 1. Take hold of a copy of what is mounted at the source, with all that is
    // mounted below it.
    let _ = (root, volume);
    // END TODO(16)

    // TODO(16) 2. No setuid program of it counts and no device opens; and if the volume is
    // read-only, then all of it.
    // END TODO(16)

    // TODO(16) 3. `given::mount_target` opens the target, whatever links the image has. Give
    // the copy its place there.
    // END TODO(16)
    Ok(())
}

/// The child's part: a directory in memory.
pub fn mount_tmpfs(root: &Path, tmpfs: &Tmpfs) -> Result<(), Error> {
    // TODO(16) 4. Open the target in the same way, and mount a tmpfs on it. mount(2) wants a
    // path: which path is a descriptor?
    let _ = (root, tmpfs);
    // END TODO(16)
    Ok(())
}
