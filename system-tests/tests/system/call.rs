//! A command line: described once, run as often as it is needed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use sandbox::procfs;

use crate::kernel;
use crate::machine::Machine;

/// What to start, and how.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    machine: &'a Machine,
    words: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    own_name: Option<OsString>,
    is_piped: bool,
}

/// How it has ended: the status as a shell has it, 128 and the signal's number if a signal
/// has ended it; and what it has printed and said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl<'a> Call<'a> {
    pub(crate) fn new(machine: &'a Machine, program: impl AsRef<OsStr>) -> Call<'a> {
        Call {
            machine,
            words: vec![program.as_ref().to_owned()],
            variables: Vec::new(),
            directory: None,
            own_name: None,
            is_piped: false,
        }
    }

    pub(crate) fn word(mut self, word: impl AsRef<OsStr>) -> Call<'a> {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub(crate) fn words(self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call<'a> {
        words.into_iter().fold(self, Call::word)
    }

    /// Started by another program, such as `prlimit --nofile=3`.
    pub(crate) fn behind(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call<'a> {
        let before = words.into_iter().map(|word| word.as_ref().to_owned());
        self.words = before.chain(self.words).collect();
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Call<'a> {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    pub(crate) fn directory(mut self, directory: impl Into<PathBuf>) -> Call<'a> {
        self.directory = Some(directory.into());
        self
    }

    /// Called by another name than its path.
    pub(crate) fn called(mut self, name: impl AsRef<OsStr>) -> Call<'a> {
        self.own_name = Some(name.as_ref().to_owned());
        self
    }

    /// Prints into pipes, and not into files.
    pub(crate) fn piped(mut self) -> Call<'a> {
        self.is_piped = true;
        self
    }

    /// Ready to be started, with nothing to read.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(name) = &self.own_name {
            command.arg0(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Ended {
        if !self.is_piped {
            return self.start().end();
        }
        let output = self.command().output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            status: as_a_shell_has_it(output.status),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Starts it beside the trial.
    pub(crate) fn start(&self) -> Running {
        self.start_with(Stdio::null())
    }

    pub(crate) fn start_with(&self, stdin: impl Into<Stdio>) -> Running {
        let (out, err) = (self.machine.fresh("out"), self.machine.fresh("err"));
        let mut command = self.command();
        command.stdin(stdin);
        command.stdout(File::create(&out).unwrap());
        command.stderr(File::create(&err).unwrap());
        let child = command
            .spawn()
            .unwrap_or_else(|why| panic!("{command:?}: {why}"));
        Running { child, out, err }
    }
}

/// One that was started, and has not been waited for.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it has printed up to now.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    /// What it has said up to now.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }

    pub(crate) fn send(&self, signal: i32) {
        kernel::send(self.pid(), signal);
    }

    /// Whether it has ended; it is a zombie then, until it is waited for.
    pub(crate) fn has_ended(&self) -> bool {
        !procfs::is_alive(self.pid())
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let ended = Ended {
            status: as_a_shell_has_it(status),
            out: self.printed(),
            err: self.said(),
        };
        fs::remove_file(&self.out).unwrap();
        fs::remove_file(&self.err).unwrap();
        ended
    }
}

fn as_a_shell_has_it(status: ExitStatus) -> i32 {
    let signal = status.signal().map(|signal| 128 + signal);
    status.code().or(signal).unwrap_or(-1)
}
