//! The class as it is shown: on the wall without names and seats, to the instructor with them.
//!
//! A whole snapshot each time. The largest has some 30 kB, and a page that was away for a while
//! needs nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::class::{Class, Seat};
use crate::lessons::Lessons;
use crate::message::Told;
use crate::plan::Plan;

/// What the wall shows: how many are where.
pub(crate) fn wall(
    class: &Class,
    lessons: &Lessons,
    plan: Option<&Plan>,
    join: &[String],
) -> Value {
    let mut levels: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (_, seat) in class.seats() {
        let [at, done, failing] = levels.entry(&seat.level).or_default();
        *at += 1;
        *done += usize::from(seat.told == Told::Done);
        *failing += usize::from(seat.trouble.is_some());
    }
    let level = |(level, [at, done, failing]): (&str, [usize; 3])| {
        json!({ "level": level, "title": lessons.title(level), "at": at, "done": done,
                "failing": failing })
    };
    json!({
        "seats": class.seats().count(),
        "hands": class.seats().filter(|(_, seat)| seat.hand.is_some()).count(),
        "levels": levels.into_iter().map(level).collect::<Vec<_>>(),
        "join": join,
        "plan": plan.map(Plan::shown),
    })
}

/// What the instructor sees besides: the seats, those longest in trouble first, the hands that
/// are up, and where several fail at the same place.
pub(crate) fn instructor(
    class: &Class,
    lessons: &Lessons,
    plan: Option<&Plan>,
    join: &[String],
    now: Duration,
) -> Value {
    let mut shown = wall(class, lessons, plan, join);
    let mut seats: Vec<(&str, &Seat)> = class.seats().collect();
    // Who is in no trouble comes last, by level.
    seats.sort_by_key(|(number, seat)| {
        let trouble = seat.trouble.unwrap_or(Duration::MAX);
        (trouble, seat.level.clone(), number.to_string())
    });
    let mut hands: Vec<(&str, &Seat)> = seats.clone();
    hands.retain(|(_, seat)| seat.hand.is_some());
    hands.sort_by_key(|(_, seat)| seat.hand);
    let of = |seats: &[(&str, &Seat)]| -> Vec<Value> {
        let seat = |(number, it): &(&str, &Seat)| seat(number, it, now);
        seats.iter().map(seat).collect()
    };
    shown["raised"] = of(&hands).into();
    shown["all"] = of(&seats).into();
    shown["places"] = places(&seats, lessons).into();
    shown
}

fn seat(number: &str, seat: &Seat, now: Duration) -> Value {
    let seconds = |since: Duration| now.saturating_sub(since).as_secs();
    json!({
        "seat": number,
        "name": seat.name,
        "level": seat.level,
        "told": seat.told.word(),
        "steps": seat.steps,
        "failing": seat.failing,
        "hand": seat.hand.map(seconds),
        "trouble": seat.trouble.map(seconds),
        "heard": seconds(seat.heard),
    })
}

/// `12 of 38 fail at 02 step 3`: where most fail comes first.
fn places(seats: &[(&str, &Seat)], lessons: &Lessons) -> Vec<Value> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, seat) in seats {
        if let Some(place) = &seat.failing {
            *places.entry(place).or_default() += 1;
        }
    }
    let mut places: Vec<(&str, usize)> = places.into_iter().collect();
    places.sort_by_key(|(place, count)| (usize::MAX - count, *place));
    let shown = |(place, count): (&str, usize)| {
        let rows = lessons.rows(place).iter();
        let rows = rows.map(|row| json!({ "sees": row.sees, "is": row.is, "say": row.say }));
        json!({
            "place": place,
            "count": count,
            "of": seats.len(),
            "step": lessons.step(place),
            "rows": rows.collect::<Vec<_>>(),
        })
    };
    places.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use crate::message::Message;
    use std::path::Path;

    fn class() -> Class {
        let mut class = Class::new(99);
        let told = [
            ("aaaaaaaa", "Ann", "02", "fails", Some("02.3"), false, 10),
            ("bbbbbbbb", "Bob", "02", "fails", Some("02.3"), true, 5),
            ("cccccccc", "Cem", "03", "done", None, true, 2),
            ("dddddddd", "Dan", "02", "not-built", None, false, 7),
        ];
        for (seat, name, level, told, failing, hand, second) in told {
            let message = json!({ "code": "k7m29xqd", "seat": seat, "secret": "0123456789abcdef",
                "name": name, "hand": hand, "level": level, "told": told, "steps": "pf",
                "failing": failing });
            let message = Message::parse(message.to_string().as_bytes()).unwrap();
            class.tell(message, Duration::from_secs(second)).unwrap();
        }
        class
    }

    fn lessons() -> Lessons {
        Lessons::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
    }

    #[test]
    fn the_wall_counts_and_names_nobody() {
        let wall = wall(
            &class(),
            &lessons(),
            None,
            &["http://1.2.3.4:7070/x".to_owned()],
        );
        assert_eq!(wall["seats"], 4);
        assert_eq!(wall["hands"], 2);
        assert_eq!(
            wall["levels"][0],
            json!({ "level": "02", "title": "a mount namespace", "at": 3, "done": 0, "failing": 3 })
        );
        let text = wall.to_string();
        for secret in [
            "Ann",
            "Bob",
            "Cem",
            "Dan",
            "aaaaaaaa",
            "0123456789abcdef",
            "02.3",
        ] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }

    #[test]
    fn the_longest_in_trouble_come_first_and_hands_have_a_list_of_their_own() {
        let shown = instructor(&class(), &lessons(), None, &[], Duration::from_secs(20));
        let names = |list: &str| -> Vec<&str> {
            let seats = shown[list].as_array().unwrap();
            seats
                .iter()
                .map(|it| it["name"].as_str().unwrap())
                .collect()
        };
        assert_eq!(names("all"), ["Bob", "Dan", "Ann", "Cem"]);
        assert_eq!(names("raised"), ["Cem", "Bob"]);
        assert_eq!(shown["all"][0]["trouble"], 15);
        assert_eq!(shown["all"][3]["trouble"], Value::Null);
        let place = &shown["places"][0];
        assert_eq!((&place["count"], &place["of"]), (&json!(2), &json!(4)));
        assert!(place["step"].as_str().unwrap().contains("/dev"), "{place}");
        assert!(place["rows"].as_array().unwrap().len() >= 2, "{place}");
        assert!(
            !shown.to_string().contains("0123456789abcdef"),
            "the secrets stay here"
        );
    }
}
