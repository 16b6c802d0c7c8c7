//! How a transcript is written.
//!
//! ```text
//! $ cargo run -q -p level01 -- run sleep 1000     the first terminal
//! host$ ps -o comm= -C sleep |                    a second one, meanwhile
//! > sort                                          more of the same command
//! sleep                                           what it prints
//! ```
//!
//! The second terminal's command is tried until its output is as shown, so that no
//! lesson needs a sleep; after it, the first terminal's command may go on for ever.
//! In what is shown, `[..]` stands for anything within a line and `...` for any
//! lines; `[PID]`, `[ID]` and the like are `[..]` with a name.

use super::Result;
use super::lesson::Fence;
use std::path::Path;

/// The first terminal, and how its lines begin.
pub const FIRST: &str = "$";
/// The second terminal, used while the first is busy.
pub const SECOND: &str = "host$";

/// A command of a transcript and what shall be seen of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The line in the README, counted from 1.
    pub line: usize,
    /// [`FIRST`] or [`SECOND`].
    pub terminal: &'static str,
    /// The command, perhaps of several lines.
    pub command: String,
    /// What it prints, each line ended by a newline.
    pub output: String,
}

/// The commands of a fence. `readme` is for the messages.
pub fn read(readme: &Path, fence: &Fence) -> Result<Vec<Shown>> {
    let mut commands: Vec<Shown> = Vec::new();
    for (index, content) in fence.lines.iter().enumerate() {
        let line = fence.line + 1 + index;
        if let Some(command) = command(line, content) {
            commands.push(command);
            continue;
        }
        let Some(last) = commands.last_mut() else {
            let readme = readme.display();
            return Err(format!(
                "{readme}:{line}: a transcript begins with `$ `, not with: {content}"
            )
            .into());
        };
        match content.strip_prefix("> ") {
            Some(more) if last.output.is_empty() => {
                last.command.push('\n');
                last.command.push_str(more);
            }
            _ => {
                last.output.push_str(content);
                last.output.push('\n');
            }
        }
    }
    Ok(commands)
}

fn command(line: usize, content: &str) -> Option<Shown> {
    [FIRST, SECOND].into_iter().find_map(|terminal| {
        let command = content
            .strip_prefix(terminal)?
            .strip_prefix(' ')?
            .to_owned();
        Some(Shown {
            line,
            terminal,
            command,
            output: String::new(),
        })
    })
}

/// Makes `[PID]` and the like `[..]`, which is what snapbox understands.
pub fn wildcards(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        result.push_str(before);
        match after.split_once(']') {
            Some((name, behind)) if is_placeholder(name) => {
                result.push_str("[..]");
                rest = behind;
            }
            _ => {
                result.push('[');
                rest = after;
            }
        }
    }
    result + rest
}

fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase())
}
