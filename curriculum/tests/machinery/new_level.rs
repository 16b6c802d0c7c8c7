//! A level that is added: its skeleton is sound at once, and all that it lacks is named.
//! Tried on a copy of the real levels and pages, since the lists are in these.

use curriculum::levels::{self, Level};
use curriculum::lock::{Lock, State};
use curriculum::new_level::{self, NewLevel};
use curriculum::{chain, lacking};
use std::fs;
use std::path::{Path, PathBuf};

const COPIED: [&str; 9] = [
    ".cargo/as-root",
    "Cargo.toml",
    "README.md",
    "levels",
    "syllabus/src",
    "checks/src/levels",
    "checks/wrong",
    "docs/src",
    "slides/deck",
];

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

pub(crate) struct Course {
    directory: tempfile::TempDir,
}

impl Course {
    pub(crate) fn new() -> Course {
        let directory = tempfile::tempdir().unwrap();
        let root = levels::workspace_root().unwrap();
        for path in COPIED {
            copy(&root.join(path), &directory.path().join(path));
        }
        Course { directory }
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn levels(&self) -> Vec<Level> {
        levels::discover(self.root()).unwrap()
    }

    fn make(&self, number: u8, name: &str) -> curriculum::Result<Vec<PathBuf>> {
        let new = NewLevel {
            number,
            name: name.to_owned(),
            title: "paths that are covered".to_owned(),
            part: None,
        };
        new_level::make(self.root(), &self.levels(), &new)
    }
}

pub(crate) const NEXT: u8 = syllabus::LAST + 1;

#[test]
fn its_skeleton_is_a_link_of_the_chain() {
    let course = Course::new();
    let package = format!("level{NEXT:02}");
    let written = course.make(NEXT, "masked_paths").unwrap();
    assert!(written.iter().all(|path| course.root().join(path).exists()));
    let levels = course.levels();
    let index = levels.len() - 2;
    let level = &levels[index];
    assert_eq!(level.package, package);
    // What is behind the last level of a part belongs to that part.
    assert_eq!(level.facts.part, levels[index - 1].facts.part);
    // The solution of the level before has not changed, and this one's is still the same.
    for (pair, violations) in chain::report(course.root(), &levels[index - 1..]).unwrap() {
        assert!(violations.is_empty(), "{pair}: {violations:?}");
    }
    let lock = Lock::read(course.root()).unwrap();
    assert_eq!(lock.state(course.root(), level).unwrap(), State::Skeleton);
    for file in level.files(course.root()).unwrap() {
        let text = fs::read_to_string(course.root().join(level.path()).join(&file)).unwrap();
        for name in ["-p rd", "EXE_rd", "\"rd\""] {
            assert!(!text.contains(name), "{}: {name}", file.display());
        }
    }
}

#[test]
fn all_that_it_lacks_is_named() {
    let course = Course::new();
    course.make(NEXT, "masked_paths").unwrap();
    let levels = course.levels();
    let lacking = lacking::of(course.root(), &levels, levels.len() - 2).unwrap();
    let last = &levels[levels.len() - 3];
    for (file, what) in [
        (format!("levels/{NEXT}_masked_paths/src: "), "no block"),
        (
            format!("levels/{NEXT}_masked_paths/src/main.rs:3: "),
            "to be filled in",
        ),
        (
            format!("levels/{NEXT}_masked_paths/README.md: "),
            "step 1 of the task",
        ),
        (
            format!("levels/{NEXT}_masked_paths/README.md:3: "),
            "to be filled in",
        ),
        (
            format!("{}/README.md: ", last.path().display()),
            "no link on",
        ),
        (format!("checks/src/levels/l{NEXT}.rs:"), "to be filled in"),
        (
            format!("checks/wrong/{NEXT}: "),
            "1 wrong solutions; 4 are promised",
        ),
        (
            format!("checks/wrong/{NEXT}/step-1-left-out.patch:1: "),
            "to be filled in",
        ),
        ("slides/deck/".to_owned(), "to be filled in"),
        ("docs/src/glossary.md: ".to_owned(), "a word that it brings"),
        (
            "docs/src/class/helpers.md:".to_owned(),
            "to be filled in: what they see",
        ),
        ("README.md:".to_owned(), "to be filled in: its calls"),
    ] {
        let is_named = |line: &String| line.starts_with(&file) && line.contains(what);
        assert!(lacking.iter().any(is_named), "{file}{what}: {lacking:#?}");
    }
}

#[test]
fn what_is_taken_away_is_missed() {
    let course = Course::new();
    let levels = course.levels();
    let number = levels[3].number.unwrap();
    let taken = |path: &str, text: &str| {
        let file = course.root().join(path);
        let before = fs::read_to_string(&file).unwrap();
        assert!(before.contains(text), "{path} has no {text:?}");
        fs::write(&file, before.replace(text, "")).unwrap();
        let lacking = lacking::of(course.root(), &course.levels(), 3).unwrap();
        fs::write(&file, before).unwrap();
        lacking.join("\n")
    };
    assert_eq!(number, 3);
    assert_eq!(lacking::of(course.root(), &levels, 3).unwrap(), [""; 0]);
    for (path, text, said) in [
        ("README.md", "| [03](", "README.md: its row"),
        (
            "docs/src/SUMMARY.md",
            "- [Level 03: ",
            "the line of its page",
        ),
        (
            "docs/src/glossary.md",
            "](lessons/03.md)",
            "a word that it brings",
        ),
        (
            "docs/src/class/helpers.md",
            "| 03 | ",
            "a row about what goes wrong",
        ),
        (
            "slides/deck/13-pivot-root.md",
            "level: 03",
            "no section has `level: 03`",
        ),
        (
            "slides/deck/13-pivot-root.md",
            "exercise: 18",
            "minutes of talk and exercise; levels/03_pivot_root",
        ),
        (
            "levels/03_pivot_root/README.md",
            "# Level 03: ",
            "its first line is not",
        ),
        (
            "levels/03_pivot_root/README.md",
            "## Further reading",
            "\"reading\"",
        ),
        (
            "levels/02_mount_ns/README.md",
            "](../03_pivot_root/README.md)",
            "no link on",
        ),
    ] {
        let lacking = taken(path, text);
        assert!(lacking.contains(said), "without {text:?}: {lacking}");
    }
    fs::remove_file(course.root().join("levels/skeletons.lock")).unwrap();
    let lacking = lacking::of(course.root(), &levels, 3).unwrap();
    assert!(
        lacking[0].starts_with("levels/skeletons.lock"),
        "{lacking:?}"
    );
}

#[test]
fn a_level_that_cannot_be_made_changes_nothing() {
    let course = Course::new();
    for (number, name, said) in [
        (NEXT - 1, "masked_paths", "comes behind the last one"),
        (NEXT + 1, "masked_paths", "comes behind the last one"),
        (NEXT, "Masked-Paths", "small letters"),
        (NEXT, "", "small letters"),
    ] {
        let error = course.make(number, name).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    // A line that is to be found is not there.
    let summary = course.root().join("docs/src/SUMMARY.md");
    fs::write(&summary, "# Rubber Docker in Rust\n").unwrap();
    let error = course.make(NEXT, "masked_paths").unwrap_err().to_string();
    assert!(
        error.contains("docs/src/SUMMARY.md: no line begins with"),
        "{error}"
    );
    assert_eq!(course.levels().len(), syllabus::TABLE.len());
}
