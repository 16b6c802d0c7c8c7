//! `cargo workshop clean`: what killed containers have left.
//!
//! A parent removes what it has made, unless it is killed. Nothing else needs to be
//! remembered to find the rest: a container's directory that nobody holds a lock
//! on has no parent any more, and its name is the name of everything else.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use given::Error;
use nix::fcntl::{Flock, FlockArg};

use crate::leftover::{self, Leftover, parents};
use crate::orphan::{orphans, remove_group};

/// Remove everything in `store` that no living parent looks after, and what is half
/// written in `image_dir`.
pub(crate) fn clean(store: &Path, image_dir: &Path, dry_run: bool) -> Result<(), Error> {
    let leftovers = find(store)?;
    let mut failed = 0;
    for leftover in &leftovers {
        let (processes, mounts, groups) =
            (leftover.processes(), leftover.mounts(), leftover.groups());
        let what = format!(
            "{}: {} processes, {} mounts, {} control groups, and its directory",
            leftover.id(),
            processes.len(),
            mounts.len(),
            groups.len()
        );
        if dry_run {
            say(&format!("would remove {what}"));
        } else if let Err(error) = leftover.remove() {
            failed += 1;
            given::tell(&format!("could not remove {what}: {error}"));
        } else {
            say(&format!("removed {what}"));
        }
    }
    let orphans = orphans();
    for group in &orphans {
        let group_of_nobody = format!("{}, which nobody looks after", group.display());
        if dry_run {
            say(&format!("would remove {group_of_nobody}"));
        } else if let Err(error) = remove_group(group) {
            failed += 1;
            given::tell(&format!("could not remove {group_of_nobody}: {error}"));
        } else {
            say(&format!("removed {group_of_nobody}"));
        }
    }
    let mut partial = Vec::new();
    if !dry_run {
        partial = images::remove_partial(store)?;
        partial.extend(images::remove_partial_archives(image_dir)?);
        remove_parents(store)?;
    }
    for half_made in &partial {
        say(&format!("removed the half-made {}", half_made.display()));
    }
    if leftovers.is_empty() && orphans.is_empty() && partial.is_empty() {
        say(&format!(
            "nothing to do in {}: no container is without a parent",
            store.display()
        ));
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of these could not be wholly removed; see above").into()),
    }
}

/// The containers without a parent.
fn find(store: &Path) -> Result<Vec<Leftover>, Error> {
    let Some(_gate) = close_gate(store)? else {
        return Ok(Vec::new());
    };
    let mut leftovers = Vec::new();
    for directory in entries(store)? {
        leftovers.extend(Leftover::find(directory)?);
    }
    Ok(leftovers)
}

/// Remove the groups called `rubber-docker`, unless a container is there that may be
/// about to make its own in them.
fn remove_parents(store: &Path) -> Result<(), Error> {
    let Some(_gate) = close_gate(store)? else {
        return Ok(());
    };
    if entries(store)?
        .iter()
        .any(|entry| leftover::id(entry).is_some())
    {
        return Ok(());
    }
    for parent in parents() {
        // Refused as long as a group is in it: a container of another store.
        let _ = linux_sys::rmdir(&parent);
    }
    Ok(())
}

/// As long as the lock is held, no container is given a directory (given::claim).
/// `None` if there is no store.
fn close_gate(store: &Path) -> Result<Option<Flock<File>>, Error> {
    let open = match File::open(store) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        open => open.map_err(|error| refused(store, &error))?,
    };
    let gate = Flock::lock(open, FlockArg::LockExclusive);
    Ok(Some(
        gate.map_err(|(_, errno)| refused(store, &errno.desc()))?,
    ))
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

/// One line on standard output; a reader who has gone away is no failure.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
