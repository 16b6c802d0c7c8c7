//! Two rows of things side by side: what is alike stands in one line, in the order of both.
//!
//! A longest common subsequence, in which some pairs are worth more than others: two steps that
//! are the same more than two that are the same call with other arguments.

/// A line: the place in the first row, and that in the second.
pub(crate) type Pair = (Option<usize>, Option<usize>);

/// Puts a row of `mine` things and one of `reference` things side by side. `worth` says what it
/// is worth to have two in one line; nothing, if they must not stand there together.
pub(crate) fn align(
    mine: usize,
    reference: usize,
    worth: impl Fn(usize, usize) -> Option<u32>,
) -> Vec<Pair> {
    // What the rows from here to their ends are worth.
    let width = reference + 1;
    let mut best = vec![0; (mine + 1) * width];
    for i in (0..mine).rev() {
        for j in (0..reference).rev() {
            let apart = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let together = worth(i, j).map(|it| it + best[(i + 1) * width + j + 1]);
            best[i * width + j] = apart.max(together.unwrap_or_default());
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < mine || j < reference {
        let here = best[i * width + j];
        let together = match i < mine && j < reference {
            true => worth(i, j).map(|it| it + best[(i + 1) * width + j + 1]),
            false => None,
        };
        // As early as it can be: so what is more, or less, of the same comes last.
        if together == Some(here) {
            pairs.push((Some(i), Some(j)));
            i += 1;
            j += 1;
        } else if i < mine && best[(i + 1) * width + j] == here {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mine: &str, reference: &str) -> String {
        let (mine, reference): (Vec<char>, Vec<char>) =
            (mine.chars().collect(), reference.chars().collect());
        // A letter is worth most beside itself, and something beside its capital.
        let worth = |i: usize, j: usize| match (mine[i], reference[j]) {
            (a, b) if a == b => Some(10),
            (a, b) if a.eq_ignore_ascii_case(&b) => Some(3),
            _ => None,
        };
        let shown = |at: Option<usize>, row: &[char]| at.map_or('-', |at| row[at]);
        let pairs = align(mine.len(), reference.len(), worth);
        let words = pairs
            .iter()
            .map(|it| format!("{}{}", shown(it.0, &mine), shown(it.1, &reference)));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_missing_or_too_much_stands_alone() {
        assert_eq!(lines("abd", "abcd"), "aa bb -c dd");
        assert_eq!(lines("abxc", "abc"), "aa bb x- cc");
        assert_eq!(lines("", "ab"), "-a -b");
        assert_eq!(lines("aab", "ab"), "aa a- bb");
    }

    #[test]
    fn another_kind_of_the_same_is_a_pair_unless_there_is_a_better_one() {
        assert_eq!(lines("aBc", "abc"), "aa Bb cc");
        assert_eq!(lines("Bb", "b"), "B- bb");
        assert_eq!(lines("ba", "ab"), "b- aa -b");
    }
}
