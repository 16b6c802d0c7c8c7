//! Which system calls there are in the container.

use given::{NEXT_CALL, call, op};
use linux_sys::{
    AUDIT_ARCH_NATIVE, BPF_JEQ_K, BPF_JGE_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K, Capability,
    CapabilitySet, CloneFlags, Errno, SECCOMP_DATA_ARCH, SECCOMP_DATA_ARG0, SECCOMP_DATA_NR,
    SECCOMP_RET_ALLOW, SockFilter, seccomp_ret_errno,
};

/// The filter for who keeps these capabilities.
pub fn filter(kept: CapabilitySet) -> Vec<SockFilter> {
    let mut filter = Vec::new();

    // Another table of calls has other names for the same numbers: what is allowed as
    // `writev` would be `getpid` there, or worse.
    filter.extend([
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARCH),
        op(BPF_JEQ_K, 1, 0, AUDIT_ARCH_NATIVE),
        op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::ENOSYS)),
    ]);

    // Calls that came after the list was made: programs try a new call, and go on with an old
    // one if the kernel says that there is no such call. x32 is among it: its
    // calls have bit 30 set, and no architecture of their own.
    filter.extend([
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR),
        op(BPF_JGE_K, 0, 1, NEXT_CALL),
        op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::ENOSYS)),
    ]);

    // What these are asked for is in memory, where a filter cannot look. A program that hears
    // that there is no such call has an older one for the same.
    let mut blind = call::IO_URING.to_vec();
    if !kept.contains(Capability::CAP_SYS_ADMIN) {
        blind.push(call::CLONE3);
    }
    for number in blind {
        filter.extend([
            op(BPF_JEQ_K, 0, 1, number),
            op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::ENOSYS)),
        ]);
    }

    // clone is how fork and threads are made, so its flags decide. unshare and setns are not
    // on the list for those who have not CAP_SYS_ADMIN.
    if !kept.contains(Capability::CAP_SYS_ADMIN) {
        let namespaces = CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWCGROUP;
        filter.extend([
            op(BPF_JEQ_K, 0, 4, call::CLONE),
            op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARG0),
            op(BPF_JSET_K, 0, 1, namespaces.bits().cast_unsigned()),
            op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::EPERM)),
            op(BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW),
        ]);
    }

    // The rest is looked up; the number is still in the accumulator.
    filter.extend(given::listed_calls(kept));
    filter
}
