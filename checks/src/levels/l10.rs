//! Level 10: a user who is not root.

use std::collections::BTreeSet;
use std::path::PathBuf;

use linux_sys::Gid;

use super::l06::dies_with_parent;
use super::l08::expect_refusal;
use crate::cgroups;
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::container::Container;
use crate::host::Host;
use crate::procfs;

const NO_GROUPS: &str = "the command has no supplementary groups";
const SAME: &str = "with --user the container is the same as without";
const USER: &str = "--user is the command's user and group, by all of their four numbers";

/// What the checks ask for: numbers that mean something nowhere.
const ASKED: &str = "2014:222";

pub(super) const LEVEL: Level = Level {
    number: 10,
    directory: "10_setuid",
    title: "a user who is not root",
    checks: &[
        Check {
            name: NO_GROUPS,
            step: 1,
            usually: "setgroups(&[]) is missing, or done only if there is a --user: the groups \
                      are those of whoever called the level",
            needs: &[],
            run: no_groups,
        },
        Check {
            name: USER,
            step: 2,
            usually: "setgid or setuid is missing, or was refused without anybody noticing: the \
                      group comes first, for after setuid there is no right to choose it",
            needs: &[],
            run: user,
        },
        Check {
            name: "a --user who is not root has no capabilities",
            step: 2,
            usually: "setuid takes them away by itself, unless somebody tells the kernel to keep \
                      them (PR_SET_KEEPCAPS)",
            needs: &[USER],
            run: no_capabilities,
        },
        Check {
            name: SAME,
            step: 2,
            usually: "the user changes too early, and what only root may do was skipped afterwards: \
                      mounts, hostname, network and group come before",
            needs: &[USER],
            run: same_container,
        },
        Check {
            name: "with --user, too, no process of the container outlives the level's process",
            step: 2,
            usually: "set_pdeathsig comes before setgid and setuid: the kernel forgets the wish \
                      when the user or the group changes",
            needs: &[USER, SAME],
            run: dies_with_parent_as_user,
        },
        Check {
            name: "a --user that is no number is refused, and nothing is left",
            step: 2,
            usually: "names are looked up by nobody here; the option's parser takes 0 to 4294967294",
            needs: &[],
            run: no_such_user,
        },
    ],
    calls: &[
        ("setgroups(", "", 1),
        ("setgid(", "", 2),
        ("setuid(", "", 2),
    ],
};

/// A container with these options. If it does not start with them, but does without,
/// the step that these options are about is to blame.
pub(super) fn hold_with<'a>(host: &'a Host, options: &[&'a str]) -> Result<Container<'a>, Finding> {
    let invocation = host.run(&["probe", "hold"]);
    let invocation = options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option));
    invocation.hold().map_err(|failure| {
        match host.run(&["probe", "hold"]).hold() {
            Ok(_) => failure
                .here()
                .expected(format!(
                    "the container starts with {} too",
                    options.join(" ")
                ))
                .usually(
                    "a step that needs root comes after the one that gives root up; the error \
                     names it",
                ),
            Err(_) => failure,
        }
        .into()
    })
}

fn status_failure(container: &Container, seen: String) -> Failure {
    Failure::seen(seen).at(container.proc("status").display().to_string())
}

fn no_groups(host: &Host) -> Outcome {
    // As it is where root is in `disk`, or somebody in `docker`.
    linux_sys::setgroups(&[6, 998].map(Gid::from_raw))
        .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    for options in [&[][..], &["--user", ASKED]] {
        let container = match hold_with(host, options) {
            Ok(container) => container,
            // Why it does not start with --user is the next check's matter.
            Err(_) if !options.is_empty() => continue,
            Err(why) => return Err(why),
        };
        let groups = procfs::status(container.pid, "Groups")?;
        if !groups.is_empty() {
            let with = match options.is_empty() {
                true => "without --user".to_owned(),
                false => format!("with {}", options.join(" ")),
            };
            return Err(
                status_failure(&container, format!("Groups: {groups}, {with}"))
                    .expected("no number in the line Groups")
                    .into(),
            );
        }
    }
    Ok(())
}

fn user(host: &Host) -> Outcome {
    let cases = [
        (&[][..], "0", "0"),
        (&["--user", ASKED], "2014", "222"),
        (&["--user", "2014"], "2014", "0"),
        (&["--user", "0:222"], "0", "222"),
        (
            &["--user", "4294967294:4294967294"],
            "4294967294",
            "4294967294",
        ),
    ];
    for (options, uid, gid) in cases {
        let container = hold_with(host, options)?;
        for (key, expected) in [("Uid", uid), ("Gid", gid)] {
            let numbers = procfs::status(container.pid, key)?;
            let count = numbers.split_whitespace().count();
            if count != 4 || numbers.split_whitespace().any(|it| it != expected) {
                return Err(status_failure(
                    &container,
                    format!("{key}: {numbers}, with {}", options.join(" ")),
                )
                .expected(format!(
                    "{key}: {expected}, four times (real, effective, saved, file system)"
                ))
                .into());
            }
        }
    }
    Ok(())
}

fn no_capabilities(host: &Host) -> Outcome {
    let container = hold_with(host, &["--user", ASKED])?;
    for key in ["CapPrm", "CapEff"] {
        let set = procfs::status(container.pid, key)?;
        if set.bytes().any(|digit| digit != b'0') {
            return Err(status_failure(&container, format!("{key}: {set}"))
                .expected(format!("{key} is 0"))
                .into());
        }
    }
    Ok(())
}

/// What level 00 to 09 have made of a container, as far as it can be compared.
fn surroundings(container: &Container) -> Result<BTreeSet<String>, Failure> {
    let mut all = BTreeSet::new();
    for mount in container.mounts()? {
        all.insert(format!("a {} on {}", mount.fstype, mount.point.display()));
    }
    for kind in ["mnt", "uts", "ipc", "pid", "net", "cgroup"] {
        let of = |pid| procfs::identity(procfs::path(pid, &format!("ns/{kind}")));
        if of(container.pid)? != of(1)? {
            all.insert(format!("another {kind} namespace"));
        }
    }
    let groups = procfs::read_text(container.proc("cgroup"))?;
    for line in groups.lines() {
        // All but the id at its end.
        let (above, _) = line.rsplit_once('/').unwrap_or((line, ""));
        all.insert(format!("a group {above}/..."));
    }
    Ok(all)
}

fn same_container(host: &Host) -> Outcome {
    let as_root = host.run(&["probe", "hold"]).hold()?;
    let expected = surroundings(&as_root)?;
    let container = hold_with(host, &["--user", ASKED])?;
    let found = surroundings(&container)?;
    let missing: Vec<String> = expected.difference(&found).cloned().collect();
    let more: Vec<String> = found.difference(&expected).cloned().collect();
    if missing.is_empty() && more.is_empty() {
        return Ok(());
    }
    let mut seen = Vec::new();
    if !missing.is_empty() {
        seen.push(format!("missing: {}", procfs::few(missing, 6)));
    }
    if !more.is_empty() {
        seen.push(format!("more than without: {}", procfs::few(more, 6)));
    }
    let place: PathBuf = container.proc("mountinfo");
    Err(Failure::seen(seen.join("; "))
        .expected("the same mounts, namespaces and groups as without --user")
        .at(format!("{}, ns/ and cgroup beside it", place.display()))
        .into())
}

fn dies_with_parent_as_user(host: &Host) -> Outcome {
    dies_with_parent(host, &["--user", ASKED])
}

fn no_such_user(host: &Host) -> Outcome {
    // Where the sandbox has no groups, this level's program has none to leave.
    let controllers: &[&str] = match cgroups::problem() {
        None => &["cpu", "memory"],
        Some(_) => &[],
    };
    for user in [
        "root",
        "-1",
        "4294967295",
        "99999999999",
        "1:",
        ":1",
        "1:2:3",
        "",
    ] {
        let invocation = host.run(&["probe", "exit", "0"]);
        let invocation = invocation.option("--user").option(user);
        expect_refusal(host, invocation, controllers)?;
    }
    Ok(())
}
