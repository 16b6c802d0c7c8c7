//! `// TODO(NN)` to `// END TODO(NN)`.

use curriculum::block::{self, Block};
use rstest::rstest;
use std::path::Path;

const GOOD: &str = "\
//! Where TODO(02) is: here.
fn main() {
    // TODO(02) 1. Unshare.
    // See unshare(2).
    old();
    // END TODO(02)
}
";

#[test]
fn a_block_has_a_step_a_task_and_its_lines() {
    let (blocks, faults) = block::parse(Path::new("main.rs"), GOOD, Some(2));
    assert_eq!(faults, []);
    assert_eq!(
        blocks,
        [Block {
            steps: vec![(1, "Unshare.".to_owned())],
            first: 3,
            last: 6
        }]
    );
}

#[test]
fn steps_may_share_a_block_if_only_comments_stand_between_them() {
    let text = GOOD.replace(
        "    // See",
        "    // TODO(02) 2. Make it private.\n    // See",
    );
    let (blocks, faults) = block::parse(Path::new("main.rs"), &text, Some(2));
    assert_eq!(faults, []);
    let steps = [
        (1, "Unshare.".to_owned()),
        (2, "Make it private.".to_owned()),
    ];
    assert_eq!(
        blocks,
        [Block {
            steps: steps.to_vec(),
            first: 3,
            last: 7
        }]
    );
}

#[rstest]
#[case::of_another_level(Some(3), GOOD, "main.rs:3: TODO(02) in level 03")]
#[case::in_complete(None, GOOD, "main.rs:3: TODO(02) in complete")]
#[case::never_closed(
    Some(2),
    "// TODO(02) 1. This.\n",
    "main.rs:1: this TODO block has no END TODO"
)]
#[case::never_opened(Some(2), "x\n// END TODO(02)\n", "main.rs:2: END TODO without a TODO")]
#[case::nested(
    Some(2),
    "// TODO(02) 1. This.\nold();\n// TODO(02) 2. That.\n// END TODO(02)\n",
    "main.rs:3: a TODO block inside the one of line 1"
)]
#[case::closed_by_another(
    Some(2),
    "// TODO(02) 1. This.\n// END TODO(03)\n// END TODO(02)\n",
    "main.rs:2: TODO(03) in level 02"
)]
#[case::without_a_step(
    Some(2),
    "// TODO(02) This.\n// END TODO(02)\n",
    "main.rs:1: a marker is written"
)]
#[case::without_a_task(
    Some(2),
    "// TODO(02) 1.\n// END TODO(02)\n",
    "main.rs:1: a marker is written"
)]
#[case::one_digit(
    Some(2),
    "// TODO(2) 1. This.\n// END TODO(02)\n",
    "main.rs:1: a marker is written"
)]
#[case::no_space(
    Some(2),
    "//TODO(02) 1. This.\n// END TODO(02)\n",
    "main.rs:1: a marker is written"
)]
#[case::lower_case(
    Some(2),
    "// todo(02) 1. This.\n// END TODO(02)\n",
    "main.rs:1: a marker is written"
)]
#[case::text_after_end(
    Some(2),
    "// TODO(02) 1. This.\n// END TODO(02).\n",
    "main.rs:2: a marker is written"
)]
fn a_wrong_marker_is_named_with_its_line(
    #[case] level: Option<u8>,
    #[case] text: &str,
    #[case] fault: &str,
) {
    let (_, faults) = block::parse(Path::new("main.rs"), text, level);
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        faults.iter().any(|found| found.starts_with(fault)),
        "{faults:#?}"
    );
}
