//! A line of strace's, taken apart.

use std::collections::HashMap;

/// What a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) process: u32,
    pub(super) event: Event,
}

/// One thing that strace tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A call that has returned.
    Call(Call),
    /// The process's end, such as `exited with 0`.
    End(String),
}

/// A system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    /// What stands between its parentheses.
    pub(super) arguments: String,
    /// What came back: a number, or the name of the errno.
    pub(super) result: Result<i64, String>,
}

/// All lines of a trace. Of a call during which another process was shown, strace writes
/// two halves; they are put together where the second is.
pub(super) fn parse(text: &str) -> Vec<Line> {
    let mut begun: HashMap<u32, String> = HashMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        let Ok(process) = process.parse() else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(process, first.to_owned());
            continue;
        }
        let resumed = rest
            .strip_prefix("<... ")
            .and_then(|rest| rest.split_once(" resumed>"));
        let whole = match resumed {
            Some((_, second)) => begun.remove(&process).unwrap_or_default() + second,
            None => rest.to_owned(),
        };
        if let Some(event) = event(&whole) {
            lines.push(Line { process, event });
        }
    }
    lines
}

fn event(text: &str) -> Option<Event> {
    if let Some(end) = text.strip_prefix("+++ ") {
        return Some(Event::End(end.trim_end_matches(" +++").to_owned()));
    }
    let (name, rest) = text.split_once('(')?;
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if !name.chars().all(is_name) {
        return None;
    }
    // An argument may have a `=` in it; the last one is the result's.
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let mut words = result.split(' ');
    let number: i64 = words.next()?.split('<').next()?.parse().ok()?;
    let result = match words.next().filter(|_| number == -1) {
        Some(errno) => Err(errno.to_owned()),
        None => Ok(number),
    };
    Some(Event::Call(Call {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        result,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str, result: Result<i64, &str>) -> Event {
        Event::Call(Call {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            result: result.map_err(str::to_owned),
        })
    }

    #[test]
    fn calls_errors_halves_and_ends() {
        let text = "\
12 mount(\"\", \"/\", NULL, MS_REC|MS_PRIVATE, NULL) = 0
12 wait4(13,  <unfinished ...>
13 pivot_root(\"/a = b\", \"/c\")       = -1 EINVAL (Invalid argument)
13 +++ exited with 3 +++
12 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 13
12 write(5</sys/fs/cgroup/x>, \"0\", 1) = 1
not a line
";
        let events: Vec<(u32, Event)> = parse(text)
            .into_iter()
            .map(|line| (line.process, line.event))
            .collect();
        let expected = [
            (
                12,
                call("mount", "\"\", \"/\", NULL, MS_REC|MS_PRIVATE, NULL", Ok(0)),
            ),
            (13, call("pivot_root", "\"/a = b\", \"/c\"", Err("EINVAL"))),
            (13, Event::End("exited with 3".to_owned())),
            (
                12,
                call(
                    "wait4",
                    "13, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL",
                    Ok(13),
                ),
            ),
            (12, call("write", "5</sys/fs/cgroup/x>, \"0\", 1", Ok(1))),
        ];
        assert_eq!(events, expected);
    }
}
