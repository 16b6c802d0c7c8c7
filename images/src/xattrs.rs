//! Extended attributes: which an image may bring, and how they are set.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::unistd::geteuid;
use xattr::FileExt;

use crate::error::{errno_of, io_named, shown};
use crate::unpack_error::{NO_IMAGE, UnpackError};

/// Sets those of `xattrs` that an image may bring. `path` is for errors.
pub(crate) fn set(
    file: &File,
    path: &[u8],
    xattrs: &[(Vec<u8>, Vec<u8>)],
) -> Result<(), UnpackError> {
    for (name, value) in xattrs.iter().filter(|(name, _)| may_bring(name)) {
        match file.set_xattr(OsStr::from_bytes(name), value) {
            Ok(()) => {}
            // Not every file system has every kind.
            Err(error) if errno_of(&error) == Some(Errno::ENOTSUP) => {}
            Err(error) => {
                return Err(UnpackError {
                    cause: format!(
                        "member {:?}: its extended attribute {:?} cannot be set: {}",
                        shown(path),
                        shown(name),
                        io_named(&error)
                    ),
                    // To root, it is the attribute itself that the kernel refuses.
                    advice: if errno_of(&error) == Some(Errno::EPERM) && !geteuid().is_root() {
                        "run it as root, who may set them all".into()
                    } else {
                        NO_IMAGE.into()
                    },
                });
            }
        }
    }
    Ok(())
}

/// An image describes its own files. It has no say in how overlayfs stacks
/// layers, nor in what the machine's own security modules think of a file.
pub(crate) fn may_bring(xattr: &[u8]) -> bool {
    const OVERLAY: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
    const ALLOWED: [&[u8]; 4] = [
        b"user.",
        b"trusted.",
        b"security.capability",
        b"system.posix_acl_",
    ];
    !xattr.contains(&0)
        && ALLOWED.iter().any(|prefix| xattr.starts_with(prefix))
        && !OVERLAY.iter().any(|prefix| xattr.starts_with(prefix))
}
