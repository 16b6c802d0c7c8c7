//! What every level is given, because it is not the lesson.
//!
//! A container runtime needs a command line that behaves, and a parent that
//! gets on with terminals and signals. Both are real work and neither is what
//! people come to a container workshop for, so both are here, once, instead of
//! in every level.
//!
//! | module | what it gives |
//! |---|---|
//! | [`cgroup`] | where this machine's control groups are |
//! | [`mod@claim`] | a container's directory, and the proof that somebody looks after it |
//! | [`command_line`] | `levelNN run [OPTIONS] [--] COMMAND`, the screen of `levelNN` alone, exit statuses |
//! | [`parent`] | whether the parent is still there |
//! | [`report`] | how an error reaches the user, and which status it ends with |
//! | [`signals`] | the parent holds signals back and passes them on; the child starts with a clean slate |
//! | [`terminal`] | the terminal is left as it was found |
//! | [`mod@mount_point`] | a place to mount on, reached without following an image's links |
//! | [`units`] | sizes, users and capabilities on the command line |
//!
//! Everything a *level* has to say about the kernel is in the level.

pub mod cgroup;
pub mod claim;
pub mod command_line;
pub mod mount_point;
pub mod parent;
pub mod report;
pub mod signals;
pub mod terminal;
pub mod units;

pub use cgroup::{Hierarchy, Version, cpu_weight, hierarchy, read, write};
pub use claim::claim;
pub use command_line::{CONTAINERS, IMAGES, container_dir, main, new_id};
pub use mount_point::mount_point;
pub use parent::parent_must_live;
pub use report::{exit, tell};
pub use signals::{clean_start, hold_signals, pass_signals_until_end};
pub use units::{CapabilityName, Swap, SwapSize, User, memory_size, memory_swap_size};

/// Whatever went wrong, with a sentence for the user. `?` turns the errors of
/// `linux_sys` and `images` into it.
pub type Error = Box<dyn std::error::Error>;
