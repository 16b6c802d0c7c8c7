//! The terminal is left as it was found.
//!
//! A shell in a container takes the terminal for itself: it makes its own
//! process group the foreground one (tcsetpgrp(3)) and sets the line editing it
//! likes (termios(3)). It gives both back when it leaves, unless it is killed;
//! then the parent has to, or the user's shell is left in the background of
//! its own terminal. Other programs leave more behind: a terminal that is deaf, or
//! closed to others, or that prints nothing any more.
//!
//! Two things stay as the container leaves them. The size of the window: a program
//! that sets it and a user who pulls at a corner look the same, and the user is right.
//! And what the emulator has been told by escape sequences: the kernel does not know
//! them (`reset` helps).

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use linux_sys::{tiocexcl, tiocgetd, tiocgexcl, tiocnxcl, tiocsetd};
use nix::errno::Errno;
use nix::libc::{O_CLOEXEC, O_NOCTTY, termios};
use nix::sys::signal::killpg;
use nix::sys::termios::{FlowArg, SetArg, Termios, tcflow, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::streams;

/// How often to look who has the terminal, while it must not be us. The kernel
/// does not tell when it changes hands, so there is no event to wait for.
const EVERY: Duration = Duration::from_millis(100);

/// Our controlling terminal, whatever 0, 1 and 2 are: the container can open it too.
static TERMINAL: OnceLock<Option<File>> = OnceLock::new();

/// How the terminal was when we first had it in the foreground.
static FOUND: OnceLock<Found> = OnceLock::new();

/// While we are in the background: the group in front, and how it likes the terminal.
static IN_FRONT: Mutex<Option<(Pid, termios)>> = Mutex::new(None);

struct Found {
    discipline: Option<i32>,
    exclusive: Option<bool>,
    settings: termios,
}

fn terminal() -> Option<&'static File> {
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(O_NOCTTY | O_CLOEXEC);
        options.open("/dev/tty").ok()
    };
    TERMINAL.get_or_init(open).as_ref()
}

/// Take note of how the terminal is: as we found it, and in the background again and again,
/// as it must not change by our doing.
pub(crate) fn remember() {
    streams::remember();
    let Some((terminal, foreground)) = foreground() else {
        return;
    };
    let settings = || tcgetattr(terminal).ok().map(termios::from);
    let ours = foreground == getpgrp();
    if ours
        && FOUND.get().is_none()
        && let Some(settings) = settings()
    {
        FOUND.get_or_init(|| Found {
            discipline: tiocgetd(terminal).ok(),
            exclusive: tiocgexcl(terminal).ok(),
            settings,
        });
    }
    let in_front = match ours {
        true => None,
        false => settings().map(|settings| (foreground, settings)),
    };
    *IN_FRONT.lock().unwrap_or_else(PoisonError::into_inner) = in_front;
}

fn foreground() -> Option<(&'static File, Pid)> {
    let terminal = terminal()?;
    Some((terminal, tcgetpgrp(terminal).ok()?))
}

/// Put it back, if the container left it changed.
///
/// The terminal is taken back only from `child`, which has ended and waits to be
/// collected, or from a group in which no process is left. A foreground group
/// that lives is not the container's: the user has typed `bg`, and their shell is
/// at work there.
///
/// SIGTTOU must be held back: the kernel sends it to a background process that
/// does what this function does.
pub(crate) fn restore(child: Pid) {
    // Errors have no remedy here: the terminal may have been hung up meanwhile.
    streams::restore();
    let (Some((terminal, foreground)), Some(found)) = (foreground(), FOUND.get()) else {
        return;
    };
    if foreground != getpgrp() {
        if foreground != child && killpg(foreground, None) != Err(Errno::ESRCH) {
            return;
        }
        let _ = tcsetpgrp(terminal, getpgrp());
    }
    // First of all: a line discipline that knows of no settings would refuse them.
    if let Some(discipline) = found.discipline
        && tiocgetd(terminal).is_ok_and(|now| now != discipline)
    {
        let _ = tiocsetd(terminal, discipline);
    }
    // What a program has stopped (tcflow(3)) would never be printed. Ctrl-S is the user's own.
    let _ = tcflow(terminal, FlowArg::TCOON);
    let settings = Termios::from(found.settings);
    if tcgetattr(terminal).is_ok_and(|now| now != settings) {
        let _ = tcsetattr(terminal, SetArg::TCSADRAIN, &settings);
    }
    // Whether other programs may open it (TIOCEXCL in ioctl_tty(2)).
    let _ = match (found.exclusive, tiocgexcl(terminal)) {
        (Some(false), Ok(true)) => tiocnxcl(terminal),
        (Some(true), Ok(false)) => tiocexcl(terminal),
        _ => Ok(()),
    };
}

/// When a shell has put us to the foreground, or to the background. In front the child may
/// have been woken before us, and have taken the terminal already: then it is its own.
pub(crate) fn look_who_is_in_front(child: Pid) {
    match group_in_front(child).is_some() {
        true => *IN_FRONT.lock().unwrap_or_else(PoisonError::into_inner) = None,
        false => remember(),
    }
}

/// When to look again who has the terminal: `None` while it may be the container.
pub(crate) fn time_to_look() -> Option<Duration> {
    let in_front = IN_FRONT.lock().unwrap_or_else(PoisonError::into_inner);
    in_front.map(|_| EVERY)
}

/// Which group of the container's has taken the terminal although we are in the background. If
/// there is one, it has it no more.
///
/// A shell asks whether its own group is in front before it takes the terminal, and stops
/// itself if not. But its group and the one in front are both outside of its PID namespace:
/// it is told 0 for either, and takes them for the same.
pub(crate) fn was_taken_by(child: Pid) -> Option<Pid> {
    let in_front = *IN_FRONT.lock().unwrap_or_else(PoisonError::into_inner);
    let (before, settings) = in_front?;
    let taken = group_in_front(child);
    if let (Some(_), Some(terminal)) = (taken, terminal()) {
        let _ = tcsetpgrp(terminal, before);
        let _ = tcsetattr(terminal, SetArg::TCSANOW, &settings.into());
    } else {
        remember();
    }
    taken
}

/// The group that the terminal is of, if it is one of the container's, and not that of all of us
/// together: `child`'s, or that of another process of the PID namespace whose number 1 it is.
pub(crate) fn group_in_front(child: Pid) -> Option<Pid> {
    let (_, group) = foreground()?;
    let is_its = || getpgid(Some(child)) == Ok(group) || is_beside(group, child);
    (group != getpgrp() && is_its()).then_some(group)
}

/// Whether two processes are in one PID namespace, and that is not ours.
fn is_beside(one: Pid, other: Pid) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    let its = namespace(&other.to_string());
    its.is_some() && its != namespace("self") && its == namespace(&one.to_string())
}

/// Hand on the terminal that we have been given.
pub(crate) fn give_to(group: Pid) {
    if let Some((terminal, foreground)) = foreground()
        && foreground == getpgrp()
    {
        let _ = tcsetpgrp(terminal, group);
    }
}
