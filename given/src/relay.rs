//! A terminal of the container's own, and what carries between it and the caller's.
//!
//! A pseudo-terminal has two ends (pty(7)). The container has the one that looks like a
//! terminal; whoever has the other, the master, is the keyboard and the screen. Here that is
//! the parent: what is typed at the caller's terminal it writes to the master, and what comes
//! out there it prints. The caller's terminal is raw meanwhile: Ctrl-C is a byte like any other
//! until it has come to the container's terminal, whose processes it is for.
//!
//! The child opens the pair, since the container's `/dev/pts` is where it belongs, and sends
//! the master through a socket (SCM_RIGHTS in unix(7)).

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write, stderr, stdin, stdout};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::fchown;
use std::time::Duration;

use linux_sys::{Errno, WindowSize, signalfd, tiocgptpeer, tiocgwinsz, tiocswinsz};
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::sys::termios::{
    SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr,
};
use nix::unistd::{getpgrp, tcgetpgrp};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::Error;
use crate::signals::held;
use crate::units::User;

/// Where the container's own devpts is, which brings a master along (its `ptmx` in devpts's
/// documentation).
const MASTERS: &str = "/dev/pts/ptmx";

/// How much is carried at once: less than a pipe that can be written to has room for (pipe(7)).
const AT_ONCE: usize = 4096;

/// A way for one descriptor from the child to its parent; or none, without `-t`.
#[derive(Debug)]
pub struct TerminalSocket(Option<[OwnedFd; 2]>);

/// To be called by the parent before the child is made.
pub fn terminal_socket(is_asked_for: bool) -> Result<TerminalSocket, Error> {
    if !is_asked_for {
        return Ok(TerminalSocket(None));
    }
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let (parents, childs) = socketpair(family, kind, SocketFlags::CLOEXEC, None)
        .map_err(|errno| format!("socketpair: {errno}: no terminal can come from the container"))?;
    Ok(TerminalSocket(Some([parents, childs])))
}

/// For the child, in its own root: a new terminal of its own `/dev/pts`, whose other end goes to
/// the parent. `None` without `-t`.
///
/// It belongs to `user`, who may open it once more by its name, as `script` and `ssh` do.
pub fn new_terminal(socket: &TerminalSocket, user: Option<User>) -> Result<Option<OwnedFd>, Error> {
    let Some([_, socket]) = &socket.0 else {
        return Ok(None);
    };
    let how = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let master = open(MASTERS, how, Mode::empty()).map_err(|errno| {
        format!("{MASTERS}: {errno}: no terminal can be made for the container")
    })?;
    let terminal = tiocgptpeer(&master)?;
    if let Some(user) = user {
        fchown(&terminal, Some(user.uid.as_raw()), None)?;
    }
    // Before anything can ask for it.
    if let Some(size) = window() {
        tiocswinsz(&master, size)?;
    }
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut room);
    let descriptors = [master.as_fd()];
    rights.push(SendAncillaryMessage::ScmRights(&descriptors));
    // A message must have a byte of its own to go with the descriptor.
    let note = [IoSlice::new(b"t")];
    sendmsg(socket, &note, &mut rights, SendFlags::NOSIGNAL)
        .map_err(|errno| format!("sendmsg: {errno}: the parent does not take the terminal"))?;
    Ok(Some(terminal))
}

/// The size of the caller's window, if one of its streams is a terminal.
fn window() -> Option<WindowSize> {
    let of = |stream: BorrowedFd<'_>| tiocgwinsz(stream).ok();
    of(stdin().as_fd())
        .or_else(|| of(stdout().as_fd()))
        .or_else(|| of(stderr().as_fd()))
}

/// The parent's end.
pub(crate) struct Relay<'a> {
    socket: &'a OwnedFd,
    signals: OwnedFd,
    /// Not there before the child has sent it, and gone once one side has hung up.
    master: Option<File>,
    /// What is typed, and not yet written to the master.
    typed: Vec<u8>,
    /// What the container has printed, and our caller not yet been shown.
    printed: Vec<u8>,
    input: Input,
    /// How our caller's terminal was before it was raw.
    cooked: Option<Termios>,
}

/// Whether there is something to read from our standard input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// In the background: what is typed is not for us.
    Elsewhere,
    Ended,
}

impl<'a> Relay<'a> {
    /// `None` without `-t`.
    pub(crate) fn new(socket: &'a TerminalSocket) -> Result<Option<Relay<'a>>, Error> {
        let Some([socket, _]) = &socket.0 else {
            return Ok(None);
        };
        let mut relay = Relay {
            socket,
            signals: signalfd(&held())?,
            master: None,
            typed: Vec::new(),
            printed: Vec::new(),
            input: Input::Open,
            cooked: None,
        };
        relay.attend();
        Ok(Some(relay))
    }

    /// Takes the keyboard, if it is ours to take.
    pub(crate) fn attend(&mut self) {
        if self.input == Input::Ended {
            return;
        }
        let Ok(settings) = tcgetattr(stdin()) else {
            // A file, a pipe.
            self.input = Input::Open;
            return;
        };
        // A terminal that is not our controlling one has no group in front that could be ours.
        if tcgetpgrp(stdin()).is_ok_and(|in_front| in_front != getpgrp()) {
            self.input = Input::Elsewhere;
            return;
        }
        self.input = Input::Open;
        let mut raw = settings.clone();
        cfmakeraw(&mut raw);
        if tcsetattr(stdin(), SetArg::TCSADRAIN, &raw).is_ok() {
            self.cooked.get_or_insert(settings);
        }
        self.resize();
    }

    /// A shell that brings a job to the front which has never stopped tells it nothing.
    pub(crate) fn look_who_is_in_front(&mut self) {
        if self.input == Input::Elsewhere {
            self.attend();
        }
    }

    /// Leaves our caller's terminal as it was.
    pub(crate) fn rest(&mut self) {
        if let Some(cooked) = self.cooked.take() {
            let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &cooked);
        }
    }

    /// Our caller's window has another size: the kernel tells the container by SIGWINCH.
    pub(crate) fn resize(&self) {
        if let (Some(master), Some(size)) = (&self.master, window()) {
            let _ = tiocswinsz(master, size);
        }
    }

    /// Carries until a signal waits for us, or this time is over.
    pub(crate) fn until_signal(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        // Rounded up, so that it is over when we look.
        let timeout = patience.map_or(PollTimeout::NONE, |it| {
            PollTimeout::try_from(it.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        loop {
            let [signals, socket, master, input, output] = self.wait(timeout)?;
            if socket {
                self.receive();
            }
            if master {
                self.attend_to_master();
            }
            if input {
                self.take_typed();
            }
            if output {
                self.show_printed();
            }
            if signals || ![socket, master, input, output].contains(&true) {
                return Ok(());
            }
        }
    }

    /// What is ready of: signals, the socket, the master, our input, our output.
    fn wait(&self, timeout: PollTimeout) -> Result<[bool; 5], Error> {
        let (input, output) = (stdin(), stdout());
        let (has_printed, has_typed) = (!self.printed.is_empty(), !self.typed.is_empty());
        let mut for_master = PollFlags::empty();
        for_master.set(PollFlags::POLLIN, !has_printed);
        for_master.set(PollFlags::POLLOUT, has_typed);
        let mut asked = [None, None, None, None, None];
        asked[0] = Some(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN));
        match &self.master {
            None => asked[1] = Some(PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)),
            Some(master) => {
                // A hang-up of the other side is told whether we ask or not.
                if !for_master.is_empty() {
                    asked[2] = Some(PollFd::new(master.as_fd(), for_master));
                }
                if self.input == Input::Open && !has_typed {
                    asked[3] = Some(PollFd::new(input.as_fd(), PollFlags::POLLIN));
                }
                if has_printed {
                    asked[4] = Some(PollFd::new(output.as_fd(), PollFlags::POLLOUT));
                }
            }
        }
        let mut files: Vec<PollFd<'_>> = asked.iter().flatten().cloned().collect();
        match poll(&mut files, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(format!("poll of the terminals: {errno}").into()),
        }
        let mut answers = files.iter().map(|it| it.any().unwrap_or(false));
        Ok(asked.map(|it| it.is_some() && answers.next() == Some(true)))
    }

    /// The child sends the master, once.
    fn receive(&mut self) {
        let mut note = [0];
        let mut parts = [IoSliceMut::new(&mut note)];
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = RecvAncillaryBuffer::new(&mut room);
        let how = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        if recvmsg(self.socket, &mut parts, &mut rights, how).is_err() {
            return;
        }
        for message in rights.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.master = descriptors.last().map(File::from);
            }
        }
        // We are to wait for both sides at once, and for neither alone.
        if let Some(master) = &self.master {
            let _ = fcntl(master, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK));
        }
        self.resize();
    }

    /// Takes what the container has printed, and hands on what was typed.
    fn attend_to_master(&mut self) {
        let Some(master) = &mut self.master else {
            return;
        };
        if !self.typed.is_empty() {
            match master.write(&self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(why) if is_for_later(&why) => {}
                Err(_) => self.typed.clear(),
            }
        }
        if !self.printed.is_empty() {
            return;
        }
        let mut bytes = [0; AT_ONCE];
        match master.read(&mut bytes) {
            Ok(count) if count > 0 => self.printed.extend_from_slice(&bytes[..count]),
            Err(why) if is_for_later(&why) => {}
            // EIO: no process of the container has it open any more.
            _ => self.master = None,
        }
    }

    fn take_typed(&mut self) {
        let mut bytes = [0; AT_ONCE];
        match nix::unistd::read(stdin(), &mut bytes) {
            Ok(count) if count > 0 => self.typed.extend_from_slice(&bytes[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            outcome => {
                self.input = Input::Ended;
                let is_terminal = self.cooked.is_some();
                match (outcome, &self.master) {
                    // The end of a file: what Ctrl-D says at a keyboard.
                    (Ok(_), Some(master)) if !is_terminal => {
                        let end = tcgetattr(master).map_or(4, |it| {
                            it.control_chars[SpecialCharacterIndices::VEOF as usize]
                        });
                        self.typed.push(end);
                    }
                    // Our caller's terminal is gone, and with the master so is the container's.
                    _ => self.master = None,
                }
            }
        }
    }

    fn show_printed(&mut self) {
        match nix::unistd::write(stdout(), &self.printed) {
            Ok(count) => drop(self.printed.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // Nobody is there to see it.
            Err(_) => {
                self.printed.clear();
                self.master = None;
            }
        }
    }

    /// What is left to be shown, when the child has ended.
    pub(crate) fn finish(&mut self) {
        if self.master.is_none() {
            self.receive();
        }
        loop {
            while !self.printed.is_empty() {
                let output = stdout();
                let mut ready = [PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
                let _ = poll(&mut ready, PollTimeout::NONE);
                self.show_printed();
            }
            self.typed.clear();
            self.attend_to_master();
            if self.printed.is_empty() {
                break;
            }
        }
        self.master = None;
        self.rest();
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        self.rest();
    }
}

fn is_for_later(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
