//! A start from a big image beside a start from a small one.

use std::fmt::Write;
use std::time::{Duration, Instant};

use given::Error;
use serde_json::{Value, json};

use crate::arguments::Sizes;
use crate::big_image;
use crate::crowd::Place;
use crate::disk;
use crate::numbers::{Times, rounded};

const IMAGES: [&str; 2] = ["base", "big"];

/// All that was measured, for `base` and for `big`.
pub struct Warm {
    warm: [Times; 2],
    cold: [Times; 2],
    bytes: u64,
    files: usize,
    first: Duration,
}

/// Both in turns.
pub fn measure(place: &Place, sizes: &Sizes) -> Result<Warm, Error> {
    let bytes = big_image::write(&place.images, sizes)?;
    let begin = Instant::now();
    place.start("big")?;
    let first = begin.elapsed();

    let mut cold = [Times::default(), Times::default()];
    for _ in 0..sizes.rounds {
        for (image, times) in IMAGES.iter().zip(&mut cold) {
            disk::forget(&place.store)?;
            times.add(place.start(image)?.1);
        }
    }
    for image in IMAGES {
        place.start(image)?;
    }
    let mut warm = [Times::default(), Times::default()];
    for _ in 0..2 * sizes.starts {
        for (image, times) in IMAGES.iter().zip(&mut warm) {
            times.add(place.start(image)?.1);
        }
    }
    Ok(Warm {
        warm,
        cold,
        bytes,
        files: sizes.files,
        first,
    })
}

impl Warm {
    /// The big one's time as a multiple of the small one's, by `of`: the median, say.
    pub fn growth(&self, of: fn(&Times) -> f64) -> f64 {
        of(&self.warm[1]) / of(&self.warm[0])
    }

    /// In Markdown.
    pub fn table(&self) -> String {
        let mut table = String::from(
            "| start and end, from | warm, median | a tenth is below | a tenth is above | cold, median |\n\
             |---|--:|--:|--:|--:|\n",
        );
        for ((image, warm), cold) in IMAGES.iter().zip(&self.warm).zip(&self.cold) {
            let _ = writeln!(
                table,
                "| {image} | {:.1} ms | {:.1} ms | {:.1} ms | {:.0} ms |",
                warm.median(),
                warm.quantile(10),
                warm.quantile(90),
                cold.median()
            );
        }
        let _ = writeln!(
            table,
            "\n`big` has {} MB in {} files more than `base`; a warm start is {:.2} times that of `base`. \
             The very first one, which unpacks it, took {:.1} s.",
            self.bytes / 1_000_000,
            self.files,
            self.growth(Times::median),
            self.first.as_secs_f64()
        );
        table
    }

    /// For the file.
    pub fn json(&self) -> Value {
        let both = |times: &[Times; 2]| json!({ "base": times[0].json(), "big": times[1].json() });
        json!({
            "warm": both(&self.warm),
            "cold": both(&self.cold),
            "growth": rounded(self.growth(Times::median)),
            "bytes": self.bytes,
            "files": self.files,
            "first_s": rounded(self.first.as_secs_f64()),
        })
    }
}
