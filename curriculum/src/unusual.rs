//! Right solutions that the lesson does not show: each does what its level asks, in another
//! way than ours, and no check may refuse it.
//!
//! Each is a [patch](super::patch) against the solution of a level. It lies in
//! `checks/right/NN/NAME.patch` and begins with why it is right:
//!
//! ```text
//! right: After chdir into it `.` is the new root, and chroot(2) takes any path
//!
//! --- a/src/mounts.rs
//! +++ b/src/mounts.rs
//! ...
//! ```

use super::Result;
use super::patch::Patch;
use std::path::Path;

/// Where they are, from the root of the workspace.
pub const PATH: &str = "checks/right";

/// A right solution of a level, unlike ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// The solution as it is changed.
    pub patch: Patch,
    /// Why it is right.
    pub why: String,
}

impl Unusual {
    /// Reads the patch at `path`, seen from `root`.
    pub fn read(root: &Path, path: &Path) -> Result<Unusual> {
        let patch = Patch::read(root, path)?;
        let why = patch.one("right")?;
        Ok(Unusual { patch, why })
    }
}
