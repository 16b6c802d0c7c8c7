//! The numbers as bars. Colours are the book's: it has a light and a dark theme.

use std::fmt::Write;

use crate::measure::Row;

const LEFT: f64 = 110.0;
const WIDTH: f64 = 300.0;
const STEP: f64 = 36.0;

/// A bar for each row, as long as its median; a line from one tenth of the runs to nine.
pub fn draw(rows: &[Row]) -> String {
    let longest = rows.iter().map(Row::median).fold(0.0, f64::max);
    let x = |time: f64| LEFT + (time / longest).min(1.08) * WIDTH;
    let height = 20.0 + STEP * rows.len() as f64 + 24.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 540 {height}\" role=\"img\" aria-labelledby=\"speed-start-title\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"speed-start-title\">"
    );
    let said: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {:.1} ms", row.name, row.median()))
        .collect();
    let _ = writeln!(svg, "Medians of a start: {}</title>", said.join(", "));
    for (index, row) in rows.iter().enumerate() {
        let top = 10.0 + STEP * index as f64;
        let end = x(row.median());
        let (bar, text) = match row.name.starts_with("rd") {
            true => ("accent-fill", "strong"),
            false => ("box", ""),
        };
        let _ = writeln!(
            svg,
            "<text class=\"end {text}\" x=\"{:.0}\" y=\"{:.0}\">{}</text>\
             <rect class=\"{bar}\" x=\"{LEFT}\" y=\"{top:.0}\" width=\"{:.1}\" height=\"24\"/>\
             <text class=\"small\" x=\"{:.1}\" y=\"{:.0}\">{:.1} ms, {:.2} x</text>",
            LEFT - 10.0,
            top + 17.0,
            row.name,
            end - LEFT,
            end + 8.0,
            top + 17.0,
            row.median(),
            row.to_baseline
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"middle small\" x=\"270\" y=\"{:.0}\">median of a start and end, and its \
         multiple of the baseline; shorter is better</text>\n</svg>",
        height - 8.0
    );
    svg
}
