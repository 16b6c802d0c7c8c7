//! What an attendee sends to the instructor before the day: the machine in a few lines.
//!
//! Findings go by their names, which the instructor can look up: their evidence has paths in
//! it, and paths have names of people.

use given::printable;

use super::finding::{Finding, State};
use super::machine::Machine;
use super::verdict::{self, Verdict};
use crate::course::Course;
use crate::{Result, versions};

/// Marks at both ends, so that it is seen whether all of it was copied into the mail.
const BEGIN: &str = "---- rubber docker, from here ----";
const END: &str = "---- to here ----";

/// The block, with a newline at its end.
pub(super) fn block(machine: &Machine, findings: &[Finding]) -> Result<String> {
    let course = Course::find()?;
    let mut rows: Vec<(&str, String)> = versions::rows(&course).into();
    rows.push(("machine", size(machine)));
    rows.push(("built", built().to_owned()));
    rows.extend(found(findings));
    Ok(framed(&rows))
}

fn framed(rows: &[(&str, String)]) -> String {
    let lines = rows.iter().map(|(what, words)| {
        // In a mail a line is a line, whatever a machine calls itself.
        format!("{what:<10}{}\n", printable(words))
    });
    format!("{BEGIN}\n{}{END}\n", lines.collect::<String>())
}

/// Processors that we may use, and memory (proc_meminfo(5), in kB).
fn size(machine: &Machine) -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = machine.read("/proc/meminfo").and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    });
    let memory = memory.map_or("memory not known".to_owned(), |kilobytes| {
        format!("{} MB of memory", kilobytes / 1024)
    });
    let plural = if processors == 1 { "" } else { "s" };
    format!("{processors} processor{plural}, {memory}")
}

/// Whether the long wait is over: `rd` lies where this program does.
fn built() -> &'static str {
    let this = std::env::current_exe();
    match this.is_ok_and(|this| this.with_file_name("rd").exists()) {
        true => "rd",
        false => "rd not yet",
    }
}

/// What is told in words everywhere, the verdict, and whatever else was noticed.
fn found(findings: &[Finding]) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    for (what, id) in [
        ("room", "build-space"),
        ("groups", "cgroup-layout"),
        ("rootless", "user-namespaces"),
    ] {
        let finding = findings.iter().find(|it| it.id == id);
        rows.extend(finding.map(|it| (what, it.summary.clone())));
    }
    for stretch in verdict::stretches(findings) {
        let words = match stretch.verdict {
            Verdict::Ready => "ready",
            Verdict::NotReady => "not ready",
            Verdict::NotKnown => "not known",
        };
        let because: Vec<&str> = stretch.because.iter().map(|it| it.id.as_str()).collect();
        let because = match because.is_empty() {
            true => String::new(),
            false => format!(": {}", because.join(", ")),
        };
        let levels = super::show::range(&stretch);
        rows.push(("levels", format!("{levels} {words}{because}")));
    }
    let notes = findings.iter().filter(|it| it.state == State::Note);
    let notes: Vec<&str> = notes.map(|it| it.id.as_str()).collect();
    if !notes.is_empty() {
        rows.push(("noted", notes.join(", ")));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::finding::{LAST, Topic, none};
    use super::*;

    #[test]
    fn a_block_has_the_verdict_and_names_of_findings_and_no_evidence() {
        let kernel = |id: &str, state, levels, summary: &str| {
            Finding::new(Topic::Kernel, id, state, levels, summary)
                .seen("/home/alice/x", "alice's")
                .remedy("ask alice")
        };
        let findings = [
            kernel("cgroup-layout", State::Fine, none(), "version 2"),
            kernel("swap", State::Note, none(), "there is no swap"),
            kernel("cpu", State::InTheWay, 8..=LAST, "no cpu on /home/alice"),
            kernel("sudo", State::NotKnown, 1..=7, "sudo asks for a password"),
        ];
        let seen = framed(&found(&findings));
        let expected = format!(
            "{BEGIN}\n\
             groups    version 2\n\
             levels    00 ready\n\
             levels    01 to 07 not known: sudo\n\
             levels    08 to {LAST} not ready: cpu\n\
             noted     swap\n\
             {END}\n"
        );
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_a_machine_calls_itself_stays_on_its_line() {
        let rows = [("system", "A\nlevels    00 to 20 ready\x1b[31m".to_owned())];
        let seen = framed(&rows);
        assert_eq!(seen.lines().count(), 3, "{seen}");
        assert!(!seen.contains('\x1b'), "{seen}");
    }
}
