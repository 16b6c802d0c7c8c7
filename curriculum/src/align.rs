//! The alignment of two files that breaks the fewest rules of the chain.
//!
//! An ordinary diff would not do: where several alignments are equally short it
//! picks one, and the one it picks may put a permitted line in a forbidden place.
//! Files of a level are small enough for the plain table.

use super::line::Line;

/// One step of an alignment of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Keep,
    Vanish,
    Appear,
}

/// Whether `line` may appear in front of line `gap` of the older file.
pub(super) fn may_appear(old: &[Line], gap: usize, line: &Line) -> bool {
    let in_block = |index: Option<usize>| {
        index
            .and_then(|index| old.get(index))
            .is_some_and(|line| line.in_block)
    };
    line.may_appear || in_block(gap.checked_sub(1)) || in_block(Some(gap))
}

/// The alignment that breaks the fewest rules, and among those the shortest.
pub(super) fn align(old: &[Line], new: &[Line]) -> Vec<Step> {
    const BROKEN: u32 = 10_000; // dearer than any number of permitted steps
    let vanish = |i: usize| if old[i].may_vanish { 1 } else { BROKEN };
    let appear = |i: usize, j: usize| {
        if may_appear(old, i, &new[j]) {
            1
        } else {
            BROKEN
        }
    };
    let width = new.len() + 1;
    // cost[i * width + j]: the cheapest way from (i, j) to the end of both.
    let mut cost = vec![0_u32; (old.len() + 1) * width];
    let mut best = vec![Step::Keep; cost.len()];
    for i in (0..=old.len()).rev() {
        for j in (0..=new.len()).rev() {
            let mut choices = Vec::with_capacity(3);
            if i < old.len() && j < new.len() && old[i].text == new[j].text {
                choices.push((cost[(i + 1) * width + j + 1], Step::Keep));
            }
            if i < old.len() {
                choices.push((cost[(i + 1) * width + j] + vanish(i), Step::Vanish));
            }
            if j < new.len() {
                choices.push((cost[i * width + j + 1] + appear(i, j), Step::Appear));
            }
            if let Some((price, step)) = choices.into_iter().min_by_key(|(price, _)| *price) {
                cost[i * width + j] = price;
                best[i * width + j] = step;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    while i < old.len() || j < new.len() {
        let step = best[i * width + j];
        steps.push(step);
        i += usize::from(step != Step::Appear);
        j += usize::from(step != Step::Vanish);
    }
    steps
}
