//! The same archives, unpacked by us, by GNU tar and by bsdtar.
//!
//! The generator writes headers as the tars of forty years have written them: with blank
//! fields, binary numbers, sizes where none belongs, prefixes of any version, checksums
//! of signed bytes, no mark at the end. What the two others agree on is right. Where one
//! of them refuses, or they make different trees of it, we may refuse, or do as either.
//!
//! A few hundred archives by default, the same each time. With `IMAGES_OTHERS_CASES` as
//! many as that, with another seed each time; the seed is printed, and `IMAGES_OTHERS_SEED`
//! repeats it.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

#[path = "../common/mod.rs"]
mod common;
mod headers;
mod tree;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use common::{Scratch, skip_without_root};
use headers::archive;
use tree::tree;

const CASES: u32 = 200;

#[test]
fn what_two_others_agree_on_we_do_as_well() {
    if skip_without_root("what is unpacked has owners") {
        return;
    }
    for program in ["tar", "bsdtar"] {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("skipped: this machine has no {program} (bsdtar is in libarchive-tools)");
            return;
        }
    }
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let cases = number("IMAGES_OTHERS_CASES");
    let seed = number("IMAGES_OTHERS_SEED")
        .or_else(|| cases.map(|_| u64::from(std::process::id()) ^ 0x5eed_0000))
        .unwrap_or(1);
    println!("IMAGES_OTHERS_SEED={seed}");
    let config = Config {
        cases: cases.map_or(CASES, |cases| u32::try_from(cases).unwrap()),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let scratch = Scratch::new();
    let counts = std::cell::RefCell::new(Counts::default());
    let result = TestRunner::new(config).run(&archive(), |archive| {
        compare(&scratch, &archive.write(), &mut counts.borrow_mut())
    });
    println!("{:?}", counts.borrow());
    assert!(result.is_ok(), "{}", result.unwrap_err());
    // A generator that never makes an archive that all read compares nothing.
    let counts = counts.borrow();
    assert!(counts.agreed * 2 > counts.cases, "{counts:?}");
}

#[derive(Debug, Default)]
struct Counts {
    cases: u64,
    /// All three make the same tree.
    agreed: u64,
    /// The two others differ, or one of them refuses.
    undecided: u64,
    /// How many of the undecided we refuse.
    refused: u64,
}

type Tree = Option<Vec<String>>;

fn compare(scratch: &Scratch, archive: &[u8], counts: &mut Counts) -> Result<(), TestCaseError> {
    let ours = ours(scratch, archive);
    let path = scratch.images().join(common::ARCHIVE);
    let gnu = theirs(
        scratch,
        Command::new("tar")
            .arg("-xpf")
            .arg(&path)
            .arg("--numeric-owner"),
    );
    let bsd = theirs(
        scratch,
        Command::new("bsdtar")
            .arg("-xpf")
            .arg(&path)
            .arg("--numeric-owner"),
    );
    counts.cases += 1;
    if gnu.is_some() && gnu == bsd {
        counts.agreed += 1;
        proptest::prop_assert_eq!(ours, gnu, "left: ours, right: what the others agree on");
    } else {
        counts.undecided += 1;
        counts.refused += u64::from(ours.is_none());
        proptest::prop_assert!(
            ours.is_none() || ours == gnu || ours == bsd,
            "ours is like neither: {ours:#?}\nGNU tar: {gnu:#?}\nbsdtar: {bsd:#?}"
        );
    }
    Ok(())
}

/// The tree that we make of it, if we do not refuse.
fn ours(scratch: &Scratch, archive: &[u8]) -> Tree {
    let unpacked = scratch.unpack(archive).ok();
    let tree = unpacked.map(|()| tree(&scratch.target()));
    scratch.clear();
    tree
}

/// The tree that another program makes of it, if it does not complain.
fn theirs(scratch: &Scratch, command: &mut Command) -> Tree {
    fs::create_dir(scratch.target()).unwrap();
    let said = command.current_dir(scratch.target()).output().unwrap();
    let tree = said.status.success().then(|| tree(&scratch.target()));
    images::remove_tree(Path::new(&scratch.target())).unwrap();
    tree
}
