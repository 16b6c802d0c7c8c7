//! Mutants: what each operator makes of a small source, and where none may touch it.

use crate::fixture::Workshop;
use curriculum::solution::learners_lines;
use mutants::{Combined, Kind, Mutant, mark, mutants, parse_list, tenth};
use rstest::rstest;
use std::collections::BTreeSet;
use std::path::Path;

/// The mutants of a function `f` with this body, which is all the learner's.
fn of_body(body: &str) -> Vec<(Mutant, String)> {
    let source = format!("fn f() {{\n{body}\n}}\n");
    let lines = 2..=body.lines().count() + 1;
    of_source(&source, &lines.collect())
}

fn of_source(source: &str, lines: &BTreeSet<usize>) -> Vec<(Mutant, String)> {
    let all = mutants(source, lines).unwrap();
    let applied = all.into_iter().map(|mutant| {
        let text = mutant.apply(source);
        (mutant, text)
    });
    applied.collect()
}

#[rstest]
#[case::forgotten("a()?;", "drop-statement", &[""])]
#[case::unnoticed("a()?;", "ignore-error", &["let _ = a();"])]
#[case::swapped("a();\nb();", "swap-statements", &["b();\na();"])]
#[case::the_second_needs_the_first("let x = a()?;\nb(x);", "swap-statements", &[])]
#[case::a_value_stays_at_the_end("a();\nOk(())", "swap-statements", &[])]
#[case::once_instead_of_for_each(
    "for it in all {\na(it);\n}",
    "only-the-first",
    &["for it in (all).into_iter().take(1) {\na(it);\n}"]
)]
#[case::a_flag_less("a(A | B | C);", "drop-flag", &["a(A | B);", "a(A | C);", "a(B | C);"])]
#[case::no_flag("a(MsFlags::MS_NODEV);", "no-flag", &["a(MsFlags::empty());"])]
#[case::none_of_several("a(MsFlags::MS_NODEV | b);", "no-flag", &[])]
#[case::a_related_flag("kill(SIGKILL);", "related-flag", &["kill(15);"])]
#[case::an_option_less("a(\"x=1,y,z\");", "drop-option", &["a(\"y,z\");", "a(\"x=1,z\");", "a(\"x=1,y\");"])]
#[case::no_option_in_a_sentence("a(\"first, second\");", "drop-option", &[])]
#[case::in_a_format("a(format!(\"x={0},y\", b | c));", "drop-option", &["a(format!(\"y\", b | c));", "a(format!(\"x={0}\", b | c));"])]
#[case::or_for_and("if a && b {\nc();\n}", "other-operator", &["if a || b {\nc();\n}"])]
#[case::negated("if a {\nc();\n}", "negated-condition", &["if !(a) {\nc();\n}"])]
#[case::not_negated("a(!b);", "negation-forgotten", &["a(b);"])]
#[case::beyond_the_limit("let x = a > b;", "other-operator", &["let x = a >= b;", "let x = a <= b;"])]
#[case::one_off("a(128);", "off-by-one", &["a(129);", "a(127);"])]
#[case::zero("a(128);", "nothing", &["a(0);"])]
#[case::a_permission_less("a(0o640);", "permission-less", &["a(0o040);", "a(0o600);"])]
#[case::no_text("a(\"x\");", "empty-text", &["a(\"\");"])]
#[case::a_mounts_source("mount(\"proc\", b);", "empty-text", &[])]
#[case::no_list("a(&[b]);", "empty-list", &["a(&[]);"])]
#[case::the_parent("waitpid(child);", "other-one", &["waitpid(linux_sys::getpid());"])]
#[case::the_other_argument("a(&b, &c);", "swap-arguments", &["a(&c, &b);"])]
#[case::no_call("a(b.join(c));", "drop-call", &["a(b);"])]
fn an_operator_makes(#[case] body: &str, #[case] operator: &str, #[case] expected: &[&str]) {
    let bodies: BTreeSet<String> = of_body(body)
        .into_iter()
        .filter(|(mutant, _)| mutant.operator == operator)
        .map(|(_, text)| {
            let body = text.strip_prefix("fn f() {\n").unwrap();
            body.strip_suffix("\n}\n").unwrap().to_owned()
        })
        .collect();
    let expected: BTreeSet<String> = expected.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(bodies, expected);
}

#[test]
fn a_list_loses_an_element_and_its_length_follows() {
    let source = "const NAMES: [&str; 2] = [\n    \"a\",\n    \"b\",\n];\n";
    let texts: Vec<String> = of_source(source, &(1..=4).collect())
        .into_iter()
        .filter(|(mutant, _)| mutant.operator == "element-forgotten")
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        texts,
        [
            "const NAMES: [&str; 1] = [\n    \n    \"b\",\n];\n",
            "const NAMES: [&str; 1] = [\n    \"a\",\n    \n];\n",
        ]
    );
}

#[test]
fn a_function_is_not_written_if_all_of_it_is_the_learners() {
    let source = "fn f() -> Result<(), Error> {\n    a()?;\n    b()\n}\n";
    let empty = |lines: BTreeSet<usize>| {
        let all = of_source(source, &lines);
        let mut empty = all
            .into_iter()
            .filter(|(mutant, _)| mutant.operator == "empty-function");
        empty.next().map(|(_, text)| text)
    };
    let expected = "fn f() -> Result<(), Error> {\n    Ok(())\n}\n";
    assert_eq!(empty((1..=4).collect()).as_deref(), Some(expected));
    assert_eq!(empty((2..=2).collect()), None);
}

#[test]
fn the_same_change_twice_has_two_names() {
    let names: BTreeSet<String> = of_body("a()?;\na()?;")
        .into_iter()
        .filter(|(mutant, _)| mutant.operator == "drop-statement")
        .map(|(mutant, _)| mutant.name())
        .collect();
    let expected = [
        "f drop-statement: a()?;",
        "f drop-statement: a()?; (number 2)",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
}

#[test]
fn every_mutant_differs_and_keeps_what_is_not_the_learners() {
    let source = "\
fn f(child: Pid) -> Result<(), Error> {
    given(A | B, 1, \"x,y\")?;
    given(child)?;
    if a && b {
        mine(A | B, 1, \"x,y\")?;

        mine(child)?;
    }
    given(!c, 0o755)?;
    Ok(())
}
";
    let all = of_source(source, &[5, 6, 7].into());
    assert!(all.len() > 8, "{all:#?}");
    for (mutant, text) in all {
        assert_ne!(text, source, "{}", mutant.name());
        let (before, after) = (source.find("        mine"), source.find("    }\n"));
        let (before, after) = (&source[..before.unwrap()], &source[after.unwrap()..]);
        assert!(text.starts_with(before), "{text}");
        assert!(text.ends_with(after), "{text}");
    }
}

const SKELETON: &str = "\
fn run() {
    given();
    // TODO(00) 1. Do it.
    until_then();
    // END TODO(00)
    given();
    // TODO(00) 2. And that.
    // END TODO(00)
    end();
}
";

const SOLUTION: &str = "\
fn run() {
    given();
    // The reason.
    mine();
    given();
    second::prepare();
    mine_too();
    // TODO(01) 1. The next task.
    // END TODO(01)
    end();
}
";

#[test]
fn the_learners_lines_are_those_where_the_blocks_stood() {
    let workshop = Workshop::of_mains([SKELETON, SOLUTION, SOLUTION]);
    let levels = workshop.levels();
    let path = Path::new("src/main.rs");
    let new = ["second".to_owned()];
    let lines = learners_lines(&levels[0], &levels[1], path, SKELETON, SOLUTION, &new);
    // Not what calls the next level's module, and not the next task.
    assert_eq!(lines, [3, 4, 7].into());
}

#[test]
fn a_tenth_is_a_tenth_and_not_the_beginning() {
    let chosen: BTreeSet<u32> = (0..1000)
        .filter(|number| tenth(&format!("mutant {number}")))
        .collect();
    assert!((60..140).contains(&chosen.len()), "{}", chosen.len());
    assert!(chosen.range(900..).next().is_some(), "{chosen:?}");
}

#[test]
fn a_list_has_a_reason_for_each() {
    let text = "# for readers\n\nmutant: a b\nkind: equivalent\nbecause: it is the same\n\n\n\
                mutant: c\nkind: version2\nbecause: of version 2\n";
    let list = parse_list(text).unwrap();
    let found: Vec<_> = list
        .iter()
        .map(|it| (it.mutant.as_str(), it.kind))
        .collect();
    assert_eq!(found, [("a b", Kind::Equivalent), ("c", Kind::Version2)]);
}

#[rstest]
#[case::no_reason("mutant: a\nkind: survived\n", "because:")]
#[case::unknown_kind("mutant: a\nkind: other\nbecause: b\n", "kind: other")]
#[case::two_names("mutant: a\nmutant: b\nkind: survived\nbecause: c\n", "mutant:")]
fn a_faulty_entry_is_named(#[case] text: &str, #[case] fault: &str) {
    let error = parse_list(text).unwrap_err();
    assert!(error.contains(fault), "{error}");
}

/// A mutant's function or constant, and its operator, are enough to find it here.
fn find<'a>(all: &'a [Mutant], function: &str, operator: &str) -> &'a Mutant {
    let mut found = all
        .iter()
        .filter(|it| it.function == function && it.operator == operator);
    found.next().unwrap()
}

#[test]
fn all_mutants_of_a_file_are_one_file() {
    let source = "\
const LIMIT: u32 = 7;

fn f() {
    a(LIMIT);
}

fn g() {
    b();
}
";
    let all = mutants(source, &(1..=9).collect()).unwrap();
    let forgotten = find(&all, "g", "drop-statement");
    let beyond = find(&all, "LIMIT", "off-by-one");
    let combined = Combined::new(source, &[(3, forgotten), (12, beyond)]).unwrap();
    let expected = "\
const LIMIT: u32 = 7;

fn f() {
    match crate::mutant() {
        12 => {
    a(LIMIT_12);
},
        _ => {
    a(LIMIT);
},
    }
}

fn g() {
    match crate::mutant() {
        3 => {
    
},
        _ => {
    b();
},
    }
}
const LIMIT_12: u32 = 8;
";
    assert_eq!(combined.text, expected);
    let found = (1..=combined.text.lines().count()).map(|line| combined.mutant_at(line));
    let lines: Vec<usize> = (1..)
        .zip(found)
        .filter_map(|(line, it)| it.map(|_| line))
        .collect();
    assert_eq!(lines, [5, 6, 7, 16, 17, 18, 24]);
    assert_eq!(combined.mutant_at(17), Some(3));
    assert_eq!(combined.mutant_at(24), Some(12));
}

#[test]
fn a_program_is_the_mutant_whose_number_is_written_into_it() {
    let main = Combined::of_main("fn main() {}\n", &[]).unwrap().text;
    let mut program = [b"\x7fELF", main.as_bytes(), main.as_bytes()].concat();
    mark(&mut program, 42).unwrap();
    let text = String::from_utf8_lossy(&program);
    assert_eq!(text.matches("which mutant this is: 00042").count(), 2);
    assert_eq!(program.len(), 2 * main.len() + 4);
    // The program is mutant 42 already, and does not become another.
    assert!(mark(&mut program, 43).is_err());
}
