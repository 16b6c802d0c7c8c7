//! All that is sent to a board. Each message has everything that the board knows of a seat,
//! so that a board which was started anew has forgotten nothing after the next one.

use serde_json::json;

use super::kept::Seat;
use super::state::{State, Told};

/// How many letters a name may have.
const NAME: usize = 32;

/// Whether the board shows it as it is: nothing in it that turns the line around, is not seen,
/// or is obeyed by a terminal.
pub(crate) fn is_good_name(name: &str) -> bool {
    let is_shown_as_it_is = given::printable(name) == name;
    !name.trim().is_empty() && name.chars().count() <= NAME && is_shown_as_it_is
}

/// The message, as the board reads it: `board/tests/message.json` is one.
pub(crate) fn message(seat: &Seat) -> String {
    json!({
        "code": seat.board.code,
        "seat": seat.number,
        "secret": seat.secret,
        "name": seat.name,
        "hand": seat.hand,
        "level": seat.state.level,
        "told": seat.state.word(),
        "steps": seat.state.steps,
        "failing": seat.state.failing,
    })
    .to_string()
}

/// The same for the learner, who is asked whether it may be sent: what it is, and its value.
pub(crate) fn in_words(seat: &Seat) -> Vec<(&'static str, String)> {
    let name = match &seat.name {
        Some(name) => name.clone(),
        None => "none; --name NAME sends one".to_owned(),
    };
    let State { level, told, .. } = &seat.state;
    let how = match told {
        Told::Begun => "not checked as it is",
        Told::NotBuilt => "does not compile",
        Told::Fails => "a check fails",
        Told::Done => "done",
    };
    vec![
        ("seat", format!("{}, drawn at random", in_two(&seat.number))),
        ("name", name),
        ("level", format!("{level}: {how}")),
        ("its steps", steps(&seat.state.steps)),
        (
            "first failing",
            seat.state.failing.clone().unwrap_or("none".to_owned()),
        ),
        ("hand", if seat.hand { "up" } else { "down" }.to_owned()),
    ]
}

/// `7kq2-m9xd`, as the board shows it.
fn in_two(number: &str) -> String {
    match number.split_at_checked(4) {
        Some((one, two)) => format!("{one}-{two}"),
        None => number.to_owned(),
    }
}

fn steps(letters: &str) -> String {
    let words = letters.chars().enumerate().map(|(index, letter)| {
        let how = match letter {
            'p' => "passes",
            'f' => "fails",
            'o' => "open",
            _ => "no check tells",
        };
        format!("{} {how}", index + 1)
    });
    match letters {
        "" => "not known yet".to_owned(),
        _ => words.collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use crate::seat::address::Address;
    use serde_json::Value;

    fn seat() -> Seat {
        Seat {
            board: Address::parse("http://192.168.1.5:7070/k7m2-9xqd").unwrap(),
            number: "7kq2m9xd".to_owned(),
            secret: "0123456789abcdefghjkmnpqrs".to_owned(),
            name: Some("Ann".to_owned()),
            hand: true,
            state: State {
                level: "02".to_owned(),
                told: Told::Fails,
                steps: "pf-o".to_owned(),
                failing: Some("02.2".to_owned()),
            },
        }
    }

    #[test]
    fn it_is_what_the_board_reads() {
        let theirs = include_str!("../../../board/tests/message.json");
        let theirs: Value = serde_json::from_str(theirs).unwrap();
        let ours: Value = serde_json::from_str(&message(&seat())).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn the_learner_reads_all_of_it_but_what_proves_who_they_are() {
        let shown = in_words(&seat());
        let sent: Value = serde_json::from_str(&message(&seat())).unwrap();
        // The code and the secret are named in the sentence below the list; of the level there
        // is a line for two fields.
        assert_eq!(sent.as_object().unwrap().len(), shown.len() + 3);
        let text: Vec<String> = shown
            .iter()
            .map(|(what, is)| format!("{what}: {is}"))
            .collect();
        assert_eq!(
            text,
            [
                "seat: 7kq2-m9xd, drawn at random",
                "name: Ann",
                "level: 02: a check fails",
                "its steps: 1 passes, 2 fails, 3 no check tells, 4 open",
                "first failing: 02.2",
                "hand: up",
            ]
        );
    }

    #[test]
    fn names_are_short_and_are_what_they_look_like() {
        for name in [
            "Ann",
            "Zoë",
            "李雷",
            "O'Brien \\ \"Bob\"",
            "नमस्ते",
            &"x".repeat(NAME),
        ] {
            assert!(is_good_name(name), "{name}");
        }
        for name in [
            "",
            "  ",
            "a\nb",
            "a\0",
            "\x1b[31m",
            "a\u{202e}b",
            "\u{2066}",
            "a\u{200b}",
            "\u{feff}",
            "\u{e0041}",
            &"x".repeat(NAME + 1),
        ] {
            assert!(!is_good_name(name), "{name:?}");
        }
    }
}
