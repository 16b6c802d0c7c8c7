//! What a level leaves to its learner: one option each, for which there are no hints and more
//! than one right way.
//!
//! These checks are no part of what a level must show. One is looked at when all of its
//! level's checks are true, or when it is asked for by itself, and of its own level only: the next
//! crate does not have the option. It begins with `known`: a program that refuses the option has
//! not made the choice, and then nothing is judged. What the lesson leaves open no check decides.

mod known;
mod l00;
mod l01;
mod l02;
mod l03;
mod l04;
mod l05;
mod l06;
mod l07;
mod l08;
mod l09;
mod l10;
mod l11;
mod l12;
mod l13;
mod l14;
mod l15;
mod l16;
mod l17;
mod l18;
mod l19;
mod l20;

use crate::check::Check;

static CHOICES: [(u8, Check); 21] = [
    (0, l00::CHOICE),
    (1, l01::CHOICE),
    (2, l02::CHOICE),
    (3, l03::CHOICE),
    (4, l04::CHOICE),
    (5, l05::CHOICE),
    (6, l06::CHOICE),
    (7, l07::CHOICE),
    (8, l08::CHOICE),
    (9, l09::CHOICE),
    (10, l10::CHOICE),
    (11, l11::CHOICE),
    (12, l12::CHOICE),
    (13, l13::CHOICE),
    (14, l14::CHOICE),
    (15, l15::CHOICE),
    (16, l16::CHOICE),
    (17, l17::CHOICE),
    (18, l18::CHOICE),
    (19, l19::CHOICE),
    (20, l20::CHOICE),
];

/// The check of the choice that level `number` leaves, if it leaves one.
pub fn choice(number: u8) -> Option<&'static Check> {
    let mut choices = CHOICES.iter();
    choices
        .find(|(level, _)| *level == number)
        .map(|(_, check)| check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::LEVELS;

    #[test]
    fn each_level_leaves_one() {
        let numbers = CHOICES.iter().map(|(level, _)| *level);
        // A level that is being added has none yet.
        assert!(numbers.take(21).eq(0..=20));
        for (level, check) in &CHOICES {
            let level = LEVELS.iter().find(|it| it.number == *level);
            let names = level.into_iter().flat_map(|level| level.checks);
            assert!(names.map(|it| it.name).all(|name| name != check.name));
            // It is no step, and nothing needs it.
            assert_eq!((check.step, check.needs), (0, &[][..]), "{}", check.name);
            // The lesson and the sentence begin with the same option.
            assert!(check.name.starts_with("--"), "{}", check.name);
        }
    }

    #[test]
    fn the_lesson_names_the_option() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (level, check) in &CHOICES {
            let level = LEVELS.iter().find(|it| it.number == *level);
            let lesson = level.map(|it| it.lesson()).unwrap_or_default();
            let text = std::fs::read_to_string(root.join(&lesson)).unwrap_or_default();
            let (_, section) = text
                .split_once("\n## A choice of your own (optional)\n")
                .unwrap_or_default();
            let (section, _) = section.split_once("\n## ").unwrap_or_default();
            let option = check.name.split([' ', ':']).next().unwrap_or_default();
            assert!(
                section.contains(&format!("`{option}")),
                "{lesson}: {option}"
            );
            assert!(section.contains("--optional"), "{lesson}");
        }
    }
}
