//! Making processes, turning them into programs, waiting for their end.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::wait::WaitPidFlag;
use nix::unistd::Pid;

use crate::error::{Shown, c_string, flags, list, plain, quoted};
use crate::explain::Case;
use crate::threads::only_one_thread;
use crate::{Error, Result};

/// The two ways out of [`fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// We are the process that called.
    Parent {
        /// The new process, for [`waitpid`](crate::waitpid).
        child: Pid,
    },
    /// We are the new process.
    Child,
}

/// Duplicates the calling process: one call, two returns.
///
/// The child is a copy: memory, open descriptors, working directory, root, signal
/// mask. What the one changes afterwards the other does not see, except what lies
/// in the kernel (the offset of an open file, a terminal). Pending signals and
/// timers are not copied.
///
/// The child must not run on into code that is its parent's: its arm of the `match`
/// ends in [`execvp`] or [`exit`].
///
/// # Errors
///
/// * `EAGAIN`: no further process is allowed, by `ulimit -u`, `pids.max` or `pid_max`.
/// * `ENOMEM`: no memory; or the PID namespace for the child has lost its PID 1.
/// * `EINVAL`, from this crate: the caller has more than one thread, or they cannot
///   be counted. The kernel copies only the thread that calls. A lock that another
///   one holds at that moment (the allocator's will do) stays locked in the child
///   for ever, so it hangs, one time in a thousand. There is no way around this
///   refusal: fork before starting threads, or join them first.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, exit, fork, waitpid};
///
/// let child = match fork()? {
///     Fork::Child => exit(7),
///     Fork::Parent { child } => child,
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(7));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: fork(2). Level 00.
pub fn fork() -> Result<Fork> {
    only_one_thread("fork", &[])?;
    // SAFETY: the danger of fork is a lock that a thread which does not exist in
    // the child holds for ever. There is no such thread: the caller's is the only
    // one, and it has started no other since we looked.
    match unsafe { nix::unistd::fork() } {
        Ok(nix::unistd::ForkResult::Parent { child }) => Ok(Fork::Parent { child }),
        Ok(nix::unistd::ForkResult::Child) => Ok(Fork::Child),
        Err(errno) => Err(Error::new("fork", Case::Any, errno, &[])),
    }
}

/// Ends the calling process at once, with `status`.
///
/// This is `_exit`, not `std::process::exit`: no destructor runs, no `atexit`
/// function, and no buffer is flushed. That is what a forked child needs: its
/// copies of the parent's buffers and guards are not its own to flush and clean up.
///
/// `status` is what a waiting parent sees in [`WaitStatus::Exited`].
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, exit, fork};
///
/// if let Fork::Child = fork()? {
///     exit(0)
/// }
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: _exit(2). Level 00.
pub fn exit(status: u8) -> ! {
    // SAFETY: _exit takes any number and does not return.
    unsafe { libc::_exit(status.into()) }
}

/// Becomes another program, which is looked for in `PATH`.
///
/// The process stays (its number, its descriptors without close-on-exec, its root,
/// its ignored and blocked signals); all it was running is replaced. So this call
/// returns only when it fails.
///
/// # Arguments
///
/// * `file`: the program. With a `/` in it it is a path, else a name that is looked
///   for in the directories of `PATH`, inside the root that the process has now.
/// * `arguments`: all of `argv`. The first is the name that the program is told it
///   has, by custom `file` again.
///
/// The environment is the caller's. A file without `#!` that is no ELF program is
/// given to /bin/sh, as shells do.
///
/// # Errors
///
/// * `ENOENT`: no such program in `PATH`; or it is there, but the interpreter in its
///   `#!` line or its dynamic loader is not. Inside a new root that is the usual one.
/// * `EACCES`: found, but not executable: no x bit, a directory, or mounted noexec. Or
///   not found, and a directory in `PATH` may not be searched.
/// * `ENOEXEC`: not a program for this machine.
/// * `E2BIG`: arguments and environment are too long together.
/// * `ELOOP`: symbolic links, or scripts as interpreters, in a circle.
/// * `EPERM`: the file grants capabilities that the bounding set no longer has.
/// * `ETXTBSY`: a process has the file open for writing.
/// * `EINVAL`, from this crate: a NUL byte in the name or an argument, where the
///   program would see the string's end. The text says which one.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, execvp, exit, fork, waitpid};
///
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => {
///         let Err(error) = execvp("sh", &["sh", "-c", "exit 3"]);
///         eprintln!("{error}");
///         exit(127)
///     }
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(3));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: execvp(3). Level 00.
pub fn execvp(file: impl AsRef<OsStr>, arguments: &[impl AsRef<OsStr>]) -> Result<Infallible> {
    let file = file.as_ref();
    let shown = [quoted(file), list(arguments)];
    let c_file = c_string("execvp", &shown, "the file name", file)?;
    let c_arguments = c_strings("execvp", &shown, "argument", arguments)?;
    let case = match file.as_bytes().contains(&b'/') {
        true => Case::Path,
        false => Case::Name,
    };
    nix::unistd::execvp(&c_file, &c_arguments)
        .map_err(|errno| Error::new("execvp", case, errno, &shown))
}

/// Becomes the program at `path`, with exactly this environment.
///
/// The system call itself: no search in `PATH`, no help from /bin/sh. Otherwise
/// like [`execvp`].
///
/// # Arguments
///
/// * `path`: the program's file.
/// * `arguments`: all of `argv`, the program's own name first.
/// * `environment`: all of it, each `"NAME=value"`.
///
/// # Errors
///
/// As [`execvp`], only that `ENOENT` is about this one path and that `ENOEXEC` also
/// means a script without a `#!` line.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, execve, exit, fork, waitpid};
///
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => {
///         let script = "exit ${answer}";
///         let Err(error) = execve("/bin/sh", &["sh", "-c", script], &["answer=42"]);
///         eprintln!("{error}");
///         exit(127)
///     }
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(42));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: execve(2). Level 00 (the bonus on the environment).
pub fn execve(
    path: impl AsRef<Path>,
    arguments: &[impl AsRef<OsStr>],
    environment: &[impl AsRef<OsStr>],
) -> Result<Infallible> {
    let path = path.as_ref();
    let shown = [quoted(path), list(arguments), list(environment)];
    let c_path = c_string("execve", &shown, "the path", path.as_os_str())?;
    let c_arguments = c_strings("execve", &shown, "argument", arguments)?;
    let c_environment = c_strings("execve", &shown, "environment entry", environment)?;
    nix::unistd::execve(&c_path, &c_arguments, &c_environment)
        .map_err(|errno| Error::new("execve", Case::Path, errno, &shown))
}

/// Becomes the program that an open file is, with exactly this environment.
///
/// The system call execveat with the flag `AT_EMPTY_PATH`: the file needs no path, so it may
/// be one that has none, and nobody can put another in its place meanwhile. What the new program
/// is called (`comm` in `/proc/PID`) was the descriptor's number before Linux 6.14.
///
/// # Arguments
///
/// * `program`: the file. Open it with close-on-exec: the kernel reads it before.
/// * `arguments`: all of `argv`, the program's own name first.
/// * `environment`: all of it, each `"NAME=value"`.
///
/// # Errors
///
/// As [`execve`], and:
///
/// * `EACCES`: also a file in memory that may not be run (`vm.memfd_noexec`).
/// * `ENOENT`: also a script by a descriptor with close-on-exec: its interpreter could not open it.
/// * `ETXTBSY`: somebody has the file open for writing.
///
/// # Example
///
/// ```standalone_crate
/// use std::fs::File;
/// use linux_sys::{Fork, WaitOptions, WaitStatus, execveat, exit, fork, waitpid};
///
/// let shell = File::open("/bin/sh")?;
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => {
///         let Err(error) = execveat(&shell, &["sh", "-c", "exit ${answer}"], &["answer=42"]);
///         eprintln!("{error}");
///         exit(127)
///     }
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: execveat(2). Level 17.
pub fn execveat(
    program: impl AsFd,
    arguments: &[impl AsRef<OsStr>],
    environment: &[impl AsRef<OsStr>],
) -> Result<Infallible> {
    let program = program.as_fd();
    let shown = [
        plain(program.as_raw_fd()),
        quoted(""),
        list(arguments),
        // What is in it is nobody's business but the program's.
        plain(format_args!("[{} variables]", environment.len())),
        plain("AT_EMPTY_PATH"),
    ];
    let c_arguments = c_strings("execveat", &shown, "argument", arguments)?;
    let c_environment = c_strings("execveat", &shown, "environment entry", environment)?;
    let flags = AtFlags::AT_EMPTY_PATH;
    nix::unistd::execveat(program, c"", &c_arguments, &c_environment, flags)
        .map_err(|errno| Error::new("execveat", Case::Path, errno, &shown))
}

fn c_strings(
    call: &'static str,
    shown: &[Shown],
    name: &str,
    texts: &[impl AsRef<OsStr>],
) -> Result<Vec<CString>> {
    let numbered = texts.iter().enumerate();
    numbered
        .map(|(number, text)| c_string(call, shown, format_args!("{name} {number}"), text.as_ref()))
        .collect()
}

/// The options of [`waitpid`] and [`waitid`](crate::waitid).
///
/// For `waitpid`: `WaitOptions::empty()` waits for the end; `WNOHANG` does not wait;
/// `WUNTRACED` tells of stops too, `WCONTINUED` of continuations.
pub type WaitOptions = WaitPidFlag;

/// What [`waitpid`] has to tell of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    /// It ended by itself, with this status.
    Exited(u8),
    /// A signal ended it.
    Signaled {
        /// The signal's number, 1 to 64.
        signal: i32,
        /// Whether it left a core dump.
        core_dumped: bool,
    },
    /// A signal stopped it; only with [`WaitOptions::WUNTRACED`](WaitPidFlag::WUNTRACED).
    Stopped(i32),
    /// SIGCONT woke it up; only with [`WaitOptions::WCONTINUED`](WaitPidFlag::WCONTINUED).
    Continued,
    /// Nothing to tell yet; only with [`WaitOptions::WNOHANG`](WaitPidFlag::WNOHANG).
    StillRunning,
}

impl WaitStatus {
    // By hand, because nix's enum of signals ends at 31 and a realtime signal can
    // end a process as well.
    fn decode(raw: i32) -> WaitStatus {
        if libc::WIFEXITED(raw) {
            // The kernel keeps only the low eight bits of a status.
            WaitStatus::Exited((libc::WEXITSTATUS(raw) & 0xff) as u8)
        } else if libc::WIFSIGNALED(raw) {
            WaitStatus::Signaled {
                signal: libc::WTERMSIG(raw),
                core_dumped: libc::WCOREDUMP(raw),
            }
        } else if libc::WIFCONTINUED(raw) {
            WaitStatus::Continued
        } else {
            WaitStatus::Stopped(libc::WSTOPSIG(raw))
        }
    }
}

/// Waits for a child, and collects it.
///
/// A child that ended stays in the process table as a *zombie*, a line with a
/// status, until its parent waits for it. An interruption by a signal handler (`EINTR`)
/// is no reason to stop waiting: the call is repeated.
///
/// # Arguments
///
/// * `child`: one child; `Pid::from_raw(-1)` for any.
/// * `options`: see [`WaitOptions`].
///
/// # Errors
///
/// * `ECHILD`: there is no such child: collected already, not a child of ours (a
///   grandchild is not), or SIGCHLD is ignored and the kernel collects by itself.
/// * `EINVAL`: an option that belongs to [`waitid`](crate::waitid).
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, fork, kill, waitpid};
///
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => loop {
///         std::thread::park(); // until the parent kills us
///     },
/// };
/// assert_eq!(waitpid(child, WaitOptions::WNOHANG)?, WaitStatus::StillRunning);
/// kill(child, 9)?;
/// let killed = WaitStatus::Signaled { signal: 9, core_dumped: false };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, killed);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: waitpid(2). Level 00.
pub fn waitpid(child: Pid, options: WaitOptions) -> Result<WaitStatus> {
    let mut raw = 0;
    loop {
        // SAFETY: `raw` lives across the call, which writes one int into it.
        match unsafe { libc::waitpid(child.as_raw(), &mut raw, options.bits()) } {
            0 => return Ok(WaitStatus::StillRunning),
            -1 if Errno::last() == Errno::EINTR => continue,
            -1 => {
                let shown = [plain(child), flags!(options)];
                return Err(Error::new("waitpid", Case::Any, Errno::last(), &shown));
            }
            _ => return Ok(WaitStatus::decode(raw)),
        }
    }
}

/// Collects a child that has ended, whichever it is, and tells which it was.
///
/// This is waitpid with -1 for the child, which in C returns the number. A process that is the
/// parent of what it has not made (PID 1 of a namespace, to which orphans are given) cannot know
/// whom to wait for.
///
/// `None`, with `WaitOptions::WNOHANG`: there are children, and none has anything to tell.
///
/// # Arguments
///
/// * `options`: see [`WaitOptions`].
///
/// # Errors
///
/// * `ECHILD`: there is no child any more.
/// * `EINVAL`: an option that belongs to [`waitid`](crate::waitid).
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, WaitOptions, WaitStatus, exit, fork, waitpid_any};
///
/// let child = match fork()? {
///     Fork::Child => exit(7),
///     Fork::Parent { child } => child,
/// };
/// let ended = waitpid_any(WaitOptions::empty())?;
/// assert_eq!(ended, Some((child, WaitStatus::Exited(7))));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: waitpid(2). Level 19.
pub fn waitpid_any(options: WaitOptions) -> Result<Option<(Pid, WaitStatus)>> {
    let mut raw = 0;
    loop {
        // SAFETY: `raw` lives across the call, which writes one int into it.
        match unsafe { libc::waitpid(-1, &mut raw, options.bits()) } {
            0 => return Ok(None),
            -1 if Errno::last() == Errno::EINTR => continue,
            -1 => {
                let shown = [plain(-1), flags!(options)];
                return Err(Error::new("waitpid", Case::Any, Errno::last(), &shown));
            }
            child => return Ok(Some((Pid::from_raw(child), WaitStatus::decode(raw)))),
        }
    }
}

/// Starts a new session, with the caller as its leader and without a terminal.
///
/// Returns the session's number, which is the caller's own.
///
/// # Errors
///
/// * `EPERM`: the caller leads a process group already. A forked child does not.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, Pid, WaitOptions, WaitStatus, exit, fork, setsid, waitpid};
///
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => exit(u8::from(setsid().ok() != Some(Pid::this()))),
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(0));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: setsid(2). Level 18; given code, from level 00.
pub fn setsid() -> Result<Pid> {
    nix::unistd::setsid().map_err(|errno| Error::new("setsid", Case::Any, errno, &[]))
}

/// Moves a process into a process group: what a terminal's Ctrl-C reaches as a whole.
///
/// # Arguments
///
/// * `process`: the caller or one of its children; 0 is the caller.
/// * `group`: an existing group of the session, or `process` itself to found one;
///   0 means `process`.
///
/// # Errors
///
/// * `EACCES`: the child has called exec meanwhile. Call it in the child as well.
/// * `EINVAL`: `group` is negative.
/// * `EPERM`: another session, or a session leader.
/// * `ESRCH`: neither the caller nor a child of it.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Fork, Pid, WaitOptions, WaitStatus, exit, fork, setpgid, waitpid};
///
/// let own = Pid::from_raw(0);
/// let child = match fork()? {
///     Fork::Parent { child } => child,
///     Fork::Child => exit(u8::from(setpgid(own, own).is_err())),
/// };
/// assert_eq!(waitpid(child, WaitOptions::empty())?, WaitStatus::Exited(0));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: setpgid(2). Given code, from level 00.
pub fn setpgid(process: Pid, group: Pid) -> Result<()> {
    nix::unistd::setpgid(process, group)
        .map_err(|errno| Error::new("setpgid", Case::Any, errno, &[plain(process), plain(group)]))
}
