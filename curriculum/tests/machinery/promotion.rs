//! A part's solution that is a library as well: as text it is one crate again.

use crate::fixture::Workshop;
use curriculum::promotion::{library, with_listed_rooms, with_own_rooms, without_library};
use curriculum::workshop::{self, Lines, Spoilt};
use rstest::rstest;
use std::path::PathBuf;

const MANIFEST: &str = "\
[package]
name = \"rd\"
edition.workspace = true

[lib]
name = \"isolate\" # what the next part calls it
path = \"src/lib.rs\"

[[bin]]
name = \"rd\"
path = \"src/main.rs\"

[dependencies]
";

const MAIN: &str = "\
mod container;
use isolate::{second, third};

use std::io;

fn main() {
    std::process::exit(container::contain(second::NUMBER + third::NUMBER));
}
";

fn workshop() -> Workshop {
    let workshop = Workshop::of_mains(["fn main() {}\n", "fn main() {}\n", MAIN]);
    workshop.write("levels/complete/Cargo.toml", MANIFEST);
    for (room, text) in [
        ("lib", "pub mod second;\npub mod third;\n"),
        (
            "container",
            "use crate::second;\n\npub fn contain(number: i32) -> i32 {\n    number + second::NUMBER\n}\n",
        ),
        ("second", "pub const NUMBER: i32 = 2;\n"),
        ("third", "pub const NUMBER: i32 = 3;\n"),
    ] {
        workshop.write(&format!("levels/complete/src/{room}.rs"), text);
    }
    workshop
}

#[test]
fn it_is_known_by_its_manifest() {
    let workshop = workshop();
    let levels = workshop.levels();
    let names = [1, 2].map(|it| library(workshop.root(), &levels[it]).unwrap());
    assert_eq!(names, [None, Some("isolate".to_owned())]);
    let (before, rest) = MANIFEST.split_once("[lib]").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    assert_eq!(without_library(MANIFEST), format!("{before}{after}"));
    assert_eq!(
        without_library(&format!("{before}{after}")),
        format!("{before}{after}")
    );
}

#[rstest]
#[case::several("use isolate::{cgroup, user};\n", "mod cgroup; mod user;\n")]
#[case::over_several_lines(
    "use isolate::{\n    cgroup,\n    user,\n};\nx\n",
    "mod cgroup; mod user;\n\n\n\nx\n"
)]
#[case::one("use isolate::user;\n", "mod user;\n")]
#[case::of_another("use linux_sys::{mount};\n", "use linux_sys::{mount};\n")]
#[case::none("fn main() {}\n", "fn main() {}\n")]
fn each_line_keeps_its_number(#[case] main: &str, #[case] expected: &str) {
    assert_eq!(with_own_rooms(main, "isolate"), expected);
}

#[test]
fn as_a_level_it_lists_its_rooms() {
    let listed = with_listed_rooms(
        "mod container;\nuse isolate::{cgroup, user};\n\nuse std::io;\n",
        "isolate",
    );
    let expected = "mod cgroup;\nmod container;\nmod user;\n\nuse std::io;\n";
    assert_eq!(listed, expected);
}

#[test]
fn a_room_that_is_another_is_the_programs() {
    let workshop = workshop();
    let levels = workshop.levels();
    let room = "pub const NUMBER: i32 = 20;\n".to_owned();
    let spoilt = Spoilt {
        key: PathBuf::from("second"),
        package: "second-is-20".to_owned(),
        solution: &levels[2],
        files: vec![(PathBuf::from("src/second.rs"), room)],
    };
    workshop.write("Cargo.toml", "[workspace.package]\nedition = \"2024\"\n");
    workshop.write("Cargo.lock", "version = 4\n");
    let directory = workshop.root().join("spoilt");
    let target = directory.join("target");
    let built =
        workshop::Workshop::of_spoilt(Lines::Left, workshop.root(), &directory, &target, &[spoilt]);
    let program = built.binary(&PathBuf::from("second")).unwrap();
    let status = std::process::Command::new(program).status().unwrap();
    // Once by main.rs, and once by container.rs.
    assert_eq!(status.code(), Some(20 + 3 + 20));
}
