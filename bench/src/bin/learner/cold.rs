//! The first day: nothing is built, and then nothing is downloaded either.

use given::Error;

use crate::tree::Tree;

/// The README's first command, without its container.
const FIRST: &str = "cargo build -q -p rd";

/// What the learner types after it: each command finds what the ones before it have built.
const NEXT: [&str; 3] = [
    "cargo build -q -p workshop",
    "cargo build -q -p level00",
    "cargo test -q -p level00 --no-run",
];

/// Print the table.
pub fn measure(tree: &Tree) -> Result<(), Error> {
    let downloaded = tree.time(FIRST)?;
    tree.forget_builds()?;
    println!("| | time (processor time) |\n|---|--:|");
    println!("| `cargo build -p rd`, nothing downloaded | {downloaded} |");
    println!("| the same, all downloaded | {} |", tree.time(FIRST)?);
    for line in NEXT {
        let taken = tree.time(line)?;
        println!("| then `{}` | {taken} |", line.replace(" -q", ""));
    }
    Ok(())
}
