//! Chance that can be had again: all of it follows from a seed.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// SplitMix64, as in java.util.SplittableRandom.
pub(crate) struct Random(u64);

impl Random {
    /// With the seed that `RUBBER_DOCKER_SEED` has, or a new one; a failure tells which.
    pub(crate) fn new() -> Random {
        let asked = std::env::var("RUBBER_DOCKER_SEED").ok();
        let seed = match asked.and_then(|seed| seed.parse().ok()) {
            Some(seed) => seed,
            None => RandomState::new().hash_one(()) % 1_000_000,
        };
        println!("RUBBER_DOCKER_SEED={seed}");
        Random(seed)
    }

    /// A number from 0 on, below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(crate) fn one_in_four(&mut self) -> bool {
        self.below(4) == 0
    }

    pub(crate) fn microseconds(&mut self, from: u64, end: u64) -> Duration {
        Duration::from_micros(from + self.below(end - from))
    }
}
