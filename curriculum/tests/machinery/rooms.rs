//! Which file of a level may name its options.

use crate::fixture::Workshop;
use curriculum::rooms;
use rstest::rstest;

#[rstest]
#[case::main("main.rs", "pub struct Options {}", false)]
#[case::recipe("container.rs", "use crate::{Container, Options};", false)]
#[case::imported("rootfs.rs", "use crate::Options;", true)]
#[case::by_its_path("rootfs.rs", "pub fn prepare(all: &crate::Options) {}", true)]
#[case::another_word("rootfs.rs", "use linux_sys::WaitOptions;", false)]
#[case::in_a_comment("rootfs.rs", "// Not `Options`, but what is needed of them.", false)]
#[case::below("mounts/dev.rs", "use crate::Options;", true)]
fn options_are_known_to_two_files(#[case] file: &str, #[case] line: &str, #[case] is_told: bool) {
    let workshop = Workshop::of_mains(["fn main() {}\n"; 3]);
    workshop.write(
        &format!("levels/01_second/src/{file}"),
        &format!("//! A room.\n{line}\n"),
    );
    let levels = workshop.levels();
    let told = |index: usize| rooms::that_know_options(workshop.root(), &levels[index]).unwrap();
    assert!(told(0).is_empty());
    let expected = format!("levels/01_second/src/{file}:2: {line}");
    assert_eq!(told(1), if is_told { vec![expected] } else { Vec::new() });
}
