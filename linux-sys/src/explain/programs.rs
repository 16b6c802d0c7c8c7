//! Programs that the kernel asks: seccomp's filters, and eBPF.

use Case::{Any, Attach, Filter};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

pub(super) const CALLS: &[Call] = &[
    call(
        "seccomp",
        &[
            (
                Any,
                EACCES,
                "a filter needs CAP_SYS_ADMIN, or the promise that no program gains rights by exec \
                 (no_new_privs): load it before the capabilities are given up",
            ),
            (
                Any,
                EBUSY,
                "another process decides about this thread's calls already, and only one can: some \
                 container runtimes do that for their containers",
            ),
            (
                Any,
                EINVAL,
                "this kernel has no user notification (it came with Linux 5.0, and letting calls go \
                 on with 5.5)",
            ),
            (
                Filter,
                EINVAL,
                "the kernel has looked at the program and does not take it: it is empty or longer \
                 than 4096 instructions, its last instruction is no BPF_RET, or a jump leads beyond \
                 its end: count the instructions that `jt` and `jf` leave out",
            ),
        ],
    ),
    call(
        "bpf",
        &[
            (
                Any,
                E2BIG,
                "the program has more instructions than this kernel takes: fewer devices need fewer",
            ),
            (
                Any,
                EACCES,
                "the kernel's verifier does not take the program: r0 must be set before EXIT, and r1 \
                 read only where the context has something",
            ),
            (
                Attach,
                EBADF,
                "that is no directory of a control group of version 2: open the one of the container \
                 in the cgroup2 hierarchy",
            ),
            (
                Any,
                EINVAL,
                "an instruction that there is not, or a jump out of the program; or this kernel was \
                 built without CONFIG_CGROUP_BPF",
            ),
            (
                Attach,
                EINVAL,
                "the program is of another type than the place that it is attached to, or this \
                 kernel was built without CONFIG_CGROUP_BPF",
            ),
            (
                Any,
                ENOENT,
                "there is no program of this number any more: nothing has it",
            ),
            (
                Any,
                EPERM,
                "a program for a control group needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN: run as \
                 root; in a container the host may have taken them",
            ),
            (
                Attach,
                EPERM,
                "a group above has a program and allows none beside it, or CAP_BPF or CAP_NET_ADMIN is \
                 missing: run as root",
            ),
        ],
    ),
];
