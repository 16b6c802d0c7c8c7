//! Level 01: where the command starts.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::probe_image::EMPTY_DIRECTORY;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--workdir DIR: the command starts in the container's DIR",
    step: 0,
    usually: "the command's directory was not changed, or was changed once more, to `/`, afterwards",
    needs: &[],
    run: workdir,
};

fn workdir(host: &Host) -> Outcome {
    // The host has one of this name as well.
    let directory = format!("/{EMPTY_DIRECTORY}");
    known(host, &["--workdir", &directory])?;
    let invocation = host.run(&["probe", "hold"]);
    let container = invocation.option("--workdir").option(&directory).hold()?;
    let is_at = |path| -> Result<bool, Failure> {
        Ok(procfs::identity(container.proc("cwd"))? == procfs::identity(path)?)
    };
    if is_at(container.inside(&directory))? {
        return Ok(());
    }
    let failure = match (
        is_at(procfs::path(1, "root").join(EMPTY_DIRECTORY)),
        is_at(container.proc("root")),
    ) {
        (Ok(true), _) => Failure::seen(format!("its current directory is the host's {directory}"))
            .usually(
                "the directory was entered before the root: `DIR` was looked up on the host then, \
                 and whoever starts there finds the whole machine by `..`",
            ),
        (_, Ok(true)) => Failure::seen("its current directory is its root directory"),
        _ => Failure::seen("its current directory is another one"),
    };
    Err(failure
        .expected(format!("its current directory is {directory} in its root"))
        .at(container.proc("cwd").display().to_string())
        .into())
}
