//! Wrong solutions: mistakes that people make, each a [patch](super::patch) against the
//! solution of a level, and the check that must notice.
//!
//! A mistake lies in `checks/wrong/NN/NAME.patch` and begins with what it is about:
//!
//! ```text
//! mistake: propagation stays shared
//! check: the container's mounts do not appear on the host
//! says: propagation was left shared
//!
//! --- a/src/container.rs
//! +++ b/src/container.rs
//! ...
//! ```
//!
//! `says` may be there several times: all of it must be in the failure's text. What stands
//! behind `ran` must be in the command that the failure shows, such as an option. With
//! `also: NAME` a further check must fail that would not be run otherwise, or not be
//! the first to fail: it is asked by itself. Where cgroup version 2 has the kernel refuse
//! what version 1 lets pass, another check notices: `check-v2` and `says-v2` tell which.
//! What is no mistake on version 1 has a line `only-v2: WHY`.
//!
//! Where `cargo workshop xray --against solution` shows a mistake elsewhere than in the lines
//! that the patch changes, `first: WORDS` says what it has to name, maybe several times. What it
//! names that is not the mistake has `first-doubtful: WHY`.

use super::Result;
use super::patch::Patch;
use std::path::Path;

/// Where they are, from the root of the workspace.
pub const PATH: &str = "checks/wrong";

/// How many there are of each level.
pub const AT_LEAST_A_LEVEL: usize = 4;

/// A wrong solution of a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The solution with the mistake.
    pub patch: Patch,
    /// What was done wrong, in a person's words.
    pub mistake: String,
    /// The name of the check that must fail.
    pub check: String,
    /// What the failure must say.
    pub says: Vec<String>,
    /// What the command that the failure shows must have in it.
    pub ran: Vec<String>,
    /// Checks that fail for it, too, when they are run by themselves.
    pub also: Vec<String>,
    /// The check that must fail on cgroup version 2, if it is another one there, and what
    /// it must say.
    pub on_v2: Option<(String, Vec<String>)>,
    /// What its first difference from the reference has to say, if its lines do not tell.
    pub first: Vec<String>,
    /// Why its first difference from the reference is not the mistake, if it is not.
    pub doubtful: Option<String>,
    /// Why it is a mistake on cgroup version 2 alone, if it is.
    pub only_v2: Option<String>,
}

impl Mistake {
    /// Reads the patch at `path`, seen from `root`.
    pub fn read(root: &Path, path: &Path) -> Result<Mistake> {
        let patch = Patch::read(root, path)?;
        let shown = path.display();
        let on_v2 = match (&patch.all("check-v2")[..], patch.all("says-v2")) {
            ([], says) if says.is_empty() => None,
            ([check], says) if !says.is_empty() => Some((check.clone(), says)),
            _ => {
                return Err(format!(
                    "{shown}: one line `check-v2: ...` and a line `says-v2: ...` belong together"
                )
                .into());
            }
        };
        let mistake = Mistake {
            mistake: patch.one("mistake")?,
            check: patch.one("check")?,
            says: patch.all("says"),
            ran: patch.all("ran"),
            also: patch.all("also"),
            on_v2,
            first: patch.all("first"),
            doubtful: patch.all("first-doubtful").pop(),
            only_v2: patch.all("only-v2").pop(),
            patch,
        };
        if mistake.says.is_empty() {
            return Err(format!("{shown}: no line `says: ...` says what the failure says").into());
        }
        Ok(mistake)
    }
}
