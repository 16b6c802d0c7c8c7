//! Version 1's cpuset: a new group may use no processor and no memory, and takes no process in.

use std::path::Path;

use super::{read, write};
use crate::Error;

/// Give `parent` what `top` has, unless it has some already, and have the groups
/// in it begin with a copy of that (cpuset(7)).
pub(super) fn fill(top: &Path, parent: &Path) -> Result<(), Error> {
    // Written last: where it is 1, the rest has been done.
    let copies = parent.join("cgroup.clone_children");
    if read(&copies)?.trim() == "1" {
        return Ok(());
    }
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if read(&parent.join(file))?.trim().is_empty() {
            write(&parent.join(file), read(&top.join(file))?.trim())?;
        }
    }
    write(&copies, "1")
}
