//! Whether a wrong solution is noticed by the check that it names, and in words that
//! tell what was done wrong.
//!
//! What counts is what a learner reads first: of the checks that fail in their order the
//! one that is explained first must be the one named. A failure further down is read by
//! few, and a learner whom the first sent elsewhere does not mend it.

use super::Result;
use super::mistakes::Mistake;
use super::patch::Patch;
use checks::LEVELS;
use sandbox::cgroups::{self, Version};
use serde_json::Value;

/// What came of a wrong solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caught {
    /// The named check fails, and says what the patch says it does.
    Yes,
    /// The named check cannot be looked at on this machine.
    NotLookedAt(String),
    /// It is no mistake on this machine's version of control groups; on the other it is looked at.
    NoMistakeHere(String),
    /// Anything else, as a paragraph for people.
    No(String),
}

/// The level that a check belongs to.
pub fn level_of(check: &str) -> Option<u8> {
    let mut levels = LEVELS.iter();
    let level = levels.find(|level| level.checks.iter().any(|it| it.name == check))?;
    Some(level.number)
}

/// How much of what a learner has run is run for a wrong solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The checks of its own level, as the companion runs them first. If an earlier level's
    /// check is named, all of them nevertheless.
    Own,
    /// The checks of the levels of its part up to its own. What the part before has promised,
    /// is asked of the solutions.
    Part,
    /// The checks of all levels up to its own, as `cargo test` runs them.
    Whole,
}

impl Order {
    /// What `checks judge` is told, for a program that should have come as far as `level`.
    pub fn options(self, level: u8) -> Vec<String> {
        let words: &[&str] = match self {
            Order::Own => &["--alone"],
            Order::Part => &["--from", &first_of_part(level).to_string()],
            Order::Whole => &[],
        };
        words.iter().map(|it| (*it).to_owned()).collect()
    }
}

fn first_of_part(level: u8) -> u8 {
    let part = syllabus::level(level).map(|entry| entry.facts.part);
    let mut levels = syllabus::numbered();
    let first = levels.find(|entry| Some(entry.facts.part) == part);
    first.and_then(|entry| entry.number).unwrap_or_default()
}

/// Which of them for this one: `Part` takes up to ten times as long as `Own`, so a third of
/// them gets it, always the same ones until a maintainer edits them; and `Whole` if that is
/// asked for.
pub fn order(patch: &Patch, are_all_whole: bool) -> Order {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(patch.text.as_bytes());
    match hash.digest().bytes()[0].is_multiple_of(3) {
        _ if are_all_whole => Order::Whole,
        true => Order::Part,
        false => Order::Own,
    }
}

/// Asks `judge`, which is given options of `checks judge`, for the verdicts on the
/// mistake's program at its level, and looks whether they are what they should be.
pub fn look(
    mistake: &Mistake,
    order: Order,
    mut judge: impl FnMut(&[&str]) -> Result<Vec<Value>>,
) -> Result<Caught> {
    let on_v2 = match cgroups::version() {
        Some(Version::V2) => mistake.on_v2.as_ref(),
        _ => None,
    };
    if let Some(why) = &mistake.only_v2
        && cgroups::version() != Some(Version::V2)
    {
        return Ok(Caught::NoMistakeHere(why.clone()));
    }
    let (check, says) = match on_v2 {
        Some((check, says)) => (check, says),
        None => (&mistake.check, &mistake.says),
    };
    let level = level_of(check).ok_or_else(|| format!("no check is called {check:?}"))?;
    let own = mistake.patch.level;
    // A check of an earlier level has to be among those that are asked.
    let order = match order {
        Order::Own if level != own => Order::Part,
        order => order,
    };
    let order = match order {
        Order::Part if level < first_of_part(own) => Order::Whole,
        order => order,
    };
    let options = [vec!["--first".to_owned()], order.options(own)].concat();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let all = judge(&options)?;
    let named = all.iter().find(|it| it["name"] == check.as_str());
    if let Some(report) = named
        && report["verdict"] == "skip"
    {
        return Ok(Caught::NotLookedAt(text(report, "seen").to_owned()));
    }
    let mut found = match told_first(&all) {
        // A program that stops before its command fails every check that starts a
        // container. Which of them comes first is not its mistake's matter.
        Some(report)
            if failed(report)
                && (report["name"] == check.as_str() || report.get("stopped").is_some()) =>
        {
            wrong_words(mistake, says, level, report)
        }
        Some(report) => vec![format!("what a learner is told first is {report:#}")],
        None => vec!["no check failed".to_owned()],
    };
    for check in &mistake.also {
        for report in judge(&["--only", check])? {
            if !failed(&report) {
                found.push(format!(
                    "asked by itself, {check:?} did not fail: {report:#}"
                ));
            }
        }
    }
    if found.is_empty() {
        return Ok(Caught::Yes);
    }
    Ok(Caught::No(format!(
        "{}\n\"{}\"\nis not caught by {check:?} as it should be\n\n{}",
        mistake.patch.path.display(),
        mistake.mistake,
        found.join("\n\n")
    )))
}

/// The failure that is explained first: what may only be a consequence comes last.
fn told_first(all: &[Value]) -> Option<&Value> {
    let mut failures = all.iter().filter(|it| it["verdict"] == "fail");
    let first = failures.clone().find(|it| it.get("consequence").is_none());
    first.or_else(|| failures.next())
}

fn failed(report: &Value) -> bool {
    report["verdict"] == "fail" && report["sandbox"] != "broken"
}

fn text<'a>(report: &'a Value, key: &str) -> &'a str {
    report[key].as_str().unwrap_or_default()
}

/// What the failure of the right check, which is one of `level`, does not say.
fn wrong_words(mistake: &Mistake, says: &[String], level: u8, report: &Value) -> Vec<String> {
    let said = ["expected", "seen", "usually"].map(|key| text(report, key));
    let said = said.join("\n");
    let missing = says.iter().filter(|it| !said.contains(it.as_str()));
    let mut found: Vec<String> = missing
        .map(|says| format!("it does not say {says:?}: {report:#}"))
        .collect();
    let ran = text(report, "ran");
    let not_ran = mistake.ran.iter().filter(|it| !ran.contains(it.as_str()));
    found.extend(not_ran.map(|it| format!("what it shows as run is without {it:?}: {report:#}")));
    let step = text(report, "step");
    let is_of = |number: u8| step.starts_with(&format!("TODO({number:02}) "));
    // What a level changes of its host may be any step's matter.
    let is_change = report["changed"] == true;
    if !is_change && !is_of(mistake.patch.level) && !is_of(level) {
        found.push(format!(
            "it names the step {step:?}, which is not one of level {:02}: {report:#}",
            mistake.patch.level
        ));
    }
    found
}
