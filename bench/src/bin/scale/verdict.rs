//! Whether the shape holds: ratios of what was measured side by side, with room for a
//! machine that has other things to do.

use given::Error;

use crate::starts::Starts;
use crate::unpack::Unpacked;
use crate::warm::Warm;

/// An error that names each ratio that is too big.
pub fn shape(starts: &Starts, unpacked: &Unpacked, warm: &Warm) -> Result<(), Error> {
    let plain = &unpacked.rows[1];
    let ratios = [
        ("the last start to the first", starts.growth(), 2.0),
        (
            "a start from the big image to one from base",
            warm.growth(),
            1.5,
        ),
        ("unpacking to tar, warm", unpacked.to_tar(plain, 0, 1), 1.5),
        ("unpacking to tar, cold", unpacked.to_tar(plain, 1, 1), 1.5),
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
