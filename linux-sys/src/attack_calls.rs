//! Calls that a filter of system calls is to stop. The checks make them in a container, to see
//! that they lead nowhere.

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;

use crate::error::{flags, plain};
use crate::explain::Case;
use crate::threads::only_one_thread;
use crate::{Error, Fork, Result};

/// All that a child may have of its own. Other flags would share something with the parent.
const NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWCGROUP
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWNS)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUSER)
    .union(CloneFlags::CLONE_NEWUTS);

/// As [`fork`](crate::fork), in new namespaces, by the newer call: its flags are in memory, in
/// a `struct clone_args`.
///
/// # Arguments
///
/// * `flags`: `CLONE_NEW*`, or none.
///
/// # Errors
///
/// * `ENOSYS`: a kernel before 5.3, or a filter hides the call, as Docker's does.
/// * `EPERM`: a namespace takes CAP_SYS_ADMIN, but for one of users; and after chroot(2)
///   that one is refused as well.
/// * `EINVAL`: another flag, or a caller with more than one thread (both from this crate).
///
/// # Example
///
/// ```no_run
/// use linux_sys::{CloneFlags, Fork, clone3};
///
/// match clone3(CloneFlags::CLONE_NEWUSER)? {
///     Fork::Child => linux_sys::exit(0),
///     Fork::Parent { child } => println!("{child} has a user namespace of its own"),
/// }
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: clone(2). Checks.
pub fn clone3(flags: CloneFlags) -> Result<Fork> {
    let shown = [flags!(flags)];
    if !NAMESPACES.contains(flags) {
        let why = "refused, because only the CLONE_NEW* flags share nothing with the parent";
        return Err(Error::refused("clone3", Errno::EINVAL, &shown, why));
    }
    only_one_thread("clone3", &shown)?;
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags.bits().cast_unsigned().into();
    arguments.exit_signal = libc::SIGCHLD.cast_unsigned().into();
    // SAFETY: the structure lives across the call and has the length that is passed. Without
    // CLONE_VM, CLONE_FILES and the like the child works on a copy of our memory, and with no
    // stack named it goes on where we do, as after fork; we are the only thread, so it
    // inherits no lock that another one holds.
    let child = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw const arguments,
            size_of::<libc::clone_args>(),
        )
    };
    match Errno::result(child) {
        Ok(0) => Ok(Fork::Child),
        Ok(child) => Ok(Fork::Parent {
            child: Pid::from_raw(child as i32),
        }),
        Err(errno) => Err(Error::new("clone3", Case::Any, errno, &shown)),
    }
}

/// Makes a ring by which a process could give the kernel orders without a system call.
///
/// # Arguments
///
/// * `entries`: how many orders it has room for, 1 to 32768.
///
/// # Errors
///
/// * `ENOSYS`: a kernel without io_uring, or a filter hides the call.
/// * `EPERM`: it is switched off (`/proc/sys/kernel/io_uring_disabled`).
/// * `EINVAL`: no entries.
///
/// # Example
///
/// ```no_run
/// let ring = linux_sys::io_uring_setup(8)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: io_uring_setup(2). Checks.
pub fn io_uring_setup(entries: u32) -> Result<OwnedFd> {
    // `struct io_uring_params` of linux/io_uring.h, of which we ask for nothing: ten words
    // and two structures of five double words each.
    let mut parameters = [0_u64; 15];
    // SAFETY: the kernel reads and writes one io_uring_params, of 120 bytes, which lives across
    // the call. What it returns is a new descriptor.
    unsafe {
        let ring = libc::syscall(libc::SYS_io_uring_setup, entries, parameters.as_mut_ptr());
        match Errno::result(ring) {
            Ok(number) => Ok(OwnedFd::from_raw_fd(number as i32)),
            Err(errno) => {
                let shown = [plain(entries), plain("parameters")];
                Err(Error::new("io_uring_setup", Case::Any, errno, &shown))
            }
        }
    }
}

/// Makes the call of a number that no kernel has a call for, nor will have soon.
///
/// # Errors
///
/// * `ENOSYS`: always, by the kernel; a filter may have another answer.
///
/// # Example
///
/// ```
/// use linux_sys::Errno;
///
/// assert_eq!(linux_sys::no_such_call().errno(), Errno::ENOSYS);
/// ```
///
/// Manual page: syscall(2). Checks.
pub fn no_such_call() -> Error {
    // Below bit 30, which would make it a call of x32.
    const NUMBER: libc::c_long = 1_000_000;
    // SAFETY: the kernel's table ends far below that number, so nothing is done at all.
    unsafe { libc::syscall(NUMBER) };
    Error::new("syscall", Case::Any, Errno::last(), &[plain(NUMBER)])
}

/// Asks for this process's number by the table of 32-bit programs, where it is call 20. In the
/// table of 64-bit programs that is writev.
///
/// On a kernel that was built without that table, the processor's answer is a SIGSEGV.
///
/// # Errors
///
/// * `ENOSYS`: a machine without such a table (from this crate), or a filter hides it.
///
/// # Example
///
/// ```no_run
/// assert_eq!(linux_sys::getpid_of_i386()?, linux_sys::Pid::this());
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: getpid(2). Checks.
#[cfg(target_arch = "x86_64")]
pub fn getpid_of_i386() -> Result<Pid> {
    const GETPID: i32 = 20;
    let answer: i32;
    // SAFETY: getpid takes no argument and touches no memory. The instruction changes eax, and
    // on older kernels r8 to r11; it uses no stack of ours.
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inlateout("eax") GETPID => answer,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            options(nostack),
        );
    }
    match answer {
        ..0 => Err(Error::new(
            "getpid",
            Case::Any,
            Errno::from_raw(-answer),
            &[],
        )),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// Other processors have no such instruction.
///
/// # Errors
///
/// * `ENOSYS`: from this crate.
///
/// Manual page: getpid(2). Checks.
#[cfg(not(target_arch = "x86_64"))]
pub fn getpid_of_i386() -> Result<Pid> {
    let why = "refused, because only x86-64 has a second table of calls behind `int 0x80`";
    Err(Error::refused("getpid", Errno::ENOSYS, &[], why))
}

/// Asks for this process's number by the table of x32, a kind of programs that x86-64 has:
/// the 64-bit number and bit 30.
///
/// # Errors
///
/// * `ENOSYS`: a kernel without x32, as most are; or a filter hides it.
///
/// # Example
///
/// ```no_run
/// assert_eq!(linux_sys::getpid_of_x32()?, linux_sys::Pid::this());
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: getpid(2), syscall(2). Checks.
pub fn getpid_of_x32() -> Result<Pid> {
    const X32: libc::c_long = 0x4000_0000;
    // SAFETY: getpid takes no argument and touches no memory; elsewhere there is no such number.
    let pid = unsafe { libc::syscall(X32 | libc::SYS_getpid) };
    Errno::result(pid)
        .map(|pid| Pid::from_raw(pid as i32))
        .map_err(|errno| Error::new("getpid", Case::Any, errno, &[]))
}
