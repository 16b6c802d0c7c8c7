//! A clone of the tree to build and to write in, and how long a command takes there.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use given::Error;

/// The clone, and beside it a home of cargo's in which nothing has been downloaded.
pub struct Tree {
    scratch: PathBuf,
}

/// How long something took.
#[derive(Clone, Copy)]
pub struct Taken {
    /// On the clock.
    pub wall: Duration,
    /// On all processors together, children included.
    pub cpu: Duration,
}

impl Tree {
    /// Below the directory that cargo builds in, next to this program.
    pub fn new() -> Result<Tree, Error> {
        let program = std::env::current_exe()?;
        let target = program.parent().ok_or("this program is in no directory")?;
        let scratch = target.join(format!("learner-{}", std::process::id()));
        fs::create_dir(&scratch)
            .map_err(|error| format!("cannot make {}: {error}", scratch.display()))?;
        Ok(Tree { scratch })
    }

    /// Remove the clone, and all that was built in it.
    pub fn remove(&self) -> Result<(), Error> {
        images::remove_tree(&self.scratch)?;
        Ok(())
    }

    /// Clone what was committed last.
    pub fn clone_head(&self) -> Result<(), Error> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut git = Command::new("git");
        git.args(["clone", "--quiet"])
            .arg(root)
            .arg(self.scratch.join("tree"));
        let done = git
            .status()
            .map_err(|error| format!("cannot start git: {error}"))?;
        if !done.success() {
            return Err("git could not clone the tree, and says why above".into());
        }
        // The user's setting of where crates come from stays: it is not what we measure.
        let home = self.scratch.join("cargo");
        fs::create_dir(&home)?;
        if let Some(usual) = usual_home() {
            let _ = fs::copy(usual.join("config.toml"), home.join("config.toml"));
        }
        Ok(())
    }

    /// Where something of the clone is.
    pub fn path(&self, below: &str) -> PathBuf {
        self.scratch.join("tree").join(below)
    }

    /// Forget everything that was built.
    pub fn forget_builds(&self) -> Result<(), Error> {
        images::remove_tree(&self.path("target"))?;
        Ok(())
    }

    /// Run a command of the learner's, and say how long it took.
    pub fn time(&self, line: &str) -> Result<Taken, Error> {
        let mut words = line.split(' ');
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .current_dir(self.path(""))
            .env("CARGO_HOME", self.scratch.join("cargo"))
            // The learner has not set it; we may have been built with it.
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (started, used) = (Instant::now(), children()?);
        let output = command
            .output()
            .map_err(|error| format!("cannot start `{line}`: {error}"))?;
        let wall = started.elapsed();
        let cpu = children()?.saturating_sub(used);
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            return Err(format!("`{line}`:\n{}", String::from_utf8_lossy(&said)).into());
        }
        Ok(Taken { wall, cpu })
    }
}

fn usual_home() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
    std::env::var_os("CARGO_HOME").map_or_else(home, |it| Some(it.into()))
}

/// The processor time of all children that have ended, and of theirs: fields 16 and 17 of
/// proc_pid_stat(5), in hundredths of a second.
fn children() -> Result<Duration, Error> {
    let stat = given::read(Path::new("/proc/self/stat"))?;
    // The name, field 2, may have blanks in it; it ends with the last bracket.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks = after.split(' ').skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

impl Taken {
    /// The median of each part.
    pub fn median(all: &[Taken]) -> Taken {
        let middle = |part: fn(&Taken) -> Duration| {
            let mut parts: Vec<Duration> = all.iter().map(part).collect();
            parts.sort();
            parts.get(parts.len() / 2).copied().unwrap_or_default()
        };
        Taken {
            wall: middle(|it| it.wall),
            cpu: middle(|it| it.cpu),
        }
    }

    /// The time of two commands, one after the other.
    pub fn then(self, next: Taken) -> Taken {
        Taken {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
        }
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wall, cpu) = (self.wall.as_secs_f32(), self.cpu.as_secs_f32());
        write!(f, "{wall:.1} s ({cpu:.1} s)")
    }
}
