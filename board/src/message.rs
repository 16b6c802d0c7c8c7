//! What a seat sends. Nothing of it is believed: each field has its form and its length, and
//! what has another is refused as a whole.

use serde_json::Value;

use crate::secret::normal;

/// The longest message, in bytes. An honest one has some 250.
pub(crate) const LONGEST: usize = 2048;

/// Letters of a name.
const NAME: usize = 32;

/// Steps of a lesson; no lesson has half as many.
const STEPS: usize = 32;

/// What is known of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Begun,
    NotBuilt,
    Fails,
    Done,
}

impl Told {
    const WORDS: [(&str, Told); 4] = [
        ("begun", Told::Begun),
        ("not-built", Told::NotBuilt),
        ("fails", Told::Fails),
        ("done", Told::Done),
    ];

    fn of(word: &str) -> Option<Told> {
        let found = Told::WORDS.iter().find(|(it, _)| *it == word);
        found.map(|(_, told)| *told)
    }

    pub(crate) fn word(self) -> &'static str {
        let found = Told::WORDS.iter().find(|(_, it)| *it == self);
        found.map_or("begun", |(word, _)| word)
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) code: String,
    pub(crate) seat: String,
    pub(crate) secret: String,
    pub(crate) name: Option<String>,
    pub(crate) hand: bool,
    pub(crate) level: String,
    pub(crate) told: Told,
    pub(crate) steps: String,
    pub(crate) failing: Option<String>,
}

impl Message {
    /// What a seat has sent; or the field that has not the form it should.
    pub(crate) fn parse(text: &[u8]) -> Result<Message, &'static str> {
        let value: Value = serde_json::from_slice(text).map_err(|_| "it is no JSON")?;
        let text = |field: &'static str, is_good: fn(&str) -> bool| {
            let text = value[field].as_str().filter(|text| is_good(text));
            text.map(str::to_owned).ok_or(field)
        };
        let perhaps = |field: &'static str, is_good: fn(&str) -> bool| match &value[field] {
            Value::Null => Ok(None),
            _ => text(field, is_good).map(Some),
        };
        Ok(Message {
            code: normal(&text("code", |it| it.len() <= 16)?),
            seat: text("seat", |it| it.len() == 8 && is_plain(it))?,
            secret: text("secret", |it| (16..=64).contains(&it.len()) && is_plain(it))?,
            name: perhaps("name", is_good_name)?,
            hand: value["hand"].as_bool().ok_or("hand")?,
            level: text("level", is_level)?,
            told: Told::of(&text("told", |_| true)?).ok_or("told")?,
            steps: text("steps", |it| {
                it.len() <= STEPS && it.bytes().all(|byte| b"pfo-".contains(&byte))
            })?,
            failing: perhaps("failing", is_place)?,
        })
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The companion refuses the same names, with a sentence: what comes here all the same was
/// sent by something else.
fn is_good_name(name: &str) -> bool {
    let is_shown_as_it_is = given::printable(name) == name;
    !name.trim().is_empty() && name.chars().count() <= NAME && is_shown_as_it_is
}

fn is_level(text: &str) -> bool {
    text == "rd" || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `02.3`, or `02`.
fn is_place(text: &str) -> bool {
    match text.split_once('.') {
        None => is_level(text),
        Some((level, step)) => {
            let is_number = step.parse::<u8>().is_ok_and(|step| step > 0);
            is_level(level) && is_number && step.len() <= 2 && is_plain(step)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    const GOOD: &str = include_str!("../tests/message.json");

    #[test]
    fn what_the_companion_sends_is_understood() {
        let message = Message::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(message.code, "k7m29xqd");
        assert_eq!(message.name.as_deref(), Some("Ann"));
        assert_eq!(message.failing.as_deref(), Some("02.2"));
        assert_eq!(message.told, Told::Fails);
        assert!(message.hand && message.steps == "pf-o");
        assert!(GOOD.len() < LONGEST / 2);
        let none = GOOD.replace("\"Ann\"", "null").replace("\"02.2\"", "null");
        let message = Message::parse(none.as_bytes()).unwrap();
        assert_eq!((message.name, message.failing), (None, None));
    }

    #[test]
    fn what_has_another_form_is_refused_and_the_field_is_named() {
        let long = format!("\"{}\"", "x".repeat(33));
        for (from, to, why) in [
            ("{", "", "it is no JSON"),
            ("\"7kq2m9xd\"", "\"../../..\"", "seat"),
            ("\"7kq2m9xd\"", "17", "seat"),
            ("\"0123456789abcdefghjkmnpqrs\"", "\"short\"", "secret"),
            ("\"Ann\"", &long, "name"),
            ("\"Ann\"", "\"\"", "name"),
            ("\"Ann\"", "\"a\\u0007b\"", "name"),
            ("\"Ann\"", "\"a\\u202eb\"", "name"),
            ("\"Ann\"", "\"a\\u2066b\"", "name"),
            ("\"Ann\"", "\"a\\nb\"", "name"),
            ("\"Ann\"", "[\"Ann\"]", "name"),
            ("true", "\"up\"", "hand"),
            ("\"02\"", "\"002\"", "level"),
            ("\"02\"", "\"<b\"", "level"),
            ("\"fails\"", "\"angry\"", "told"),
            ("\"pf-o\"", "\"p<script>\"", "steps"),
            ("\"pf-o\"", &format!("\"{}\"", "p".repeat(33)), "steps"),
            ("\"02.2\"", "\"02.0\"", "failing"),
            ("\"02.2\"", "\"02.+2\"", "failing"),
            ("\"02.2\"", "\"02.256\"", "failing"),
            ("\"02.2\"", "\"2\"", "failing"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_eq!(Message::parse(text.as_bytes()), Err(why), "{text}");
        }
    }

    #[test]
    fn a_name_in_any_script_is_a_name_and_markup_is_only_letters() {
        for name in ["李雷", "نور", "Zoë", "<img src=x onerror=alert(1)>"] {
            let text = GOOD.replace("Ann", name);
            let message = Message::parse(text.as_bytes()).unwrap();
            assert_eq!(message.name.as_deref(), Some(name));
        }
    }
}
