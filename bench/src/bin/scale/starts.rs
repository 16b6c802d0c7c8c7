//! The start of one more container, while others run.

use std::fmt::Write;
use std::time::Duration;

use given::Error;
use serde_json::{Value, json};

use crate::arguments::Sizes;
use crate::crowd::{Crowd, Place};
use crate::disk;
use crate::memory::{self, Memory};
use crate::numbers::{Times, rounded};

/// The times of a start at one size of the crowd.
pub struct Point {
    /// Which container it was, counted from 1.
    pub number: usize,
    /// From the start to the command's first word.
    pub word: Times,
    /// From the start to the end of rd.
    pub whole: Times,
}

/// All that was measured.
pub struct Starts {
    /// With no other container, with a few, with all.
    pub points: [Point; 3],
    /// Of each member of the crowd, in the order in which they came.
    pub joined: Vec<Duration>,
    left: Duration,
}

/// Up and down again, so that a machine that becomes slower does so for all three.
pub fn measure(place: &Place, sizes: &Sizes) -> Result<(Starts, Memory), Error> {
    let half = sizes.starts / 2;
    let [one, few, all] = [1, sizes.fewer, sizes.containers];
    let mut points = [one, few, all].map(|number| Point {
        number,
        word: Times::default(),
        whole: Times::default(),
    });
    let mut joined = Vec::new();

    time(place, half, &mut points[0])?;
    let mut first = Crowd::new()?;
    for _ in 1..few {
        joined.push(first.join(place)?);
    }
    time(place, half, &mut points[1])?;
    let before = memory::Kernel::now()?;
    let mut second = Crowd::new()?;
    for _ in few..all {
        joined.push(second.join(place)?);
    }
    let kernel = memory::Kernel::now()?.since(&before, second.members.len());
    let memory = Memory::measure(&second, kernel)?;
    time(place, 2 * half, &mut points[2])?;
    let left = second.leave(place)?;
    time(place, half, &mut points[1])?;
    first.leave(place)?;
    time(place, half, &mut points[0])?;
    let starts = Starts {
        points,
        joined,
        left,
    };
    Ok((starts, memory))
}

fn time(place: &Place, count: usize, point: &mut Point) -> Result<(), Error> {
    // The same start for every container, whatever the disk had to do before.
    disk::forget(&place.store)?;
    for _ in 0..3 {
        place.start("base")?;
    }
    for _ in 0..count {
        let (word, whole) = place.start("base")?;
        point.word.add(word);
        point.whole.add(whole);
    }
    Ok(())
}

impl Starts {
    /// The last point's time as a multiple of the first one's, by `of`: the median, say.
    pub fn growth(&self, of: fn(&Times) -> f64) -> f64 {
        of(&self.points[2].word) / of(&self.points[0].word)
    }

    /// In Markdown.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| start of container number | median | a tenth is below | a tenth is above | with its end, median |\n\
             |--:|--:|--:|--:|--:|\n",
        );
        for point in &self.points {
            let _ = writeln!(
                table,
                "| {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms |",
                point.number,
                point.word.median(),
                point.word.quantile(10),
                point.word.quantile(90),
                point.whole.median(),
            );
        }
        let gone = self.points[2].number - self.points[1].number;
        let _ = writeln!(
            table,
            "\nWhen {gone} end at the same moment, the last one's directory is removed after {:.1} s.",
            self.left.as_secs_f64()
        );
        table
    }

    /// For the file.
    pub fn json(&self) -> Value {
        json!({
            "points": self.points.iter().map(|point| json!({
                "number": point.number,
                "first_word": point.word.json(),
                "whole": point.whole.json(),
            })).collect::<Vec<_>>(),
            "growth": rounded(self.growth(Times::median)),
            "all_at_once_s": rounded(self.left.as_secs_f64()),
        })
    }
}
