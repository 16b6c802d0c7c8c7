//! What the lessons say of a step, and the helper's card of what goes wrong there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use curriculum::Error;
use curriculum::{levels, task};

/// The helper's card: tables of what goes wrong, with a row or more for each level.
const CARD: &str = "docs/src/class/helpers.md";

/// A row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What a learner sees.
    pub(crate) sees: String,
    /// What it is.
    pub(crate) is: String,
    /// What to say.
    pub(crate) say: String,
}

/// What is known of the levels, as markdown.
#[derive(Debug, Default)]
pub(crate) struct Lessons {
    /// Each level's title.
    titles: BTreeMap<String, String>,
    /// The words of `02.3`.
    steps: BTreeMap<String, String>,
    rows: BTreeMap<String, Vec<Row>>,
}

impl Lessons {
    /// Those of this checkout. A lesson that cannot be read has no words to show; that is no
    /// reason not to begin a class.
    pub(crate) fn read(root: &Path) -> Result<Lessons, Error> {
        let mut lessons = Lessons::default();
        for level in levels::discover(root)? {
            let Some(number) = level.number else { continue };
            let word = format!("{number:02}");
            let path = root.join(level.path()).join("README.md");
            for step in task::steps(&fs::read_to_string(path).unwrap_or_default()) {
                let words = step.words.trim().to_owned();
                lessons
                    .steps
                    .insert(format!("{word}.{}", step.number), words);
            }
            lessons.titles.insert(word, level.facts.title);
        }
        let page = fs::read_to_string(root.join(CARD)).unwrap_or_default();
        lessons.rows = table(&page);
        Ok(lessons)
    }

    pub(crate) fn title(&self, level: &str) -> &str {
        self.titles.get(level).map_or("", String::as_str)
    }

    /// The words of `02.3`; of a level alone there are none.
    pub(crate) fn step(&self, place: &str) -> Option<&str> {
        self.steps.get(place).map(String::as_str)
    }

    /// The rows about the level of `02.3`.
    pub(crate) fn rows(&self, place: &str) -> &[Row] {
        let level = place.split('.').next().unwrap_or(place);
        self.rows.get(level).map_or(&[], Vec::as_slice)
    }
}

fn table(page: &str) -> BTreeMap<String, Vec<Row>> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [level, sees, is, say] = cells[..]
            && level.parse::<u8>().is_ok()
        {
            rows.entry(level.to_owned()).or_default().push(Row {
                sees: without_links(sees),
                is: without_links(is),
                say: without_links(say),
            });
        }
    }
    rows
}

/// `[text](address)` becomes `text`: the board has no pages to go to.
fn without_links(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((words, address)) = after.split_once("](") else {
            break;
        };
        let Some((_, behind)) = address.split_once(')') else {
            break;
        };
        result += before;
        result += words;
        rest = behind;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn the_workshops_own_lessons_and_table_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let lessons = Lessons::read(&root).unwrap();
        assert_eq!(lessons.title("02"), "a mount namespace");
        let step = lessons.step("02.3").unwrap();
        assert!(
            step.starts_with("**A /dev of the container's own.**"),
            "{step}"
        );
        assert!(
            !step.contains("<details>"),
            "hints are the learner's: {step}"
        );
        assert!(lessons.rows("02.3").len() >= 2, "{:?}", lessons.rows("02"));
        assert_eq!(lessons.rows("02"), lessons.rows("02.1"));
        assert_eq!(lessons.step("02"), None);
        assert!(lessons.rows("rd").is_empty());
        for level in lessons.titles.keys() {
            assert!(!lessons.rows(level).is_empty(), "{level}");
        }
    }

    #[test]
    fn a_link_is_its_words() {
        assert_eq!(
            without_links("see [the formula](a.md#b), `[x]`"),
            "see the formula, `[x]`"
        );
        assert_eq!(without_links("[open"), "[open");
    }
}
