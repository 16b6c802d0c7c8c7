//! A level's container, found by what the kernel says and not by what it prints.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use images::elf;
use linux_sys::{CloneFlags, Fork, Pid, WaitOptions};

use crate::finding::Failure;
use crate::host::{Ended, Invocation, Run, with_errors};
use crate::process;
use crate::procfs::{self, Mount};
use sandbox::wait::await_that;

/// What it means that a command which waits for the end of its standard input has ended.
pub(crate) const OTHER_INPUT: &str = "the command did not wait for the end of its standard \
     input: it has another one than the level was started with, such as /dev/null. exec keeps \
     0, 1 and 2 as they are";

/// A container whose command is our probe, holding.
pub(crate) struct Container<'a> {
    run: Run<'a>,
    /// The command's process, as the host numbers it.
    pub(crate) pid: i32,
}

impl<'a> Container<'a> {
    /// Waits for the command to start and looks for it among the sandbox's processes.
    pub(crate) fn find(mut run: Run<'a>, program: &Path) -> Result<Container<'a>, Failure> {
        let is_ready = run.await_ready();
        Container::look_for(run, program, is_ready)
    }

    /// Looks for the command of a run that was waited for: `is_ready` or it never will be.
    pub(crate) fn look_for(
        run: Run<'a>,
        program: &Path,
        is_ready: bool,
    ) -> Result<Container<'a>, Failure> {
        let level = run.pid();
        if is_running(level, program) {
            return Err(Failure::seen("the level's own process became the command")
                .ran(run.line())
                .at(format!("/proc/{level}/exe"))
                .usually(
                    "fork is missing: exec replaces the process that calls it, so no parent is \
                     left to wait for the command and report its end",
                ));
        }
        if let Some(pid) = find_command(level, program) {
            return Ok(Container { run, pid });
        }
        if !is_ready {
            // No process is left that could say `ready`: the level ends, or has ended.
            return Err(run.end()?.failed_to_start());
        }
        let seen = format!(
            "no process below `{}` (process {level}) is the command",
            run.line()
        );
        // If there is no child any more, its parent is about to tell of its end.
        let has_child = || process::children(level).into_iter().any(process::is_alive);
        await_that(|| run.has_told_an_end() || has_child() || !process::is_alive(level));
        let usually = match run.has_told_an_end() {
            true => OTHER_INPUT,
            false => "exec is missing or failed: no process has become the command",
        };
        Err(Failure::seen(with_errors(seen, &run.errors()))
            .ran(run.line())
            .at(format!("/proc/*/exe of all processes but {level}"))
            .usually(usually))
    }

    /// The level's process.
    pub(crate) fn level(&self) -> i32 {
        self.run.pid()
    }

    pub(crate) fn errors(&self) -> String {
        self.run.errors()
    }

    /// Device and inode of what the level's process was given as 0, 1 and 2.
    pub(crate) fn streams(&self) -> Result<[(u64, u64); 3], Failure> {
        self.run.streams()
    }

    /// How far the level should have come.
    pub(crate) fn judged(&self) -> u8 {
        self.run.host.judged()
    }

    /// A file of `/proc/PID`.
    pub(crate) fn proc(&self, below: &str) -> PathBuf {
        procfs::path(self.pid, below)
    }

    /// A path as the command sees it, reached from outside.
    pub(crate) fn inside(&self, below: &str) -> PathBuf {
        self.proc("root").join(below.trim_start_matches('/'))
    }

    /// The mounts below the command's root.
    pub(crate) fn mounts(&self) -> Result<Vec<Mount>, Failure> {
        procfs::mounts(self.pid)
    }

    /// All mounts of its mount namespace, also those above its root.
    pub(crate) fn all_mounts(&self) -> Result<Vec<Mount>, Failure> {
        Visitor::enter(self.pid)?.mounts()
    }

    /// Whether the command says in this time that it is ready.
    pub(crate) fn await_ready_for(&mut self, patience: Duration) -> bool {
        self.run.await_ready_for(patience)
    }

    /// Types these at the level's standard input.
    pub(crate) fn type_keys(&mut self, keys: &[u8]) -> Result<(), Failure> {
        self.run.type_keys(keys)
    }

    /// Lets the probe go on, and looks no further: it may have more to do than to end.
    pub(crate) fn release(&mut self) {
        self.run.release();
    }

    /// Lets the probe go on and waits for the level's end.
    pub(crate) fn end(self) -> Result<Ended, Failure> {
        self.run.end()
    }

    /// The same, with what it wrote to its standard output after the command was ready.
    pub(crate) fn end_with_output(self) -> Result<(Ended, String), Failure> {
        self.run.end_with_output()
    }
}

impl<'a> Invocation<'a> {
    /// Starts it with the probe, which holds, and finds the container.
    pub(crate) fn hold(self) -> Result<Container<'a>, Failure> {
        self.hold_as("/proc/self/exe")
    }

    /// The same with a shell: [`Host::shell`].
    pub(crate) fn hold_shell(self) -> Result<Container<'a>, Failure> {
        self.hold_as("/bin/sh")
    }

    /// The same with another program; it must say `ready` and wait for the end of its
    /// standard input.
    pub(crate) fn hold_as(self, program: &str) -> Result<Container<'a>, Failure> {
        Container::find(self.start()?, Path::new(program))
    }
}

/// The process below the level's that runs this program.
pub(crate) fn find_command(level: i32, program: &Path) -> Option<i32> {
    let parents = procfs::parents();
    let parent = |pid: &i32| parents.get(pid).copied();
    let is_below = |pid: i32| std::iter::successors(Some(pid), parent).any(|it| it == level);
    // A command whose parent has ended is a child of the sandbox's PID 1 now. It is
    // the command all the same; another check asks which process waits for it.
    let below = parents.keys().copied().filter(|&pid| is_below(pid));
    let orphans = parents.keys().copied().filter(|pid| parent(pid) == Some(1));
    let mut all = below.chain(orphans).filter(|&pid| pid != 1 && pid != level);
    all.find(|&pid| is_running(pid, program))
}

/// Whether a process runs this program.
fn is_running(pid: i32, program: &Path) -> bool {
    is_copy(&procfs::path(pid, "exe"), program).unwrap_or(false)
}

/// Whether a file is this program, or an image's copy of it. Device and inode differ
/// between the two, so bytes are compared: not all of some millions, for the question is
/// which program it is.
pub(crate) fn is_copy(file: &Path, program: &Path) -> io::Result<bool> {
    let (ours, theirs) = (File::open(program)?, File::open(file)?);
    let (our_file, their_file) = (ours.metadata()?, theirs.metadata()?);
    if (our_file.dev(), our_file.ino()) == (their_file.dev(), their_file.ino()) {
        return Ok(true);
    }
    let size = their_file.len();
    if size != our_file.len() && size != elf::loaded(&ours)? {
        return Ok(false);
    }
    looks_the_same(&ours, &theirs, size)
}

/// Whether two files agree in a few dozen pieces, all over their first `size` bytes.
fn looks_the_same(one: &File, other: &File, size: u64) -> io::Result<bool> {
    const PIECES: u64 = 64;
    let (mut left, mut right) = ([0; 4096], [0; 4096]);
    for piece in 0..PIECES {
        let start = size / PIECES * piece;
        let length = (size - start).min(4096) as usize;
        one.read_exact_at(&mut left[..length], start)?;
        other.read_exact_at(&mut right[..length], start)?;
        if left[..length] != right[..length] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A process of ours that has entered a container's mount namespace by setns(2).
///
/// That puts it at the root of the *namespace*, wherever the command's own root is:
/// after chroot(2) there is the host, after pivot_root(2) the container.
pub(crate) struct Visitor {
    pid: Pid,
    hold: Option<UnixStream>,
}

impl Visitor {
    pub(crate) fn enter(pid: i32) -> Result<Visitor, Failure> {
        let path = procfs::path(pid, "ns/mnt");
        let namespace = File::open(&path).map_err(|why| Failure::unreadable(&path, why))?;
        let failed = |why: &dyn std::fmt::Display| {
            Failure::seen(format!(
                "the container's mount namespace cannot be entered: {why}"
            ))
            .at(path.display().to_string())
        };
        let (mut ours, mut theirs) = UnixStream::pair().map_err(|why| failed(&why))?;
        match linux_sys::fork().map_err(|why| failed(&why))? {
            Fork::Child => {
                drop(ours);
                let entered = linux_sys::setns(&namespace, CloneFlags::CLONE_NEWNS).is_ok();
                let _ = theirs.write_all(&[entered.into()]);
                let _ = theirs.read(&mut [0]);
                linux_sys::exit(0)
            }
            Fork::Parent { child } => {
                drop(theirs);
                let mut entered = [0];
                let told = ours.read_exact(&mut entered);
                let visitor = Visitor {
                    pid: child,
                    hold: Some(ours),
                };
                match told {
                    Ok(()) if entered == [1] => Ok(visitor),
                    Ok(()) => Err(failed(&"setns failed")),
                    Err(why) => Err(failed(&why)),
                }
            }
        }
    }

    /// All mounts of the namespace.
    pub(crate) fn mounts(&self) -> Result<Vec<Mount>, Failure> {
        procfs::mounts(self.pid.as_raw())
    }

    /// The root of the namespace, reached from outside.
    pub(crate) fn root(&self) -> PathBuf {
        procfs::path(self.pid.as_raw(), "root")
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.hold = None;
        let _ = linux_sys::waitpid(self.pid, WaitOptions::empty());
    }
}
