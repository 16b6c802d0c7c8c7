//! The asking side of `checks shell`: terminals in a sandbox.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

/// What was seen of the command that a terminal runs or ran last.
#[derive(Default)]
struct Terminal {
    output: Vec<u8>,
    is_busy: bool,
}

/// A sandbox with bash in it. Dropping it ends the sandbox and all that runs there.
pub(crate) struct Terminals {
    child: Child,
    requests: Option<ChildStdin>,
    events: Receiver<Value>,
    terminals: BTreeMap<&'static str, Terminal>,
}

impl Terminals {
    /// `programs` are found in the sandbox under these names, besides all that are
    /// built.
    pub(crate) fn open(
        root: &Path,
        checks: &Path,
        programs: &[(String, PathBuf)],
        image: &Path,
    ) -> Result<Terminals, String> {
        let mut command = Command::new(".cargo/as-root");
        command
            .current_dir(root)
            .arg(checks)
            .args(["shell", "--image"])
            .arg(image);
        for (name, path) in programs {
            command
                .arg("--program")
                .arg(format!("{name}={}", path.display()));
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let (sender, events) = channel();
        let requests = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                    if sender.send(event).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Terminals {
            child,
            requests,
            events,
            terminals: BTreeMap::new(),
        })
    }

    /// Starts a command; the terminal must be idle.
    pub(crate) fn run(&mut self, terminal: &'static str, command: &str) -> Result<(), String> {
        self.terminals.insert(
            terminal,
            Terminal {
                output: Vec::new(),
                is_busy: true,
            },
        );
        let request = json!({ "terminal": terminal, "run": command });
        let written = self
            .requests
            .as_mut()
            .map(|requests| writeln!(requests, "{request}"));
        match written {
            Some(Ok(())) => Ok(()),
            _ => Err(self.last_words()),
        }
    }

    /// What the terminal's command has printed so far.
    pub(crate) fn output(&self, terminal: &str) -> String {
        let bytes = self
            .terminals
            .get(terminal)
            .map_or(&[][..], |terminal| &terminal.output);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Waits for the end of the terminal's command; false if the deadline came first.
    pub(crate) fn wait(&mut self, terminal: &str, deadline: Instant) -> Result<bool, String> {
        self.wait_until(deadline, |terminals| !terminals.is_busy(terminal))
    }

    /// Waits for a first line, or for the end.
    pub(crate) fn wait_for_output(
        &mut self,
        terminal: &str,
        deadline: Instant,
    ) -> Result<bool, String> {
        self.wait_until(deadline, |terminals| {
            !terminals.is_busy(terminal) || terminals.output(terminal).contains('\n')
        })
    }

    pub(crate) fn is_busy(&self, terminal: &str) -> bool {
        self.terminals
            .get(terminal)
            .is_some_and(|terminal| terminal.is_busy)
    }

    fn wait_until(
        &mut self,
        deadline: Instant,
        condition: impl Fn(&Terminals) -> bool,
    ) -> Result<bool, String> {
        while !condition(self) {
            if !self.wait_for_event(deadline)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until something happens in any terminal; false if the deadline came first.
    pub(crate) fn wait_for_event(&mut self, deadline: Instant) -> Result<bool, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = match self.events.recv_timeout(left) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => return Err(self.last_words()),
        };
        let terminal = event["terminal"].as_str();
        let Some((_, terminal)) = self
            .terminals
            .iter_mut()
            .find(|(name, _)| Some(**name) == terminal)
        else {
            return Err(format!("`checks shell` said: {event}"));
        };
        if let Some(output) = event["output"].as_str() {
            // One char a byte, and a byte is what it becomes again.
            terminal
                .output
                .extend(output.chars().map(|char| char as u8));
        } else {
            terminal.is_busy = false;
        }
        Ok(true)
    }

    /// The sandbox is gone; what it said of that.
    fn last_words(&mut self) -> String {
        self.requests = None;
        let mut words = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut words);
        }
        format!("the sandbox of the transcript ended: {words}")
    }
}

impl Drop for Terminals {
    fn drop(&mut self) {
        self.requests = None; // the end of the sandbox
        let _ = self.child.wait();
    }
}
