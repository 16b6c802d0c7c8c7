//! Options that all containers are started with: everything that is true of a level is to be true
//! with `-t` and `--init` as well.

use std::sync::OnceLock;

/// Options that all containers are started with, beside those that a check gives them.
static ASKED_WITH: OnceLock<Vec<String>> = OnceLock::new();

/// The variable by which a supervisor is told of them.
pub(crate) const WITH: &str = "RUBBER_DOCKER_ASKED_WITH";

/// From now on all containers are started with these options.
pub(crate) fn ask_with(options: Vec<String>) {
    // There is one question at a time on a command line.
    let _ = ASKED_WITH.set(options);
}

/// Those options; none unless it was asked for.
pub(crate) fn asked_with() -> Vec<String> {
    let told = || std::env::var(WITH).unwrap_or_default();
    let split = |text: String| text.split_whitespace().map(str::to_owned).collect();
    let options = ASKED_WITH.get().cloned();
    options.unwrap_or_else(|| split(told()))
}
