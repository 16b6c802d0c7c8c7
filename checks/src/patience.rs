//! How long an answer may take, on which kind of machine.

use std::time::Duration;

/// How long an answer may take: ten times what the longest does on an idle machine, and more
/// than a hundred times what most do; six times that on a machine whose kernel was told that it is
/// an emulated one, and for a level that a tracer stops at each call.
pub(crate) fn deadline() -> Duration {
    let usual = Duration::from_secs(10);
    match std::env::var_os(TRACED) {
        None if !is_emulated() => usual,
        _ => usual * 6,
    }
}

/// The variable by which the trials of the x-ray say so.
const TRACED: &str = "RUBBER_DOCKER_TRACED";

/// Whether this machine's kernel was told that its processors are a program.
pub(crate) fn is_emulated() -> bool {
    let words = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
    words.split_whitespace().any(|word| word == EMULATED)
}

/// The word by which `.ci/qemu.sh` says so on the kernel's command line.
const EMULATED: &str = "rubber_docker.emulated";
