//! Random archives: members of every kind, with names, links and
//! numbers that mean harm, and then some bytes changed. Whatever comes of it: no
//! panic, nothing outside of the target changed, and after an error nothing left.
//!
//! A few cases by default, the same each time. With `IMAGES_FUZZ_SECONDS` it goes
//! on for as long as that (`.ci/fuzz.sh`), and with another seed each time. What it
//! finds it prints at its smallest: make that a test with a name in `hostile.rs`.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

#[path = "../common/mod.rs"]
mod common;
mod members;

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use common::{Scratch, bytes, skip_without_root};
use members::archive;

/// How many cases there are without `IMAGES_FUZZ_SECONDS`, and in each round with it.
const CASES: u32 = 300;

#[test]
fn no_archive_does_harm() {
    if skip_without_root("what is unpacked has owners, and closed directories") {
        return;
    }
    let scratch = Scratch::new();
    let before = scratch.outside();
    let canary = bytes(&scratch.canary());
    for_a_while(archive(), |archive| {
        is_harmless(&scratch, &before, &archive.write(&canary))
    });
}

#[test]
fn no_layers_do_harm() {
    if skip_without_root("what is unpacked has owners, and closed directories") {
        return;
    }
    let scratch = Scratch::new();
    let before = scratch.outside();
    let canary = bytes(&scratch.canary());
    for_a_while(prop::collection::vec(archive(), 1..4), |layers| {
        let layers: Vec<File> = layers
            .iter()
            .map(|layer| {
                let mut file = tempfile::tempfile_in(scratch.path()).unwrap();
                file.write_all(&layer.write(&canary)).unwrap();
                file.rewind().unwrap();
                file
            })
            .collect();
        let mut merged = Vec::new();
        match images::merge_layers(&layers, "a seed", &images::Config::default(), &mut merged) {
            Ok(()) => is_harmless(&scratch, &before, &merged),
            Err(error) => is_a_sentence(&error.to_string()).map(|()| false),
        }
    });
}

/// Unpacks, into a directory and into the cache. Returns whether it worked.
fn is_harmless(scratch: &Scratch, before: &str, archive: &[u8]) -> Result<bool, TestCaseError> {
    // What a case that failed has left would fail the next, smaller one as well.
    clear(scratch);
    let image = scratch.image(archive);
    let result = image.unpack_into(&scratch.target());
    let cached = image.unpacked(&scratch.store());
    let trees = fs::read_dir(scratch.store().join(".images")).map_or(0, Iterator::count);

    prop_assert_eq!(&scratch.outside(), before);
    prop_assert_eq!(result.is_ok(), cached.is_ok());
    prop_assert_eq!(result.is_ok(), scratch.target().exists());
    prop_assert_eq!(trees, usize::from(cached.is_ok()));
    match &result {
        Ok(()) => holds_no_devices(&scratch.target())?,
        Err(error) => is_a_sentence(&error.to_string())?,
    }
    clear(scratch);
    Ok(result.is_ok())
}

fn clear(scratch: &Scratch) {
    scratch.clear();
    images::remove_tree(&scratch.store()).unwrap();
}

fn holds_no_devices(tree: &Path) -> Result<(), TestCaseError> {
    let mut left = vec![tree.to_owned()];
    while let Some(directory) = left.pop() {
        // Where links were on the way, a path may be longer than Linux takes.
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let Ok(stat) = path.symlink_metadata() else {
                continue;
            };
            let kind = stat.file_type();
            prop_assert!(
                !kind.is_char_device() && !kind.is_block_device(),
                "{path:?} is a device"
            );
            if kind.is_dir() || kind.is_file() {
                let overlay = |name: &OsString| name.to_string_lossy().contains("overlay.");
                let strange = xattr::list(&path).unwrap().find(overlay);
                prop_assert!(strange.is_none(), "{path:?} has {strange:?}");
            }
            if kind.is_dir() {
                left.push(path);
            }
        }
    }
    Ok(())
}

/// An error is one paragraph that a terminal can be trusted with, and says what to do.
fn is_a_sentence(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(!text.contains(char::is_control), "{text:?}");
    prop_assert!(text.contains("What to do: "), "{text:?}");
    Ok(())
}

/// Tries `property` on what `strategy` makes: once with few cases, or for as long as
/// the environment says. It returns whether the case was one that worked.
fn for_a_while<S: Strategy>(
    strategy: S,
    property: impl Fn(S::Value) -> Result<bool, TestCaseError>,
) {
    let seconds: Option<u64> = std::env::var("IMAGES_FUZZ_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let (begin, enough) = (Instant::now(), Duration::from_secs(seconds.unwrap_or(0)));
    let config = Config {
        cases: CASES,
        // What failed becomes a test with a name.
        failure_persistence: None,
        rng_seed: seconds.map_or(RngSeed::Fixed(1), |_| RngSeed::Random),
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let (cases, good) = (Cell::new(0_u64), Cell::new(0_u64));
    loop {
        let result = TestRunner::new(config.clone()).run(&strategy, |value| {
            let worked = property(value)?;
            cases.set(cases.get() + 1);
            good.set(good.get() + u64::from(worked));
            Ok(())
        });
        assert!(result.is_ok(), "{}", result.unwrap_err());
        if begin.elapsed() >= enough {
            break;
        }
    }
    println!("{} cases, {} of them unpacked", cases.get(), good.get());
    // A generator that only ever makes rubbish tests nothing.
    assert!(
        good.get() * 10 > cases.get(),
        "too few archives could be unpacked"
    );
    assert!(good.get() < cases.get(), "no archive was refused");
}
