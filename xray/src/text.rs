//! The story of a record, for a terminal: below each line of the level the calls that it made,
//! and what each has changed, on the host and in the container.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use given::wrap;
use serde_json::{Map, Value};

use crate::change;
use crate::difference;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Where no terminal says otherwise.
pub(crate) const WIDTH: usize = 78;
/// How far a change stands from the edge.
const INDENT: usize = 6;

/// The whole story.
pub fn tell(record: &Value) -> String {
    let mut story = Story {
        text: String::new(),
        width: wrap::width(std::io::stdout()).unwrap_or(WIDTH),
        files: &record["files"],
        views: BTreeMap::new(),
        heading: None,
    };
    story.begin(record);
    let steps = record["steps"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    let mut rest = steps;
    while let Some(first) = rest.first() {
        if let [_, next, ..] = rest
            && is_looking(first, next)
        {
            // Not found in these directories, and then it was: no failure.
            story.looking(first);
            rest = &rest[1..];
            continue;
        }
        let same = rest
            .iter()
            .take_while(|it| is_like(first, it))
            .count()
            .max(1);
        let (these, after) = rest.split_at(same);
        story.steps(these);
        rest = after;
    }
    story.end(record, steps.len());
    story.text
}

/// Whether two steps in a row are told as one: the same call by the same line of the level.
pub(crate) fn is_like(first: &Value, other: &Value) -> bool {
    let same = |key: &str| first[key] == other[key];
    let is_plain = |step: &Value| step["born"].is_null() && step["times"].is_null();
    let is_execve = first["call"] == "execve";
    same("who")
        && same("call")
        && same("lines")
        && same("error")
        && !is_execve
        && first["lines"].is_array()
        && is_plain(first)
        && is_plain(other)
}

/// Whether a failed exec is one of those with which a command is looked for in PATH.
fn is_looking(step: &Value, next: &Value) -> bool {
    let is_exec = |it: &Value| it["call"] == "execve";
    is_exec(step)
        && is_exec(next)
        && step["error"].is_object()
        && next["error"].is_null()
        && step["who"] == next["who"]
        && step["lines"] == next["lines"]
}

struct Story<'a> {
    text: String,
    width: usize,
    files: &'a Value,
    views: BTreeMap<String, Value>,
    /// The line below which we are.
    heading: Option<(String, u64)>,
}

impl Story<'_> {
    fn begin(&mut self, record: &Value) {
        let argv = record["argv"].as_array().into_iter().flatten();
        let words: Vec<&str> = argv.filter_map(Value::as_str).collect();
        self.line(BOLD, 0, &words.join(" "));
        let host = match record["host"].as_str() {
            Some("own") => {
                "The host is one of its own for this run: file systems, hostname, processes and \
                 network. Control groups are the machine's."
            }
            _ => "The host is this machine: an ordinary user has no other.",
        };
        self.line(DIM, 0, host);
        self.line(
            DIM,
            0,
            "p1 is the level, p2 its first child. Ids and numbers that change from run to run \
             have names.",
        );
    }

    /// One step, or some that are told together.
    fn steps(&mut self, steps: &[Value]) {
        let Some(first) = steps.first() else { return };
        self.head(first);
        let text = |key: &str| first[key].as_str().unwrap_or_default();
        let who = text("who");
        let mut times = first["times"].as_u64().unwrap_or(1);
        if steps.len() > 1 {
            times = steps.len() as u64;
        }
        let mut call = shown(first);
        if let Some(born) = first["born"].as_str() {
            let _ = write!(call, " = {born}");
        }
        if times > 1 {
            let _ = write!(call, "  ×{times}");
        }
        let is_error = first["error"].is_object();
        let style = match is_error {
            true => RED,
            false => Style::new(),
        };
        self.line(style, 2, &format!("{who}  {call}"));
        if times > 1 {
            let others = self.others(first, steps);
            self.line(DIM, INDENT, &others);
        }
        if is_error {
            let error = &first["error"];
            let part = |key: &str| error[key].as_str().unwrap_or_default();
            let why = error["why"].as_str().unwrap_or("see its man page");
            let said = format!("{} ({}): {why}", part("errno"), part("words"));
            self.line(RED, INDENT, &said);
        }
        if first["unseen"] == true {
            self.line(DIM, INDENT, "it is so now, and no file in /proc shows it");
        }
        let has_changed = self.changes(first, steps);
        // A name in a directory is what the call says; of the others one would ask.
        let asks = ["set", "cap", "prctl", "mount", "umount", "ioctl"];
        let call = text("call");
        if !has_changed
            && !is_error
            && first["unseen"] != true
            && asks.iter().any(|it| call.starts_with(it))
        {
            self.line(DIM, INDENT, "it was so before, as far as /proc shows it");
        }
    }

    fn looking(&mut self, step: &Value) {
        self.head(step);
        let who = step["who"].as_str().unwrap_or_default();
        let directories = match step["times"].as_u64() {
            Some(times) => format!("{times} directories"),
            None => "one directory".to_owned(),
        };
        self.line(
            DIM,
            2,
            &format!("{who}  looks for it in PATH; it is not in {directories}"),
        );
        // Nothing is told of it, and the next comparison is with what is now.
        self.changes(step, std::slice::from_ref(step));
    }

    /// What was told together, by its names.
    fn others(&self, first: &Value, steps: &[Value]) -> String {
        let strings = |value: &Value| -> Vec<String> {
            let all = value.as_array().into_iter().flatten();
            all.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        if steps.len() > 1 {
            // What differs: of a list of arguments the one that is not the same everywhere.
            let all: Vec<Vec<String>> = steps.iter().map(|it| strings(&it["arguments"])).collect();
            let count = all.iter().map(Vec::len).min().unwrap_or_default();
            let differs = |at: &usize| all.iter().any(|it| it[*at] != all[0][*at]);
            let at = (0..count).find(differs).unwrap_or_default();
            let these = all.iter().filter_map(|it| it.get(at));
            let these: Vec<&str> = these.map(|it| it.trim_matches('"')).collect();
            return short_list(&what_differs(&these));
        }
        let names = strings(&first["names"]);
        let calls = first["calls"].as_object();
        let counts: Vec<String> = calls
            .into_iter()
            .flatten()
            .map(|(call, count)| format!("{count} {call}"))
            .collect();
        match first["times"].as_u64() {
            Some(times) if times as usize > names.len() && !names.is_empty() => {
                format!("unpacks: {}", counts.join(", "))
            }
            _ if names.is_empty() && first["error"].is_object() => {
                "each directory of PATH".to_owned()
            }
            _ if names.is_empty() => "all that was in it, and it".to_owned(),
            _ => {
                let last = names.iter().map(|it| it.rsplit('/').next().unwrap_or(it));
                short_list(&last.collect::<Vec<_>>())
            }
        }
    }

    /// The level's line, if it is another one than before.
    fn head(&mut self, step: &Value) {
        let line = &step["lines"][0];
        let (Some(file), Some(number)) = (line["file"].as_str(), line["line"].as_u64()) else {
            if self.heading.take().is_some() {
                self.text.push('\n');
            }
            return;
        };
        let here = (file.to_owned(), number);
        if self.heading.as_ref() == Some(&here) {
            return;
        }
        let source = self.files[file].as_str();
        let index = usize::try_from(number)
            .unwrap_or_default()
            .saturating_sub(1);
        let source = source
            .and_then(|it| it.lines().nth(index))
            .unwrap_or_default();
        let short = file.split_once("/src/").map_or(file, |it| it.1);
        let function = line["function"].as_str().unwrap_or_default();
        self.text.push('\n');
        let room = self.width.saturating_sub(short.len() + 8).max(20);
        let mut source = source.trim().to_owned();
        if source.chars().count() > room {
            source = source.chars().take(room - 3).collect::<String>() + "...";
        }
        let source = match source.is_empty() {
            true => function.to_owned(),
            false => source,
        };
        let place = format!("src/{short}:{number}");
        let _ = writeln!(self.text, "{DIM}{place}{DIM:#}  {BOLD}{source}{BOLD:#}");
        self.heading = Some(here);
    }

    /// What these steps have changed together.
    fn changes(&mut self, first: &Value, steps: &[Value]) -> bool {
        let mut has_changed = false;
        let who = first["who"].as_str().unwrap_or_default();
        if let Some(born) = first["born"].as_str() {
            let copy = self.views.get(who).cloned().unwrap_or_default();
            self.views.insert(born.to_owned(), copy);
        }
        let call = first["call"].as_str().unwrap_or_default();
        let wants_descriptors = matches!(call, "close_range" | "execve") && self.views.len() > 1;
        let mut columns: Vec<String> = Vec::new();
        for step in steps {
            for name in step["view"].as_object().into_iter().flat_map(Map::keys) {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
        }
        for name in columns {
            let before = self.views.get(&name).cloned();
            let mut after = before.clone().unwrap_or_default();
            for step in steps {
                if let Some(patch) = step["view"].get(&name) {
                    difference::lay(patch, &mut after);
                }
            }
            self.views.insert(name.clone(), after.clone());
            // The first look at all is no change.
            let Some(before) = before else { continue };
            let Some(patch) = difference::between(&before, &after) else {
                continue;
            };
            let words = change::words(&before, &patch, wants_descriptors);
            let is_host = name == "host";
            has_changed |= !words.is_empty();
            let style = match is_host {
                true => YELLOW,
                false => Style::new(),
            };
            for word in folded(words) {
                self.line(style, INDENT, &format!("{name}: {word}"));
            }
        }
        has_changed
    }

    fn end(&mut self, record: &Value, steps: usize) {
        self.text.push('\n');
        let end = &record["end"];
        let mut how = match (end["status"].as_u64(), end["signal"].as_u64()) {
            (Some(status), _) => format!("The level exited with status {status}"),
            (_, Some(signal)) => {
                let signal = i32::try_from(signal).unwrap_or_default();
                format!("{} has ended the level", linux_sys::signal_name(signal))
            }
            _ => {
                let why = end["cut"].as_str().unwrap_or("the record is not complete");
                format!("The record ends here: {why}")
            }
        };
        let _ = write!(how, ", after {steps} steps.");
        if let Some(left) = end["left"].as_array() {
            let left: Vec<&str> = left.iter().filter_map(Value::as_str).collect();
            let _ = write!(
                how,
                " Still running then, and ended with the x-ray: {}.",
                left.join(", ")
            );
        }
        self.line(BOLD, 0, &how);
        self.text.truncate(self.text.trim_end().len());
    }

    /// A line, wrapped, in a style.
    fn line(&mut self, style: Style, indent: usize, text: &str) {
        let text = given::printable(text).to_string();
        let room = self.width.saturating_sub(indent).max(20);
        let wrapped = wrap::wrap(&text, room, 0);
        for (index, line) in wrapped.lines().enumerate() {
            // What does not fit goes on a little to the right.
            let more = if index == 0 { 0 } else { 2 };
            let _ = writeln!(self.text, "{:1$}{style}{line}{style:#}", "", indent + more);
        }
    }
}

/// A call as one writes it. Of an exec's or mount's long words there is a part.
pub(crate) fn shown(step: &Value) -> String {
    let name = step["call"].as_str().unwrap_or_default();
    let arguments = step["arguments"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    format!("{name}({})", arguments.join(", "))
}

/// Many words of one kind are one line.
fn folded(words: Vec<String>) -> Vec<String> {
    let begins = [
        "control group (",
        "control group /",
        "no more: control group",
        "in /",
    ];
    let mut folded: Vec<String> = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        let kind = begins.iter().find(|it| word.starts_with(**it));
        let Some(kind) = kind else {
            folded.push(word);
            continue;
        };
        let count = counts.entry(kind).or_default();
        *count += 1;
        if *count == 1 {
            folded.push(word);
        }
    }
    for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 1) {
        let first = folded.iter_mut().find(|it| it.starts_with(kind));
        if let Some(first) = first {
            let _ = write!(first, ", and {} more like it", count - 1);
        }
    }
    folded
}

/// The parts of paths that are not the same in all.
fn what_differs<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    let split = |path: &'a str| -> Vec<&'a str> { path.split('/').collect() };
    let all: Vec<Vec<&str>> = paths.iter().map(|path| split(path)).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let differs = |at: &usize| all.iter().any(|it| it.get(*at) != first.get(*at));
    match (0..first.len()).find(differs) {
        Some(at) => all.iter().filter_map(|it| it.get(at).copied()).collect(),
        None => paths.to_vec(),
    }
}

/// A few names; of many the beginning.
fn short_list(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0..=SHOWN => names.join(", "),
        more => format!("{} and {} more", names[..SHOWN].join(", "), more - SHOWN),
    }
}
