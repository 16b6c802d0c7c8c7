//! A machine inside the machine, for code that may be wrong.
//!
//! Three processes take part:
//!
//! ```text
//! client               the process that wants to know something (the runner of the checks)
//!  └─ supervisor        enforces the deadline, ends everything when the client dies
//!      └─ PID 1         of new mount, PID, UTS, IPC, network and cgroup namespaces: the judge
//!          └─ the level's process, and below it the container
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`cgroups`] | the sandbox's own control groups |
//! | [`superblocks`] | the machine's file systems, kept as they are |
//! | `mount` | a line of the mount table |
//! | [`procfs`] | what the kernel says of a process |
//! | [`wait`] | waiting for what sends no event |
//! | `error` | why there is no sandbox |
//!
//! What PID 1 mounts and writes lives in its namespaces and in one tmpfs, so that
//! its end, for whatever reason, leaves nothing. (But for a few empty control groups,
//! if the supervisor is killed: `cgroups` tells who removes them.) Everything of the
//! machine's that can still be seen is read-only, and `superblocks` sees to it that it does
//! not become so for the machine itself. This holds mistakes, not attackers:
//! a level's process is root, and one that looks for ways out will find some.
//!
//! The sandbox's PID 1 judges from inside, because only from there the level's
//! mounts can be seen as the level's host sees them, and because it is the one
//! process that a wrong `kill(-1, SIGKILL)` spares.

pub mod cgroups;
mod error;
mod mount;
pub mod procfs;
pub mod superblocks;
pub mod wait;

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use linux_sys::{
    CloneFlags, Disposition, Fork, How, Mode, MountAttr, MountAttrFlags, MsFlags, Pid, SignalSet,
    WaitOptions, WaitStatus,
};

use cgroups::Groups;
use superblocks::{Superblocks, mount_terminals};

pub use error::Error;
pub use mount::Mount;

/// Where the sandbox's own directory may be mounted: usually empty directories
/// that every distribution has. The first one that hides nothing needed is taken.
const CANDIDATES: [&str; 5] = ["/mnt", "/media", "/srv", "/opt", "/tmp"];

/// Enough for the test image and three containers of it, little enough that a
/// level which fills its disk fills nothing else.
const SIZE: &str = "size=400m,nr_inodes=20k,mode=0755";

/// Memory in larger pieces than pages, for a file that is written in such: most of what an
/// image costs here is to get pages, one by one. Not every kernel has them.
const IN_LARGE_PIECES: &str = "huge=within_size";

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGQUIT: i32 = 3;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGCHLD: i32 = 17;

/// What the supervisor needs to know.
#[derive(Debug)]
pub struct Sandbox<'a> {
    /// The process that asked. When it is gone, so is the sandbox.
    pub client: u32,
    /// How long PID 1 may take; none for a person's shell.
    pub deadline: Option<Duration>,
    /// Files that must stay visible: the programs that will be run.
    pub needed: &'a [&'a Path],
    /// Whether what runs inside keeps the terminal. Checks do not: whatever a wrong
    /// level does to the terminal's process groups would be done to the learner's.
    pub keeps_terminal: bool,
}

/// How the sandbox ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// PID 1 ended by itself.
    Ended(WaitStatus),
    /// The deadline came first.
    DeadlinePassed,
    /// The client was gone, or a signal told us to stop.
    Abandoned,
    /// However it ended, a file system of the machine's is not as it was: this one.
    MachineChanged(String),
}

impl Sandbox<'_> {
    /// Runs `judge` as PID 1 of a fresh sandbox, giving it the sandbox's own, empty
    /// directory, and returns when nothing of the sandbox is left.
    ///
    /// The caller must have one thread and should be a process made for this: its
    /// signal mask and its children's PID namespace are changed for good.
    pub fn run(self, judge: impl FnOnce(&Path) -> u8) -> Result<End, Error> {
        let base = self.base()?;
        // Had our parent left SIGCHLD ignored, the kernel would reap our children itself.
        linux_sys::signal(SIGCHLD, Disposition::Default)?;
        let awaited = [SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT]
            .into_iter()
            .collect();
        let mask = linux_sys::sigprocmask(How::Block, &awaited)?;
        linux_sys::set_pdeathsig(SIGTERM)?;
        if std::os::unix::process::parent_id() != self.client {
            return Ok(End::Abandoned);
        }

        let superblocks = Superblocks::hold()?;
        // Dropped, and so removed, when this returns, whatever happened.
        let groups = Groups::make();
        linux_sys::unshare(CloneFlags::CLONE_NEWPID)?;
        let (mut ours, theirs) = UnixStream::pair().map_err(|why| Error::new("socketpair", why))?;
        match linux_sys::fork()? {
            Fork::Child => {
                drop(ours);
                let machine = Machine {
                    groups: &groups,
                    superblocks: &superblocks,
                };
                linux_sys::exit(self.pid_1(theirs, &mask, &base, &machine, judge))
            }
            Fork::Parent { child } => {
                drop(theirs);
                // Closes the race between PID 1's prctl and our death: PID 1 goes on only
                // when we were alive after it had armed itself. If it is gone already,
                // its status says more than an error here would.
                let mut armed = [0];
                let _ = ours
                    .read_exact(&mut armed)
                    .and_then(|()| ours.write_all(&armed));
                let end = self.keep(child, &awaited)?;
                Ok(superblocks.changes().map_or(end, End::MachineChanged))
            }
        }
    }

    fn keep(&self, init: Pid, awaited: &SignalSet) -> Result<End, Error> {
        let started = Instant::now();
        let left = || {
            self.deadline
                .map(|deadline| deadline.saturating_sub(started.elapsed()))
        };
        let end = loop {
            let end = match linux_sys::sigtimedwait(awaited, left())? {
                None => End::DeadlinePassed,
                Some(info) if info.signal == SIGCHLD => {
                    match linux_sys::waitpid(init, WaitOptions::WNOHANG)? {
                        WaitStatus::StillRunning => continue,
                        status => break End::Ended(status),
                    }
                }
                Some(_) => End::Abandoned,
            };
            // The kernel ends a PID namespace with its PID 1, and lets us reap that
            // only when all the others are gone.
            linux_sys::kill(init, SIGKILL)?;
            linux_sys::waitpid(init, WaitOptions::empty())?;
            break end;
        };
        Ok(end)
    }

    fn pid_1(
        &self,
        mut supervisor: UnixStream,
        mask: &SignalSet,
        base: &Path,
        machine: &Machine,
        judge: impl FnOnce(&Path) -> u8,
    ) -> u8 {
        let mut prepare = || -> Result<(), Error> {
            linux_sys::set_pdeathsig(SIGKILL)?;
            let alive = supervisor
                .write_all(&[1])
                .and_then(|()| supervisor.read_exact(&mut [0]));
            alive.map_err(|why| Error::new("the supervisor of the sandbox is gone", why))?;
            if !self.keeps_terminal {
                linux_sys::setsid()?;
            }
            linux_sys::sigprocmask(How::SetMask, mask)?;
            // Whatever our callers ignore, exec would hand it on to the level. Two signals
            // cannot be changed and two are the C library's; that is no error.
            for signum in 1..=64 {
                let _ = linux_sys::signal(signum, Disposition::Default);
            }
            furnish(base, machine, &self.stays_visible()?)
        };
        if let Err(why) = prepare() {
            eprintln!("the sandbox could not be made: {why}");
            return 1;
        }
        drop(supervisor);
        judge(base)
    }

    /// Where the needed files are, and a person's terminal.
    fn stays_visible(&self) -> Result<Vec<PathBuf>, Error> {
        let terminal = self.keeps_terminal.then_some(Path::new("/dev/pts"));
        self.needed
            .iter()
            .copied()
            .chain(terminal.filter(|path| path.exists()))
            .map(|path| fs::canonicalize(path).map_err(|why| Error::new(path.display(), why)))
            .collect()
    }

    /// The directory that the sandbox's tmpfs will cover.
    fn base(&self) -> Result<PathBuf, Error> {
        let needed = self.stays_visible()?;
        let is_free = |candidate: &Path| {
            let is_directory = fs::symlink_metadata(candidate).is_ok_and(|it| it.is_dir());
            is_directory && !needed.iter().any(|path| path.starts_with(candidate))
        };
        CANDIDATES
            .iter()
            .map(PathBuf::from)
            .find(|path| is_free(path))
            .ok_or_else(|| {
                let all = CANDIDATES.join(", ");
                Error::new(
                    "no directory for the sandbox",
                    format_args!("none of {all} is free"),
                )
            })
    }
}

/// What the supervisor has prepared of the machine's.
struct Machine<'a> {
    groups: &'a Groups,
    superblocks: &'a Superblocks,
}

/// Turns the new process into the PID 1 of a small machine of its own.
fn furnish(base: &Path, machine: &Machine, visible: &[PathBuf]) -> Result<(), Error> {
    // If memory runs out, let it be the sandbox that goes. Raising is always allowed.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    linux_sys::umask(Mode::from_bits_truncate(0o022));
    machine.groups.join()?;
    linux_sys::unshare(
        CloneFlags::CLONE_NEWCGROUP
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET,
    )?;
    // First of all cut the tree off from the machine's, or what follows reaches it.
    linux_sys::mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")?;
    let read_only = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    linux_sys::mount_setattr("/", true, read_only)?;
    machine.superblocks.hide(visible);
    linux_sys::mount("proc", "/proc", "proc", MsFlags::empty(), "")?;
    if !visible.iter().any(|path| path == Path::new("/dev/pts")) {
        mount_terminals()?;
    }
    machine.groups.mount()?;
    let mount_with =
        |options: &str| linux_sys::mount("tmpfs", base, "tmpfs", MsFlags::empty(), options);
    mount_with(&format!("{SIZE},{IN_LARGE_PIECES}")).or_else(|_| mount_with(SIZE))?;
    bound_processes();
    // As systemd leaves it on nearly every machine. In a private tree a level that
    // forgets MS_PRIVATE would leak nothing, and no check would notice.
    linux_sys::mount("", "/", "", MsFlags::MS_REC | MsFlags::MS_SHARED, "")?;
    Ok(())
}

/// RLIMIT_NPROC does not bind root; the size of the PID namespace does, where it
/// belongs to the namespace (from Linux 6.14). Before, it is the whole machine's and
/// must be left alone: the deadline alone ends a fork bomb there.
fn bound_processes() {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|number| number.trim().parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (6, 14) {
        let _ = fs::write("/proc/sys/kernel/pid_max", "1000");
    }
}

/// Answers whether this process may make a sandbox at all.
pub fn may_be_made() -> Result<(), Error> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|why: io::Error| Error::new("/proc/self/status", why))?;
    let uid = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
    if uid == Some("0") {
        return Ok(());
    }
    Err(Error::from(
        "The checks need root: they judge a level inside a sandbox of namespaces. Start them \
         with cargo (`cargo test -p level03`), which asks sudo for this one program; if there is \
         no sudo on this machine, become root first.",
    ))
}
