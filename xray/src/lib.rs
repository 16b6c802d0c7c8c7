//! The x-ray: a container's birth, system call by system call. `cargo workshop xray`.
//!
//! A crate of its own, which is built when it is first asked for.
//!
//! # A map of the house
//!
//! | file | holds |
//! |---|---|
//! | `main.rs` | the command line |
//! | `host.rs` | a host of its own for the run; the supervisor, who writes the record and tidies up |
//! | `tracer.rs` | stops the level at each call, and follows its children |
//! | `steps.rs` | what a call has changed, and which calls are one step |
//! | `calls.rs` | which calls are steps, and what they are given |
//! | `memory.rs` | what stands in the memory of a stopped process |
//! | `lines.rs` | the level's own lines that have led to a call |
//! | `processor.rs` | what of that depends on the processor |
//! | `snapshot.rs` | what the kernel says of a process and of the host |
//! | `network.rs` | interfaces, their addresses, routes |
//! | `names.rs` | names instead of numbers, the same in each run |
//! | `difference.rs` | what has changed between two looks |
//! | `cost.rs` | what it has cost the run |
//! | `record.rs` | what is written down |
//! | `blocks.rs` | which of those lines are the learner's to write |
//! | `stops.rs` | which steps are told as one |
//! | `text.rs` | the story for a terminal |
//! | `page.rs` | the same as a page for a browser, whose parts are in `page/` |
//! | `change.rs` | what has changed, in words |
//! | `against.rs` | two runs beside each other, and where they first differ |
//! | `first.rs` | in which way they do |
//! | `runs.rs` | both, call by call |
//! | `act.rs` | one call, as it is compared |
//! | `align.rs` | which steps go together |
//! | `sentence.rs` | the difference in a sentence |
//! | `beside.rs` | both for a terminal |
//!
//! # Who does what
//!
//! `record` runs as root, through `.cargo/as-root`, and writes into a file that the companion has
//! made. `text`, `page`, `json` and `against` read that, and need nothing.

#![forbid(unsafe_code)]

mod act;
pub mod against;
mod align;
pub mod beside;
mod blocks;
mod calls;
mod change;
pub mod cost;
pub mod difference;
pub mod first;
pub mod host;
mod lines;
mod memory;
mod names;
mod network;
pub mod page;
mod processor;
pub mod record;
mod runs;
mod sentence;
mod snapshot;
mod steps;
mod stops;
pub mod text;
mod tracer;
