//! The page: one file, with the record in it, that a browser shows without any other.
//!
//! Its parts are in `xray/page/`, where `npm run build` makes `bundle/page.html` of them. That is
//! committed, so that cargo needs no npm.
//!
//! The record holds what the level's files and command line say, which is not ours: it stands
//! in the page as data, and nothing in it can end the element that it is in.

use std::collections::{HashMap, HashSet};

use linux_sys::{Capability, purpose_traced};
use serde_json::{Map, Value, json};

use crate::stops::{Stop, Views, stops};

/// The page, with a word where the record is to be.
const PAGE: &str = include_str!("../page/bundle/page.html");

/// That word.
const PLACE: &str = "RECORD";

/// The whole page.
pub fn make(record: &Value) -> String {
    let mut record = record.clone();
    let steps = record["steps"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    let mut views = Views::default();
    let mut first = 0;
    let mut told = Vec::new();
    for stop in stops(steps) {
        told.push(tell(&stop, first, &mut views));
        first += stop.steps.len();
    }
    record["stops"] = told.into();
    keep_what_is_shown(&mut record);
    record["stacks"] = stacks(&mut record["steps"]).into();
    let names = Capability::ALL.iter();
    let names = names.map(|it| it.to_string());
    record["capabilities"] = names.collect();
    let marker = format!(">{PLACE}<");
    PAGE.replacen(&marker, &format!(">{}<", harmless(&record.to_string())), 1)
}

/// So many lines before and after one that has led to a call are kept: more than the page shows.
const AROUND: usize = 16;

/// Of the sources, only what can be seen: the other lines are empty, so that each has its number.
fn keep_what_is_shown(record: &mut Value) {
    let mut shown: HashMap<String, HashSet<usize>> = HashMap::new();
    let steps = record["steps"].as_array().into_iter().flatten();
    for line in steps.flat_map(|step| step["lines"].as_array().into_iter().flatten()) {
        let number = line["line"].as_u64().unwrap_or_default();
        let number = usize::try_from(number).unwrap_or_default();
        let around = number.saturating_sub(AROUND)..=number.saturating_add(AROUND);
        let file = line["file"].as_str().unwrap_or_default();
        shown.entry(file.to_owned()).or_default().extend(around);
    }
    for (file, text) in record["files"].as_object_mut().into_iter().flatten() {
        let Some(shown) = shown.get(file) else {
            continue;
        };
        let lines = text.as_str().unwrap_or_default().lines().enumerate();
        let lines = lines.map(|(index, line)| match shown.contains(&(index + 1)) {
            true => line,
            false => "",
        });
        *text = lines.collect::<Vec<_>>().join("\n").into();
    }
}

/// Steps by the same lines are many: those stand there once, and in a step their number.
fn stacks(steps: &mut Value) -> Vec<Value> {
    let mut stacks: Vec<Value> = Vec::new();
    for step in steps.as_array_mut().into_iter().flatten() {
        let Some(lines) = step.get_mut("lines") else {
            continue;
        };
        let number = stacks.iter().position(|it| it == lines);
        let number = number.unwrap_or_else(|| {
            stacks.push(lines.clone());
            stacks.len() - 1
        });
        *lines = number.into();
    }
    stacks
}

/// What the page does not find in the record: which steps are told as one, and the words.
fn tell(stop: &Stop, first: usize, views: &mut Views) -> Value {
    let step = &stop.steps[0];
    let name = step["call"].as_str().unwrap_or_default();
    let arguments = step["arguments"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    let said = views.changes(stop.steps).into_iter();
    let said: Map<String, Value> = said.map(|(column, words)| (column, words.into())).collect();
    let mut told = json!({
        "first": first,
        "count": stop.steps.len(),
        "times": stop.times(),
        "said": said,
    });
    if let Some(purpose) = purpose_traced(name, &arguments.join(", ")) {
        told["does"] = purpose.into();
    }
    if stop.times() > 1 {
        told["others"] = stop.others().into();
    }
    if stop.is_unpacking() {
        told["does"] = "an archive is unpacked: its directories, files and links".into();
    }
    if stop.is_search {
        told["search"] = true.into();
    }
    told
}

/// JSON that means the same, and nothing to the parser of HTML: `<` begins neither a tag nor a
/// comment, and U+2028 ends no line.
fn harmless(json: &str) -> String {
    // They occur in strings only, where each character may be written by its number.
    let mut text = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_place_for_the_record() {
        assert_eq!(PAGE.matches(&format!(">{PLACE}<")).count(), 1);
    }

    #[test]
    fn what_a_record_says_is_data() -> Result<(), serde_json::Error> {
        let text = "</script><script>alert(1)</script><!-- <script \u{2028} & RECORD \\ \"";
        let record = json!({"argv": [text], "files": {text: text}, "steps": []});
        let page = make(&record);
        let shell = PAGE.split_once(PLACE).map_or(0, |(before, _)| before.len());
        let inside = &page[shell..];
        let end = inside.find('<').unwrap_or_default();
        assert!(inside[end..].starts_with("</script>"));
        let read: Value = serde_json::from_str(&inside[..end])?;
        assert_eq!(read["argv"], record["argv"]);
        assert_eq!(read["files"], record["files"]);
        assert!(!page.contains("alert(1)</script>") && !page.contains('\u{2028}'));
        Ok(())
    }
}
