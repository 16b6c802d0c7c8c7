//! What a container's program has no business with: the host's processes, files, keys and
//! keyboard. No level needs these calls; the checks try whether they lead anywhere.

use Case::Any;
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

const TOO_MANY: &str = "this user has as many keys, or bytes in them, as it may: /proc/key-users \
     counts them";

const NO_KEYS: &str = "this kernel was built without keys (CONFIG_KEYS), or a seccomp filter hides \
     them, as Docker's does";

pub(super) const CALLS: &[Call] = &[
    call(
        "clone3",
        &[
            (
                Any,
                ENOSYS,
                "this kernel is older than Linux 5.3, or a seccomp filter hides the call, because \
                 it cannot see the flags",
            ),
            (
                Any,
                EPERM,
                "a new namespace takes CAP_SYS_ADMIN, but for one of users, which is refused after \
                 chroot(2) and where it is switched off",
            ),
        ],
    ),
    call(
        "io_uring_setup",
        &[
            (Any, EINVAL, "a ring must have room for one order at least"),
            (
                Any,
                ENOSYS,
                "this kernel was built without io_uring, or a seccomp filter hides it",
            ),
            (
                Any,
                EPERM,
                "io_uring is switched off for the caller: /proc/sys/kernel/io_uring_disabled",
            ),
        ],
    ),
    call(
        "getpid",
        &[(
            Any,
            ENOSYS,
            "this kernel has no such table of system calls, or a seccomp filter hides it",
        )],
    ),
    Call {
        name: "syscall",
        section: 2,
        page: "syscalls",
        meanings: &[
            (Any, ENOSYS, "no system call of this kernel has this number"),
            (
                Any,
                EPERM,
                "no system call has this number; a seccomp filter has said EPERM, by which a program \
                 cannot know that it should try an older one",
            ),
        ],
    },
    call(
        "ptrace",
        &[
            (
                Any,
                EACCES,
                "only a process with CAP_SYS_ADMIN that has no filter itself may read a filter",
            ),
            (
                Any,
                EINVAL,
                "that process has no filter, or this kernel was built without \
                 CONFIG_CHECKPOINT_RESTORE",
            ),
            (
                Any,
                EPERM,
                "that process is another user's, has capabilities that the caller has not, or is \
                 traced already: CAP_SYS_PTRACE helps with the first two, and Yama \
                 (/proc/sys/kernel/yama/ptrace_scope) can forbid it all the same",
            ),
            (
                Any,
                ESRCH,
                "no such process, as seen from this PID namespace: it has ended, or the number \
                 belongs to another namespace",
            ),
        ],
    ),
    call(
        "name_to_handle_at",
        &[
            (Any, ENOENT, "there is no file at the end of that path"),
            (
                Any,
                EOPNOTSUPP,
                "this file system has no names for its files but paths: an overlay has others only \
                 if it is mounted with nfs_export",
            ),
        ],
    ),
    call(
        "open_by_handle_at",
        &[
            (
                Any,
                EINVAL,
                "this is no handle of any file system: its length or its kind is wrong",
            ),
            (
                Any,
                EPERM,
                "opening a file without walking to it needs CAP_DAC_READ_SEARCH, since no \
                 directory on the way is asked",
            ),
            (
                Any,
                ESTALE,
                "the file system that this descriptor is on has no such file: the handle is from \
                 another one, or the file is gone",
            ),
        ],
    ),
    call(
        "add_key",
        &[
            (Any, EACCES, "the session keyring may not be written to"),
            (Any, EDQUOT, TOO_MANY),
            (
                Any,
                EINVAL,
                "the payload must have 1 byte at least and 32767 at most",
            ),
            (Any, ENOSYS, NO_KEYS),
        ],
    ),
    call(
        "keyctl",
        &[
            (Any, EACCES, "the session keyring may not be searched"),
            (Any, EDQUOT, TOO_MANY),
            (
                Any,
                EKEYEXPIRED,
                "there was such a key, and its time is over",
            ),
            (Any, EKEYREVOKED, "there was such a key, and it was revoked"),
            (
                Any,
                ENOKEY,
                "there is no key of this name on the session keyring, or on a ring that is on it",
            ),
            (Any, ENOSYS, NO_KEYS),
            (
                Any,
                EPERM,
                "a filter of system calls keeps this process from keys, as in a container of \
                 Docker's: take a virtual machine, or start that container with \
                 `--security-opt seccomp=unconfined`",
            ),
        ],
    ),
    call(
        "seccomp_unotify",
        &[
            (Any, EINTR, "a signal came before any call did"),
            (
                Any,
                ENOENT,
                "no process waits for this answer any more: it has ended, or a signal has taken it \
                 out of the call",
            ),
        ],
    ),
    Call {
        name: "tiocsti",
        section: 2,
        page: "ioctl_tty",
        meanings: &[
            (
                Any,
                EIO,
                "on this machine only a process with CAP_SYS_ADMIN may type on a terminal \
                 (/proc/sys/dev/tty/legacy_tiocsti is 0)",
            ),
            (
                Any,
                ENOTTY,
                "that descriptor is no terminal: there is nothing to type on",
            ),
            (
                Any,
                EPERM,
                "this is not the caller's controlling terminal, and typing on another one needs \
                 CAP_SYS_ADMIN",
            ),
        ],
    },
];
