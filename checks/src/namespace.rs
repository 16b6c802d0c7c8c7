//! A container's namespaces: compared from outside, and entered for a look.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use linux_sys::{CloneFlags, Fork, WaitOptions};

use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::procfs;

/// The namespace `kind`, as in `/proc/PID/ns`, must be the container's alone.
///
/// Two processes are in one namespace exactly if these files are one (namespaces(7)).
pub(crate) fn expect_own(container: &Container, kind: &str, name: &str) -> Outcome {
    let below = format!("ns/{kind}");
    let path = container.proc(&below);
    let inner = procfs::identity(&path)?;
    let of_host = procfs::path(1, &below);
    if inner == procfs::identity(&of_host)? {
        return Err(Failure::seen("it is in the host's")
            .expected(format!("its {name} namespace is another than the host's"))
            .at(format!("{} and {}", path.display(), of_host.display()))
            .into());
    }
    let of_level = procfs::path(container.level(), &below);
    if inner != procfs::identity(&of_level)? {
        return Ok(());
    }
    Err(Failure::seen("the level's own process is in it too")
        .expected(format!("only the child is in the new {name} namespace"))
        .at(format!("{} and {}", path.display(), of_level.display()))
        .usually("unshare was called by the parent, which has work to do on the host afterwards")
        .into())
}

/// The hostname in the UTS namespace that `pid` is in. This process goes there itself, and
/// comes back: that takes a moment only, where [`look_into`] makes a process.
pub(crate) fn hostname_of(pid: i32) -> Result<String, Failure> {
    let open = |pid| {
        let path = procfs::path(pid, "ns/uts");
        File::open(&path).map_err(|why| Failure::unreadable(&path, why))
    };
    let failed = |why: &dyn std::fmt::Display| Failure::seen(why.to_string()).elsewhere();
    let (own, other) = (open(1)?, open(pid)?);
    linux_sys::setns(&other, CloneFlags::CLONE_NEWUTS).map_err(|why| failed(&why))?;
    let name = nix::unistd::gethostname();
    linux_sys::setns(&own, CloneFlags::CLONE_NEWUTS).map_err(|why| failed(&why))?;
    let name = name.map_err(|why| failed(&why))?;
    Ok(name.to_string_lossy().into_owned())
}

/// What `look` finds in the namespace that `pid` is in: a process of ours, made for
/// this, enters it by setns(2).
pub(crate) fn look_into(
    pid: i32,
    kind: CloneFlags,
    look: impl FnOnce() -> String,
) -> Result<String, Failure> {
    let name = match kind {
        CloneFlags::CLONE_NEWUTS => "uts",
        CloneFlags::CLONE_NEWCGROUP => "cgroup",
        CloneFlags::CLONE_NEWNS => "mnt",
        _ => "net",
    };
    let path = procfs::path(pid, &format!("ns/{name}"));
    let namespace = File::open(&path).map_err(|why| Failure::unreadable(&path, why))?;
    let failed = |why: &dyn std::fmt::Display| {
        Failure::seen(format!("the namespace cannot be entered: {why}"))
            .at(path.display().to_string())
    };
    let (mut ours, mut theirs) = UnixStream::pair().map_err(|why| failed(&why))?;
    match linux_sys::fork().map_err(|why| failed(&why))? {
        Fork::Child => {
            drop(ours);
            let told = match linux_sys::setns(&namespace, kind) {
                Ok(()) => theirs.write_all(look().as_bytes()).is_ok(),
                Err(_) => false,
            };
            linux_sys::exit(u8::from(!told))
        }
        Fork::Parent { child } => {
            drop(theirs);
            let mut found = String::new();
            let told = ours.read_to_string(&mut found);
            let status = linux_sys::waitpid(child, WaitOptions::empty());
            match (told, status) {
                (Ok(_), Ok(linux_sys::WaitStatus::Exited(0))) => Ok(found),
                (Err(why), _) => Err(failed(&why)),
                (Ok(_), _) => Err(failed(&"setns failed")),
            }
        }
    }
}
