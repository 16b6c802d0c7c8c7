//! One of our programs in the small machine: how it is called, what it answers, and that
//! nothing is left by it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::call::{Call, Ended};
use crate::kernel::{self, entries};
use crate::machine::{Machine, control_groups, matches, new_groups};

/// Where its images and containers are.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) images: PathBuf,
    pub(crate) containers: PathBuf,
}

impl Store {
    /// What containers have left; the cache of images is meant to stay.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        left_in(&self.containers)
    }

    /// The trees of images, and what may become one.
    pub(crate) fn cache(&self) -> PathBuf {
        self.containers.join(".images")
    }

    /// Whatever is called so uses it.
    pub(crate) fn of<'a>(&self, call: Call<'a>) -> Call<'a> {
        call.variable("RUBBER_DOCKER_IMAGES", &self.images)
            .variable("RUBBER_DOCKER_CONTAINERS", &self.containers)
    }

    /// What is not whole yet.
    pub(crate) fn half_made(&self) -> Vec<PathBuf> {
        let all = entries(&self.cache()).into_iter();
        let all = all.chain(entries(&self.images));
        all.filter(|path| path.to_string_lossy().contains("partial"))
            .collect()
    }
}

pub(crate) fn left_in(containers: &Path) -> Vec<PathBuf> {
    let all = entries(containers).into_iter();
    all.filter(|path| !path.ends_with(".images")).collect()
}

/// The solutions, in the order of the levels. That of a level is the next level's program, and
/// that of a part's last level the part's: so the first levels of parts are none.
pub(crate) fn solutions() -> Vec<String> {
    let numbers = syllabus::numbered().filter_map(|level| level.number);
    let solutions = numbers.filter_map(syllabus::after);
    solutions.map(syllabus::Entry::package).collect()
}

/// A program, and the store that it uses.
#[derive(Clone)]
pub(crate) struct Program<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) store: Store,
}

impl<'a> Program<'a> {
    pub(crate) fn new(machine: &'a Machine, name: &str, path: PathBuf, store: Store) -> Self {
        Program {
            machine,
            name: name.to_owned(),
            path,
            store,
        }
    }

    /// Whether this level is solved in it: in the program of each later one, and in that of each
    /// whole part.
    pub(crate) fn solves(&self, level: u8) -> bool {
        let number = self.name.strip_prefix("level");
        number.is_none_or(|number| number.parse::<u8>().is_ok_and(|number| number > level))
    }

    /// The same, with another store.
    pub(crate) fn with_store(&self, store: Store) -> Program<'a> {
        Program {
            store,
            ..self.clone()
        }
    }

    /// The same, with a store as on the first day: neither an image nor a tree.
    pub(crate) fn on_the_first_day(&self) -> Program<'a> {
        let first = self.machine.fresh("first");
        let store = Store {
            images: first.join("images"),
            containers: first.join("containers"),
        };
        fs::create_dir_all(&store.images).unwrap();
        fs::create_dir_all(store.cache()).unwrap();
        self.with_store(store)
    }

    /// It, with these words.
    pub(crate) fn call(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call<'a> {
        let call = Call::new(self.machine, &self.path).words(words);
        self.store.of(call)
    }

    /// `run`, and these words.
    pub(crate) fn run(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Call<'a> {
        self.call(["run"]).words(words)
    }

    // ---- what it answers ----

    /// It ends with the status, and what it says matches the pattern: one paragraph, with its
    /// name in front. And nothing is left.
    pub(crate) fn refused(&self, about: &str, status: i32, advice: &str, call: &Call) {
        let machine = self.machine;
        let before = self.traces();
        let groups = control_groups();
        let ended = call.clone().variable("RUST_BACKTRACE", "1").run();
        let after = self.traces();
        let mut complaints = self.complaints(status, advice, &ended);
        let gone = before.iter().filter(|it| !after.contains(it));
        complaints.extend(gone.map(|it| format!("gone: {it}")));
        let left = after.iter().filter(|it| !before.contains(it));
        complaints.extend(left.map(|it| format!("left behind: {it}")));
        let new = new_groups(&groups, Duration::from_secs(2));
        complaints.extend(
            new.iter()
                .map(|it| format!("left behind: {}", it.display())),
        );
        let assertion = format!("{}: {about}: it is refused", self.name);
        machine.check(&assertion, complaints.is_empty(), || {
            format!("{}\nit said: {}", complaints.join("\n"), ended.err)
        });
    }

    fn complaints(&self, status: i32, advice: &str, ended: &Ended) -> Vec<String> {
        let (name, said) = (&self.name, &ended.err);
        let mut complaints = Vec::new();
        let mut complain = |is_wrong: bool, what: String| {
            if is_wrong {
                complaints.push(what);
            }
        };
        complain(
            ended.status != status,
            format!("status {}, expected {status}", ended.status),
        );
        complain(
            !matches(advice, said),
            format!("what it says does not match: {advice}"),
        );
        complain(has_panicked(said), "it panicked".to_owned());
        // An explanation is one line with our name in front, and after it the line that
        // reports how the child ended. A usage error is the command line parser's.
        let report = format!("^{name}: [0-9]+ exited with status {status}$");
        let lines = said.lines().filter(|line| !matches(&report, line));
        complain(
            !matches("^error: ", said) && lines.count() != 1,
            "it is not one paragraph".to_owned(),
        );
        complain(
            !matches(&format!("^({name}|error): "), said),
            "it does not say who speaks".to_owned(),
        );
        complain(
            !ended.out.is_empty(),
            format!("it prints to standard output: {}", ended.out),
        );
        complaints
    }

    /// What there is before and after: mounts, containers, trees in the cache, images.
    fn traces(&self) -> Vec<String> {
        let Store { images, .. } = &self.store;
        let paths = self.store.left().into_iter();
        let paths = paths.chain(entries(&self.store.cache()));
        let paths = paths.chain(entries(images));
        let mounts = kernel::mount_table().into_iter();
        mounts
            .chain(paths.map(|path| path.display().to_string()))
            .collect()
    }

    /// It works, prints `served`, and leaves no mount.
    pub(crate) fn served(&self, about: &str, call: &Call) {
        let before = kernel::mount_table();
        let ended = call.run();
        let mounts = kernel::mount_table();
        let assertion = format!("{}: {about}: it is served", self.name);
        let is_served = ended.status == 0 && ended.out == "served\n" && mounts == before;
        self.machine
            .check(&assertion, is_served, || format!("{ended:?}\n{mounts:#?}"));
    }

    /// In the store there is nothing but whole trees.
    pub(crate) fn nothing_is_left(&self, about: &str) {
        let found = self.store.left().into_iter();
        self.machine.none(
            &format!("{}: {about}: nothing is left", self.name),
            found.chain(self.store.half_made()),
        );
    }
}

pub(crate) fn has_panicked(said: &str) -> bool {
    matches("(?i)panicked|backtrace|stack overflow", said)
}
