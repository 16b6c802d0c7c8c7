//! The terminal is left as it was found.
//!
//! A shell in a container takes the terminal for itself: it makes its own
//! process group the foreground one (tcsetpgrp(3)) and sets the line editing it
//! likes (termios(3)). It gives both back when it leaves, unless it is killed;
//! then nobody would, and the user's shell would be left in the background of
//! its own terminal.

use std::io;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc::termios;
use nix::sys::signal::killpg;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// How the terminal was when the container started; `None` where standard input
/// is no terminal, or is one that we are in the background of.
static FOUND: OnceLock<Option<(Pid, termios)>> = OnceLock::new();

/// Remember the terminal's state, once.
pub(crate) fn remember() {
    FOUND.get_or_init(|| {
        let foreground = tcgetpgrp(io::stdin()).ok()?;
        let settings = tcgetattr(io::stdin()).ok()?;
        (foreground == getpgrp()).then(|| (foreground, settings.into()))
    });
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
    let Some(Some((ours, settings))) = FOUND.get() else {
        return;
    };
    // Errors have no remedy here: the terminal may have been hung up meanwhile.
    match tcgetpgrp(io::stdin()) {
        Ok(foreground) if foreground == *ours => {}
        Ok(group) if group == child || killpg(group, None) == Err(Errno::ESRCH) => {
            let _ = tcsetpgrp(io::stdin(), *ours);
        }
        _ => return,
    }
    let settings = Termios::from(*settings);
    if tcgetattr(io::stdin()).is_ok_and(|now| now != settings) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &settings);
    }
}
