//! What all connections share.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

use crate::bucket::{Buckets, Limit, neighbour};
use crate::class::Class;
use crate::host::Names;
use crate::lessons::Lessons;
use crate::plan::Plan;
use crate::secret::Secret;
use crate::shown;

/// Questions from one address: sixty learners may sit behind one.
const OF_AN_ADDRESS: Limit = Limit {
    burst: 300.0,
    rate: 60.0,
};

/// Wrong codes and tokens from one address.
const WRONG: Limit = Limit {
    burst: 10.0,
    rate: 0.1,
};

/// A class, and who may see it.
pub(crate) struct Board {
    code: Secret,
    token: Secret,
    pub(crate) names: Names,
    class: Mutex<Class>,
    lessons: Lessons,
    plan: Option<Plan>,
    /// The addresses that learners are told.
    join: Mutex<Vec<String>>,
    began: Instant,
    questions: Mutex<Buckets<IpAddr>>,
    wrong: Mutex<Buckets<IpAddr>>,
    changed: watch::Sender<()>,
}

/// Who somebody is, by what they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// The class's code.
    Wall,
    /// The token.
    Instructor,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Wrong,
    /// Too many wrong ones have come from there.
    Slowed,
}

impl Board {
    pub(crate) fn new(
        code: Secret,
        token: Secret,
        names: Names,
        class: Class,
        lessons: Lessons,
        plan: Option<Plan>,
    ) -> Board {
        Board {
            code,
            token,
            names,
            class: Mutex::new(class),
            lessons,
            plan,
            join: Mutex::default(),
            began: Instant::now(),
            questions: Mutex::new(Buckets::new(OF_AN_ADDRESS)),
            wrong: Mutex::new(Buckets::new(WRONG)),
            changed: watch::Sender::new(()),
        }
    }

    /// The code as it is shown.
    pub(crate) fn code(&self) -> String {
        self.code.shown()
    }

    /// The token as it is printed.
    pub(crate) fn token(&self) -> String {
        self.token.shown()
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn class(&self) -> MutexGuard<'_, Class> {
        held(&self.class)
    }

    /// Everybody who looks is shown the class anew.
    pub(crate) fn changed(&self) {
        self.changed.send_replace(());
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn set_join(&self, addresses: Vec<String>) {
        *held(&self.join) = addresses;
        self.changed();
    }

    /// Whether one more question from there is answered.
    pub(crate) fn may_ask(&self, from: IpAddr) -> bool {
        held(&self.questions).take(neighbour(from), self.now())
    }

    /// Looks at something secret that was said. After too many wrong ones nobody is let in from
    /// there for a while, with a right one neither: else one could go on to guess.
    fn guessed<Answer>(
        &self,
        from: IpAddr,
        right: impl FnOnce() -> Option<Answer>,
    ) -> Result<Answer, Closed> {
        let (from, now) = (neighbour(from), self.now());
        let mut wrong = held(&self.wrong);
        if !wrong.has(&from, now) {
            return Err(Closed::Slowed);
        }
        right().ok_or_else(|| {
            wrong.take(from, now);
            Closed::Wrong
        })
    }

    /// Who may see what, by the code or the token.
    pub(crate) fn viewer(&self, from: IpAddr, said: &str) -> Result<Viewer, Closed> {
        self.guessed(from, || match () {
            () if self.token.is(said) => Some(Viewer::Instructor),
            () if self.code.is(&crate::secret::normal(said)) => Some(Viewer::Wall),
            () => None,
        })
    }

    /// Whether a message has the class's code. A seat that is known is let in also where others
    /// behind its address are guessing.
    pub(crate) fn is_ours(
        &self,
        from: IpAddr,
        message: &crate::message::Message,
    ) -> Result<(), Closed> {
        let is_right = self.code.is(&message.code);
        if is_right && self.class().knows(message) {
            return Ok(());
        }
        self.guessed(from, || is_right.then_some(()))
    }

    /// The class as a viewer sees it.
    pub(crate) fn shown(&self, viewer: Viewer) -> Value {
        let (class, join) = (self.class(), held(&self.join));
        let plan = self.plan.as_ref();
        match viewer {
            Viewer::Wall => shown::wall(&class, &self.lessons, plan, &join),
            Viewer::Instructor => shown::instructor(&class, &self.lessons, plan, &join, self.now()),
        }
    }
}

/// What is behind the lock. A question that has failed in the middle leaves nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    fn board() -> Board {
        let code = crate::secret::code("k7m2-9xqd").unwrap();
        let token = Secret::new_token().unwrap();
        let class = Class::new(9);
        Board::new(
            code,
            token,
            Names::default(),
            class,
            Lessons::default(),
            None,
        )
    }

    #[test]
    fn who_guesses_is_slowed_and_the_others_are_not() {
        let board = board();
        let (guesser, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        assert_eq!(board.viewer(guesser, "k7m2-9xqd"), Ok(Viewer::Wall));
        for _ in 0..10 {
            assert_eq!(board.viewer(guesser, "00000000"), Err(Closed::Wrong));
        }
        assert_eq!(board.viewer(guesser, "k7m2-9xqd"), Err(Closed::Slowed));
        assert_eq!(board.viewer(guesser, &board.token()), Err(Closed::Slowed));
        assert_eq!(board.viewer(other, &board.token()), Ok(Viewer::Instructor));
    }

    #[test]
    fn a_known_seat_behind_the_address_of_a_guesser_goes_on() {
        let board = board();
        let from = [10, 0, 0, 1].into();
        let text = include_bytes!("../tests/message.json");
        let message = crate::message::Message::parse(text).unwrap();
        assert_eq!(board.is_ours(from, &message), Ok(()));
        board.class().tell(message.clone(), board.now()).unwrap();
        for _ in 0..10 {
            let _ = board.viewer(from, "wrong");
        }
        assert_eq!(board.is_ours(from, &message), Ok(()));
        let mut stranger = message;
        stranger.secret = "another0another0".to_owned();
        assert_eq!(board.is_ours(from, &stranger), Err(Closed::Slowed));
    }
}
