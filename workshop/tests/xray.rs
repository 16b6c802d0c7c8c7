//! `cargo workshop xray --against solution`: which two programs are shown beside each other.
//! What is told of them is the crate `xray`'s affair; here it is a stand-in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

/// Records what the programs print, and tells both records and what it was told itself.
const XRAY: &str = r#"
use std::process::Command;
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| words.iter().position(|it| it == name).map(|at| words[at + 1].clone());
    let record = |program: String, file: String| {
        let output = Command::new(program).output().unwrap();
        std::fs::write(file, output.stdout).unwrap();
    };
    if words[0] == "record" {
        let program = words.iter().position(|it| it == "run").map(|at| words[at - 1].clone());
        record(program.unwrap(), value("--output").unwrap());
        if let Some(reference) = value("--reference") {
            record(reference, value("--reference-output").unwrap());
        }
        return;
    }
    let text = |at: usize| std::fs::read_to_string(&words[words.len() - at]).unwrap();
    println!("{}: mine\n{}the reference's\n{}", words[0], text(2), text(1));
    for name in ["--check", "--reference-course"] {
        println!("{name} {}", value(name).unwrap());
    }
}
"#;

fn with_xray() -> Fixture {
    let fixture = Fixture::new();
    fixture.replace("Cargo.toml", "\"checks\", ", "\"checks\", \"xray\", ");
    fixture.write(
        "xray/Cargo.toml",
        "[package]\nname = \"xray\"\nedition = \"2024\"\n",
    );
    fixture.write("xray/src/main.rs", XRAY);
    fixture.commit("an x-ray");
    fixture
}

#[test]
fn mine_is_what_i_have_written_and_the_reference_is_the_next_level_as_it_came() {
    let fixture = with_xray();
    fixture.solve("00", 1);
    // I have been in the next level before.
    let next = "levels/01_chroot_image/src/main.rs";
    fixture.replace(next, "println!(\"level 00 step 2\");", "");
    fixture.commit("mine");
    let said = fixture.says(&["xray", "00", "--against", "solution"]);
    let expected =
        "against: mine\nlevel 00 step 1\nthe reference's\nlevel 00 step 1\nlevel 00 step 2\n";
    assert!(said.contains(expected), "{said}");
    assert!(said.contains("--check cargo workshop check 00"), "{said}");
    let course = said
        .lines()
        .find_map(|it| it.strip_prefix("--reference-course "));
    let source = std::path::Path::new(course.unwrap()).join(next);
    let source = std::fs::read_to_string(source).unwrap();
    assert!(
        source.contains("println!(\"level 00 step 2\");"),
        "{source}"
    );
    // And nothing of mine is another one now.
    assert_eq!(fixture.run("git", &["status", "--porcelain"]), "");
    let mine = fixture.read(next);
    assert!(!mine.contains("level 00 step 2"), "{mine}");
}

#[test]
fn the_last_level_has_the_parts_solution_and_that_has_nothing_beside_it() {
    let fixture = with_xray();
    let said = fixture.says(&["xray", "01", "--against", "solution"]);
    assert!(said.contains("level 01 step 2\n\n--check"), "{said}");
    let run = fixture.workshop(&["xray", "rd", "--against", "solution"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err.contains("nothing to show it against"),
        "{}",
        run.err
    );
}
