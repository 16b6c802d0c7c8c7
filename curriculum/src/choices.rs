//! What a level leaves to its learner, made twice: an option that is right, and the same
//! option with a mistake in it. Both are [patches](super::patch) against the solution of the level:
//!
//! ```text
//! checks/choices/05/right.patch    right: Docker's --hostname, HOSTNAME included
//! checks/choices/05/wrong.patch    mistake: only the variable is set
//!                                  says: it is called
//! ```
//!
//! `says` may be there several times: all of it must be in what the check of the choice says. The two
//! differ in nothing but bodies of functions: they are one program, in which a number decides.

use super::Result;
use super::patch::Patch;
use std::path::Path;

/// Where they are, from the root of the workspace.
pub const PATH: &str = "checks/choices";

/// The choice of a level, made in both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The solution with the option.
    pub right: Patch,
    /// The solution with a mistake in it.
    pub wrong: Patch,
    /// What the check must say of the mistake.
    pub says: Vec<String>,
}

impl Choice {
    /// Reads the two patches of level `number`, seen from `root`.
    pub fn read(root: &Path, number: u8) -> Result<Choice> {
        let directory = Path::new(PATH).join(format!("{number:02}"));
        let right = Patch::read(root, &directory.join("right.patch"))?;
        let wrong = Patch::read(root, &directory.join("wrong.patch"))?;
        right.one("right")?;
        wrong.one("mistake")?;
        let says = wrong.all("says");
        if says.is_empty() {
            let shown = wrong.path.display();
            return Err(format!("{shown}: no line `says: ...` says what the check says").into());
        }
        Ok(Choice { right, wrong, says })
    }
}
