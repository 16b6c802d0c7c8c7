//! `cargo workshop leave`: the seat is deleted, at the board and here.

use std::process::ExitCode;

use crate::Result;
use crate::course::Course;
use crate::screen::prose;
use crate::seat::{self, Question, Refusal};

pub(crate) fn run() -> Result<ExitCode> {
    let course = Course::find()?;
    seat::refuse_root()?;
    // A message that is on its way would bring the seat back behind us.
    let _alone = seat::sending(&course, seat::PATIENCE)?;
    let Some(seat) = seat::read(&course)? else {
        return Err(seat::not_joined());
    };
    let outcome = seat::ask(&seat.board, Question::Leave, seat::message(&seat));
    seat::forget(&course)?;
    match outcome {
        // A board of another class, or with another secret, has nothing of this seat.
        Ok(()) | Err(Refusal::WrongCode | Refusal::Taken) => {
            prose("You have left. The board has forgotten your seat, and so has this checkout.");
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => Err(format!(
            "this checkout has forgotten your seat, and sends nothing any more. The board could \
             not be asked: {refusal}. If it is still running, it forgets the seat when the class \
             ends"
        )
        .into()),
    }
}
