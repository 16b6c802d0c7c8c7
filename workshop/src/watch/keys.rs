//! The terminal while we wait: single keys, signals, and its settings put back.
//!
//! Waiting for a key needs a terminal that does not wait for Enter. Whatever happens then,
//! the user's shell must find it as it was: after q, after Ctrl-C, after a panic, and while
//! we are stopped by Ctrl-Z. So signals are blocked while we wait and read from a
//! descriptor instead, and the settings are put back by a guard that is dropped in any case.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::files::Files;
use crate::Result;

/// What we have waited for.
pub(super) enum Event {
    /// A file differs from what was checked.
    Saved,
    /// The learner has pressed it.
    Key(u8),
    /// We are to end, with this status.
    Quit(u8),
}

/// How long to sleep where the kernel does not tell us of a save.
const LOOK_AGAIN_MILLISECONDS: u16 = 1000;

/// Waits for keys.
pub(super) struct Keys {
    /// Whether there is a terminal to press them at.
    pub(super) has_keyboard: bool,
}

impl Keys {
    pub(super) fn new() -> Keys {
        Keys {
            has_keyboard: std::io::stdin().is_terminal(),
        }
    }

    /// Waits for a save, a key, or a signal that asks us to end.
    pub(super) fn wait(&mut self, files: &Files) -> Result<Event> {
        let blocked = Blocked::new()?;
        let mut settings = match self.has_keyboard {
            true => Some(Settings::without_enter()?),
            false => None,
        };
        loop {
            if files.differ() {
                return Ok(Event::Saved);
            }
            let ready = self.poll(&blocked, files)?;
            if ready.signal {
                match blocked.read()? {
                    Some(Signal::SIGTSTP) => {
                        drop(settings.take());
                        blocked.stop_here()?;
                        if self.has_keyboard {
                            settings = Some(Settings::without_enter()?);
                        }
                    }
                    Some(signal) => return Ok(Event::Quit(128 + signal as u8)),
                    None => {}
                }
            }
            if ready.file {
                files.settle();
            }
            if ready.key {
                let mut key = [0];
                // One byte and no buffer: what else was typed stays for later.
                match nix::unistd::read(std::io::stdin().as_fd(), &mut key) {
                    Ok(1) => return Ok(Event::Key(key[0].to_ascii_lowercase())),
                    Err(Errno::EINTR | Errno::EAGAIN) => {}
                    // The terminal is gone.
                    Ok(_) | Err(_) => return Ok(Event::Quit(0)),
                }
            }
        }
    }

    fn poll(&self, blocked: &Blocked, files: &Files) -> Result<Ready> {
        let stdin = std::io::stdin();
        let mut all = vec![PollFd::new(blocked.signals.as_fd(), PollFlags::POLLIN)];
        let keyboard = self.has_keyboard.then(|| {
            all.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
            all.len() - 1
        });
        let file = files.descriptor().map(|descriptor| {
            all.push(PollFd::new(descriptor, PollFlags::POLLIN));
            all.len() - 1
        });
        let timeout = match file {
            Some(_) => PollTimeout::NONE,
            None => PollTimeout::from(LOOK_AGAIN_MILLISECONDS),
        };
        match poll(&mut all, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(format!("poll: {}", errno.desc()).into()),
        }
        let is_ready = |index: usize| all[index].any().unwrap_or(false);
        Ok(Ready {
            signal: is_ready(0),
            key: keyboard.is_some_and(is_ready),
            file: file.is_some_and(is_ready),
        })
    }
}

struct Ready {
    signal: bool,
    key: bool,
    file: bool,
}

/// The signals that would end or stop us, held back and readable instead.
struct Blocked {
    set: SigSet,
    signals: SignalFd,
}

impl Blocked {
    fn new() -> Result<Blocked> {
        let mut set = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGTSTP,
        ] {
            set.add(signal);
        }
        let refused = |errno: Errno| format!("cannot hold signals back: {}", errno.desc());
        set.thread_block().map_err(refused)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&set, flags).map_err(refused)?;
        Ok(Blocked { set, signals })
    }

    fn read(&self) -> Result<Option<Signal>> {
        let info = self.signals.read_signal();
        let info = info.map_err(|errno| format!("cannot read signals: {}", errno.desc()))?;
        Ok(info.and_then(|info| Signal::try_from(info.ssi_signo as i32).ok()))
    }

    /// Stops as a program without all this would, until the learner says `fg`.
    fn stop_here(&self) -> Result<()> {
        let stop = || -> nix::Result<()> {
            raise(Signal::SIGTSTP)?;
            // It is delivered as soon as it is not held back any more.
            let mut only = SigSet::empty();
            only.add(Signal::SIGTSTP);
            only.thread_unblock()?;
            only.thread_block()
        };
        stop().map_err(|errno| format!("cannot stop: {}", errno.desc()).into())
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = self.set.thread_unblock();
    }
}

/// The terminal's own settings, put back when this is dropped.
struct Settings(Termios);

impl Settings {
    /// Keys come one by one and are not shown. Ctrl-C and Ctrl-Z stay signals.
    fn without_enter() -> Result<Settings> {
        let refused = |errno: Errno| format!("cannot set the terminal: {}", errno.desc());
        let before = tcgetattr(std::io::stdin()).map_err(refused)?;
        let mut now = before.clone();
        now.local_flags -= LocalFlags::ICANON | LocalFlags::ECHO;
        tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, &now).map_err(refused)?;
        Ok(Settings(before))
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
