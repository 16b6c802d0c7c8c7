//! In which way two runs part, in a sentence.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::act::{self, Act};
use crate::align::Pair;
use crate::first::{First, Kind};
use crate::runs::Runs;
use crate::{change, difference};

/// What the arguments of a call are called.
const ARGUMENTS: [(&str, &[&str]); 22] = [
    ("mount", &["source", "target", "type", "flags", "data"]),
    ("umount2", &["target", "flags"]),
    ("clone", &["flags"]),
    ("unshare", &["flags"]),
    ("setns", &["namespace", "flags"]),
    ("execve", &["program", "words"]),
    ("pivot_root", &["new root", "place of the old root"]),
    ("chroot", &["path"]),
    ("chdir", &["path"]),
    ("mkdir", &["path", "mode"]),
    ("mknod", &["path", "mode", "device"]),
    ("symlink", &["target", "path"]),
    ("rmdir", &["path"]),
    ("sethostname", &["name"]),
    ("write", &["file", "text"]),
    ("setuid", &["user"]),
    ("setgid", &["group"]),
    ("setgroups", &["groups"]),
    ("capset", &["sets"]),
    ("prctl", &["option", "argument", "argument"]),
    ("close_range", &["first", "last", "flags"]),
    ("exit", &["end"]),
];

/// The longest call that is shown whole.
const LONGEST: usize = 160;

/// How the runs part at a line in which they are not the same.
pub(crate) fn parting(runs: &Runs, at: usize, end: &Value) -> First {
    let line = runs.lines[at];
    if let (Some(i), Some(j)) = line {
        let (mine, reference) = (&runs.mine[i], &runs.reference[j]);
        let (kind, says) = pair(runs, mine, reference);
        return first(runs, line, kind, says);
    }
    // All that stands alone here, of either run.
    let alone = runs.lines[at..]
        .iter()
        .take_while(|it| it.0.is_none() || it.1.is_none());
    let alone: Vec<Pair> = alone.copied().collect();
    let mine = alone.iter().find_map(|it| it.0);
    let reference = alone.iter().find_map(|it| it.1);
    let later = |kind: fn(&Act, &Act) -> bool| {
        elsewhere(runs, at, mine, reference, kind).map(|(i, j)| (Some(i), Some(j)))
    };
    if let Some(pair) = later(Act::is_like) {
        return first(runs, pair, Kind::Order, order(runs, pair));
    }
    if let Some(pair) = later(|one, two| one.call != "exit" && one.is_same_call(two)) {
        return first(runs, pair, Kind::Process, process(runs, pair));
    }
    match (mine, reference) {
        (Some(i), Some(j)) => {
            let (theirs, ours) = (&runs.reference[j], &runs.mine[i]);
            let says = format!(
                "{} the reference's {}{}; yours {} there{}.",
                at_steps(ours, theirs),
                calls(theirs),
                effect(&runs.steps[1], theirs),
                verb(ours),
                outcome(&runs.steps[0], ours),
            );
            first(runs, (mine, reference), Kind::Other, says)
        }
        (Some(i), None) => {
            let ours = &runs.mine[i];
            let says = format!(
                "At step {} your {}{}. The reference does not.",
                ours.step + 1,
                calls(ours),
                outcome(&runs.steps[0], ours),
            );
            first(runs, (mine, None), Kind::Extra, says)
        }
        (None, j) => {
            let theirs = &runs.reference[j.unwrap_or_default()];
            let says = format!(
                "At step {} the reference's {}{}. Yours does not; {}.",
                theirs.step + 1,
                calls(theirs),
                outcome(&runs.steps[1], theirs),
                goes_on(runs, at, theirs, end),
            );
            first(runs, (None, j), Kind::Missing, says)
        }
    }
}

fn first(runs: &Runs, pair: Pair, kind: Kind, says: String) -> First {
    let (mine, reference) = runs.steps_of(pair);
    First {
        mine,
        reference,
        kind,
        says,
    }
}

/// The same call, which stands alone in both runs: one of them where they part.
fn elsewhere(
    runs: &Runs,
    at: usize,
    mine: Option<usize>,
    reference: Option<usize>,
    is_it: fn(&Act, &Act) -> bool,
) -> Option<(usize, usize)> {
    let alone = &runs.lines[at..];
    let mut ours = alone.iter().filter(|it| it.1.is_none()).map(|it| it.0);
    let mut theirs = alone.iter().filter(|it| it.0.is_none()).map(|it| it.1);
    // If mine makes a call here, it is that one which is somewhere else; or nothing is.
    match mine {
        Some(i) => {
            let j = theirs.find(|j| j.is_some_and(|j| is_it(&runs.mine[i], &runs.reference[j])));
            Some((i, j??))
        }
        None => {
            let j = reference?;
            let i = ours.find(|i| i.is_some_and(|i| is_it(&runs.mine[i], &runs.reference[j])));
            Some((i??, j))
        }
    }
}

fn order(runs: &Runs, (i, j): Pair) -> String {
    let place = |is_it: &dyn Fn(&Pair) -> bool| runs.lines.iter().position(is_it);
    let mine = place(&|it| i.is_some() && it.0 == i).unwrap_or_default();
    let reference = place(&|it| j.is_some() && it.1 == j).unwrap_or_default();
    let ours = &runs.mine[i.unwrap_or_default()];
    let theirs = &runs.reference[j.unwrap_or_default()];
    // What both have between the two places, the last of it.
    let between = match mine < reference {
        true => &runs.lines[mine..reference],
        false => &runs.lines[reference..mine],
    };
    let other = between.iter().rev().find_map(|it| it.0.zip(it.1));
    let other = other.map_or("what comes then".to_owned(), |(i, _)| {
        short(&runs.mine[i].shown())
    });
    let (early, late) = match mine < reference {
        true => ("before", "after"),
        false => ("after", "before"),
    };
    format!(
        "Your {} {early} {other}, at step {}; the reference does it {late} that, at step {}{}.",
        calls(ours),
        ours.step + 1,
        theirs.step + 1,
        failed(&runs.steps[0], ours),
    )
}

fn process(runs: &Runs, (i, j): Pair) -> String {
    let ours = &runs.mine[i.unwrap_or_default()];
    let theirs = &runs.reference[j.unwrap_or_default()];
    format!(
        "In the reference {} calls {}, at step {}; in yours {} does, at step {}.",
        theirs.who,
        short(&theirs.shown()),
        theirs.step + 1,
        ours.who,
        ours.step + 1,
    )
}

/// Two calls side by side that are not the same.
fn pair(runs: &Runs, mine: &Act, reference: &Act) -> (Kind, String) {
    let place = at_steps(mine, reference);
    if mine.call == "exit" {
        let says = format!(
            "{place} the reference's {}; yours {}.",
            calls(reference),
            verb(mine)
        );
        return (Kind::Arguments, says);
    }
    let what = match arguments(mine, reference) {
        words if words.is_empty() && mine.counts != reference.counts => {
            let counts = [&reference.counts, &mine.counts].map(|it| counted(it));
            format!(
                ", {} in the reference and {} in yours",
                counts[0], counts[1]
            )
        }
        words => words,
    };
    if mine.error != reference.error {
        let says = match (mine.error.as_str(), reference.error.as_str()) {
            (_, "") => format!(
                "{place} the reference's {}; in yours it fails{what}{}.",
                calls(reference),
                failed(&runs.steps[0], mine).replace(". It fails", "")
            ),
            ("", error) => format!(
                "{place} {} fails in the reference ({error}), and succeeds in yours{what}.",
                short(&reference.shown())
            ),
            (ours, theirs) => format!(
                "{place} {} fails otherwise: {theirs} in the reference, {ours} in yours{what}.",
                short(&reference.shown())
            ),
        };
        return (Kind::Error, says);
    }
    let says = format!("{place} both call {}{what}.", reference.kind());
    (Kind::Arguments, says)
}

/// Which arguments are others.
fn arguments(mine: &Act, reference: &Act) -> String {
    let known = ARGUMENTS.iter().find(|it| it.0 == reference.kind());
    let names = known.map_or(&[] as &[&str], |it| it.1);
    let mut words = String::new();
    let count = mine.arguments.len().max(reference.arguments.len());
    for at in 0..count {
        let value = |act: &Act| act.arguments.get(at).cloned();
        let (ours, theirs) = (value(mine), value(reference));
        if ours == theirs {
            continue;
        }
        let name = names.get(at).copied().unwrap_or("argument");
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            words.push_str(", with another number of arguments");
            break;
        };
        let other = match name.ends_with('s') {
            true => "other",
            false => "another",
        };
        let (shown_ours, shown_theirs) = parts(&ours, &theirs);
        let _ = write!(
            words,
            ", with {other} {name}: {shown_theirs} in the reference, {shown_ours} in yours{}",
            flags(&ours, &theirs)
        );
    }
    words
}

/// Of two lists, `"mode=755,size=64k"`, what is not in both.
fn parts(ours: &str, theirs: &str) -> (String, String) {
    let list = |text: &str| -> Option<Vec<String>> {
        let text = text.strip_prefix('"')?.strip_suffix('"')?;
        let parts = text.split(',').map(str::to_owned);
        text.contains('=').then(|| parts.collect())
    };
    let only = |one: &[String], other: &[String]| match one
        .iter()
        .filter(|it| !other.contains(it))
        .cloned()
        .collect::<Vec<_>>()
    {
        parts if parts.is_empty() => "nothing".to_owned(),
        parts => short(&parts.join(",")),
    };
    match list(ours).zip(list(theirs)) {
        Some((ours, theirs)) => (only(&ours, &theirs), only(&theirs, &ours)),
        None => (short(ours), short(theirs)),
    }
}

/// Which flags are missing, and which are too much.
fn flags(ours: &str, theirs: &str) -> String {
    let is_flags = |it: &str| {
        it == "0"
            || it
                .split('|')
                .all(|flag| flag.contains('_') && !flag.contains('"'))
    };
    if !is_flags(ours) || !is_flags(theirs) || !(ours.contains('|') || theirs.contains('|')) {
        return String::new();
    }
    let only = |one: &str, other: &str| -> Vec<String> {
        let others: Vec<&str> = other.split('|').collect();
        let flags = one
            .split('|')
            .filter(|it| *it != "0" && !others.contains(it));
        flags.map(str::to_owned).collect()
    };
    let mut words = String::new();
    for (how, flags) in [
        ("without", only(theirs, ours)),
        ("with", only(ours, theirs)),
    ] {
        if !flags.is_empty() {
            let _ = write!(words, ", {how} {}", flags.join(" and "));
        }
    }
    words
}

fn counted(counts: &str) -> String {
    let calls: Map<String, Value> = serde_json::from_str(counts).unwrap_or_default();
    let calls: Vec<String> = calls
        .iter()
        .map(|(call, it)| format!("{it} {call}"))
        .collect();
    match calls.is_empty() {
        true if counts.is_empty() => "once".to_owned(),
        true => format!("{counts} times"),
        false => calls.join(", "),
    }
}

fn at_steps(mine: &Act, reference: &Act) -> String {
    match (mine.step + 1, reference.step + 1) {
        (one, two) if one == two => format!("At step {one}"),
        (one, two) => format!("At step {two}, your step {one},"),
    }
}

/// `p2 calls chdir("/")`.
fn calls(act: &Act) -> String {
    format!("{} {}", act.who, verb(act))
}

fn verb(act: &Act) -> String {
    if act.call != "exit" {
        return format!("calls {}", short(&act.shown()));
    }
    let how = act.arguments.first().cloned().unwrap_or_default();
    match how.parse::<u8>() {
        Ok(status) => format!("exits with status {status}"),
        Err(_) => format!("is ended by {how}"),
    }
}

/// What comes of a call: its error, or what has changed.
fn outcome(steps: &[Value], act: &Act) -> String {
    match act.error.is_empty() {
        true => effect(steps, act),
        false => failed(steps, act),
    }
}

fn failed(steps: &[Value], act: &Act) -> String {
    let error = &steps[act.step]["error"];
    let Some(errno) = error["errno"].as_str() else {
        return String::new();
    };
    let words = error["words"].as_str().unwrap_or_default();
    let why = error["why"].as_str();
    let why = why.map(|it| format!(": {}", it.trim_end_matches('.')));
    format!(". It fails: {errno} ({words}){}", why.unwrap_or_default())
}

/// What a step has changed for its process, in a few words.
fn effect(steps: &[Value], act: &Act) -> String {
    const MOST: usize = 2;
    let mut views: BTreeMap<&str, Value> = BTreeMap::new();
    for step in &steps[..act.step] {
        if let (Some(who), Some(born)) = (step["who"].as_str(), step["born"].as_str()) {
            let copy = views.get(who).cloned().unwrap_or_default();
            views.insert(born, copy);
        }
        for (name, patch) in step["view"].as_object().into_iter().flatten() {
            difference::lay(patch, views.entry(name).or_default());
        }
    }
    let (Some(before), Some(patch)) = (
        views.get(act.who.as_str()),
        steps[act.step]["view"].get(&act.who),
    ) else {
        return String::new();
    };
    let mut words = change::words(before, patch, false);
    words.truncate(MOST);
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", act::without_places(&words.join("; "))),
    }
}

/// What mine does instead of what is missing.
fn goes_on(runs: &Runs, at: usize, missing: &Act, end: &Value) -> String {
    let next = || {
        runs.lines[at..]
            .iter()
            .filter_map(|it| it.0)
            .map(|i| &runs.mine[i])
    };
    if let Some(act) = next().find(|it| it.who == missing.who) {
        return match act.call.as_str() {
            "exit" => format!("it {} there", verb(act)),
            _ => format!("it goes on with {}", short(&act.shown())),
        };
    }
    // That process makes no step any more.
    match (next().next(), end["cut"].as_str()) {
        (Some(act), _) => calls(act),
        (None, Some(why)) => format!("its record ends there: {why}"),
        (None, None) => "it makes no further step".to_owned(),
    }
}

/// The kernel shows something else in a view.
pub(crate) fn state(acts: [&Act; 2], name: &str, before: &Value, seen: [&Value; 2]) -> String {
    let words = seen.map(|it| {
        let patch = difference::between(before, it).unwrap_or_default();
        change::words(before, &patch, true)
    });
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        let own = one.iter().filter(|it| !other.contains(it));
        own.cloned().collect()
    };
    let (ours, theirs) = (only(&words[0], &words[1]), only(&words[1], &words[0]));
    let told = |words: &[String]| match words.is_empty() {
        true => "not".to_owned(),
        false => words.join("; "),
    };
    let what = match ours.is_empty() && theirs.is_empty() {
        true => leaf(seen[0], seen[1], ""),
        false => format!(
            "in the reference {}, in yours {}",
            told(&theirs),
            told(&ours)
        ),
    };
    let place = at_steps(acts[0], acts[1]);
    let call = short(&acts[1].shown());
    format!("{place} both call {call}, and {name} is another afterwards: {what}.")
}

/// The first value that is not the same, by its way there.
fn leaf(mine: &Value, reference: &Value, way: &str) -> String {
    if let (Value::Object(ours), Value::Object(theirs)) = (mine, reference) {
        let point = |it: &Value| {
            it["point"]
                .as_str()
                .map(|it| format!(" of the mount on {it}"))
        };
        let mut keys: Vec<&String> = theirs.keys().chain(ours.keys()).collect();
        keys.sort();
        for key in keys {
            let (one, two) = (&mine[key], &reference[key]);
            if one != two {
                let key = point(two).unwrap_or_else(|| format!(" {key}"));
                return leaf(one, two, &format!("{way}{key}"));
            }
        }
    }
    let told = |value: &Value| match value {
        Value::Null => "not there".to_owned(),
        Value::String(text) => text.clone(),
        value => short(&value.to_string()),
    };
    let way = way.trim_start();
    format!(
        "{way}: {} in the reference, {} in yours",
        told(reference),
        told(mine)
    )
}

/// All steps are the same; is the end?
pub(crate) fn end(mine: &Value, reference: &Value) -> Option<First> {
    if mine == reference {
        return None;
    }
    let told = |end: &Value| match (end["status"].as_u64(), end["signal"].as_u64()) {
        (Some(status), _) => format!("exits with status {status}"),
        (_, Some(signal)) => {
            let signal = i32::try_from(signal).unwrap_or_default();
            format!("is ended by {}", linux_sys::signal_name(signal))
        }
        _ => {
            let why = end["cut"].as_str().unwrap_or("its record is not complete");
            format!("does not end: {why}")
        }
    };
    let left = |end: &Value| {
        let left = end["left"].as_array().into_iter().flatten();
        let left: Vec<&str> = left.filter_map(Value::as_str).collect();
        match left.is_empty() {
            true => String::new(),
            false => format!(", and leaves {}", left.join(", ")),
        }
    };
    Some(First {
        mine: None,
        reference: None,
        kind: Kind::End,
        says: format!(
            "All steps are the same, and the end is not: the reference {}{}; yours {}{}.",
            told(reference),
            left(reference),
            told(mine),
            left(mine)
        ),
    })
}

fn short(text: &str) -> String {
    let text = act::without_places(text);
    match text.chars().count() {
        0..=LONGEST => text,
        _ => text
            .chars()
            .take(LONGEST - 3)
            .chain("...".chars())
            .collect(),
    }
}
