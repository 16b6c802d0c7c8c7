//! Processes: fork, exec, wait, sessions and groups.

use Case::{Any, Name, Path};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, Meaning, call};

pub(super) const CALLS: &[Call] = &[
    call(
        "fork",
        &[
            (
                Any,
                EAGAIN,
                "no further process is allowed: `ulimit -u` limits them for the user, pids.max for \
                 the cgroup, /proc/sys/kernel/pid_max for the machine",
            ),
            (
                Any,
                ENOMEM,
                "no memory is left for another process; or children of this one are born into a \
                 PID namespace whose PID 1 has ended, and such a namespace takes no new process: \
                 unshare a new one",
            ),
        ],
    ),
    call("execvp", EXEC),
    call("execve", EXEC),
    call("execveat", EXEC),
    call(
        "setrlimit",
        &[
            (
                Any,
                EINVAL,
                "the soft limit is above the hard one: it can only be raised up to that",
            ),
            (
                Any,
                EPERM,
                "to raise a hard limit takes CAP_SYS_RESOURCE, and no limit of descriptors may be \
                 above /proc/sys/fs/nr_open: ask for no more than `ulimit -H -a` shows",
            ),
        ],
    ),
    Call {
        section: 3,
        ..call(
            "clearenv",
            &[(
                Any,
                ENOMEM,
                "the C library has no memory for an empty environment: free some, or look for a \
                 limit in this process's cgroup",
            )],
        )
    },
    Call {
        section: 3,
        ..call(
            "setenv",
            &[(
                Any,
                EINVAL,
                "the name of a variable must not be empty or have a `=` in it: name and value are \
                 two arguments",
            )],
        )
    },
    call(
        "waitpid",
        &[
            (Any, ECHILD, NO_CHILD),
            (
                Any,
                EINVAL,
                "waitpid takes WNOHANG, WUNTRACED and WCONTINUED; WEXITED, WSTOPPED and WNOWAIT \
                 belong to waitid",
            ),
        ],
    ),
    call(
        "waitid",
        &[
            (Any, ECHILD, NO_CHILD),
            (
                Any,
                EINVAL,
                "waitid must be told what to wait for: at least one of WEXITED, WSTOPPED and \
                 WCONTINUED; and the process number must be positive",
            ),
        ],
    ),
    call(
        "setsid",
        &[(
            Any,
            EPERM,
            "the caller already leads a process group, and its members would be left in the old \
             session: fork first and let the child call setsid",
        )],
    ),
    call(
        "setpgid",
        &[
            (
                Any,
                EACCES,
                "the child has already called exec, and from then on only itself may change its \
                 group: call setpgid in the parent right after fork, and in the child too, so that \
                 it does not matter who comes first",
            ),
            (
                Any,
                EINVAL,
                "a process group's number cannot be negative; 0 means the number of the process \
                 itself",
            ),
            (
                Any,
                EPERM,
                "process and group must be in the caller's session, and a session leader stays in \
                 the group that it has",
            ),
            (
                Any,
                ESRCH,
                "setpgid moves only the caller and its children, and this is neither",
            ),
        ],
    ),
    // The C library's, hence section 3.
    Call {
        name: "tcgetpgrp",
        section: 3,
        page: "tcgetpgrp",
        meanings: &[(
            Any,
            ENOTTY,
            "that descriptor is not this process's controlling terminal: it may be a file or pipe, \
             or a terminal of another session; without a controlling terminal there is no \
             foreground group to ask for",
        )],
    },
    Call {
        name: "tcsetpgrp",
        section: 3,
        page: "tcsetpgrp",
        meanings: &[
            (
                Any,
                EINVAL,
                "a process group's number is positive: was the pid of a child lost?",
            ),
            (
                Any,
                ENOTTY,
                "that descriptor is not this process's controlling terminal: it may be a file or \
                 pipe, or a terminal of another session; then leave the foreground group alone",
            ),
            (
                Any,
                EPERM,
                "no process of this session is in that group: setpgid must come first (in the \
                 parent too, or the child has not got there yet)",
            ),
        ],
    },
    of_a_terminal("tiocgetd", &[(Any, ENOTTY, NO_TERMINAL)]),
    of_a_terminal(
        "tiocsetd",
        &[
            (
                Any,
                EINVAL,
                "there is no line discipline of that number, or it does not go with this terminal: \
                 0 (N_TTY) goes with all",
            ),
            (
                Any,
                EIO,
                "the terminal has been hung up: its user, or the program that showed it, is gone",
            ),
            (Any, ENOTTY, NO_TERMINAL),
            (
                Any,
                EPERM,
                "that line discipline is a module that is not loaded, and only CAP_SYS_MODULE may \
                 have it loaded (dev.tty.ldisc_autoload)",
            ),
        ],
    ),
    of_a_terminal("tiocgexcl", &[(Any, ENOTTY, NO_TERMINAL)]),
    of_a_terminal("tiocexcl", &[(Any, ENOTTY, NO_TERMINAL)]),
    of_a_terminal("tiocnxcl", &[(Any, ENOTTY, NO_TERMINAL)]),
    of_a_terminal(
        "tiocsctty",
        &[
            (Any, ENOTTY, NO_TERMINAL),
            (
                Any,
                EPERM,
                "a terminal goes to the leader of a session that has none, and only if no other \
                 session has it: call setsid first",
            ),
        ],
    ),
    of_a_terminal(
        "tiocgptpeer",
        &[
            (
                Any,
                ENOTTY,
                "that descriptor is no master of a pseudo-terminal: open /dev/ptmx",
            ),
            (
                Any,
                EIO,
                "the terminal of this master is gone: open /dev/ptmx again",
            ),
        ],
    ),
    of_a_terminal("tiocgwinsz", &[(Any, ENOTTY, NO_TERMINAL)]),
    of_a_terminal("tiocswinsz", &[(Any, ENOTTY, NO_TERMINAL)]),
];

const NO_TERMINAL: &str = "that descriptor is no terminal, but a file, a pipe or a device of another \
     kind";

/// An operation of ioctl that terminals have.
const fn of_a_terminal(name: &'static str, meanings: &'static [Meaning]) -> Call {
    Call {
        name,
        section: 2,
        page: "ioctl_tty",
        meanings,
    }
}

const NO_CHILD: &str = "there is no such child: it was waited for already, it is not a child of \
     this very process (a grandchild is not), or SIGCHLD is ignored and the kernel buries children \
     by itself";

const EXEC: &[Meaning] = &[
    (
        Any,
        E2BIG,
        "arguments and environment together are too long: a quarter of the stack limit (`ulimit \
         -s`) in total, 128 KiB for one string",
    ),
    (
        Any,
        EACCES,
        "the file is there but may not be executed: it lacks the x bit (chmod +x), it is a \
         directory, a directory on its way may not be searched, or its filesystem is mounted \
         noexec; the same goes for the interpreter in its #! line",
    ),
    (
        Name,
        EACCES,
        "a file of that name is in PATH but may not be executed (no x bit, a directory, mounted \
         noexec); or no directory in PATH has it, and one of them may not be searched, as \
         /root/bin may not be after setuid: `echo $PATH`, then `ls -ld` each",
    ),
    (
        Any,
        EAGAIN,
        "the user that this process became by setuid already has more processes than `ulimit -u` \
         allows",
    ),
    (
        Any,
        EINVAL,
        "the ELF file names more than one interpreter: it is damaged or was built wrongly",
    ),
    (
        Any,
        EISDIR,
        "the interpreter of the program (its #! line or its dynamic loader) is a directory",
    ),
    (
        Any,
        ELIBBAD,
        "the interpreter in the ELF file is not a loader that this kernel can run: is it built for \
         another machine?",
    ),
    (
        Any,
        ELOOP,
        "too many symbolic links on the way to the program, or scripts that name each other as \
         interpreter: follow the path with `namei -l`",
    ),
    (
        Name,
        ENOENT,
        "no directory in PATH has such a program, and PATH is walked inside the root that this \
         process has *now*; or the program is there but the interpreter in its #! line, or its \
         dynamic loader, is missing in this root: look there with `ls` and with `ldd`. If it is the \
         name of an image: run -i NAME COMMAND",
    ),
    (
        Path,
        ENOENT,
        "no such file inside the root that this process has *now*; or the file is there but the \
         interpreter in its #! line, or its dynamic loader, is missing in this root: look there \
         with `ls` and with `ldd`",
    ),
    (
        Any,
        ENOEXEC,
        "the file is not a program for this machine: neither an ELF file of its architecture nor a \
         script with a #! line; `file` tells what it is",
    ),
    (
        Any,
        ENOTDIR,
        "something on the way to the program is not a directory: check the path",
    ),
    (
        Any,
        EPERM,
        "the file grants capabilities (`getcap` shows them) that this process's bounding set no \
         longer has, or a tracer or security module forbids it",
    ),
    (
        Any,
        ETXTBSY,
        "a process has the file open for writing: close it before executing it (also in processes \
         forked meanwhile)",
    ),
];
