//! Two runs beside each other: the learner's and the reference's, and where they first differ.
//!
//! The calls of each are put side by side (`align.rs`), and what the kernel shows is compared
//! where both have come as far. As JSON:
//!
//! ```text
//! { "mine": RECORD, "reference": RECORD,                 see `record`; each with its files
//!   "pairs": [[0, 0], [null, 1], [1, 2], ...],           steps of either that go together
//!   "first": { "mine": 7, "reference": 8,                steps, or null
//!              "kind": "missing",                        see `first`
//!              "says": "At step 9 the reference ..." } } or null: no difference
//! ```
//!
//! A step stands in more than one pair if the other run has made several of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::align::Pair;
use crate::difference;
use crate::first::{First, Kind};
use crate::runs::Runs;
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

/// What the kernel shows where both have come as far, up to a line: the first look that is
/// not the same.
fn state(runs: &Runs, end: usize) -> Option<First> {
    let mut views: [BTreeMap<String, Value>; 2] = Default::default();
    let mut before: BTreeMap<String, Value> = BTreeMap::new();
    for line in &runs.lines[..end] {
        let &(Some(i), Some(j)) = line else { continue };
        let both = [&runs.mine[i], &runs.reference[j]];
        for (side, act) in both.iter().enumerate() {
            if act.is_last {
                lay(&runs.steps[side][act.step], &mut views[side]);
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
            let (mine, reference) = runs.steps_of(*line);
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
    let state = state(&runs, parting.unwrap_or(runs.lines.len()));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `p2 mount a b; p1 exit 0`, and what a step has changed behind a `|`.
    fn record(steps: &str, end: Value) -> Value {
        let mut all = vec![json!({
            "who": "p1", "call": "execve", "arguments": ["\"/level\""],
            "view": { "p1": {"hostname": "host"}, "p2": {"hostname": "host"} },
        })];
        for step in steps.split("; ") {
            let (call, view) = step.split_once(" | ").unwrap_or((step, "{}"));
            let mut words = call.split(' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (who, name) = (word(), word());
            let (name, error) = match name.strip_suffix('!') {
                Some(name) => (name.to_owned(), json!({"errno": "EPERM", "words": "no"})),
                None => (name, Value::Null),
            };
            let arguments: Vec<&str> = words.collect();
            all.push(json!({
                "who": who, "call": name, "arguments": arguments, "error": error,
                "view": serde_json::from_str::<Value>(view).unwrap_or_default(),
            }));
        }
        json!({ "argv": ["level"], "steps": all, "end": end, "files": {} })
    }

    fn first(mine: &str, reference: &str) -> (&'static str, String) {
        let status = json!({"status": 0});
        let (mine, reference) = (record(mine, status.clone()), record(reference, status));
        let first = compare(&mine, &reference).first;
        first.map_or(("none", String::new()), |it| (it.kind.word(), it.says))
    }

    const RUN: &str = "p1 clone 0; p2 mount a /a; p2 chdir /; p2 exit 0; p1 exit 0";

    #[test]
    fn equal_runs_do_not_differ_whatever_form_a_call_has() {
        assert_eq!(first(RUN, RUN).0, "none");
        assert_eq!(first(&RUN.replace("clone 0", "clone3 0"), RUN).0, "none");
    }

    #[test]
    fn a_call_is_missing_or_too_much() {
        let without = RUN.replace("; p2 chdir /", "");
        let (kind, says) = first(&without, RUN);
        let expected = "At step 4 the reference's p2 calls chdir(/). Yours does not; it exits with \
                        status 0 there.";
        assert_eq!((kind, says.as_str()), ("missing", expected));
        let (kind, says) = first(RUN, &without);
        let expected = "At step 4 your p2 calls chdir(/). The reference does not.";
        assert_eq!((kind, says.as_str()), ("extra", expected));
    }

    #[test]
    fn another_call_is_named_with_the_one_that_belongs_there() {
        let (kind, says) = first(&RUN.replace("chdir /", "chroot /"), RUN);
        let expected = "At step 4 the reference's p2 calls chdir(/); yours calls chroot(/) there.";
        assert_eq!((kind, says.as_str()), ("other", expected));
    }

    #[test]
    fn flags_are_compared_one_by_one() {
        let flags = |flags: &str| format!("p2 unshare {flags}; p1 exit 0");
        let (kind, says) = first(
            &flags("CLONE_NEWNS|CLONE_NEWPID"),
            &flags("CLONE_NEWNS|CLONE_NEWUTS"),
        );
        assert_eq!(kind, "arguments");
        assert!(
            says.ends_with("without CLONE_NEWUTS, with CLONE_NEWPID."),
            "{says}"
        );
        assert!(says.contains("with other flags"), "{says}");
    }

    #[test]
    fn the_order_and_the_process_count() {
        let swapped = RUN.replace("mount a /a; p2 chdir /", "chdir /; p2 mount a /a");
        let (kind, says) = first(&swapped, RUN);
        assert_eq!(kind, "order");
        assert!(says.contains("after") && says.contains("before"), "{says}");
        let (kind, says) = first(&RUN.replace("p2 mount", "p1 mount"), RUN);
        assert_eq!(kind, "process");
        assert!(says.contains("p2 calls mount(a, /a)"), "{says}");
        assert!(says.contains("in yours p1 does"), "{says}");
    }

    #[test]
    fn a_failure_is_no_success() {
        let (kind, says) = first(&RUN.replace("chdir", "chdir!"), RUN);
        assert_eq!(kind, "error");
        assert!(says.contains("in yours it fails: EPERM (no)"), "{says}");
        let (kind, says) = first(RUN, &RUN.replace("chdir", "chdir!"));
        assert_eq!(kind, "error");
        assert!(says.contains("fails in the reference (EPERM)"), "{says}");
    }

    #[test]
    fn another_state_is_told_where_it_is_first_seen() {
        let named = |name: &str| {
            RUN.replace(
                "chdir /",
                &format!("chdir / | {{\"p2\": {{\"hostname\": \"{name}\"}}}}"),
            )
        };
        let (kind, says) = first(&named("mine"), &named("theirs"));
        assert_eq!(kind, "state");
        let expected = "At step 4 both call chdir(/), and p2 is another afterwards: in the reference \
                        the hostname is theirs, in yours the hostname is mine.";
        assert_eq!(says, expected);
    }

    #[test]
    fn another_end_is_one() {
        let mine = record(RUN, json!({"signal": 9}));
        let reference = record(RUN, json!({"status": 0}));
        let says = compare(&mine, &reference).first.map(|it| it.says);
        let says = says.unwrap_or_default();
        assert!(says.contains("the reference exits with status 0"), "{says}");
        assert!(says.contains("yours is ended by SIGKILL"), "{says}");
    }

    #[test]
    fn what_is_made_in_a_loop_is_what_is_made_line_by_line() {
        let status = json!({"status": 0});
        let by_line = record("p2 mknod a; p2 mknod b; p2 mknod c", status.clone());
        let mut by_loop = record("p2 mknod a", status);
        by_loop["steps"][1]["times"] = 3.into();
        by_loop["steps"][1]["names"] = json!(["a", "b", "c"]);
        let each = ["a", "b", "c"].map(|it| json!(["mknodat", [it]]));
        by_loop["steps"][1]["each"] = json!(each);
        assert_eq!(compare(&by_line, &by_loop).first, None);
        let pairs = json(&by_line, &by_loop)["pairs"].clone();
        assert_eq!(pairs, json!([[0, 0], [1, 1], [2, 1], [3, 1]]));
        by_loop["steps"][1]["each"][1][1][0] = "x".into();
        let first = compare(&by_line, &by_loop).first;
        assert_eq!(
            first.map(|it| (it.mine, it.reference)),
            Some((Some(2), Some(1)))
        );
    }

    #[test]
    fn programs_and_ids_have_other_names_in_each_run() {
        let status = json!({"status": 0});
        let run = |program: &str, id: u8| {
            let steps = format!("p1 mkdir /c/container-{id}; p1 execve {program}");
            let mut run = record(&steps, status.clone());
            run["steps"][0]["arguments"] = json!([format!("{program:?}")]);
            run
        };
        let (mine, reference) = (run("/x/level04", 2), run("/y/reference-03", 1));
        assert_eq!(compare(&mine, &reference).first, None);
    }
}
