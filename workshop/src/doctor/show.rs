//! The findings as text of 80 columns, and as JSON.

use serde_json::{Value, json};

use super::finding::{Finding, LAST, State, Topic};
use super::verdict::{self, Stretch, Verdict};
use crate::screen::{BOLD, CODE, DIM, GREEN, RED, WIDTH, YELLOW, indent, paint, wrap};

/// Everything: the findings under their headings, then the verdict.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        text += &format!("{}\n", paint(BOLD, capital(topic.name())));
        for finding in findings.iter().filter(|it| it.topic == topic) {
            text += &one(finding);
        }
        text += "\n";
    }
    text + &verdict(findings)
}

fn one(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Fine => paint(GREEN, "ok"),
        State::Note => paint(YELLOW, "note"),
        State::InTheWay => paint(RED, "STOP"),
        State::NotKnown => paint(YELLOW, "?"),
    };
    let summary = set_in(&finding.summary, 7);
    let width = match finding.state {
        State::Fine => 2,
        State::NotKnown => 1,
        State::Note | State::InTheWay => 4,
    };
    // The mark goes where the first line was set in.
    let mut text = format!("  {mark}{}", summary.get(2 + width..).unwrap_or_default());
    for evidence in &finding.evidence {
        let lines = set_in(&format!("{}: {}", evidence.source, evidence.seen), 9);
        for line in lines.lines() {
            text += &format!("{}\n", paint(DIM, line));
        }
    }
    // What is in the way is told again, with what to do, in the verdict.
    if finding.state == State::Note {
        text += &what_to_do(finding, 7);
    }
    text
}

/// What is true of which levels, and what to do where it is not "ready".
fn verdict(findings: &[Finding]) -> String {
    let mut text = format!("{}\n", paint(BOLD, "Verdict"));
    let mut told: Vec<&str> = Vec::new();
    for stretch in verdict::stretches(findings) {
        let words = match stretch.verdict {
            Verdict::Ready => paint(GREEN, "ready"),
            Verdict::NotReady => paint(RED, "not ready"),
            Verdict::NotKnown => paint(YELLOW, "not known"),
        };
        text += &format!("  {:<10}{words}\n", range(&stretch));
        for finding in stretch.because {
            text += &set_in(&finding.summary, 12);
            // The same remedy serves the later levels.
            if !told.contains(&finding.id.as_str()) {
                told.push(&finding.id);
                text += &what_to_do(finding, 12);
            }
        }
    }
    text
}

/// At most two lines: the levels that are not ready, and the first reason.
pub(super) fn short(findings: &[Finding]) -> Option<String> {
    let line = |stretch: &Stretch<'_>| {
        let reason = stretch.because.first()?;
        let line = format!("{}  {}", range(stretch), reason.summary);
        Some(wrap(&line, WIDTH).lines().next()?.to_owned())
    };
    let is_lacking = |stretch: &&Stretch<'_>| stretch.verdict != Verdict::Ready;
    let stretches = verdict::stretches(findings);
    let lines: Vec<String> = stretches
        .iter()
        .filter(is_lacking)
        .filter_map(line)
        .take(2)
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn what_to_do(finding: &Finding, columns: usize) -> String {
    let mut text = finding
        .remedy
        .as_deref()
        .map(|words| set_in(words, columns + 3))
        .unwrap_or_default();
    if let Some(rest) = text.get(columns + 3..) {
        text = format!("{}-> {rest}", " ".repeat(columns));
    }
    // Not wrapped: somebody will copy it.
    for command in &finding.commands {
        text += &format!("{}   {}\n", " ".repeat(columns), paint(CODE, command));
    }
    text
}

/// "08 to 11".
fn range(stretch: &Stretch<'_>) -> String {
    match (stretch.levels.start(), stretch.levels.end()) {
        (first, last) if first == last => format!("{first:02}"),
        (first, last) => format!("{first:02} to {last:02}"),
    }
}

/// A paragraph, each line of it set in.
fn set_in(words: &str, columns: usize) -> String {
    indent(&wrap(words, WIDTH - columns), columns) + "\n"
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The shape that the help of `doctor` describes.
pub(super) fn json(findings: &[Finding]) -> Value {
    let levels: Vec<Value> = (0..=LAST)
        .map(|level| {
            let (verdict, because) = verdict::of(level, findings);
            let verdict = match verdict {
                Verdict::Ready => "ready",
                Verdict::NotReady => "not-ready",
                Verdict::NotKnown => "not-known",
            };
            let because: Vec<&str> = because.iter().map(|it| it.id.as_str()).collect();
            json!({ "level": format!("{level:02}"), "verdict": verdict, "because": because })
        })
        .collect();
    json!({
        "format": 1,
        "ready": verdict::all_ready(findings),
        "levels": levels,
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Value {
    let state = match finding.state {
        State::Fine => "ok",
        State::Note => "note",
        State::InTheWay => "in-the-way",
        State::NotKnown => "not-known",
    };
    let evidence = finding
        .evidence
        .iter()
        .map(|it| json!({ "source": it.source, "seen": it.seen }));
    let levels = finding.levels.clone().map(|level| format!("{level:02}"));
    json!({
        "id": finding.id,
        "topic": finding.topic.name(),
        "state": state,
        "summary": finding.summary,
        "evidence": evidence.collect::<Vec<_>>(),
        "remedy": finding.remedy,
        "commands": finding.commands,
        "levels": levels.collect::<Vec<_>>(),
    })
}
