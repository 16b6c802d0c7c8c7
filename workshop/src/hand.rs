//! `cargo workshop hand`: raises the learner's hand at the class board, and lowers it again.

use std::process::ExitCode;

use crate::Result;
use crate::course::Course;
use crate::screen::prose;
use crate::seat::{self, Question, Telling};

pub(crate) fn run() -> Result<ExitCode> {
    let course = Course::find()?;
    seat::refuse_root()?;
    if turn(&course)?.is_none() {
        return Err(seat::not_joined());
    }
    // Until it has arrived, no message of a check overtakes it.
    let _alone = seat::sending(&course, seat::PATIENCE)?;
    let Some(seat) = seat::read(&course)? else {
        return Err(seat::not_joined());
    };
    match seat::ask(&seat.board, Question::Seat, seat::message(&seat)) {
        Ok(()) => {
            prose(said(seat.hand));
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => Err(format!(
            "the board was not told: {refusal}. Your hand is kept {}, and the next check tries \
             again",
            if seat.hand { "up" } else { "down" }
        )
        .into()),
    }
}

/// The same by a key: nobody waits for the board.
pub(crate) fn in_watch(course: &Course, telling: &mut Telling) -> Result<()> {
    if let Some(seat) = turn(course)? {
        seat::now(course, telling);
        prose(said(seat.hand));
    }
    Ok(())
}

fn turn(course: &Course) -> Result<Option<seat::Seat>> {
    seat::change(course, |seat| seat.hand = !seat.hand)
}

fn said(up: bool) -> &'static str {
    match up {
        true => "Your hand is up. The same again lowers it.",
        false => "Your hand is down.",
    }
}
