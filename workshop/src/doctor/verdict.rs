//! What the findings mean for each level.

use super::finding::{Finding, LAST, Levels, State};

/// Whether a level works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ready,
    /// Nothing is known to be in the way, but not everything could be found out.
    NotKnown,
    NotReady,
}

/// Levels in a row of which the same is true.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    pub(super) levels: Levels,
    pub(super) verdict: Verdict,
    /// The findings that the verdict rests on.
    pub(super) because: Vec<&'a Finding>,
}

/// The verdict about one level, and what it rests on. Something unknown does not
/// matter any more where something else is in the way.
pub(super) fn of(level: u8, findings: &[Finding]) -> (Verdict, Vec<&Finding>) {
    let concerned = |state| -> Vec<&Finding> {
        let matters = |it: &&Finding| it.state == state && it.concerns(level);
        findings.iter().filter(matters).collect()
    };
    let in_the_way = concerned(State::InTheWay);
    if !in_the_way.is_empty() {
        return (Verdict::NotReady, in_the_way);
    }
    let not_known = concerned(State::NotKnown);
    if !not_known.is_empty() {
        return (Verdict::NotKnown, not_known);
    }
    (Verdict::Ready, Vec::new())
}

/// All levels, in stretches with the same verdict for the same reasons.
pub(super) fn stretches(findings: &[Finding]) -> Vec<Stretch<'_>> {
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    for level in 0..=LAST {
        let (verdict, because) = of(level, findings);
        let ids = |because: &[&Finding]| -> Vec<String> {
            because.iter().map(|it| it.id.clone()).collect()
        };
        match stretches.last_mut() {
            Some(last) if last.verdict == verdict && ids(&last.because) == ids(&because) => {
                last.levels = *last.levels.start()..=level;
            }
            _ => stretches.push(Stretch {
                levels: level..=level,
                verdict,
                because,
            }),
        }
    }
    stretches
}

/// Whether every level is ready.
pub(super) fn all_ready(findings: &[Finding]) -> bool {
    (0..=LAST).all(|level| of(level, findings).0 == Verdict::Ready)
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Topic, none};
    use super::*;

    fn from(level: u8) -> Levels {
        level..=LAST
    }

    fn finding(id: &str, state: State, levels: Levels) -> Finding {
        Finding::new(Topic::Kernel, id, state, levels, id)
    }

    fn shown(findings: &[Finding]) -> Vec<(Levels, Verdict, usize)> {
        stretches(findings)
            .into_iter()
            .map(|it| (it.levels, it.verdict, it.because.len()))
            .collect()
    }

    #[test]
    fn nothing_in_the_way_is_one_stretch_that_is_ready() {
        let findings = [
            finding("a", State::Fine, from(0)),
            finding("b", State::Note, from(4)),
            finding("c", State::InTheWay, none()),
        ];
        assert_eq!(shown(&findings), [(0..=LAST, Verdict::Ready, 0)]);
        assert!(all_ready(&findings));
    }

    #[test]
    fn what_a_level_needs_the_later_ones_need_too() {
        let findings = [
            finding("cpu", State::InTheWay, from(8)),
            finding("memory", State::InTheWay, from(9)),
        ];
        let expected = [
            (0..=7, Verdict::Ready, 0),
            (8..=8, Verdict::NotReady, 1),
            (9..=LAST, Verdict::NotReady, 2),
        ];
        assert_eq!(shown(&findings), expected);
        assert!(!all_ready(&findings));
    }

    #[test]
    fn what_is_not_known_is_not_ready_and_yields_to_what_is_in_the_way() {
        let findings = [
            finding("sudo", State::NotKnown, from(1)),
            finding("cpu", State::InTheWay, from(8)),
        ];
        let expected = [
            (0..=0, Verdict::Ready, 0),
            (1..=7, Verdict::NotKnown, 1),
            (8..=LAST, Verdict::NotReady, 1),
        ];
        assert_eq!(shown(&findings), expected);
        assert!(!all_ready(&findings));
    }
}
