//! One process under the control of another, as under a debugger.

use std::ffi::c_void;
use std::mem::{MaybeUninit, size_of};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result, SockFilter, TraceOptions};

/// What is asked of ptrace(2): C libraries do not agree on whether that number has a sign.
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;
#[cfg(target_env = "musl")]
type Request = libc::c_int;

/// Becomes the tracer of the process `pid`: from now on the caller may stop it, and change
/// its memory and registers.
///
/// The process goes on running until its tracer stops it. It is let go when the tracer ends.
///
/// # Arguments
///
/// * `options`: of which events it stops; see [`TraceOptions`].
///
/// # Errors
///
/// * `ESRCH`: no such process, as seen from this PID namespace.
/// * `EPERM`: it has more capabilities than the caller, is another user's, or has a
///   tracer; CAP_SYS_PTRACE helps with the first two.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Pid, TraceOptions, ptrace_seize};
///
/// ptrace_seize(Pid::from_raw(4711), TraceOptions::PTRACE_O_EXITKILL)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: ptrace(2), `PTRACE_SEIZE`. Checks, x-ray.
pub fn ptrace_seize(pid: Pid, options: TraceOptions) -> Result<()> {
    request("PTRACE_SEIZE", libc::PTRACE_SEIZE, pid, options.bits())
}

/// Changes the options of a process that is traced, and stopped.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
///
/// Manual page: ptrace(2), `PTRACE_SETOPTIONS`. X-ray.
pub fn ptrace_setoptions(pid: Pid, options: TraceOptions) -> Result<()> {
    let number = libc::PTRACE_SETOPTIONS;
    request("PTRACE_SETOPTIONS", number, pid, options.bits())
}

/// Lets a stopped process go on, to the next event that its tracer has asked for.
///
/// # Arguments
///
/// * `signal`: the signal that it gets, or 0: it was stopped before the signal, and a tracer may
///   hold it back.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped; a SIGKILL ends a stop as well.
///
/// Manual page: ptrace(2), `PTRACE_CONT`. X-ray.
pub fn ptrace_cont(pid: Pid, signal: i32) -> Result<()> {
    let signal = signal.cast_unsigned();
    request("PTRACE_CONT", libc::PTRACE_CONT, pid, signal)
}

/// The same, to the beginning or the end of its next system call.
///
/// # Errors
///
/// As [`ptrace_cont`].
///
/// Manual page: ptrace(2), `PTRACE_SYSCALL`. X-ray.
pub fn ptrace_syscall(pid: Pid, signal: i32) -> Result<()> {
    let signal = signal.cast_unsigned();
    request("PTRACE_SYSCALL", libc::PTRACE_SYSCALL, pid, signal)
}

/// Leaves a process stopped that a signal has stopped, as a shell's Ctrl-Z does, and hears of
/// the SIGCONT that ends it. Any other request would let it run.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
/// * `EIO`: it is not a signal that has stopped it.
///
/// Manual page: ptrace(2), `PTRACE_LISTEN`. X-ray.
pub fn ptrace_listen(pid: Pid) -> Result<()> {
    request("PTRACE_LISTEN", libc::PTRACE_LISTEN, pid, 0)
}

/// Stops a process that was seized with [`ptrace_seize`], wherever it is: waitpid(2) then tells
/// of it. A call that it sleeps in goes on when the process does.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller.
///
/// Manual page: ptrace(2), `PTRACE_INTERRUPT`. Checks.
pub fn ptrace_interrupt(pid: Pid) -> Result<()> {
    request("PTRACE_INTERRUPT", libc::PTRACE_INTERRUPT, pid, 0)
}

/// Lets a stopped process go, without a tracer from now on.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
///
/// Manual page: ptrace(2), `PTRACE_DETACH`. Checks.
pub fn ptrace_detach(pid: Pid) -> Result<()> {
    request("PTRACE_DETACH", libc::PTRACE_DETACH, pid, 0)
}

/// The filter of system calls number `index` of a stopped process, as it was loaded: none if it
/// has not so many.
///
/// # Arguments
///
/// * `index`: 0 is the filter that was loaded first.
///
/// # Errors
///
/// * `EACCES`: the caller has not CAP_SYS_ADMIN, or has a filter itself.
/// * `EINVAL`: the process has none at all; or the kernel was built without
///   `CONFIG_CHECKPOINT_RESTORE`.
/// * `ESRCH`: not traced by the caller, or not stopped.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{
///     Pid, TraceOptions, WaitOptions, ptrace_interrupt, ptrace_seccomp_get_filter, ptrace_seize,
///     waitpid,
/// };
///
/// let pid = Pid::from_raw(4711);
/// ptrace_seize(pid, TraceOptions::empty())?;
/// ptrace_interrupt(pid)?;
/// waitpid(pid, WaitOptions::empty())?;
/// for instruction in ptrace_seccomp_get_filter(pid, 0)?.unwrap_or_default() {
///     println!("{instruction:?}");
/// }
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: ptrace(2), `PTRACE_SECCOMP_GET_FILTER`. Checks.
pub fn ptrace_seccomp_get_filter(pid: Pid, index: usize) -> Result<Option<Vec<SockFilter>>> {
    // Of linux/ptrace.h; the C library's header has no name for it.
    const PTRACE_SECCOMP_GET_FILTER: Request = 0x420c;
    let name = "PTRACE_SECCOMP_GET_FILTER";
    let shown = |data: &dyn std::fmt::Display| {
        let data = plain(data);
        [plain(name), plain(pid), plain(index), data]
    };
    let nothing = std::ptr::null_mut::<SockFilter>();
    // SAFETY: with a null pointer the request only counts the instructions.
    let count = unsafe { libc::ptrace(PTRACE_SECCOMP_GET_FILTER, pid.as_raw(), index, nothing) };
    let count = match Errno::result(count) {
        Ok(count) => count as usize,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(Error::new("ptrace", Case::Any, errno, &shown(&"NULL"))),
    };
    let empty = SockFilter {
        code: 0,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let mut filter = vec![empty; count];
    let into = filter.as_mut_ptr();
    // SAFETY: the request writes the instructions of this filter, as many as it has counted: a
    // filter never changes, and the process is stopped, so none gets in between. `SockFilter`
    // is laid out as `sock_filter` is.
    let done = unsafe { libc::ptrace(PTRACE_SECCOMP_GET_FILTER, pid.as_raw(), index, into) };
    Errno::result(done)
        .map(|_| Some(filter))
        .map_err(|errno| Error::new("ptrace", Case::Any, errno, &shown(&"filter")))
}

fn request(name: &'static str, number: Request, pid: Pid, data: u32) -> Result<()> {
    let (address, data): (libc::c_long, libc::c_long) = (0, data.into());
    // SAFETY: only called with requests that take no address, and a number as data: they
    // change no memory of ours.
    let done = unsafe { libc::ptrace(number, pid.as_raw(), address, data) };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| failed(name, pid, &data, errno))
}

fn failed(name: &str, pid: Pid, data: &dyn std::fmt::Display, errno: Errno) -> Error {
    let shown = [plain(name), plain(pid), plain(0), plain(data)];
    Error::new("ptrace", Case::Any, errno, &shown)
}

/// The number that belongs to the event at which a process has stopped: the new process's pid,
/// or, at [`TraceEvent::Exit`], how it ends, as wait(2) has it.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
///
/// Manual page: ptrace(2), `PTRACE_GETEVENTMSG`. X-ray.
pub fn ptrace_geteventmsg(pid: Pid) -> Result<u64> {
    let mut message: libc::c_ulong = 0;
    let zero: libc::c_long = 0;
    let into = &raw mut message;
    // SAFETY: the request writes one unsigned long to where `data` points; `message` is one
    // and lives across the call.
    let done = unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, pid.as_raw(), zero, into) };
    Errno::result(done)
        .map(|_| message)
        .map_err(|errno| failed("PTRACE_GETEVENTMSG", pid, &"message", errno))
}

/// Where in a system call a process has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyscallInfo {
    /// Before it.
    Entry {
        /// The call's number, which every architecture has its own of.
        number: u64,
        /// What it is given.
        arguments: [u64; 6],
    },
    /// After it: what it returned, or why not.
    Exit(std::result::Result<i64, Errno>),
    /// In none.
    None,
}

/// In which call a process has stopped, the same on every architecture.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
/// * `EIO`: before Linux 5.3.
///
/// Manual page: ptrace(2), `PTRACE_GET_SYSCALL_INFO`. X-ray.
pub fn ptrace_get_syscall_info(pid: Pid) -> Result<SyscallInfo> {
    let mut info = PtraceSyscallInfo::default();
    let size = size_of::<PtraceSyscallInfo>();
    let into = &raw mut info;
    // SAFETY: the request writes at most `size` bytes to where `data` points, which is a
    // structure of that size that lives across the call; any bytes are a value of it.
    let done = unsafe { libc::ptrace(PTRACE_GET_SYSCALL_INFO, pid.as_raw(), size, into) };
    Errno::result(done).map_err(|errno| failed("PTRACE_GET_SYSCALL_INFO", pid, &"info", errno))?;
    let [first, rest @ ..] = info.of_the_stop;
    Ok(match info.op {
        PTRACE_SYSCALL_INFO_ENTRY => {
            let [a, b, c, d, e, f, _] = rest;
            SyscallInfo::Entry {
                number: first,
                arguments: [a, b, c, d, e, f],
            }
        }
        PTRACE_SYSCALL_INFO_EXIT => {
            let value = first.cast_signed();
            let [is_error, ..] = rest[0].to_ne_bytes();
            SyscallInfo::Exit(match is_error {
                0 => Ok(value),
                _ => Err(i32::try_from(-value).map_or(Errno::UnknownErrno, Errno::from_raw)),
            })
        }
        _ => SyscallInfo::None,
    })
}

// Of linux/ptrace.h; not every C library's header has them.
const PTRACE_GET_SYSCALL_INFO: Request = 0x420e;
const PTRACE_SYSCALL_INFO_ENTRY: u8 = 1;
const PTRACE_SYSCALL_INFO_EXIT: u8 = 2;

/// The kernel's `struct ptrace_syscall_info`.
#[repr(C)]
#[derive(Default)]
struct PtraceSyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    /// At the entry: the call's number, and its arguments. At the exit: what it returns, and
    /// in the byte behind that, whether it is an error.
    of_the_stop: [u64; 8],
}

/// The registers that unwinding a stack begins with, numbered as DWARF numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Of x86-64: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15 and rip. Of aarch64: x0
    /// to x30 and sp.
    pub dwarf: [u64; 32],
    /// Where the next instruction is.
    pub program_counter: u64,
}

/// The registers of a process that is traced, and stopped.
///
/// # Errors
///
/// * `ESRCH`: not traced by the caller, or not stopped.
///
/// Manual page: ptrace(2), `PTRACE_GETREGSET`. X-ray.
pub fn ptrace_getregset(pid: Pid) -> Result<Registers> {
    // NT_PRSTATUS of elf.h: the general registers.
    const GENERAL: libc::c_long = 1;
    let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
    let mut place = libc::iovec {
        iov_base: registers.as_mut_ptr().cast::<c_void>(),
        iov_len: size_of::<libc::user_regs_struct>(),
    };
    let (number, into) = (libc::PTRACE_GETREGSET, &raw mut place);
    // SAFETY: `data` points to an iovec, and that to a structure of its length; the kernel
    // writes no more than that. Both live across the call.
    let done = unsafe { libc::ptrace(number, pid.as_raw(), GENERAL, into) };
    Errno::result(done).map_err(|errno| failed("PTRACE_GETREGSET", pid, &"registers", errno))?;
    // SAFETY: all fields are numbers, for which zero is a value.
    Ok(numbered(&unsafe { registers.assume_init() }))
}

#[cfg(target_arch = "x86_64")]
fn numbered(it: &libc::user_regs_struct) -> Registers {
    let all = [
        it.rax, it.rdx, it.rcx, it.rbx, it.rsi, it.rdi, it.rbp, it.rsp, it.r8, it.r9, it.r10,
        it.r11, it.r12, it.r13, it.r14, it.r15, it.rip,
    ];
    let mut dwarf = [0; 32];
    dwarf[..all.len()].copy_from_slice(&all);
    Registers {
        dwarf,
        program_counter: it.rip,
    }
}

#[cfg(target_arch = "aarch64")]
fn numbered(it: &libc::user_regs_struct) -> Registers {
    let mut dwarf = [0; 32];
    dwarf[..31].copy_from_slice(&it.regs);
    dwarf[31] = it.sp;
    Registers {
        dwarf,
        program_counter: it.pc,
    }
}

/// An event that a traced process stops at, if its tracer has asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceEvent {
    /// It has a new child by fork, which is traced as well.
    Fork,
    /// It has a new child by vfork, and waits for its exec or end.
    Vfork,
    /// It has a new child, or thread, by clone.
    Clone,
    /// It is another program now.
    Exec,
    /// It is about to end; all that it has is still there.
    Exit,
    /// It is new, and has not run yet; or a stop has ended.
    Stop,
    /// One that has no name here.
    Other(i32),
}

/// What [`wait_traced`] has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceStatus {
    /// It ended by itself, with this status.
    Exited(u8),
    /// A signal ended it.
    Signaled(i32),
    /// At the beginning or the end of a system call.
    Syscall,
    /// At an event.
    Event(TraceEvent),
    /// This signal has stopped it, as it does without a tracer: see [`ptrace_listen`].
    GroupStop(i32),
    /// Before this signal reaches it.
    Signal(i32),
}

impl TraceStatus {
    /// From the number that wait(2) returns, for processes that were seized with
    /// `PTRACE_O_TRACESYSGOOD`.
    pub fn decode(raw: i32) -> TraceStatus {
        if libc::WIFEXITED(raw) {
            return TraceStatus::Exited((libc::WEXITSTATUS(raw) & 0xff) as u8);
        }
        if libc::WIFSIGNALED(raw) {
            return TraceStatus::Signaled(libc::WTERMSIG(raw));
        }
        let signal = libc::WSTOPSIG(raw);
        if signal == libc::SIGTRAP | 0x80 {
            return TraceStatus::Syscall;
        }
        match raw >> 16 {
            0 => TraceStatus::Signal(signal),
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => TraceStatus::GroupStop(signal),
            libc::PTRACE_EVENT_STOP => TraceStatus::Event(TraceEvent::Stop),
            libc::PTRACE_EVENT_FORK => TraceStatus::Event(TraceEvent::Fork),
            libc::PTRACE_EVENT_VFORK => TraceStatus::Event(TraceEvent::Vfork),
            libc::PTRACE_EVENT_CLONE => TraceStatus::Event(TraceEvent::Clone),
            libc::PTRACE_EVENT_EXEC => TraceStatus::Event(TraceEvent::Exec),
            libc::PTRACE_EVENT_EXIT => TraceStatus::Event(TraceEvent::Exit),
            other => TraceStatus::Event(TraceEvent::Other(other)),
        }
    }
}

/// Waits for any child, or any process that the caller traces, and says what has become of it.
///
/// # Errors
///
/// * `ECHILD`: there is none.
///
/// Manual page: wait(2), ptrace(2). X-ray.
pub fn wait_traced() -> Result<(Pid, TraceStatus)> {
    let mut raw = 0;
    loop {
        // SAFETY: `raw` lives across the call, which writes one int into it. __WALL: also those
        // that were cloned with another signal than SIGCHLD.
        match unsafe { libc::waitpid(-1, &mut raw, libc::__WALL) } {
            -1 if Errno::last() == Errno::EINTR => continue,
            -1 => {
                let shown = [plain(-1), plain("__WALL")];
                return Err(Error::new("waitpid", Case::Any, Errno::last(), &shown));
            }
            pid => return Ok((Pid::from_raw(pid), TraceStatus::decode(raw))),
        }
    }
}
