//! `cargo workshop report`: everything that an instructor needs who is asked for help, in one
//! file, and nothing that is the learner's own business.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use checks::{Report, Verdict};
use curriculum::levels::Level;
use similar::TextDiff;

use crate::course::{Course, word};
use crate::progress::{self, Progress, State};
use crate::screen::{CODE, note, paint, say};
use crate::{Result, check, doctor, versions};

/// What may be said after `report`.
#[derive(clap::Args)]
#[command(after_help = "\
The report has your changes to the levels, the checks that failed, what doctor
finds, and versions. Paths of your home, your name and the machine's name are
replaced. It is shown before it is written; into a pipe it is only printed.

Example: cargo workshop report")]
pub(crate) struct Arguments {
    /// Write the file without asking
    #[arg(long)]
    yes: bool,
}

/// Where it is written, seen from the checkout.
const FILE: &str = "workshop-report.txt";

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let text = Private::of(&course).removed_from(&compose(&course)?);
    // What is shown is what is written: people will show it to others.
    let text = given::printable_lines(text);
    let is_wanted = arguments.yes || {
        say(text.trim_end());
        let somebody_is_there = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        somebody_is_there && ask()?
    };
    if is_wanted {
        progress::write(&course.root.join(FILE), text.as_bytes())
            .map_err(|error| format!("cannot write {FILE}: {error}"))?;
        note(format!("Written: {}", paint(CODE, FILE)));
    }
    Ok(ExitCode::SUCCESS)
}

fn ask() -> Result<bool> {
    let mut terminal = anstream::stderr();
    write!(terminal, "\nThis is all of it. Write it to {FILE}? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn compose(course: &Course) -> Result<String> {
    let mut text = String::from("# Rubber Docker in Rust: a report\n\n## Versions\n\n");
    text += &versions(course);
    text += "\n## Levels (those that are not here are as they came)\n\n";
    let progress = Progress::read(course)?;
    for level in course.numbered() {
        let state = match progress.state(course, level)? {
            State::Untouched => continue,
            State::Skipped => "skipped",
            State::Begun => "begun, not checked as it is",
            State::Failing => "a check fails",
            State::Done => "done",
            State::Changed => "was done, and has been changed since",
        };
        text += &format!(
            "- level {}, {}: {state}\n",
            word(level),
            course.title(level)
        );
    }
    text += "\n## Checks that failed when they were run last\n\n";
    for level in course.numbered() {
        let reports = check::last(course, level);
        let failed = reports.iter().filter(|it| it.verdict == Verdict::Fail);
        failed.for_each(|report| text += &failure(level, report));
    }
    text += "\n## What doctor finds\n\n";
    text += doctor::text().trim();
    text += "\n\n## Changes to the levels\n\n";
    for level in &course.levels {
        for file in course.changed(level)? {
            text += &difference(course, level, &file);
        }
    }
    Ok(text)
}

fn versions(course: &Course) -> String {
    let line = |(what, version): (&str, String)| format!("- {what}: {version}\n");
    versions::rows(course).into_iter().map(line).collect()
}

fn failure(level: &Level, report: &Report) -> String {
    let mut text = format!("- checking {}: {}\n", level.package, report.name);
    for (field, value) in [
        ("ran", report.ran.as_deref()),
        ("expected", report.expected.as_deref()),
        ("seen", report.seen.as_deref()),
        ("evidence", report.evidence.as_deref()),
        ("usually", report.usually.as_deref()),
        ("step", report.step()),
    ] {
        if let Some(value) = value {
            text += &format!("    {field}: {}\n", value.replace('\n', "\n      "));
        }
    }
    text
}

/// A file's difference from the skeleton, as `git apply` takes it.
fn difference(course: &Course, level: &Level, file: &Path) -> String {
    let path = level.path().join(file);
    let is_ours = course.skeleton_files(level).iter().any(|it| it == file);
    let skeleton = match course.skeleton(level, file) {
        Ok(content) => String::from_utf8_lossy(&content).into_owned(),
        Err(error) if is_ours => return format!("{}: {error}\n", path.display()),
        Err(_) => String::new(),
    };
    // Not through a link: what lies there is not the learner's answer to a level, and may
    // be a key or a letter.
    let now = course.read_file(&path);
    if let Err(error) = &now
        && error.kind() != ErrorKind::NotFound
    {
        let path = path.display();
        return format!("{path}: a link, or no file; links are not followed ({error})\n");
    }
    let mine = String::from_utf8_lossy(now.as_deref().unwrap_or_default()).into_owned();
    let name = |exists: bool, side: &str| match exists {
        true => format!("{side}/{}", path.display()),
        false => "/dev/null".to_owned(),
    };
    let diff = TextDiff::from_lines(skeleton.as_str(), mine.as_str());
    let (old, new) = (name(is_ours, "a"), name(now.is_ok(), "b"));
    diff.unified_diff().header(&old, &new).to_string()
}

/// What is the learner's own business, and what stands for it.
struct Private(Vec<(String, &'static str)>);

impl Private {
    fn of(course: &Course) -> Private {
        let from_environment = |name| std::env::var(name).ok();
        let account = nix::unistd::User::from_uid(nix::unistd::Uid::current());
        let account = account.ok().flatten();
        let homes = [
            from_environment("HOME"),
            account.as_ref().map(|it| it.dir.display().to_string()),
        ];
        let names = [
            from_environment("USER"),
            from_environment("LOGNAME"),
            from_environment("SUDO_USER"),
            account.map(|it| it.name),
        ];
        let host = nix::unistd::gethostname().ok();
        let host = host.map(|name| name.to_string_lossy().into_owned());
        let checkout = Some(course.root.display().to_string());
        let mut all: Vec<(String, &str)> = [(checkout, "<checkout>")]
            .into_iter()
            .chain(homes.map(|home| (home, "~")))
            .chain(names.map(|name| (name, "<user>")))
            .chain([(host, "<host>")])
            .filter_map(|(what, shown)| Some((what?, shown)))
            .collect();
        // Everybody's, and parts of other words or of every path.
        all.retain(|(what, _)| !matches!(what.as_str(), "" | "/" | "root" | "localhost"));
        Private(all)
    }

    fn removed_from(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (what, shown) in &self.0 {
            text = replace_word(&text, what, shown);
        }
        others_homes(&text)
    }
}

/// Replaces `what` where it is not part of a longer name.
fn replace_word(text: &str, what: &str, shown: &str) -> String {
    let is_part = |char: char| char.is_alphanumeric() || char == '_' || char == '-';
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(what) {
        let (before, found) = rest.split_at(at);
        let after = &found[what.len()..];
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        result += before;
        result += if is_whole { shown } else { what };
        rest = after;
    }
    result + rest
}

/// `/home/NAME`, of every user.
fn others_homes(text: &str) -> String {
    let mut parts = text.split("/home/");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|char: char| !(char.is_alphanumeric() || "._-<>".contains(char)));
        let end = end.unwrap_or(part.len());
        result += "/home/";
        result += if end == 0 { "" } else { "<user>" };
        result += &part[end..];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_homes_are_replaced_and_nothing_else() {
        let private = Private(vec![
            ("/home/ann/src/rd".to_owned(), "<checkout>"),
            ("/home/ann".to_owned(), "~"),
            ("ann".to_owned(), "<user>"),
        ]);
        let text = "/home/ann/src/rd/levels, /home/ann/x, /home/annabel/y, ann: channel, /home/";
        let expected = "<checkout>/levels, ~/x, /home/<user>/y, <user>: channel, /home/";
        assert_eq!(private.removed_from(text), expected);
    }
}
