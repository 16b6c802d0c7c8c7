//! The numbers, drawn. Colours are the book's: it has a light and a dark theme.

use std::fmt::Write;

use crate::numbers::Times;
use crate::starts::Starts;
use crate::unpack::Unpacked;

fn begin(name: &str, height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 540 {height}\" role=\"img\" aria-labelledby=\"{name}-title\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"{name}-title\">{title}</title>\n"
    )
}

/// From left to right the containers in the order in which they came, in twenty parts:
/// the median of each, and a line from one tenth of them to nine.
pub fn starts(starts: &Starts) -> String {
    let size = starts.joined.len().div_ceil(20).max(1);
    let parts: Vec<Times> = starts
        .joined
        .chunks(size)
        .map(|part| part.iter().copied().collect())
        .collect();
    let highest = parts
        .iter()
        .map(|part| part.quantile(90))
        .fold(1.0, f64::max);
    let step = round_step(highest / 4.0);
    let top = step * (highest / step).ceil();
    let x = |number: f64| 60.0 + number / starts.joined.len() as f64 * 450.0;
    let y = |time: f64| 220.0 - time / top * 200.0;

    let said: Vec<String> = starts
        .points
        .iter()
        .map(|point| format!("number {} in {:.1} ms", point.number, point.word.median()))
        .collect();
    let title = format!("Starts while the others run: {}", said.join(", "));
    let mut svg = begin("scale-start", 270.0, &title);
    let mut label = 0.0;
    while label <= top {
        let _ = writeln!(
            svg,
            "<path class=\"line dashed\" opacity=\"0.3\" d=\"M60 {0:.1}H510\"/>\
             <text class=\"end small\" x=\"52\" y=\"{1:.1}\">{label} ms</text>",
            y(label),
            y(label) + 4.0
        );
        label += step;
    }
    for (index, part) in parts.iter().enumerate() {
        let middle = x((index * size) as f64 + size as f64 / 2.0).min(510.0);
        let _ = writeln!(
            svg,
            "<path class=\"line\" d=\"M{middle:.1} {:.1}V{:.1}\"/>\
             <circle class=\"accent-fill\" cx=\"{middle:.1}\" cy=\"{:.1}\" r=\"4\"/>",
            y(part.quantile(10)),
            y(part.quantile(90)),
            y(part.median())
        );
    }
    let last = starts.points[2].number;
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"60\" y=\"240\">1st</text>\
         <text class=\"end small\" x=\"510\" y=\"240\">{last}th</text>\n\
         <text class=\"middle small\" x=\"285\" y=\"262\">time until the first word of a container, \
         while all that came before it run: medians of {size}</text>\n</svg>"
    );
    svg
}

/// 1, 2 or 5, and zeros.
fn round_step(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= at_least)
        .unwrap_or(10.0 * power)
}

/// Two bars each: warm and cold, to the disk.
pub fn unpack(unpacked: &Unpacked) -> String {
    let rows = &unpacked.rows;
    let time = |row: usize, cold: usize| rows[row].times[cold][1].median() / 1e3;
    let all = (0..rows.len()).flat_map(|row| [time(row, 0), time(row, 1)]);
    let longest = all.fold(0.0, f64::max);
    let said: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(row, it)| format!("{} {:.2} s", it.name, time(row, 0)))
        .collect();
    let title = format!("Medians of unpacking, warm: {}", said.join(", "));
    let height = 20.0 + 50.0 * rows.len() as f64 + 24.0;
    let mut svg = begin("scale-unpack", height, &title);
    for (index, row) in rows.iter().enumerate() {
        let (bar, text) = match row.name.starts_with("rd") {
            true => ("accent-fill", "strong"),
            false => ("box", ""),
        };
        let top = 10.0 + 50.0 * index as f64;
        let _ = writeln!(
            svg,
            "<text class=\"end {text}\" x=\"100\" y=\"{:.0}\">{}</text>",
            top + 24.0,
            row.name
        );
        for (cold, state) in ["warm", "cold"].iter().enumerate() {
            let (top, width) = (
                top + 20.0 * cold as f64,
                time(index, cold) / longest * 290.0,
            );
            let _ = writeln!(
                svg,
                "<rect class=\"{bar}\" x=\"110\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"16\"/>\
                 <text class=\"small\" x=\"{:.1}\" y=\"{:.0}\">{state}, {:.2} s</text>",
                118.0 + width,
                top + 13.0,
                time(index, cold)
            );
        }
    }
    let _ = writeln!(
        svg,
        "<text class=\"middle small\" x=\"270\" y=\"{:.0}\">until everything is on the disk; shorter \
         is better</text>\n</svg>",
        height - 8.0
    );
    svg
}
