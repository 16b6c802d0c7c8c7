//! A wrong solution is caught if what a learner reads first names what was done wrong.

use crate::fixture::Workshop;
use checks::LEVELS;
use curriculum::caught::{self, Caught, Order};
use curriculum::mistakes::Mistake;
use serde_json::{Value, json};
use std::path::Path;

const PATCH: &str = "checks/wrong/00/no-wait.patch";

/// A mistake that the second check of level 00 must notice.
fn mistake() -> Mistake {
    let workshop = Workshop::new();
    let check = LEVELS[0].checks[1].name;
    let header =
        format!("mistake: the parent does not wait\ncheck: {check}\nsays: waitpid is missing\n");
    workshop.write(PATCH, &header);
    Mistake::read(workshop.root(), Path::new(PATCH)).unwrap()
}

/// The report of a failure of level 00.
fn failure(check: usize, usually: &str) -> Value {
    json!({
        "level": 0, "name": LEVELS[0].checks[check].name, "verdict": "fail",
        "usually": usually, "step": "TODO(00) 3",
    })
}

fn with(mut report: Value, key: &str) -> Value {
    report[key] = json!(true);
    report
}

/// What comes of it if these are the reports.
fn look(reports: &[Value]) -> Caught {
    caught::look(&mistake(), Order::Own, |_| Ok(reports.to_vec())).unwrap()
}

fn is_not_caught(reports: &[Value], why: &str) {
    match look(reports) {
        Caught::No(told) => assert!(told.contains(why), "{told}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_named_check_must_be_told_first_in_its_words() {
    let (named, other) = (failure(1, "waitpid is missing"), failure(0, "something"));
    assert_eq!(look(&[named.clone(), other.clone()]), Caught::Yes);
    is_not_caught(&[other, named], "told first");
    is_not_caught(&[failure(1, "something")], "it does not say");
    is_not_caught(&[], "no check failed");
    let mut report = failure(1, "waitpid is missing");
    report["sandbox"] = json!("broken");
    is_not_caught(&[report], "told first");
}

#[test]
fn what_was_run_is_shown_with_its_options() {
    let mut mistake = mistake();
    mistake.ran = vec!["--user 5".to_owned()];
    let mut report = failure(1, "waitpid is missing");
    for (ran, is_caught) in [
        ("level00 run --user 5 true", true),
        ("level00 run true", false),
    ] {
        report["ran"] = json!(ran);
        let outcome = caught::look(&mistake, Order::Own, |_| Ok(vec![report.clone()])).unwrap();
        assert_eq!(outcome == Caught::Yes, is_caught, "{outcome:?}");
    }
}

#[test]
fn a_consequence_is_told_after_what_it_may_be_one_of() {
    let (named, other) = (failure(1, "waitpid is missing"), failure(0, "something"));
    let consequence = with(other, "consequence");
    assert_eq!(look(&[consequence.clone(), named]), Caught::Yes);
    is_not_caught(&[consequence], "told first");
}

#[test]
fn which_check_notices_that_the_program_stops_does_not_matter() {
    let stopped = |usually| with(with(failure(0, usually), "consequence"), "stopped");
    assert_eq!(look(&[stopped("waitpid is missing")]), Caught::Yes);
    is_not_caught(&[stopped("something")], "it does not say");
}

#[test]
fn the_step_must_be_one_of_the_level() {
    let mut report = failure(1, "waitpid is missing");
    report["step"] = json!("TODO(05) 1");
    is_not_caught(&[report], "TODO(05) 1");
}

#[test]
fn only_a_third_is_judged_by_its_whole_part_and_all_by_all_levels_if_asked_for() {
    let (mut mistake, mut whole) = (mistake(), 0);
    for number in 0..300 {
        mistake.patch.text = number.to_string();
        whole += usize::from(caught::order(&mistake.patch, false) == Order::Part);
        assert_eq!(caught::order(&mistake.patch, true), Order::Whole);
    }
    assert!((75..130).contains(&whole), "{whole} of 300");
}

#[test]
fn a_part_begins_with_its_first_level() {
    let options = |order: Order, level| order.options(level).join(" ");
    assert_eq!(options(Order::Part, 11), "--from 0");
    assert_eq!(options(Order::Part, 12), "--from 12");
    assert_eq!(options(Order::Part, 16), "--from 12");
    assert_eq!(options(Order::Own, 16), "--alone");
    assert_eq!(options(Order::Whole, 16), "");
}
