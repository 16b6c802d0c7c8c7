//! The seat in `.workshop/board/seat`: a text file that only the learner may read, since it
//! has the secret that proves the seat to be theirs.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use super::address::Address;
use super::state::State;
use crate::course::Course;
use crate::{Error, Result, progress};

const HEADER: &str = "\
# Your seat at the class board, for you alone: `cargo workshop leave` removes it.
";

/// A seat that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) board: Address,
    /// What the board calls it: drawn at random when it was taken, so that two copies of one
    /// machine have two of them.
    pub(crate) number: String,
    /// Proves that a message is from here.
    pub(crate) secret: String,
    pub(crate) name: Option<String>,
    pub(crate) hand: bool,
    pub(crate) state: State,
}

impl Seat {
    fn print(&self) -> String {
        let hand = if self.hand { "up" } else { "down" };
        let mut text = format!(
            "{HEADER}board {}\nseat {}\nsecret {}\nhand {hand}\nstate {}\n",
            self.board, self.number, self.secret, self.state
        );
        if let Some(name) = &self.name {
            text += &format!("name {name}\n");
        }
        text
    }

    fn parse(text: &str) -> Option<Seat> {
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
        };
        Some(Seat {
            board: Address::parse(value("board")?).ok()?,
            number: value("seat")?.to_owned(),
            secret: value("secret")?.to_owned(),
            name: value("name").map(str::to_owned),
            hand: value("hand")? == "up",
            state: State::parse(value("state")?)?,
        })
    }
}

/// Where all of it is.
pub(super) fn directory(course: &Course) -> PathBuf {
    course.root.join(progress::DIRECTORY).join("board")
}

fn path(course: &Course) -> PathBuf {
    directory(course).join("seat")
}

/// Whether there is a seat at all: that is all that others pay for this.
pub(crate) fn is_joined(course: &Course) -> bool {
    path(course).exists()
}

/// The seat of this checkout, if one was taken.
pub(crate) fn read(course: &Course) -> Result<Option<Seat>> {
    let path = path(course);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
    };
    match Seat::parse(&text) {
        Some(seat) => Ok(Some(seat)),
        None => Err(format!(
            "{} is not a seat as `join` writes it; remove the file and join again",
            path.display()
        )
        .into()),
    }
}

/// Keeps a seat.
pub(crate) fn write(course: &Course, seat: &Seat) -> Result<()> {
    progress::directory(course)?;
    let directory = directory(course);
    let made = fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(&directory);
    made.and_then(|()| progress::write_private(&path(course), seat.print().as_bytes()))
        .map_err(|error| format!("cannot keep the seat in {}: {error}", directory.display()).into())
}

/// Changes what is kept, and says what it is then. Another companion that is about to do the
/// same waits for a moment.
pub(crate) fn change(course: &Course, edit: impl FnOnce(&mut Seat)) -> Result<Option<Seat>> {
    if !is_joined(course) {
        return Ok(None);
    }
    let all = progress::directory(course)?;
    let _lock = lock(File::open(&all), FlockArg::LockExclusive)?;
    let Some(mut seat) = read(course)? else {
        return Ok(None);
    };
    let before = seat.clone();
    edit(&mut seat);
    if seat != before {
        write(course, &seat)?;
    }
    Ok(Some(seat))
}

/// What is said where a seat is needed and there is none.
pub(crate) fn not_joined() -> Error {
    "you have no seat at a class board. The instructor shows the address: `cargo workshop join \
     http://ADDRESS:PORT/CODE`"
        .into()
}

/// Nothing is sent as root.
pub(crate) fn refuse_root() -> Result<()> {
    match nix::unistd::geteuid().is_root() {
        false => Ok(()),
        true => Err(
            "root has no seat at a class board, and nothing is sent as root: what runs \
                     as root here is a level or its checks. Say it as the user who writes the \
                     code, without sudo"
                .into(),
        ),
    }
}

/// Nothing of the seat is left.
pub(crate) fn forget(course: &Course) -> Result<()> {
    let directory = directory(course);
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", directory.display()).into())
        }
        _ => Ok(()),
    }
}

/// Held while a message is on its way, by one process at a time: whoever sends next reads what
/// is kept then, and so the last message to arrive has the last state. `None` if it does not
/// become free in time.
pub(crate) fn sending(course: &Course, patience: Duration) -> Result<Option<Flock<File>>> {
    let begin = std::time::Instant::now();
    loop {
        let file = match File::open(directory(course)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file,
        };
        match lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(Some(lock)),
            // Nobody tells when a lock becomes free within a limit of time.
            Err(_) if begin.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => return Ok(None),
        }
    }
}

fn lock(file: io::Result<File>, how: FlockArg) -> Result<Flock<File>> {
    let file = file.map_err(|error| format!("cannot open {}: {error}", progress::DIRECTORY))?;
    Flock::lock(file, how).map_err(|(_, errno)| {
        format!("cannot lock {}: {}", progress::DIRECTORY, errno.desc()).into()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use crate::seat::state::Told;

    #[test]
    fn a_seat_is_a_few_lines_and_comes_back() {
        for name in [None, Some("Ann of the last row".to_owned())] {
            let seat = Seat {
                board: Address::parse("http://192.168.1.5:7070/k7m2-9xqd").unwrap(),
                number: "7kq2m9xd".to_owned(),
                secret: "s".repeat(26),
                name,
                hand: true,
                state: State {
                    level: "02".to_owned(),
                    told: Told::Fails,
                    steps: "pf".to_owned(),
                    failing: Some("02.2".to_owned()),
                },
            };
            assert_eq!(Seat::parse(&seat.print()), Some(seat.clone()));
            let torn = &seat.print()[..HEADER.len() + 20];
            assert_eq!(Seat::parse(torn), None);
        }
    }
}
