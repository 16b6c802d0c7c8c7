//! Namespaces: unshare, clone, setns, and the hostname.

use Case::{Any, NewUser};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

const TOO_MANY: &str = "the limit of namespaces is reached: each kind has one in \
     /proc/sys/user/max_*_namespaces (0 forbids it), and user and PID namespaces nest at most 32 \
     deep; are there left-over processes that keep old ones alive?";

const NO_NEW_USER: &str = "a new user namespace needs no privilege, but this machine or place \
     forbids it: a sysctl of the distribution (kernel.unprivileged_userns_clone, \
     kernel.apparmor_restrict_unprivileged_userns), a seccomp filter that we run under (a \
     container's), a caller inside a chroot, or a user or group without a mapping in the present \
     user namespace: `cargo workshop doctor` says which";

pub(super) const CALLS: &[Call] = &[
    call(
        "unshare",
        &[
            (
                Any,
                EINVAL,
                "a flag that unshare does not take, or a kind of namespace that this kernel was \
                 built without: `ls /proc/self/ns` shows the ones it has",
            ),
            (
                NewUser,
                EINVAL,
                "a process with more than one thread cannot enter a new user namespace: unshare \
                 before starting threads, or in a forked child; or this kernel was built without \
                 user namespaces: `ls /proc/self/ns` shows the ones it has",
            ),
            (
                Any,
                ENOMEM,
                "no memory is left for the new namespace; or the PID namespace that children would \
                 be born into has lost its PID 1",
            ),
            (Any, ENOSPC, TOO_MANY),
            (
                Any,
                EPERM,
                "new namespaces need CAP_SYS_ADMIN: run as root; or unshare CLONE_NEWUSER together \
                 with the others, then any user may",
            ),
            (NewUser, EPERM, NO_NEW_USER),
            (Any, EUSERS, TOO_MANY),
        ],
    ),
    call(
        "clone",
        &[
            (
                Any,
                EAGAIN,
                "no further process is allowed: `ulimit -u` limits them for the user, pids.max for \
                 the cgroup, /proc/sys/kernel/pid_max for the machine",
            ),
            (
                Any,
                EINVAL,
                "a kind of namespace that this kernel was built without (`ls /proc/self/ns` shows \
                 the ones it has), or CLONE_NEWPID in a process that has already unshared or \
                 joined another PID namespace: let its first child call clone",
            ),
            (
                Any,
                ENOMEM,
                "no memory is left for another process; or children of this one are born into a \
                 PID namespace whose PID 1 has ended, and such a namespace takes no new process",
            ),
            (Any, ENOSPC, TOO_MANY),
            (
                Any,
                EPERM,
                "new namespaces need CAP_SYS_ADMIN: run as root; or ask for CLONE_NEWUSER together \
                 with the others, then any user may",
            ),
            (NewUser, EPERM, NO_NEW_USER),
            (Any, EUSERS, TOO_MANY),
        ],
    ),
    call(
        "setns",
        &[
            (
                Any,
                EBADF,
                "that descriptor is not open: open /proc/PID/ns/KIND and keep its owner alive until \
                 after this call",
            ),
            (
                Any,
                EINVAL,
                "the descriptor is not a namespace of that kind; or it is a user namespace and the \
                 caller has several threads or is in it already; or a mount namespace and the \
                 caller shares its root and working directory with other threads",
            ),
            (
                Any,
                EPERM,
                "joining needs CAP_SYS_ADMIN, both here and in the user namespace that owns the \
                 one to be joined (a mount namespace needs CAP_SYS_CHROOT as well); and a PID \
                 namespace can only be the present one or one below it",
            ),
            (
                Any,
                ESRCH,
                "the process behind this pidfd has ended, and its namespaces with it",
            ),
        ],
    ),
    call(
        "sethostname",
        &[
            (
                Any,
                EINVAL,
                "a hostname has at most 64 bytes: take a shorter one",
            ),
            (
                Any,
                EPERM,
                "naming the machine needs CAP_SYS_ADMIN in the user namespace that owns this UTS \
                 namespace: run as root, and unshare CLONE_NEWUTS first, or the whole machine gets \
                 the new name",
            ),
        ],
    ),
];
