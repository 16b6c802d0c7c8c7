//! What the probe does to its terminal and its standard streams.

use std::fs::{File, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, fchown};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{FlowArg, SetArg, cfmakeraw, tcflow, tcgetattr, tcsetattr};

use super::failure::Failure;

/// Leaves terminal and standard streams as no caller would like to find them.
pub(super) fn spoil() -> Result<(), Failure> {
    // Before the streams and the terminal are of no use any more.
    io::stdout().write_all(b"spoiled\n")?;
    if let Ok(terminal) = File::open("/dev/tty") {
        spoil_terminal(&terminal)?;
    }
    for stream in [
        io::stdin().as_fd(),
        io::stdout().as_fd(),
        io::stderr().as_fd(),
    ] {
        let flags = OFlag::from_bits_retain(fcntl(stream, FcntlArg::F_GETFL)?);
        let more = flags | OFlag::O_NONBLOCK | OFlag::O_APPEND;
        fcntl(stream, FcntlArg::F_SETFL(more))?;
        if stream.is_terminal() {
            // The terminal's own node: /dev/tty is one node for all terminals.
            let terminal = File::from(stream.try_clone_to_owned()?);
            terminal.set_permissions(Permissions::from_mode(0o666))?;
            fchown(&terminal, Some(33), Some(33))?;
        }
    }
    Ok(())
}

fn spoil_terminal(terminal: &File) -> Result<(), Failure> {
    const N_NULL: i32 = 27;
    let mut settings = tcgetattr(terminal)?;
    cfmakeraw(&mut settings);
    tcsetattr(terminal, SetArg::TCSANOW, &settings)?;
    linux_sys::tiocexcl(terminal)?;
    tcflow(terminal, FlowArg::TCOOFF)?;
    linux_sys::tiocsetd(terminal, N_NULL)?;
    Ok(())
}
