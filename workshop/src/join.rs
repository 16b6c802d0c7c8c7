//! `cargo workshop join`: a seat at the board of a class, once the learner has seen what is sent.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::course::Course;
use crate::screen::{CODE, note, paint, prose, say};
use crate::seat::{self, Address, Question, Refusal, Seat};
use crate::{Result, check};

/// What may be said after `join`.
#[derive(clap::Args)]
#[command(after_help = "\
It shows all that is sent before it asks; without a terminal to ask at, nothing
is sent unless --yes says so. After that, each check tells the board how far you
are. A board that is away costs a check nothing. As root nothing is sent.

Example: cargo workshop join http://192.168.1.5:7070/k7m2-9xqd")]
pub(crate) struct Arguments {
    /// Where the board is, and the class's code: the instructor shows it
    #[arg(value_name = "ADDRESS")]
    address: String,

    /// What the instructor may call you: up to 32 letters [default: nothing]
    #[arg(long)]
    name: Option<String>,

    /// Send it without asking
    #[arg(long)]
    yes: bool,
}

/// Letters of a secret: 130 bits.
const SECRET: usize = 26;

/// How often a seat is drawn that somebody else has drawn before.
const DRAWS: usize = 3;

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    seat::refuse_root()?;
    let course = Course::find()?;
    let board = Address::parse(&arguments.address)?;
    if let Some(name) = arguments
        .name
        .as_deref()
        .filter(|name| !seat::is_good_name(name))
    {
        return Err(format!(
            "`{}` is no name for the board, which shows it to the instructor: at most 32 \
             letters, and none that are invisible or turn the line around. Without --name you \
             are a number",
            given::printable(name)
        )
        .into());
    }
    let mut taken = seat(&course, board, arguments.name)?;
    show(&taken);
    if !arguments.yes && !ask()? {
        note("Nothing was sent.");
        return Ok(ExitCode::FAILURE);
    }
    for draw in 1.. {
        match seat::ask(&taken.board, Question::Seat, seat::message(&taken)) {
            Ok(()) => break,
            Err(Refusal::Taken) if draw < DRAWS => taken.number = number()?,
            Err(refusal) => {
                return Err(format!("you have not joined {}: {refusal}", taken.board).into());
            }
        }
    }
    seat::write(&course, &taken)?;
    prose(format!(
        "You have joined. To ask for help: {}  To leave: {}",
        paint(CODE, "cargo workshop hand"),
        paint(CODE, "cargo workshop leave")
    ));
    Ok(ExitCode::SUCCESS)
}

/// The seat that is to be taken. Whoever joins the same class again keeps theirs, and may take
/// another name.
fn seat(course: &Course, board: Address, name: Option<String>) -> Result<Seat> {
    let state = check::known(course, check::current(course)?)?;
    if let Some(before) = seat::read(course)? {
        if before.board.code == board.code {
            return Ok(Seat {
                board,
                name,
                state,
                ..before
            });
        }
        return Err(format!(
            "you have a seat in another class, at {}. Say `cargo workshop leave` first",
            before.board.place()
        )
        .into());
    }
    Ok(Seat {
        board,
        number: number()?,
        secret: seat::random_letters(SECRET)?,
        name,
        hand: false,
        state,
    })
}

fn number() -> Result<String> {
    seat::random_letters(seat::NUMBER)
}

/// All that is sent, before it is.
fn show(seat: &Seat) {
    prose(format!(
        "This is sent to the class board at {}, now and after each check:\n",
        seat.board.place()
    ));
    for (what, is) in seat::in_words(seat) {
        say(format!("  {what:<14} {is}"));
    }
    prose(
        "\nThe class's code goes with it, and a secret that proves that the seat is yours. \
         Nothing else: none of your code, and no name of this machine, of your account or of a \
         file. The board shows it to the instructor, and counts without names on the wall. It is \
         forgotten when you leave, and when the class ends.",
    );
}

fn ask() -> Result<bool> {
    let somebody_is_there = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if !somebody_is_there {
        return Err(
            "nothing was sent: there is no terminal to ask at. If that is what is to be \
             sent, say it with --yes"
                .into(),
        );
    }
    let mut terminal = anstream::stderr();
    write!(terminal, "\nMay it be sent? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    say("");
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
