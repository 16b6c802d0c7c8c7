//! How long levels take: minutes, without whose they were.
//!
//! A line of the file is a level and its minutes, `02 31`. The lines of a class are sorted, so
//! that their order tells of nobody; those of several classes, or of a board that was started
//! again, stand behind each other. `node slides/schedule.mjs --minutes FILE` reads them.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use curriculum::Error;

const HEADER: &str = "\
# Minutes that learners have taken for a level: the level, the minutes. No line says whose.
";

/// When the whole class is silent for longer than this, it has a break, or listens.
const BREAK: Duration = Duration::from_secs(10 * 60);

/// The minutes of a class.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    took: Vec<(String, u64)>,
    /// The time that the class has worked, and when it was last heard.
    worked: Duration,
    heard: Option<Duration>,
}

impl Pace {
    /// Somebody is heard. The time that the class has worked until now: breaks do not count.
    pub(crate) fn heard(&mut self, now: Duration) -> Duration {
        let since = self.heard.unwrap_or(now);
        self.worked += now.saturating_sub(since).min(BREAK);
        self.heard = Some(now);
        self.worked
    }

    /// Somebody has done a level in this time.
    pub(crate) fn took(&mut self, level: &str, time: Duration) {
        let minutes = time.as_secs().div_ceil(60).max(1);
        self.took.push((level.to_owned(), minutes));
    }

    /// Adds the lines to a file; how many they were.
    pub(crate) fn add_to(&self, file: &Path) -> Result<usize, Error> {
        let refused = |error: std::io::Error| format!("cannot write {}: {error}", file.display());
        let mut text = before(file).map_err(refused)?;
        text += &self.lines();
        let directory = match file.parent() {
            Some(directory) if directory != Path::new("") => directory,
            _ => Path::new("."),
        };
        let mut whole = tempfile::Builder::new()
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(directory)
            .map_err(refused)?;
        whole.write_all(text.as_bytes()).map_err(refused)?;
        whole.persist(file).map_err(|error| refused(error.error))?;
        Ok(self.took.len())
    }

    fn lines(&self) -> String {
        let mut took = self.took.clone();
        took.sort();
        let line = |(level, minutes): &(String, u64)| format!("{level} {minutes}\n");
        took.iter().map(line).collect()
    }
}

/// What is in the file already.
fn before(file: &Path) -> std::io::Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(HEADER.to_owned()),
        text => text,
    }
}

/// Whether it can be written is asked at the beginning: at the end of the day it would be late.
pub(crate) fn can_be_written(file: &Path) -> Result<(), Error> {
    Pace::default().add_to(file).map(|_| ())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(60 * count)
    }

    #[test]
    fn a_break_of_the_whole_class_is_no_work() {
        let mut pace = Pace::default();
        assert_eq!(pace.heard(minutes(100)), minutes(0));
        assert_eq!(pace.heard(minutes(104)), minutes(4));
        // Lunch.
        assert_eq!(pace.heard(minutes(164)), minutes(14));
        assert_eq!(pace.heard(minutes(165)), minutes(15));
    }

    #[test]
    fn lines_are_added_and_their_order_tells_of_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("minutes.txt");
        can_be_written(&file).unwrap();
        let mut pace = Pace::default();
        pace.took("02", minutes(31));
        pace.took("00", Duration::from_secs(61));
        pace.took("02", Duration::ZERO);
        assert_eq!(pace.add_to(&file).unwrap(), 3);
        let mut again = Pace::default();
        again.took("01", minutes(7));
        again.add_to(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("{HEADER}00 2\n02 1\n02 31\n01 7\n"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_said_at_the_beginning() {
        let error = can_be_written(Path::new("/proc/none/minutes.txt")).unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("cannot write /proc/none/minutes.txt: "),
            "{said}"
        );
    }
}
