//! `clone`: fork and unshare in one step.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::Pid;

use crate::error::flags;
use crate::explain::Case;
use crate::threads::only_one_thread;
use crate::{Error, Result};

/// What a child may have of its own. Everything else that clone offers is about
/// *sharing* with the parent, and a child that shares the parent's memory,
/// descriptors or signal handlers would break what safe Rust promises.
const ALLOWED: CloneFlags = CloneFlags::CLONE_NEWCGROUP
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWNS)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWUSER)
    .union(CloneFlags::CLONE_NEWUTS);

/// The child's status when its callback panicked: Docker's number for "the runtime failed".
const PANICKED: u8 = 125;

/// Starts a child in new namespaces; the child runs `callback` and exits with its value.
///
/// [`fork`](crate::fork) and [`unshare`](crate::unshare) in one step, with one
/// difference that matters: a PID namespace takes in only children, so after
/// `unshare(CLONE_NEWPID)` it is the *next* child that is PID 1. With `clone` it is
/// this one.
///
/// The child works on a copy of the memory, as after fork: what `callback` changes
/// stays in the child. What `callback` owns is dropped in both processes (so a
/// descriptor moved into it is closed in the parent too); lend by reference what the
/// parent goes on using. When `callback` returns, the child ends as by
/// [`exit`](crate::exit): nothing is flushed.
///
/// # Arguments
///
/// * `callback`: its value is the exit status. If it panics, the child prints the
///   message (one line, no backtrace) and ends with status 125.
/// * `flags`: any of the `CLONE_NEW*` flags, or none. SIGCHLD, which makes
///   [`waitpid`](crate::waitpid) work, is added.
///
/// # Errors
///
/// * `EPERM`: new namespaces need CAP_SYS_ADMIN, unless CLONE_NEWUSER is among them.
/// * `EINVAL`: this kernel lacks such a namespace, or CLONE_NEWPID in a process that
///   has unshared another PID namespace already.
/// * `ENOSPC` (before Linux 4.9 `EUSERS`): the limit of namespaces is reached.
/// * `EAGAIN`: no further process is allowed, by `ulimit -u`, `pids.max` or `pid_max`.
/// * `ENOMEM`: no memory; or the PID namespace for the child has lost its PID 1.
/// * `EINVAL`, from this crate: a flag that shares (CLONE_VM, CLONE_FILES,
///   CLONE_THREAD, CLONE_VFORK, ...), because two processes in one memory is what
///   Rust's types exclude; or a caller with several threads, as for
///   [`fork`](crate::fork).
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{CloneFlags, Pid, WaitOptions, WaitStatus, clone, waitpid};
///
/// let first = || u8::from(Pid::this() != Pid::from_raw(1));
/// match clone(first, CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWPID) {
///     Ok(child) => assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(0)),
///     Err(error) => println!("no user namespaces on this machine: {error}"),
/// }
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: clone(2). Level 06.
pub fn clone<F: FnOnce() -> u8>(callback: F, flags: CloneFlags) -> Result<Pid> {
    let shown = [flags!(flags)];
    if !ALLOWED.contains(flags) {
        let why = "refused, because only the CLONE_NEW* flags are safe: the others share something \
             with the parent (memory, descriptors, signal handlers), which Rust's types exclude, \
             or change who is told of the child's end";
        return Err(Error::refused("clone", Errno::EINVAL, &shown, why));
    }
    only_one_thread("clone", &shown)?;

    let failed = |errno| {
        let case = match flags.contains(CloneFlags::CLONE_NEWUSER) {
            true => Case::NewUser,
            false => Case::Any,
        };
        Error::new("clone", case, errno, &shown)
    };
    let stack = Stack::new().map_err(failed)?;
    let mut callback = Some(callback);
    // SAFETY:
    // - `child::<F>` gets a pointer to what it expects, an `Option<F>`.
    // - Without CLONE_VM (see ALLOWED) the child works on its own copy of our
    //   memory, so neither the stack nor `callback` is shared: it does not matter
    //   that we go on, unmap the stack and drop our copy.
    // - The stack is writable, aligned to a page and its top is passed, as stacks
    //   grow downwards on every machine we are written for.
    // - The calling thread is the only one, so the child inherits no lock that
    //   another thread holds.
    let child = unsafe {
        libc::clone(
            child::<F>,
            stack.top(),
            flags.bits() | libc::SIGCHLD,
            (&raw mut callback).cast::<c_void>(),
        )
    };
    Errno::result(child).map(Pid::from_raw).map_err(failed)
}

/// Where the child begins. What it returns is its exit status: glibc's clone
/// makes an `_exit` of it.
extern "C" fn child<F: FnOnce() -> u8>(callback: *mut c_void) -> libc::c_int {
    if !std::thread::panicking() {
        std::panic::set_hook(Box::new(|panic| {
            // One sentence instead of a backtrace, and never a second panic
            // because stderr is closed.
            let payload = panic.payload();
            let text = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("(no message)");
            let place = panic
                .location()
                .map(|at| format!(" at {at}"))
                .unwrap_or_default();
            let line = format!("the clone callback panicked{place}: {text}\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
            // Where panics abort instead of unwinding, `catch_unwind` below never returns.
            if cfg!(panic = "abort") {
                crate::exit(PANICKED);
            }
        }));
    }
    // SAFETY: `clone` passed a pointer to its own `Option<F>`, of which this process
    // has a copy of its own, and this is its only thread.
    let callback = unsafe { &mut *callback.cast::<Option<F>>() };
    let run = || callback.take().map_or(PANICKED, |callback| callback());
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(status) => status.into(),
        Err(payload) => {
            // Dropping it could panic again, and this process ends anyhow.
            std::mem::forget(payload);
            PANICKED.into()
        }
    }
}

/// A stack for the child, as large as a main thread's usual one.
///
/// Memory that is not touched costs nothing: the kernel hands out pages on first
/// use. The lowest page is off limits, so that a runaway recursion is a SIGSEGV
/// and not a scribble over the child's other memory.
struct Stack {
    lowest: *mut c_void,
}

impl Stack {
    const SIZE: usize = 8 << 20;
    // 64 KiB is the largest page that aarch64 has.
    const GUARD: usize = 64 << 10;

    fn new() -> std::result::Result<Stack, Errno> {
        // SAFETY: a new anonymous mapping, at an address of the kernel's choice,
        // touches nothing that exists.
        let lowest = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                Stack::SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if lowest == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let stack = Stack { lowest };
        // SAFETY: the guard lies within the mapping that we just made, on which no
        // child runs yet.
        Errno::result(unsafe { libc::mprotect(lowest, Stack::GUARD, libc::PROT_NONE) })?;
        Ok(stack)
    }

    fn top(&self) -> *mut c_void {
        self.lowest.wrapping_byte_add(Stack::SIZE)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made; the only process that runs
        // on it, the child, has a copy of its own.
        unsafe { libc::munmap(self.lowest, Stack::SIZE) };
    }
}
