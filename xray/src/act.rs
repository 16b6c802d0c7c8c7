//! One call of a run, as it is compared with another run's.
//!
//! Calls that are one step in the record are taken apart again: seven devices made by a loop are
//! the same as seven made line by line. Where a line stands counts for nothing, and neither does
//! the name of the program.

use serde_json::Value;

/// A call, and the step that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    /// The step's place in the record.
    pub(crate) step: usize,
    /// Whether the step is complete with it.
    pub(crate) is_last: bool,
    pub(crate) who: String,
    pub(crate) call: String,
    pub(crate) arguments: Vec<String>,
    /// Of many calls that are one step: how many of which kind.
    pub(crate) counts: String,
    /// Its errno; empty if it has succeeded.
    pub(crate) error: String,
    /// The level's function and the text of its line, where they are known.
    place: (String, String),
}

/// What a pair of calls that are the same is worth, so that no two that are not outweigh it.
const SAME: u32 = 40;

impl Act {
    /// Whether this is the same call, by the same process, with the same outcome.
    pub(crate) fn is_like(&self, other: &Act) -> bool {
        self.who == other.who && self.is_same_call(other)
    }

    /// The same, whoever has made it.
    pub(crate) fn is_same_call(&self, other: &Act) -> bool {
        self.kind() == other.kind()
            && self.arguments == other.arguments
            && self.counts == other.counts
            && self.error == other.error
    }

    /// What it is worth to have the two side by side.
    pub(crate) fn worth(&self, other: &Act) -> Option<u32> {
        if self.who != other.who || self.kind() != other.kind() {
            return None;
        }
        let is_known = |it: &&str| !it.is_empty();
        let same = |one: &str, two: &str| u32::from(Some(one).filter(is_known) == Some(two));
        let place = same(&self.place.0, &other.place.0) + same(&self.place.1, &other.place.1);
        if self.is_like(other) {
            return Some(SAME + place);
        }
        let pairs = self.arguments.iter().zip(&other.arguments);
        let alike = pairs.filter(|(one, two)| one == two).count().min(5);
        Some(3 + place + u32::try_from(alike).unwrap_or_default())
    }

    /// The call, whichever of its forms was used.
    pub(crate) fn kind(&self) -> &str {
        match self.call.as_str() {
            "mkdirat" => "mkdir",
            "mknodat" => "mknod",
            "symlinkat" => "symlink",
            "unlinkat" | "unlink" => "rmdir",
            "fork" | "vfork" | "clone3" => "clone",
            "execveat" => "execve",
            call => call,
        }
    }

    /// As one writes it.
    pub(crate) fn shown(&self) -> String {
        format!("{}({})", self.call, self.arguments.join(", "))
    }
}

/// A text in which a container's directory is called by its last name: what is in front of that
/// is the same everywhere. Its control groups are somewhere else, and stay as they are.
pub(crate) fn without_places(text: &str) -> String {
    let ends = |char: char| matches!(char, '"' | '=' | ',' | ':' | ' ' | '(' | '[');
    let mut rest = text;
    let mut shown = String::new();
    while let Some(at) = rest.find("/container-") {
        let begins = rest[..at].rfind(ends).map_or(0, |it| it + 1);
        let is_place = rest[begins..].starts_with('/') && !rest[begins..].starts_with("/sys/");
        shown.push_str(&rest[..if is_place { begins } else { at + 1 }]);
        rest = &rest[at + 1..];
        let name = rest.find(['/', '"', ',', ':']).unwrap_or(rest.len());
        shown.push_str(&rest[..name]);
        rest = &rest[name..];
    }
    shown.push_str(rest);
    shown
}

/// The steps of a record with one name for the program, whatever it is called, and with ids
/// counted as the calls have them: what the standard streams lead to may have one, too.
pub(crate) fn steps(record: &Value) -> Vec<Value> {
    let program = record["steps"][0]["arguments"][0].as_str();
    let program = program.map(|it| it.trim_matches('"')).unwrap_or_default();
    let mut text = record["steps"].to_string();
    if program.starts_with('/') {
        text = text.replace(program, "LEVEL");
    }
    let steps = record["steps"].as_array().into_iter().flatten();
    let arguments: Vec<String> = steps.map(|it| it["arguments"].to_string()).collect();
    for kind in IDS {
        let mut seen = Vec::new();
        for (_, number) in numbered(&arguments.concat(), kind) {
            if !seen.contains(&number) {
                seen.push(number);
            }
        }
        let mut renamed = String::new();
        let mut rest = 0;
        for (at, number) in numbered(&text, kind) {
            let place = seen.iter().position(|it| *it == number);
            let place = place.map_or("N".to_owned(), |it| (it + 1).to_string());
            renamed.push_str(&text[rest..at]);
            renamed.push_str(&place);
            rest = at + number.len();
        }
        renamed.push_str(&text[rest..]);
        text = renamed;
    }
    serde_json::from_str(&text).unwrap_or_default()
}

/// What is counted, and has an id in a path.
const IDS: [&str; 2] = ["container-", "digest-"];

/// The numbers that stand behind a word, and where.
fn numbered(text: &str, kind: &str) -> Vec<(usize, String)> {
    let places = text.match_indices(kind).map(|(at, _)| at + kind.len());
    let number = |at: usize| -> String {
        let digits = text[at..].chars().take_while(char::is_ascii_digit);
        digits.collect()
    };
    places
        .map(|at| (at, number(at)))
        .filter(|it| !it.1.is_empty())
        .collect()
}

/// All calls of these steps, in their order.
pub(crate) fn acts(steps: &[Value], files: &Value) -> Vec<Act> {
    let mut all = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let act = |call: String, arguments: Vec<String>| Act {
            step: index,
            is_last: false,
            who: text(&step["who"]),
            call,
            arguments,
            counts: String::new(),
            error: text(&step["error"]["errno"]),
            place: place(step, files),
        };
        let each = step["each"]
            .as_array()
            .map_or(&[] as &[Value], Vec::as_slice);
        let times = step["times"].as_u64().unwrap_or(1);
        for one in each {
            all.push(act(text(&one[0]), strings(&one[1])));
        }
        // More than were kept, or such as have no names: told by their number.
        if each.is_empty() || times > each.len() as u64 {
            let mut rest = act(text(&step["call"]), strings(&step["arguments"]));
            if times > 1 {
                rest.counts = match step["calls"].is_object() {
                    true => step["calls"].to_string(),
                    false => times.to_string(),
                };
            }
            all.push(rest);
        }
        if let Some(last) = all.last_mut() {
            last.is_last = true;
        }
    }
    all
}

fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn place(step: &Value, files: &Value) -> (String, String) {
    let line = &step["lines"][0];
    let function = line["function"].as_str().unwrap_or_default();
    let number = line["line"]
        .as_u64()
        .and_then(|it| usize::try_from(it).ok());
    let source = line["file"].as_str().and_then(|it| files[it].as_str());
    let source = source.zip(number).and_then(|(source, number)| {
        let mut lines = source.lines();
        lines.nth(number.checked_sub(1)?)
    });
    let source = source.unwrap_or_default().trim();
    (function.to_owned(), source.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_containers_directory_has_a_short_name() {
        let shown =
            without_places("mount(\"lowerdir=/a/b/container-1/x,upperdir=/a/b/container-1/y\")");
        assert_eq!(
            shown,
            "mount(\"lowerdir=container-1/x,upperdir=container-1/y\")"
        );
        let both = "\"lowerdir=/a/container-1/x:/a/container-1/y\"";
        assert_eq!(
            without_places(both),
            "\"lowerdir=container-1/x:container-1/y\""
        );
        let group = "mkdir(\"/sys/fs/cgroup/cpu/rubber-docker/container-1\", 0755)";
        assert_eq!(without_places(group), group);
        assert_eq!(
            without_places("sethostname(\"container-1\")"),
            "sethostname(\"container-1\")"
        );
        assert_eq!(
            without_places("chdir(/c/container-2)"),
            "chdir(container-2)"
        );
    }
}
