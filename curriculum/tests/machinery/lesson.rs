//! What every lesson must have.

use curriculum::lesson::{Lesson, Mode};
use rstest::rstest;
use std::collections::BTreeSet;

const LESSON: &str = r#"# Level 02

## What you will build
## The idea
## Your task
1. Unshare. It is one call.
   <details><summary>Hint</summary>unshare(2)</details>

   ```console before
   $ true
     indented
   ```
2. Make it private.

### Hints
<details>
<summary>A hint for step 2</summary>
mount(2)
</details>

## Check your work
1. This list is no task.

```console after
$ echo one
one
```
```sh
echo "```console is not parsed here"
```
```console skip=it reboots the machine
$ reboot
```
## Break it
## Further reading
"#;

fn missing(text: &str) -> Vec<String> {
    Lesson::parse(text).missing(&BTreeSet::from([1, 2]))
}

#[test]
fn a_whole_lesson_lacks_nothing() {
    assert_eq!(missing(LESSON), Vec::<String>::new());
}

#[test]
fn a_fence_has_a_mode_a_line_and_its_own_indentation() {
    let lesson = Lesson::parse(LESSON);
    let modes: Vec<&Mode> = lesson.fences.iter().map(|fence| &fence.mode).collect();
    assert_eq!(
        modes,
        [
            &Mode::Before,
            &Mode::After,
            &Mode::Skip("it reboots the machine".to_owned())
        ]
    );
    assert_eq!(lesson.fences[0].lines, ["$ true", "  indented"]);
    assert_eq!(lesson.fences[0].line, 9);
}

#[rstest]
#[case::a_part("## The idea\n", "", "no `##` heading with the word \"idea\"")]
#[case::the_order(
    "## The idea\n## Your task\n",
    "## Your task\n## The idea\n",
    "heading with the word \"task\""
)]
#[case::a_step(
    "2. Make it private.\n",
    "",
    "the code has a block for step 2, the task has no such step"
)]
#[case::a_block(
    "2. Make it private.\n",
    "2. Make it private.\n3. More.\n",
    "step 3 of the task has no TODO block"
)]
#[case::the_numbering(
    "2. Make it private.\n",
    "3. Make it private.\n",
    "numbered [1, 3], not 1, 2, 3"
)]
#[case::a_hint("A hint for step 2", "A hint", "step 2 has no hint")]
#[case::a_hint_in_the_step(
    "<details><summary>Hint</summary>unshare(2)</details>",
    "",
    "step 1 has no hint"
)]
#[case::a_transcript_before("console before", "text", "no transcript of what is seen before")]
#[case::a_transcript_after("console after", "text", "no transcript of what is seen after")]
#[case::a_mode("console after", "console", "line 24: a console fence says")]
#[case::an_unknown_mode("console after", "console later", "line 24: a console fence says")]
#[case::a_reason(
    "skip=it reboots the machine",
    "skip=",
    "line 31: a console fence says"
)]
fn what_is_missing_is_named(#[case] from: &str, #[case] to: &str, #[case] named: &str) {
    let missing = missing(&LESSON.replace(from, to));
    assert!(
        missing.iter().any(|missing| missing.contains(named)),
        "no {named:?} in {missing:#?}"
    );
}

#[test]
fn a_fence_without_an_end_is_named() {
    let lesson = Lesson::parse("```console before\n$ true\n");
    assert_eq!(
        lesson.faults,
        [(1, "this fence is never closed".to_owned())]
    );
}
