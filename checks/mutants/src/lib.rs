//! Wrong solutions made by a program: a right one in which one thing is changed.
//!
//! Each operator is a slip that people make: a call forgotten, two swapped, an error
//! not looked at, a flag too few. It changes each place where it fits in the lines which
//! the learner writes, and no other. Some mutants do not compile, and some mean the same as
//! before; only the compiler and the checks can tell which.
//!
//! | file | holds |
//! |---|---|
//! | `mutant.rs` | a mutant: where, what, and its identity |
//! | `walk.rs` | the way through a source file |
//! | `found.rs` | what was found on it |
//! | `statements.rs` | forgotten, swapped, its error ignored, only for the first |
//! | `flags.rs` | one flag or option too few, or a related one |
//! | `conditions.rs` | the other way round |
//! | `values.rs` | one too many, one too few, none at all |
//! | `arguments.rs` | the other one of two, or one call less |
//! | `combined.rs` | all mutants of a file, as one file |
//! | `alternatives.rs` | and all its versions that were edited by hand |
//! | `tenth.rs` | a tenth of all, always the same |
//! | `list.rs` | `survivors.txt`: what no check notices, and why |
//!
//! It is a crate of its own because every level's tests build `checks`, and no learner
//! should wait for a parser of Rust.

mod alternatives;
mod arguments;
mod combined;
mod conditions;
mod flags;
mod found;
mod list;
mod mutant;
mod statements;
mod tenth;
mod values;
mod walk;

pub use combined::{Combined, mark};
pub use list::{Entry, Kind, parse_list};
pub use mutant::{Edit, Mutant};
pub use tenth::tenth;
pub use walk::mutants;
