//! Whether a wrong solution is noticed by the check that it names, and in words that
//! tell what was done wrong.

use super::Result;
use super::mistakes::Mistake;
use crate::LEVELS;
use crate::cgroups::{self, Version};
use serde_json::Value;

/// What came of a wrong solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caught {
    /// The named check fails, and says what the patch says it does.
    Yes,
    /// The named check cannot be looked at on this machine.
    NotLookedAt(String),
    /// Anything else, as a paragraph for people.
    No(String),
}

/// The level that a check belongs to.
pub fn level_of(check: &str) -> Option<u8> {
    let mut levels = LEVELS.iter();
    let level = levels.find(|level| level.checks.iter().any(|it| it.name == check))?;
    Some(level.number)
}

/// Asks `judge`, which is given options of `checks judge`, for the verdicts on the
/// mistake's program at its level, and looks whether they are what they should be.
pub fn look(
    mistake: &Mistake,
    mut judge: impl FnMut(&[&str]) -> Result<Vec<Value>>,
) -> Result<Caught> {
    let on_v2 = match cgroups::version() {
        Some(Version::V2) => mistake.on_v2.as_ref(),
        _ => None,
    };
    let (check, says) = match on_v2 {
        Some((check, says)) => (check, says),
        None => (&mistake.check, &mistake.says),
    };
    let level = level_of(check).ok_or_else(|| format!("no check is called {check:?}"))?;
    // A level's own checks are enough, unless an earlier one's is to notice.
    let alone = &["--alone"][usize::from(level != mistake.level)..];
    let all = judge(alone)?;
    let report = all.iter().find(|it| it["name"] == check.as_str());
    let report = report.ok_or_else(|| format!("nobody has run the check {check:?}"))?;
    if report["verdict"] == "skip" {
        return Ok(Caught::NotLookedAt(text(report, "seen").to_owned()));
    }
    let mut found = Vec::new();
    if failed(report) {
        found.extend(wrong_words(mistake, says, level, report));
    } else {
        found.push(format!("the check did not fail: {report:#}"));
        let others = all.iter().filter(|it| it["verdict"] == "fail");
        found.extend(others.map(|it| format!("what failed is {it:#}")));
    }
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
        mistake.path.display(),
        mistake.mistake,
        found.join("\n\n")
    )))
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
    let step = text(report, "step");
    let is_of = |number: u8| step.starts_with(&format!("TODO({number:02}) "));
    if !is_of(mistake.level) && !is_of(level) {
        found.push(format!(
            "it names the step {step:?}, which is not one of level {:02}: {report:#}",
            mistake.level
        ));
    }
    found
}
