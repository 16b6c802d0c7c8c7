//! `cargo workshop clean`: what killed containers have left.
//!
//! A parent removes what it has made, unless it is killed. Nothing else needs to be
//! remembered to find the rest: a container's directory that nobody holds a lock
//! on has no parent any more, and its name is the name of everything else.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use given::Error;
use nix::fcntl::{Flock, FlockArg};

use crate::leftover::{Leftover, parents};

/// Remove everything in `store` that no living parent looks after.
pub(crate) fn clean(store: &Path, dry_run: bool) -> Result<(), Error> {
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
    if leftovers.is_empty() {
        say(&format!(
            "nothing to do in {}: no container is without a parent",
            store.display()
        ));
    }
    if !dry_run {
        for parent in parents() {
            // Refused as long as a group is in it, which is a running container's.
            let _ = linux_sys::rmdir(&parent);
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} containers are not wholly removed; see above").into()),
    }
}

fn find(store: &Path) -> Result<Vec<Leftover>, Error> {
    let refused = |error: &dyn std::fmt::Display| {
        format!(
            "cannot look into the container directory {}: {error}",
            store.display()
        )
    };
    let open = match File::open(store) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        open => open.map_err(|error| refused(&error))?,
    };
    // While we hold it, no container is just being given a directory (given::claim).
    let _gate =
        Flock::lock(open, FlockArg::LockExclusive).map_err(|(_, errno)| refused(&errno.desc()))?;
    let mut leftovers = Vec::new();
    for entry in fs::read_dir(store).map_err(|error| refused(&error))? {
        let path = entry.map_err(|error| refused(&error))?.path();
        leftovers.extend(Leftover::find(path)?);
    }
    Ok(leftovers)
}

/// One line on standard output; a reader who has gone away is no failure.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
