//! The sandbox as a check sees it: the machine on which the level's process runs.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use linux_sys::{Mode, Pid};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use crate::asked_with::asked_with;
use crate::finding::{Diagnose, Failure};
use crate::names;
use crate::ordinary;
use crate::probe_image;
use crate::process;
use crate::procfs::{self, Mount};
use crate::sides::{self, Change, Sides};
use crate::stopped;

/// The umask that nearly everybody has.
const UMASK: u32 = 0o022;

/// Where a level runs while it is judged.
pub(crate) struct Host {
    base: PathBuf,
    binary: PathBuf,
    has_images: bool,
    judged: u8,
    diagnose: Diagnose,
    started: Cell<u32>,
    sides: RefCell<Option<Sides>>,
}

impl Host {
    /// Lays out the sandbox's directory: the probe, the test image, a canary.
    pub(crate) fn prepare(base: &Path, binary: &Path) -> io::Result<Host> {
        for directory in [
            "bin",
            STATE,
            names::canary(),
            names::images(),
            names::work(),
        ] {
            fs::create_dir(base.join(directory))?;
        }
        // Level 00 knows no image; the probe is found on the host.
        let has_images = binary.file_name().is_none_or(|name| name != "level00");
        let host = Host {
            base: base.to_owned(),
            binary: binary.to_owned(),
            has_images,
            judged: 0,
            diagnose: |_, _| None,
            started: Cell::new(0),
            sides: RefCell::new(None),
        };
        fs::write(
            host.canary().join("alive"),
            "This file belongs to the host.\n",
        )?;
        let probe = host.path(&host.probe());
        std::os::unix::fs::symlink(fs::read_link("/proc/self/exe")?, probe)?;
        if has_images {
            probe_image::receive(&host.archive(names::image()))?;
        }
        let Some(users) = ordinary::caller() else {
            return Ok(host);
        };
        ordinary::settle(base, &[host.state(), host.images()], users)?;
        // The level's own may lie in a directory that is closed to all but its owner.
        host.with_program_of_its_own()
    }

    /// From now on, what a level's process has changed of the host is noticed at its end.
    pub(crate) fn watch_sides(&self) {
        let open =
            sides::machine::furnish(&self.base, &[Path::new("/proc/self/exe"), &self.binary]);
        let own = [self.state(), self.images(), self.canary(), self.work()];
        let trees = own.into_iter().chain(open).collect();
        let sides = Sides::new(trees, self.store(), self.judged);
        self.sides.replace(Some(sides));
    }

    /// The first change that was noticed.
    pub(crate) fn changed(&self) -> Option<Change> {
        self.sides.borrow_mut().as_mut()?.change()
    }

    /// What is left of the run that is going on is the check's own doing.
    pub(crate) fn expect_leftovers(&self) {
        if let Some(sides) = self.sides.borrow_mut().as_mut() {
            sides.expect_leftovers();
        }
    }

    fn run_starts(&self, line: &str, keeps: bool) {
        if let Some(sides) = self.sides.borrow_mut().as_mut() {
            sides.run_starts(line, keeps);
        }
    }

    fn run_ends(&self, has_tidied_up: bool) {
        if let Some(sides) = self.sides.borrow_mut().as_mut() {
            sides.run_ends(has_tidied_up);
        }
    }

    /// The same host, whose program is a copy that may be written to: the machine's own,
    /// like everything of the machine's, is read-only here.
    pub(crate) fn with_program_of_its_own(&self) -> io::Result<Host> {
        let name = self.binary.file_name().unwrap_or_default();
        let copy = self.base.join("bin").join(name);
        // It may be one already.
        if copy != self.binary {
            fs::copy(&self.binary, &copy)?;
        }
        Ok(Host {
            base: self.base.clone(),
            binary: copy,
            has_images: self.has_images,
            judged: self.judged,
            diagnose: self.diagnose,
            started: self.started.clone(),
            sides: RefCell::new(None),
        })
    }

    /// The program that is judged.
    pub(crate) fn program(&self) -> &Path {
        &self.binary
    }

    /// Whether it has images; level 00 knows of none.
    pub(crate) fn has_images(&self) -> bool {
        self.has_images
    }

    /// The program should have come as far as level `judged`; what its errors mean, the
    /// levels know, by `diagnose`.
    pub(crate) fn judged_as(self, judged: u8, diagnose: Diagnose) -> Host {
        Host {
            judged,
            diagnose,
            ..self
        }
    }

    /// How far the program should have come: the same sight has another reason, and
    /// another remedy, in a level that does more. No verdict may depend on it.
    pub(crate) fn judged(&self) -> u8 {
        self.judged
    }

    /// The archive of an image.
    pub(crate) fn archive(&self, image: &str) -> PathBuf {
        let name = names::of_this_run(image);
        self.images().join(format!("{name}.tar"))
    }

    /// The directory that images are in.
    pub(crate) fn images(&self) -> PathBuf {
        self.path(names::images())
    }

    /// Where the probe is: in an image, and in the sandbox's own directory.
    pub(crate) fn probe(&self) -> String {
        format!("bin/{}", names::program())
    }

    /// Another image: the usual one as `change` makes it.
    pub(crate) fn add_changed_image(
        &self,
        name: &str,
        change: impl FnOnce(&[u8]) -> io::Result<Vec<u8>>,
    ) -> Result<(), Failure> {
        let added = fs::read(self.archive(names::image()))
            .and_then(|archive| change(&archive))
            .and_then(|archive| fs::write(self.archive(name), archive));
        added.map_err(|why| Failure::seen(format!("the test image {name} cannot be made: {why}")))
    }

    /// The host's own view of its mounts.
    pub(crate) fn mounts(&self) -> Result<Vec<Mount>, Failure> {
        procfs::mounts(1)
    }

    /// A path that exists, or may be made, on the host alone.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.base.join(below)
    }

    /// The directory whose content tells the host from a container.
    pub(crate) fn canary(&self) -> PathBuf {
        self.path(names::canary())
    }

    /// Where a level's process is when it starts.
    pub(crate) fn work(&self) -> PathBuf {
        self.path(names::work())
    }

    /// The directory in which the containers' store is, and nothing else.
    pub(crate) fn state(&self) -> PathBuf {
        self.path(STATE)
    }

    /// The containers' store, which the level itself makes.
    pub(crate) fn store(&self) -> PathBuf {
        let of_a_map = match ordinary::caller() {
            Some(users) => users.of_store(),
            None if asked_with().iter().any(|it| it == "--userns") => FOR_ROOT.to_string(),
            None => return self.named_store(),
        };
        self.state()
            .join(format!("{}-{of_a_map}", names::containers()))
    }

    /// What the level is told of it. Each user namespace has a store of its own beside that.
    fn named_store(&self) -> PathBuf {
        self.state().join(names::containers())
    }

    fn home(&self) -> PathBuf {
        match ordinary::caller() {
            Some(_) => ordinary::home(&self.base),
            None => PathBuf::from("/root"),
        }
    }

    /// `levelNN run -i test -- COMMAND...`, not started yet.
    pub(crate) fn run<'a>(&'a self, command: &[impl AsRef<OsStr>]) -> Invocation<'a> {
        Invocation {
            host: self,
            image: names::image(),
            options: Vec::new(),
            variables: Vec::new(),
            command: words_of_this_run(command),
            umask: UMASK,
            errors: None,
            stdin: None,
            stderr: None,
            prelude: String::new(),
            is_job: false,
            is_ordinary: ordinary::caller().is_some(),
        }
    }

    /// A container whose command is the image's shell, which waits for the end of its standard
    /// input: a program that all the world uses.
    pub(crate) fn shell(&self) -> Invocation<'_> {
        self.run(&SHELL)
    }

    /// Says what will now be waited for: if the deadline passes, this is what did
    /// not happen.
    pub(crate) fn waiting(&self, event: &str) {
        self.say(&json!({ "waiting": event }));
    }

    fn say(&self, message: &Value) {
        tell(message);
    }
}

/// Who the root of a user namespace of root's is, where no line of /etc/subuid says otherwise.
pub(crate) const FOR_ROOT: u32 = 1_878_982_656;

/// Where the store is in the sandbox's directory.
const STATE: &str = "lib";

pub(crate) const SHELL: [&str; 3] = ["sh", "-c", "echo ready; read line"];

/// A command as the level's process is given it: the probe has another name in each run.
pub(crate) fn words_of_this_run(command: &[impl AsRef<OsStr>]) -> Vec<OsString> {
    let mut words: Vec<OsString> = command.iter().map(owned).collect();
    if let Some(program) = words.first_mut()
        && let Some(usual) = program.to_str()
    {
        *program = names::of_this_run(usual).into();
    }
    words
}

/// Sends one message to the client. Our standard output leads to it alone: the level's
/// process gets pipes of its own.
pub(crate) fn tell(message: &Value) {
    let message = names::usual(&message.to_string());
    // A client that has gone is no reason to stop: the supervisor ends us.
    let _ = writeln!(io::stdout().lock(), "{message}");
}

/// One call of the level's program.
pub(crate) struct Invocation<'a> {
    host: &'a Host,
    image: &'a str,
    options: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    command: Vec<OsString>,
    umask: u32,
    errors: Option<PathBuf>,
    stdin: Option<File>,
    stderr: Option<File>,
    prelude: String,
    is_job: bool,
    is_ordinary: bool,
}

fn owned(word: impl AsRef<OsStr>) -> OsString {
    word.as_ref().to_owned()
}

impl<'a> Invocation<'a> {
    pub(crate) fn image(mut self, image: &'a str) -> Self {
        self.image = image;
        self
    }

    pub(crate) fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.options.push(owned(option));
        self
    }

    /// A variable that the level's process has, as well or in place of its usual one.
    pub(crate) fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((owned(name), owned(value)));
        self
    }

    pub(crate) fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    /// `2>>FILE`, as a caller has it who keeps a log.
    pub(crate) fn errors_to(mut self, file: &Path) -> Self {
        self.errors = Some(file.to_owned());
        self
    }

    /// Another standard input than a pipe. Its end is for the check to bring about.
    pub(crate) fn stdin(mut self, stdin: File) -> Self {
        self.stdin = Some(stdin);
        self
    }

    /// Another standard error than a file; what it writes there is not read.
    pub(crate) fn stderr(mut self, stderr: File) -> Self {
        self.stderr = Some(stderr);
        self
    }

    /// Started with these signals ignored, as nohup(1) would.
    pub(crate) fn ignoring(self, signals: &[i32]) -> Self {
        let numbers: Vec<String> = signals.iter().map(i32::to_string).collect();
        self.prelude(&format!("trap '' {};", numbers.join(" ")))
    }

    /// Started by a shell that does this first, with `;` at its end.
    pub(crate) fn prelude(mut self, script: &str) -> Self {
        self.prelude.push_str(script);
        self
    }

    /// Started by a user who is not root.
    pub(crate) fn by_ordinary_user(mut self) -> Self {
        self.is_ordinary = true;
        self
    }

    /// In a process group of its own, as a shell at a terminal starts it.
    pub(crate) fn in_a_job(mut self) -> Self {
        self.is_job = true;
        self
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![owned("run")];
        if self.host.has_images {
            arguments.extend([owned("-i"), owned(self.image)]);
        }
        // What all containers are asked for, unless the check asks for it itself.
        let is_own = |option: &String| {
            let short = if option == "--tty" { "-t" } else { "" };
            self.options
                .iter()
                .any(|it| it == option.as_str() || it == short)
        };
        let others = asked_with().into_iter();
        let others = others.filter(|it| it.starts_with('-') && !is_own(it));
        arguments.extend(others.map(OsString::from));
        arguments.extend(self.options.iter().cloned());
        arguments.push(owned("--"));
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// What a person types to call the same, for people.
    fn line(&self, arguments: &[OsString]) -> String {
        let mut line = String::new();
        if self.umask != UMASK {
            line += &format!("umask {:03o}; ", self.umask);
        }
        if !self.prelude.is_empty() {
            line += &format!("{} ", self.prelude);
        }
        for (name, value) in &self.variables {
            let value = quote(std::slice::from_ref(value));
            line += &format!("{}={value} ", name.to_string_lossy());
        }
        if self.is_ordinary {
            line += &format!("{} ", ordinary::line());
        }
        let name = self.host.binary.file_name().unwrap_or_default();
        line += &format!("{} {}", name.to_string_lossy(), quote(arguments));
        if let Some(errors) = &self.errors {
            line += &format!(" 2>>{}", quote(&[errors.into()]));
        }
        names::usual(&line)
    }

    /// Starts the level's process.
    pub(crate) fn start(self) -> Result<Run<'a>, Failure> {
        self.start_by(Command::spawn)
    }

    /// The same in another way than by a plain `spawn`.
    pub(crate) fn start_by(
        self,
        spawn: impl FnOnce(&mut Command) -> io::Result<Child>,
    ) -> Result<Run<'a>, Failure> {
        let host = self.host;
        let arguments = self.arguments();
        let line = self.line(&arguments);
        let mut options = arguments.iter().take_while(|it| *it != "--");
        let has_terminal = options.any(|it| it == "-t" || it == "--tty");
        host.say(&json!({ "ran": line }));
        host.run_starts(&line, self.options.iter().any(|it| it == "--keep"));

        let number = host.started.get() + 1;
        host.started.set(number);
        let errors = self.errors.clone();
        let errors = errors.unwrap_or_else(|| host.path(&format!("stderr-{number}")));
        let start = || -> io::Result<Child> {
            // What careless callers leave open: the level's process inherits it, the
            // command must not.
            let leak = File::open(&host.base)?;
            fcntl(leak.as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
            let path = format!(
                "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                host.path("bin").display()
            );
            let umask = linux_sys::umask(Mode::from_bits_truncate(self.umask));
            let errors = match self.stderr {
                Some(stderr) => stderr,
                None => File::options().create(true).append(true).open(&errors)?,
            };
            let mut command = starter(&host.binary, &self.prelude, self.is_ordinary);
            if self.is_job {
                command.process_group(0);
            }
            command
                .args(&arguments)
                .env_clear()
                .env("PATH", path)
                .env("HOME", host.home())
                .env("LANG", "C.UTF-8")
                .env("RUBBER_DOCKER_IMAGES", host.images())
                .env("RUBBER_DOCKER_CONTAINERS", host.named_store())
                .env(names::variable(), names::value())
                .envs(self.variables.iter().map(|(name, value)| (name, value)))
                .current_dir(host.work())
                .stdin(self.stdin.map_or_else(Stdio::piped, Stdio::from))
                .stdout(Stdio::piped())
                .stderr(errors);
            let child = spawn(&mut command);
            linux_sys::umask(umask);
            child
        };
        let mut child = start().map_err(|why| {
            host.run_ends(true);
            Failure::seen(format!("{line} cannot be started: {why}"))
        })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Run {
            host,
            child,
            stdin,
            stdout,
            errors,
            line,
            has_terminal,
            printed: Vec::new(),
            is_over: false,
        })
    }

    /// Runs it to its end.
    pub(crate) fn finish(self) -> Result<Ended, Failure> {
        self.start()?.end()
    }
}

/// What starts the program: itself, or a shell that does something first. The shell is
/// one of few programs that can ignore SIGPIPE: the standard library undoes it.
fn starter(program: &Path, prelude: &str, is_ordinary: bool) -> Command {
    if prelude.is_empty() {
        return ordinary::command(program.as_os_str(), is_ordinary);
    }
    let script = format!("{prelude} exec \"$0\" \"$@\"");
    let mut shell = ordinary::command("/bin/sh".as_ref(), is_ordinary);
    shell.arg("-c").arg(script).arg(program);
    shell
}

/// Words as a shell would take them, for people: of many words the first, and of a long one
/// its beginning.
fn quote(words: &[OsString]) -> String {
    const LONGEST: usize = 100;
    const MOST: usize = 24;
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@".contains(c);
        let text = word.to_string_lossy();
        let shown = match word.to_str() {
            Some(word) if !word.is_empty() && word.chars().all(plain) => word.to_owned(),
            _ => format!("{word:?}"),
        };
        match text.chars().count() > LONGEST {
            true => shown.chars().take(LONGEST).chain("...".chars()).collect(),
            false => shown,
        }
    });
    let mut quoted: Vec<String> = quoted.collect();
    if quoted.len() > MOST {
        let more = quoted.len() - MOST;
        quoted.truncate(MOST);
        quoted.push(format!("... ({more} more)"));
    }
    quoted.join(" ")
}

/// A level's process that was started.
pub(crate) struct Run<'a> {
    pub(crate) host: &'a Host,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    errors: PathBuf,
    line: String,
    has_terminal: bool,
    /// What came before `ready`.
    printed: Vec<u8>,
    is_over: bool,
}

impl Run<'_> {
    /// The level's process.
    pub(crate) fn pid(&self) -> i32 {
        Pid::from_raw(self.child.id().cast_signed()).as_raw()
    }

    /// What was called, for people.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Waits until the probe says that it is ready, or until no process is left that could.
    /// What the probe says is an event to wait for and nothing else: it proves nothing.
    pub(crate) fn await_ready(&mut self) -> bool {
        self.host
            .waiting(&format!("`{}` to start its command", self.line));
        let Some(stdout) = &mut self.stdout else {
            return false;
        };
        let mut line = Vec::new();
        // Other lines may come of a println! left over from a learner's search.
        // A terminal makes its line ends two characters.
        while line.trim_ascii_end() != b"ready" {
            self.printed.append(&mut line);
            if stdout.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
                return false;
            }
        }
        true
    }

    /// The same, if it says so in this time, or anything else.
    pub(crate) fn await_ready_for(&mut self, patience: Duration) -> bool {
        let Some(stdout) = &self.stdout else {
            return false;
        };
        let mut speaks = [PollFd::new(stdout.get_ref().as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        poll(&mut speaks, timeout).is_ok_and(|count| count > 0) && self.await_ready()
    }

    /// Lets a holding probe go on: the end of its standard input.
    pub(crate) fn release(&mut self) {
        self.stdin = None;
    }

    /// Types these, if its standard input is the pipe that it usually is.
    pub(crate) fn type_keys(&mut self, keys: &[u8]) -> Result<(), Failure> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        stdin
            .write_all(keys)
            .map_err(|why| Failure::seen(format!("its standard input: {why}")).elsewhere())
    }

    /// Device and inode of what it was given as 0, 1 and 2.
    pub(crate) fn streams(&self) -> Result<[(u64, u64); 3], Failure> {
        // Both ends of a pipe have one inode.
        let of =
            |end: Option<i32>| procfs::identity(format!("/proc/self/fd/{}", end.unwrap_or(-1)));
        let stdin = self.stdin.as_ref().map(AsRawFd::as_raw_fd);
        let stdout = self.stdout.as_ref().map(|it| it.get_ref().as_raw_fd());
        Ok([of(stdin)?, of(stdout)?, procfs::identity(&self.errors)?])
    }

    /// What it wrote to its standard error so far.
    pub(crate) fn errors(&self) -> String {
        fs::read(&self.errors)
            .map(|bytes| names::usual(String::from_utf8_lossy(&bytes).trim_end()))
            .unwrap_or_default()
    }

    /// Whether it says that its command has ended. For people, as all that is taken from its
    /// errors.
    pub(crate) fn has_told_an_end(&self) -> bool {
        self.errors().contains(REPORT)
    }

    /// Waits for the end of the level's process. Its other descendants are not
    /// waited for: whether there are any is what some checks want to know.
    pub(crate) fn end(mut self) -> Result<Ended, Failure> {
        self.release();
        self.host.waiting(&format!("`{}` to end", self.line));
        let status = self.child.wait();
        self.is_over(status.as_ref().is_ok_and(|it| it.code().is_some()));
        let status = status
            .map_err(|why| Failure::seen(format!("waiting for {} failed: {why}", self.line)))?;
        let mut errors = self.errors();
        if self.has_terminal && matches!(status.code(), Some(125..=127)) {
            errors = [self.said_at_the_end(), errors].concat();
        }
        Ok(Ended {
            status,
            errors,
            line: std::mem::take(&mut self.line),
            judged: self.host.judged,
            diagnose: self.host.diagnose,
        })
    }

    /// What is still to be read of its standard output, and is there already: on a terminal of
    /// its own, the child's errors come out there.
    fn said_at_the_end(&mut self) -> String {
        let mut said = std::mem::take(&mut self.printed);
        while let Some(stdout) = &mut self.stdout {
            let mut speaks = [PollFd::new(stdout.get_ref().as_fd(), PollFlags::POLLIN)];
            let has_more = !stdout.buffer().is_empty()
                || poll(&mut speaks, PollTimeout::ZERO).is_ok_and(|count| count > 0);
            if !has_more || stdout.read_until(b'\n', &mut said).unwrap_or(0) == 0 {
                break;
            }
        }
        names::usual(&String::from_utf8_lossy(&said).replace('\r', ""))
    }

    /// The same, with what was still to be read of its standard output.
    pub(crate) fn end_with_output(mut self) -> Result<(Ended, String), Failure> {
        self.release();
        let mut output = Vec::new();
        if let Some(stdout) = &mut self.stdout {
            self.host
                .waiting(&format!("`{}` to close its standard output", self.line));
            stdout
                .read_to_end(&mut output)
                .map_err(|why| Failure::unreadable("the level's standard output", why))?;
        }
        let output = names::usual(&String::from_utf8_lossy(&output));
        Ok((self.end()?, output))
    }

    fn is_over(&mut self, has_tidied_up: bool) {
        self.is_over = true;
        self.host.run_ends(has_tidied_up);
    }
}

/// How long a level's process may take to its end whose command has ended. A check that
/// wants to see it end waits longer.
const PATIENCE: Duration = Duration::from_secs(2);

impl Drop for Run<'_> {
    /// Also of a run that its check has seen enough of, what it leaves is looked at.
    fn drop(&mut self) {
        if self.is_over || self.host.sides.borrow().is_none() {
            return;
        }
        self.release();
        let has_ended = process::await_end(self.pid(), PATIENCE).unwrap_or(false);
        // One that its check has killed was collected as well, and has tidied up nothing.
        let status = self.child.try_wait();
        let has_tidied_up =
            has_ended && matches!(status, Ok(Some(status)) if status.code().is_some());
        self.is_over(has_tidied_up);
    }
}

/// What stands in the report about a command's end.
const REPORT: &str = " exited with status ";

/// What it means that a level has refused to wait.
pub(crate) const NOT_HELD: &str =
    "`given::block_signals()?` before the fork is missing: the end of the child would go unnoticed";

/// What it means that a level has failed after that report.
pub(crate) const NOT_CLEANED: &str =
    "the container ended well and the cleaning up failed: the error above says why";

/// A level's process that has ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) errors: String,
    pub(crate) line: String,
    judged: u8,
    diagnose: Diagnose,
}

impl Ended {
    /// Its exit status; none if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, if one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// It ended although its command should have run. Which step is missing only its
    /// own error can tell.
    pub(crate) fn failed_to_start(&self) -> Failure {
        let failure = Failure::seen(self.describe())
            .ran(&self.line)
            .expected("the container starts, and its command runs")
            .at("wait status and standard error of the level's process");
        match self.code() {
            Some(125) if self.is_unwaited() => failure.elsewhere().usually(NOT_HELD),
            Some(125) if self.has_run() => failure.elsewhere().usually(NOT_CLEANED),
            Some(125..=127) => {
                let failure = failure.stopped();
                // What a level has stopped to do can fail on what it has begun to do.
                match (self.diagnose)(&self.errors, self.judged) {
                    Some(it) => failure.step(it.step.0, it.step.1).usually(it.usually),
                    None => failure.usually(stopped::usually(&self.errors)),
                }
            }
            _ => match (self.diagnose)(&self.errors, self.judged) {
                Some(it) => failure.step(it.step.0, it.step.1).usually(it.usually),
                None => failure.usually(
                    "the level ended and no process has become the command: fork or exec was not \
                     reached, or the child's error was not passed on",
                ),
            },
        }
    }

    /// Whether the level has reported an end of its command, and failed only afterwards. A hint
    /// for the learner, as all that is taken from what the level prints.
    pub(crate) fn has_run(&self) -> bool {
        let mut lines = self.errors.lines();
        lines.any(|line| line.contains(REPORT) && !line.ends_with("with status 125"))
    }

    /// Whether the parent refused to wait for its child, because it held no signals back.
    pub(crate) fn is_unwaited(&self) -> bool {
        self.errors.contains("call given::block_signals()")
    }

    /// It should have ended with another status. If it is the status of a runtime that
    /// has failed, it is not the status that is wrong.
    pub(crate) fn wrong_status(&self) -> Failure {
        if self.code() == Some(125) {
            return self
                .failed_to_start()
                .expected("the container starts, ends, and is removed");
        }
        Failure::seen(self.describe())
            .ran(&self.line)
            .at("wait status of the level's process")
    }

    /// How it ended, and its last words, for people.
    pub(crate) fn describe(&self) -> String {
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("`{}` ended with status {code}", self.line),
            (_, Some(signal)) => {
                format!("{} ended `{}`", linux_sys::signal_name(signal), self.line)
            }
            _ => format!("`{}` ended: {}", self.line, self.status),
        };
        with_errors(how, &self.errors)
    }
}

/// A sentence, followed by what the level wrote to its standard error.
pub(crate) fn with_errors(sentence: String, errors: &str) -> String {
    let lines: Vec<&str> = errors.lines().collect();
    match lines.len() {
        0 => sentence,
        // The end of it is where the error is.
        count => format!(
            "{sentence}; it wrote: {}",
            lines[count.saturating_sub(4)..].join("\n")
        ),
    }
}
