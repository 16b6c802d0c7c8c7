//! The small machine in which a trial runs: its directories, and what was found true there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use linux_sys::{MntFlags, MsFlags};
use regex::RegexBuilder;
use sandbox::cgroups::{self, Hierarchy, Version};
use sandbox::wait::await_within;

use crate::call::Call;
use crate::kernel;
use crate::program::{Program, Store};

/// How long an awaited state may take. Long, for a busy machine; on any other the trial
/// goes on a moment after the state has come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A trial's machine.
pub(crate) struct Machine {
    scratch: PathBuf,
    programs: PathBuf,
    numbers: Cell<u32>,
    passed: Cell<u32>,
    failed: Cell<u32>,
    skipped: RefCell<Option<String>>,
}

/// What has come of a trial.
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Machine {
    /// The directory of the built programs: this executable is in `deps` below it.
    pub(crate) fn programs_of_the_host() -> io::Result<PathBuf> {
        let own = fs::canonicalize("/proc/self/exe")?;
        let programs = own.ancestors().nth(2).unwrap_or(Path::new("/"));
        Ok(programs.to_owned())
    }

    pub(crate) fn furnish(base: &Path, programs: &Path) -> Machine {
        let machine = Machine {
            scratch: base.to_owned(),
            programs: programs.to_owned(),
            numbers: Cell::new(0),
            passed: Cell::new(0),
            failed: Cell::new(0),
            skipped: RefCell::new(None),
        };
        let store = machine.store();
        fs::create_dir(store.images).unwrap();
        fs::create_dir(store.containers).unwrap();
        machine
    }

    /// A path in the sandbox's own directory, through which every user can walk.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// A path there at which there is nothing yet.
    pub(crate) fn fresh(&self, what: &str) -> PathBuf {
        self.numbers.set(self.numbers.get() + 1);
        self.scratch(&format!("{what}-{}", self.numbers.get()))
    }

    /// The directories that programs use, unless they are told others.
    pub(crate) fn store(&self) -> Store {
        Store {
            images: self.scratch("images"),
            containers: self.scratch("containers"),
        }
    }

    /// A built program.
    pub(crate) fn program(&self, name: &str) -> Program<'_> {
        let path = self.programs.join(name);
        if !path.exists() {
            panic!(
                "{} is not there; build it first: cargo build --workspace --bins",
                path.display()
            );
        }
        Program::new(self, name, path, self.store())
    }

    /// Any other program of the machine's.
    pub(crate) fn call(&self, program: &str) -> Call<'_> {
        Call::new(self, program)
    }

    // ---- what must be true ----

    /// One assertion; `seen` is asked for what to say if it is false.
    pub(crate) fn check(&self, assertion: &str, is_true: bool, seen: impl FnOnce() -> String) {
        if is_true {
            self.passed.set(self.passed.get() + 1);
            return;
        }
        self.failed.set(self.failed.get() + 1);
        println!("not true: {assertion}");
        for line in seen().lines() {
            println!("    {line}");
        }
    }

    /// Both are the same.
    pub(crate) fn same<T: PartialEq + Debug>(&self, assertion: &str, expected: T, seen: T) {
        let is_same = expected == seen;
        self.check(assertion, is_same, || {
            format!("expected {expected:#?}\nseen     {seen:#?}")
        });
    }

    /// There is no such thing.
    pub(crate) fn none<T: Debug>(&self, assertion: &str, found: impl IntoIterator<Item = T>) {
        let found: Vec<T> = found.into_iter().collect();
        self.check(assertion, found.is_empty(), || format!("{found:#?}"));
    }

    /// The text matches a pattern.
    pub(crate) fn says(&self, assertion: &str, pattern: &str, text: &str) {
        self.check(assertion, matches(pattern, text), || {
            format!("no line matches {pattern}\n{text}")
        });
    }

    /// The trial cannot be made here; what was seen before counts all the same.
    pub(crate) fn skip(&self, why: &str) {
        self.skipped.replace(Some(why.to_owned()));
    }

    /// A trial that looked at nothing has not passed.
    pub(crate) fn verdict(self) -> Verdict {
        let (passed, failed) = (self.passed.get(), self.failed.get());
        println!("{passed} assertions hold, {failed} do not");
        match self.skipped.into_inner() {
            _ if failed > 0 => Verdict::Failed,
            Some(why) => {
                println!("{why}");
                Verdict::Skipped
            }
            None if passed == 0 => Verdict::Failed,
            None => Verdict::Passed,
        }
    }

    // ---- before and after ----

    /// The machine as it is now.
    pub(crate) fn look(&self) -> Sides {
        Sides {
            mounts: kernel::mount_table(),
            groups: control_groups(),
        }
    }

    /// It is as it was. The kernel may need a moment until it lets go of a group.
    pub(crate) fn is_as_before(&self, about: &str, before: &Sides) {
        self.has_the_same_mounts(about, before);
        self.none(
            &format!("{about}: no control group is left"),
            new_groups(&before.groups, Duration::from_secs(5)),
        );
    }

    /// At least the mounts are.
    pub(crate) fn has_the_same_mounts(&self, about: &str, before: &Sides) {
        self.same(
            &format!("{about}: the mount table is as before"),
            &before.mounts,
            &kernel::mount_table(),
        );
    }

    /// A number that stands for nothing else on the host: users are counted by it.
    pub(crate) fn number_of_no_user(&self) -> u32 {
        use std::hash::{BuildHasher, RandomState};
        1_000_000_000 + (RandomState::new().hash_one(()) % 1_000_000_000) as u32
    }
}

/// One moment.
pub(crate) struct Sides {
    mounts: Vec<String>,
    groups: BTreeSet<PathBuf>,
}

/// What a pattern of several lines finds, `^` and `$` being the ends of a line.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern = RegexBuilder::new(pattern).multi_line(true).build();
    pattern.unwrap().is_match(text)
}

// ---- control groups ----

/// Where the hierarchy with this controller is mounted.
pub(crate) fn hierarchy(controller: &str) -> Option<PathBuf> {
    let all = cgroups::hierarchies().unwrap_or_default();
    let found = all.into_iter().find(|it| it.has(controller))?;
    Some(found.top)
}

/// All groups. The sandbox begins at its own, so all of them are of this trial's making, but
/// for the leaf in which its processes are on version 2. `rubber-docker` is meant to stay.
pub(crate) fn control_groups() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for Hierarchy { version, top, .. } in cgroups::all().unwrap_or_default() {
        let leaf = top.join("checks");
        for path in kernel::directories_below(&top) {
            let is_ours = version == Version::V2 && path == leaf;
            if !is_ours && !path.ends_with("rubber-docker") {
                found.insert(path);
            }
        }
    }
    found
}

/// Those that were not there before and are there all the time until `patience` is over.
pub(crate) fn new_groups(before: &BTreeSet<PathBuf>, patience: Duration) -> Vec<PathBuf> {
    let mut new: Vec<PathBuf> = Vec::new();
    await_within(patience, || {
        new = control_groups().difference(before).cloned().collect();
        new.is_empty()
    });
    new
}

// ---- mounts ----

/// A file system in memory.
pub(crate) fn mount_tmpfs(at: &Path, options: &str) {
    linux_sys::mount("none", at, "tmpfs", MsFlags::empty(), options).unwrap();
}

/// Gives it other options.
pub(crate) fn remount_tmpfs(at: &Path, options: &str) {
    linux_sys::mount("none", at, "", MsFlags::MS_REMOUNT, options).unwrap();
}

/// Shows a directory at a place, or on itself.
pub(crate) fn bind(directory: &Path, at: &Path) {
    linux_sys::mount(directory, at, "", MsFlags::MS_BIND, "").unwrap();
}

/// From now on the mount at this place is read-only, and no other of its file system.
pub(crate) fn make_read_only(at: &Path) {
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    linux_sys::mount("", at, "", flags, "").unwrap();
}

pub(crate) fn unmount(at: &Path) {
    linux_sys::umount2(at, MntFlags::empty()).unwrap();
}
