//! A filter of system calls: a program in classic BPF that the kernel asks about every call.

use nix::errno::Errno;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// One instruction, `struct sock_filter`: what to do, where to go on, and with which number.
///
/// A program has one register, the *accumulator*, and goes forward only. Where it ends is what
/// becomes of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SockFilter {
    /// What to do, one of the `BPF_` below.
    pub code: u16,
    /// How many instructions to leave out if a comparison holds ...
    pub jt: u8,
    /// ... and how many if not.
    pub jf: u8,
    /// The number: an offset, what to compare with, or an answer.
    pub k: u32,
}

/// The accumulator becomes the word at offset `k` of [`SECCOMP_DATA_NR`] and its neighbours.
pub const BPF_LD_W_ABS: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
/// Is the accumulator `k`?
pub const BPF_JEQ_K: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
/// Is it `k` or more?
pub const BPF_JGE_K: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
/// Has it one of the bits of `k`?
pub const BPF_JSET_K: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
/// The end: `k` is what becomes of the call.
pub const BPF_RET_K: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Where the call's number is in what a filter sees, `struct seccomp_data`.
pub const SECCOMP_DATA_NR: u32 = 0;
/// Where the architecture is, whose table the number is looked up in.
pub const SECCOMP_DATA_ARCH: u32 = 4;
/// Where the call's first argument is, the lower half of its 64 bits.
pub const SECCOMP_DATA_ARG0: u32 = if cfg!(target_endian = "little") {
    16
} else {
    20
};

/// The kernel makes the call.
pub const SECCOMP_RET_ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// The architecture that this program is built for, as a filter sees it (linux/audit.h).
pub const AUDIT_ARCH_NATIVE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else if cfg!(target_arch = "riscv64") {
    0xc000_00f3
} else {
    0
};

/// The answer of a filter that has the call fail with `errno`: the kernel does not make it.
///
/// # Example
///
/// ```
/// use linux_sys::{Errno, seccomp_ret_errno};
///
/// assert_eq!(seccomp_ret_errno(Errno::EPERM), 0x0005_0001);
/// ```
///
/// Manual page: seccomp(2), `SECCOMP_RET_ERRNO`. Level 13.
pub const fn seccomp_ret_errno(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | (errno as u32 & libc::SECCOMP_RET_DATA)
}

/// From now on `filter` decides about each system call of this thread and of whatever it starts.
///
/// It is inherited by fork and clone, survives exec, and there is no way to be rid of it. A
/// second one does not take the first one's place: the kernel asks both, and the stricter
/// answer counts.
///
/// # Arguments
///
/// * `filter`: 4096 instructions at most. The kernel looks at it before it takes it: every
///   jump must end within, every way at a `BPF_RET`.
///
/// # Errors
///
/// * `EACCES`: the caller has neither CAP_SYS_ADMIN nor
///   [no_new_privs](crate::set_no_new_privs).
/// * `EINVAL`: an instruction that there is not, a jump beyond the end, a last instruction
///   that is no `BPF_RET`, no instruction at all or too many.
/// * `ENOMEM`: all filters of the thread together are too long.
/// * `ENOSYS`: a kernel without seccomp.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{
///     BPF_JEQ_K, BPF_LD_W_ABS, BPF_RET_K, Errno, SECCOMP_DATA_NR, SECCOMP_RET_ALLOW, SockFilter,
///     seccomp_ret_errno, seccomp_set_mode_filter, sethostname,
/// };
///
/// let op = |code, jt, jf, k| SockFilter { code, jt, jf, k };
/// let sethostname_nr = if cfg!(target_arch = "x86_64") { 170 } else { 161 };
/// seccomp_set_mode_filter(&[
///     op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR),
///     op(BPF_JEQ_K, 0, 1, sethostname_nr),
///     op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::EPERM)),
///     op(BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW),
/// ])?;
/// assert_eq!(sethostname("another").unwrap_err().errno(), Errno::EPERM);
/// # Ok(())
/// # }
/// ```
///
/// Manual page: seccomp(2), `SECCOMP_SET_MODE_FILTER`. Level 13.
pub fn seccomp_set_mode_filter(filter: &[SockFilter]) -> Result<()> {
    let shown = [
        plain("SECCOMP_SET_MODE_FILTER"),
        plain("0"),
        plain(format_args!("{} instructions", filter.len())),
    ];
    // Of more than fit into its 16 bits, the kernel would read the rest's number only.
    let Ok(len) = u16::try_from(filter.len()) else {
        let why = "a filter has 4096 instructions at most";
        return Err(Error::refused("seccomp", Errno::EINVAL, &shown, why));
    };
    let program = libc::sock_fprog {
        len,
        // The kernel only reads it; the header has no const.
        filter: filter.as_ptr().cast_mut().cast(),
    };
    // SAFETY: `SockFilter` is laid out as `sock_filter` is; the instructions live across the
    // call, and `len` is their number. The kernel refuses a program that it cannot follow, and
    // no answer of one touches our memory: a call is made, or fails, or ends the process.
    let done = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
        )
    };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| Error::new("seccomp", Case::Filter, errno, &shown))
}
