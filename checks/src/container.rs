//! A level's container, found by what the kernel says and not by what it prints.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use linux_sys::{CloneFlags, Fork, Pid, WaitOptions};

use crate::check::Failure;
use crate::host::{Ended, Run, with_errors};
use crate::probe_image;
use crate::procfs::{self, Mount};

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
                .at(format!("/proc/{level}/exe"))
                .usually(
                    "fork is missing: exec replaces the process that calls it, so nobody is \
                     left who could wait for the command and report its end",
                ));
        }
        let parents = procfs::parents();
        let parent = |pid: &i32| parents.get(pid).copied();
        let is_below = |pid: i32| std::iter::successors(Some(pid), parent).any(|it| it == level);
        // A command whose parent has ended is a child of the sandbox's PID 1 now. It is
        // the command all the same; who waits for it is another check's matter.
        let below = parents.keys().copied().filter(|&pid| is_below(pid));
        let orphans = parents.keys().copied().filter(|pid| parent(pid) == Some(1));
        let mut all = below.chain(orphans).filter(|&pid| pid != 1 && pid != level);
        if let Some(pid) = all.find(|&pid| is_running(pid, program)) {
            return Ok(Container { run, pid });
        }
        if !is_ready {
            // Nobody is left who could say anything: the level ends, or has ended.
            return Err(run.end()?.failed_to_start());
        }
        let seen = format!(
            "no process below `{}` (process {level}) is the command",
            run.line()
        );
        Err(Failure::seen(with_errors(seen, &run.errors()))
            .at(format!("/proc/*/exe of all processes but {level}"))
            .usually("exec is missing or failed: no process has become the command"))
    }

    /// The level's process.
    pub(crate) fn level(&self) -> i32 {
        self.run.pid()
    }

    pub(crate) fn errors(&self) -> String {
        self.run.errors()
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

    /// Lets the probe go on and waits for the level's end.
    pub(crate) fn end(self) -> Result<Ended, Failure> {
        self.run.end()
    }
}

/// Whether a process runs this program.
fn is_running(pid: i32, program: &Path) -> bool {
    is_copy(&procfs::path(pid, "exe"), program).unwrap_or(false)
}

/// Whether a file is this program, or an image's copy of it. Device and inode differ
/// between the two, so the bytes are compared.
pub(crate) fn is_copy(file: &Path, program: &Path) -> io::Result<bool> {
    let (ours, theirs) = (File::open(program)?, File::open(file)?);
    let (our_file, their_file) = (ours.metadata()?, theirs.metadata()?);
    if (our_file.dev(), our_file.ino()) == (their_file.dev(), their_file.ino()) {
        return Ok(true);
    }
    let size = their_file.len();
    if size != our_file.len() && size != probe_image::loaded(&ours)? {
        return Ok(false);
    }
    same_bytes(ours.take(size), theirs)
}

/// Whether `other` begins with all the bytes of `one`.
fn same_bytes(mut one: impl Read, mut other: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
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
