//! A small workshop in a temporary directory, with git where a test needs it.

use curriculum::levels::{self, Level};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    /// A workshop without a level.
    pub(crate) fn new() -> Workshop {
        let workshop = Workshop {
            directory: tempfile::tempdir().unwrap(),
        };
        workshop.write("Cargo.toml", "[workspace]\n");
        fs::create_dir(workshop.root().join("levels")).unwrap();
        workshop
    }

    /// Levels 00, 01 and complete, each with this `src/main.rs`.
    pub(crate) fn of_mains(mains: [&str; 3]) -> Workshop {
        let workshop = Workshop::new();
        let packages = [
            ("00_first", "level00"),
            ("01_second", "level01"),
            ("complete", "rd"),
        ];
        for ((directory, package), main) in packages.into_iter().zip(mains) {
            workshop.level(directory, package);
            workshop.write(&format!("levels/{directory}/src/main.rs"), main);
        }
        workshop
    }

    /// A level with a manifest, the facts, and nothing else.
    pub(crate) fn level(&self, directory: &str, package: &str) {
        self.level_of(1, directory, package);
    }

    /// The same, of this part.
    pub(crate) fn level_of(&self, part: u8, directory: &str, package: &str) {
        let manifest = format!(
            "[package]\nname = \"{package}\"\ndescription = \"{directory} at work\"\n\n\
             [dependencies]\ngiven = \"1\"\n\n[lints]\nworkspace = true\n"
        );
        self.write(&format!("levels/{directory}/Cargo.toml"), &manifest);
        let facts = format!("title = \"{directory} at work\"\npart = {part}\nminutes = 20\n");
        self.write(&format!("levels/{directory}/level.toml"), &facts);
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn levels(&self) -> Vec<Level> {
        levels::discover(self.root()).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Replaces text that must be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Commits everything.
    pub(crate) fn commit(&self) {
        self.git(&["init", "--quiet"]);
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", "as it is now"]);
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(self.root());
        git.args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.org",
            "-c",
            "commit.gpgsign=false",
        ]);
        let output = git.args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
