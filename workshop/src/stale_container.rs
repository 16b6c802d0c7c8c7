//! What lies in the store under a name that a container could have.
//!
//! Only what is provably a container's is removed unasked: a directory of ours, with the
//! mark that `given::create_container_dir` makes, no living parent, and nothing in it but what a
//! container has. Everything is looked at without following a link, since root follows
//! a link to wherever its maker wants it to go.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use given::Error;
use linux_sys::{Errno, Mode, OFlag, OpenHow, ResolveFlag, openat2};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::inhabitants::{self, Roots};
use crate::mounted;

/// What is in a container's directory, in whatever level: a root, or an overlay's parts.
const SHAPE: [&str; 6] = ["rootfs", "lower", "upper", "work", "merged", given::KEPT];

/// The bits of a mode that must be as `given::create_container_dir` makes them; our own may have been
/// narrowed by the umask.
const TELLING: u32 = 0o7077;

/// What was found under such a name.
pub(crate) enum Found {
    /// A container that its parent looks after: the lock is taken.
    InUse,
    /// A directory that no living parent looks after.
    Abandoned(StaleContainer, Disposition),
    /// No container's directory. What it is instead, to be put after "it is".
    Strange(&'static str),
    /// Something is mounted on it, and hides it.
    MountPoint,
    /// It could not be looked at.
    Hidden(Errno),
}

/// Whose a directory is, and what is to become of it.
pub(crate) enum Disposition {
    /// A container's, provably.
    Removable,
    /// Likewise, and it was started with `--keep`.
    Kept,
    /// Perhaps: why we are not sure, to be put after "it".
    Unsure(String),
}

/// A container's directory, locked by us: its parent is dead.
pub(crate) struct StaleContainer {
    directory: PathBuf,
    id: String,
    lock: Flock<File>,
}

/// Where cgroup hierarchies are usually mounted: the one of version 2, or below it
/// one for each controller.
const CGROUPS: &str = "/sys/fs/cgroup";

impl Found {
    /// What is called `id` in the open `store`; `None` if it has just been removed.
    pub(crate) fn look(store: &File, directory: &Path, id: String) -> Option<Found> {
        // O_DIRECTORY is asked for before anything is opened: a FIFO would make us wait,
        // a device might do something. The rules: no link, and nothing mounted there.
        let how = OpenHow {
            flags: OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK,
            mode: Mode::empty(),
            resolve: ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_XDEV,
        };
        let open = match openat2(store, &id, how) {
            Ok(open) => File::from(open),
            Err(error) => return Found::not_opened(error.errno(), directory),
        };
        Some(match Flock::lock(open, FlockArg::LockExclusiveNonblock) {
            Err((_, Errno::EWOULDBLOCK)) => Found::InUse,
            Err((_, errno)) => Found::Hidden(errno),
            Ok(lock) => {
                let disposition = disposition(directory, &lock);
                let directory = directory.to_owned();
                Found::Abandoned(
                    StaleContainer {
                        directory,
                        id,
                        lock,
                    },
                    disposition,
                )
            }
        })
    }

    fn not_opened(errno: Errno, path: &Path) -> Option<Found> {
        match errno {
            // Removed by its own parent since we read its name.
            Errno::ENOENT => None,
            Errno::EXDEV => Some(Found::MountPoint),
            Errno::ELOOP | Errno::ENOTDIR => {
                let kind = fs::symlink_metadata(path).ok()?.file_type();
                Some(Found::Strange(match kind {
                    _ if kind.is_symlink() => "a symbolic link",
                    _ if kind.is_file() => "a file",
                    _ => "a FIFO, a socket or a device",
                }))
            }
            errno => Some(Found::Hidden(errno)),
        }
    }
}

fn disposition(directory: &Path, open: &File) -> Disposition {
    judge(directory, open)
        .unwrap_or_else(|error| Disposition::Unsure(format!("cannot be read: {error}")))
}

fn judge(directory: &Path, open: &File) -> io::Result<Disposition> {
    let there: Metadata = open.metadata()?;
    if there.uid() != geteuid().as_raw() {
        return Ok(Disposition::Unsure(format!(
            "belongs to user {}",
            there.uid()
        )));
    }
    if there.mode() & TELLING != given::MARKED & TELLING {
        return Ok(Disposition::Unsure(
            "has no mark of ours: it is older than the mark, or no container's".to_owned(),
        ));
    }
    let mut is_kept = false;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if !SHAPE.iter().any(|part| name == *part) {
            return Ok(Disposition::Unsure(format!(
                "holds {name:?}, which is none of ours"
            )));
        }
        is_kept |= name == given::KEPT;
    }
    Ok(match is_kept {
        true => Disposition::Kept,
        false => Disposition::Removable,
    })
}

impl StaleContainer {
    /// The container's name.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The processes that have its root as theirs. Those of level 06 and later die
    /// with their parent; before that they outlive it.
    pub(crate) fn processes(&self) -> Vec<linux_sys::Pid> {
        inhabitants::of(&Roots {
            // Levels 01 to 03: the very directory, entered or bound onto itself.
            directory: inhabitants::below(&self.lock, &self.directory, OsStr::new("rootfs")),
            // From level 04 on: the overlay whose changes are kept here.
            upper: inhabitants::below(&self.lock, &self.directory, OsStr::new("upper")),
        })
    }

    /// What is mounted below it in our own namespace.
    pub(crate) fn mounts(&self) -> Vec<PathBuf> {
        mounted::below(&self.directory)
    }

    /// Its control groups.
    pub(crate) fn groups(&self) -> Vec<PathBuf> {
        parents()
            .map(|parent| parent.join(&self.id))
            .filter(|group| group.is_dir())
            .collect()
    }

    /// End all that uses its directory, which stays.
    pub(crate) fn end(&self) -> Result<(), Error> {
        for pid in self.processes() {
            inhabitants::end(pid)?;
        }
        mounted::detach(&self.directory)?;
        for group in self.groups() {
            inhabitants::await_dying(&group)?;
            given::remove_groups(&group)?;
        }
        Ok(())
    }

    /// Remove all of it: first what uses it, last the directory.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        self.end()?;
        images::remove_tree(&self.directory)?;
        Ok(())
    }
}

/// The name of the container that `directory` is the directory of, if it is one.
pub(crate) fn id(directory: &Path) -> Option<String> {
    let name = directory.file_name()?.to_str()?;
    let is_id = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| name.to_owned())
}

/// The groups that containers' groups are in: those called `rubber-docker`, and before them the
/// ones in these that belong to the root of a user namespace, by number.
pub(crate) fn parents() -> impl Iterator<Item = PathBuf> {
    tops().flat_map(|top| {
        let inner = fs::read_dir(&top).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = inner
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && is_of_a_map(path))
            .collect();
        all.push(top);
        all
    })
}

fn is_of_a_map(group: &Path) -> bool {
    let name = group.file_name().unwrap_or_default().to_string_lossy();
    id(group).is_none() && !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit())
}

fn tops() -> impl Iterator<Item = PathBuf> {
    // On version 1, `cpu` may be a link to `cpu,cpuacct`: the same groups once more.
    let hierarchies = fs::read_dir(CGROUPS).into_iter().flatten().flatten();
    let hierarchies = hierarchies.filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
    std::iter::once(PathBuf::from(CGROUPS))
        .chain(hierarchies.map(|entry| entry.path()))
        .map(|top| top.join("rubber-docker"))
        .filter(|parent| parent.is_dir())
}
