//! What the chain allows between a level and the next, and what it does not.

use crate::fixture::Workshop;
use curriculum::chain;
use rstest::rstest;

const FIRST: &str = "\
//! Level 00: run a command.
use std::io;
mod container;

/// What the command line asks for.
#[derive(Parser)]
pub struct Options {
    /// The command.
    command: String,
}

fn main() {
    // TODO(00) 1. Fork.
    run_in_place();
    // END TODO(00)
    report(\"level00\");
}
";

const SECOND: &str = "\
//! Level 01: change the root.
use std::io;
use std::path::Path;
mod container;
mod rootfs;

/// What the command line asks for.
#[derive(Parser)]
pub struct Options {
    /// The image.
    #[arg(short)]
    image: String,
    /// The command.
    command: String,
}

fn main() {
    fork();
    // TODO(01) 1. Change the root.
    look_around();
    // END TODO(01)
    report(\"level01\");
}
";

const COMPLETE: &str = "\
//! The whole runtime.
use std::io;
mod container;
mod rootfs;

/// What the command line asks for.
#[derive(Parser)]
pub struct Options {
    /// The image.
    #[arg(short)]
    image: String,
    /// The command.
    command: String,
}

fn main() {
    fork();
    chroot();
    report(\"rd\");
}
";

fn workshop() -> Workshop {
    Workshop::of_mains([FIRST, SECOND, COMPLETE])
}

/// Everything that breaks the chain, as one text; empty if it holds.
fn violations(workshop: &Workshop) -> String {
    let report = chain::report(workshop.root(), &workshop.levels()).unwrap();
    report
        .iter()
        .map(|(pair, violations)| format!("{pair}\n{}\n", violations.join("\n")))
        .collect()
}

fn edited(directory: &str, from: &str, to: &str) -> String {
    let workshop = workshop();
    workshop.edit(&format!("levels/{directory}/src/main.rs"), from, to);
    violations(&workshop)
}

#[test]
fn a_workshop_whose_levels_follow_from_each_other_holds() {
    assert_eq!(violations(&workshop()), "");
}

#[rstest]
#[case::another_header(
    "01_second",
    "//! Level 01: change the root.",
    "//! Level 01.\n//! Two lines."
)]
#[case::an_import("01_second", "use std::io;\n", "")]
#[case::an_import_of_several_lines(
    "01_second",
    "use std::io;\n",
    "pub(crate) use std::{\n    fs,\n    io,\n};\n"
)]
#[case::an_import_inside_a_function("complete", "    fork();\n", "    use std::fs;\n    fork();\n")]
#[case::a_paragraph_that_is_given(
    "complete",
    "fn main() {\n",
    "fn main() {\n    // Given, from here on: so.\n    banner();\n\n"
)]
#[case::a_module("complete", "mod rootfs;\n", "mod cgroup;\nmod rootfs;\n")]
#[case::an_option(
    "complete",
    "    /// The image.\n",
    "    #[arg(\n        long\n    )]\n    keep: bool,\n    /// The image.\n"
)]
#[case::an_attribute_of_the_options(
    "complete",
    "#[derive(Parser)]\n",
    "#[derive(Parser)]\n#[command(\n    version\n)]\n"
)]
#[case::another_task(
    "01_second",
    "    look_around();\n",
    "    // Explained at length.\n    look_twice();\n"
)]
#[case::another_solution("complete", "    chroot();\n", "    chdir();\n    chroot();\n")]
#[case::no_solution_at_all("complete", "    chroot();\n", "")]
#[case::a_blank_line("complete", "fn main() {\n", "\nfn main() {\n\n")]
fn what_may_differ(#[case] level: &str, #[case] from: &str, #[case] to: &str) {
    assert_eq!(edited(level, from, to), "");
}

#[rstest]
#[case::a_line_changed_in_the_first_only(
    "00_first", "    report(\"level00\");", "    report_loudly(\"level00\");",
    &["levels/00_first/src/main.rs:16", "| report_loudly(\"level00\");", "it stands in 00_first:16\n",
      "and not in 01_second, complete"])]
#[case::a_line_changed_in_the_second_only(
    "01_second", "    report(\"level01\");", "    report_loudly(\"level01\");",
    &["levels/00_first/src/main.rs:16", "it stands in 00_first:16, complete:19\n", "and not in 01_second\n",
      "levels/01_second/src/main.rs:22", "it stands in 01_second:22\n", "and not in 00_first, complete"])]
#[case::a_line_added_to_the_last_only(
    "complete", "fn main() {\n", "fn main() {\n    banner();\n",
    &["levels/complete/src/main.rs:17: this line is not in 01_second", "banner();"])]
#[case::a_line_removed_from_the_last_only(
    "complete", "    report(\"rd\");\n", "",
    &["levels/01_second/src/main.rs:22: this line is not in complete"])]
#[case::an_option_lost("01_second", "    /// The command.\n", "", &["levels/00_first/src/main.rs:8"])]
#[case::a_function_at_the_end("complete", "    report(\"rd\");\n}\n", "    report(\"rd\");\n}\n\nfn more() {}\n",
    &["levels/complete/src/main.rs:22", "fn more() {}"])]
#[case::another_level_named("01_second", "report(\"level01\")", "report(\"level00\")", &["report(\"level00\");"])]
#[case::a_block_left_over("complete", "    chroot();\n", "    // TODO(01) 1. Change the root.\n    // END TODO(01)\n",
    &["levels/complete/src/main.rs:19: TODO(01) in complete"])]
#[case::what_stands_behind_a_paragraph_that_is_given("complete", "fn main() {\n",
    "fn main() {\n    // Given, from here on: so.\n    banner();\n\n    more();\n", &["more();"])]
#[case::an_inline_module("complete", "fn main() {\n", "mod tests {}\nfn main() {\n", &["mod tests {}"])]
#[case::the_wrong_side_of_a_block("complete", "    fork();\n    chroot();\n", "    early();\n    fork();\n    chroot();\n",
    &["early();"])]
fn what_may_not(#[case] level: &str, #[case] from: &str, #[case] to: &str, #[case] named: &[&str]) {
    let violations = edited(level, from, to);
    for name in named {
        assert!(violations.contains(name), "no {name:?} in:\n{violations}");
    }
}

#[test]
fn a_task_encloses_lines_that_the_next_level_keeps() {
    let workshop = workshop();
    // `fork();` is common code, and the block of 01 may grow around it.
    let main = "levels/01_second/src/main.rs";
    workshop.edit(
        main,
        "    fork();\n    // TODO(01) 1. Change the root.\n",
        "    // TODO(01) 1. Change the root.\n    fork();\n",
    );
    assert_eq!(violations(&workshop), "");
}

#[test]
fn a_file_may_appear_and_may_not_vanish() {
    let workshop = workshop();
    workshop.write("levels/01_second/src/rootfs.rs", "pub fn unpack() {}\n");
    let lost = violations(&workshop);
    assert!(
        lost.contains("levels/01_second/src/rootfs.rs: the file is not in complete"),
        "{lost}"
    );
    workshop.write("levels/complete/src/rootfs.rs", "pub fn unpack() {}\n");
    assert_eq!(violations(&workshop), "");
}

#[rstest]
#[case::a_dependency("given = \"1\"\n", "given = \"1\"\nimages = \"1\"\n", None)]
#[case::a_description("at work", "at rest", None)]
#[case::other_lints("workspace = true", "workspace = false", Some("workspace = false"))]
#[case::a_dependency_lost("given = \"1\"\n", "", Some("given = \"1\""))]
fn the_manifest_is_part_of_the_chain(
    #[case] from: &str,
    #[case] to: &str,
    #[case] named: Option<&str>,
) {
    let workshop = workshop();
    workshop.edit("levels/complete/Cargo.toml", from, to);
    let violations = violations(&workshop);
    match named {
        Some(named) => assert!(violations.contains(named), "no {named:?} in:\n{violations}"),
        None => assert_eq!(violations, ""),
    }
}

#[test]
fn the_solution_of_a_part_may_be_a_library_and_a_level_may_not() {
    const LIBRARY: &str = "[lib]\nname = \"isolate\"\npath = \"src/lib.rs\"\n\n";
    let promoted = |directory: &str| {
        let workshop = workshop();
        let at = |file: &str| format!("levels/{directory}/{file}");
        let dependencies = "[dependencies]\n";
        let both = format!("{LIBRARY}{dependencies}");
        workshop.edit(&at("Cargo.toml"), dependencies, &both);
        workshop.edit(
            &at("src/main.rs"),
            "mod rootfs;\n",
            "use isolate::{\n    rootfs,\n};\n",
        );
        workshop.write(&at("src/lib.rs"), "//! All rooms.\npub mod rootfs;\n");
        violations(&workshop)
    };
    assert_eq!(promoted("complete"), "");
    // As soon as it appears, and not only since the next has none.
    let found = promoted("01_second");
    for line in LIBRARY.lines().filter(|line| !line.is_empty()) {
        let appeared = format!(
            "this line is not in 00_first, and no TODO block made room for it\n    | {line}\n"
        );
        assert!(found.contains(&appeared), "no {line}: {found}");
    }
}

#[test]
fn the_check_of_a_level_is_part_of_the_chain() {
    let workshop = workshop();
    for (level, name) in [
        ("00_first", "level00"),
        ("01_second", "level01"),
        ("complete", "rd"),
    ] {
        workshop.write(
            &format!("levels/{level}/tests/check.rs"),
            &format!("main(env!(\"CARGO_BIN_EXE_{name}\"))\n"),
        );
    }
    assert_eq!(violations(&workshop), "");
    workshop.edit("levels/complete/tests/check.rs", "main(", "nothing(");
    assert!(violations(&workshop).contains("levels/complete/tests/check.rs:1"));
}

/// The workshop with a container that is made and lent, and with `more` of it in the last.
fn with_container(more: [&str; 2]) -> Workshop {
    let [field, value] = more;
    let mains = [(FIRST, "", ""), (SECOND, "", ""), (COMPLETE, field, value)];
    let mains = mains.map(|(main, field, value)| {
        let structs = format!("pub struct Container {{\n    id: Id,\n{field}}}\n\n");
        let made = format!("    let container = Container {{\n        id: id(),\n{value}    }};\n");
        main.replace("fn main() {\n", &format!("{structs}fn main() {{\n{made}"))
    });
    Workshop::of_mains([&mains[0], &mains[1], &mains[2]])
}

#[test]
fn the_container_may_grow_and_so_may_the_place_where_it_is_made() {
    let more = [
        "    /// Its group.\n    group: Group,\n",
        "        // Looks.\n        group: find()?,\n",
    ];
    assert_eq!(violations(&with_container(more)), "");
}

#[test]
fn a_line_that_leaves_the_container_is_a_violation() {
    let workshop = with_container(["", ""]);
    for line in ["    id: Id,\n", "        id: id(),\n"] {
        workshop.edit("levels/complete/src/main.rs", line, "");
        let violations = violations(&workshop);
        assert!(violations.contains(line.trim()), "{violations}");
    }
}

/// The workshop with verbs, and with `more` of them in the last.
fn with_verbs(more: [&str; 2]) -> Workshop {
    let [verb, arm] = more;
    let mains = [(FIRST, "", ""), (SECOND, "", ""), (COMPLETE, verb, arm)];
    let mains = mains.map(|(main, verb, arm)| {
        format!(
            "{main}
/// What it can be asked for.
#[derive(Subcommand)]
enum Action {{
    /// Run a command
    Run(Options),
{verb}}}

fn start() -> ExitCode {{
    given::main(|action| match action {{
        Action::Run(options) => run(&options),
{arm}    }})
}}

/// The parent's part.
fn run(options: &Options) -> Status {{
}}
"
        )
    });
    Workshop::of_mains([&mains[0], &mains[1], &mains[2]])
}

#[test]
fn a_level_may_have_a_verb_more_and_know_what_to_do_for_it() {
    let more = [
        "    /// End a container\n    Kill(Kill),\n",
        "        // No root.\n        Action::Kill(kill) => kill.by_signal(),\n",
    ];
    assert_eq!(violations(&with_verbs(more)), "");
    // Also in front of what was there, where the older level has its `run` first.
    let workshop = with_verbs(["", ""]);
    let [file, run, arm] = [
        "levels/complete/src/main.rs",
        "    /// Run a command\n",
        "        Action::Run(options) => run(&options),\n",
    ];
    workshop.edit(file, run, &format!("    /// List them\n    Ps,\n\n{run}"));
    workshop.edit(file, arm, &format!("        Action::Ps => ps(),\n{arm}"));
    assert_eq!(violations(&workshop), "");
}

#[test]
fn a_verb_that_a_level_had_stays() {
    for line in [
        "    Run(Options),\n",
        "        Action::Run(options) => run(&options),\n",
    ] {
        let workshop = with_verbs(["", ""]);
        workshop.edit("levels/complete/src/main.rs", line, "");
        let violations = violations(&workshop);
        assert!(violations.contains(line.trim()), "{violations}");
    }
}

#[rstest]
#[case::an_attribute("fn start() -> ExitCode {\n", "#[cold]\n")]
#[case::a_step("    given::main(|action| match action {\n", "    early();\n")]
#[case::behind_them("}\n\n/// The parent's part.\n", "    early();\n")]
fn around_the_verbs_nothing_appears(#[case] before: &str, #[case] line: &str) {
    let workshop = with_verbs(["", ""]);
    let both = format!("{line}{before}");
    workshop.edit("levels/complete/src/main.rs", before, &both);
    let violations = violations(&workshop);
    assert!(violations.contains(line.trim()), "{violations}");
}

#[test]
fn contain_may_be_lent_the_container() {
    let contain = |arguments| format!("\nfn contain({arguments}) -> Result {{\n}}\n");
    let [first, second] = [
        "options: &Options",
        "options: &Options, container: &Container",
    ];
    let workshop = workshop();
    for (directory, arguments) in [
        ("00_first", first),
        ("01_second", second),
        ("complete", second),
    ] {
        workshop.edit(
            &format!("levels/{directory}/src/main.rs"),
            "\nfn main",
            &(contain(arguments) + "\nfn main"),
        );
    }
    assert_eq!(violations(&workshop), "");
}
