//! What the course knows of each level, in one place: which levels there are, what each is
//! about, how long it takes, and what it asks of the machine.
//!
//! It stands in the `level.toml` of the level's directory. Here is the only list of these
//! files, and the only reader. They are part of the program that asks: the checks run where
//! there is no checkout, such as in a virtual machine of the tests.
//!
//! A new level is a line in [`TABLE`]; `cargo run -p curriculum -- new` writes it.

mod facts;

use std::sync::LazyLock;

pub use facts::{Facts, Fault};

/// Each level's directory, and its file.
macro_rules! table {
    ($($directory:literal,)*) => {
        [$(($directory, include_str!(concat!("../../levels/", $directory, "/level.toml"))),)*]
    };
}

/// All levels in order, and the finished runtime, which is the last one's solution.
pub const TABLE: &[(&str, &str)] = &table![
    "00_fork_exec",
    "01_chroot_image",
    "02_mount_ns",
    "03_pivot_root",
    "04_overlay",
    "05_uts_namespace",
    "06_pid_namespace",
    "07_net_namespace",
    "08_cpu_cgroup",
    "09_memory_cgroup",
    "10_setuid",
    "11_capabilities",
    "complete",
];

/// The number of the last level: `complete` has none, and the first is 0.
pub const LAST: u8 = TABLE.len() as u8 - 2;

/// One level, or the finished runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number in front of the directory's name; the finished runtime has none.
    pub number: Option<u8>,
    /// Its directory below `levels/`.
    pub directory: &'static str,
    /// What stands in its `level.toml`.
    pub facts: Facts,
}

impl Entry {
    /// Its package, which is also the name of its program: `level03`, `rd`.
    pub fn package(&self) -> String {
        self.number
            .map_or_else(|| RUNTIME.to_owned(), |number| format!("level{number:02}"))
    }

    /// Its lesson, seen from the checkout.
    pub fn lesson(&self) -> String {
        format!("levels/{}/README.md", self.directory)
    }
}

/// What the program of the finished runtime is called.
pub const RUNTIME: &str = "rd";

/// The table, read.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |(directory, text): &(&'static str, &str)| {
        let facts = Facts::parse(text).unwrap_or_else(|fault| {
            #[expect(clippy::panic, reason = "a maintainer's mistake, which a test finds")]
            {
                panic!("levels/{directory}/level.toml: {fault}")
            }
        });
        Entry {
            number: directory.split('_').next().and_then(|it| it.parse().ok()),
            directory,
            facts,
        }
    };
    TABLE.iter().map(entry).collect()
});

/// All levels in order, the finished runtime last.
pub fn all() -> &'static [Entry] {
    &ENTRIES
}

/// The levels that have something to write in them.
pub fn numbered() -> impl DoubleEndedIterator<Item = &'static Entry> {
    all().iter().filter(|entry| entry.number.is_some())
}

/// The level of this number.
pub fn level(number: u8) -> Option<&'static Entry> {
    all().iter().find(|entry| entry.number == Some(number))
}

/// The level after this one, whose skeleton is this one's solution; after the last one the
/// finished runtime.
pub fn after(number: u8) -> Option<&'static Entry> {
    let mut rest = all().iter();
    rest.find(|entry| entry.number == Some(number))?;
    rest.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn numbers_count_from_zero_and_the_runtime_is_last() {
        let numbers: Vec<Option<u8>> = all().iter().map(|entry| entry.number).collect();
        let expected: Vec<Option<u8>> = (0..=LAST).map(Some).chain([None]).collect();
        assert_eq!(numbers, expected);
        assert_eq!(after(LAST).map(Entry::package).as_deref(), Some(RUNTIME));
        assert_eq!(after(0), level(1));
    }

    #[test]
    fn parts_come_one_after_the_other() {
        let parts: Vec<u8> = all().iter().map(|entry| entry.facts.part).collect();
        assert!(parts.is_sorted(), "{parts:?}");
        assert_eq!(parts.first(), Some(&1));
    }

    #[test]
    fn the_table_has_every_directory_of_a_level() {
        let levels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../levels");
        let entries = std::fs::read_dir(levels).into_iter().flatten().flatten();
        let there: BTreeSet<String> = entries
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let listed = TABLE.iter().map(|(directory, _)| directory.to_string());
        assert_eq!(listed.collect::<BTreeSet<_>>(), there);
    }

    #[test]
    fn what_is_no_longer_needed_was_needed_before() {
        let mut needed = BTreeSet::new();
        for entry in numbered() {
            let directory = entry.directory;
            for need in &entry.facts.no_longer_needs {
                assert!(needed.remove(need), "{directory} does not need {need:?}");
            }
            for need in &entry.facts.needs {
                assert!(needed.insert(need), "{directory} needs {need:?} again");
            }
        }
    }
}
