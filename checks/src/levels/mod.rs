//! The checks themselves, one file a level. A level added later is one more line here.

mod choices;
mod l00;
mod l01;
mod l02;
mod l03;
mod l04;
mod l05;
mod l06;
mod l07;
pub(crate) mod l08;
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
mod moments;
mod observed;
mod program;
mod promises;
mod refusals;
mod without_root;

use crate::check::LevelChecks;
use crate::finding::Diagnosis;
pub use choices::choice;
pub(crate) use l10::with_probe;
pub(crate) use observed::OBSERVED;

pub(crate) use program::{makes_cgroups, reached};
pub(crate) use promises::{ended, is_asked, is_asked_with_an_option, is_true_with};

/// All levels, in order.
pub const LEVELS: &[LevelChecks] = &[
    l00::LEVEL,
    l01::LEVEL,
    l02::LEVEL,
    l03::LEVEL,
    l04::LEVEL,
    l05::LEVEL,
    l06::LEVEL,
    l07::LEVEL,
    l08::LEVEL,
    l09::LEVEL,
    l10::LEVEL,
    l11::LEVEL,
    l12::LEVEL,
    l13::LEVEL,
    l14::LEVEL,
    l15::LEVEL,
    l16::LEVEL,
    l17::LEVEL,
    l18::LEVEL,
    l19::LEVEL,
    l20::LEVEL,
];

/// What each level knows of the errors of its own calls, and of what they fail on.
const DIAGNOSES: [(u8, Meaning); 3] =
    [(4, l04::diagnose), (13, l13::diagnose), (20, l20::diagnose)];

type Meaning = fn(&str) -> Option<Diagnosis>;

/// What these errors mean, in a program that should have come as far as level `judged`: the
/// last level that knows them is asked.
pub(crate) fn diagnose(errors: &str, judged: u8) -> Option<Diagnosis> {
    let mut known = DIAGNOSES.iter().rev().filter(|(level, _)| *level <= judged);
    known.find_map(|(_, diagnose)| diagnose(errors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn levels_are_numbered_from_zero_without_a_gap() {
        let numbers: Vec<u8> = LEVELS.iter().map(|level| level.number).collect();
        assert!(numbers.into_iter().eq(0..=syllabus::LAST));
    }

    #[test]
    fn titles_are_the_lessons() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for level in LEVELS {
            let lesson = std::fs::read_to_string(root.join(level.lesson())).unwrap_or_default();
            let heading = format!("# Level {:02}: {}", level.number, level.title());
            assert_eq!(lesson.lines().next(), Some(heading.as_str()));
        }
    }

    #[test]
    fn names_are_unique_and_needs_name_an_earlier_check() {
        let mut earlier = BTreeSet::new();
        for level in LEVELS {
            for check in level.checks {
                for needed in check.needs {
                    assert!(
                        earlier.contains(needed),
                        "{:?} needs {needed:?}",
                        check.name
                    );
                }
                assert!(
                    earlier.insert(check.name),
                    "{:?} is there twice",
                    check.name
                );
            }
        }
    }
}
