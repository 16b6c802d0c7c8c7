//! Identity and power: users, groups, capabilities, prctl.

use Case::{AmbientSet, Any, BoundingSet, DeathSignal, KeepCapabilities};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, Meaning, call};

pub(super) const CALLS: &[Call] = &[
    call(
        "setgroups",
        &[
            (
                Any,
                EINVAL,
                "more than 65536 groups, or one without a mapping in this user namespace (see \
                 /proc/self/gid_map)",
            ),
            (
                Any,
                EPERM,
                "choosing groups needs CAP_SETGID: call setgroups first, then setgid, and setuid \
                 last, because setuid gives the power away; in a user namespace the gid map must \
                 be written, and /proc/self/setgroups must not say deny",
            ),
        ],
    ),
    call("setgid", SETGID),
    call("setresgid", SETGID),
    call("setuid", SETUID),
    call("setresuid", SETUID),
    call(
        "capget",
        &[
            (
                Any,
                EINVAL,
                "the process number is negative: 0 is the caller, a positive one another",
            ),
            (
                Any,
                ESRCH,
                "no such process, as seen from this PID namespace",
            ),
        ],
    ),
    call(
        "capset",
        &[
            (
                Any,
                EINVAL,
                "the kernel does not know this form of capability sets",
            ),
            (
                Any,
                EPERM,
                "capset only takes away: permitted can lose but never gain, effective must be part \
                 of the new permitted, and inheritable can gain only what is permitted and in the \
                 bounding set: compare with the Cap lines of /proc/self/status",
            ),
        ],
    ),
    call(
        "prctl",
        &[
            (
                Any,
                EINVAL,
                "this kernel does not know the operation, or not with these arguments",
            ),
            (
                Any,
                EPERM,
                "the operation needs a capability that this process does not have",
            ),
            (
                DeathSignal,
                EINVAL,
                "there is no such signal: they are 1 to 64, and 0 switches it off",
            ),
            (
                KeepCapabilities,
                EPERM,
                "the securebits of this process are locked (SECBIT_KEEP_CAPS_LOCKED), so the \
                 choice is made already",
            ),
            (
                BoundingSet,
                EINVAL,
                "this kernel has no capability of that number: the last one is in \
                 /proc/sys/kernel/cap_last_cap",
            ),
            (
                BoundingSet,
                EPERM,
                "dropping from the bounding set needs CAP_SETPCAP: drop before setuid and capset \
                 give it away",
            ),
            (
                AmbientSet,
                EINVAL,
                "this kernel has no capability of that number (see \
                 /proc/sys/kernel/cap_last_cap), or is older than 4.3 and has no ambient set",
            ),
            (
                AmbientSet,
                EPERM,
                "only what is both permitted and inheritable can be made ambient: add it to the \
                 inheritable set with capset first (or SECBIT_NO_CAP_AMBIENT_RAISE forbids it)",
            ),
        ],
    ),
];

const SETGID: &[Meaning] = &[
    (
        Any,
        EINVAL,
        "that group has no mapping in this user namespace: see /proc/self/gid_map. For more than \
         one, a line in /etc/subgid and newgidmap (package uidmap)",
    ),
    (
        Any,
        EPERM,
        "becoming another group needs CAP_SETGID: call setgid before setuid, which gives the power \
         away",
    ),
];

const SETUID: &[Meaning] = &[
    (
        Any,
        EAGAIN,
        "the kernel could not make the change now, or that user has as many processes as `ulimit \
         -u` allows",
    ),
    (
        Any,
        EINVAL,
        "that user has no mapping in this user namespace: see /proc/self/uid_map. For more than \
         one, a line in /etc/subuid and newuidmap (package uidmap)",
    ),
    (
        Any,
        EPERM,
        "becoming another user needs CAP_SETUID: run as root, and call setuid only once",
    ),
];
