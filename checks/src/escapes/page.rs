//! The page in the docs: the table, and what stands around it.

use super::elsewhere::{LATER, NOT_TRIED, SHARED};
use super::table::ESCAPES;

/// `docs/src/escapes.md`.
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for escape in ESCAPES {
        let (first, last_works) = escape.works;
        let works = match first {
            _ if escape.stopped_in().is_none() => "the last".to_owned(),
            0 => format!("{last_works:02}"),
            _ if first == last_works => format!("{last_works:02} only"),
            _ => format!("{first:02} to {last_works:02}"),
        };
        let stopped = match escape.stopped_in() {
            Some(level) => format!("**{level:02}**: {}", escape.stopped_by),
            None => "open: Part II".to_owned(),
        };
        let answer = match (escape.stopped_in(), escape.refusal) {
            (None, _) => "",
            (Some(_), "") => "nothing: it happens, or ends, inside",
            (Some(_), refusal) => refusal,
        };
        let note = escape.requires.note();
        text += &format!(
            "| {}{note} | `{}` | {} | {works} | {stopped} | {answer} |\n",
            escape.what, escape.verbs, escape.witness
        );
    }
    text += LATER_INTRODUCTION;
    for it in LATER {
        let rows = it.rows.join("; ");
        text += &format!("| **{}**: {rows} | {} | {} |\n", it.what, it.stop, it.today);
    }
    text += SHARED_INTRODUCTION;
    for it in SHARED {
        let shown: Vec<String> = it
            .shown_by
            .iter()
            .map(|(file, test)| match *test {
                "" => format!("`{file}`"),
                test => format!("`{test}` in `{file}`"),
            })
            .collect();
        text += &format!("| {} | {} | {} |\n", it.what, it.why, shown.join(", "));
    }
    text += "\n## Not tried\n\n";
    for (what, why) in NOT_TRIED {
        text += &format!("- {what}: {why}.\n");
    }
    text
}

/// What the table refers to: files, and the names of tests in them, or nothing.
pub fn references() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHARED.iter().flat_map(|it| it.shown_by.iter().copied())
}

const INTRODUCTION: &str = "\
# Break it: which level stops what

Below are ways out of a container, or to more than it was given. Each is tried in the
solution of *every* level by `cargo test -p curriculum --test curriculum -- escapes`, and what
you read here is what that test expects: this page is written by
`cargo run -p checks -- escapes --markdown > docs/src/escapes.md`. `.ci/qemu.sh` tries them once
more, in the solutions where the answer changes, in a machine with cgroup version 2 that is
there to be broken: what would change the whole machine is tried in that one only. Where a row says on what kind of machine it is tried,
it is skipped on others.

The test does not take the container's word. It looks from outside, at what the third column
names, whether an escape has worked; what the program answers (the last column) only tells a
defence from an accident.

Try one yourself: `cargo run -p checks -- probe-image` once, then

```sh
cargo run -q -p level02 -- run -i probe -- probe VERB...
```

with level02 being the solution of level 01, and `rd` that of the last.

| To | `probe` ... | Seen from outside | Works in the solutions up to | Stopped in | It answers |
|---|---|---|---|---|---|
";

const LATER_INTRODUCTION: &str = "
## What Part I does not stop, and what will

`rd` holds a program that makes mistakes, and one that is curious. Against one that means harm, as
root, it is not finished, and this is the list of what is missing: all that the table calls open.
The last column is for those who use `rd` today; the middle one for learners who
[go on](onward.md).

| What is open | What will stop it | Until then |
|---|---|---|
";

const SHARED_INTRODUCTION: &str = "
## Stopped by what all levels share

These no level of its own stops: what all levels are given does, from the first on. It is
shown by a test that has the attack in it, or by a wrong solution without the defence, which
the checks refuse.

| What | Why it leads nowhere | Shown by |
|---|---|---|
";
