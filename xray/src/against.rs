//! Two runs beside each other: the learner's and the reference's, and where they first differ.
//!
//! The calls of each are put side by side by `align.rs`, and what the kernel shows
//! is compared where both have come as far. As JSON:
//!
//! ```text
//! { "mine": RECORD, "reference": RECORD,                 see `record`; each with its files
//!   "pairs": [[0, 0], [null, 1], [1, 2], ...],           steps of either that go together
//!   "first": { "mine": 7, "reference": 8,                steps, or null
//!              "kind": "missing",                        see `Kind`
//!              "says": "At step 9 the reference ..." } } or null: no difference
//! ```
//!
//! A step stands in more than one pair if the other run has made several of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::act::{self, Act};
use crate::align::{self, Pair};
use crate::difference;
use crate::sentence;

/// Both runs, and what was found.
pub struct Against<'a> {
    pub(crate) mine: &'a Value,
    pub(crate) reference: &'a Value,
    /// Steps that go together.
    pub(crate) pairs: Vec<Pair>,
    /// Whether the calls of a pair are the same.
    pub(crate) are_same: Vec<bool>,
    /// Where the runs part.
    pub first: Option<First>,
}

/// Where two runs first differ.
#[derive(Debug, PartialEq, Eq)]
pub struct First {
    /// The step of my run.
    pub mine: Option<usize>,
    /// The step of the reference's.
    pub reference: Option<usize>,
    /// In which way.
    pub kind: Kind,
    /// In a sentence.
    pub says: String,
}

/// In which way two runs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reference makes a call, and mine does not.
    Missing,
    /// Mine makes a call, and the reference does not.
    Extra,
    /// Each makes another one.
    Other,
    /// Both make it, at another time.
    Order,
    /// Both make it, and another process.
    Process,
    /// With other arguments.
    Arguments,
    /// It succeeds in one, and fails in the other; or fails otherwise.
    Error,
    /// The kernel shows something else afterwards.
    State,
    /// All steps are the same, and the end is not.
    End,
}

impl Kind {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Extra => "extra",
            Kind::Other => "other",
            Kind::Order => "order",
            Kind::Process => "process",
            Kind::Arguments => "arguments",
            Kind::Error => "error",
            Kind::State => "state",
            Kind::End => "end",
        }
    }
}

/// The two runs of a comparison, call by call.
pub(crate) struct Runs {
    pub(crate) mine: Vec<Act>,
    pub(crate) reference: Vec<Act>,
    pub(crate) lines: Vec<Pair>,
    pub(crate) steps: [Vec<Value>; 2],
}

impl Runs {
    fn of(mine: &Value, reference: &Value) -> Runs {
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

    fn is_same(&self, pair: Pair) -> bool {
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
    fn parting(&self) -> Option<usize> {
        self.lines.iter().position(|it| !self.is_same(*it))
    }

    /// What the kernel shows where both have come as far, up to a line: the first look that is
    /// not the same.
    fn state(&self, end: usize) -> Option<First> {
        let mut views: [BTreeMap<String, Value>; 2] = Default::default();
        let mut before: BTreeMap<String, Value> = BTreeMap::new();
        for line in &self.lines[..end] {
            let &(Some(i), Some(j)) = line else { continue };
            let both = [&self.mine[i], &self.reference[j]];
            for (side, act) in both.iter().enumerate() {
                if act.is_last {
                    lay(&self.steps[side][act.step], &mut views[side]);
                }
            }
            if both.iter().any(|it| !it.is_last) {
                continue;
            }
            let with_descriptors = both[0].kind() == "execve" && both[0].error.is_empty() && i > 0;
            let names: Vec<&String> = views[1].keys().chain(views[0].keys()).collect();
            for name in names {
                let seen = [0, 1].map(|side| {
                    let view = views[side].get(name).cloned().unwrap_or_default();
                    shown(view, with_descriptors)
                });
                if seen[0] == seen[1] {
                    continue;
                }
                let earlier = before.get(name).cloned().unwrap_or_default();
                let earlier = shown(earlier, with_descriptors);
                let (mine, reference) = self.steps_of(*line);
                return Some(First {
                    mine,
                    reference,
                    kind: Kind::State,
                    says: sentence::state(both, name, &earlier, [&seen[0], &seen[1]]),
                });
            }
            before.clone_from(&views[1]);
        }
        None
    }
}

/// What of a view is compared. Which descriptors are open counts when another program gets
/// them, and not what they lead to: the two runs have other standard streams.
fn shown(mut view: Value, with_descriptors: bool) -> Value {
    let Some(rows) = view.as_object_mut() else {
        return view;
    };
    let open = rows.remove("descriptors");
    if let (true, Some(Value::Object(open))) = (with_descriptors, open) {
        let open = open.into_iter().map(|(number, _)| (number, "open".into()));
        rows.insert("descriptors".to_owned(), Value::Object(open.collect()));
    }
    view
}

fn lay(step: &Value, views: &mut BTreeMap<String, Value>) {
    if let (Some(who), Some(born)) = (step["who"].as_str(), step["born"].as_str()) {
        let copy = views.get(who).cloned().unwrap_or_default();
        views.insert(born.to_owned(), copy);
    }
    for (name, patch) in step["view"].as_object().into_iter().flatten() {
        difference::lay(patch, views.entry(name.clone()).or_default());
    }
}

/// Compares two records, which have been read with their files.
pub fn compare<'a>(mine: &'a Value, reference: &'a Value) -> Against<'a> {
    let runs = Runs::of(mine, reference);
    let parting = runs.parting();
    let state = runs.state(parting.unwrap_or(runs.lines.len()));
    let first = state
        .or_else(|| parting.map(|at| sentence::parting(&runs, at, &mine["end"])))
        .or_else(|| sentence::end(&mine["end"], &reference["end"]));
    let mut pairs: Vec<Pair> = Vec::new();
    let mut are_same = Vec::new();
    for line in &runs.lines {
        let pair = runs.steps_of(*line);
        let is_same = runs.is_same(*line);
        match are_same.last_mut() {
            Some(all) if pairs.last() == Some(&pair) => *all = *all && is_same,
            _ => {
                pairs.push(pair);
                are_same.push(is_same);
            }
        }
    }
    Against {
        mine,
        reference,
        pairs,
        are_same,
        first,
    }
}

/// For other programs.
pub fn json(mine: &Value, reference: &Value) -> Value {
    let against = compare(mine, reference);
    let first = against.first.map(|first| {
        json!({
            "mine": first.mine,
            "reference": first.reference,
            "kind": first.kind.word(),
            "says": first.says,
        })
    });
    let pairs: Vec<Value> = against.pairs.iter().map(|it| json!([it.0, it.1])).collect();
    json!({ "mine": mine, "reference": reference, "pairs": pairs, "first": first })
}
