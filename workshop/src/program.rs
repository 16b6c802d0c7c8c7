//! Programs of this machine's: whether there is one of that name.

use std::path::{Path, PathBuf};

/// Where a shell would find it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = std::env::split_paths(&path);
    directories
        .find_map(|directory| Some(directory.join(name)).filter(|path: &PathBuf| is_program(path)))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}
