//! Whether a choice was made at all.

use crate::finding::{Finding, Outcome};
use crate::host::Host;

/// Whether the program knows these words: asked for its help behind them, it gives that, and
/// makes no container. One that does not know them ends with a usage error and 125, as for
/// any word that it does not know.
pub(super) fn known(host: &Host, words: &[&str]) -> Outcome {
    let invocation = host.run(&["probe", "exit", "0"]);
    let invocation = words.iter().fold(invocation, |it, word| it.option(word));
    let ended = invocation.option("--help").finish()?;
    match ended.code() {
        Some(0) => Ok(()),
        Some(125) => {
            let mut lines = ended.errors.lines();
            let first = lines.find(|line| !line.trim().is_empty());
            let why = first.unwrap_or("it does not say why");
            Err(Finding::NotThere(format!(
                "`{}` ends with 125: {why}",
                ended.line
            )))
        }
        _ => Err(Finding::NotThere(ended.describe())),
    }
}
