//! Level 11: root's power, taken apart and mostly given up.

use linux_sys::{Capabilities, Capability, CapabilitySet, CloneFlags, Pid};

use super::l08::expect_refusal;
use super::l10::{hold_with, with_probe};
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::{namespace, procfs};

const BOUNDING: &str = "the bounding set is the thirteen capabilities of the lesson";
const NOTHING: &str = "a container starts without any capability, too";
const REST: &str = "the permitted and effective sets are those thirteen, and no more";

/// Docker's list without CAP_MKNOD, as the lesson has it: 13 of them, a00425fb.
const DEFAULT: [Capability; 13] = [
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

/// Root again, in another group: the level must give up the same capabilities.
const ROOT_OF_5: [&str; 2] = ["--user", "0:5"];

/// The users whose sets are looked at.
const BOTH_ROOTS: [&[&str]; 2] = [&[], &ROOT_OF_5];

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 11,
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
            run: |host| rest(host).and_then(|()| sets_of_a_shell(host)),
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
            usually: "`drop_bounding` comes after become_user, when the right to drop is gone, or is left out \
                      for users; or something puts back what setuid has taken",
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
        refusals::check(
            "a container that cannot give up capabilities does not run",
            1,
            refused_calls,
        ),
    ],
    calls: &[
        ("prctl(PR_CAPBSET_DROP", "", 1),
        ("prctl(PR_CAP_AMBIENT", "", 2),
        ("capset(", "", 3),
    ],
};

fn usual() -> CapabilitySet {
    DEFAULT.into_iter().collect()
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
pub(super) fn expect_set(
    container: &Container,
    key: &str,
    wanted: CapabilitySet,
    with: &str,
) -> Outcome {
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
    let failure = Failure::seen(seen)
        .expected(format!(
            "{key} is {:x}, {} capabilities",
            wanted.bits(),
            wanted.iter().count()
        ))
        .at(container.proc("status").display().to_string());
    let mut lost = wanted.iter().filter(|it| !found.contains(*it));
    if more.is_empty() && lost.all(|it| it.number() > 31) {
        return Err(failure
            .usually(
                "the upper half of the set is gone: there are more than 32 capabilities, and the \
                 sets have 64 bits",
            )
            .into());
    }
    // What the options have changed is another matter.
    let of_the_usual = both(wanted, usual());
    let has_lost_a_usual_one =
        both(found, of_the_usual) != of_the_usual && !with.contains("--cap-");
    Err(match (more.is_empty(), has_lost_a_usual_one) {
        (true, true) => failure.usually(
            "what should stay was given up, too: only what is *not* in `kept` is dropped. Compare \
             DEFAULT with the thirteen of the lesson",
        ),
        (false, _) if with.contains("--user 0:") => failure.usually(
            "with --user something was left out: but a user 0 is root, whatever the group, and exec \
             fills the sets of root out of the bounding set. `drop_bounding` and `drop_capabilities` are for all",
        ),
        _ => failure,
    }
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

/// How a container was started, for a sentence.
fn with(options: &[&str]) -> String {
    match options.is_empty() {
        true => String::new(),
        false => format!(", with {}", options.join(" ")),
    }
}

fn bounding(host: &Host) -> Outcome {
    for options in BOTH_ROOTS {
        let container = hold_with(host, options)?;
        expect_set(&container, "CapBnd", usual(), &with(options))?;
        container.end()?;
    }
    Ok(())
}

/// The sets of a container whose level was given more to pass on than it should.
fn with_bait(host: &Host, keys: &[&str], wanted: CapabilitySet) -> Outcome {
    lay_bait()?;
    for options in BOTH_ROOTS {
        let container = hold_with(host, options)?;
        let with = format!(
            "{}, where the level had something to inherit",
            with(options)
        );
        for key in keys {
            expect_set(&container, key, wanted, &with)?;
        }
        container.end()?;
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
    let cases: [&[&str]; 2] = [
        &["--cap-drop", "ALL"],
        // With a group to choose, which takes a capability that is to be given up.
        &["--cap-drop", "ALL", "--user", "0:5"],
    ];
    for options in cases {
        let container = hold_with(host, options)?;
        for key in ["CapBnd", "CapPrm", "CapEff"] {
            expect_set(&container, key, CapabilitySet::empty(), &with(options))?;
        }
        container.end()?;
    }
    Ok(())
}

fn options(host: &Host) -> Outcome {
    let all = possible()?;
    let cases: [(&[&str], CapabilitySet); 9] = [
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
        // In the other order, and one that 32 bits have no room for.
        (
            &["--cap-add", "cap_syslog", "--cap-drop", "ALL"],
            CapabilitySet::empty().with(Capability::CAP_SYSLOG),
        ),
        (
            &["--user", "0:5", "--cap-add", "SYSLOG"],
            usual().with(Capability::CAP_SYSLOG),
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
        let with = with(options);
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
        let with = with(options);
        expect_set(&container, "CapBnd", bounding, &with)?;
        for key in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            expect_set(&container, key, nothing, &with)?;
        }
        container.end()?;
    }
    file_capabilities(host)
}

/// What a file has of its own: one capability of the usual ones and one beyond them, to be
/// given; and the bait, to be handed on to those who have it in their inheritable set.
fn file_capabilities(host: &Host) -> Outcome {
    let given = CapabilitySet::empty()
        .with(Capability::CAP_NET_ADMIN)
        .with(Capability::CAP_NET_RAW);
    let handed_on: CapabilitySet = BAIT.into_iter().collect();
    // struct vfs_cap_data of linux/capability.h, revision 2: in two halves.
    let low = |set: CapabilitySet| (set.bits() as u32).to_le_bytes();
    let words = [[0, 0, 0, 2], low(given), low(handed_on), [0; 4], [0; 4]];
    host.add_changed_image("capable", |archive| {
        with_probe(archive, 0o755, Some(&words.concat()))
    })?;
    let invocation = host.run(&["probe", "hold"]).image("capable");
    let container = invocation.option("--user").option("2014").hold()?;
    // A file system may have no room for such a thing: then there is nothing to be had.
    let (found, most) = (set(container.pid, "CapPrm")?, both(given, usual()));
    if both(found, most) == found {
        return Ok(());
    }
    let with = ", in a program with capabilities of its own, started by user 2014";
    expect_set(&container, "CapPrm", most, with)
}

/// The same of a program that everybody has, and not only of the checks' own.
fn sets_of_a_shell(host: &Host) -> Outcome {
    let container = host.shell().hold_shell()?;
    let nothing = CapabilitySet::empty();
    let wanted = [
        ("CapBnd", usual()),
        ("CapPrm", usual()),
        ("CapEff", usual()),
        ("CapInh", nothing),
        ("CapAmb", nothing),
    ];
    for (key, set) in wanted {
        expect_set(&container, key, set, ", and the command is a shell")?;
    }
    Ok(())
}

fn no_such_capability(host: &Host) -> Outcome {
    for option in ["--cap-add", "--cap-drop"] {
        for name in ["EVERYTHING", "", "CAP_", "21"] {
            let invocation = host.run(&["probe", "exit", "0"]);
            let invocation = invocation.option(option).option(name);
            expect_refusal(host, invocation)?;
        }
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    // So that it shows whether the ambient and inheritable sets were emptied.
    lay_bait()?;
    refusals::stop_the_command(host, 11, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ones_are_as_the_lesson_prints_them() {
        assert_eq!(usual().bits(), 0xa004_25fb);
    }
}
