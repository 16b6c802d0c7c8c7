//! The checks themselves, one file a level. A level added later is one more line here.

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

use std::ffi::OsStr;
use std::path::Path;

use crate::check::Level;

/// All levels, in order.
pub const LEVELS: &[Level] = &[
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
];

/// Whether a level's program, going by its name, needs control groups to run at all.
pub(crate) fn makes_cgroups(binary: &Path) -> bool {
    let name = binary.file_name().and_then(OsStr::to_str).unwrap_or("");
    let number = name.strip_prefix("level").map(str::parse);
    name == "rd" || matches!(number, Some(Ok(8..=u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn levels_are_numbered_from_zero_without_a_gap() {
        for (level, number) in LEVELS.iter().zip(0..) {
            assert_eq!(level.number, number);
            assert!(
                level
                    .directory
                    .starts_with(&format!("{:02}_", level.number))
            );
        }
    }

    #[test]
    fn titles_are_the_lessons() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for level in LEVELS {
            let lesson = std::fs::read_to_string(root.join(level.lesson())).unwrap_or_default();
            let heading = format!("# Level {:02}: {}", level.number, level.title);
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
