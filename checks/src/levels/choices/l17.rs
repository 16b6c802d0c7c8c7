//! Level 17: the program's own file, by a mount of its own.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::own_program::Program;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--self-bind: the level's process runs its own file, by a mount that lets nobody write",
    step: 0,
    usually: "the mount was not made read-only (MOUNT_ATTR_RDONLY), or not before it was executed, \
              or the program went on by the mount that it was started by",
    needs: &[],
    run: bound,
};

fn bound(host: &Host) -> Outcome {
    known(host, &["--self-bind"])?;
    // The machine's own files are read-only in the sandbox.
    let machine = host;
    let host = machine.with_program_of_its_own().map_err(|why| {
        Failure::seen(format!("a copy of the level's program: {why}")).elsewhere()
    })?;
    let own = procfs::identity(host.program())?;
    let before = host.mounts()?.len();
    let container = host.run(&["probe", "hold"]).option("--self-bind").hold()?;
    let program = Program::of(container.level())?;
    let failure = |seen: String, expected: &str, at: String| {
        Failure::seen(seen)
            .expected(expected)
            .at(at)
            .usually(CHOICE.usually)
    };
    let at = program.path.display().to_string();
    if program.identity()? != own {
        let seen = "it runs another file".to_owned();
        return Err(failure(seen, "the file that it was started from", at).into());
    }
    if !program.is_read_only() {
        let seen = format!(
            "it runs {}, and can be written to by it",
            host.program().display()
        );
        return Err(failure(seen, "a mount that is read-only", at).into());
    }
    let after = host.mounts()?.len();
    if after != before {
        let seen = format!("the host had {before} mounts, and has {after}");
        let at = "/proc/1/mountinfo, on the host".to_owned();
        return Err(failure(seen, "the mount is in no table: no path leads to it", at).into());
    }
    container.end()?;
    // And without the option it is a copy, as ever; from level 20 on, root's is by a mount too.
    let container = host.run(&["probe", "hold"]).hold()?;
    let program = Program::of(container.level())?;
    if program.identity()? == own && !program.is_protected() {
        let at = program.path.display().to_string();
        let seen = "without the option it runs its own file, which can be written to".to_owned();
        return Err(failure(seen, "a copy in memory, unless it is asked for this", at).into());
    }
    container.end()?;
    Ok(())
}
