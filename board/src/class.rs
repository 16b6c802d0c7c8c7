//! The seats of a class, and what becomes of a message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bucket::{Bucket, Limit};
use crate::message::{Message, Told};
use crate::pace::Pace;
use crate::secret::same;

/// How often a seat may send: a learner who saves all the time, and not more.
const OF_A_SEAT: Limit = Limit {
    burst: 20.0,
    rate: 2.0,
};

/// A seat, as it was told last. Times are what has gone since the board began.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    secret: String,
    pub(crate) name: Option<String>,
    pub(crate) level: String,
    pub(crate) told: Told,
    pub(crate) steps: String,
    pub(crate) failing: Option<String>,
    /// Since when the hand is up.
    pub(crate) hand: Option<Duration>,
    /// Since when it fails at the same place.
    pub(crate) trouble: Option<Duration>,
    pub(crate) heard: Duration,
    /// When its present level was begun, in the time that the class has worked; if that is known.
    begun: Option<Duration>,
    /// The levels whose minutes are counted.
    counted: BTreeSet<String>,
    bucket: Bucket,
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The seat is somebody else's.
    Taken,
    Full,
    TooOften,
}

/// All seats.
#[derive(Debug)]
pub(crate) struct Class {
    seats: BTreeMap<String, Seat>,
    most: usize,
    pace: Pace,
}

impl Class {
    pub(crate) fn new(most: usize) -> Class {
        Class {
            seats: BTreeMap::new(),
            most,
            pace: Pace::default(),
        }
    }

    /// The seats, by their numbers.
    pub(crate) fn seats(&self) -> impl Iterator<Item = (&str, &Seat)> {
        self.seats
            .iter()
            .map(|(number, seat)| (number.as_str(), seat))
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Whether the message is from a seat that is known.
    pub(crate) fn knows(&self, message: &Message) -> bool {
        let seat = self.seats.get(&message.seat);
        seat.is_some_and(|seat| same(&seat.secret, &message.secret))
    }

    /// A seat has told its state. The code of the message has been looked at.
    pub(crate) fn tell(&mut self, message: Message, now: Duration) -> Result<(), Refused> {
        let is_full = self.seats.len() >= self.most;
        let seat = match self.seats.get_mut(&message.seat) {
            None if is_full => return Err(Refused::Full),
            Some(seat) if !same(&seat.secret, &message.secret) => return Err(Refused::Taken),
            Some(seat) => {
                if !seat.bucket.take(OF_A_SEAT, now) {
                    return Err(Refused::TooOften);
                }
                seat
            }
            None => self
                .seats
                .entry(message.seat.clone())
                .or_insert(Seat::new(&message, now)),
        };
        let worked = self.pace.heard(now);
        if let Some(time) = seat.told(message, now, worked) {
            self.pace.took(&seat.level, time);
        }
        Ok(())
    }

    /// A seat is given back.
    pub(crate) fn leave(&mut self, message: &Message) -> Result<(), Refused> {
        if !self.seats.contains_key(&message.seat) {
            return Ok(());
        }
        if !self.knows(message) {
            return Err(Refused::Taken);
        }
        self.seats.remove(&message.seat);
        Ok(())
    }
}

impl Seat {
    /// A seat before its first message was looked at.
    fn new(message: &Message, now: Duration) -> Seat {
        Seat {
            secret: message.secret.clone(),
            name: None,
            level: message.level.clone(),
            told: Told::Begun,
            steps: String::new(),
            failing: None,
            hand: None,
            trouble: None,
            heard: now,
            begun: None,
            counted: BTreeSet::new(),
            bucket: Bucket::new(OF_A_SEAT, now),
        }
    }

    /// Takes over a message; how long the level has taken if it is done now, and if that is
    /// known: only where the seat was here from its beginning on.
    fn told(&mut self, message: Message, now: Duration, worked: Duration) -> Option<Duration> {
        let is_elsewhere = message.level != self.level;
        if is_elsewhere && self.told != Told::Done {
            self.begun = None; // the learner has skipped something
        }
        if message.told == Told::Begun {
            self.begun = self.begun.or(Some(worked));
        }
        let is_same = !is_elsewhere && message.told == self.told && message.failing == self.failing;
        self.trouble = match message.told {
            Told::Fails | Told::NotBuilt if is_same => self.trouble.or(Some(now)),
            Told::Fails | Told::NotBuilt => Some(now),
            Told::Begun | Told::Done => None,
        };
        self.hand = match message.hand {
            true => self.hand.or(Some(now)),
            false => None,
        };
        self.name = message.name;
        self.level = message.level;
        self.told = message.told;
        self.steps = message.steps;
        self.failing = message.failing;
        self.heard = now;
        if self.told != Told::Done {
            return None;
        }
        // The next level begins where this one ends.
        let begun = self.begun.replace(worked);
        let is_first = self.counted.insert(self.level.clone());
        begun
            .filter(|_| is_first)
            .map(|begun| worked.saturating_sub(begun))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    fn at(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn message(seat: &str, level: &str, told: Told) -> Message {
        Message {
            code: "k7m29xqd".to_owned(),
            seat: seat.to_owned(),
            secret: format!("secret-of-{seat}"),
            name: None,
            hand: false,
            level: level.to_owned(),
            told,
            steps: String::new(),
            failing: (told == Told::Fails).then(|| format!("{level}.1")),
        }
    }

    fn seat<'a>(class: &'a Class, number: &str) -> &'a Seat {
        &class.seats[number]
    }

    #[test]
    fn trouble_begins_again_where_something_else_fails() {
        let mut class = Class::new(9);
        class.tell(message("a", "02", Told::Fails), at(1)).unwrap();
        class.tell(message("a", "02", Told::Fails), at(5)).unwrap();
        assert_eq!(seat(&class, "a").trouble, Some(at(1)));
        let mut next = message("a", "02", Told::Fails);
        next.failing = Some("02.2".to_owned());
        class.tell(next, at(6)).unwrap();
        assert_eq!(seat(&class, "a").trouble, Some(at(6)));
        class
            .tell(message("a", "02", Told::NotBuilt), at(7))
            .unwrap();
        assert_eq!(seat(&class, "a").trouble, Some(at(7)));
        class.tell(message("a", "02", Told::Done), at(8)).unwrap();
        assert_eq!(seat(&class, "a").trouble, None);
    }

    #[test]
    fn a_hand_is_up_from_when_it_was_raised() {
        let mut class = Class::new(9);
        let up = Message {
            hand: true,
            ..message("a", "02", Told::Begun)
        };
        class.tell(up.clone(), at(3)).unwrap();
        class.tell(up, at(4)).unwrap();
        assert_eq!(seat(&class, "a").hand, Some(at(3)));
        class.tell(message("a", "02", Told::Begun), at(5)).unwrap();
        assert_eq!(seat(&class, "a").hand, None);
    }

    #[test]
    fn a_seat_is_its_owners() {
        let mut class = Class::new(9);
        class.tell(message("a", "02", Told::Begun), at(0)).unwrap();
        let thief = Message {
            secret: "another".to_owned(),
            ..message("a", "05", Told::Done)
        };
        assert!(!class.knows(&thief));
        assert_eq!(class.leave(&thief), Err(Refused::Taken));
        assert_eq!(class.tell(thief, at(0)), Err(Refused::Taken));
        assert_eq!(seat(&class, "a").level, "02");
        assert_eq!(class.leave(&message("a", "02", Told::Begun)), Ok(()));
        assert_eq!(class.leave(&message("a", "02", Told::Begun)), Ok(()));
        assert_eq!(class.seats().count(), 0);
    }

    #[test]
    fn there_are_so_many_seats_and_each_sends_so_often() {
        let mut class = Class::new(2);
        for number in ["a", "b"] {
            class
                .tell(message(number, "02", Told::Begun), at(0))
                .unwrap();
        }
        let third = message("c", "02", Told::Begun);
        assert_eq!(class.tell(third.clone(), at(0)), Err(Refused::Full));
        let flood = (0..100).filter(|_| class.tell(message("a", "02", Told::Begun), at(0)).is_ok());
        assert_eq!(flood.count(), 20);
        assert_eq!(class.tell(message("b", "03", Told::Begun), at(0)), Ok(()));
        class.leave(&message("b", "02", Told::Begun)).unwrap();
        assert_eq!(class.tell(third, at(0)), Ok(()));
    }

    #[test]
    fn minutes_count_from_a_beginning_that_is_known() {
        let mut class = Class::new(9);
        // From the beginning of 00 on; 02 was skipped, and is not counted, nor is 03.
        let way = [
            (0, "00", Told::Begun),
            (4, "00", Told::Fails),
            (8, "00", Told::Done),
            (9, "00", Told::Done),
            (14, "01", Told::Fails),
            (19, "01", Told::Done),
            (20, "02", Told::Fails),
            (22, "03", Told::Fails),
            (25, "03", Told::Done),
            (29, "04", Told::Done),
        ];
        for (minute, level, told) in way {
            class.tell(message("a", level, told), at(minute)).unwrap();
        }
        // Who joins in the middle, as everybody does after a restart.
        class.tell(message("b", "00", Told::Fails), at(29)).unwrap();
        class.tell(message("b", "00", Told::Done), at(30)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("minutes");
        class.pace().add_to(&file).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        // 01 began when 00 was checked the last time.
        assert_eq!(lines, ["00 8", "01 10", "04 4"]);
    }
}
