//! Tables: columns beside each other where they fit, and otherwise each row as a list.

use super::lines::{columns, fit};

const GAP: &str = "  ";

/// The lines of a table; `bold` is how its headings look.
pub(super) fn lines(
    head: &[String],
    rows: &[Vec<String>],
    width: usize,
    bold: impl Fn(&str) -> String,
) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|cell| bold(cell)).collect();
    match widths(&head, rows, width) {
        Some(widths) => beside(&head, rows, &widths),
        None => below(&head, rows, width, bold),
    }
}

/// How wide each column is to be; `None` if even the widest words do not fit.
fn widths(head: &[String], rows: &[Vec<String>], width: usize) -> Option<Vec<usize>> {
    let cells = |index: usize| {
        let rows = rows.iter().filter_map(move |row| row.get(index));
        head.get(index).into_iter().chain(rows)
    };
    let widest = |index| cells(index).map(|cell| columns(cell)).max();
    let word = |cell: &String| cell.split([' ', '\n']).map(columns).max();
    let least = |index| cells(index).filter_map(word).max();
    let all = 0..head.len();
    let mut widths: Vec<usize> = all.clone().filter_map(widest).collect();
    let least: Vec<usize> = all.filter_map(least).collect();
    let room = width.checked_sub(GAP.len() * head.len().saturating_sub(1))?;
    while widths.iter().sum::<usize>() > room {
        // The widest that can be narrower gives a column away.
        let wide = (0..widths.len()).filter(|index| widths[*index] > least[*index]);
        let index = wide.max_by_key(|index| widths[*index])?;
        widths[index] -= 1;
    }
    Some(widths)
}

fn beside(head: &[String], rows: &[Vec<String>], widths: &[usize]) -> Vec<String> {
    let mut lines = Vec::new();
    if head.iter().any(|cell| !cell.is_empty()) {
        lines.extend(row(head, widths));
    }
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    lines.push(rule.join(GAP));
    let rows: Vec<Vec<String>> = rows.iter().map(|cells| row(cells, widths)).collect();
    // Where a row takes several lines, it must be seen where it ends.
    let gap = rows.iter().any(|row| row.len() > 1);
    for (index, row) in rows.into_iter().enumerate() {
        if gap && index > 0 {
            lines.push(String::new());
        }
        lines.extend(row);
    }
    lines
}

fn row(cells: &[String], widths: &[usize]) -> Vec<String> {
    let cell = |index: usize| cells.get(index).map(String::as_str).unwrap_or_default();
    let widths_of = widths.iter().enumerate();
    let cells: Vec<Vec<String>> = widths_of
        .map(|(index, width)| fit(cell(index), *width))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let piece = cell.get(at).map(String::as_str).unwrap_or_default();
            let gap = width.saturating_sub(columns(piece));
            line += &format!("{piece}{}{GAP}", " ".repeat(gap));
        }
        line.trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// Each row by itself: its first cell, and below it the others with the headings of their columns.
fn below(
    head: &[String],
    rows: &[Vec<String>],
    width: usize,
    bold: impl Fn(&str) -> String,
) -> Vec<String> {
    let mut lines = Vec::new();
    for cells in rows {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (index, cell) in cells.iter().enumerate() {
            if index == 0 {
                lines.extend(fit(&bold(cell), width));
                continue;
            }
            let heading = head.get(index).filter(|heading| !heading.is_empty());
            let text = match heading {
                _ if cell.is_empty() => continue,
                Some(heading) => format!("{heading}: {cell}"),
                None => cell.clone(),
            };
            let pieces = fit(&text, width.saturating_sub(GAP.len()));
            lines.extend(pieces.iter().map(|piece| format!("{GAP}{piece}")));
        }
    }
    lines
}
