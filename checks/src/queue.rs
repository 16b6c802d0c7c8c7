//! Several checks at once, told in their order.
//!
//! A check is judged when everything that it needs has been, and its report is given
//! when those of all checks before it have been. The learner reads what they would read
//! if one came after the other, only sooner.

use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::check::{Check, LevelChecks};
use crate::verdict::{Report, Verdict};

/// How many. Most of a check is waiting, for the kernel to take a sandbox apart above
/// all; so this is not the number of processors. More are hardly faster, and a level
/// that spins or fills its disk does it this many times at once.
const AT_ONCE: usize = 4;

type Chosen = (&'static LevelChecks, &'static Check);

struct Queue<'a, E> {
    chosen: &'a [Chosen],
    /// For each check the places of those it needs. One that was left out by a filter
    /// is neither true nor untrue: what needs it is run.
    needs: Vec<Vec<usize>>,
    state: Mutex<State<E>>,
    changed: Condvar,
}

struct State<E> {
    begun: Vec<bool>,
    verdicts: Vec<Option<Verdict>>,
    /// Not given yet: one before them is still missing.
    reports: Vec<Option<Report>>,
    given: usize,
    /// The reader has seen enough: nothing more is begun or given.
    is_over: bool,
    each: E,
}

/// Judges all checks of `chosen`, and gives each report to `each` in that order until it
/// breaks off.
pub(crate) fn judge_all(
    chosen: &[Chosen],
    judge: impl Fn(&'static LevelChecks, &'static Check) -> Report + Sync,
    each: impl FnMut(&'static LevelChecks, &'static Check, Report) -> ControlFlow<()> + Send,
) {
    let queue = Queue::new(chosen, each);
    let work = || queue.work(&judge);
    thread::scope(|scope| {
        for _ in 1..AT_ONCE {
            // Where there may be no more threads, those there are do all the work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}

impl<'a, E> Queue<'a, E>
where
    E: FnMut(&'static LevelChecks, &'static Check, Report) -> ControlFlow<()> + Send,
{
    fn new(chosen: &'a [Chosen], each: E) -> Self {
        let place = |name: &str| chosen.iter().position(|(_, check)| check.name == name);
        let needs = chosen.iter().enumerate().map(|(own, (level, check))| {
            let places = level.needs(check).filter_map(place);
            places.filter(|&place| place < own).collect()
        });
        let count = chosen.len();
        Queue {
            chosen,
            needs: needs.collect(),
            state: Mutex::new(State {
                begun: vec![false; count],
                verdicts: vec![None; count],
                reports: vec![None; count],
                given: 0,
                is_over: false,
                each,
            }),
            changed: Condvar::new(),
        }
    }

    fn work(&self, judge: impl Fn(&'static LevelChecks, &'static Check) -> Report) {
        while let Some((index, untrue)) = self.take() {
            let (level, check) = self.chosen[index];
            let report = match untrue {
                Some(needed) => Report::not_run(level, check, self.chosen[needed].1.name),
                None => judge(level, check),
            };
            self.done(index, report);
        }
    }

    /// The next check, and the first of what it needs that is not true. Waits while there
    /// is one that may not begin yet; none when all have begun.
    fn take(&self) -> Option<(usize, Option<usize>)> {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            let is_known = |place: &usize| state.verdicts[*place].is_some();
            let mut waiting = (0..self.chosen.len()).filter(|&index| !state.begun[index]);
            if let Some(index) = waiting
                .clone()
                .find(|&it| self.needs[it].iter().all(is_known))
            {
                state.begun[index] = true;
                let is_untrue = |place: &usize| {
                    let verdict = state.verdicts[*place];
                    matches!(verdict, Some(Verdict::Fail | Verdict::NotRun))
                };
                return Some((index, self.needs[index].iter().copied().find(is_untrue)));
            }
            waiting.next()?;
            state = (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, index: usize, report: Report) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.verdicts[index] = Some(report.verdict);
        state.reports[index] = Some(report);
        self.changed.notify_all();
        while !state.is_over
            && let Some(report) = state.reports.get_mut(state.given).and_then(Option::take)
        {
            let (level, check) = self.chosen[state.given];
            state.given += 1;
            state.is_over = (state.each)(level, check, report).is_break();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // No thread panics while it holds the lock; if one did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Failure;
    use std::sync::mpsc;
    use std::time::Duration;

    const fn check(name: &'static str, needs: &'static [&'static str]) -> Check {
        Check {
            name,
            step: 1,
            usually: "",
            needs,
            run: |_| Ok(()),
        }
    }

    const fn level(number: u8, checks: &'static [Check]) -> LevelChecks {
        LevelChecks {
            number,
            checks,
            calls: &[],
        }
    }

    static ONE: LevelChecks = level(1, &[check("it starts", &[]), check("it ends", &[])]);
    static TWO: LevelChecks = level(
        2,
        &[
            check("it sees", &[]),
            check("it hears", &["it ends"]),
            check("it speaks", &["it hears"]),
        ],
    );

    fn chosen() -> Vec<Chosen> {
        let levels = [&ONE, &TWO].into_iter();
        levels
            .flat_map(|level| level.checks.iter().map(move |check| (level, check)))
            .collect()
    }

    /// The names and verdicts that were given, in the order in which they were.
    fn given(
        judge: impl Fn(&'static LevelChecks, &'static Check) -> Report + Sync,
    ) -> Vec<(&'static str, Verdict)> {
        let mut given = Vec::new();
        judge_all(&chosen(), judge, |_, check, report| {
            given.push((check.name, report.verdict));
            ControlFlow::Continue(())
        });
        given
    }

    fn pass(level: &LevelChecks, check: &Check) -> Report {
        Report::from_outcome(level, check, Ok(()))
    }

    fn fail(level: &LevelChecks, check: &Check) -> Report {
        Report::from_outcome(level, check, Err(Failure::seen("nothing").into()))
    }

    #[test]
    fn reports_come_in_order_whichever_is_ready_first() {
        let (tell, hear) = mpsc::channel();
        let hear = Mutex::new(hear);
        let given = given(|level, check| match check.name {
            // The first is ready only after one that comes later.
            "it starts" => {
                let patience = Duration::from_secs(10);
                let is_told = hear
                    .lock()
                    .is_ok_and(|it| it.recv_timeout(patience).is_ok());
                if is_told {
                    pass(level, check)
                } else {
                    fail(level, check)
                }
            }
            "it sees" => {
                let _ = tell.send(());
                pass(level, check)
            }
            _ => pass(level, check),
        });
        let names = ["it starts", "it ends", "it sees", "it hears", "it speaks"];
        assert_eq!(given, names.map(|name| (name, Verdict::Pass)));
    }

    #[test]
    fn what_needs_something_untrue_is_not_judged() {
        let given = given(|level, check| match check.name {
            "it ends" => fail(level, check),
            _ => pass(level, check),
        });
        let expected = [
            ("it starts", Verdict::Pass),
            ("it ends", Verdict::Fail),
            ("it sees", Verdict::Pass),
            ("it hears", Verdict::NotRun),
            ("it speaks", Verdict::NotRun),
        ];
        assert_eq!(given, expected);
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_given_no_more() {
        let mut given = Vec::new();
        judge_all(&chosen(), pass, |_, check, _| {
            given.push(check.name);
            match check.name {
                "it ends" => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!(given, ["it starts", "it ends"]);
    }
}
