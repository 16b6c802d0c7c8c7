//! Level 11: root's power, taken apart and mostly given up.

use linux_sys::{Capabilities, Capability, CapabilitySet, CloneFlags, Pid};

use super::l08::expect_refusal;
use super::l10::hold_with;
use crate::check::{Check, Failure, Level, Outcome};
use crate::container::Container;
use crate::host::Host;
use crate::{namespace, procfs};

const BOUNDING: &str = "the bounding set is the thirteen capabilities of the lesson";
const NOTHING: &str = "a container starts without any capability, too";
const REST: &str = "the permitted and effective sets are those thirteen, and no more";

/// Docker's list without CAP_MKNOD, as the lesson has it: 13 of them, a00425fb.
const USUAL: [Capability; 13] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_NET_RAW,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_AUDIT_WRITE,
    Capability::CAP_SETFCAP,
];

/// What the level's process is given to pass on, and should not: one that it is to give
/// up, and with it all sets that it is in, and one that it keeps.
const BAIT: [Capability; 2] = [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_BIND_SERVICE];

pub(super) const LEVEL: Level = Level {
    number: 11,
    directory: "11_capabilities",
    title: "a root who is not almighty",
    checks: &[
        Check {
            name: BOUNDING,
            step: 1,
            usually: "capbset_drop of all that is not in `kept` is missing: exec by root fills \
                      the other sets out of the bounding set, whatever was dropped there",
            needs: &[],
            run: bounding,
        },
        Check {
            name: "the ambient set is empty",
            step: 2,
            usually: "cap_ambient_clear_all is missing: what the caller had in that set survives \
                      every exec",
            needs: &[],
            run: ambient,
        },
        Check {
            name: "the inheritable set is empty",
            step: 3,
            usually: "capset was left out, or given the inheritable set that capget had told: a \
                      file with capabilities of its own hands it on past the bounding set",
            needs: &[],
            run: inheritable,
        },
        Check {
            name: REST,
            step: 3,
            usually: "capset was left out: what is inheritable comes back when root executes \
                      something, past the bounding set",
            needs: &[],
            run: rest,
        },
        Check {
            name: "the command cannot mount, make devices, or rename the machine",
            step: 1,
            usually: "CAP_SYS_ADMIN or CAP_MKNOD is still there",
            needs: &[REST],
            run: refused,
        },
        Check {
            name: NOTHING,
            step: 3,
            usually: "`kept` was not asked, which knows the options; or capset comes before \
                      become_user, whose calls take CAP_SETGID and CAP_SETUID",
            needs: &[REST],
            run: nothing,
        },
        Check {
            name: "--cap-add and --cap-drop change what is kept, and ALL is all",
            step: 1,
            usually: "`kept` was not asked, which knows the options: a single name outdoes ALL",
            needs: &[REST, NOTHING],
            run: options,
        },
        Check {
            name: "with --user there are no capabilities at all, but the same bounding set",
            step: 1,
            usually: "`limit` comes after become_user, when the right to drop is gone; or \
                      something puts back what setuid has taken",
            needs: &[REST, NOTHING],
            run: as_user,
        },
        Check {
            name: "a capability that there is not is refused, and nothing is left",
            step: 1,
            usually: "the option's parser knows all names",
            needs: &[],
            run: no_such_capability,
        },
    ],
    calls: &[
        ("prctl(PR_CAPBSET_DROP", "", 1),
        ("prctl(PR_CAP_AMBIENT", "", 2),
        ("capset(", "", 3),
    ],
};

fn usual() -> CapabilitySet {
    USUAL.into_iter().collect()
}

fn of_sandbox(what: linux_sys::Error) -> Failure {
    Failure::seen(what.to_string()).elsewhere()
}

/// What the sandbox itself may have: no container in it can have more.
fn possible() -> Result<CapabilitySet, Failure> {
    let known: CapabilitySet = Capability::ALL.iter().copied().collect();
    Ok(both(set(1, "CapBnd")?, known))
}

fn both(one: CapabilitySet, other: CapabilitySet) -> CapabilitySet {
    CapabilitySet::from_bits(one.bits() & other.bits())
}

fn set(pid: i32, key: &str) -> Result<CapabilitySet, Failure> {
    let text = procfs::status(pid, key)?;
    u64::from_str_radix(&text, 16)
        .map(CapabilitySet::from_bits)
        .map_err(|why| Failure::unreadable(procfs::path(pid, "status"), format!("{key}: {why}")))
}

/// `key` of the container must be these.
fn expect_set(container: &Container, key: &str, wanted: CapabilitySet, with: &str) -> Outcome {
    let wanted = both(wanted, possible()?);
    let found = set(container.pid, key)?;
    if found == wanted {
        return Ok(());
    }
    let names = |of: CapabilitySet, without: CapabilitySet| {
        let names = of.iter().filter(|it| !without.contains(*it));
        procfs::few(names.map(|it| it.to_string()).collect(), 5)
    };
    let (more, less) = (names(found, wanted), names(wanted, found));
    let mut seen = format!("{key} is {:x}{with}", found.bits());
    if !more.is_empty() {
        seen.push_str(&format!("; too many are {more}"));
    }
    if !less.is_empty() {
        seen.push_str(&format!("; missing are {less}"));
    }
    Err(Failure::seen(seen)
        .expected(format!(
            "{key} is {:x}, {} capabilities",
            wanted.bits(),
            wanted.iter().count()
        ))
        .at(container.proc("status").display().to_string())
        .into())
}

/// From now on, what this process starts finds more in its sets than it should pass on.
fn lay_bait() -> Result<(), Failure> {
    let myself = Pid::from_raw(0);
    let have = linux_sys::capget(myself).map_err(of_sandbox)?;
    let bait: CapabilitySet = BAIT.into_iter().collect();
    linux_sys::capset(&Capabilities {
        inheritable: bait,
        ..have
    })
    .map_err(of_sandbox)?;
    for capability in BAIT {
        linux_sys::cap_ambient_raise(capability).map_err(of_sandbox)?;
    }
    Ok(())
}

fn bounding(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    expect_set(&container, "CapBnd", usual(), "")
}

/// The sets of a container whose level was given more to pass on than it should.
fn with_bait(host: &Host, keys: &[&str], wanted: CapabilitySet) -> Outcome {
    lay_bait()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    for key in keys {
        let with = ", where the level had something to inherit";
        expect_set(&container, key, wanted, with)?;
    }
    Ok(())
}

fn ambient(host: &Host) -> Outcome {
    with_bait(host, &["CapAmb"], CapabilitySet::empty())
}

fn inheritable(host: &Host) -> Outcome {
    with_bait(host, &["CapInh"], CapabilitySet::empty())
}

fn rest(host: &Host) -> Outcome {
    with_bait(host, &["CapPrm", "CapEff"], usual())
}

fn refused(host: &Host) -> Outcome {
    let command = "probe try mount tmpfs /tmp then try mknod /disk b 8 0 then \
                   try hostname taken then hold";
    let command: Vec<&str> = command.split_whitespace().collect();
    let container = host.run(&command).hold()?;
    let failure = |seen: &str, place: String| -> Outcome {
        Err(Failure::seen(seen)
            .expected("the kernel refuses what takes a capability that was given up")
            .at(place)
            .into())
    };
    let mounts = container.mounts()?;
    if procfs::mounted_at(&mounts, "/tmp").is_some() {
        let place = container.proc("mountinfo").display().to_string();
        return failure("it has mounted a tmpfs on /tmp", place);
    }
    let disk = container.inside("disk");
    if disk.symlink_metadata().is_ok() {
        return failure("it has made a device node", disk.display().to_string());
    }
    let name = namespace::look_into(container.pid, CloneFlags::CLONE_NEWUTS, || {
        let name = nix::unistd::gethostname();
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    })?;
    if name == "taken" {
        let place = format!("setns to {}", container.proc("ns/uts").display());
        return failure("it has set the hostname", place);
    }
    Ok(())
}

fn nothing(host: &Host) -> Outcome {
    let container = hold_with(host, &["--cap-drop", "ALL"])?;
    for key in ["CapBnd", "CapPrm", "CapEff"] {
        expect_set(
            &container,
            key,
            CapabilitySet::empty(),
            ", with --cap-drop ALL",
        )?;
    }
    Ok(())
}

fn options(host: &Host) -> Outcome {
    let all = possible()?;
    let cases: [(&[&str], CapabilitySet); 7] = [
        (&["--cap-add", "ALL"], all),
        (
            &["--cap-add", "SYS_ADMIN"],
            usual().with(Capability::CAP_SYS_ADMIN),
        ),
        (
            &["--cap-drop", "CAP_NET_RAW"],
            usual().without(Capability::CAP_NET_RAW),
        ),
        (
            &["--cap-drop", "all", "--cap-add", "net_bind_service"],
            CapabilitySet::empty().with(Capability::CAP_NET_BIND_SERVICE),
        ),
        (
            &["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"],
            all.without(Capability::CAP_SYS_ADMIN),
        ),
        (
            &[
                "--cap-drop",
                "CHOWN",
                "--cap-drop",
                "KILL",
                "--cap-add",
                "MKNOD",
            ],
            usual()
                .without(Capability::CAP_CHOWN)
                .without(Capability::CAP_KILL)
                .with(Capability::CAP_MKNOD),
        ),
        // Without CAP_SETPCAP the right to drop more is gone, but not before the exec.
        (
            &["--cap-drop", "SETPCAP"],
            usual().without(Capability::CAP_SETPCAP),
        ),
    ];
    for (options, wanted) in cases {
        let container = hold_with(host, options)?;
        let with = format!(", with {}", options.join(" "));
        for key in ["CapBnd", "CapPrm", "CapEff"] {
            expect_set(&container, key, wanted, &with)?;
        }
        container.end()?;
    }
    Ok(())
}

fn as_user(host: &Host) -> Outcome {
    lay_bait()?;
    let nothing = CapabilitySet::empty();
    let cases: [(&[&str], CapabilitySet); 3] = [
        (&["--user", "2014:222"], usual()),
        // The change of user takes two capabilities that are to be given up.
        (&["--user", "2014:222", "--cap-drop", "ALL"], nothing),
        (
            &["--user", "2014:222", "--cap-add", "SYS_ADMIN"],
            usual().with(Capability::CAP_SYS_ADMIN),
        ),
    ];
    for (options, bounding) in cases {
        let container = hold_with(host, options)?;
        let with = format!(", with {}", options.join(" "));
        expect_set(&container, "CapBnd", bounding, &with)?;
        for key in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            expect_set(&container, key, nothing, &with)?;
        }
        container.end()?;
    }
    Ok(())
}

fn no_such_capability(host: &Host) -> Outcome {
    for option in ["--cap-add", "--cap-drop"] {
        for name in ["EVERYTHING", "", "CAP_", "21"] {
            let invocation = host.run(&["probe", "exit", "0"]);
            let invocation = invocation.option(option).option(name);
            expect_refusal(host, invocation, &["cpu", "memory"])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ones_are_as_the_lesson_prints_them() {
        assert_eq!(usual().bits(), 0xa004_25fb);
    }
}
