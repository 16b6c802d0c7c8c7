//! Both sides: a level may change more than its container. After its process has ended, the
//! sandbox's PID 1 compares the host with what it was before.
//!
//! The comparison is made for every run of every check, whatever else the check is about:
//! what goes wrong with `--user` only, or only after an error, has no check of its own.
//!
//! | module | holds |
//! |---|---|
//! | [`kind`] | what can change, and what is said of it |
//! | [`look`] | one look at the host |
//! | [`machine`] | what the sandbox needs to have, so that there is something to see |
//!
//! A change is told once, by the first check that a learner can make sense of it in: each
//! kind of change has a check that is about such things, its *home*, and checks before
//! that one keep it to themselves. A level that has not come as far tells it in its own
//! first check.

mod kind;
mod look;
pub(crate) mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::finding::Failure;
use crate::process;
use crate::procfs;
use kind::Kind;
use look::{CONTAINERS, INTERFACE, Places, Thing, look};
use sandbox::cgroups;

/// A change of the host, for which a level is to blame.
pub(crate) struct Change {
    /// The check that is about such changes.
    pub(crate) home: &'static str,
    pub(crate) failure: Failure,
}

/// The host of one check, looked at before and after each run.
pub(crate) struct Sides {
    places: Places,
    store: PathBuf,
    judged: u8,
    running: u32,
    /// Since nothing was running: what has run, and whether all of it has ended by itself.
    lines: Vec<String>,
    all_tidied_up: bool,
    /// How many containers' directories may stay, as asked for.
    kept: usize,
    before: Vec<Thing>,
    found: Option<Change>,
}

impl Sides {
    /// For a host with these directories, in one of which is the containers' store.
    pub(crate) fn new(trees: Vec<PathBuf>, store: PathBuf, judged: u8) -> Sides {
        let tops = cgroups::all().unwrap_or_default();
        Sides {
            places: Places {
                trees,
                tops: tops.into_iter().map(|hierarchy| hierarchy.top).collect(),
            },
            store,
            judged,
            running: 0,
            lines: Vec::new(),
            all_tidied_up: true,
            kept: 0,
            before: Vec::new(),
            found: None,
        }
    }

    pub(crate) fn change(&mut self) -> Option<Change> {
        self.found.take()
    }

    /// What is left by what is running is the check's own doing.
    pub(crate) fn expect_leftovers(&mut self) {
        self.all_tidied_up = false;
    }

    pub(crate) fn run_starts(&mut self, line: &str, keeps: bool) {
        if self.running == 0 {
            self.lines.clear();
            self.all_tidied_up = true;
            self.kept = 0;
            self.before = look(&self.places, true);
        }
        self.running += 1;
        self.kept += usize::from(keeps);
        self.lines.push(line.to_owned());
    }

    /// `has_tidied_up`: the level's process has ended by itself; the check has not killed it.
    pub(crate) fn run_ends(&mut self, has_tidied_up: bool) {
        self.all_tidied_up &= has_tidied_up;
        self.running = self.running.saturating_sub(1);
        if self.running == 0 && self.found.is_none() {
            let after = look(&self.places, self.all_tidied_up);
            let changes = self.changes(&after);
            self.found = self.describe(changes);
        }
    }

    /// What is not as it was, and should be.
    fn changes(&self, after: &[Thing]) -> Vec<(Kind, String)> {
        let by_name = |things: &[Thing]| -> BTreeMap<(Kind, String), Thing> {
            let named = things
                .iter()
                .map(|it| ((it.kind, it.what.clone()), it.clone()));
            named.collect()
        };
        let (old, new) = (by_name(&self.before), by_name(after));
        let mut changes = Vec::new();
        for (key, thing) in &old {
            let kind = thing.kind;
            match new.get(key) {
                Some(now) if now.state == thing.state => {}
                _ if self.is_of_the_cache(&thing.path) => {}
                Some(now) => changes.push((kind, is_other(thing, now))),
                // With the mount its file system goes out of sight; and checks end processes.
                None if matches!(kind, Kind::Superblock | Kind::Process) => {}
                None => changes.push((kind, format!("{} is gone", thing.what))),
            }
        }
        let mut kept = self.kept;
        let mut may_stay: Vec<PathBuf> = Vec::new();
        let mut told: Vec<PathBuf> = Vec::new();
        for thing in after
            .iter()
            .filter(|it| !old.contains_key(&(it.kind, it.what.clone())))
        {
            let is_below = |known: &Vec<PathBuf>| known.iter().any(|it| thing.path.starts_with(it));
            let is_path = !thing.path.as_os_str().is_empty();
            if is_path && (is_below(&may_stay) || is_below(&told)) {
                continue;
            }
            if thing.kind == Kind::File && self.may_come(&thing.path, &mut kept) {
                if self.is_whole_tree(&thing.path) {
                    may_stay.push(thing.path.clone());
                }
                continue;
            }
            if may_come_besides(thing) {
                continue;
            }
            if is_path {
                told.push(thing.path.clone());
            }
            changes.push((
                thing.kind,
                format!("{} was not there before the run", thing.what),
            ));
        }
        changes.retain(|(kind, _)| self.all_tidied_up || !kind.is_leftover());
        changes.sort();
        changes
    }

    /// Whether a new file in the store is one that every level leaves: the store, the cache
    /// of images and a tree in it, a container's directory that was to be kept.
    fn may_come(&self, path: &Path, kept: &mut usize) -> bool {
        let Ok(below) = path.strip_prefix(&self.store) else {
            return false;
        };
        let names: Vec<&str> = below.iter().filter_map(|name| name.to_str()).collect();
        match names[..] {
            [] => true,
            [CACHE, ..] => true,
            [id] if is_id(id) && *kept > 0 => {
                *kept -= 1;
                true
            }
            _ => false,
        }
    }

    /// How images are cached, and that what is there is not changed, is for the checks of
    /// level 04 to say: there is more than one right way.
    fn is_of_the_cache(&self, path: &Path) -> bool {
        path.starts_with(self.store.join(CACHE))
    }

    /// Whether all that is below this new file belongs to it.
    fn is_whole_tree(&self, path: &Path) -> bool {
        path != self.store && path != self.store.join(CACHE)
    }

    fn describe(&self, changes: Vec<(Kind, String)>) -> Option<Change> {
        let kind = changes.first()?.0;
        let place = kind.place();
        let same = changes.into_iter().filter(|(other, _)| *other == kind);
        let mut texts: Vec<String> = same.map(|(_, text)| text).collect();
        // With an interface its addresses and routes come and go.
        let is_interface = |text: &String| text.contains(INTERFACE);
        if texts.iter().any(is_interface) {
            texts.retain(is_interface);
        }
        let seen = procfs::few(texts, 4);
        let failure = Failure::seen(seen)
            .expected("after the run its host is as it was before")
            .at(place.evidence)
            .usually(place.usually)
            .ran(self.lines.join(", and "));
        let is_in_store = failure.mentions(&self.store.display().to_string());
        let (home, (level, step)) = match kind {
            // What is mounted in a container's own namespace has come out of it.
            Kind::Mount if self.judged >= 2 => (NO_MOUNTS, (2, 2)),
            Kind::File if is_in_store && self.judged >= 4 => (ONLY_IMAGE_STAYS, (4, 2)),
            // Besides the command it forks nobody but the helper.
            Kind::Process if self.judged == 20 => (place.home, (20, 2)),
            _ => (place.home, place.step),
        };
        let failure = match level <= self.judged {
            true => failure.step(level, step),
            false => failure.elsewhere(),
        };
        Some(Change { home, failure })
    }
}

/// Homes from the levels on that give a change another meaning.
const NO_MOUNTS: &str = "the container's mounts do not appear on the host";
const ONLY_IMAGE_STAYS: &str = "only the unpacked image stays in the container directory";

/// The cache of unpacked images in the store, from level 04 on.
const CACHE: &str = ".images";

/// Twelve hexadecimal digits: a container's.
fn is_id(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The group that all containers' groups are in is made once, and stays. A process that
/// is just ending is not left.
fn may_come_besides(thing: &Thing) -> bool {
    const MOMENT: Duration = Duration::from_millis(500);
    let pid = |what: &str| what.split(' ').nth(1)?.parse().ok();
    match thing.kind {
        Kind::Superblock => true,
        Kind::Group => thing.path.ends_with(CONTAINERS) || is_of_a_map(&thing.path),
        Kind::Process => {
            pid(&thing.what).is_none_or(|pid| process::await_end(pid, MOMENT).unwrap_or(true))
        }
        _ => false,
    }
}

/// The group below that which all containers of one user namespace's root are in, by the number
/// that this root has outside.
fn is_of_a_map(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_there = path.parent().is_some_and(|it| it.ends_with(CONTAINERS));
    is_there && !is_id(&name) && name.bytes().all(|it| it.is_ascii_digit())
}

/// `lo was up before the run, and is down after it`.
fn is_other(old: &Thing, new: &Thing) -> String {
    const SHORT: usize = 60;
    let what = &old.what;
    let is_short = |it: &Thing| it.state.len() <= SHORT && !it.state.contains('\n');
    let is_told = old.kind != Kind::File && !old.state.is_empty() && !new.state.is_empty();
    if is_told && is_short(old) && is_short(new) {
        return format!(
            "{what} was {} before the run, and is {} after it",
            old.state, new.state
        );
    }
    // Of a state of many words, the few that differ.
    let words = |it: &Thing| -> BTreeSet<String> {
        it.state
            .split(", ")
            .flat_map(|it| it.split(','))
            .map(str::to_owned)
            .collect()
    };
    let (before, after) = (words(old), words(new));
    let list = |words: Vec<&String>| procfs::few(words.into_iter().cloned().collect(), 3);
    let (gone, come) = (before.difference(&after), after.difference(&before));
    let (gone, come) = (list(gone.collect()), list(come.collect()));
    match is_told && !gone.is_empty() && !come.is_empty() && gone.len() + come.len() <= 2 * SHORT {
        true if !gone.contains('\n') => {
            format!("{what} was {gone} before the run, and is {come} after it")
        }
        _ => format!("{what} was changed by the run"),
    }
}

/// The checks that changes are at home in.
#[cfg(test)]
pub(crate) fn homes() -> impl Iterator<Item = &'static str> {
    let kinds = kind::ALL.into_iter().map(|kind| kind.place().home);
    kinds.chain([NO_MOUNTS, ONLY_IMAGE_STAYS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(kind: Kind, state: &str) -> Thing {
        Thing {
            kind,
            what: "it".to_owned(),
            state: state.to_owned(),
            path: PathBuf::new(),
        }
    }

    #[test]
    fn what_has_changed_is_said_in_few_words() {
        let (up, down) = (thing(Kind::Network, "up"), thing(Kind::Network, "down"));
        assert_eq!(
            is_other(&up, &down),
            "it was up before the run, and is down after it"
        );
        let options =
            "rw,seclabel,size=24683656k,nr_inodes=3083608,mode=755,inode64,huge=within_size";
        let read_only = options.replace("rw,", "ro,");
        let (old, new) = (
            thing(Kind::Superblock, options),
            thing(Kind::Superblock, &read_only),
        );
        assert_eq!(
            is_other(&old, &new),
            "it was rw before the run, and is ro after it"
        );
        let (old, new) = (thing(Kind::Network, "a\nb"), thing(Kind::Network, "a\nc"));
        assert_eq!(is_other(&old, &new), "it was changed by the run");
    }
}
