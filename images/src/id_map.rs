//! Whose numbers there are, in the user namespace that we are in (user_namespaces(7)).
//!
//! Each namespace has a map, from its own numbers to those outside of it. A runtime that
//! nobody has given root to is root of a namespace of its own, and there are as many users
//! in it as its map has: 65536, or one.

use std::fs;

/// The map of the process: a line for each piece.
const MAP: &str = "/proc/self/uid_map";

/// The number that stands for every user without one here (user_namespaces(7)).
const OVERFLOW: &str = "/proc/sys/kernel/overflowuid";

/// Whether there is no other user here than us, so that nothing can be given to one.
///
/// Not to know means no: then chown(2) says what is wrong.
pub(crate) fn has_one_user() -> bool {
    fs::read_to_string(MAP).is_ok_and(|map| is_of_one(&map))
}

/// Whether `uid`, as the owner of something, stands for a user who is not in our namespace:
/// the host's root, as a rule.
///
/// Who it really is, nobody in here can tell. So the way to the store is looked at before a
/// namespace is entered, too.
pub(crate) fn is_outsider(uid: u32) -> bool {
    let overflow = fs::read_to_string(OVERFLOW);
    let is_overflow = overflow.is_ok_and(|it| it.trim().parse() == Ok(uid));
    is_overflow && fs::read_to_string(MAP).is_ok_and(|map| !is_whole(&map))
}

fn counts(map: &str) -> impl Iterator<Item = u64> {
    let third = |line: &str| line.split_whitespace().nth(2)?.parse().ok();
    map.lines().filter_map(third)
}

fn is_of_one(map: &str) -> bool {
    counts(map).sum::<u64>() == 1
}

/// The machine's own namespace has all numbers but the last one, which means "none".
fn is_whole(map: &str) -> bool {
    counts(map).sum::<u64>() == u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "         0          0 4294967295\n";
    const ONE: &str = "         0       1000          1\n";
    const MANY: &str = "         0       1000          1\n         1     100000      65535\n";

    #[test]
    fn a_map_of_one_is_told_from_others() {
        assert!(is_of_one(ONE));
        assert!(![MACHINE, MANY, ""].into_iter().any(is_of_one));
    }

    #[test]
    fn only_the_machine_has_all_numbers() {
        assert!(is_whole(MACHINE));
        assert!(![ONE, MANY, ""].into_iter().any(is_whole));
    }
}
