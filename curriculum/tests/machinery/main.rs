//! The curriculum's machinery, tried on small workshops made up for the purpose:
//! each rule has a case that holds and one that breaks it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod block;
mod book;
mod border;
mod carry;
mod caught;
mod chain;
mod fixture;
mod lesson;
mod lock;
mod map;
mod mistakes;
mod mutants;
mod new_level;
mod new_part;
mod promotion;
mod rooms;
mod times;
mod transcript;
