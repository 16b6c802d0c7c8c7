//! What the course knows of each level, in one place: which levels there are, what each is
//! about, how long it takes, and what it asks of the machine.
//!
//! The facts are in the `level.toml` of each level's directory. Here are the only list of
//! these files and their only reader. A program that asks contains the files: the checks also
//! run where there is no checkout, such as in a virtual machine of the tests.
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

/// All levels in order; after the last one of a part comes the part's solution, which is
/// the library of the next part.
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
    "12_masked_paths",
    "13_seccomp",
    "14_pids_io",
    "15_devices",
    "16_volumes",
    "17_sealed_self",
    "18_terminal",
    "19_init",
    "20_rootless",
    "harden",
];

/// The number of the last level: the first is 0, and the solutions of the parts have none.
pub const LAST: u8 = count_levels() - 1;

const fn count_levels() -> u8 {
    let (mut index, mut levels) = (0, 0);
    while index < TABLE.len() {
        levels += TABLE[index].0.as_bytes()[0].is_ascii_digit() as u8;
        index += 1;
    }
    levels
}

/// One level, or the solution of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number in front of the directory's name; the solution of a part has none.
    pub number: Option<u8>,
    /// Its directory below `levels/`.
    pub directory: &'static str,
    /// What its `level.toml` says.
    pub facts: Facts,
}

impl Entry {
    /// Its package, which is also the name of its program: `level03`, `rd`. The solution of
    /// the last part is `rd`; that of an earlier part has the name of its directory, because
    /// two packages cannot have one name.
    pub fn package(&self) -> String {
        let mut solutions = all().iter().filter(|entry| entry.number.is_none());
        match self.number {
            Some(number) => format!("level{number:02}"),
            None if solutions.next_back() == Some(self) => RUNTIME.to_owned(),
            None => self.directory.to_owned(),
        }
    }

    /// Its lesson, seen from the checkout.
    pub fn lesson(&self) -> String {
        format!("levels/{}/README.md", self.directory)
    }
}

/// The name of the finished runtime's program.
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

/// All levels in order, with the solution of each part after its levels.
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

/// The level after this one, whose skeleton is this one's solution; for the last one of a
/// part, the part's solution. An unfinished part may not have it yet.
pub fn after(number: u8) -> Option<&'static Entry> {
    let mut rest = all().iter();
    let level = rest.find(|entry| entry.number == Some(number))?;
    rest.next()
        .filter(|next| next.facts.part == level.facts.part)
}

/// The number of the last level of a part.
pub fn last_of(part: u8) -> Option<u8> {
    let mut levels = numbered().rev();
    levels.find(|entry| entry.facts.part == part)?.number
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn numbers_count_from_zero_and_each_part_ends_with_its_solution() {
        let numbers = numbered().filter_map(|entry| entry.number);
        assert!(numbers.eq(0..=LAST));
        for pair in all().windows(2) {
            let is_border = pair[0].facts.part != pair[1].facts.part;
            assert_eq!(pair[0].number.is_none(), is_border, "{pair:?}");
        }
        assert_eq!(after(0), level(1));
        assert_eq!(after(11).map(|entry| entry.directory), Some("complete"));
        assert_eq!(last_of(1), Some(11));
    }

    #[test]
    fn one_solution_is_called_rd() {
        let packages: BTreeSet<String> = all().iter().map(Entry::package).collect();
        assert_eq!(packages.len(), all().len());
        assert!(packages.contains(RUNTIME));
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
