//! Level 07: two containers, one network.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l07::{shows_a_loopback_that_is_up, switch_host_loopback};
use crate::{namespace, procfs};

pub(super) const CHOICE: Check = Check {
    name: "--network ns:PATH: the command is in the network namespace that PATH names",
    step: 0,
    usually: "setns(CLONE_NEWNET) is missing, or a new namespace was made after it",
    needs: &[],
    run: shared,
};

fn shared(host: &Host) -> Outcome {
    known(host, &["--network", "ns:/proc/1/ns/net"])?;
    // So that the container's network and the host's can be told apart in /sys.
    switch_host_loopback(false)?;
    let first = host.run(&["probe", "hold"]).hold()?;
    let path = first.proc("ns/net");
    let asked = format!("ns:{}", path.display());
    let invocation = host.run(&["probe", "hold"]);
    let container = invocation.option("--network").option(&asked).hold()?;
    let own = container.proc("ns/net");
    if procfs::identity(&own)? != procfs::identity(&path)? {
        let is_hosts = procfs::identity(&own)? == procfs::identity(procfs::path(1, "ns/net"))?;
        let whose = if is_hosts {
            "the host's"
        } else {
            "another one"
        };
        return Err(Failure::seen(format!("it is in {whose}"))
            .expected("the command is in the first container's network namespace")
            .at(format!("{} and {}", own.display(), path.display()))
            .into());
    }
    if !shows_a_loopback_that_is_up(&container)? {
        return Err(Failure::seen("its /sys shows the network of the host")
            .expected("the container's /sys shows the network that the command is in")
            .at(container.inside("sys/class/net").display().to_string())
            .usually(
                "/sys was mounted before setns: a sysfs shows the network namespace that its \
                 mounter was in",
            )
            .into());
    }
    // The network is all that the two share.
    for (kind, name) in [
        ("mnt", "mount"),
        ("uts", "UTS"),
        ("ipc", "IPC"),
        ("pid", "PID"),
    ] {
        namespace::expect_own(&container, kind, name)?;
    }
    Ok(())
}
