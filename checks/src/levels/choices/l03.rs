//! Level 03: a root of its own where pivot_root cannot make one.

use linux_sys::Errno;
use nix::libc;

use super::known::known;
use crate::calls;
use crate::check::Check;
use crate::container::Visitor;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::seccomp_supervisor::{Event, Supervised};
use crate::{names, procfs};

pub(super) const CHOICE: Check = Check {
    name: "--no-pivot: the container has its root where pivot_root says EINVAL",
    step: 0,
    usually: "chroot alone changes where this process's paths start. The root of the mount \
              namespace is still the host's tree then, and setns leads to it",
    needs: &[],
    run: no_pivot,
};

/// On a machine whose root is the kernel's first file system, as in an initramfs, pivot_root
/// has nothing to put away. Such a machine is made of this one: the call fails as it does there.
fn no_pivot(host: &Host) -> Outcome {
    known(host, &["--no-pivot"])?;
    let invocation = host.run(&["probe", "exit", "0"]).option("--no-pivot");
    let watched = calls::numbers(&[calls::EXECS, &[libc::SYS_pivot_root]]);
    let mut level = Supervised::start(invocation, &watched)?;
    let mut has_started = false;
    while let Event::Call(call) = level.next()? {
        if call.is_in(&[libc::SYS_pivot_root]) {
            level.refuse(&call, Errno::EINVAL);
            continue;
        }
        // Its root is the one that the command will have.
        if call.starts(names::program()) && !has_started {
            has_started = true;
            look(host, call.pid)?;
        }
        level.go_on(&call);
    }
    let ended = level.end()?;
    if has_started {
        return Ok(());
    }
    Err(ended
        .failed_to_start()
        .here()
        .expected("the container starts, although pivot_root fails with EINVAL")
        .usually("pivot_root was called all the same: there it is refused, whatever came before")
        .into())
}

fn look(host: &Host, pid: i32) -> Outcome {
    let root = procfs::path(pid, "root");
    let canary = host.canary();
    let below = canary.strip_prefix("/").unwrap_or(&canary);
    let visitor = Visitor::enter(pid)?;
    let roots = [
        (root.clone(), root.display().to_string()),
        (
            visitor.root(),
            format!("setns to {}", procfs::path(pid, "ns/mnt").display()),
        ),
    ];
    for (path, place) in roots {
        if path.join(below).exists() {
            return Err(
                Failure::seen(format!("the host's {} is there", canary.display()))
                    .expected("nothing of the host's is below the container's root")
                    .at(place)
                    .into(),
            );
        }
    }
    if procfs::identity(visitor.root())? == procfs::identity(&root)? {
        return Ok(());
    }
    Err(
        Failure::seen("who enters it by setns comes out in another directory")
            .expected("the root of the container's mount namespace is the command's root directory")
            .at(format!(
                "setns to {}",
                procfs::path(pid, "ns/mnt").display()
            ))
            .into(),
    )
}
