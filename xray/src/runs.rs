//! Two runs, call by call, side by side.

use serde_json::Value;

use crate::act::{self, Act};
use crate::align::{self, Pair};

/// The two runs of a comparison, call by call.
pub(crate) struct Runs {
    pub(crate) mine: Vec<Act>,
    pub(crate) reference: Vec<Act>,
    pub(crate) lines: Vec<Pair>,
    pub(crate) steps: [Vec<Value>; 2],
}

impl Runs {
    pub(crate) fn of(mine: &Value, reference: &Value) -> Runs {
        let steps = [act::steps(mine), act::steps(reference)];
        let mine = act::acts(&steps[0], &mine["files"]);
        let reference = act::acts(&steps[1], &reference["files"]);
        let worth = |i: usize, j: usize| mine[i].worth(&reference[j]);
        let lines = align::align(mine.len(), reference.len(), worth);
        Runs {
            mine,
            reference,
            lines,
            steps,
        }
    }

    pub(crate) fn is_same(&self, pair: Pair) -> bool {
        match pair {
            (Some(i), Some(j)) => self.mine[i].is_like(&self.reference[j]),
            _ => false,
        }
    }

    /// The steps of a line.
    pub(crate) fn steps_of(&self, (i, j): Pair) -> Pair {
        (
            i.map(|i| self.mine[i].step),
            j.map(|j| self.reference[j].step),
        )
    }

    /// The line at which they part.
    pub(crate) fn parting(&self) -> Option<usize> {
        self.lines.iter().position(|it| !self.is_same(*it))
    }
}
