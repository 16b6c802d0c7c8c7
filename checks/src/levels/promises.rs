//! How long a check is true.
//!
//! A check is true of its own level and of every later one: that is what a learner can rely
//! on. Where a later level must break such a promise, it stands here, with the reason and
//! the check that says what is so instead. New behaviour that a caller has to ask for, as
//! Docker's `-t` is, breaks none. What it changes stands here as well: `checks judge --with
//! OPTION` asks all checks of containers that are started with it, but for these.

use super::without_root;
use crate::ordinary::Users;

/// What becomes of a check in later levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It is asked up to the level before this one.
    Until(u8),
    /// From the level that adds this option on, its containers are asked for with it.
    With(&'static str),
    /// It is not asked of containers that are started with this option, which a caller has to
    /// ask for.
    Without(&'static str),
}

/// A check that is not for ever.
struct Promise {
    check: &'static str,
    holds: Holds,
    /// Why a later level has it otherwise.
    why: &'static str,
    /// The check, of that level or a later one, which says what is true from there on.
    successor: &'static str,
}

const PROMISES: [Promise; 44] = [
    Promise {
        check: "the command gets the environment",
        holds: Holds::With("--env"),
        why: "what the caller has in its environment may be secret, and is kept from the \
              command unless it is asked for by name",
        successor: "the command's environment is the container's, and not the caller's",
    },
    Promise {
        check: "exec may give the command what its caller has not",
        holds: Holds::Until(10),
        why: "no_new_privs and filters of system calls harden a container from the level on \
              where its command may be another user than root",
        successor: "a setuid program of the image makes root of a --user",
    },
    Promise {
        check: "the command's session and limits are its caller's",
        holds: Holds::Until(18),
        why: "what a process has of its caller unasked, a container is not to have: a session, \
              rank when memory is short, as many open files as there may be",
        successor: "where its input is no terminal the command leads a session that has none",
    },
    Promise {
        check: "the command's streams, umask and working directory are its caller's",
        holds: Holds::Without("--tty"),
        why: "its streams are the terminal of its own that it was asked to have",
        successor: "with -t its terminal is what the command has as 0, 1 and 2",
    },
    Promise {
        check: "where its input is no terminal the command leads a session that has none",
        holds: Holds::Without("--tty"),
        why: "its input is a terminal of its own, whatever its caller's is",
        successor: "with -t the command leads a session of its own, on a terminal of its own",
    },
    Promise {
        check: "without -t, on the caller's terminal, the command stays in the caller's session",
        holds: Holds::Without("--tty"),
        why: "its session is that of a terminal of its own",
        successor: "with -t the command leads a session of its own, on a terminal of its own",
    },
    Promise {
        check: "the command is number 1 of a PID namespace of its own",
        holds: Holds::Without("--init"),
        why: "another process was asked for as number 1",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "the level's process waits while the command runs",
        holds: Holds::Without("--init"),
        why: "it waits for number 1, which waits for the command",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "/proc shows the container's processes and no others",
        holds: Holds::Without("--init"),
        why: "number 1 is a process of the container's as well",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "a second SIGTERM ends a command that does not handle it",
        holds: Holds::Without("--init"),
        why: "the first one does: the kernel shields number 1 alone",
        successor: "with --init signals come to the command, and have their usual effect there",
    },
    Promise {
        check: "a container has as many processes as --pids-limit says, and not one more",
        holds: Holds::Without("--init"),
        why: "number 1 is one of them",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "with -t the command leads a session of its own, on a terminal of its own",
        holds: Holds::Without("--init"),
        why: "number 1 leads the session, and the command is in its group",
        successor: "with --init -t the keys are for the command",
    },
    Promise {
        check: "the command's environment is the container's, and not the caller's",
        holds: Holds::Without("--tty"),
        why: "a terminal has a kind: the environment says which (TERM)",
        successor: "with -t what is typed comes to the command, and keys are signals to it",
    },
    Promise {
        check: "a signal to the level's process reaches the command once",
        holds: Holds::Without("--init"),
        why: "what stops a process is for number 1, which the parent stops; the command goes on",
        successor: "with --init signals come to the command, and have their usual effect there",
    },
    Promise {
        check: "the end is reported as `PID exited with status N`",
        holds: Holds::Without("--init"),
        why: "the number is that of number 1, the parent's child",
        successor: "with --init the status is the command's, whatever ended it",
    },
    Promise {
        check: "--pids-limit is the limit of the container's group",
        holds: Holds::Without("--init"),
        why: "number 1 is one of them, and where one alone is allowed there is no command",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "orphans are taken in and collected, however many end at once",
        holds: Holds::Without("--tty"),
        why: "its input comes by way of the level's process, which this check holds still",
        successor: "with --init -t the keys are for the command",
    },
    Promise {
        check: "without --init the command is number 1, as ever",
        holds: Holds::Without("--init"),
        why: "another process was asked for as number 1",
        successor: "with --init number 1 is the level's own program, and the command its child",
    },
    Promise {
        check: "files of the image keep their owner and mode",
        holds: Holds::Without("--userns"),
        why: "owners are those of the map: what belongs to user 4242 inside belongs to another one outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "/dev is a tmpfs of the container's own",
        holds: Holds::Without("--userns"),
        why: "it belongs to the container's root, who is another user outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "the container's / can be entered by everybody, whatever the umask",
        holds: Holds::Without("--userns"),
        why: "it belongs to the container's root, who is another user outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "the container's processes are in its control group, and nobody else is",
        holds: Holds::Without("--userns"),
        why: "its group is one level deeper, in the one that the container's root was given",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "the container's memory is counted in its control group",
        holds: Holds::Without("--userns"),
        why: "its group is one level deeper, in the one that the container's root was given",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "groups that were made in the container's own go with it, and the status stays",
        holds: Holds::Without("--userns"),
        why: "the check makes them as the host's root, whose groups are not the container's to remove",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "where control groups are read-only, the level says so and leaves nothing",
        holds: Holds::Without("--userns"),
        why: "there no group can be given to the container's root, who needs none without a limit",
        successor: "a limit that this user cannot have is refused, and never ignored",
    },
    Promise {
        check: "--user is the command's user and group, by all of their four numbers",
        holds: Holds::Without("--userns"),
        why: "the numbers are others outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "--cap-add and --cap-drop change what is kept, and ALL is all",
        holds: Holds::Without("--userns"),
        why: "in a user namespace one has every capability, also what the caller lacks on the host",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "what lies over them is the container's own, and nothing of the host's",
        holds: Holds::Without("--userns"),
        why: "/dev/null is the host's device there, and lies over a file as it does elsewhere",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "a device program is attached to the container's group while it is there, and to no other",
        holds: Holds::Without("--userns"),
        why: "the kernel takes none from the root of a user namespace, where no node opens a device",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "what a container writes to a volume is on the host, and stays",
        holds: Holds::Without("--userns"),
        why: "a volume of the host's root is nobody's there, and not to be written to",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "with --read-only, volumes and tmpfs can be written all the same",
        holds: Holds::Without("--userns"),
        why: "a volume of the host's root is nobody's there, and not to be written to",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "the level's process has made nothing yet when it becomes its copy",
        holds: Holds::Without("--userns"),
        why: "a group for the container's root is made by the host's, before that is another user",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "with -t its terminal is one of the container's own /dev/pts",
        holds: Holds::Without("--userns"),
        why: "it belongs to the container's root, who is another user outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "called by root without --userns, the container has the host's numbers, as ever",
        holds: Holds::Without("--userns"),
        why: "it was asked for",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "/dev/pts is an instance of its own",
        holds: Holds::Without("--userns"),
        why: "its group has another number outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "in each hierarchy of the machine the command is in the container's group",
        holds: Holds::Without("--userns"),
        why: "its group is one level deeper, in the one that the container's root was given",
        successor: "the level's process is in the namespace too, and all else of the container is its",
    },
    Promise {
        check: "a setuid program of the image makes root of a --user",
        holds: Holds::Without("--userns"),
        why: "the numbers are others outside",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "with --user the command can open /dev/stdout, where that is a pipe",
        holds: Holds::Without("--userns"),
        why: "the pipe is the host's root's, who is nobody there, and not to be handed over",
        successor: "with --userns the container's root is nobody on the host",
    },
    Promise {
        check: "the program is attached before the command starts",
        holds: Holds::Without("--userns"),
        why: "the kernel takes none from the root of a user namespace, where no node opens a device",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "a node of any device can be made, with --cap-add MKNOD",
        holds: Holds::Without("--userns"),
        why: "no node is made in a user namespace, with whatever capability",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "where no hierarchy of version 2 is, --cap-add MKNOD is an error",
        holds: Holds::Without("--userns"),
        why: "no node is made in a user namespace, with whatever capability, so no program is needed",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "no other character device opens, for reading or for writing",
        holds: Holds::Without("--userns"),
        why: "no node is made in a user namespace, with whatever capability, so there is none to open",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "no block device opens, whatever its numbers",
        holds: Holds::Without("--userns"),
        why: "no node is made in a user namespace, with whatever capability, so there is none to open",
        successor: "without root its devices are there, and are the host's",
    },
    Promise {
        check: "what the command starts is bound as well, in whatever group below its own",
        holds: Holds::Without("--userns"),
        why: "no node is made in a user namespace, with whatever capability, so there is none to open",
        successor: "without root its devices are there, and are the host's",
    },
];

/// Whether this check is asked of a program that should have come as far as level `judged`.
pub(crate) fn is_asked(check: &str, judged: u8) -> bool {
    ended(check, judged).is_none()
}

/// Why this check is not asked any more of a program that should have come as far as level
/// `judged`, and what is asked instead; none if it is asked.
pub(crate) fn ended(check: &str, judged: u8) -> Option<String> {
    let is_over = |promise: &&Promise| match promise.holds {
        Holds::Until(level) => promise.check == check && judged >= level,
        Holds::With(_) | Holds::Without(_) => false,
    };
    let promise = PROMISES.iter().find(is_over)?;
    Some(format!(
        "`{check}` is not asked of level {judged:02}: {}. Its successor is `{}`",
        promise.why, promise.successor
    ))
}

/// Whether a program that has come as far as level `judged` is asked with an option, so that
/// this check is true of it.
pub(crate) fn is_asked_with_an_option(check: &str, judged: u8) -> bool {
    let mut promises = PROMISES.iter().filter(|promise| promise.check == check);
    promises.any(|promise| match promise.holds {
        Holds::Until(_) | Holds::Without(_) => false,
        Holds::With(option) => added_by(option).is_some_and(|level| judged >= level),
    })
}

/// Whether this check is true of containers that are started with this option, for which no check
/// asks by itself; or, by one of their words, by an ordinary user.
pub(crate) fn is_true_with(check: &str, option: &str) -> bool {
    let mut users = Users::ALL.into_iter();
    if let Some(users) = users.find(|users| users.word() == option) {
        return without_root::is_true_for(check, users);
    }
    let mut promises = PROMISES.iter().filter(|promise| promise.check == check);
    !promises.any(|promise| matches!(promise.holds, Holds::Without(it) if it == option))
}

/// The level that adds this option to the command line.
fn added_by(option: &str) -> Option<u8> {
    let mut levels = syllabus::numbered();
    levels
        .find(|entry| entry.facts.options.iter().any(|it| it == option))?
        .number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::levels::LEVELS;

    /// The level that a check belongs to.
    fn level_of(check: &str) -> Option<u8> {
        let mut levels = LEVELS.iter();
        let level = levels.find(|level| level.checks.iter().any(|it| it.name == check))?;
        Some(level.number)
    }

    #[test]
    fn each_promise_that_ends_has_its_reason_and_its_successor() {
        for promise in &PROMISES {
            let Promise {
                check,
                holds,
                why,
                successor,
            } = promise;
            let end = match holds {
                Holds::Until(level) => Some(*level),
                Holds::With(option) | Holds::Without(option) => added_by(option),
            };
            println!("{check:?}: {holds:?}, from level {end:?} on: {why}; then {successor:?}");
            assert!(end.is_some_and(|end| end <= syllabus::LAST));
            let levels = [level_of(check), end, level_of(successor)];
            assert!(levels.iter().all(Option::is_some), "{levels:?}");
            let is_never_asked = match holds {
                Holds::Until(_) | Holds::With(_) => levels[0] >= levels[1],
                // A check of whatever level may be about containers without the option.
                Holds::Without(_) => false,
            };
            assert!(
                !is_never_asked,
                "{check:?} was never asked of a later level"
            );
            assert!(
                levels[1] <= levels[2],
                "{successor:?} is asked before {check:?} ends"
            );
            assert!(!why.is_empty());
            let same = |it: &&Promise| it.check == *check && it.holds == *holds;
            assert_eq!(PROMISES.iter().filter(same).count(), 1);
        }
    }

    #[test]
    fn a_check_that_is_not_in_the_table_is_for_ever() {
        let all = LEVELS.iter().flat_map(|level| level.checks);
        let ended = all.filter(|check| !is_asked(check.name, syllabus::LAST));
        let ended: Vec<&str> = ended.map(|check| check.name).collect();
        let setuid = "exec may give the command what its caller has not";
        let inherited = "the command's session and limits are its caller's";
        assert_eq!(ended, [inherited, setuid]);
        assert!(is_asked(setuid, 9));
        let why = super::ended(setuid, 10).unwrap_or_default();
        assert!(why.contains("successor is `a setuid program"), "{why}");
        let environment = "the command gets the environment";
        assert!(!is_asked_with_an_option(environment, 4));
        assert!(is_asked_with_an_option(environment, 5));
    }
}
