//! Where a reader stops: steps that are told as one, and what they have changed, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::{change, difference};

/// Steps in a row that are told together.
pub(crate) struct Stop<'a> {
    /// Never empty.
    pub(crate) steps: &'a [Value],
    /// A command is looked for in `PATH`, and the next step finds it: no failure.
    pub(crate) is_search: bool,
}

/// All of them, in their order.
pub(crate) fn stops(steps: &[Value]) -> Vec<Stop<'_>> {
    let mut stops = Vec::new();
    let mut rest = steps;
    while let Some(first) = rest.first() {
        let is_search = rest.get(1).is_some_and(|next| is_search(first, next));
        let count = match is_search {
            true => 1,
            false => rest.iter().take_while(|it| is_like(first, it)).count(),
        };
        let (steps, after) = rest.split_at(count.max(1));
        stops.push(Stop { steps, is_search });
        rest = after;
    }
    stops
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
fn is_search(step: &Value, next: &Value) -> bool {
    let is_exec = |it: &Value| it["call"] == "execve";
    is_exec(step)
        && is_exec(next)
        && step["error"].is_object()
        && next["error"].is_null()
        && step["who"] == next["who"]
        && step["lines"] == next["lines"]
}

impl Stop<'_> {
    /// How many calls they are.
    pub(crate) fn times(&self) -> u64 {
        match self.steps {
            [one] => one["times"].as_u64().unwrap_or(1),
            several => several.len() as u64,
        }
    }

    /// Whether an archive was unpacked: more was done than has a name here.
    pub(crate) fn is_unpacking(&self) -> bool {
        let [one] = self.steps else { return false };
        let names = one["names"].as_array().map_or(0, Vec::len);
        names > 0
            && one["times"]
                .as_u64()
                .is_some_and(|times| times > names as u64)
    }

    /// What else was done, by its names.
    pub(crate) fn others(&self) -> String {
        let steps = self.steps;
        let Some(first) = steps.first() else {
            return String::new();
        };
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
            _ if self.is_unpacking() => {
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
}

/// What is known of the host and of each process.
#[derive(Default)]
pub(crate) struct Views(BTreeMap<String, Value>);

impl Views {
    /// What these steps have changed together: by the views' names, in words.
    pub(crate) fn changes(&mut self, steps: &[Value]) -> Vec<(String, Vec<String>)> {
        let mut changes = Vec::new();
        let Some(first) = steps.first() else {
            return changes;
        };
        let who = first["who"].as_str().unwrap_or_default();
        if let Some(born) = first["born"].as_str() {
            let copy = self.0.get(who).cloned().unwrap_or_default();
            self.0.insert(born.to_owned(), copy);
        }
        let call = first["call"].as_str().unwrap_or_default();
        let wants_descriptors = matches!(call, "close_range" | "execve") && self.0.len() > 1;
        let mut columns: Vec<String> = Vec::new();
        for step in steps {
            for name in step["view"].as_object().into_iter().flat_map(Map::keys) {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
        }
        for name in columns {
            let before = self.0.get(&name).cloned();
            let mut after = before.clone().unwrap_or_default();
            for step in steps {
                if let Some(patch) = step["view"].get(&name) {
                    difference::lay(patch, &mut after);
                }
            }
            self.0.insert(name.clone(), after.clone());
            // The first look at all is no change.
            let Some(before) = before else { continue };
            let Some(patch) = difference::between(&before, &after) else {
                continue;
            };
            let words = change::words(&before, &patch, wants_descriptors);
            changes.push((name, folded(words)));
        }
        changes
    }
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
    // Better one that tells them all apart: of a group's files the file, of all groups the group.
    let is_clear = |at: &usize| {
        let parts: BTreeSet<_> = all.iter().map(|it| it.get(*at)).collect();
        parts.len() == all.len()
    };
    match (0..first.len())
        .find(is_clear)
        .or_else(|| (0..first.len()).find(differs))
    {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_tells_all_apart_if_it_can() {
        let groups = ["/c/cpu/x/tasks", "/c/memory/x/tasks"];
        assert_eq!(what_differs(&groups), ["cpu", "memory"]);
        let files = ["/c/cpu/x/shares", "/c/memory/x/max", "/c/memory/x/swap"];
        assert_eq!(what_differs(&files), ["shares", "max", "swap"]);
        assert_eq!(what_differs(&["/a", "/a"]), ["/a", "/a"]);
    }
}
