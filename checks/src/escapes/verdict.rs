//! What came of an escape, and whether that is what the table says.

use syllabus::LAST;

use super::row::Escape;

/// What came of one escape in one solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Works(String),
    Stopped {
        seen: String,
        said: String,
    },
    Skipped(String),
    Broken(String),
    /// The caller's `--only` or `--edges` leaves it out.
    LeftOut,
}

impl Cell {
    pub(super) fn mark(&self) -> char {
        match self {
            Cell::Works(_) => 'X',
            Cell::Stopped { .. } => '.',
            Cell::Skipped(_) => 's',
            Cell::Broken(_) => '?',
            Cell::LeftOut => ' ',
        }
    }
}

impl Escape {
    pub(super) fn stopped_in(&self) -> Option<u8> {
        (self.works.1 < LAST).then(|| self.works.1 + 1)
    }

    /// Whether the answer changes here, or is the last one.
    pub(super) fn is_edge(&self, level: u8) -> bool {
        let (first, last_works) = self.works;
        [first, last_works, last_works + 1, LAST].contains(&level)
    }

    /// What is wrong with the table, going by the cells of this row.
    pub(super) fn deviations(&self, cells: &[Cell]) -> Vec<String> {
        let mut found = Vec::new();
        for (level, cell) in (0..).zip(cells) {
            let should_work = (self.works.0..=self.works.1).contains(&level);
            let wrong = match cell {
                Cell::Works(seen) if !should_work => format!("works, and should not: {seen}"),
                Cell::Stopped { seen, said } if should_work => {
                    format!("does not work, and should: {seen}; it said: {said}")
                }
                Cell::Stopped { seen, said } if Some(level) == self.stopped_in() => {
                    let is_refused = said.contains("probe: ");
                    let as_expected = match self.refusal {
                        "" => !is_refused,
                        refusal => said.contains(refusal),
                    };
                    if as_expected {
                        continue;
                    }
                    format!(
                        "is not stopped as it should be, by {:?}: {seen}; it said: {said}",
                        self.refusal
                    )
                }
                Cell::Broken(why) => format!("could not be tried: {why}"),
                _ => continue,
            };
            found.push(format!(
                "{:?} in the solution of {level:02}: {wrong}",
                self.what
            ));
        }
        found.extend(self.not_monotone(cells));
        found
    }

    /// Once stopped it must stay stopped, whatever the table says.
    fn not_monotone(&self, cells: &[Cell]) -> Option<String> {
        let works = |cell: &Cell| matches!(cell, Cell::Works(_));
        let mut known = (0..LAST + 1)
            .zip(cells)
            .filter(|(_, cell)| **cell != Cell::LeftOut);
        known.find(|(_, cell)| works(cell))?;
        let (stopped, _) = known.find(|(_, cell)| !works(cell))?;
        let (again, _) = known.find(|(_, cell)| works(cell))?;
        Some(format!(
            "{:?} is stopped in the solution of {stopped:02}, and works again in that of {again:02}",
            self.what
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escapes::elsewhere::LATER;
    use crate::escapes::requirement::Requirement;
    use crate::escapes::table::ESCAPES;
    use std::collections::BTreeSet;

    fn stopped() -> Cell {
        Cell::Stopped {
            seen: String::new(),
            said: "probe: EPERM".to_owned(),
        }
    }

    fn row(works: &[u8]) -> Vec<Cell> {
        let cell = |level| match works.contains(&level) {
            true => Cell::Works(String::new()),
            false => stopped(),
        };
        (0..=LAST).map(cell).collect()
    }

    fn escape() -> Escape {
        Escape {
            what: "fly",
            verbs: "fly",
            witness: "the sky",
            works: (0, 2),
            stopped_by: "gravity",
            refusal: "EPERM",
            requires: Requirement::Any,
            attempt: |_, _| Err(crate::finding::Failure::seen("never called")),
        }
    }

    #[test]
    fn each_row_has_a_name_of_its_own_and_a_sensible_span() {
        let mut names = BTreeSet::new();
        for escape in ESCAPES {
            assert!(
                names.insert(escape.what),
                "{:?} is there twice",
                escape.what
            );
            assert!(escape.works.0 <= escape.works.1 && escape.works.1 <= LAST);
            assert_eq!(escape.stopped_by.is_empty(), escape.stopped_in().is_none());
        }
    }

    #[test]
    fn each_open_row_is_accounted_for_once() {
        let mut open: Vec<&str> = ESCAPES
            .iter()
            .filter(|escape| escape.stopped_in().is_none())
            .map(|escape| escape.what)
            .collect();
        let mut accounted: Vec<&str> = LATER
            .iter()
            .flat_map(|it| it.rows.iter().copied())
            .collect();
        open.sort_unstable();
        accounted.sort_unstable();
        assert_eq!(open, accounted);
    }

    #[test]
    fn what_the_table_says_is_no_deviation() {
        assert_eq!(escape().deviations(&row(&[0, 1, 2])), Vec::<String>::new());
    }

    #[test]
    fn working_longer_or_shorter_than_expected_is_a_deviation() {
        assert_eq!(escape().deviations(&row(&[0, 1, 2, 3])).len(), 1);
        assert_eq!(escape().deviations(&row(&[0, 1])).len(), 1);
    }

    #[test]
    fn working_again_is_a_deviation_of_its_own() {
        let found = escape().deviations(&row(&[0, 1, 2, 7]));
        assert!(
            found
                .iter()
                .any(|it| it.contains("works again in that of 07")),
            "{found:?}"
        );
    }

    #[test]
    fn what_was_left_out_neither_works_nor_stops() {
        let mut cells = row(&[0, 1, 2]);
        cells[1] = Cell::LeftOut;
        assert_eq!(escape().deviations(&cells), Vec::<String>::new());
        cells[7] = Cell::Works(String::new());
        assert_eq!(escape().deviations(&cells).len(), 2);
    }

    #[test]
    fn an_accident_does_not_pass_for_a_defence() {
        let mut cells = row(&[0, 1, 2]);
        cells[3] = Cell::Stopped {
            seen: String::new(),
            said: "probe: there is no verb `fly`".to_owned(),
        };
        assert_eq!(escape().deviations(&cells).len(), 1);
    }
}
