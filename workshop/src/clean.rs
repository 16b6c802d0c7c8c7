//! `cargo workshop clean`: what killed containers have left.
//!
//! A parent removes what it has made, unless it is killed. Nothing else needs to be
//! remembered to find the rest: a container's directory that no process holds a
//! lock on has no parent any more, and its name is the name of everything else. Its command
//! may live: the wish to die with the parent is lost at a setuid exec (level 10). What was
//! to be kept stays, and what may be something else is asked about.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use given::{Error, printable};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::inhabitants;
use crate::own_users;
use crate::screen;
use crate::stale_cgroup::stale_cgroups;
use crate::stale_container::{Disposition, Found, StaleContainer, id, parents};

/// What was done, for the last line and the exit status.
#[derive(Default)]
struct Tally {
    dry_run: bool,
    told: usize,
    failed: usize,
}

/// For root: all that containers have left, and then what those have that were started with
/// `--userns`: as their root, in a user namespace as theirs was.
pub(crate) fn clean_all(store: &Path, image_dir: &Path, dry_run: bool) -> Result<(), Error> {
    let all = clean(store, image_dir, dry_run);
    if !geteuid().is_root() {
        return all;
    }
    // Where there is no map, there has been no such container.
    match given::own_directories(store, image_dir) {
        Ok((map, mapped, _)) if mapped.is_dir() => {
            own_users::become_root(&map)?;
            all.and(clean(&mapped, image_dir, dry_run))
        }
        _ => all,
    }
}

/// For an ordinary user: what their own containers have left, which ran without root.
pub(crate) fn clean_own(store: &Path, image_dir: &Path, dry_run: bool) -> Result<(), Error> {
    if geteuid().is_root() {
        return Err("--own is for an ordinary user: without it, root removes it all".into());
    }
    let (map, store, image_dir) = given::own_directories(store, image_dir)?;
    // While it can be seen whose the way to it is.
    images::find_store(&store)?;
    own_users::become_root(&map)?;
    clean(&store, &image_dir, dry_run)
}

/// Remove everything in `store` that no living parent looks after, and what is half
/// written in `image_dir`.
fn clean(store: &Path, image_dir: &Path, dry_run: bool) -> Result<(), Error> {
    let mut tally = Tally {
        dry_run,
        ..Tally::default()
    };
    // Without links, as the table of mounts knows it; and not in the hands of others.
    let found = images::find_store(store)?;
    if let Some(store) = &found {
        for (path, found) in find(store)? {
            one(&path, &found, &mut tally)?;
        }
    }
    // In a user namespace the others' groups are not ours to remove.
    let groups = match given::is_in_user_namespace()? {
        true => Vec::new(),
        false => stale_cgroups(),
    };
    for group in &groups {
        let what = format!("{}, which no parent looks after", group.display());
        tally.remove(&what, || {
            inhabitants::await_dying(group)?;
            given::remove_groups(group)
        });
    }
    if !dry_run {
        half_made(found.as_deref(), image_dir, &mut tally)?;
    }
    if tally.told == 0 {
        tally.say(&format!(
            "nothing to do in {}: no container is without a parent",
            store.display()
        ));
    }
    match tally.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} of these could not be wholly removed; see above").into()),
    }
}

fn half_made(store: Option<&Path>, image_dir: &Path, tally: &mut Tally) -> Result<(), Error> {
    let mut partial = images::remove_partial_archives(image_dir)?;
    if let Some(store) = store {
        partial.extend(images::remove_partial(store)?);
        remove_parents(store)?;
    }
    for path in partial {
        tally.say(&format!("removed the half-made {}", path.display()));
    }
    Ok(())
}

fn one(path: &Path, found: &Found, tally: &mut Tally) -> Result<(), Error> {
    let rm = "sudo rm -r --one-file-system";
    match found {
        Found::InUse => {}
        Found::Strange(what) => {
            tally.keep(
                path,
                &format!("it is {what}, and no container's directory"),
                rm,
            );
        }
        Found::MountPoint => tally.keep(path, "something is mounted on it", "sudo umount"),
        Found::Hidden(errno) => {
            let why = format!("it cannot be looked at: {errno:?} ({})", errno.desc());
            tally.keep(path, &why, rm);
        }
        Found::Abandoned(container, Disposition::Removable) => {
            tally.remove(&inventory(container), || container.remove());
        }
        Found::Abandoned(container, Disposition::Kept) => {
            kept(container, tally);
            tally.keep(path, "it was started with --keep", rm);
        }
        Found::Abandoned(container, Disposition::Unsure(why)) => {
            let inventory = inventory(container);
            if !tally.dry_run && ask(path, why, &inventory)? {
                tally.remove(&inventory, || container.remove());
            } else {
                let why = format!(
                    "it {why}, so it is not removed without a question, and `cargo workshop clean` asks at a terminal"
                );
                tally.keep(path, &why, rm);
            }
        }
    }
    Ok(())
}

/// `--keep` is about the directory. What ran and was mounted there was to end.
fn kept(container: &StaleContainer, tally: &mut Tally) {
    let (processes, mounts, groups) = counts(container);
    if processes + mounts + groups > 0 {
        let what = format!(
            "what was left of {}: {processes} processes, {mounts} mounts, {groups} control groups",
            container.id()
        );
        tally.remove(&what, || container.end());
    }
}

fn counts(container: &StaleContainer) -> (usize, usize, usize) {
    (
        container.processes().len(),
        container.mounts().len(),
        container.groups().len(),
    )
}

fn inventory(container: &StaleContainer) -> String {
    let (processes, mounts, groups) = counts(container);
    format!(
        "{}: {processes} processes, {mounts} mounts, {groups} control groups, and its directory",
        container.id()
    )
}

/// Whether the caller, asked at the terminal, wants it removed. Without a terminal: no.
fn ask(path: &Path, why: &str, inventory: &str) -> Result<bool, Error> {
    let mut terminal = io::stderr();
    if !io::stdin().is_terminal() || !terminal.is_terminal() {
        return Ok(false);
    }
    let path = path.display();
    let question = format!("{path}: it {why}. Remove {inventory}? [y/N] ");
    write!(terminal, "{}", printable(question))?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl Tally {
    fn remove(&mut self, what: &str, remove: impl FnOnce() -> Result<(), Error>) {
        if self.dry_run {
            self.say(&format!("would remove {what}"));
        } else if let Err(error) = remove() {
            self.told += 1;
            self.failed += 1;
            given::log(&format!("could not remove {what}: {error}"));
        } else {
            self.say(&format!("removed {what}"));
        }
    }

    fn keep(&mut self, path: &Path, why: &str, by_hand: &str) {
        let would = if self.dry_run { "would keep" } else { "kept" };
        let path = path.display().to_string();
        let word = given::shell_word(&path);
        self.say(&format!(
            "{would} {path}: {why}; by hand: `{by_hand} {word}`"
        ));
    }

    /// A message on standard output, wrapped where that is a terminal; a reader who has gone
    /// away is no failure.
    fn say(&mut self, message: &str) {
        self.told += 1;
        screen::prose(printable(message));
    }
}

/// What has the name of a container.
fn find(store: &Path) -> Result<Vec<(PathBuf, Found)>, Error> {
    let gate = close_gate(store)?;
    let mut all = Vec::new();
    for path in entries(store)? {
        let found = id(&path).and_then(|id| Found::look(&gate, &path, id));
        all.extend(found.map(|found| (path, found)));
    }
    Ok(all)
}

/// Remove the groups called `rubber-docker`, unless a container is there that may be
/// about to make its own in them.
fn remove_parents(store: &Path) -> Result<(), Error> {
    let gate = close_gate(store)?;
    let is_in_use = |path: &PathBuf| {
        let found = id(path).and_then(|id| Found::look(&gate, path, id));
        matches!(found, Some(Found::InUse | Found::Hidden(_)))
    };
    if entries(store)?.iter().any(is_in_use) {
        return Ok(());
    }
    for parent in parents() {
        // The leaf for parents who are root of a user namespace (`given::cgroup`).
        let _ = linux_sys::rmdir(parent.join("parents"));
        // Refused as long as a group is in it: a container of another store.
        let _ = linux_sys::rmdir(&parent);
    }
    Ok(())
}

/// As long as the lock is held, no container is given a directory (given::create_container_dir).
fn close_gate(store: &Path) -> Result<Flock<File>, Error> {
    let open = File::open(store).map_err(|error| refused(store, &error))?;
    let gate = Flock::lock(open, FlockArg::LockExclusive);
    gate.map_err(|(_, errno)| refused(store, &errno.desc()))
}

fn entries(store: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(store)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    read().map_err(|error| refused(store, &error))
}

fn refused(store: &Path, why: &dyn std::fmt::Display) -> Error {
    format!(
        "cannot look into the container directory {}: {why}",
        store.display()
    )
    .into()
}
