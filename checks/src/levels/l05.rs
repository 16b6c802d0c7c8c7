//! Level 05: a hostname of its own.

use linux_sys::CloneFlags;

use super::l00::IN_A_CHILD;
use super::l01::left_in_store;
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::container::Container;
use crate::host::Host;
use crate::{namespace, procfs};

pub(super) const LEVEL: Level = Level {
    number: 5,
    directory: "05_uts_namespace",
    title: "a hostname",
    checks: &[
        Check {
            name: "the command has a UTS namespace of its own",
            step: 1,
            usually: "CLONE_NEWUTS is missing among the child's new namespaces",
            needs: &[IN_A_CHILD],
            run: own_namespace,
        },
        Check {
            name: "the host keeps its hostname",
            step: 2,
            usually: "sethostname stands before the call that makes the namespace: it has renamed \
                      the host, and the new namespace has begun as a copy of that",
            needs: &[],
            run: host_keeps_its_name,
        },
        Check {
            name: "the container's hostname is its id",
            step: 2,
            usually: "sethostname was given something else than the container's id",
            needs: &[],
            run: named_by_its_id,
        },
    ],
    calls: &[("unshare(", "CLONE_NEWUTS", 1), ("sethostname(", "", 2)],
};

/// The hostname in the sandbox's own UTS namespace.
fn host_name() -> Result<String, Failure> {
    let name = nix::unistd::gethostname();
    name.map(|name| name.to_string_lossy().into_owned())
        .map_err(|why| Failure::seen(format!("gethostname failed: {why}")))
}

fn own_namespace(host: &Host) -> Outcome {
    let before = host_name()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let outcome = namespace::expect_own(&container, "uts", "UTS");
    let name = host_name()?;
    match outcome {
        Err(Finding::Failure(failure)) if name != before => Err(failure
            .usually(format!(
                "sethostname without a namespace of its own: CLONE_NEWUTS is missing, and the \
                 host is called {name:?} now"
            ))
            .into()),
        other => other,
    }
}

fn host_keeps_its_name(host: &Host) -> Outcome {
    let before = host_name()?;
    let expect_unchanged = |when: &str| -> Outcome {
        let name = host_name()?;
        if name == before {
            return Ok(());
        }
        Err(Failure::seen(format!("{when} it is called {name:?}"))
            .expected(format!("the host is called {before:?}, as before"))
            .at("gethostname on the host")
            .into())
    };
    let container = host.run(&["probe", "hold"]).hold()?;
    expect_unchanged("while the container runs,")?;
    container.end()?;
    expect_unchanged("afterwards")
}

fn named_by_its_id(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let name = container_name(&container)?;
    let directories = left_in_store(host)?;
    let is_id = name.len() == 12 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_id && directories == [name.as_str()] {
        return Ok(());
    }
    let failure = Failure::seen(format!("it is {name:?}"))
        .expected(format!(
            "the hostname is twelve hexadecimal digits, the name of the container's directory: {}",
            procfs::few(directories, 3)
        ))
        .at(format!("setns to {}", container.proc("ns/uts").display()));
    Err(match name == host_name()? {
        true => failure.usually("sethostname is missing: a new UTS namespace is a copy of the old"),
        false => failure,
    }
    .into())
}

/// What somebody who is in the container's UTS namespace calls the machine.
fn container_name(container: &Container) -> Result<String, Failure> {
    namespace::look_into(container.pid, CloneFlags::CLONE_NEWUTS, || {
        host_name().unwrap_or_default()
    })
}
