//! The findings as text, as wide as it is asked for, and as JSON.

use given::{printable, printable_lines};
use serde_json::{Value, json};

use super::finding::{Finding, LAST, State, Topic};
use super::verdict::{self, Stretch, Verdict};
use crate::screen::{BOLD, CODE, DIM, GREEN, RED, YELLOW, indent, paint, wrap};

/// Everything: the findings under their headings, then the verdict.
pub(super) fn text(findings: &[Finding], width: usize) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        text += &format!("{}\n", paint(BOLD, capital(topic.name())));
        for finding in findings.iter().filter(|it| it.topic == topic) {
            text += &one(finding, width);
        }
        text += "\n";
    }
    text + &verdict(findings, width)
}

fn one(finding: &Finding, width: usize) -> String {
    let mark = match finding.state {
        State::Fine => paint(GREEN, "ok"),
        State::Note => paint(YELLOW, "note"),
        State::InTheWay => paint(RED, "STOP"),
        State::NotKnown => paint(YELLOW, "?"),
    };
    let summary = set_in(&finding.summary, 7, width);
    let sign = match finding.state {
        State::Fine => 2,
        State::NotKnown => 1,
        State::Note | State::InTheWay => 4,
    };
    // The mark goes where the first line was set in.
    let mut text = format!("  {mark}{}", summary.get(2 + sign..).unwrap_or_default());
    for evidence in &finding.evidence {
        let lines = set_in(&format!("{}: {}", evidence.source, evidence.seen), 9, width);
        for line in lines.lines() {
            text += &format!("{}\n", paint(DIM, line));
        }
    }
    // What is in the way is told again, with what to do, in the verdict.
    if finding.state == State::Note {
        text += &what_to_do(finding, 7, width);
    }
    text
}

/// What is true of which levels, and what to do where it is not "ready".
fn verdict(findings: &[Finding], width: usize) -> String {
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
            text += &set_in(&finding.summary, 12, width);
            // The same remedy serves the later levels.
            if !told.contains(&finding.id.as_str()) {
                told.push(&finding.id);
                text += &what_to_do(finding, 12, width);
            }
        }
    }
    text
}

/// At most two lines: the levels that are not ready, and the first reason.
pub(super) fn short(findings: &[Finding], width: usize) -> Option<String> {
    let line = |stretch: &Stretch<'_>| {
        let reason = stretch.because.first()?;
        let line = format!("{}  {}", range(stretch), reason.summary);
        Some(wrap(&line, width).lines().next()?.to_owned())
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

fn what_to_do(finding: &Finding, columns: usize, width: usize) -> String {
    let mut text = finding
        .remedy
        .as_deref()
        .map(|words| set_in(words, columns + 3, width))
        .unwrap_or_default();
    if let Some(rest) = text.get(columns + 3..) {
        text = format!("{}-> {rest}", " ".repeat(columns));
    }
    // Not wrapped: the learner copies it.
    for command in &finding.commands {
        let command = paint(CODE, printable(command));
        text += &format!("{}   {command}\n", " ".repeat(columns));
    }
    text
}

/// "08 to 11".
pub(super) fn range(stretch: &Stretch<'_>) -> String {
    match (stretch.levels.start(), stretch.levels.end()) {
        (first, last) if first == last => format!("{first:02}"),
        (first, last) => format!("{first:02} to {last:02}"),
    }
}

/// A paragraph, each line of it set in. What was seen on a machine may be anything.
fn set_in(words: &str, columns: usize, width: usize) -> String {
    let words = printable_lines(words);
    indent(&wrap(&words, width.saturating_sub(columns)), columns) + "\n"
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// The same as JSON in text. That has a notation of its own for what a terminal obeys.
pub(super) fn json_text(findings: &[Finding]) -> String {
    let escaped = |letter: char| match letter {
        '\n' => letter.to_string(),
        _ if printable(letter) == letter.to_string() => letter.to_string(),
        _ => {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
    };
    format!("{:#}", json(findings))
        .chars()
        .map(escaped)
        .collect()
}

/// The shape that the help of `doctor` describes.
fn json(findings: &[Finding]) -> Value {
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
