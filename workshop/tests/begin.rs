//! A beginning in the middle: what stands before is skipped, and not done.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

#[test]
fn the_levels_before_are_skipped_and_not_done() {
    let fixture = Fixture::new();
    fixture.add_a_part();
    let before = fixture::tree(&fixture.path("levels"));
    let said = fixture.says(&["begin", "--part", "2"]);
    let skipped = "Levels 00, 01 are skipped: level 02 begins";
    assert!(said.contains(skipped), "{said}");
    assert!(said.contains("Next: level 02, title 02"), "{said}");
    let map = fixture.says(&[]);
    assert!(map.contains("0 of 3 levels done, 2 skipped"), "{map}");
    let before_in_short = "skipped  00  to 01: Part 1, 0 of 2 done\n";
    assert!(map.contains(before_in_short), "{map}");
    assert!(map.contains("   here  02  title 02\n"), "{map}");
    assert!(
        fixture
            .says(&["check", "--all"])
            .contains("nothing of yours")
    );
    // No code was changed for that.
    assert_eq!(fixture::tree(&fixture.path("levels")), before);

    for step in [1, 2] {
        fixture.solve("02", step);
    }
    // That of the levels before is in its code, as given.
    let said = fixture.says(&["check"]);
    assert!(said.contains("level 02 is done"), "{said}");
    assert!(fixture.says(&[]).contains("No level is left to do."));

    // A learner who goes back has their work judged like any other.
    fixture.solve("00", 1);
    let map = fixture.says(&[]);
    assert!(map.contains("   here  00  title 00"), "{map}");
    assert!(map.contains("1 of 3 levels done, 1 skipped\n"), "{map}");
}

#[test]
fn the_marks_can_be_taken_away_and_work_is_never_skipped() {
    let fixture = Fixture::new();
    fixture.says(&["begin", "1"]);
    assert!(
        fixture
            .says(&["begin", "00"])
            .contains("No level is skipped.")
    );
    let map = fixture.says(&[]);
    assert!(map.contains("   here  00  title 00\n"), "{map}");
    assert!(!map.contains("skipped"), "{map}");
    fixture.solve("00", 1);
    assert!(
        fixture
            .says(&["begin", "01"])
            .contains("No level is skipped.")
    );
    let map = fixture.says(&[]);
    assert!(
        map.contains("00  title 00                        not checked yet"),
        "{map}"
    );
}

#[test]
fn a_part_that_is_not_there_is_no_place_to_begin() {
    let fixture = Fixture::new();
    let run = fixture.workshop(&["begin", "--part", "7"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .contains("there is no part 7 here: the last one is 1"),
        "{}",
        run.err
    );
    let run = fixture.workshop(&["begin", "rd"]);
    assert_eq!(run.status, 1);
    assert!(run.err.contains("nothing to fill in"), "{}", run.err);
    assert!(!fixture.path(".workshop").exists());
}
