//! Where a part ends and the next begins: the solution of the last level is the part's, and
//! the first level of the next has that as a library and not as text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.add_a_part();
    fixture.commit("a second part");
    fixture
}

#[test]
fn the_solution_of_the_last_level_is_the_parts_and_not_the_next_level() {
    let fixture = fixture();
    let said = fixture.says(&["solution", "01"]);
    assert!(
        said.contains("+     println!(\"level 01 step 1\");"),
        "{said}"
    );
    assert!(!said.contains("isolate"), "{said}");
    let said = fixture.says(&["solution", "02"]);
    assert!(
        said.contains("+     println!(\"level 02 step 1\");"),
        "{said}"
    );
    let said = fixture.says(&["solution", "complete"]);
    assert!(said.contains("of all levels of part 1 itself"), "{said}");
}

/// Where the level has `mod print;`, the library's user has `use isolate::print;`.
#[test]
fn a_room_of_the_library_is_no_import_that_the_level_lacks() {
    let fixture = fixture();
    let (level, complete) = ("levels/01_chroot_image", "levels/complete");
    for (directory, room) in [(level, "mod print;"), (complete, "use isolate::print;")] {
        let main = format!("{directory}/src/main.rs");
        fixture.write(&format!("{directory}/src/print.rs"), "");
        fixture.replace(&main, "fn main()", &format!("{room}\nfn main()"));
    }
    fixture.replace(
        "levels/complete/src/main.rs",
        "println!(\"level 01 step 1\")",
        "print::line(\"level 01 step 1\")",
    );
    fixture.lock();
    fixture.commit("a library");
    let said = fixture.says(&["solution", "01"]);
    assert!(
        said.contains("+     print::line(\"level 01 step 1\");"),
        "{said}"
    );
    assert!(!said.contains("use ...::"), "{said}");
}

#[test]
fn the_last_level_of_a_part_leads_on_to_the_next_part() {
    let fixture = fixture();
    for step in 1..=2 {
        fixture.solve("01", step);
        fixture.solve("00", step);
    }
    let said = fixture.says(&["check", "01"]);
    assert!(
        said.contains("On to 02: levels/02_masked_paths/README.md"),
        "{said}"
    );
    assert!(fixture.says(&["check", "00"]).contains("On to 01"));
    for step in 1..=2 {
        fixture.solve("02", step);
    }
    assert!(
        fixture
            .says(&["check", "02"])
            .contains("That was the last one")
    );
}

#[test]
fn reset_and_report_know_the_levels_of_both_parts_and_the_library() {
    let fixture = fixture();
    let skeleton = fixture.read("levels/02_masked_paths/src/main.rs");
    fixture.solve("02", 1);
    fixture.replace("levels/complete/src/lib.rs", "isolate()", "isolate( )");
    let report = fixture.says(&["report"]);
    assert!(
        report.contains("levels/02_masked_paths/src/main.rs"),
        "{report}"
    );
    assert!(report.contains("levels/complete/src/lib.rs"), "{report}");
    fixture.says(&["reset", "02"]);
    assert_eq!(fixture.read("levels/02_masked_paths/src/main.rs"), skeleton);
    fixture.says(&["reset", "complete"]);
    assert!(
        fixture
            .read("levels/complete/src/lib.rs")
            .contains("isolate()")
    );
}
