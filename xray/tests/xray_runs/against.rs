//! A real run beside another one.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::place::{Place, program, text};
use crate::trial;

/// A level as it comes, its solution, and what has to be said: the skeleton lacks a step.
const LACKING: [(&str, &str, &str, &[&str]); 4] = [
    (
        "level03",
        "level04",
        "missing",
        &[
            "the reference's p2 calls mount(",
            "MS_BIND",
            "Yours does not",
        ],
    ),
    (
        "level05",
        "level06",
        "arguments",
        &[
            "both call unshare, with other flags",
            "without CLONE_NEWUTS",
        ],
    ),
    (
        "level10",
        "level11",
        "missing",
        &["p2 calls setgroups([])", "it goes on with prctl("],
    ),
    (
        "level11",
        "complete",
        "missing",
        &["PR_CAPBSET_DROP", "without CAP_DAC_READ_SEARCH"],
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("against::the_status_is_the_commands", status)];
    for (mine, reference, kind, says) in LACKING {
        trials.push(trial(&format!("against::{mine}_lacks_a_step"), move || {
            let seen = compared(mine, reference, "true");
            assert_eq!(seen["first"]["kind"], kind, "{}", seen["first"]);
            let said = seen["first"]["says"].as_str().unwrap();
            for words in says {
                assert!(said.contains(words), "{words}: {said}");
            }
            pairs_are_in_order(&seen);
        }));
        trials.push(trial(
            &format!("against::{reference}_and_itself"),
            move || {
                let seen = compared(reference, reference, "true");
                assert_eq!(seen["first"], Value::Null);
                pairs_are_in_order(&seen);
            },
        ));
    }
    trials
}

/// What `xray against --json` says of two programs with this command.
fn compared(mine: &str, reference: &str, command: &str) -> Value {
    let place = Place::new();
    let other = place.record_file().with_file_name("reference");
    std::fs::write(&other, "").unwrap();
    let (mine, reference) = (program(mine), program(reference));
    let words = [
        "--reference",
        reference.to_str().unwrap(),
        "--reference-output",
        other.to_str().unwrap(),
        mine.to_str().unwrap(),
        "run",
        "sh",
        "-c",
        command,
    ];
    let output = place.record(&words);
    assert!(output.status.success(), "{}", text(&output));
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut against = Command::new(env!("CARGO_BIN_EXE_xray"));
    against.args(["against", "--course"]).arg(course);
    against.arg(place.record_file()).arg(&other);
    let told = against.output().unwrap();
    assert!(told.status.success(), "{}", text(&told));
    let json = against.arg("--json").output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    // The story ends with the sentence, broken into lines.
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let says = json["first"]["says"]
        .as_str()
        .unwrap_or("No difference in these steps");
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(plain(&told).contains(&plain(says)), "{says}\n{told}");
    place.nothing_is_left(&place.word());
    json
}

/// Each step of either run is there, in its order.
fn pairs_are_in_order(seen: &Value) {
    for (side, run) in ["mine", "reference"].into_iter().enumerate() {
        let pairs = seen["pairs"].as_array().unwrap();
        let mut steps: Vec<u64> = pairs.iter().filter_map(|it| it[side].as_u64()).collect();
        assert!(steps.is_sorted(), "{run}: {steps:?}");
        steps.dedup();
        let count = seen[run]["steps"].as_array().unwrap().len() as u64;
        assert_eq!(steps, (0..count).collect::<Vec<_>>(), "{run}");
    }
}

/// Of both, and no difference.
fn status() {
    let seen = compared("level05", "level05", "exit 3");
    assert_eq!(seen["first"], Value::Null);
    assert_eq!(seen["mine"]["end"]["status"], 3);
}
