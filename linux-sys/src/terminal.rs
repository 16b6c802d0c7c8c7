//! Terminals: which process group has the keyboard, what makes lines of what is typed, which
//! processes may open one.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// The process group that a terminal's keyboard, Ctrl-C included, belongs to.
///
/// # Errors
///
/// * `ENOTTY`: not the caller's controlling terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```
/// match linux_sys::tcgetpgrp(std::io::stdin()) {
///     Ok(group) => println!("Ctrl-C goes to group {group}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: tcgetpgrp(3). Given code, from level 00.
pub fn tcgetpgrp(terminal: impl AsFd) -> Result<Pid> {
    nix::unistd::tcgetpgrp(terminal.as_fd()).map_err(|errno| {
        Error::new(
            "tcgetpgrp",
            Case::Any,
            errno,
            &[plain(terminal.as_fd().as_raw_fd())],
        )
    })
}

/// Gives a terminal's keyboard to the process group `group`.
///
/// A caller in the background is stopped by SIGTTOU instead, unless it blocks or ignores
/// that signal.
///
/// # Errors
///
/// * `ENOTTY`: not the caller's controlling terminal.
/// * `EPERM`: no such group in the caller's session.
/// * `EINVAL`: not a group's number.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{Pid, setpgid, tcsetpgrp};
///
/// let own = Pid::this();
/// setpgid(own, own)?;
/// tcsetpgrp(std::io::stdin(), own)?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: tcsetpgrp(3). Given code, from level 00.
pub fn tcsetpgrp(terminal: impl AsFd, group: Pid) -> Result<()> {
    nix::unistd::tcsetpgrp(terminal.as_fd(), group).map_err(|errno| {
        let shown = [plain(terminal.as_fd().as_raw_fd()), plain(group)];
        Error::new("tcsetpgrp", Case::Any, errno, &shown)
    })
}

/// Makes a terminal the caller's controlling terminal: the one whose Ctrl-C, Ctrl-Z and
/// hang-up become signals for the processes of this session.
///
/// # Arguments
///
/// * `terminal`: one that no session has.
///
/// # Errors
///
/// * `EPERM`: the caller leads no session, or has a terminal already, or another session has
///   this one.
/// * `ENOTTY`: no terminal.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{setsid, tiocsctty};
///
/// let terminal = std::fs::File::options().read(true).write(true).open("/dev/pts/0")?;
/// setsid()?;
/// tiocsctty(&terminal)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: TIOCSCTTY(2const), in older releases ioctl_tty(2). Level 18.
pub fn tiocsctty(terminal: impl AsFd) -> Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: this ioctl takes a number, by which nothing is taken from another session.
    let done = unsafe { libc::ioctl(fd, libc::TIOCSCTTY as _, 0) };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| Error::new("tiocsctty", Case::Any, errno, &[plain(fd), plain(0)]))
}

/// Opens the terminal that belongs to the master side of a pseudo-terminal: without a path,
/// so whatever is mounted on `/dev/pts` here.
///
/// It is unlocked first, as unlockpt(3) does, and does not become the caller's controlling
/// terminal.
///
/// # Arguments
///
/// * `master`: what opening `/dev/ptmx` has given.
///
/// # Errors
///
/// * `ENOTTY`: no master of a pseudo-terminal.
/// * `EIO`: the terminal is gone.
///
/// # Example
///
/// ```
/// use std::io::{Read, Write};
///
/// let mut master = std::fs::File::options().read(true).write(true).open("/dev/ptmx")?;
/// let mut terminal = std::fs::File::from(linux_sys::tiocgptpeer(&master)?);
/// terminal.write_all(b"hello")?;
/// let mut printed = [0; 5];
/// master.read_exact(&mut printed)?;
/// assert_eq!(&printed, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: TIOCGPTPEER(2const), in older releases ioctl_tty(2). Given code, level 18.
pub fn tiocgptpeer(master: impl AsFd) -> Result<OwnedFd> {
    let fd = master.as_fd().as_raw_fd();
    let locked: libc::c_int = 0;
    let how = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the first ioctl reads one int from the address that it is given, the second
    // takes a number.
    let opened = unsafe {
        match libc::ioctl(fd, libc::TIOCSPTLCK as _, &raw const locked) {
            0 => libc::ioctl(fd, libc::TIOCGPTPEER as _, how),
            failed => failed,
        }
    };
    match Errno::result(opened) {
        // SAFETY: the kernel has just opened it for us, and nothing else has it.
        Ok(opened) => Ok(unsafe { OwnedFd::from_raw_fd(opened) }),
        Err(errno) => {
            let shown = [plain(fd), plain("O_RDWR|O_NOCTTY|O_CLOEXEC")];
            Err(Error::new("tiocgptpeer", Case::Any, errno, &shown))
        }
    }
}

/// How large a terminal's window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines of text; 0 if nobody has said.
    pub rows: u16,
    /// Characters in a line; 0 if nobody has said.
    pub columns: u16,
}

/// How large a terminal's window is.
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
///
/// # Example
///
/// ```
/// match linux_sys::tiocgwinsz(std::io::stdin()) {
///     Ok(size) => println!("{} by {}", size.rows, size.columns),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: TIOCGWINSZ(2const), in older releases ioctl_tty(2). Given code, level 18.
pub fn tiocgwinsz(terminal: impl AsFd) -> Result<WindowSize> {
    let fd = terminal.as_fd().as_raw_fd();
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: this ioctl writes the four numbers of `size`, which lives across the call.
    let done = unsafe { libc::ioctl(fd, libc::TIOCGWINSZ as _, &raw mut size) };
    Errno::result(done)
        .map(|_| WindowSize {
            rows: size.ws_row,
            columns: size.ws_col,
        })
        .map_err(|errno| Error::new("tiocgwinsz", Case::Any, errno, &[plain(fd)]))
}

/// Says how large a terminal's window is. If that is new, the group in front gets SIGWINCH.
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
///
/// # Example
///
/// ```no_run
/// use linux_sys::{WindowSize, tiocswinsz};
///
/// tiocswinsz(std::io::stdin(), WindowSize { rows: 24, columns: 80 })?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: TIOCSWINSZ(2const), in older releases ioctl_tty(2). Given code, level 18.
pub fn tiocswinsz(terminal: impl AsFd, size: WindowSize) -> Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    let asked = libc::winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: this ioctl reads the four numbers of `asked`, which lives across the call.
    let done = unsafe { libc::ioctl(fd, libc::TIOCSWINSZ as _, &raw const asked) };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain(fd),
            plain(format_args!("{} by {}", size.rows, size.columns)),
        ];
        Error::new("tiocswinsz", Case::Any, errno, &shown)
    })
}

/// Types a byte on a terminal: the process that reads from it next takes the byte for a
/// key that the user struck.
///
/// That process may be the user's shell, once the program that typed is gone.
///
/// # Errors
///
/// * `EIO`: switched off (`dev.tty.legacy_tiocsti` is 0, since Linux 6.2), and the caller
///   has no CAP_SYS_ADMIN.
/// * `EPERM`: not the caller's controlling terminal, and no CAP_SYS_ADMIN.
/// * `ENOTTY`: no terminal.
///
/// # Example
///
/// ```no_run
/// let terminal = std::fs::File::open("/dev/tty")?;
/// for byte in b"date\n" {
///     linux_sys::tiocsti(&terminal, *byte)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: TIOCSTI(2const), in older releases ioctl_tty(2). Checks.
pub fn tiocsti(terminal: impl AsFd, byte: u8) -> Result<()> {
    // SAFETY: this ioctl reads the one byte that it is given the address of.
    let done = unsafe {
        libc::ioctl(
            terminal.as_fd().as_raw_fd(),
            libc::TIOCSTI as _,
            &raw const byte,
        )
    };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain(terminal.as_fd().as_raw_fd()),
            plain(byte.escape_ascii()),
        ];
        Error::new("tiocsti", Case::Any, errno, &shown)
    })
}

/// The number of a terminal's line discipline: 0, N_TTY, makes lines of what is typed, and
/// signals of Ctrl-C and Ctrl-Z.
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```
/// match linux_sys::tiocgetd(std::io::stdin()) {
///     Ok(discipline) => println!("line discipline {discipline}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: TIOCSETD(2const), in older releases ioctl_tty(2). Given code, from level 00.
pub fn tiocgetd(terminal: impl AsFd) -> Result<i32> {
    let fd = terminal.as_fd().as_raw_fd();
    let mut discipline: libc::c_int = 0;
    // SAFETY: this ioctl writes one int to the address that it is given.
    let done = unsafe { libc::ioctl(fd, libc::TIOCGETD as _, &raw mut discipline) };
    Errno::result(done)
        .map(|_| discipline)
        .map_err(|errno| Error::new("tiocgetd", Case::Any, errno, &[plain(fd)]))
}

/// Gives a terminal another line discipline. With 27, N_NULL, for example, it neither
/// shows nor hands on what is typed, and takes nothing to print: it looks dead.
///
/// A caller in the background is stopped by SIGTTOU instead, unless it blocks or ignores
/// that signal.
///
/// # Errors
///
/// * `EINVAL`: no such discipline, or not for this terminal.
/// * `EPERM`: its module is not loaded, and the caller may not have it loaded.
/// * `ENOTTY`: no terminal.
/// * `EIO`: the terminal has been hung up.
///
/// # Example
///
/// ```no_run
/// linux_sys::tiocsetd(std::io::stdin(), 0)?; // N_TTY
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: TIOCSETD(2const), in older releases ioctl_tty(2). Given code, from level 00.
pub fn tiocsetd(terminal: impl AsFd, discipline: i32) -> Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    let discipline: libc::c_int = discipline;
    // SAFETY: this ioctl reads one int from the address that it is given.
    let done = unsafe { libc::ioctl(fd, libc::TIOCSETD as _, &raw const discipline) };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [plain(fd), plain(discipline)];
        Error::new("tiocsetd", Case::Any, errno, &shown)
    })
}

/// Whether a terminal is exclusive: no process without CAP_SYS_ADMIN can open it again.
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```
/// match linux_sys::tiocgexcl(std::io::stdin()) {
///     Ok(exclusive) => println!("exclusive: {exclusive}"),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// Manual page: TIOCEXCL(2const), in older releases ioctl_tty(2). Given code, from level 00.
pub fn tiocgexcl(terminal: impl AsFd) -> Result<bool> {
    let fd = terminal.as_fd().as_raw_fd();
    let mut exclusive: libc::c_int = 0;
    // SAFETY: this ioctl writes one int to the address that it is given.
    let done = unsafe { libc::ioctl(fd, libc::TIOCGEXCL as _, &raw mut exclusive) };
    Errno::result(done)
        .map(|_| exclusive != 0)
        .map_err(|errno| Error::new("tiocgexcl", Case::Any, errno, &[plain(fd)]))
}

/// Makes a terminal exclusive: see [`tiocgexcl`].
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```no_run
/// linux_sys::tiocexcl(std::io::stdin())?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: TIOCEXCL(2const), in older releases ioctl_tty(2). Given code, from level 00.
pub fn tiocexcl(terminal: impl AsFd) -> Result<()> {
    without_argument("tiocexcl", terminal, libc::TIOCEXCL as _)
}

/// Lets other processes open a terminal again: see [`tiocgexcl`].
///
/// # Errors
///
/// * `ENOTTY`: no terminal.
/// * `EBADF`: not an open descriptor.
///
/// # Example
///
/// ```no_run
/// linux_sys::tiocnxcl(std::io::stdin())?;
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: TIOCEXCL(2const), in older releases ioctl_tty(2). Given code, from level 00.
pub fn tiocnxcl(terminal: impl AsFd) -> Result<()> {
    without_argument("tiocnxcl", terminal, libc::TIOCNXCL as _)
}

fn without_argument(name: &'static str, terminal: impl AsFd, request: libc::Ioctl) -> Result<()> {
    let fd = terminal.as_fd().as_raw_fd();
    // SAFETY: the two ioctls that come here take no argument.
    let done = unsafe { libc::ioctl(fd, request) };
    Errno::result(done)
        .map(drop)
        .map_err(|errno| Error::new(name, Case::Any, errno, &[plain(fd)]))
}
