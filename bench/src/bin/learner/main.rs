//! One command that says how long a learner waits:
//!
//!   cargo run --release -p bench --bin learner
//!
//! It clones the tree's last commit into a directory of its own, builds there what the
//! README says first, with nothing downloaded and nothing built; then it solves three
//! levels, and changes a line in them again and again. It prints two tables in Markdown.
//! Each number is the time that passes and, in brackets, the processor time: on a busy
//! machine only the second says something.
//!
//! It needs crates.io and, for the checks, root. The clone is removed at the end, also
//! when the measurement is interrupted.

mod cold;
mod edit;
mod machine;
mod tree;

use std::process::ExitCode;

use bench::apart::measure_apart;
use given::Error;

use tree::Tree;

fn main() -> ExitCode {
    match supervise() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            given::log(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The parent's part: wait for the child that measures, however it ends, and tidy up.
fn supervise() -> Result<u8, Error> {
    let tree = Tree::new()?;
    let status = measure_apart(|| measure(&tree))?;
    tree.remove()?;
    Ok(status)
}

fn measure(tree: &Tree) -> Result<(), Error> {
    tree.clone_head()?;
    println!("{}\n", machine::describe());
    cold::measure(tree)?;
    println!();
    edit::measure(tree)
}
