//! Level 09: who is killed first.

use super::known::known;
use crate::check::Check;
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--oom-score-adj NUMBER: it is the command's, and not that of the level's process",
    step: 0,
    usually: "nothing was written to the oom_score_adj of the process that becomes the command",
    needs: &[],
    run: oom_score_adj,
};

const FILE: &str = "oom_score_adj";

fn oom_score_adj(host: &Host) -> Outcome {
    known(host, &["--oom-score-adj", "500"])?;
    let of = |pid: i32| {
        Ok::<_, Failure>(
            procfs::read_text(procfs::path(pid, FILE))?
                .trim()
                .to_owned(),
        )
    };
    // What a level's process is born with.
    let usual = of(1)?;
    for asked in ["500", "1000"] {
        let invocation = host.run(&["probe", "hold"]);
        let container: Container = invocation.option("--oom-score-adj").option(asked).hold()?;
        let (inner, outer) = (of(container.pid)?, of(container.level())?);
        let failure = |seen: String, pid| {
            Failure::seen(format!("{seen}, with --oom-score-adj {asked}")).at(procfs::path(
                pid, FILE,
            )
            .display()
            .to_string())
        };
        if outer != usual {
            return Err(failure(
                format!("{outer} is that of the level's process"),
                container.level(),
            )
            .expected(format!("it stays {usual}, as its caller had it"))
            .usually(
                "the parent has written to its own: then the kernel takes the runtime as soon as \
                     the command, and with it who tidies up",
            )
            .into());
        }
        if inner != asked {
            return Err(failure(format!("{inner} is the command's"), container.pid)
                .expected(format!("{asked} is the command's"))
                .into());
        }
        container.end()?;
    }
    Ok(())
}
