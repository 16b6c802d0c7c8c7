//! Level 06: the host's processes, for a container that is to look at them.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::{namespace, procfs};

pub(super) const CHOICE: Check = Check {
    name: "--pid host: the command sees the host's processes, and is one of them",
    step: 0,
    usually: "CLONE_NEWPID is among the flags all the same",
    needs: &[],
    run: of_the_host,
};

fn of_the_host(host: &Host) -> Outcome {
    known(host, &["--pid", "host"])?;
    let invocation = host.run(&["probe", "hold"]);
    let container = invocation.option("--pid").option("host").hold()?;
    let (own, of_host) = (container.proc("ns/pid"), procfs::path(1, "ns/pid"));
    if procfs::identity(&own)? != procfs::identity(&of_host)? {
        return Err(Failure::seen("it is in one of its own")
            .expected("the command is in the host's PID namespace")
            .at(format!("{} and {}", own.display(), of_host.display()))
            .into());
    }
    let inner = container.inside(&format!("proc/{}/cmdline", container.pid));
    if procfs::read(&inner).ok() != procfs::read(container.proc("cmdline")).ok() {
        return Err(Failure::seen("its /proc is that of another PID namespace")
            .expected("the container's /proc shows the command by the number that the host knows")
            .at(inner.display().to_string())
            .usually("/proc was not mounted by a process of the host's PID namespace")
            .into());
    }
    // It was not asked for anything else.
    for (kind, name) in [("mnt", "mount"), ("uts", "UTS"), ("ipc", "IPC")] {
        namespace::expect_own(&container, kind, name).map_err(|why| {
            why.usually(Some(
                "another flag was left out as well: `--pid host` is about CLONE_NEWPID alone",
            ))
        })?;
    }
    Ok(())
}
