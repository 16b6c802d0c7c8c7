//! Why a message did not arrive, and what to do: one sentence each.

use std::fmt;

/// How we speak. A board that speaks otherwise has another number in its header.
pub(super) const VERSION: u32 = 1;

/// What has become of a question that was not answered with yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing has answered within the time that there is, for this reason.
    Away(String),
    /// Something has answered, and it is no board.
    NoBoard,
    /// It is a board that speaks otherwise.
    OtherVersion(u32),
    /// It is a board, and has another code.
    WrongCode,
    /// Another learner's secret goes with this seat.
    Taken,
    /// It has no seat left.
    Full,
    /// It was asked too often.
    TooOften,
    /// It has refused it in a way that we do not know.
    Other(u16),
}

impl Refusal {
    /// What a status means, in an answer that has come from a board.
    pub(super) fn of_status(status: u16) -> Option<Refusal> {
        match status {
            200..=299 => None,
            403 => Some(Refusal::WrongCode),
            409 => Some(Refusal::Taken),
            429 => Some(Refusal::TooOften),
            503 => Some(Refusal::Full),
            other => Some(Refusal::Other(other)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Away(why) => write!(
                out,
                "no class board answers there ({why}). Is it the address on the wall, and are \
                 you in the same network? Some networks keep their guests apart: then only the \
                 instructor can help"
            ),
            Refusal::NoBoard => write!(
                out,
                "what answers there is no class board. In a network that wants you to log in \
                 first, open any page in a browser, log in, and try again; otherwise compare the \
                 address with the one on the wall"
            ),
            Refusal::OtherVersion(theirs) => write!(
                out,
                "the class board speaks version {theirs}, and this companion version {VERSION}: \
                 {}",
                match *theirs > VERSION {
                    true => "yours is the older one, and `cargo workshop update` takes the newer",
                    false => "the board's is the older one; tell your instructor",
                }
            ),
            Refusal::WrongCode => write!(
                out,
                "the class board knows no class with this code. Compare it with the one on the \
                 wall: the instructor may have begun a new class"
            ),
            Refusal::Taken => write!(
                out,
                "the class board has this seat already, with another secret. Say `cargo workshop \
                 leave` and join again: then you get another seat"
            ),
            Refusal::Full => write!(
                out,
                "the class board has no seat left. Ask the instructor, who can start it with more \
                 (`--seats`)"
            ),
            Refusal::TooOften => write!(
                out,
                "the class board was asked too often from here in a short time. Wait for a \
                 minute, compare the code with the one on the wall, and try again"
            ),
            Refusal::Other(status) => write!(
                out,
                "the class board did not take it (status {status}). Show that to your instructor; \
                 your own work is not affected"
            ),
        }
    }
}
