//! The maintainers' map says what the code says: of crates by cargo, of files by themselves.

use crate::fixture::Workshop;
use curriculum::map;
use rstest::rstest;

const MANIFEST: &str = "\
[workspace]
members = [\"levels/*\", \"ground\", \"given\", \"house\"]

[workspace.lints.rust]
";

fn workshop() -> Workshop {
    let main = "//! All of it.\n\nfn main() {}\n";
    let workshop = Workshop::of_mains([main; 3]);
    for (path, text) in [
        ("Cargo.toml", MANIFEST),
        ("ground/Cargo.toml", "[package]\nname = \"ground\"\n"),
        ("ground/src/lib.rs", "//! The ground.\n"),
        (
            "given/Cargo.toml",
            "[package]\nname = \"given\"\n\n[dependencies]\nground = { path = \"../ground\" }\n",
        ),
        ("given/src/lib.rs", "//! What all have.\n"),
        (
            "house/Cargo.toml",
            "[package]\nname = \"house\"\n\n[dependencies]\nground = { path = \"../ground\" }\n\n\
             [dev-dependencies]\ngiven = { path = \"../given\" }\n",
        ),
        (
            "house/src/main.rs",
            "//! The house: a\n//! door. And more.\n",
        ),
        ("house/src/cellar/mod.rs", "//! Below [`main`](super).\n"),
        ("house/tests/door.rs", "//! It opens | it shuts.\n"),
    ] {
        workshop.write(path, text);
    }
    workshop
}

fn map_of(workshop: &Workshop) -> String {
    map::markdown(workshop.root(), &workshop.levels()).unwrap()
}

#[test]
fn it_has_every_crate_and_every_file() {
    let map = map_of(&workshop());
    for part in [
        // All levels are one crate, and on the lowest floor above what they use.
        "```text\nhouse   levels\ngiven\nground\n```\n",
        "| [`ground`](#ground) | | | `given`, `house` |\n",
        "| [`given`](#given) | `ground` | | `levels` |\n",
        "| [`house`](#house) | `ground` | `given` | |\n",
        "| [`levels`](#levels) | `given` | | |\n",
        "\n## `house`\n\n\
         | `house/src/` | |\n|---|---|\n| `main.rs` | The house: a door |\n\n\
         | `house/src/cellar/` | |\n|---|---|\n| `mod.rs` | Below `main` |\n\n\
         | `house/tests/` | |\n|---|---|\n| `door.rs` | It opens \\| it shuts |\n",
        "| `levels/complete/src/` | |\n|---|---|\n| `main.rs` | All of it |\n",
    ] {
        assert!(map.contains(part), "no {part}in\n{map}");
    }
    assert!(!map.contains("00_first"), "{map}");
}

#[test]
fn it_is_another_when_a_file_or_an_edge_comes() {
    let workshop = workshop();
    let before = map_of(&workshop);
    workshop.write("house/src/attic.rs", "//! Under the roof.\n");
    let with_file = map_of(&workshop);
    let more: Vec<&str> = with_file
        .lines()
        .filter(|it| !before.contains(it))
        .collect();
    assert_eq!(more, ["| `attic.rs` | Under the roof |"]);
    workshop.edit("house/Cargo.toml", "[dev-dependencies]\n", "");
    assert!(map_of(&workshop).contains("| [`house`](#house) | `given`, `ground` | | |\n"));
}

#[test]
fn a_file_that_says_nothing_is_named() {
    let workshop = workshop();
    workshop.write("house/src/attic.rs", "fn roof() {}\n");
    let error = map::markdown(workshop.root(), &workshop.levels()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("house/src/attic.rs does not say"),
        "{error}"
    );
}

#[rstest]
#[case::one_line("//! One file.\n", Some("One file"))]
#[case::to_the_end_of_the_sentence("//! One\n//! file. Another.\n", Some("One file"))]
#[case::not_beyond_the_paragraph("//! A table:\n//!\n//! | a |\n", Some("A table"))]
#[case::with_a_dot_in_a_word("//! `lib.rs` is it.\n", Some("`lib.rs` is it"))]
#[case::without_links("//! See [`a`](super::a) and [b].\n", Some("See `a` and b"))]
#[case::of_a_file_to_include("// Where they try.\nfn f() {}\n", Some("Where they try"))]
#[case::none("use std::fs;\n//! Late.\n", None)]
fn a_file_says_it_in_its_first_sentence(#[case] source: &str, #[case] said: Option<&str>) {
    assert_eq!(map::first_sentence(source).as_deref(), said);
}
