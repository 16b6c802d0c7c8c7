//! Where a run's images and containers are, and what must be as it was when it is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Directories of a trial's own.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        for file in ["record", "cost"] {
            fs::write(directory.path().join(file), "").unwrap();
        }
        Place { directory }
    }

    fn cost_file(&self) -> PathBuf {
        self.directory.path().join("cost")
    }

    /// What the last run has cost; nothing if it was cut.
    pub(crate) fn cost(&self) -> String {
        fs::read_to_string(self.cost_file()).unwrap()
    }

    pub(crate) fn record_file(&self) -> PathBuf {
        self.directory.path().join("record")
    }

    /// A program with the trial's directories.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("RUBBER_DOCKER_IMAGES", self.directory.path().join("images"))
            .env(
                "RUBBER_DOCKER_CONTAINERS",
                self.directory.path().join("containers"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// `xray record` of a program.
    pub(crate) fn record(&self, words: &[&str]) -> Output {
        self.xray(words).output().unwrap()
    }

    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.xray(words).spawn().unwrap()
    }

    fn xray(&self, words: &[&str]) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_xray")));
        command
            .args(["record", "--output"])
            .arg(self.record_file())
            .arg("--cost")
            .arg(self.cost_file())
            .args(words);
        command
    }

    pub(crate) fn read(&self) -> Value {
        let text = fs::read_to_string(self.record_file()).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why} in {text:?}"))
    }

    /// No process that was started here, or has this word on its command line; and no mount.
    pub(crate) fn nothing_is_left(&self, word: &str) {
        let ours = self.directory.path().to_str().unwrap();
        let read = |path: &Path, file: &str| {
            let bytes = fs::read(path.join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let left: Vec<String> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                read(path, "environ").contains(ours) || read(path, "cmdline").contains(word)
            })
            .map(|path| read(&path, "cmdline"))
            .collect();
        assert!(left.is_empty(), "still running: {left:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(ours), "mounted on the machine: {mounts}");
    }

    /// A word that no other trial has on its command line.
    pub(crate) fn word(&self) -> String {
        self.directory.path().display().to_string()
    }
}

/// Control groups of this container.
pub(crate) fn groups_of(id: &str) -> Vec<PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .flatten();
    let all = hierarchies
        .map(|it| it.path())
        .chain(["/sys/fs/cgroup".into()]);
    let groups = all.map(|it| it.join("rubber-docker").join(id));
    groups.filter(|it| it.is_dir()).collect()
}

/// A finished program of the workspace.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_xray")).with_file_name(name);
    assert!(
        path.exists(),
        "{} is not there: cargo build --workspace --bins",
        path.display()
    );
    path
}

/// Text of a program, for an assertion.
pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}
