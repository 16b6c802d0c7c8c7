//! Wrong and right solutions as files: read, applied, and refused when they do not fit any
//! more.

use crate::fixture::Workshop;
use curriculum::mistakes::{self, Mistake};
use curriculum::patch;
use curriculum::unusual::{self, Unusual};
use std::path::Path;

const PATCH: &str = "checks/wrong/00/no-wait.patch";
const HEADER: &str = "\
mistake: the parent does not wait
check: the level's process waits while the command runs
says: waitpid is missing
says: goes on
";
const DIFF: &str = "
--- a/src/main.rs
+++ b/src/main.rs
@@ -2,7 +2,6 @@
     one();
     two();
     start();
-    wait();
     three();
     four();
     five();
";
const SOLUTION: &str = "\
fn main() {
    one();
    two();
    start();
    wait();
    three();
    four();
    five();
    six();
}
";

fn workshop(patch: &str) -> Workshop {
    let workshop = Workshop::of_mains(["fn main() {}\n", SOLUTION, SOLUTION]);
    workshop.write(PATCH, patch);
    workshop
}

/// Writes the solution with the mistake to `target/`.
fn write(workshop: &Workshop) -> Result<(), String> {
    let mistake = Mistake::read(workshop.root(), Path::new(PATCH)).unwrap();
    let levels = workshop.levels();
    let solution = levels[patch::solution(&levels, mistake.patch.level).unwrap()].path();
    let target = workshop.root().join("target");
    let written = mistake.patch.write(workshop.root(), &solution, &target);
    written.map_err(|error| error.to_string())
}

#[test]
fn a_mistake_is_found_and_read() {
    let workshop = workshop(&format!("{HEADER}{DIFF}"));
    let found = patch::discover(workshop.root(), mistakes::PATH).unwrap();
    assert_eq!(found, [Path::new(PATCH)]);
    assert_eq!(patch::name(&found[0]), "00/no-wait");
    assert_eq!(patch::trial(&found[0]), "wrong::00/no-wait");
    let mistake = Mistake::read(workshop.root(), &found[0]).unwrap();
    assert_eq!(mistake.patch.level, 0);
    assert_eq!(mistake.mistake, "the parent does not wait");
    assert_eq!(mistake.says, ["waitpid is missing", "goes on"]);
}

#[test]
fn a_mistake_without_its_header_is_refused() {
    for key in ["mistake:", "check:", "says:"] {
        let header: Vec<&str> = HEADER.lines().filter(|it| !it.starts_with(key)).collect();
        let workshop = workshop(&format!("{}\n{DIFF}", header.join("\n")));
        let error = Mistake::read(workshop.root(), Path::new(PATCH)).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
        assert!(error.to_string().contains(PATCH), "{error}");
    }
}

#[test]
fn another_check_for_version_2_has_words_of_its_own() {
    let read = |lines: &str| {
        let workshop = workshop(&format!("{HEADER}{lines}{DIFF}"));
        Mistake::read(workshop.root(), Path::new(PATCH)).map(|it| it.on_v2)
    };
    let expected = ("it starts".to_owned(), vec!["wait first".to_owned()]);
    let both = "check-v2: it starts\nsays-v2: wait first\n";
    assert_eq!(read(both).unwrap(), Some(expected));
    assert_eq!(read("").unwrap(), None);
    for line in both.lines() {
        let error = read(&format!("{line}\n")).unwrap_err();
        assert!(error.to_string().contains("check-v2:"), "{error}");
    }
}

#[test]
fn the_solution_of_a_level_is_the_next_crate() {
    let workshop = workshop("");
    let levels = workshop.levels();
    assert_eq!(patch::solution(&levels, 0), Some(1));
    assert_eq!(patch::solution(&levels, 1), Some(2));
    assert_eq!(patch::solution(&levels, 2), None);
}

#[test]
fn the_solution_gets_the_mistake_and_nothing_else() {
    let workshop = workshop(&format!("{HEADER}{DIFF}"));
    workshop.write("target/src/left_over.rs", "// of an earlier mistake\n");
    write(&workshop).unwrap();
    let expected = SOLUTION.replace("    wait();\n", "");
    assert_eq!(workshop.read("target/src/main.rs"), expected);
    assert!(!workshop.root().join("target/src/left_over.rs").exists());
    assert_eq!(workshop.read("levels/01_second/src/main.rs"), SOLUTION);
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let workshop = workshop(&format!("{HEADER}{DIFF}"));
    write(&workshop).unwrap();
    let time = || {
        workshop
            .root()
            .join("target/src/main.rs")
            .metadata()
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = time();
    write(&workshop).unwrap();
    assert_eq!(time(), before);
}

#[test]
fn a_patch_whose_lines_have_changed_is_refused_and_says_what_to_do() {
    let workshop = workshop(&format!("{HEADER}{DIFF}"));
    workshop.edit(
        "levels/01_second/src/main.rs",
        "    wait();\n",
        "    wait_for_it();\n",
    );
    let error = write(&workshop).unwrap_err();
    for words in [
        PATCH,
        "levels/01_second",
        "src/main.rs",
        "To refresh it",
        "the parent does not wait",
    ] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
}

#[test]
fn a_patch_that_has_only_moved_still_applies() {
    let workshop = workshop(&format!("{HEADER}{DIFF}"));
    let moved = format!("//! Some words above.\n\n{SOLUTION}");
    workshop.write("levels/01_second/src/main.rs", &moved);
    write(&workshop).unwrap();
    assert!(!workshop.read("target/src/main.rs").contains("wait();"));
}

#[test]
fn a_mistake_without_a_patch_is_refused() {
    let error = write(&workshop(HEADER)).unwrap_err();
    assert!(error.contains(PATCH), "{error}");
}

#[test]
fn a_right_solution_says_why_and_is_applied_like_a_wrong_one() {
    let path = "checks/right/00/no-wait.patch";
    let workshop = workshop("");
    workshop.write(path, &format!("right: no container needs it\n{DIFF}"));
    let found = patch::discover(workshop.root(), unusual::PATH).unwrap();
    assert_eq!(found, [Path::new(path)]);
    assert_eq!(patch::trial(&found[0]), "right::00/no-wait");
    let unusual = Unusual::read(workshop.root(), &found[0]).unwrap();
    assert_eq!(unusual.why, "no container needs it");
    let solution = workshop.levels()[1].path();
    let target = workshop.root().join("target");
    let patch = unusual.patch;
    patch.write(workshop.root(), &solution, &target).unwrap();
    assert!(!workshop.read("target/src/main.rs").contains("wait();"));
}

#[test]
fn a_right_solution_that_does_not_say_why_is_refused() {
    let workshop = workshop("");
    workshop.write("checks/right/00/no-wait.patch", DIFF);
    let path = Path::new("checks/right/00/no-wait.patch");
    let error = Unusual::read(workshop.root(), path).unwrap_err();
    assert!(error.to_string().contains("`right: ...`"), "{error}");
}
