//! Level 20: nobody on the host.

use crate::check::{Check, LevelChecks};
use crate::finding::{Failure, Outcome};
use crate::host::Host;

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 20,
    checks: &[Check {
        name: "FILL IN: the sentence of level 20 that the kernel confirms",
        step: 1,
        usually: "FILL IN: what it means when the sentence is not true",
        needs: &[],
        run: look,
    }],
    // FILL IN: how the errors of its calls begin, the errno, the step: ("mount(", "EPERM", 1).
    calls: &[],
};

fn look(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    Err(Failure::seen("FILL IN: nothing has been looked at yet")
        .at(container.proc("").display().to_string())
        .into())
}
