//! The way of a new learner, at a terminal of 80 by 24, from a fresh clone: welcome, doctor,
//! a check that fails and teaches, an edit, a check that passes, watch through two levels,
//! hint, solution, trace, reset, report, clean.
//!
//! It builds a checkout of its own, takes minutes the first time, and needs root as the
//! checks do. Therefore only on demand:
//!
//! ```text
//! cargo test -p workshop --test new_user -- --ignored
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use expectrl::process::unix::{PtyStream, UnixProcess};
use expectrl::{Captures, ControlCode, Eof, Error, Expect, Needle, Regex, Session};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What has not come by then never will. The first command builds the companion in a new
/// checkout, beside suites that keep every processor busy: no time that such a build may
/// take is meant here, only an end to a hang.
const HANGS: Duration = Duration::from_secs(20 * 60);

/// Where the user sits: a shell in a checkout.
struct Terminal {
    session: Session<UnixProcess, PtyStream>,
}

impl Terminal {
    fn open(checkout: &Path, scratch: &Path) -> Terminal {
        // dash, where it is `sh`, does not put the terminal's settings back by itself, as
        // bash does: what is wrong with them afterwards is our fault. With the signals that a
        // terminal gives to its shell: who started us may ignore SIGINT, as all do that a script
        // has started with `&`, and a Ctrl-C would reach a program only while it waits for one.
        let mut shell = Command::new("env");
        shell
            .args(["--default-signal", "sh", "-i"])
            .current_dir(checkout)
            .env_remove("ENV")
            .env_remove("NO_COLOR")
            .env("PS1", "learner> ")
            .env("TERM", "xterm")
            .env("PAGER", "cat")
            .env("CARGO_TARGET_DIR", scratch.join("target"))
            .env("RUBBER_DOCKER_IMAGES", scratch.join("images"))
            .env("RUBBER_DOCKER_CONTAINERS", scratch.join("containers"));
        let mut session = Session::spawn(shell).unwrap();
        session.get_process_mut().set_window_size(80, 24).unwrap();
        let mut terminal = Terminal { session };
        terminal.sees("learner> ");
        terminal
    }

    /// Waits until it is there. `Session::expect` would ask again and again meanwhile, and
    /// take a whole processor for it.
    fn awaits<N: Needle>(&mut self, what: impl Fn() -> N) -> Result<Captures, Error> {
        let begin = Instant::now();
        loop {
            let found = self.session.check(what())?;
            if found.get(0).is_some() {
                return Ok(found);
            }
            let left = HANGS.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Error::ExpectTimeout);
            }
            let terminal = self.session.get_stream().as_fd();
            let mut readable = [PollFd::new(terminal, PollFlags::POLLIN)];
            // A signal that comes in between is one more look.
            let _ = poll(&mut readable, PollTimeout::try_from(left).unwrap());
        }
    }

    /// Waits until something is on the screen; what came before it.
    fn sees(&mut self, what: &str) -> String {
        match self.awaits(|| what) {
            Ok(found) => String::from_utf8_lossy(found.before()).into_owned(),
            Err(error) => {
                let mut rest = vec![0; 65536];
                let length = self.session.try_read(&mut rest).unwrap_or(0);
                let rest = String::from_utf8_lossy(&rest[..length]).into_owned();
                panic!("waiting for {what:?}: {error}; on the screen: {rest}")
            }
        }
    }

    fn presses(&mut self, key: &str) {
        self.session.send(key).unwrap();
    }

    /// Types a command, and waits for its end: its status, and what it has printed.
    fn types(&mut self, command: &str) -> (i32, String) {
        // In two parts, so that what is typed is not what is waited for.
        let line = format!("{command}; echo \"st\"atus-$?-");
        self.session.send_line(&line).unwrap();
        self.ends(&line)
    }

    /// Waits for the end of a command that was typed as `line`.
    fn ends(&mut self, line: &str) -> (i32, String) {
        let found = match self.awaits(|| Regex("status-([0-9]+)-")) {
            Ok(found) => found,
            Err(error) => panic!("waiting for the end of {line:?}: {error}"),
        };
        let printed = String::from_utf8_lossy(found.before()).into_owned();
        let status = String::from_utf8_lossy(found.get(1).unwrap()).into_owned();
        self.sees("learner> ");
        let printed = printed.replace("\r\n", "\n");
        let printed = printed.strip_prefix(line).unwrap_or(&printed).to_owned();
        (status.parse().unwrap(), printed)
    }

    fn settings(&mut self) -> String {
        self.types("stty -g").1.trim().to_owned()
    }
}

fn git(directory: &Path, words: &[&str]) -> String {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(directory).args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A clone of this checkout as it is now, its levels as they came.
fn clone(scratch: &Path) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let checkout = scratch.join("checkout");
    let _ = fs::remove_dir_all(&checkout);
    let to = checkout.to_str().unwrap();
    git(own, &["clone", "-q", "--no-hardlinks", ".", to]);
    // What is not committed yet is what a maintainer wants to have tried.
    let changed = git(
        own,
        &["ls-files", "--modified", "--others", "--exclude-standard"],
    );
    for path in changed.lines() {
        let to = checkout.join(path);
        match own.join(path).exists() {
            true => {
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(own.join(path), to).unwrap();
            }
            false => fs::remove_file(to).unwrap(),
        }
    }
    for level in ["00", "01", "02", "03"] {
        let mut reset = Command::new(env!("CARGO_BIN_EXE_workshop"));
        let output = reset
            .args(["reset", level])
            .current_dir(&checkout)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let _ = fs::remove_dir_all(checkout.join(".workshop"));
    git(&checkout, &["add", "--all"]);
    let who = ["-c", "user.name=n", "-c", "user.email=n@example.org"];
    let commit = [&who[..], &["commit", "-q", "--allow-empty", "-m", "now"]].concat();
    git(&checkout, &commit);
    checkout
}

/// Writes the solution of a level as an editor does: a new file under the old name.
fn solve(checkout: &Path, level: &str, next: &str) {
    let (level, next) = (
        checkout.join("levels").join(level),
        checkout.join("levels").join(next),
    );
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let number = |path: &Path| format!("level{}", &name(path)[..2]);
    let copy = |file: &Path| {
        let text = fs::read_to_string(next.join(file)).unwrap();
        let text = text.replace(&name(&next), &name(&level));
        let text = text.replace(&number(&next), &number(&level));
        let temporary = level.join(".swap");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, level.join(file)).unwrap();
    };
    // The one with all `mod` lines last: before it, nothing that compiles is new.
    let sources = fs::read_dir(next.join("src")).unwrap();
    let mut files: Vec<PathBuf> = sources
        .map(|it| Path::new("src").join(it.unwrap().file_name()))
        .collect();
    files.sort_by_key(|file| file.ends_with("main.rs"));
    copy(Path::new("Cargo.toml"));
    files.iter().for_each(|file| copy(file));
}

fn replace_block(path: &Path, code: &str) {
    let text = fs::read_to_string(path).unwrap();
    let first = text.find("    // TODO(00)").unwrap();
    let last = text.find("    // END TODO(00)\n").unwrap();
    fs::write(path, format!("{}{code}{}", &text[..first], &text[last..])).unwrap();
}

const EXEC: &str = "    given::reset_signals_and_fds()?;
    let never = linux_sys::execvp(&options.command[0], &options.command)?;
    Ok(never)
";

const FORK_AND_WAIT: &str = "    given::block_signals()?;
    let child = match linux_sys::fork()? {
        linux_sys::Fork::Child => given::exit(contain(options)),
        linux_sys::Fork::Parent { child } => child,
    };
    given::forward_signals(child)?;
    let status = match linux_sys::waitpid(child, linux_sys::WaitOptions::empty())? {
        linux_sys::WaitStatus::Exited(status) => status,
        linux_sys::WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        other => return Err(format!(\"{other:?}\").into()),
    };
    given::log(&format!(\"{child} exited with status {status}\"));
    Ok(status)
";

/// What is on the screen has no line that is wider than it.
fn fits(text: &str, rows: usize) {
    let text = anstream::adapter::strip_str(text).to_string();
    // cargo's own words before ours are as long as the path of its target directory.
    let is_ours = |line: &&str| {
        let verbs = ["Compiling ", "Finished ", "Running ", "Blocking "];
        !verbs.iter().any(|verb| line.trim_start().starts_with(verb))
    };
    let text = text.lines().filter(is_ours).collect::<Vec<_>>().join("\n");
    let widest = text
        .lines()
        .map(|line| line.trim_end().chars().count())
        .max();
    assert!(widest.unwrap_or(0) <= 80, "wider than 80 columns:\n{text}");
    assert!(
        text.lines().count() <= rows,
        "more than {rows} lines:\n{text}"
    );
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

#[test]
#[ignore = "builds a clone and runs checks as root, for minutes"]
fn from_a_fresh_clone_through_three_levels() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-user");
    fs::create_dir_all(&scratch).unwrap();
    let mounts_before = mounts();
    let checkout = clone(&scratch);
    let level = |name: &str, file: &str| checkout.join("levels").join(name).join(file);
    let mut terminal = Terminal::open(&checkout, &scratch);
    let settings = terminal.settings();

    // Welcome, and what this machine can do.
    let (status, said) = terminal.types("cargo workshop");
    assert_eq!(status, 0, "{said}");
    // Before it cargo may have had to say something.
    let (_, welcome) = said.split_once("Welcome").unwrap();
    fits(welcome, 22);
    let (_, said) = terminal.types("cargo workshop doctor");
    assert!(said.contains("Kernel"), "{said}");
    fits(&said, usize::MAX);

    // A check that fails names the step; half an answer is not enough.
    let (status, said) = terminal.types("cargo workshop check 00");
    assert_eq!(status, 1, "{said}");
    assert!(
        said.contains("TODO(00) 2; explained in levels/00_fork_exec/README.md"),
        "{said}"
    );
    replace_block(&level("00_fork_exec", "src/container.rs"), EXEC);
    let (status, said) = terminal.types("cargo workshop check");
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("cargo workshop hint 00"), "{said}");
    let (_, said) = terminal.types("cargo workshop hint");
    assert!(
        said.contains("step 2: two ways out of one call"),
        "of the failing step: {said}"
    );
    replace_block(&level("00_fork_exec", "src/main.rs"), FORK_AND_WAIT);
    let (status, said) = terminal.types("cargo workshop check");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("level 00 is done."), "{said}");
    let (_, said) = terminal.types("cargo workshop");
    let numbered = |it: &fs::DirEntry| {
        it.file_name()
            .to_string_lossy()
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let levels = fs::read_dir(checkout.join("levels")).unwrap();
    let count = levels.map(Result::unwrap).filter(numbered).count();
    assert!(
        said.contains(&format!("1 of {count} levels done")) && said.contains("Next: level 01"),
        "{said}"
    );
    fits(said.split_once("Rubber Docker").unwrap().1, 22);

    // Watch goes on from level to level.
    let watch = "cargo workshop watch; echo \"st\"atus-$?-";
    terminal.session.send_line(watch).unwrap();
    terminal.sees("watching levels/01_chroot_image");
    terminal.presses("l");
    terminal.sees("Your task");
    terminal.sees("watching levels/01_chroot_image");
    terminal.presses("h");
    terminal.sees("who can remove it again?");
    terminal.sees("watching levels/01_chroot_image");
    let broken = level("01_chroot_image", "src/rootfs.rs");
    let before = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, before.replace("Ok(())", "Ok(()")).unwrap();
    terminal.sees("mismatched closing delimiter");
    terminal.sees("It does not compile yet");
    terminal.sees("watching levels/01_chroot_image");
    fs::write(&broken, before + "\n// changed\n").unwrap();
    terminal.sees("TODO(01) ");
    terminal.sees("watching levels/01_chroot_image");
    solve(&checkout, "01_chroot_image", "02_mount_ns");
    terminal.sees("level 01 is done.");
    terminal.sees("watching levels/02_mount_ns");

    // Stopped and continued: the shell finds its terminal as it was, and so do we.
    terminal.session.send(ControlCode::Substitute).unwrap();
    terminal.sees("learner> ");
    assert_eq!(terminal.settings(), settings, "after Ctrl-Z");
    terminal.session.send_line("fg").unwrap();
    terminal.sees("cargo workshop watch");
    solve(&checkout, "02_mount_ns", "03_pivot_root");
    terminal.sees("level 02 is done.");
    terminal.sees("watching levels/03_pivot_root");
    terminal.presses("s");
    terminal.sees("Another s");
    terminal.presses("s");
    terminal.sees("pivot_root(root, &old_root)?");
    terminal.sees("watching levels/03_pivot_root");
    terminal.presses("q");
    terminal.sees("learner> ");
    assert_eq!(terminal.settings(), settings, "after q");

    let poll = "cargo workshop watch --poll 03; echo \"st\"atus-$?-";
    terminal.session.send_line(poll).unwrap();
    terminal.sees("looking at the files every second");
    terminal.sees("watching levels/03_pivot_root");
    let polled = level("03_pivot_root", "src/main.rs");
    let text = fs::read_to_string(&polled).unwrap();
    fs::write(&polled, text + "\n// changed\n").unwrap();
    terminal.sees("TODO(03) 1");
    terminal.sees("watching levels/03_pivot_root");
    terminal.session.send(ControlCode::EndOfText).unwrap();
    terminal.sees("learner> ");
    assert_eq!(terminal.settings(), settings, "after Ctrl-C");

    // Help after the fact.
    let (status, said) = terminal.types("cargo workshop solution 00");
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("Fork::Child => given::exit(contain(options))"),
        "{said}"
    );
    let (status, said) = terminal.types("cargo workshop trace 00 -- sh -c 'exit 4'");
    match Command::new("strace").arg("-V").output() {
        Ok(_) => {
            assert_eq!(status, 4, "{said}");
            assert!(
                said.contains("the parent asks how the child has ended"),
                "{said}"
            );
        }
        Err(_) => assert!(said.contains("apt install strace"), "{said}"),
    }
    let (status, said) = terminal.types("cargo workshop report | grep -c '^+++ b/levels/'");
    assert_eq!(status, 0, "{said}");
    terminal.session.send_line("cargo workshop report").unwrap();
    terminal.sees("Write it to workshop-report.txt? [y/N] ");
    terminal.session.send_line("n").unwrap();
    terminal.sees("learner> ");
    assert!(!checkout.join("workshop-report.txt").exists());

    // Back to the beginning.
    for level in ["00", "01", "02", "03"] {
        let (status, said) = terminal.types(&format!("cargo workshop reset {level}"));
        assert_eq!(status, 0, "{said}");
        assert!(said.contains(".workshop/kept/"), "{said}");
    }
    assert_eq!(git(&checkout, &["status", "--porcelain"]), "");
    let (status, said) = terminal.types("cargo workshop clean");
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("nothing to do"), "{said}");
    terminal.session.send_line("exit").unwrap();
    terminal.awaits(|| Eof).unwrap();

    assert_eq!(mounts(), mounts_before);
    // The target directory stays: the next time is quicker.
    for left in ["checkout", "images", "containers"] {
        let _ = fs::remove_dir_all(scratch.join(left));
    }
}
