//! What a check has run, as a learner can have it run again: the words behind `--` of
//! `cargo workshop trace` and of `xray`.
//!
//! A check's own command waits in the container to be looked at, in an image that the machine
//! does not have. What is wrong, the level has done before: so `true` is as good, with the
//! options that the check gives to the level.

use crate::host::SHELL;
use crate::names;
use crate::run_check::NOT_FINISHED;
use crate::verdict::{Fault, Report, Verdict};

/// A run, to be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Options and command, as a shell takes them.
    pub words: String,
    /// Whether the level has stopped at a call that failed. Otherwise all its calls have done
    /// what they were told to, and that was not the right thing.
    pub has_stopped: bool,
}

/// The run that the first explained failure is about; `None` if there is no failure, or if its
/// calls would say nothing about it.
pub fn again<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Option<Again> {
    let failed = reports.into_iter();
    let mut failed: Vec<&Report> = failed.filter(|it| it.verdict == Verdict::Fail).collect();
    // A stable sort: as they are explained.
    failed.sort_by_key(|report| report.is_consequence());
    let report = failed.first()?;
    let seen = report.seen.as_deref().unwrap_or_default();
    // The sandbox says nothing about the level; and what never ends would not end here either.
    if report.fault == Fault::Sandbox || seen.starts_with(NOT_FINISHED) {
        return None;
    }
    let words = words(report.ran.as_deref()?)?;
    let words: Vec<String> = words.iter().map(|word| given::shell_word(word)).collect();
    Some(Again {
        words: words.join(" "),
        has_stopped: report.fault == Fault::Stopped,
    })
}

/// The options and the command of `level05 run -i test --option -- command`. `None` if more
/// than that belongs to the run, such as an ignored signal, or an image that no machine has.
fn words(ran: &str) -> Option<Vec<String>> {
    let (program, ran) = ran.split_once(" run ")?;
    let is_program = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !program.chars().all(is_program) {
        return None;
    }
    let mut words = split(ran)?;
    let end = words.iter().position(|word| word == "--")?;
    let mut command = words.split_off(end);
    command.remove(0);
    if words.first().is_some_and(|word| word == "-i") {
        if words.get(1)? != names::usual_image() {
            return None;
        }
        words.drain(..2);
    }
    let waits = command.first()? == names::usual_program()
        || command == SHELL
        || command.iter().any(|word| word.contains("read "));
    if waits {
        command = vec!["true".to_owned()];
    }
    words.extend(command);
    Some(words)
}

/// The words of a line in which some stand as Rust shows them. `None` if it is not one line of
/// whole words.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let word = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted_end(quoted)?;
                let word = unescaped(&quoted[..end])?;
                rest = &quoted[end + 1..];
                word
            }
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                let word = &rest[..end];
                rest = &rest[end..];
                // A redirection, or the end of a first run of several.
                if !word.chars().all(given::is_plain_to_a_shell) || word.ends_with(',') {
                    return None;
                }
                word.to_owned()
            }
        };
        // Shortened; or there were several runs; or it goes on behind a quote.
        let is_whole = rest.is_empty() || rest.starts_with(' ');
        if !is_whole || word.ends_with("...") {
            return None;
        }
        words.push(word);
        rest = rest.trim_start();
    }
    Some(words)
}

fn quoted_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|letter| {
        let is_end = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    })
}

/// `None` for what cannot be typed: a control character, or a byte that is no text.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => letters.next().filter(|it| "\"\\'".contains(*it))?,
            letter => letter,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Failure;
    use crate::levels::LEVELS;

    fn shown(ran: &str) -> Option<String> {
        let failed = failed(Failure::seen("nothing").ran(ran));
        again([&failed]).map(|it| it.words)
    }

    fn failed(failure: Failure) -> Report {
        Report::from_outcome(&LEVELS[5], &LEVELS[5].checks[0], Err(failure.into()))
    }

    #[test]
    fn the_levels_options_stay_and_what_waits_does_not() {
        for (ran, words) in [
            ("level05 run -i test -- probe hold", "true"),
            ("level00 run -- probe hold", "true"),
            (
                r#"level03 run -i test -- sh -c "echo ready; read line""#,
                "true",
            ),
            (
                "level09 run -i test --memory 20m -- probe hold",
                "--memory 20m true",
            ),
            (r#"level00 run -- sh -c "kill -9 $$""#, "sh -c 'kill -9 $$'"),
            (
                r#"level00 run -- sh -c "echo \"it's\"""#,
                r#"sh -c 'echo "it'\''s"'"#,
            ),
            ("level05 run -i test -- hostname", "hostname"),
        ] {
            assert_eq!(shown(ran).as_deref(), Some(words), "{ran}");
        }
    }

    #[test]
    fn what_cannot_be_repeated_is_not_offered() {
        for ran in [
            "trap '' 13; level00 run -- true",
            "umask 077; level01 run -i test -- true",
            r#"PATH="/nowhere" level05 run -i test -- true"#,
            "level01 run -i odd -- true",
            "level01 run -i test -- true 2>>errors",
            "level01 run -i test -- true, and level01 run -i test -- true",
            r#"level00 run -- printf "\xff""#,
            r#"level00 run -- echo "aaaa..."#,
            "level00 run -- echo ... (4 more)",
            "level05",
        ] {
            assert_eq!(shown(ran), None, "{ran}");
        }
        let hangs = failed(Failure::seen(format!("{NOT_FINISHED} 10 s")).ran("a run -- true"));
        assert_eq!(again([&hangs]), None);
        let broken = Report::broken(&LEVELS[5], &LEVELS[5].checks[0], "no room");
        assert_eq!(again([&broken]), None);
        assert_eq!(again([]), None);
    }

    #[test]
    fn it_is_the_failure_that_is_explained_first() {
        let stopped = failed(Failure::seen("EINVAL").ran("a run -- b").stopped());
        let here = failed(Failure::seen("nothing").ran("a run -- c"));
        let expected = |words: &str, has_stopped| Again {
            words: words.to_owned(),
            has_stopped,
        };
        assert_eq!(again([&stopped, &here]), Some(expected("c", false)));
        assert_eq!(again([&stopped]), Some(expected("b", true)));
    }
}
