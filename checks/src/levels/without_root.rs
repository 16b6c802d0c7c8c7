//! What is otherwise of a container that an ordinary user has started, and why.
//!
//! Every check that is not named here is true of those containers too, and is asked of them:
//! with one number in the map, the user's own, and with 65,536 (`checks judge --with one-id`,
//! `--with many-ids`). Most of what is named here looks at something that only root may ask
//! for, or at a number that is another one outside.

use crate::ordinary::Users;

/// A reason for which checks are not asked there.
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the reasons are for people, and a test prints them"
    )
)]
struct Difference {
    /// With which users in the map.
    with: &'static [Users],
    why: &'static str,
    /// The check that says what is so instead.
    successor: &'static str,
    checks: &'static [&'static str],
}

const BOTH: &[Users] = &Users::ALL;

/// What the checks of level 20 say of a container that an ordinary user has started.
const IS_ROOT: &str = "an ordinary user gets a container, and is its root";
const OWN_NUMBER: &str = "the map has that user's own number, and no other";
const DEVICES: &str = "without root its devices are there, and are the host's";
const NO_LIMIT: &str = "a limit that this user cannot have is refused, and never ignored";

const DIFFERENCES: &[Difference] = &[
    Difference {
        with: BOTH,
        why: "it looks for the number 0 or another one of the container's, which is another one outside",
        successor: OWN_NUMBER,
        checks: &[
            "files of the image keep their owner and mode",
            "/dev is a tmpfs of the container's own",
            "the container's / can be entered by everybody, whatever the umask",
            "--user is the command's user and group, by all of their four numbers",
            "with -t its terminal is one of the container's own /dev/pts",
            "/dev/pts is an instance of its own",
        ],
    },
    Difference {
        with: BOTH,
        why: "it is about a control group, and nobody has given this user one",
        successor: NO_LIMIT,
        checks: &[
            "when the command starts, all is done that makes its container",
            "a control group named after the container is there while it runs",
            "the container's memory is counted in its control group",
            "a container has as many processes as --pids-limit says, and not one more",
            "--cpu-shares is the share of the container's group",
            "no limit is set that nobody has asked for",
            "two containers are in two groups",
            "the container's processes are in its control group, and nobody else is",
            "the container's group is gone afterwards, and rubber-docker stays",
            "groups that were made in the container's own go with it, and the status stays",
            "where control groups are read-only, the level says so and leaves nothing",
            "a container that cannot be put into its group does not run",
            "--memory is the limit of the container's group",
            "a container whose memory cannot be limited does not run",
            "--pids-limit is the limit of the container's group",
            "--cpus is the time that the container's group gets in each period",
            "--device-write-bps is the limit of the container's group for that disk",
            "processes, time and writes are not limited where no option asks for it",
            "a container whose processes, time and writes cannot be limited does not run",
            "in each hierarchy of the machine the command is in the container's group",
            "--memory-swap is memory and swap together",
            "what takes more than --memory is killed, and nobody else",
            "a kill for want of memory is reported, and no other",
            "the limits hold beside each other, and beside --cpu-shares and --memory",
        ],
    },
    Difference {
        with: BOTH,
        why: "no node is made in a user namespace, so no program of the kernel's is asked about devices",
        successor: DEVICES,
        checks: &[
            "a device program is attached to the container's group while it is there, and to no other",
            "the program is attached before the command starts",
            "a node of any device can be made, with --cap-add MKNOD",
            "where no hierarchy of version 2 is, --cap-add MKNOD is an error",
            "no other character device opens, for reading or for writing",
            "no block device opens, whatever its numbers",
            "what the command starts is bound as well, in whatever group below its own",
        ],
    },
    Difference {
        with: BOTH,
        why: "/dev/null is the host's device there, and lies over a file as it does elsewhere",
        successor: DEVICES,
        checks: &["what lies over them is the container's own, and nothing of the host's"],
    },
    Difference {
        with: BOTH,
        why: "a volume of the host's root is nobody's there, and not to be written to",
        successor: IS_ROOT,
        checks: &[
            "what a container writes to a volume is on the host, and stays",
            "with --read-only, volumes and tmpfs can be written all the same",
        ],
    },
    Difference {
        with: BOTH,
        why: "it was not root who has called",
        successor: IS_ROOT,
        checks: &["called by root without --userns, the container has the host's numbers, as ever"],
    },
    Difference {
        with: &[Users::Many],
        why: "it looks for the number of a --user, which is another one outside",
        successor: OWN_NUMBER,
        checks: &["a setuid program of the image makes root of a --user"],
    },
    Difference {
        with: &[Users::Many],
        why: "the pipe is the host's root's, who is nobody there, and not to be handed over",
        successor: IS_ROOT,
        checks: &["with --user the command can open /dev/stdout, where that is a pipe"],
    },
    Difference {
        with: BOTH,
        why: "in a user namespace one has every capability, also what the caller lacks on the host",
        successor: IS_ROOT,
        checks: &["--cap-add and --cap-drop change what is kept, and ALL is all"],
    },
    Difference {
        with: &[Users::One],
        why: "it asks for another user or group with --user, and there is none",
        successor: OWN_NUMBER,
        checks: &[
            "a container whose user cannot be changed does not run",
            "the bounding set is the thirteen capabilities of the lesson",
            "another user, a root with all capabilities and a shell find them covered too",
            "the kernel asks a filter about the command's system calls, whoever it is",
            "with -t the command leads a session of its own, on a terminal of its own",
            "number 1 is as confined as the command, whoever it is and whatever it keeps",
            "nobody in the container looks into number 1",
            "a --user who is not root has no capabilities",
            "with --user, too, no process of the container outlives the level's process",
            "a container starts without any capability, too",
            "with --user there are no capabilities at all, but the same bounding set",
            "a setuid program of the image makes root of a --user",
            "with --user the container is the same as without",
            "HOME is that of the --user, by the container's own /etc/passwd",
            "with --user the command can open /dev/stdout, where that is a pipe",
            "with --user, what is no pipe keeps its owner",
            "the ambient set is empty",
            "the inheritable set is empty",
            "the permitted and effective sets are those thirteen, and no more",
            "with --security-opt seccomp=unconfined there is no filter",
            "io_uring fails with ENOSYS, and so does clone3",
            "the command's processes and threads are made as before",
            "clone makes no namespace",
            "where its input is no terminal the command leads a session that has none",
            "open files and core dumps are limited, and no limit is raised above the caller's",
            "with --security-opt no-new-privileges no exec gives more, and without it as ever",
        ],
    },
];

/// Whether this check is true of containers that an ordinary user has started, with these users in them.
pub(super) fn is_true_for(check: &str, users: Users) -> bool {
    let mut all = DIFFERENCES.iter();
    !all.any(|it| it.with.contains(&users) && it.checks.contains(&check))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::levels::LEVELS;

    #[test]
    fn each_difference_has_its_reason_and_its_successor() {
        let all: BTreeSet<&str> = LEVELS
            .iter()
            .flat_map(|level| level.checks)
            .map(|check| check.name)
            .collect();
        let rootless = LEVELS.iter().filter(|level| level.number >= 20);
        let later: BTreeSet<&str> = rootless
            .flat_map(|level| level.checks)
            .map(|check| check.name)
            .collect();
        for users in Users::ALL {
            let mut named = BTreeSet::new();
            for difference in DIFFERENCES.iter().filter(|it| it.with.contains(&users)) {
                println!(
                    "{}: {}; then {:?}",
                    users.word(),
                    difference.why,
                    difference.successor
                );
                assert!(!difference.why.is_empty());
                assert!(
                    later.contains(difference.successor),
                    "{}",
                    difference.successor
                );
                for check in difference.checks {
                    println!("    {check}");
                    assert!(all.contains(check), "there is no check {check:?}");
                    assert!(named.insert(check), "{check:?} is there twice");
                }
            }
        }
    }
}
