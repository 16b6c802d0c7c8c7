//! Where a part ends: its solution is the library of the next, and no chain leads there.

use crate::fixture::Workshop;
use curriculum::carry::{self, Outcome};
use curriculum::chain;
use curriculum::levels;
use curriculum::lock::{Lock, State};
use curriculum::patch::{self, Patch};
use std::path::Path;

const FIRST: &str = "fn main() {
    // TODO(00) 1. Fork.
    // END TODO(00)
    one();
    two();
    three();
    report();
}
";
const SECOND: &str = "fn main() {
    fork();
    // TODO(01) 1. Change it.
    // END TODO(01)
    one();
    two();
    three();
    report();
}
";
const COMPLETE: &str = "fn main() {
    fork();
    chroot();
    one();
    two();
    three();
    report();
}
";
const THIRD: &str = "fn main() {\n    isolate::all();\n    // TODO(02) 1. Hide.\n    // END TODO(02)\n    tell();\n}\n";
const HARDENED: &str = "fn main() {\n    isolate::all();\n    mask();\n    tell();\n}\n";

/// Two levels and their solution, and a second part of one level.
fn workshop() -> Workshop {
    let workshop = Workshop::of_mains([FIRST, SECOND, COMPLETE]);
    workshop.edit("levels/complete/Cargo.toml", "\"rd\"", "\"complete\"");
    for (directory, package, main) in [("02_third", "level02", THIRD), ("hardened", "rd", HARDENED)]
    {
        workshop.level_of(2, directory, package);
        workshop.write(&format!("levels/{directory}/src/main.rs"), main);
    }
    workshop
}

fn violations(workshop: &Workshop) -> Vec<String> {
    let report = chain::report(workshop.root(), &workshop.levels()).unwrap();
    let lines = report.into_iter();
    lines
        .map(|(pair, all)| format!("{pair}: {}", all.join("; ")))
        .collect()
}

#[test]
fn a_part_is_its_levels_and_behind_them_its_solution() {
    let levels = workshop().levels();
    let packages: Vec<&str> = levels.iter().map(|level| level.package.as_str()).collect();
    assert_eq!(
        packages,
        ["level00", "level01", "complete", "level02", "rd"]
    );
    let solutions: Vec<Option<usize>> = (0..5).map(|it| levels::solution(&levels, it)).collect();
    assert_eq!(solutions, [Some(1), Some(2), None, Some(4), None]);
    assert_eq!(levels::first_of(&levels, 2), Some(2));
    assert_eq!(levels::last_of(&levels, 1), Some(1));
    assert_eq!(levels::last_of(&levels, 2), Some(2));
    assert_eq!(patch::solution(&levels, 1), Some(2));
    assert_eq!(patch::solution(&levels, 2), Some(4));
}

#[test]
fn a_part_has_one_solution() {
    let workshop = workshop();
    workshop.level_of(2, "another", "another");
    let error = levels::discover(workshop.root()).unwrap_err().to_string();
    assert!(error.contains("another"), "{error}");
    assert!(error.contains("a part has one"), "{error}");
}

#[test]
fn the_chain_holds_within_a_part_and_not_across() {
    let workshop = workshop();
    assert_eq!(violations(&workshop), [""; 0]);
    workshop.edit("levels/hardened/src/main.rs", "    tell();\n", "");
    let found = violations(&workshop).concat();
    assert!(found.starts_with("02_third -> hardened: "), "{found}");
    // No maintainer has to bring that line into the first part.
    assert!(!found.contains("00_first"), "{found}");
}

#[test]
fn an_edit_is_carried_to_the_end_of_its_part() {
    let workshop = workshop();
    workshop.commit();
    workshop.edit(
        "levels/00_first/src/main.rs",
        "report();\n",
        "report_all();\n",
    );
    let stations = carry::carry(workshop.root(), &workshop.levels(), 0, None).unwrap();
    let reached: Vec<_> = stations
        .iter()
        .map(|it| (it.outcome.clone(), it.path.to_str().unwrap()))
        .collect();
    assert_eq!(
        reached,
        [
            (Outcome::Carried, "levels/01_second/src/main.rs"),
            (Outcome::Carried, "levels/complete/src/main.rs")
        ]
    );
}

#[test]
fn a_patch_of_the_last_level_changes_the_library_that_comes_of_it() {
    let workshop = workshop();
    let patch = |level: &str, line: &str| {
        let path = format!("checks/wrong/{level}/left-out.patch");
        let text = format!(
            "mistake: it is left out\ncheck: it starts\nsays: something\n\n\
             --- a/src/main.rs\n+++ b/src/main.rs\n@@ -1,5 +1,4 @@\n fn main() {{\n     {first}\n-    {line}\n {last}\n",
            first = if level == "01" {
                "fork();"
            } else {
                "isolate::all();"
            },
            last = if level == "01" {
                "    one();\n     two();"
            } else {
                "    tell();\n }"
            },
        );
        workshop.write(&path, &text);
        Patch::read(workshop.root(), Path::new(&path)).unwrap()
    };
    let levels = workshop.levels();
    for (level, line) in [("01", "chroot();"), ("02", "mask();")] {
        let patch = patch(level, line);
        let solution = levels[patch::solution(&levels, patch.level).unwrap()].path();
        let target = workshop.root().join("target").join(level);
        patch.write(workshop.root(), &solution, &target).unwrap();
        let main = std::fs::read_to_string(target.join("src/main.rs")).unwrap();
        assert!(!main.contains(line) && main.contains("fn main"), "{main}");
    }
}

/// A crate elsewhere, such as a patched solution's, has its own idea of `../complete`.
#[test]
fn a_patched_solution_finds_the_library_of_the_part_before() {
    let workshop = workshop();
    for (path, text) in [
        (
            "levels/complete/Cargo.toml",
            "[package]\nname = \"complete\"\nedition = \"2024\"\n\n[lib]\nname = \"isolate\"\n",
        ),
        (
            "levels/complete/src/lib.rs",
            "pub fn all() -> i32 {\n    20\n}\n",
        ),
        (
            "levels/hardened/Cargo.toml",
            "[package]\nname = \"rd\"\n\n[dependencies]\n\
             isolate = { path = \"../complete\", package = \"complete\" }\n",
        ),
        (
            "levels/hardened/src/main.rs",
            "fn main() {\n    let more = 2;\n    std::process::exit(isolate::all() + more);\n}\n",
        ),
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"levels/complete\"]\n\n[workspace.package]\nedition = \"2024\"\n",
        ),
        ("Cargo.lock", "version = 4\n"),
    ] {
        workshop.write(path, text);
    }
    let patches = [
        (
            "wrong",
            "mistake: too many\ncheck: it starts\nsays: something",
            "3",
            23,
        ),
        ("right", "right: as many, by another way", "1 + 1", 22),
    ];
    for (suite, header, more, _) in patches {
        let diff = format!(
            "--- a/src/main.rs\n+++ b/src/main.rs\n@@ -1,3 +1,3 @@\n fn main() {{\n\
             -    let more = 2;\n+    let more = {more};\n     std::process::exit(isolate::all() + more);\n"
        );
        let path = format!("checks/{suite}/02/other.patch");
        workshop.write(&path, &format!("{header}\n\n{diff}"));
    }
    // Deeper than the levels, as it is in target/.
    let place = workshop.root().join("target/tmp/patched");
    let levels = workshop.levels();
    let built = curriculum::workshop::Workshop::build(workshop.root(), &levels, &place, |_| true);
    for (suite, .., status) in patches {
        let path = format!("checks/{suite}/02/other.patch");
        let program = built.binary(Path::new(&path)).unwrap();
        let ended = std::process::Command::new(program).status().unwrap();
        assert_eq!(ended.code(), Some(status), "{suite}");
    }
}

#[test]
fn the_lock_has_the_library_and_the_levels_above_it() {
    let workshop = workshop();
    let lock = Lock::of(workshop.root(), &workshop.levels()).unwrap();
    lock.write(workshop.root()).unwrap();
    workshop.commit();
    workshop.edit(
        "levels/02_third/src/main.rs",
        "    // TODO(02) 1. Hide.\n",
        "    mask();\n",
    );
    let levels = workshop.levels();
    let state = |index: usize| lock.state(workshop.root(), &levels[index]).unwrap();
    assert_eq!(state(2), State::Skeleton);
    assert!(matches!(state(3), State::Learner(_)), "{:?}", state(3));
    workshop.edit("levels/complete/src/main.rs", "chroot();", "chroot(\"/\");");
    assert!(matches!(state(2), State::Maintained(_)), "{:?}", state(2));
}
