//! What was asked for.

use std::path::{Path, PathBuf};

use given::Error;

/// What this program is to do.
pub enum Task {
    /// The measurement.
    Measure(Arguments),
    /// One of the things that are measured, in a process of its own as tar is.
    Unpack {
        images: PathBuf,
        name: String,
        into: PathBuf,
    },
}

/// How to measure.
#[derive(Default)]
pub struct Arguments {
    /// Fewer containers, rounds and files.
    pub quick: bool,
    /// The `rd` to measure, instead of one that is built.
    pub rd: Option<PathBuf>,
    /// Where results go instead of the tree.
    into: Option<PathBuf>,
}

/// How much of everything.
pub struct Sizes {
    /// How many containers run when the last ones start.
    pub containers: usize,
    /// A tenth of the way, too.
    pub fewer: usize,
    /// Timed starts at each of these points, half on the way up, half on the way down.
    pub starts: usize,
    /// Rounds of unpacking.
    pub rounds: usize,
    /// Whether compressed archives are unpacked, too.
    pub packed: bool,
    /// In the big image.
    pub files: usize,
    /// Of one of them; every file in a thousand is a hundred times as big.
    pub bytes: usize,
}

const USAGE: &str = "usage: scale [--quick] [--rd PROGRAM] [--into DIRECTORY]";

/// The command line.
pub fn parse() -> Result<Task, Error> {
    let mut words = std::env::args().skip(1);
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--quick" => arguments.quick = true,
            "--rd" => arguments.rd = Some(next()?.into()),
            "--into" => arguments.into = Some(next()?.into()),
            "unpack" => {
                return Ok(Task::Unpack {
                    images: next()?.into(),
                    name: next()?,
                    into: next()?.into(),
                });
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Task::Measure(arguments))
}

impl Arguments {
    /// How much of everything.
    pub fn sizes(&self) -> Sizes {
        match self.quick {
            false => Sizes {
                containers: 1000,
                fewer: 100,
                starts: 50,
                rounds: 5,
                packed: true,
                files: 100_000,
                bytes: 9_500,
            },
            true => Sizes {
                containers: 60,
                fewer: 20,
                starts: 16,
                rounds: 5,
                packed: false,
                files: 10_000,
                bytes: 2_000,
            },
        }
    }

    /// Where the numbers go.
    pub fn json(&self) -> PathBuf {
        match &self.into {
            Some(into) => into.join("scale.json"),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("scale.json"),
        }
    }

    /// Where the pictures go.
    pub fn pictures(&self) -> PathBuf {
        match &self.into {
            Some(into) => into.clone(),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/pictures"),
        }
    }
}
