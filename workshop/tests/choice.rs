//! The choice that a level leaves: told when it was made, and never in the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod fixture;

use fixture::Fixture;

#[test]
fn a_choice_is_told_where_it_was_made_and_decides_nothing() {
    let fixture = Fixture::new();
    fixture.solve("00", 1);
    // As long as the level is not done, it is not looked at.
    fixture.write("choice", "fail");
    let run = fixture.workshop(&["check", "0"]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(!run.out.contains("optional"), "{}", run.out);

    fixture.solve("00", 2);
    for (verdict, told) in [
        ("not-run", None),
        ("pass", Some("  ok    optional: an option\n")),
        ("fail", Some("  FAIL  optional: an option\n")),
    ] {
        fixture.write("choice", verdict);
        let run = fixture.workshop(&["check", "0"]);
        assert_eq!(run.status, 0, "{verdict}: {}{}", run.out, run.err);
        assert!(run.out.contains("level 00 is done."), "{}", run.out);
        match told {
            Some(line) => assert!(run.out.contains(line), "{verdict}: {}", run.out),
            None => assert!(!run.out.contains("optional"), "{}", run.out),
        }
    }
    assert!(fixture.says(&[]).contains("done  00  title 00"));
}

#[test]
fn who_asks_for_the_choice_alone_is_told_in_any_case() {
    let fixture = Fixture::new();
    for (verdict, told, status) in [
        (
            "not-run",
            "  --    optional: an option\n        not there yet: nothing",
            125,
        ),
        ("pass", "  ok    optional: an option", 0),
        ("fail", "  FAIL  optional: an option", 1),
    ] {
        fixture.write("choice", verdict);
        let run = fixture.workshop(&["check", "0", "--optional"]);
        assert_eq!(run.status, status, "{verdict}: {}{}", run.out, run.err);
        assert!(run.out.contains(told), "{verdict}: {}", run.out);
        assert!(!run.out.contains("step 1 is done"), "{}", run.out);
    }
    // Nothing is remembered of it.
    assert!(!fixture.path(".workshop/progress").exists());
    let run = fixture.workshop(&["check", "rd", "--optional"]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(run.err.contains("rd leaves no choice"), "{}", run.err);
}
