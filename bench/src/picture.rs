//! The numbers as bars, in the style of all pictures.

use std::fmt::Write;

use bench::drawing::begin;

use crate::measure::Row;

/// Room for the longest name, and behind the longest bar for its numbers.
const LEFT: f64 = 365.0;
const WIDTH: f64 = 332.0;
const STEP: f64 = 60.0;

/// A bar for each row, as long as its median; a line from one tenth of the runs to nine.
pub fn draw(rows: &[Row]) -> String {
    let rows: Vec<&Row> = rows.iter().filter(|row| !row.is_step).collect();
    let longest = rows.iter().map(|row| row.median()).fold(0.0, f64::max);
    let x = |time: f64| LEFT + (time / longest).min(1.08) * WIDTH;
    let height = 34.0 + STEP * rows.len() as f64 + 44.0;
    let said: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {:.1} ms", row.name, row.median()))
        .collect();
    let title = format!("Medians of a start: {}", said.join(", "));
    let mut svg = begin(height, &title);
    for (index, row) in rows.iter().enumerate() {
        let top = 17.0 + STEP * index as f64;
        let end = x(row.median());
        let (bar, text) = match row.name.starts_with("rd") {
            true => ("box solid", "strong end"),
            false => ("box", "end"),
        };
        let _ = writeln!(
            svg,
            "<text class=\"{text}\" x=\"{:.0}\" y=\"{:.0}\">{}</text>\
             <rect class=\"{bar}\" x=\"{LEFT}\" y=\"{top:.0}\" width=\"{:.1}\" height=\"41\"/>\
             <text class=\"small\" x=\"{:.1}\" y=\"{:.0}\">{:.1} ms, {:.2} x</text>",
            LEFT - 17.0,
            top + 29.0,
            row.name,
            end - LEFT,
            end + 14.0,
            top + 29.0,
            row.median(),
            row.to_baseline
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"small middle\" x=\"459\" y=\"{:.0}\">median of a start and end, and its \
         multiple of the baseline; shorter is better</text>\n</svg>",
        height - 14.0
    );
    svg
}
