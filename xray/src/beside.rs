//! Two runs beside each other, for a terminal: what is the same is folded, and at the end it says
//! where they first differ.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use given::wrap;
use serde_json::Value;

use crate::act;
use crate::against::{self, Against};
use crate::stops::is_like;
use crate::text::{BOLD, DIM, RED, WIDTH, shown};

const GREEN: Style = AnsiColor::Green.on_default();

/// So many steps before a difference are shown, and after it.
const AROUND: usize = 2;

/// The comparison of my run with the reference's. `check` is the command that tells more.
pub fn tell(mine: &Value, reference: &Value, check: &str) -> String {
    let against = against::compare(mine, reference);
    let mut beside = Beside {
        text: String::new(),
        width: wrap::width(std::io::stdout()).unwrap_or(WIDTH),
    };
    beside.begin(mine);
    beside.lines(&against);
    beside.end(&against, check);
    beside.text
}

fn step_of(record: &Value, at: Option<usize>) -> &Value {
    &record["steps"][at.unwrap_or_default()]
}

/// Whether a line is one more like `first`, as a loop makes them: of the same run alone.
fn is_one_more(against: &Against, first: usize, at: usize) -> bool {
    let (one, other) = (against.pairs[first], against.pairs[at]);
    match (one, other) {
        ((Some(_), None), (Some(_), None)) => {
            is_like(step_of(against.mine, one.0), step_of(against.mine, other.0))
        }
        ((None, Some(_)), (None, Some(_))) => {
            let step = |at| step_of(against.reference, at);
            is_like(step(one.1), step(other.1))
        }
        _ => false,
    }
}

struct Beside {
    text: String,
    width: usize,
}

impl Beside {
    fn begin(&mut self, mine: &Value) {
        let argv = mine["argv"].as_array().into_iter().flatten();
        let words: Vec<&str> = argv.filter_map(Value::as_str).collect();
        self.line(
            BOLD,
            "",
            &format!("{}, beside the reference", words.join(" ")),
        );
        let how = "Lines with a - are your run's alone, lines with a + the reference's. In front \
                   stands the step of yours, then the reference's; p1 is the level, p2 its first \
                   child.";
        self.line(DIM, "", how);
        self.text.push('\n');
    }

    fn lines(&mut self, against: &Against) {
        let count = against.pairs.len();
        let first = against.first.as_ref();
        let is_first = |at: usize| {
            let (mine, reference) = against.pairs[at];
            first.is_some_and(|first| {
                (first.mine.is_some() && first.mine == mine)
                    || (first.reference.is_some() && first.reference == reference)
            })
        };
        let is_told = |at: usize| !against.are_same[at] || is_first(at);
        let is_shown = |at: usize| {
            let from = at.saturating_sub(AROUND);
            (from..(at + AROUND + 1).min(count)).any(is_told)
        };
        let mut at = 0;
        let mut marked = false;
        while at < count {
            if !is_shown(at) {
                let folded = (at..count).take_while(|at| !is_shown(*at)).count();
                let words = match folded {
                    1 => "one step as in the reference".to_owned(),
                    count => format!("{count} steps as in the reference"),
                };
                self.line(DIM, "           ", &words);
                at += folded;
                continue;
            }
            if is_first(at) && !marked {
                marked = true;
                self.line(BOLD, "", "here they part:");
            }
            let alike = (at..count).take_while(|it| is_one_more(against, at, *it));
            let alike = alike.count().max(1);
            self.pair(against, at, is_told(at), alike);
            at += alike;
        }
    }

    /// A line of the comparison: one step if they are the same, otherwise each by itself.
    fn pair(&mut self, against: &Against, at: usize, is_told: bool, times: usize) {
        let (mine, reference) = against.pairs[at];
        let number = |step: Option<usize>| step.map_or(String::new(), |it| (it + 1).to_string());
        if against.are_same[at] && !is_told {
            let place = format!("    {:>3} {:>3}  ", number(mine), number(reference));
            self.step(Style::new(), &place, step_of(against.mine, mine), 1);
            return;
        }
        if mine.is_some() {
            let place = format!("  - {:>3}      ", number(mine));
            self.step(RED, &place, step_of(against.mine, mine), times);
        }
        if reference.is_some() {
            let place = format!("  +     {:>3}  ", number(reference));
            self.step(GREEN, &place, step_of(against.reference, reference), times);
        }
    }

    /// One step, or so many like it.
    fn step(&mut self, style: Style, place: &str, step: &Value, alike: usize) {
        let who = step["who"].as_str().unwrap_or_default();
        let mut words = format!("{who}  {}", act::without_places(&shown(step)));
        let times = step["times"].as_u64().unwrap_or(alike as u64);
        if times > 1 {
            let _ = write!(words, "  ×{times}");
        }
        if let Some(errno) = step["error"]["errno"].as_str() {
            let _ = write!(words, " = {errno}");
        }
        let line = &step["lines"][0];
        if let (Some(file), Some(number)) = (line["file"].as_str(), line["line"].as_u64()) {
            let file = file.split_once("/src/").map_or(file, |it| it.1);
            let _ = write!(words, "  src/{file}:{number}");
        }
        self.line(style, place, &words);
    }

    fn end(&mut self, against: &Against, check: &str) {
        self.text.push('\n');
        match &against.first {
            Some(first) => self.line(BOLD, "", &first.says),
            None => {
                let words = format!(
                    "No difference in these steps: with this command your level does what the \
                     reference does. What it says, what becomes of signals and options, and what \
                     no system call of these shows, is judged by the checks: `{check}`."
                );
                self.line(BOLD, "", &words);
            }
        }
        self.text.truncate(self.text.trim_end().len());
    }

    /// A line, wrapped, in a style; what does not fit goes on below its words.
    fn line(&mut self, style: Style, place: &str, text: &str) {
        let text = given::printable(text).to_string();
        let indent = place.len();
        let room = self.width.saturating_sub(indent).max(20);
        for (index, line) in wrap::wrap(&text, room, 0).lines().enumerate() {
            let place = if index == 0 { place } else { "" };
            let _ = writeln!(self.text, "{style}{place:indent$}{line}{style:#}");
        }
    }
}
