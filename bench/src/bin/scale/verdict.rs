//! Whether the shape holds: ratios of what was measured side by side, with room for a
//! machine that has other things to do.
//!
//! The shortest times are compared, not the medians of the tables: a disk that is busy with
//! something else for two rounds of five spoils a median, and a program that has become
//! slow has become slow in its shortest time, too.

use given::Error;

use crate::numbers::Times;
use crate::starts::Starts;
use crate::unpack::Unpacked;
use crate::warm::Warm;

/// An error that names each ratio that is too big.
pub fn shape(starts: &Starts, unpacked: &Unpacked, warm: &Warm) -> Result<(), Error> {
    let plain = &unpacked.rows[1];
    let ratios = [
        (
            "the last start to the first",
            starts.growth(Times::fastest),
            2.0,
        ),
        (
            "a start from the big image to one from base",
            warm.growth(Times::fastest),
            1.5,
        ),
        (
            "unpacking to tar, warm",
            unpacked.to_tar(plain, 0, 1, Times::fastest),
            1.5,
        ),
        (
            "unpacking to tar, cold",
            unpacked.to_tar(plain, 1, 1, Times::fastest),
            1.5,
        ),
    ];
    let mut wrong = Vec::new();
    for (name, ratio, most) in ratios {
        println!("{name}: {ratio:.2}, at most {most}");
        if ratio.is_nan() || ratio > most {
            wrong.push(name);
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("too slow: {}", wrong.join("; ")).into()),
    }
}
