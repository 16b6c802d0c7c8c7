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

Below are ways out of a container, or to more than it was given.
`cargo test -p curriculum --test curriculum -- escapes` tries each of them in the solution of *every*
level, and you read here what that test expects:
`cargo run -p checks -- escapes --markdown > docs/src/escapes.md` writes this page. `.ci/qemu.sh` tries
them once more, in the solutions where the answer changes, in a machine with cgroup version 2 that is
there to be broken; an attempt that would change the whole machine runs only there. Where a row names a
kind of machine, the test skips it on others.

The test does not take the container's word. It looks from outside, at what the third column names, to see
whether an escape has worked. The program's own answer (the last column) only tells a defence from an
accident.

Try one yourself. Run `cargo run -p checks -- probe-image` once, then

```sh
cargo run -q -p level02 -- run -i probe -- probe VERB...
```

Here level02 is the solution of level 01; `rd` is that of the last level.

| To | `probe` ... | Seen from outside | Works in the solutions up to | Stopped in | It answers |
|---|---|---|---|---|---|
";

const LATER_INTRODUCTION: &str = "
## What is still open, and what will stop it

`rd` holds a program that makes mistakes, and one that is curious. It does not yet hold one that means harm
and runs as root. This list says what is missing: all that the table calls open. The last column is for
people who use `rd` today; the middle one is for learners who
[go on](onward.md).

| What is open | What will stop it | Until then |
|---|---|---|
";

const SHARED_INTRODUCTION: &str = "
## Stopped by what all levels share

No single level stops these; the code that all levels are given does, from the first one on. Or a level
stops them together with the option by which they would come, so that no earlier one could try. The last
column names what shows it: a test that makes the attack, or a wrong solution without the defence, which
the checks refuse.

| What | Why it leads nowhere | Shown by |
|---|---|---|
";
