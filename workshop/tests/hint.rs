//! Hints come one at a time, and the ones that are needed come first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

fn next(fixture: &Fixture) -> String {
    let said = fixture.says(&["hint"]);
    said.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn hints_come_in_the_order_of_the_lesson() {
    let fixture = Fixture::new();
    for expected in ["step 1: title 1a", "step 1: title 1b", "step 2: title 2a"] {
        assert_eq!(next(&fixture), format!("Level 00, {expected}"));
    }
    let last = fixture.says(&["hint", "00"]);
    assert!(
        last.contains("Text 2b.\n\nThat was the last one."),
        "{last}"
    );
    let none = fixture.says(&["hint"]);
    assert!(
        none.contains("all 4 hints") && none.contains("solution 00"),
        "{none}"
    );
    let again = fixture.says(&["hint", "--again"]);
    for hint in ["1a", "1b", "2a", "2b"] {
        assert!(again.contains(&format!("Text {hint}.")), "{again}");
    }
    // Another level has hints of its own.
    assert!(
        fixture
            .says(&["hint", "1"])
            .starts_with("Level 01, step 1: title 1a")
    );
    assert!(fixture.says(&["hint", "--again", "rd"]).contains("no hint"));
}

#[test]
fn hints_of_the_step_that_has_failed_come_first() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    fixture.workshop(&["check"]);
    assert_eq!(next(&fixture), "Level 00, step 2: title 2a");
    assert_eq!(next(&fixture), "Level 00, step 2: title 2b");
    assert_eq!(next(&fixture), "Level 00, step 1: title 1a");
}

#[test]
fn hints_are_remembered_by_their_titles() {
    let fixture = Fixture::new();
    fixture.says(&["hint"]);
    fixture.replace(
        "levels/00_fork_exec/README.md",
        "Hint: title 1b",
        "Hint: title 1c",
    );
    assert_eq!(next(&fixture), "Level 00, step 1: title 1c");
}
