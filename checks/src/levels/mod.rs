//! The checks themselves, one file a level. A level added later is one more line here.

mod l00;
mod l01;
mod l02;
mod l03;
mod l04;

use crate::check::Level;

/// All levels, in order.
pub const LEVELS: &[Level] = &[l00::LEVEL, l01::LEVEL, l02::LEVEL, l03::LEVEL, l04::LEVEL];

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
