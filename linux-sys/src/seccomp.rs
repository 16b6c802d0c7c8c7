//! System calls that another process decides about: seccomp's user notification.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{AUDIT_ARCH_NATIVE, Error, Result};

/// A system call that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The kernel's number of this notice; the answer repeats it.
    pub id: u64,
    /// The process that has made it, as numbered in the receiver's PID namespace.
    pub pid: Pid,
    /// The call's number, `SYS_mount` of the C library's header for example.
    pub call: i64,
    /// Its arguments. Pointers are into *its* memory: `/proc/PID/mem` has what is there.
    pub arguments: [u64; 6],
}

/// From now on each of these calls, made by this thread or by whatever it starts, waits until
/// the process that holds the returned descriptor has answered there.
///
/// The filter is inherited by fork and clone and survives exec, and there is no way to be rid
/// of it. It belongs to the calling *thread*: a program that wants to watch its child
/// installs it in a thread of its own, starts the child there, and lets the thread end.
/// When the last descriptor is closed, the calls fail with `ENOSYS`.
///
/// A caller with CAP_SYS_ADMIN needs no [`set_no_new_privs`](crate::set_no_new_privs), which
/// would change what the started program may become.
///
/// # Arguments
///
/// * `calls`: numbers of system calls, 200 at most. `/proc/PID/status` shows that there is a
///   filter (`Seccomp: 2`), but not of what.
///
/// # Errors
///
/// * `EACCES`: the caller has neither CAP_SYS_ADMIN nor no_new_privs.
/// * `EBUSY`: another process decides about this thread's calls already, and only one can.
/// * `EINVAL`: too many calls (from this crate); or a kernel without user notification.
/// * `ENOSYS`: a kernel without seccomp.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Errno, notif_continue, notif_fail, notif_recv, seccomp_new_listener};
///
/// const SYS_SETHOSTNAME: i64 = 170; // on x86-64
/// let (tell, told) = std::sync::mpsc::channel();
/// let watched = std::thread::spawn(move || {
///     let listener = seccomp_new_listener(&[SYS_SETHOSTNAME]);
///     tell.send(listener).ok();
///     linux_sys::sethostname("another")
/// });
/// let listener = told.recv().expect("the thread sends")?;
/// let call = notif_recv(&listener)?;
/// match call.arguments[1] {
///     0 => notif_continue(&listener, call.id)?,
///     _ => notif_fail(&listener, call.id, Errno::EPERM)?,
/// }
/// assert!(watched.join().expect("it does not panic").is_err());
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: seccomp(2), `SECCOMP_FILTER_FLAG_NEW_LISTENER`, and seccomp_unotify(2). Checks.
pub fn seccomp_new_listener(calls: &[i64]) -> Result<OwnedFd> {
    let shown = [
        plain("SECCOMP_SET_MODE_FILTER"),
        plain("SECCOMP_FILTER_FLAG_NEW_LISTENER"),
        plain(format_args!("{} calls", calls.len())),
    ];
    if calls.len() > MOST {
        let why = "refused, because a jump in a filter skips 255 instructions at most: name \
                   fewer calls";
        return Err(Error::refused("seccomp", Errno::EINVAL, &shown, why));
    }
    let mut program = program(calls);
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the filter and its instructions live across the call, and `len` is their number.
    // No call of ours gets an answer by it that the kernel itself could not give: it is either
    // made or fails with an errno (see `send`). What it returns is a new descriptor.
    unsafe {
        let listener = libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        );
        match Errno::result(listener) {
            Ok(number) => Ok(OwnedFd::from_raw_fd(number as i32)),
            Err(errno) => Err(Error::new("seccomp", Case::Any, errno, &shown)),
        }
    }
}

/// With more calls, a jump over all of them would not fit into its eight bits.
const MOST: usize = 200;

/// The filter: `NOTIFY` for one of these calls, `ALLOW` for all others, and for those of
/// another architecture, whose numbers mean something else.
fn program(calls: &[i64]) -> Vec<libc::sock_filter> {
    // Where the two are in struct seccomp_data.
    const NUMBER: u32 = 0;
    const ARCH: u32 = 4;
    let load = |offset| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let skip_unless = |value, then, otherwise| {
        let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        instruction(code, then, otherwise, value)
    };
    let answer = |what| instruction(libc::BPF_RET | libc::BPF_K, 0, 0, what);
    let count = calls.len();
    let mut program = vec![
        load(ARCH),
        skip_unless(AUDIT_ARCH_NATIVE, 0, count as u8 + 1),
        load(NUMBER),
    ];
    for (index, call) in calls.iter().enumerate() {
        // Jump over the comparisons that are left, and over the ALLOW.
        program.push(skip_unless(*call as u32, (count - index) as u8, 0));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program.push(answer(libc::SECCOMP_RET_USER_NOTIF));
    program
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

/// Waits for the next call. poll(2) tells whether there is one (`POLLIN`), and that no process
/// is left that could make any (`POLLHUP`).
///
/// # Errors
///
/// * `EINTR`: a signal came first.
/// * `ENOENT`: its process has ended, or a signal has taken it out of the call again.
///
/// The example is at [`seccomp_new_listener`].
///
/// Manual page: seccomp_unotify(2), `SECCOMP_IOCTL_NOTIF_RECV`. Checks.
pub fn notif_recv(listener: impl AsFd) -> Result<Notification> {
    let fd = listener.as_fd().as_raw_fd();
    // SAFETY: a structure of numbers, for which zeros are a value; the kernel wants it so.
    let mut found: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the request's number has the structure's size in it, so the kernel writes no
    // more than that, to a structure that lives across the call.
    let done = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut found) };
    Errno::result(done).map_err(|errno| {
        let shown = [plain(fd), plain("SECCOMP_IOCTL_NOTIF_RECV")];
        Error::new("seccomp_unotify", Case::Any, errno, &shown)
    })?;
    Ok(Notification {
        id: found.id,
        pid: Pid::from_raw(found.pid.cast_signed()),
        call: found.data.nr.into(),
        arguments: found.data.args,
    })
}

/// Lets a call go on: the kernel makes it, as if there were no filter.
///
/// # Errors
///
/// * `ENOENT`: its process has ended, or a signal has taken it out of the call again.
///
/// The example is at [`seccomp_new_listener`].
///
/// Manual page: seccomp_unotify(2), `SECCOMP_USER_NOTIF_FLAG_CONTINUE`. Checks.
pub fn notif_continue(listener: impl AsFd, id: u64) -> Result<()> {
    // In the header it is of the type of a shift's left side.
    let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
    send(listener, id, 0, flags)
}

/// Has a call fail with `errno`, without the kernel having made it.
///
/// # Errors
///
/// * `ENOENT`: its process has ended, or a signal has taken it out of the call again.
///
/// The example is at [`seccomp_new_listener`].
///
/// Manual page: seccomp_unotify(2), `SECCOMP_IOCTL_NOTIF_SEND`. Checks.
pub fn notif_fail(listener: impl AsFd, id: u64, errno: Errno) -> Result<()> {
    // Zero, which stands for no error, would tell the caller that its call succeeded.
    let error = match errno as i32 {
        0 => libc::EIO,
        number => number,
    };
    send(listener, id, -error, 0)
}

/// Only for the two above: an answer with a value of its own could lie to the caller about
/// the caller's memory.
fn send(listener: impl AsFd, id: u64, error: i32, flags: u32) -> Result<()> {
    let fd = listener.as_fd().as_raw_fd();
    let answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error,
        flags,
    };
    // SAFETY: the kernel reads a structure of this size, which lives across the call.
    let done = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer) };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [plain(fd), plain("SECCOMP_IOCTL_NOTIF_SEND")];
        Error::new("seccomp_unotify", Case::Any, errno, &shown)
    })
}
