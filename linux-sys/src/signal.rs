//! Signals: what they do to us, holding them back, waiting for them, sending them.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// The kernel's own idea of a signal set: 64 bits, signal N is bit N-1.
pub(crate) const SET_SIZE: usize = size_of::<u64>();

/// What a signal is to do to the process. (Handlers are no part of this crate: a
/// program that wants to know blocks the signal and waits for it, see [`sigtimedwait`].)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// What signal(7) lists for it.
    Default,
    /// Nothing.
    Ignore,
}

// What rt_sigaction takes; glibc's structure is another one.
#[repr(C)]
pub(crate) struct KernelSigaction {
    pub(crate) handler: libc::sighandler_t,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// Sets what `signum` does to the calling process.
///
/// exec keeps an *ignored* signal ignored. Rust's runtime ignores SIGPIPE, so without
/// this call `yes | head -1` in a container would complain instead of ending.
///
/// # Arguments
///
/// * `signum`: 1 to 64. Also 32 and 33, which the C library keeps for its threads and
///   hides from programs (its `posix_spawn` leaves them *ignored* in what it starts;
///   cargo's children, for one, inherit that): hence the system call itself, not
///   the library's. In a program that has threads leave these two alone.
/// * `disposition`: the default, or ignored.
///
/// # Errors
///
/// * `EINVAL`: no such signal; or SIGKILL (9) or SIGSTOP (19), which no process can change.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{Disposition, Errno, signal};
///
/// signal(13, Disposition::Default)?; // SIGPIPE
/// assert_eq!(signal(9, Disposition::Ignore).unwrap_err().errno(), Errno::EINVAL);
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: signal(2), signal(7). Given code, from level 00.
pub fn signal(signum: i32, disposition: Disposition) -> Result<()> {
    let handler = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    let action = KernelSigaction {
        handler,
        flags: 0,
        restorer: 0,
        mask: 0,
    };
    // SAFETY: the structure is the kernel's, lives across the call, and its handler
    // is no code of ours but one of the kernel's two constants.
    let done = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signum,
            &raw const action,
            std::ptr::null_mut::<KernelSigaction>(),
            SET_SIZE,
        )
    };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain(signal_name(signum)),
            plain(match disposition {
                Disposition::Default => "SIG_DFL",
                Disposition::Ignore => "SIG_IGN",
            }),
        ];
        Error::new("signal", Case::Any, errno, &shown)
    })
}

/// A set of signals, 1 to 64, realtime ones included.
///
/// # Example
///
/// ```
/// use linux_sys::SignalSet;
///
/// let set = SignalSet::empty().with(15).with(40);
/// assert!(set.contains(40));
/// assert_eq!(set.to_string(), "{SIGTERM SIGRTMIN+6}");
/// assert_eq!([2, 15].into_iter().collect::<SignalSet>().without(2).iter().count(), 1);
/// ```
///
/// Manual page: signal(7).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const fn empty() -> SignalSet {
        SignalSet(0)
    }

    /// All signals, 1 to 64.
    pub const fn all() -> SignalSet {
        SignalSet(u64::MAX)
    }

    /// These signals too; what is not a signal number is left out.
    #[must_use]
    pub const fn with(self, signum: i32) -> SignalSet {
        SignalSet(self.0 | bit(signum))
    }

    /// All of these but `signum`.
    #[must_use]
    pub const fn without(self, signum: i32) -> SignalSet {
        SignalSet(self.0 & !bit(signum))
    }

    /// Whether `signum` is one of them.
    pub const fn contains(self, signum: i32) -> bool {
        self.0 & bit(signum) != 0
    }

    /// Those of them that are not in `others`.
    #[must_use]
    pub const fn difference(self, others: SignalSet) -> SignalSet {
        SignalSet(self.0 & !others.0)
    }

    /// Those of them that are in `others` too.
    #[must_use]
    pub const fn intersection(self, others: SignalSet) -> SignalSet {
        SignalSet(self.0 & others.0)
    }

    /// What asks a process to end, and would end one that has not prepared for it: from the
    /// keyboard or another process (SIGHUP, SIGINT, SIGQUIT, SIGTERM), or because a time is
    /// over (SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU).
    ///
    /// Others end one as well, but are messages (SIGUSR1, SIGIO), or faults of its own (SIGSEGV).
    pub const fn requests_to_end() -> SignalSet {
        SignalSet::empty()
            .with(libc::SIGHUP)
            .with(libc::SIGINT)
            .with(libc::SIGQUIT)
            .with(libc::SIGTERM)
            .with(libc::SIGALRM)
            .with(libc::SIGVTALRM)
            .with(libc::SIGPROF)
            .with(libc::SIGXCPU)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The numbers, in order.
    pub fn iter(self) -> impl Iterator<Item = i32> {
        (1..=64).filter(move |signum| self.contains(*signum))
    }
}

const fn bit(signum: i32) -> u64 {
    match signum {
        1..=64 => 1 << (signum - 1),
        _ => 0,
    }
}

impl FromIterator<i32> for SignalSet {
    fn from_iter<I: IntoIterator<Item = i32>>(signals: I) -> SignalSet {
        signals
            .into_iter()
            .fold(SignalSet::empty(), SignalSet::with)
    }
}

impl std::fmt::Display for SignalSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.iter().map(signal_name).collect();
        write!(f, "{{{}}}", names.join(" "))
    }
}

impl std::fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A signal's name: `"SIGTERM"`, `"SIGRTMIN+6"`; where it has none, its number.
///
/// # Example
///
/// ```
/// assert_eq!(linux_sys::signal_name(9), "SIGKILL");
/// assert_eq!(linux_sys::signal_name(40), "SIGRTMIN+6");
/// ```
pub fn signal_name(signum: i32) -> String {
    match nix::sys::signal::Signal::try_from(signum) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) if (34..=64).contains(&signum) => match signum - 34 {
            0 => "SIGRTMIN".to_owned(),
            more => format!("SIGRTMIN+{more}"),
        },
        Err(_) => signum.to_string(),
    }
}

/// How [`sigprocmask`] uses its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Hold these back too.
    Block,
    /// Let these through again.
    Unblock,
    /// Hold back exactly these.
    SetMask,
}

/// Changes which signals are held back (blocked) from the calling thread; returns the former mask.
///
/// A blocked signal waits; it is not lost. The mask is inherited by fork and kept by
/// exec, so a command must be given an empty one.
///
/// # Arguments
///
/// * `how`: add to the mask, take from it, or replace it.
/// * `set`: the signals. SIGKILL and SIGSTOP cannot be blocked; the kernel leaves them
///   out without a word.
///
/// # Errors
///
/// None that this function's types allow.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{How, SignalSet, sigprocmask};
///
/// let before = sigprocmask(How::Block, &SignalSet::empty().with(15))?;
/// // ... SIGTERM waits ...
/// sigprocmask(How::SetMask, &before)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: sigprocmask(2). Given code, from level 00.
pub fn sigprocmask(how: How, set: &SignalSet) -> Result<SignalSet> {
    let (raw_how, how_name) = match how {
        How::Block => (libc::SIG_BLOCK, "SIG_BLOCK"),
        How::Unblock => (libc::SIG_UNBLOCK, "SIG_UNBLOCK"),
        How::SetMask => (libc::SIG_SETMASK, "SIG_SETMASK"),
    };
    let mut old = 0_u64;
    // SAFETY: both sets are the kernel's eight bytes and live across the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            raw_how,
            &raw const set.0,
            &raw mut old,
            SET_SIZE,
        )
    };
    Errno::result(done)
        .map(|_| SignalSet(old))
        .map_err(|errno| {
            Error::new(
                "sigprocmask",
                Case::Any,
                errno,
                &[plain(how_name), plain(set)],
            )
        })
}

/// The signals that were sent to this process while it held them back, and wait for it.
///
/// They go on waiting: this only looks.
///
/// # Errors
///
/// None that this function's types allow.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{How, Pid, SignalSet, kill, sigpending, sigprocmask};
///
/// sigprocmask(How::Block, &SignalSet::empty().with(15))?;
/// assert!(!sigpending()?.contains(15));
/// kill(Pid::this(), 15)?;
/// assert!(sigpending()?.contains(15));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: sigpending(2). Given code, from level 00.
pub fn sigpending() -> Result<SignalSet> {
    let mut set = 0_u64;
    // SAFETY: the set is the kernel's eight bytes and lives across the call.
    let done = unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET_SIZE) };
    Errno::result(done)
        .map(|_| SignalSet(set))
        .map_err(|errno| Error::new("sigpending", Case::Any, errno, &[]))
}

/// What [`sigtimedwait`] got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// The signal.
    pub signal: i32,
    /// Why: [`SI_USER`], [`SI_KERNEL`], or one of the CLD_ numbers for SIGCHLD.
    pub code: i32,
    /// Who sent it, or which child it is about; 0 from the kernel.
    pub pid: Pid,
    /// For SIGCHLD: exit status or signal.
    pub status: i32,
}

impl SignalInfo {
    /// Whether the kernel sent it (the terminal's Ctrl-C, for example).
    pub fn sent_by_kernel(&self) -> bool {
        self.code == SI_KERNEL
    }
}

pub use libc::{SI_KERNEL, SI_USER};

/// Takes one of `set`'s signals, waiting for it if none is pending; `None` when the time is over.
///
/// The signals must be blocked (by [`sigprocmask`]), or they take effect instead of
/// waiting for us. An interruption (`EINTR`, for example by being stopped and continued)
/// is no reason to stop waiting: the rest of the time is waited for.
///
/// # Arguments
///
/// * `set`: the signals.
/// * `timeout`: `None` waits for ever; `Duration::ZERO` only looks.
///
/// # Errors
///
/// * `EINVAL`: a timeout beyond what the kernel can count.
///
/// # Example
///
/// ```standalone_crate
/// use std::time::Duration;
/// use linux_sys::{How, Pid, SignalSet, kill, sigprocmask, sigtimedwait};
///
/// let set = SignalSet::empty().with(10); // SIGUSR1
/// sigprocmask(How::Block, &set)?;
/// assert_eq!(sigtimedwait(&set, Some(Duration::ZERO))?, None);
/// kill(Pid::this(), 10)?;
/// let info = sigtimedwait(&set, None)?.expect("without a timeout it waits");
/// assert_eq!((info.signal, info.pid), (10, Pid::this()));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: sigtimedwait(2). Given code, from level 00.
pub fn sigtimedwait(set: &SignalSet, timeout: Option<Duration>) -> Result<Option<SignalInfo>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match wait_once(set, left) {
            Ok(info) => return Ok(Some(info)),
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EINTR) => continue,
            Err(errno) => {
                let timeout = timeout.map_or("NULL".to_owned(), |timeout| format!("{timeout:?}"));
                let shown = [plain(set), plain(timeout)];
                return Err(Error::new("sigtimedwait", Case::Any, errno, &shown));
            }
        }
    }
}

/// A descriptor that can be read as long as one of these signals waits: so that a program can
/// wait for signals and for files at the same time, with poll(2).
///
/// The caller must have blocked them, and takes them out with [`sigtimedwait`].
///
/// # Errors
///
/// * `EMFILE`, `ENFILE`, `ENOMEM`: no descriptor or no memory is left.
///
/// # Example
///
/// ```standalone_crate
/// use linux_sys::{How, Pid, SignalSet, kill, signalfd, sigprocmask};
/// use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
/// use std::os::fd::AsFd;
///
/// let set = SignalSet::empty().with(10); // SIGUSR1
/// sigprocmask(How::Block, &set)?;
/// let waiting = signalfd(&set)?;
/// kill(Pid::this(), 10)?;
/// let mut files = [PollFd::new(waiting.as_fd(), PollFlags::POLLIN)];
/// assert_eq!(poll(&mut files, PollTimeout::NONE)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: signalfd(2). Given code, from level 18.
pub fn signalfd(set: &SignalSet) -> Result<OwnedFd> {
    // SAFETY: the set is the kernel's eight bytes, and lives across the call.
    let opened = unsafe {
        libc::syscall(
            libc::SYS_signalfd4,
            -1,
            &raw const set.0,
            SET_SIZE,
            libc::SFD_CLOEXEC,
        )
    };
    match Errno::result(opened) {
        // SAFETY: the kernel has just opened it for us, and nothing else has it.
        Ok(opened) => Ok(unsafe { OwnedFd::from_raw_fd(opened as RawFd) }),
        Err(errno) => {
            let shown = [plain(-1), plain(set), plain("SFD_CLOEXEC")];
            Err(Error::new("signalfd", Case::Any, errno, &shown))
        }
    }
}

fn wait_once(set: &SignalSet, timeout: Option<Duration>) -> std::result::Result<SignalInfo, Errno> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: siginfo_t is plain numbers and pointers, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is the kernel's eight bytes; info and timeout have the
    // kernel's layout; all of them live across the call.
    let signal = unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set.0,
            &raw mut info,
            timeout,
            SET_SIZE,
        )
    };
    Errno::result(signal)?;
    // SAFETY: these read numbers out of a union that was zeroed and then filled by
    // the kernel; every bit pattern is a number.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok(SignalInfo {
        signal: info.si_signo,
        code: info.si_code,
        pid: Pid::from_raw(pid),
        status,
    })
}

/// Sends a signal to a process, or to a group of them.
///
/// # Arguments
///
/// * `process`: positive: that process; 0: the caller's process group; -1: every process
///   that the caller may signal; below: the group of that number.
/// * `signum`: 1 to 64; 0 sends nothing and only asks whether it could.
///
/// # Errors
///
/// * `ESRCH`: no such process, as seen from this PID namespace.
/// * `EPERM`: another user's, and no CAP_KILL.
/// * `EINVAL`: no such signal.
///
/// # Example
///
/// ```
/// use linux_sys::{Pid, kill};
///
/// kill(Pid::this(), 0)?; // I am there, and may signal myself
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: kill(2). Given code, from level 00.
pub fn kill(process: Pid, signum: i32) -> Result<()> {
    // SAFETY: takes two numbers.
    let done = unsafe { libc::kill(process.as_raw(), signum) };
    Errno::result(done).map(drop).map_err(|errno| {
        Error::new(
            "kill",
            Case::Any,
            errno,
            &[plain(process), plain(signal_name(signum))],
        )
    })
}
