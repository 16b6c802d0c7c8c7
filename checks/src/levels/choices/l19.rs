//! Level 19: as long as anything lives.

use std::time::Duration;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::process;

pub(super) const CHOICE: Check = Check {
    name: "--wait-all: number 1 ends when its last child has, and with the command's status",
    step: 0,
    usually: "the loop ends with the command, or with the status of the child that was last: keep \
              the command's, and go on until waitpid says ECHILD",
    needs: &[],
    run: waits,
};

fn waits(host: &Host) -> Outcome {
    known(host, &["--init", "--wait-all"])?;
    // An orphan that ends when the caller lets it: it has the command's standard input.
    let command = ["probe", "start", "hold", "9", "then", "exit", "5"];
    let mut run = host
        .run(&command)
        .option("--init")
        .option("--wait-all")
        .start()?;
    let level = run.pid();
    let is_ready = run.await_ready_for(Duration::from_secs(4));
    let has_ended = process::await_end(level, Duration::from_millis(300))?;
    if !is_ready || has_ended {
        return Err(Failure::seen(
            "the container has ended with its command, and what that had started too",
        )
        .expected("it goes on for as long as a process lives in it")
        .at(format!("/proc/{level}/status"))
        .usually(CHOICE.usually)
        .into());
    }
    let ended = run.end()?;
    if ended.code() != Some(5) {
        return Err(ended
            .wrong_status()
            .expected("5, the command's status; what it has left behind ended with 9")
            .usually(CHOICE.usually)
            .into());
    }
    // Without the option, all ends with the command.
    let ended = host
        .run(&["probe", "start", "pause", "then", "exit", "6"])
        .option("--init")
        .finish()?;
    if ended.code() != Some(6) {
        return Err(ended
            .wrong_status()
            .expected("without the option it ends with the command: 6")
            .into());
    }
    Ok(())
}
