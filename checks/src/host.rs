//! The sandbox as a check sees it: the machine on which the level's process runs.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use linux_sys::{Mode, Pid};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::{Value, json};

use crate::check::Failure;
use crate::container::Container;
use crate::probe_image;
use crate::procfs::{self, Mount};

/// A variable that every level's process has, and with it every command.
pub(crate) const CANARY: &str = "RUBBER_DOCKER_CANARY";
pub(crate) const CANARY_VALUE: &str = "sings";

/// The image that checks use unless they say otherwise.
const IMAGE: &str = "test";

/// Where a level runs while it is judged.
pub(crate) struct Host {
    base: PathBuf,
    binary: PathBuf,
    has_images: bool,
    judged: u8,
    started: Cell<u32>,
}

impl Host {
    /// Lays out the sandbox's directory: the probe, the test image, a canary.
    pub(crate) fn prepare(base: &Path, binary: &Path) -> io::Result<Host> {
        for directory in ["bin", "canary", "images", "work"] {
            fs::create_dir(base.join(directory))?;
        }
        fs::write(
            base.join("canary/alive"),
            "This file belongs to the host.\n",
        )?;
        std::os::unix::fs::symlink(fs::read_link("/proc/self/exe")?, base.join("bin/probe"))?;
        // Level 00 knows no image; the probe is found on the host.
        let has_images = binary.file_name().is_none_or(|name| name != "level00");
        let host = Host {
            base: base.to_owned(),
            binary: binary.to_owned(),
            has_images,
            judged: 0,
            started: Cell::new(0),
        };
        if has_images {
            probe_image::receive(&host.archive(IMAGE))?;
        }
        Ok(host)
    }

    /// The same host, whose program is a copy that may be written to: the machine's own,
    /// like everything of the machine's, is read-only here.
    pub(crate) fn with_program_of_its_own(&self) -> io::Result<Host> {
        let name = self.binary.file_name().unwrap_or_default();
        let copy = self.base.join("bin").join(name);
        fs::copy(&self.binary, &copy)?;
        Ok(Host {
            base: self.base.clone(),
            binary: copy,
            has_images: self.has_images,
            judged: self.judged,
            started: self.started.clone(),
        })
    }

    /// The program that is judged.
    pub(crate) fn program(&self) -> &Path {
        &self.binary
    }

    /// The program should have come as far as level `judged`.
    pub(crate) fn judged_as(self, judged: u8) -> Host {
        Host { judged, ..self }
    }

    /// How far the program should have come: the same sight has another reason, and
    /// another remedy, in a level that does more. No verdict may depend on it.
    pub(crate) fn judged(&self) -> u8 {
        self.judged
    }

    fn archive(&self, image: &str) -> PathBuf {
        self.base.join("images").join(format!("{image}.tar"))
    }

    /// Another image: the usual one as `change` makes it.
    pub(crate) fn add_changed_image(
        &self,
        name: &str,
        change: impl FnOnce(&[u8]) -> io::Result<Vec<u8>>,
    ) -> Result<(), Failure> {
        let added = fs::read(self.archive(IMAGE))
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
        self.path("canary")
    }

    /// The containers' store, which the level itself makes.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("containers")
    }

    /// `levelNN run -i test -- COMMAND...`, not started yet.
    pub(crate) fn run<'a>(&'a self, command: &[&str]) -> Invocation<'a> {
        Invocation {
            host: self,
            image: IMAGE,
            options: Vec::new(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            umask: 0o022,
        }
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

/// Sends one message to whoever asked. Our standard output is theirs alone: the
/// level's process gets pipes of its own.
pub(crate) fn tell(message: &Value) {
    // Nobody left to tell is no reason to stop: the keeper ends us.
    let _ = writeln!(io::stdout().lock(), "{message}");
}

/// One call of the level's program.
pub(crate) struct Invocation<'a> {
    host: &'a Host,
    image: &'a str,
    options: Vec<&'a str>,
    command: Vec<String>,
    umask: u32,
}

impl<'a> Invocation<'a> {
    pub(crate) fn image(mut self, image: &'a str) -> Self {
        self.image = image;
        self
    }

    pub(crate) fn option(mut self, option: &'a str) -> Self {
        self.options.push(option);
        self
    }

    pub(crate) fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        if self.host.has_images {
            arguments.extend(["-i".to_owned(), self.image.to_owned()]);
        }
        arguments.extend(self.options.iter().map(|&option| option.to_owned()));
        arguments.push("--".to_owned());
        arguments.extend(self.command.iter().cloned());
        arguments
    }

    /// Starts the level's process.
    pub(crate) fn start(self) -> Result<Run<'a>, Failure> {
        let host = self.host;
        let arguments = self.arguments();
        let binary_name = host
            .binary
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let line = format!("{binary_name} {}", quote(&arguments));
        host.say(&json!({ "ran": line }));

        let number = host.started.get() + 1;
        host.started.set(number);
        let errors = host.path(&format!("stderr-{number}"));
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
            let child = Command::new(&host.binary)
                .args(&arguments)
                .env_clear()
                .env("PATH", path)
                .env("HOME", "/root")
                .env("LANG", "C.UTF-8")
                .env("RUBBER_DOCKER_IMAGES", host.path("images"))
                .env("RUBBER_DOCKER_CONTAINERS", host.store())
                .env(CANARY, CANARY_VALUE)
                .current_dir(host.path("work"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(File::create(&errors)?)
                .spawn();
            linux_sys::umask(umask);
            child
        };
        let mut child =
            start().map_err(|why| Failure::seen(format!("{line} cannot be started: {why}")))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Run {
            host,
            child,
            stdin,
            stdout,
            errors,
            line,
        })
    }

    /// Runs it to its end.
    pub(crate) fn finish(self) -> Result<Ended, Failure> {
        self.start()?.end()
    }

    /// Starts it with the probe, which holds, and finds the container.
    pub(crate) fn hold(self) -> Result<Container<'a>, Failure> {
        self.hold_as("/proc/self/exe")
    }

    /// The same with another program; it must say `ready` and wait for the end of its
    /// standard input.
    pub(crate) fn hold_as(self, program: &str) -> Result<Container<'a>, Failure> {
        Container::find(self.start()?, Path::new(program))
    }
}

/// Words as a shell would take them.
fn quote(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("{word:?}")
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// A level's process that was started.
pub(crate) struct Run<'a> {
    pub(crate) host: &'a Host,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    errors: PathBuf,
    line: String,
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

    /// Waits until the probe says that it is ready, or until nobody is left who
    /// could. What it says is an event to wait for and nothing else: it proves nothing.
    pub(crate) fn await_ready(&mut self) -> bool {
        self.host
            .waiting(&format!("`{}` to start its command", self.line));
        let Some(stdout) = &mut self.stdout else {
            return false;
        };
        let mut line = Vec::new();
        // Other lines may come of a println! left over from a learner's search.
        while line != b"ready\n" {
            line.clear();
            if stdout.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
                return false;
            }
        }
        true
    }

    /// Lets a holding probe go on: the end of its standard input.
    pub(crate) fn release(&mut self) {
        self.stdin = None;
    }

    /// What it wrote to its standard error so far.
    pub(crate) fn errors(&self) -> String {
        fs::read(&self.errors)
            .map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned())
            .unwrap_or_default()
    }

    /// Waits for the end of the level's process. Its other descendants are not
    /// waited for: whether there are any is what some checks want to know.
    pub(crate) fn end(mut self) -> Result<Ended, Failure> {
        self.release();
        self.host.waiting(&format!("`{}` to end", self.line));
        let status = self
            .child
            .wait()
            .map_err(|why| Failure::seen(format!("waiting for {} failed: {why}", self.line)))?;
        Ok(Ended {
            status,
            errors: self.errors(),
            line: self.line,
            judged: self.host.judged,
        })
    }
}

/// What stands in the report about a command's end.
const REPORT: &str = " exited with status ";

/// What it means that a level has refused to wait.
pub(crate) const NOT_HELD: &str =
    "`given::hold_signals()?` before the fork is missing: the end of the child would go unnoticed";

/// What it means that a level has failed after that report.
pub(crate) const NOT_CLEANED: &str =
    "the container ended well and the cleaning up failed: the error above says why";

/// What the errors of a level mean that unpacks its image once, and does not lay an
/// overlay over it yet.
fn overlay_missing(errors: &str) -> Option<&'static str> {
    let failed = |call: &str, what: &str| {
        let mut lines = errors.lines();
        lines.any(|line| line.contains(call) && line.contains(what) && line.contains("ENOENT"))
    };
    if failed("mount(", "MS_BIND") {
        return Some(
            "the directory that the bind mount wants is no longer made: mount the overlay in \
             place of it",
        );
    }
    // A program that is in every image.
    failed("execvp(", "probe").then_some(
        "the root is an empty directory, with no image below it: mount the overlay there, in \
         place of the bind mount",
    )
}

/// A level's process that has ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) errors: String,
    pub(crate) line: String,
    judged: u8,
}

impl Ended {
    /// Its exit status; none if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// It ended although its command should have run. Which step is missing only its
    /// own error can tell.
    pub(crate) fn failed_to_start(&self) -> Failure {
        let failure = Failure::seen(self.describe())
            .expected("the container starts, and its command runs")
            .at("wait status and standard error of the level's process");
        match self.code() {
            Some(125) if self.is_unwaited() => failure.elsewhere().usually(NOT_HELD),
            Some(125) if self.has_run() => failure.elsewhere().usually(NOT_CLEANED),
            Some(125..=127) => {
                let failure = failure.stopped();
                // What a level has stopped to do can fail on what it has begun to do.
                let missing = overlay_missing(&self.errors).filter(|_| self.judged >= 4);
                match missing {
                    Some(usually) => failure.step(4, 2).usually(usually),
                    None => failure.usually(
                        "a step failed before the command was started: the error above names \
                         the call, its reason, and what to do",
                    ),
                }
            }
            _ => failure.usually(
                "the level ended and no process has become the command: fork or exec was not \
                 reached, or the child's error was not passed on",
            ),
        }
    }

    /// Whether its command has run to an end that the runtime was content with: it has
    /// said so, and failed afterwards. For people, as all that is taken from its errors.
    pub(crate) fn has_run(&self) -> bool {
        let mut lines = self.errors.lines();
        lines.any(|line| line.contains(REPORT) && !line.ends_with("with status 125"))
    }

    /// Whether it has refused to wait for its child, because it held no signals back.
    pub(crate) fn is_unwaited(&self) -> bool {
        self.errors.contains("call given::hold_signals()")
    }

    /// It should have ended with another status. If it is the status of a runtime that
    /// has failed, it is not the status that is wrong.
    pub(crate) fn wrong_status(&self) -> Failure {
        if self.code() == Some(125) {
            return self
                .failed_to_start()
                .expected("the container starts, ends, and is removed");
        }
        Failure::seen(self.describe()).at("wait status of the level's process")
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

/// Waits until `condition` holds, for things of which the kernel sends no event.
/// Gives up after two seconds: then the caller looks at what there is.
pub(crate) fn await_that(mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > Duration::from_secs(2) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
