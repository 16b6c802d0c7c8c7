//! How we get to know that a file of a level was saved.
//!
//! The kernel tells (inotify(7)), unless the files are on a file system that it shares with
//! another machine: a server, or Windows. A watch there is set without an error and never
//! says anything. Then, and if there are no watches left, we look every second.
//!
//! Editors save in many ways: in place, by a new file that gets the old one's name, with
//! backup files beside it. So an event only says "look now", and what counts is whether the
//! content differs from what was checked.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use curriculum::levels::Level;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::statfs::statfs;

use crate::course::Course;
use crate::{Result, check};

/// An editor that has not said anything for so long is through with saving.
const QUIET_MILLISECONDS: u16 = 80;

/// File systems on which others write without this kernel knowing (statfs(2)).
const SHARED: [(i64, &str); 7] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p, as Windows drives in WSL are"),
    (0x6573_5546, "FUSE"),
    (0x786f_4256, "VirtualBox shared folders"),
];

/// The files of one level.
pub(super) struct Files<'a> {
    course: &'a Course,
    level: &'a Level,
    how: How,
    /// The content that was checked last.
    checked: String,
}

enum How {
    Told(Inotify),
    Looking { because: String },
}

impl<'a> Files<'a> {
    pub(super) fn watch(course: &'a Course, level: &'a Level, poll: bool) -> Result<Files<'a>> {
        let directory = course.root.join(level.path());
        let how = match shared(&directory) {
            _ if poll => looking("As you wish"),
            Some(kind) => looking(&format!(
                "The level is on {kind}, where the kernel is not told of every change"
            )),
            None => match told(&directory) {
                Ok(inotify) => How::Told(inotify),
                Err(errno) => looking(&format!(
                    "The kernel gives no watch on the files ({})",
                    errno.desc()
                )),
            },
        };
        Ok(Files {
            course,
            level,
            how,
            checked: course.content(level)?,
        })
    }

    /// Why we have to look ourselves, if we have to.
    pub(super) fn polls_because(&self) -> Option<&str> {
        match &self.how {
            How::Told(_) => None,
            How::Looking { because } => Some(because),
        }
    }

    /// This is what was checked.
    pub(super) fn remember(&mut self, content: String) {
        self.checked = content;
    }

    /// Whether what is there now is something else than what was checked.
    pub(super) fn differ(&self) -> bool {
        check::is_saved_since(self.course, self.level, &self.checked)
    }

    /// Where the kernel tells of a save.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.how {
            How::Told(inotify) => Some(inotify.as_fd()),
            How::Looking { .. } => None,
        }
    }

    /// After an event: wait until the editor is through with saving.
    pub(super) fn settle(&self) {
        let How::Told(inotify) = &self.how else {
            return;
        };
        loop {
            let _ = inotify.read_events();
            let mut quiet = [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)];
            if !matches!(
                poll(&mut quiet, PollTimeout::from(QUIET_MILLISECONDS)),
                Ok(1..)
            ) {
                break;
            }
        }
        // Directories that are new since then.
        let _ = add(inotify, &self.course.root.join(self.level.path()));
    }
}

fn looking(because: &str) -> How {
    How::Looking {
        because: because.to_owned(),
    }
}

fn told(directory: &Path) -> nix::Result<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    add(&inotify, directory)?;
    Ok(inotify)
}

/// Watches a level's directory, and all below it. A second watch on a directory is none.
fn add(inotify: &Inotify, directory: &Path) -> nix::Result<()> {
    let events = AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_ONLYDIR;
    let mut directories = vec![PathBuf::from(directory)];
    while let Some(directory) = directories.pop() {
        inotify.add_watch(&directory, events)?;
        let entries = std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .flatten();
        let is_directory =
            |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        directories.extend(entries.filter(is_directory).map(|entry| entry.path()));
    }
    Ok(())
}

/// What kind of shared file system a directory is on, if it is on one.
fn shared(directory: &Path) -> Option<&'static str> {
    let kind = statfs(directory).ok()?.filesystem_type().0;
    let found = SHARED.iter().find(|(magic, _)| *magic == kind);
    found.map(|(_, name)| *name)
}
