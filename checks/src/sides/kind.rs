//! The kinds of changes, and what is to be said of each.

use sandbox::superblocks;

/// What has changed. In this order they are told, if there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Process,
    Superblock,
    Mount,
    File,
    Setting,
    Name,
    Object,
    Network,
    Group,
}

/// What is to be said of a kind.
pub(super) struct Place {
    /// The check that is about such changes.
    pub(super) home: &'static str,
    /// The step that would be to blame.
    pub(super) step: (u8, u8),
    /// Where the check has looked.
    pub(super) evidence: &'static str,
    pub(super) usually: &'static str,
}

impl Kind {
    pub(super) fn place(self) -> Place {
        const NOTHING_LEFT: &str = "no directory and no mount is left afterwards";
        match self {
            Kind::Process => Place {
                home: "nothing is left running afterwards",
                step: (0, 3),
                evidence: "/proc, on the host",
                usually: "the level started a process besides the command, and did not end it and \
                          wait for it; or one that it has forked waits for the end of a pipe that it \
                          can write to itself",
            },
            Kind::Superblock => Place {
                home: "/sys is read-only",
                step: (1, 3),
                evidence: "/proc/1/mountinfo, the last field: options of the file system",
                usually: superblocks::USUALLY,
            },
            Kind::Mount => Place {
                home: NOTHING_LEFT,
                step: (1, 3),
                evidence: "/proc/1/mountinfo",
                usually: "something was mounted, unmounted or remounted in the host's mount \
                          namespace: what the parent does there stays when the container ends",
            },
            Kind::File => Place {
                home: NOTHING_LEFT,
                step: (1, 1),
                evidence: "lstat, on the host",
                usually: "something was made, changed or removed outside of the container's own \
                          directory, which is all that is removed at the end",
            },
            Kind::Setting => Place {
                home: NOTHING_LEFT,
                step: (1, 3),
                evidence: "/proc/sys, on the host",
                usually: "a setting was written where the whole machine has it, or the caller's \
                          namespace: no step writes any",
            },
            Kind::Name => Place {
                home: "the host keeps its hostname",
                step: (5, 2),
                evidence: "/proc/sys/kernel, on the host",
                usually: "the name was set by a process that was in the host's UTS namespace: the \
                          parent, or the child before the namespace was its own",
            },
            Kind::Object => Place {
                home: "the command has an IPC namespace of its own",
                step: (6, 1),
                evidence: "/proc/sysvipc, on the host",
                usually: "it was made in the host's IPC namespace, where it outlives the container",
            },
            Kind::Network => Place {
                home: "the command has a network namespace of its own",
                step: (7, 2),
                evidence: "ioctl(SIOCGIFFLAGS) and /proc/net, on the host",
                usually: "it was changed by a process that was in the host's network namespace, \
                          the parent above all: a socket means the namespace of the process that \
                          makes it",
            },
            Kind::Group => Place {
                home: "the container's group is gone afterwards, and rubber-docker stays",
                step: (8, 4),
                evidence: "the hierarchies of control groups, on the host",
                usually: "a group was made or changed that is not the container's own, or the \
                          container's own was not removed",
            },
        }
    }

    /// Whether a container leaves this when its parent is killed: no fault of the level's.
    pub(super) fn is_leftover(self) -> bool {
        matches!(self, Kind::Process | Kind::Mount | Kind::File | Kind::Group)
    }
}

/// All kinds.
#[cfg(test)]
pub(super) const ALL: [Kind; 9] = [
    Kind::Process,
    Kind::Superblock,
    Kind::Mount,
    Kind::File,
    Kind::Setting,
    Kind::Name,
    Kind::Object,
    Kind::Network,
    Kind::Group,
];
