//! What all suites share: the levels, whose work each is, and how to skip.

use crate::judged::Judged;
use crate::second_look::SecondLooks;
use curriculum::Result;
use curriculum::levels::{self, Level};
use curriculum::lock::{Lock, State};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How a trial ends.
pub(crate) type Verdict = std::result::Result<Completion, Failed>;

/// All that is known before the first trial runs.
pub(crate) struct Course {
    pub(crate) root: PathBuf,
    pub(crate) levels: Vec<Level>,
    pub(crate) lock: Lock,
    /// Gone when the program ends.
    pub(crate) scratch: PathBuf,
    arguments: Arguments,
    states: Vec<State>,
    notices: Mutex<BTreeSet<String>>,
    second_looks: SecondLooks,
    pub(crate) judged: Judged,
}

impl Course {
    /// Lives as long as the program: trials run in threads.
    pub(crate) fn load(scratch: &Path, arguments: &Arguments) -> Result<&'static Course> {
        let root = levels::workspace_root()?;
        let levels = levels::discover(&root)?;
        let lock = Lock::read(&root)?;
        let states = levels
            .iter()
            .map(|level| lock.state(&root, level))
            .collect::<Result<Vec<State>>>()?;
        let notices = Mutex::new(BTreeSet::new());
        let judged = Judged::load(&root, &levels)?;
        Ok(Box::leak(Box::new(Course {
            root,
            levels,
            lock,
            scratch: scratch.to_owned(),
            arguments: arguments.clone(),
            states,
            notices,
            second_looks: SecondLooks::default(),
            judged,
        })))
    }

    /// Whether the trial of this name is one of those that were asked for.
    pub(crate) fn is_chosen(&self, trial: &str) -> bool {
        let matches = |filter: &String| match self.arguments.exact {
            true => trial == filter,
            false => trial.contains(filter.as_str()),
        };
        let Arguments { filter, skip, .. } = &self.arguments;
        filter.as_ref().is_none_or(matches) && !skip.iter().any(matches)
    }

    pub(crate) fn state(&self, index: usize) -> &State {
        &self.states[index]
    }

    pub(crate) fn is_learners(&self, index: usize) -> bool {
        matches!(self.states[index], State::Learner(_))
    }

    /// The levels that are not a learner's work.
    pub(crate) fn skeletons(&self) -> Vec<Level> {
        let indices = 0..self.levels.len();
        indices
            .filter(|&index| !self.is_learners(index))
            .map(|index| self.levels[index].clone())
            .collect()
    }

    /// One trial a level: `chain::level03`.
    pub(crate) fn each(
        &'static self,
        suite: &str,
        judge: fn(&'static Course, usize) -> Verdict,
    ) -> Vec<Trial> {
        let trial = |index: usize| {
            let name = format!("{suite}::{}", self.levels[index].package);
            Trial::ignorable_test(name, move || {
                self.unless_learners(&[index], || judge(self, index))
            })
        };
        (0..self.levels.len()).map(trial).collect()
    }

    /// Judges only what no learner has begun to solve.
    pub(crate) fn unless_learners(
        &self,
        indices: &[usize],
        judge: impl FnOnce() -> Verdict,
    ) -> Verdict {
        match indices.iter().find(|&&index| self.is_learners(index)) {
            Some(&index) => self.skip(format!(
                "{}: your work, not judged",
                self.levels[index].package
            )),
            None => judge(),
        }
    }

    /// What cannot be judged here is said once and counted; CI accepts no such thing.
    pub(crate) fn skip(&self, reason: String) -> Verdict {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            return Err(format!("{reason} (CI=true allows no such skip)").into());
        }
        self.notice(reason.clone());
        Ok(Completion::ignored_with(reason))
    }

    /// Judges, and once more if that failed, a few times in a run.
    pub(crate) fn with_second_look(&self, name: &str, judge: impl Fn() -> Verdict) -> Verdict {
        let tell = |text| self.notice(text);
        self.second_looks.judge(name, judge, tell)
    }

    pub(crate) fn notice(&self, notice: String) {
        if let Ok(mut notices) = self.notices.lock() {
            notices.insert(notice);
        }
    }

    pub(crate) fn print_notices(&self) {
        for notice in self
            .notices
            .lock()
            .iter()
            .flat_map(|notices| notices.iter())
        {
            println!("{notice}");
        }
    }
}

/// A failure that lists everything found, or success.
pub(crate) fn nothing_of(
    what: &str,
    found: impl IntoIterator<Item = impl std::fmt::Display>,
) -> Verdict {
    let found: Vec<String> = found.into_iter().map(|item| item.to_string()).collect();
    if found.is_empty() {
        return Ok(Completion::Completed);
    }
    Err(format!("{what}\n\n{}", found.join("\n\n")).into())
}
