//! A set of numbers as a search by halves.

use std::collections::BTreeSet;

use linux_sys::{BPF_JGE_K, BPF_RET_K, Errno, SECCOMP_RET_ALLOW, SockFilter, seccomp_ret_errno};

/// An instruction: what to do, how many to leave out if a comparison holds and if not, and a
/// number.
pub const fn op(code: u16, jt: u8, jf: u8, k: u32) -> SockFilter {
    SockFilter { code, jt, jf, k }
}

/// From `first` to where the next one begins, all numbers are allowed or none is.
struct Range {
    first: u32,
    is_allowed: bool,
}

/// Allows what is in `numbers`; EPERM for the rest.
pub(super) fn allowing(numbers: &BTreeSet<u32>) -> Vec<SockFilter> {
    half(&ranges(numbers))
}

fn ranges(numbers: &BTreeSet<u32>) -> Vec<Range> {
    let mut ranges = vec![Range {
        first: 0,
        is_allowed: numbers.contains(&0),
    }];
    for number in numbers {
        // Where a run of allowed numbers begins, and behind its end.
        let edges = [Some(*number), number.checked_add(1)];
        for first in edges.into_iter().flatten() {
            let is_allowed = numbers.contains(&first);
            if ranges.last().is_some_and(|it| it.is_allowed != is_allowed) {
                ranges.push(Range { first, is_allowed });
            }
        }
    }
    ranges
}

/// One answer for one range; for more, a comparison with the first number of the upper half,
/// then the lower half, then the upper one.
fn half(ranges: &[Range]) -> Vec<SockFilter> {
    match ranges {
        [] => Vec::new(),
        [range] => {
            let answer = match range.is_allowed {
                true => SECCOMP_RET_ALLOW,
                false => seccomp_ret_errno(Errno::EPERM),
            };
            vec![op(BPF_RET_K, 0, 0, answer)]
        }
        _ => {
            let (lower, upper) = ranges.split_at(ranges.len() / 2);
            let below = half(lower);
            // A jump's length has eight bits, which a test looks after.
            let mut program = vec![op(BPF_JGE_K, below.len() as u8, 0, upper[0].first)];
            program.extend(below);
            program.extend(half(upper));
            program
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seccomp::machine::answer;

    #[test]
    fn each_number_finds_its_answer() {
        let sets: [&[u32]; 6] = [
            &[],
            &[0],
            &[7],
            &[0, 1, 2, 5, 9, 10, 12],
            &[3, 4, 5, u32::MAX],
            &[0, u32::MAX - 1],
        ];
        for set in sets {
            let set: BTreeSet<u32> = set.iter().copied().collect();
            let program = allowing(&set);
            for number in (0..20).chain([u32::MAX - 2, u32::MAX - 1, u32::MAX]) {
                let wanted = match set.contains(&number) {
                    true => SECCOMP_RET_ALLOW,
                    false => seccomp_ret_errno(Errno::EPERM),
                };
                assert_eq!(
                    answer(&program, number, number, 0),
                    wanted,
                    "{number} of {set:?}"
                );
            }
        }
    }
}
