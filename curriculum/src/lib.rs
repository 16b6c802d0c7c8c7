//! The curriculum judged by itself: levels, the chain that ties each to the
//! next, the lock that tells a skeleton from a learner's work, and lessons.
//!
//! | file | holds |
//! |---|---|
//! | `levels.rs` | which levels there are, in order |
//! | `block.rs` | `// TODO(NN) ...` to `// END TODO(NN)` |
//! | `chain.rs` | what may differ between a level and the next |
//! | `line.rs` | which line may vanish or appear, by where it stands |
//! | `align.rs` | which line of a level is which of the next |
//! | `rooms.rs` | which file of a level may know its options |
//! | `lock.rs` | `levels/skeletons.lock`: is this file still the skeleton? |
//! | `merge.rs` | a file's three-way merge |
//! | `carry.rs` | a maintainer's edit, carried into every later level |
//! | `lesson.rs` | the parts of a lesson's README, and its console fences |
//! | `task.rs` | the steps of its task, and their hints |
//! | `names.rs` | the names that a task's blocks need and the skeleton does not import |
//! | `times.rs` | how long a chapter and a lesson take |
//! | `solution.rs` | what the next level has where a TODO block stood |
//! | `patch.rs` | solutions as others write them: patches against ours |
//! | `refresh.rs` | those patches, after the solution has changed |
//! | `mistakes.rs` | wrong ones, and the check that notices each |
//! | `unusual.rs` | right ones, which no check may refuse |
//! | `choices.rs` | what a level leaves to its learner, made right and wrong |
//! | `workshop.rs` | patched solutions, built |
//! | `promotion.rs` | the library that a part's solution is, as text of one crate again |
//! | `caught.rs` | is a wrong solution noticed, and in the right words? |
//! | `transcript.rs` | what stands in such a fence |
//! | `new_level.rs` | the skeleton of a level that is to be added |
//! | `new_part.rs` | the same, where it begins a part |
//! | `skeleton.rs` | what both make it of |
//! | `lacking.rs` | what such a level still lacks |
//! | `deck.rs` | the sections of the slides |
//! | `map.rs` | the maintainers' map: crates and files |
//! | `pages.rs` | the pages of the book, as files |
//! | `book/` | the pages of the book, as mdBook gets them |
//!
//! It stands above `checks`, whose names the wrong solutions use; `checks` knows nothing of
//! it. Nothing here runs a level, so nothing here needs root. The tests that use it are
//! `tests/curriculum`; the tests *of* it are `tests/machinery`.

mod align;
pub mod block;
pub mod book;
pub mod carry;
pub mod caught;
pub mod chain;
pub mod choices;
pub mod deck;
pub mod lacking;
pub mod lesson;
pub mod levels;
mod line;
pub mod lock;
pub mod map;
pub mod merge;
pub mod mistakes;
pub mod names;
pub mod new_level;
mod new_part;
pub mod pages;
pub mod patch;
pub mod promotion;
pub mod refresh;
pub mod rooms;
mod skeleton;
pub mod solution;
pub mod task;
pub mod times;
pub mod transcript;
pub mod unusual;
pub mod workshop;

use sandbox::cgroups::{self, Version};
use std::path::Path;
use std::process::Command;

/// What went wrong, as a paragraph for people.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything here that can go wrong.
pub type Result<T> = std::result::Result<T, Error>;

/// The cargo that runs us, for the workspace at `root`. The compilation's own variables,
/// which cargo has set for this program, are not meant for the cargo inside.
pub fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// Whether this machine's control groups are those of version 2.
pub fn is_version2() -> bool {
    cgroups::version() == Some(Version::V2)
}

/// Reads a text file; the error names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("read {}: {error}", path.display()).into())
}
