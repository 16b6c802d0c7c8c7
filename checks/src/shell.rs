//! A shell in the sandbox, for the transcripts of the lessons.
//!
//! What a lesson shows at a `$` is run by a real bash in the same small machine in
//! which the checks run. `cargo run -p level03 -- ...` means what a learner means by
//! it, without a compiler: a stand-in called `cargo` starts the built program. So does
//! `cargo test -p level03`: the checks make their sandboxes inside this one.
//!
//! The client (a test, without root) speaks JSON lines over our standard input and
//! output. Waiting, comparing and giving up are its business:
//!
//! ```text
//! > {"terminal": "host$", "run": "ls"}       start this in that terminal
//! < {"terminal": "host$", "output": "..."}   it printed this, one char a byte
//! < {"terminal": "host$", "ended": 0}        it ended with this status
//! ```
//!
//! A terminal is a bash of its own, made when it is first named. The end of our
//! standard input is the end of the sandbox and of everything in it. At a person's
//! terminal there is no protocol, just a prompt.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, BufRead, IsTerminal, PipeReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitCode, Stdio};
use std::thread;

use linux_sys::{MsFlags, WaitStatus};
use serde_json::{Value, json};

use crate::host::tell;
use sandbox::{End, Sandbox};

/// Reads commands, each ended by a NUL, and marks the end of each in the output.
/// A command finds `$?` as the one before it left it, and no descriptor above 2.
const TERMINAL: &str = r#"
exec 3<&0 </dev/null
_status=0
while IFS= read -r -d '' _command <&3; do
    (exit "$_status")
    eval "$_command" 3<&-
    _status=$?
    printf '\0end of command %d\0' "$_status"
done
"#;

const END: &[u8] = b"\0end of command ";

/// In place of cargo: the programs are built already, and cargo could not write here.
const CARGO: &str = r#"#!/bin/sh
bin=${0%/*}
stop() {
    echo "cargo: the shell of the transcripts knows only \`cargo run [-q] -p NAME [--bin NAME] [--] ...\`, \`cargo test [-q] -p NAME [-- ...]\` and \`cargo workshop ...\`" >&2
    exit 101
}
verb=$1
case $verb in
    run | test) shift ;;
    workshop) shift; exec "$bin/workshop" "$@" ;; # the alias, as in .cargo/config.toml
    *) stop ;;
esac
name= quiet=
while [ $# -gt 0 ]; do
    case $1 in
        -q | --quiet) quiet=--quiet; shift ;;
        --release) shift ;;
        -p | --package | --bin) name=$2; shift 2 ;;
        --) shift; break ;;
        *) stop ;;
    esac
done
[ -x "$bin/$name" ] || stop
if [ "$verb" = run ]; then
    exec "$bin/$name" "$@"
fi
exec "$bin/checks" test "$name" "$bin/$name" $quiet "$@"
"#;

/// In place of sudo: we are root here, and there may be none.
const SUDO: &str = "#!/bin/sh\nexec \"$@\"\n";

/// The settings of a learner who has used git before. The checkout may be another user's, and
/// without `safe.directory` git would refuse to read it as root.
const GIT: &str = "\
[user]
\tname = Learner
\temail = learner@example.org
[safe]
\tdirectory = *
";

/// `checks shell [--program NAME=PATH]... [--image PATH]...`: programs to be found
/// under another name than their own, images to be found in the image directory.
pub fn main(words: &[String]) -> ExitCode {
    let ended = sandbox::may_be_made()
        .map_err(Into::into)
        .and_then(|()| Request::parse(words))
        .and_then(|request| request.run());
    match ended {
        Ok(status) => ExitCode::from(status),
        Err(why) => {
            eprintln!("checks shell: {why}");
            ExitCode::from(125)
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What shall be found in the sandbox.
struct Request {
    programs: BTreeMap<OsString, PathBuf>,
    images: Vec<PathBuf>,
}

impl Request {
    fn parse(words: &[String]) -> Result<Request> {
        let mut request = Request {
            programs: built_programs()?,
            images: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words
                .next()
                .ok_or_else(|| format!("`{word}` needs a value"))?;
            match word.as_str() {
                "--image" => request.images.push(PathBuf::from(value).canonicalize()?),
                "--program" => {
                    let (name, path) = value.split_once('=').ok_or("--program NAME=PATH")?;
                    request
                        .programs
                        .insert(name.into(), PathBuf::from(path).canonicalize()?);
                }
                _ => return Err(format!("there is no option `{word}`").into()),
            }
        }
        Ok(request)
    }

    fn run(self) -> Result<u8> {
        let directory = std::env::current_dir()?;
        let mut needed: Vec<&Path> = self.programs.values().map(PathBuf::as_path).collect();
        needed.push(&directory);
        let is_person = io::stdin().is_terminal();
        let sandbox = Sandbox {
            client: std::os::unix::process::parent_id(),
            deadline: None,
            needed: &needed,
            keeps_terminal: is_person,
        };
        let end = sandbox.run(|base| {
            let served = self.furnish(base).and_then(|()| {
                if is_person {
                    person(base)
                } else {
                    serve(base).map(|()| 0)
                }
            });
            served.unwrap_or_else(|why| {
                eprintln!("the shell's sandbox could not be furnished: {why}");
                125
            })
        })?;
        match end {
            End::Ended(WaitStatus::Exited(status)) => Ok(status),
            end => Err(format!("the sandbox ended early: {end:?}").into()),
        }
    }

    /// Programs to be called, and a `/var/lib` in which there are no containers yet.
    fn furnish(&self, base: &Path) -> io::Result<()> {
        for directory in ["bin", "home", "tmp", "lib"] {
            fs::create_dir(base.join(directory))?;
        }
        for (name, path) in &self.programs {
            symlink(path, base.join("bin").join(name))?;
        }
        for (name, script) in [("cargo", CARGO), ("sudo", SUDO)] {
            let path = base.join("bin").join(name);
            fs::write(&path, script)?;
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
        fs::write(base.join("home/.gitconfig"), GIT)?;
        let images = base.join("lib/rubber-docker/images");
        fs::create_dir_all(&images)?;
        for image in &self.images {
            fs::copy(image, images.join(image.file_name().unwrap_or_default()))?;
        }
        // The default places, so that a transcript shows the paths a learner has.
        linux_sys::mount(base.join("lib"), "/var/lib", "", MsFlags::MS_BIND, "")
            .map_err(io::Error::other)
    }
}

/// The levels and the workshop's own programs, as they were built beside us.
fn built_programs() -> Result<BTreeMap<OsString, PathBuf>> {
    let own = fs::canonicalize("/proc/self/exe")?;
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(own.parent().unwrap_or(Path::new("/")))? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = |name: &str| {
            let is_of_the_course = syllabus::all().iter().any(|it| it.package() == name);
            is_of_the_course || ["checks", "curriculum", "workshop"].contains(&name)
        };
        if name.to_str().is_some_and(is_ours) {
            programs.insert(name, entry.path());
        }
    }
    Ok(programs)
}

fn bash(base: &Path) -> Command {
    let mut bash = Command::new("/bin/bash");
    let path = format!(
        "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        base.join("bin").display()
    );
    bash.args(["--noprofile", "--norc"])
        .env_clear()
        .envs(std::env::var_os("TERM").map(|term| ("TERM", term)))
        .env("PATH", path)
        .env("HOME", base.join("home"))
        .env("TMPDIR", base.join("tmp"))
        .env("LANG", "C.UTF-8");
    bash
}

fn person(base: &Path) -> io::Result<u8> {
    let status = bash(base).arg("-i").env("PS1", "sandbox$ ").status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(125))
}

fn serve(base: &Path) -> io::Result<()> {
    let mut terminals = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let (Some(name), Some(command)) = (request["terminal"].as_str(), request["run"].as_str())
        else {
            return Err(io::Error::other(format!("not a request: {request}")));
        };
        if !terminals.contains_key(name) {
            terminals.insert(name.to_owned(), open(base, name)?);
        }
        if let Some(terminal) = terminals.get_mut(name) {
            write!(terminal, "{command}\0")?;
            terminal.flush()?;
        }
    }
    Ok(())
}

/// Starts a bash; what it prints is reported by a thread. Returns where it reads.
fn open(base: &Path, name: &str) -> io::Result<ChildStdin> {
    let (output, writer) = io::pipe()?;
    let mut child = bash(base)
        .args(["-c", TERMINAL, "bash"])
        .stdin(Stdio::piped())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()?;
    let name = name.to_owned();
    thread::spawn(move || report(&name, output));
    child
        .stdin
        .take()
        .ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}

fn report(terminal: &str, mut output: PipeReader) {
    let mut pending = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut chunk) {
        pending.extend_from_slice(&chunk[..count]);
        while let Some(event) = next_event(&mut pending) {
            tell(&match event {
                Event::Output(bytes) => {
                    let text: String = bytes.into_iter().map(char::from).collect();
                    json!({ "terminal": terminal, "output": text })
                }
                Event::Ended(status) => json!({ "terminal": terminal, "ended": status }),
            });
        }
    }
    // The bash is gone: without a word of that, the client would wait for it.
    tell(&json!({ "terminal": terminal, "ended": null }));
}

enum Event {
    Output(Vec<u8>),
    Ended(u32),
}

/// Takes what can be reported from the front of `pending`; the rest may be the
/// beginning of an end mark.
fn next_event(pending: &mut Vec<u8>) -> Option<Event> {
    let nul = pending
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(pending.len());
    if nul > 0 {
        return Some(Event::Output(pending.drain(..nul).collect()));
    }
    let after = pending.strip_prefix(END);
    match after.and_then(|rest| rest.iter().position(|&byte| byte == 0)) {
        Some(digits) => {
            let mark: Vec<u8> = pending.drain(..END.len() + digits + 1).collect();
            let status = String::from_utf8_lossy(&mark[END.len()..END.len() + digits]).parse();
            Some(Event::Ended(status.unwrap_or(u32::MAX)))
        }
        None if pending.is_empty() || after.is_some() || END.starts_with(pending) => None,
        // A NUL that some command printed.
        None => Some(Event::Output(pending.drain(..1).collect())),
    }
}
