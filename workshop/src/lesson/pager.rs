//! A long text at a terminal: through the learner's pager, so that it can be read from its
//! beginning.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use linux_sys::{Disposition, signal};

use crate::Result;
use crate::screen;

/// What Ctrl-C and Ctrl-\ send (signal(7)).
const KEYS: [i32; 2] = [2, 3];

/// What a shell says of a program that is not there, or is none.
const NOT_STARTED: [Option<i32>; 2] = [Some(126), Some(127)];

/// Shows a text of which nothing is left that a terminal obeys but its colours.
pub(super) fn show(text: &str) -> Result<()> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if !screen::is_terminal() || is_dumb || !page(text)? {
        screen::printed(anstream::stdout().write_all(text.as_bytes()));
    }
    Ok(())
}

/// Whether a pager has shown it. One that ends before the text does was enough for its reader.
fn page(text: &str) -> Result<bool> {
    let Some(mut command) = pager() else {
        return Ok(false);
    };
    // A text that fits is shown and no key is waited for (F), and stays on the screen (X).
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let Ok(mut pager) = command.stdin(Stdio::piped()).spawn() else {
        return Ok(false);
    };
    let keys = Keys::leave_to_the_pager()?;
    write(&mut pager, text);
    let status = pager.wait()?;
    drop(keys);
    Ok(!NOT_STARTED.contains(&status.code()))
}

/// The learner's, which may have options and is therefore read by a shell, or less. `None` if
/// they want none.
fn pager() -> Option<Command> {
    let mut command;
    match std::env::var_os("PAGER") {
        Some(pager) if pager.is_empty() => return None,
        Some(pager) => {
            command = Command::new("sh");
            command.arg("-c").arg(pager);
        }
        None => {
            command = Command::new("less");
            command.arg("-R");
        }
    }
    Some(command)
}

fn write(pager: &mut Child, text: &str) {
    // Dropped at the end of this function: the end of the text.
    if let Some(mut input) = pager.stdin.take() {
        let _ = input.write_all(text.as_bytes());
    }
}

/// While a pager has the terminal, its keys are the pager's: if Ctrl-C ended us, the shell and
/// the pager would both read what is typed next.
struct Keys;

impl Keys {
    fn leave_to_the_pager() -> Result<Keys> {
        KEYS.iter()
            .try_for_each(|key| signal(*key, Disposition::Ignore))
            .map_err(|error| error.to_string())?;
        Ok(Keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        for key in KEYS {
            let _ = signal(key, Disposition::Default);
        }
    }
}
