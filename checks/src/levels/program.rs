//! What a level's program is about, going by its name.

use std::ffi::OsStr;
use std::path::Path;

/// Whether a level's program, going by its name, needs control groups to run at all.
pub(crate) fn makes_cgroups(binary: &Path) -> bool {
    is_from(8, binary)
}

/// How far the program of this name has come: a level to its own number, the solution of a
/// part to the part's last level.
pub(crate) fn reached(program: &str) -> Option<u8> {
    let mut all = syllabus::all().iter();
    let entry = all.find(|entry| entry.package() == program)?;
    entry.number.or_else(|| syllabus::last_of(entry.facts.part))
}

/// Whether it is the program of this level or of a later one.
pub(super) fn is_from(level: u8, binary: &Path) -> bool {
    let name = binary.file_name().and_then(OsStr::to_str).unwrap_or("");
    reached(name).is_some_and(|number| number >= level)
}
