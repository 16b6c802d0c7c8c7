//! A seat at the class board: what is kept of it, what is sent from it, and how.
//!
//! | file | holds |
//! |---|---|
//! | `address.rs` | what stands in `http://ADDRESS:PORT/CODE` |
//! | `kept.rs` | the seat in `.workshop/board/`: its number, its secret, the last state |
//! | `state.rs` | how far the learner is, as the board is told |
//! | `message.rs` | all that is sent: as JSON, and in words for the learner |
//! | `exchange.rs` | one question to a board and its answer, within a second |
//! | `refusal.rs` | why a board did not take it, and what to do |
//! | `tell.rs` | the state after a check, sent by a process that nobody waits for |
//!
//! A learner who has not joined has no such directory, and everything ends with that. Root
//! sends nothing: whatever runs as root here is a level or its checks, and root's files in the
//! learner's checkout would be in the learner's way.
//!
//! The commands above it are `join.rs`, `leave.rs` and `hand.rs`; the board itself is the
//! crate `board`.

mod address;
mod exchange;
mod kept;
mod message;
mod refusal;
mod state;
mod tell;

pub(crate) use address::{Address, CODE as NUMBER, random_letters};
pub(crate) use exchange::{PATIENCE, Question, ask};
pub(crate) use kept::{
    Seat, change, forget, is_joined, not_joined, read, refuse_root, sending, write,
};
pub(crate) use message::{in_words, is_good_name, message};
pub(crate) use refusal::Refusal;
pub(crate) use state::{State, Told};
pub(crate) use tell::{Telling, now, run as tell_board, tell};
