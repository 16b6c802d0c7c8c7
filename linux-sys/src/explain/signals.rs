//! Signals, also by pidfd.

use Case::Any;
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

const NO_SIGNAL: &str = "there is no such signal: they are 1 to 64, and 0 only asks whether the \
     process is there";

const MAY_NOT: &str = "that process belongs to another user: the caller may signal processes of \
     its own user, with CAP_KILL those of every user";

pub(super) const CALLS: &[Call] = &[
    call(
        "signal",
        &[(
            Any,
            EINVAL,
            "there is no such signal (they are 1 to 64), or it is SIGKILL or SIGSTOP, whose effect \
             no process can change",
        )],
    ),
    call(
        "sigprocmask",
        &[(
            Any,
            EINVAL,
            "the kernel does not know this way to change the mask",
        )],
    ),
    call(
        "sigtimedwait",
        &[(
            Any,
            EINVAL,
            "the timeout is not a time that the kernel can count",
        )],
    ),
    call(
        "signalfd",
        &[(
            Any,
            EINVAL,
            "the kernel does not take this set of signals or this flag: signalfd came with Linux 2.6.27",
        )],
    ),
    call(
        "kill",
        &[
            (Any, EINVAL, NO_SIGNAL),
            (Any, EPERM, MAY_NOT),
            (
                Any,
                ESRCH,
                "no such process, as seen from this PID namespace: it has ended and was waited \
                 for, or the number belongs to another namespace",
            ),
        ],
    ),
    call(
        "pidfd_open",
        &[
            (
                Any,
                EINVAL,
                "the number must be positive and that of a process; that of one of its further \
                 threads will not do",
            ),
            (
                Any,
                ENOSYS,
                "pidfd_open came with Linux 5.3, and this kernel is older",
            ),
            (
                Any,
                ESRCH,
                "no such process, as seen from this PID namespace: open a child's pidfd before \
                 its parent waits for it",
            ),
        ],
    ),
    call(
        "pidfd_send_signal",
        &[
            (Any, EINVAL, NO_SIGNAL),
            (Any, EPERM, MAY_NOT),
            (
                Any,
                ESRCH,
                "the process behind this pidfd has ended: there is nothing left to signal",
            ),
        ],
    ),
];
