//! A level that begins a part: a crate above the library of the last solution, and behind it
//! a solution of its own. Its files on a copy of the real course; that they build, on a small
//! one.

use crate::fixture::Workshop;
use crate::new_level::{Course, NEXT};
use curriculum::levels::{self, Level};
use curriculum::lock::{Lock, State};
use curriculum::new_level::{self, NewLevel};
use curriculum::{chain, lacking, promotion};
use rstest::rstest;
use std::path::{Path, PathBuf};
use std::process::Command;

fn make(root: &Path, number: u8, name: &str, part: Option<&str>) -> curriculum::Result<()> {
    let new = NewLevel {
        number,
        name: name.to_owned(),
        title: "paths that are covered".to_owned(),
        part: part.map(str::to_owned),
    };
    new_level::make(root, &levels::discover(root)?, &new).map(drop)
}

fn read(root: &Path, path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn violations(root: &Path, levels: &[Level]) -> Vec<String> {
    let report = chain::report(root, levels).unwrap().into_iter();
    report.flat_map(|(_, violations)| violations).collect()
}

#[test]
fn it_stands_above_the_library_of_the_last_part() {
    let course = Course::new();
    let root = course.root();
    make(root, NEXT, "config", Some("engine")).unwrap();
    let levels = course.levels();
    let [.., last, below, level, solution] = &levels[..] else {
        panic!("too few levels");
    };
    let names = [last, below, level, solution].map(|it| (it.facts.part, it.package.as_str()));
    let [before, package] = [NEXT - 1, NEXT].map(|number| format!("level{number}"));
    assert_eq!(
        names,
        [(2, &*before), (2, "harden"), (3, &*package), (3, "rd")]
    );

    // Of its own it has the two files that know the options; all others are the library's.
    let files = [
        "Cargo.toml",
        "src/container.rs",
        "src/main.rs",
        "tests/check.rs",
    ];
    assert_eq!(level.files(root).unwrap(), files.map(PathBuf::from));
    let of = |level: &Level, file: &str| read(root, level.path().join(file));
    for file in ["src/container.rs", "src/main.rs"] {
        let code = |text: String| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with("//!"));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(code(of(level, file)), code(of(below, file)), "{file}");
        assert_eq!(code(of(level, file)), code(of(solution, file)), "{file}");
    }
    let manifest = of(level, "Cargo.toml");
    let harden = "harden = { path = \"../harden\", package = \"harden\" }\n";
    let isolate = "isolate = { path = \"../complete\", package = \"complete\" }\n";
    let own = "clap.workspace = true\ngiven.workspace = true\n";
    let dependencies =
        format!("\n[dependencies]\n{own}{harden}{isolate}linux-sys.workspace = true\n\n[dev-");
    for level in [level, solution] {
        let manifest = of(level, "Cargo.toml");
        assert!(manifest.contains(&dependencies), "{manifest}");
    }
    assert!(!manifest.contains("[lib]"), "{manifest}");

    // The part is closed like the one before it, and another could begin above it.
    let library = |level| promotion::library(root, level).unwrap();
    assert_eq!(library(below), Some("harden".to_owned()));
    assert_eq!(library(solution), Some("engine".to_owned()));
    assert_eq!(violations(root, &levels), [""; 0]);
    let lock = Lock::read(root).unwrap();
    for level in [below, level, solution] {
        let state = lock.state(root, level).unwrap();
        assert_eq!(state, State::Skeleton, "{}", level.directory);
    }
    assert_eq!(of(level, "level.toml").lines().nth(1), Some("part = 3"));
}

#[test]
fn rd_is_the_solution_of_the_new_part() {
    let course = Course::new();
    let root = course.root();
    make(root, NEXT, "config", Some("engine")).unwrap();
    for file in [
        "Cargo.toml",
        "src/main.rs",
        "src/lib.rs",
        "tests/check.rs",
        "README.md",
    ] {
        let text = read(root, Path::new("levels/harden").join(file));
        let is_rd = |line: &&str| {
            line.split(|it: char| !it.is_alphanumeric())
                .any(|it| it == "rd")
        };
        let left: Vec<&str> = text.lines().filter(is_rd).collect();
        assert_eq!(left, [""; 0], "levels/harden/{file}");
    }
    let levels = course.levels();
    let before = levels.iter().find(|it| it.number == Some(NEXT - 1));
    let before = &before.unwrap().directory;
    let lists = [
        (
            "syllabus/src/lib.rs",
            "    \"harden\",\n    \"17_config\",\n    \"engine\",\n",
        ),
        (
            "docs/src/SUMMARY.md",
            "- [The solution of Part 2](lessons/harden.md)\n\
             - [Level 17: paths that are covered](lessons/17.md)\n\
             - [The finished runtime](lessons/engine.md)\n",
        ),
        (
            "README.md",
            "| FILL IN: its calls |\n| [`rd`](levels/engine) |",
        ),
        (
            ".cargo/as-root",
            "    harden)                 needs_root=$(verb_needs_root \"$levels/harden/level.toml\") ;;\n    \
             rd)                     needs_root=$(verb_needs_root \"$levels/engine/level.toml\") ;;\n",
        ),
        (
            "levels/17_config/README.md",
            "level 17 is done; on to levels/engine/README.md",
        ),
        // Between two parts the road goes by the solution.
        (
            &*format!("levels/{before}/README.md"),
            "; on to levels/harden/README.md",
        ),
        ("docs/src/lessons/engine.md", "levels/engine/README.md"),
    ];
    for (file, text) in lists {
        let text = text.replace("17", &NEXT.to_string());
        let file = file.replace("17_config", &format!("{NEXT}_config"));
        assert!(read(root, &file).contains(&text), "{file} has no {text:?}");
    }
    let lacking = lacking::of(root, &levels, levels.len() - 2)
        .unwrap()
        .join("\n");
    assert!(
        lacking.contains("levels/harden/README.md: no link on to this level"),
        "{lacking}"
    );
}

const MAIN: &str = "\
//! rd: all of it.

mod container;
use isolate::second;

fn main() {
    std::process::exit(container::contain(second::NUMBER));
}
";
const CONTAINER: &str = "\
use crate::second;

pub fn contain(number: i32) -> i32 {
    number + second::NUMBER
}
";
const MANIFEST: &str = "\
[package]
name = \"rd\"
description = \"rd: every level solved\"
edition = \"2024\"

[lib]
name = \"isolate\"
path = \"src/lib.rs\"

[[bin]]
name = \"rd\"
path = \"src/main.rs\"

[dependencies]

[lints.rust]
warnings = \"deny\"
";

/// A course of one part, with the lists that a new level is written into.
fn small() -> Workshop {
    let workshop = Workshop::of_mains(["fn main() {}\n", "fn main() {}\n", MAIN]);
    for (path, text) in [
        ("levels/complete/Cargo.toml", MANIFEST),
        ("levels/complete/src/container.rs", CONTAINER),
        (
            "levels/complete/src/lib.rs",
            "//! isolate: its rooms.\n\npub mod second;\n",
        ),
        (
            "levels/complete/src/second.rs",
            "pub const NUMBER: i32 = 21;\n",
        ),
        (
            "syllabus/src/lib.rs",
            "    \"01_second\",\n    \"complete\",\n",
        ),
        ("checks/src/levels/mod.rs", "mod l01;\n    l01::LEVEL,\n"),
        (
            "docs/src/SUMMARY.md",
            "- [Level 01: second](lessons/01.md)\n- [The finished runtime](lessons/complete.md)\n",
        ),
        ("docs/src/class/helpers.md", "| 01 | it | is | so |\n"),
        (
            "README.md",
            "| [01](levels/01) | x | y |\n| [`rd`](levels/complete) | x | |\n",
        ),
        (
            ".cargo/as-root",
            "    rd)                     needs_root=$(verb_needs_root \"$levels/complete/level.toml\") ;;\n",
        ),
        ("slides/deck/10-one.md", "level: 01\nexercise: 10\n"),
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"levels/*\"]\nexclude = [\"levels/00_first\", \"levels/01_second\"]\n",
        ),
    ] {
        workshop.write(path, text);
    }
    workshop
}

/// What a program of the workshop, built without a warning, exits with.
fn status(workshop: &Workshop, package: &str) -> Option<i32> {
    let output = curriculum::cargo(workshop.root())
        .args(["build", "-q", "--offline", "-p", package])
        .env("CARGO_TARGET_DIR", workshop.root().join("target"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{package}: {said}"
    );
    let program = workshop.root().join("target/debug").join(package);
    Command::new(program).status().unwrap().code()
}

#[test]
fn it_builds_and_so_does_all_that_comes_behind_it() {
    let workshop = small();
    let root = workshop.root();
    make(root, 2, "third", Some("harden")).unwrap();
    // Each has the library's room, in main.rs and in the recipe.
    for package in ["complete", "level02", "rd"] {
        assert_eq!(status(&workshop, package), Some(42), "{package}");
    }
    // The part's second level is a level like any other: the text of the solution.
    make(root, 3, "fourth", None).unwrap();
    assert_eq!(violations(root, &workshop.levels()[3..]), [""; 0]);
    assert_eq!(status(&workshop, "level03"), Some(42));
    // And a third part can begin above the second, on both libraries.
    make(root, 4, "fifth", Some("engine")).unwrap();
    for package in ["harden", "level04", "rd"] {
        assert_eq!(status(&workshop, package), Some(42), "{package}");
    }
    let packages: Vec<String> = workshop.levels().into_iter().map(|it| it.package).collect();
    assert_eq!(
        packages[3..],
        ["level02", "level03", "harden", "level04", "rd"]
    );
}

#[rstest]
#[case::a_digit("2nd", "a letter first")]
#[case::a_capital("Harden", "small letters")]
#[case::none("", "a letter first")]
#[case::one_that_is_there("complete", "is there already")]
fn a_part_that_cannot_be_begun_changes_nothing(#[case] part: &str, #[case] said: &str) {
    let workshop = small();
    let error = make(workshop.root(), 2, "third", Some(part)).unwrap_err();
    assert!(error.to_string().contains(said), "{error}");
    assert_eq!(workshop.levels().len(), 3);
}

#[test]
fn without_a_library_below_it_there_is_no_part() {
    let workshop = small();
    workshop.edit("levels/complete/Cargo.toml", "[lib]", "[other]");
    let error = make(workshop.root(), 2, "third", Some("harden")).unwrap_err();
    assert!(error.to_string().contains("has no [lib]"), "{error}");
    assert_eq!(workshop.levels().len(), 3);
}
