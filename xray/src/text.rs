//! The story of a record, for a terminal: below each line of the level the calls that it made,
//! and what each has changed, on the host and in the container.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use given::wrap;
use serde_json::Value;

use crate::blocks;
use crate::stops::{Stop, Views, stops};

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
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
        views: Views::default(),
        heading: None,
    };
    story.begin(record);
    let steps = record["steps"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    for stop in stops(steps) {
        match stop.is_search {
            true => story.looking(stop.steps),
            false => story.steps(&stop),
        }
    }
    story.end(record, steps.len());
    story.text
}

struct Story<'a> {
    text: String,
    width: usize,
    files: &'a Value,
    views: Views,
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
    fn steps(&mut self, stop: &Stop) {
        let Some(first) = stop.steps.first() else {
            return;
        };
        self.head(first);
        let text = |key: &str| first[key].as_str().unwrap_or_default();
        let who = text("who");
        let times = stop.times();
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
            self.line(DIM, INDENT, &stop.others());
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
        let has_changed = self.changes(stop.steps);
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

    fn looking(&mut self, steps: &[Value]) {
        let Some(step) = steps.first() else { return };
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
        self.changes(steps);
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
        let source = source.map(|it| statement(it, index)).unwrap_or_default();
        let short = file.split_once("/src/").map_or(file, |it| it.1);
        let function = line["function"].as_str().unwrap_or_default();
        self.text.push('\n');
        // One line is too little to see that it lies in a block.
        let mark = blocks::words(line);
        let taken =
            format!("src/{short}:{number}  ").len() + mark.as_ref().map_or(0, |it| it.len() + 2);
        let room = self.width.saturating_sub(taken).max(20);
        let mut source = source;
        if source.chars().count() > room {
            source = source.chars().take(room - 3).collect::<String>() + "...";
        }
        let source = match source.is_empty() {
            true => function.to_owned(),
            false => source,
        };
        let place = format!("src/{short}:{number}");
        let _ = write!(self.text, "{DIM}{place}{DIM:#}  {BOLD}{source}{BOLD:#}");
        let _ = match mark {
            Some(mark) => writeln!(self.text, "  {GREEN}{mark}{GREEN:#}"),
            None => writeln!(self.text),
        };
        self.heading = Some(here);
    }

    /// What these steps have changed together.
    fn changes(&mut self, steps: &[Value]) -> bool {
        let mut has_changed = false;
        for (name, words) in self.views.changes(steps) {
            let style = match name.as_str() {
                "host" => YELLOW,
                _ => Style::new(),
            };
            has_changed |= !words.is_empty();
            for word in words {
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

/// A line, and those behind it as long as it has open brackets.
fn statement(text: &str, index: usize) -> String {
    const LONGEST: usize = 8;
    let mut whole = String::new();
    for line in text.lines().skip(index).take(LONGEST) {
        let line = line.trim();
        // Inside of brackets a line follows as if it stood there.
        if !whole.is_empty() && !whole.ends_with('(') && !line.starts_with([')', '.']) {
            whole.push(' ');
        }
        whole += line;
        let count = |open: char, close: char| {
            whole.matches(open).count() as isize - whole.matches(close).count() as isize
        };
        // A block is more than the statement.
        if count('(', ')') <= 0 || line.ends_with('{') {
            break;
        }
    }
    whole.replace(",)", ")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_several_lines_is_one() {
        let text = "f();\n    mount(\n        \"a\",\n        b()?,\n    )?;\n    g(|| {\n  h\n";
        assert_eq!(statement(text, 0), "f();");
        assert_eq!(statement(text, 1), "mount(\"a\", b()?)?;");
        assert_eq!(statement(text, 5), "g(|| {");
        assert_eq!(statement(text, 40), "");
    }
}
