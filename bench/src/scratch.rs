//! Where a measurement puts all that it makes, and how that is removed.

use std::fs;
use std::path::{Path, PathBuf};

use given::Error;

/// A directory, and the control groups that belong to it.
pub struct Scratch {
    /// On a disk, as containers are.
    pub path: PathBuf,
    /// In the hierarchies that the measurement uses: those that were not there before.
    parents: Vec<PathBuf>,
}

/// The group of the OCI runtimes. rd has a `rubber-docker` as always.
pub const OCI_GROUP: &str = "rubber-docker-bench";

impl Scratch {
    /// Below the directory that cargo builds in, next to this program.
    pub fn new() -> Result<Scratch, Error> {
        let program = std::env::current_exe()?;
        let target = program.parent().ok_or("this program is in no directory")?;
        // By a random name (mkdtemp(3)), not by our number: a measurement that was killed has
        // left its directory, and in a PID namespace the next one may have the same number.
        let template = target.join("bench-XXXXXX");
        let path = nix::unistd::mkdtemp(&template)
            .map_err(|errno| format!("cannot make {}: {errno}", template.display()))?;
        let parents = tops()?
            .iter()
            .flat_map(|top| [top.join(OCI_GROUP), top.join("rubber-docker")])
            .filter(|group| !group.exists())
            .collect();
        Ok(Scratch { path, parents })
    }

    /// The path of a file in the scratch directory.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Remove it all.
    pub fn remove(&self) -> Result<(), Error> {
        images::remove_tree(&self.path)?;
        for group in &self.parents {
            // An OCI runtime that was killed leaves its container's group.
            for name in ["crun", "runc"] {
                let _ = fs::remove_dir(group.join(name));
            }
            // Not there, or another user's container has just come: both are fine.
            let _ = fs::remove_dir(group);
        }
        Ok(())
    }
}

/// Where this machine's cgroup hierarchies are mounted.
pub fn tops() -> Result<Vec<PathBuf>, Error> {
    let mounts = given::read(Path::new("/proc/self/mountinfo"))?;
    let tops = mounts
        .lines()
        .filter(|line| line.contains(" - cgroup"))
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from);
    Ok(tops.collect())
}

/// Write a whole file, and name it if that fails.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(())
}
