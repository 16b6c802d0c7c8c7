//! The numbers, drawn in the style of all pictures.

use std::fmt::Write;

use bench::drawing::begin;

use crate::numbers::Times;
use crate::starts::Starts;
use crate::unpack::Unpacked;

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
    let x = |number: f64| 102.0 + number / starts.joined.len() as f64 * 765.0;
    let y = |time: f64| 374.0 - time / top * 340.0;

    let said: Vec<String> = starts
        .points
        .iter()
        .map(|point| format!("number {} in {:.1} ms", point.number, point.word.median()))
        .collect();
    let title = format!("Starts while the others run: {}", said.join(", "));
    let mut svg = begin(459.0, &title);
    let mut label = 0.0;
    while label <= top {
        let _ = writeln!(
            svg,
            "<path class=\"line dashed\" d=\"M102 {0:.1}H867\"/>\
             <text class=\"small end\" x=\"88\" y=\"{1:.1}\">{label} ms</text>",
            y(label),
            y(label) + 7.0
        );
        label += step;
    }
    for (index, part) in parts.iter().enumerate() {
        let middle = x((index * size) as f64 + size as f64 / 2.0).min(867.0);
        let _ = writeln!(
            svg,
            "<path class=\"line\" d=\"M{middle:.1} {:.1}V{:.1}\"/>\
             <circle class=\"dot accent\" cx=\"{middle:.1}\" cy=\"{:.1}\" r=\"7\"/>",
            y(part.quantile(10)),
            y(part.quantile(90)),
            y(part.median())
        );
    }
    let last = starts.points[2].number;
    let _ = writeln!(
        svg,
        "<text class=\"small\" x=\"102\" y=\"408\">1st</text>\
         <text class=\"small end\" x=\"867\" y=\"408\">{last}th</text>\n\
         <text class=\"small middle\" x=\"484\" y=\"445\">time until the first word of a container, \
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
    let height = 34.0 + 85.0 * rows.len() as f64 + 41.0;
    let mut svg = begin(height, &title);
    for (index, row) in rows.iter().enumerate() {
        let (bar, text) = match row.name.starts_with("rd") {
            true => ("box solid", "strong end"),
            false => ("box", "end"),
        };
        let top = 17.0 + 85.0 * index as f64;
        let _ = writeln!(
            svg,
            "<text class=\"{text}\" x=\"170\" y=\"{:.0}\">{}</text>",
            top + 41.0,
            row.name
        );
        for (cold, state) in ["warm", "cold"].iter().enumerate() {
            let (top, width) = (
                top + 34.0 * cold as f64,
                time(index, cold) / longest * 493.0,
            );
            let _ = writeln!(
                svg,
                "<rect class=\"{bar}\" x=\"187\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"27\"/>\
                 <text class=\"small\" x=\"{:.1}\" y=\"{:.0}\">{state}, {:.2} s</text>",
                201.0 + width,
                top + 21.0,
                time(index, cold)
            );
        }
    }
    let _ = writeln!(
        svg,
        "<text class=\"small middle\" x=\"459\" y=\"{:.0}\">until everything is on the disk; shorter \
         is better</text>\n</svg>",
        height - 14.0
    );
    svg
}
