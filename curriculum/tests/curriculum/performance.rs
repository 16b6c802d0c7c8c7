//! A transcript's commands, run one after the other, and compared with what it shows.

use crate::build::Build;
use crate::course::Course;
use crate::terminal::Terminals;
use curriculum::transcript::{self, FIRST, SECOND, Shown};
use libtest_mimic::Failed;
use snapbox::IntoData;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// For each command; a lesson's commands take moments.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// For a command that runs the checks of a level, each of which has a deadline itself, or
/// carries an edit through hundreds of patches.
const MORE_PATIENCE: Duration = Duration::from_secs(120);
const WANT_MORE: [&str; 2] = ["cargo test ", "cargo run -q -p curriculum -- carry "];

/// Runs `commands` in a sandbox of their own. `programs` are found there under these
/// names, besides all that are built; `page` is for the messages.
pub(crate) fn perform(
    course: &Course,
    page: &Path,
    programs: &[(String, PathBuf)],
    commands: &[Shown],
    patience: Duration,
) -> Result<(), Failed> {
    let terminals = Terminals::open(
        &course.root,
        Build::get(course).binary("checks")?,
        programs,
        base_image(course)?,
    )?;
    Performance {
        terminals,
        page,
        patience,
    }
    .run(commands)
}

/// The image `base`, made once and put into every sandbox.
pub(crate) fn base_image(course: &Course) -> Result<&'static Path, Failed> {
    static ARCHIVE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = ARCHIVE.get_or_init(|| {
        let image = images::find(&course.scratch, "base").map_err(|error| error.to_string())?;
        Ok(image.archive().to_owned())
    });
    made.as_deref().map_err(Failed::from)
}

struct Performance<'a> {
    terminals: Terminals,
    page: &'a Path,
    patience: Duration,
}

impl Performance<'_> {
    fn run(mut self, commands: &[Shown]) -> Result<(), Failed> {
        // The command that the first terminal is busy with, and whether the second
        // terminal has looked at it: then it may go on after the transcript's end.
        let mut busy: Option<(&Shown, bool)> = None;
        for shown in commands {
            if shown.terminal == FIRST {
                if let Some((earlier, _)) = busy.take() {
                    self.finish(earlier)?;
                }
                self.terminals.run(FIRST, &shown.command)?;
                busy = Some((shown, false));
            } else {
                if let Some((earlier, watched @ false)) = &mut busy {
                    *watched = true;
                    if !earlier.output.is_empty() {
                        let deadline = self.deadline();
                        self.terminals.wait_for_output(FIRST, deadline)?;
                    }
                }
                self.watch(shown)?;
            }
        }
        match busy {
            Some((earlier, true)) => self.settle(earlier)?,
            Some((earlier, false)) => self.finish(earlier)?,
            None => {}
        }
        Ok(())
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// The command ends, and this is all that it printed.
    fn finish(&mut self, shown: &Shown) -> Result<(), Failed> {
        let wants_more = WANT_MORE.iter().any(|it| shown.command.starts_with(it));
        let patience = if wants_more {
            MORE_PATIENCE
        } else {
            self.patience
        };
        let deadline = Instant::now() + patience;
        if !self.terminals.wait(FIRST, deadline)? {
            return Err(self.endless(shown));
        }
        let output = self.terminals.output(FIRST);
        self.compare(shown, &output).map_err(Failed::from)
    }

    /// The command may go on, but this is all that it prints.
    fn settle(&mut self, shown: &Shown) -> Result<(), Failed> {
        let deadline = self.deadline();
        loop {
            let output = self.terminals.output(FIRST);
            match self.compare(shown, &output) {
                Ok(()) => return Ok(()),
                Err(difference) => {
                    let is_over = !self.terminals.is_busy(FIRST);
                    if is_over || !self.terminals.wait_for_event(deadline)? {
                        return Err(difference.into());
                    }
                }
            }
        }
    }

    /// A command of the second terminal is tried until what it sees is as shown.
    fn watch(&mut self, shown: &Shown) -> Result<(), Failed> {
        let deadline = self.deadline();
        loop {
            self.terminals.run(SECOND, &shown.command)?;
            let end = self.deadline();
            if !self.terminals.wait(SECOND, end)? {
                return Err(self.endless(shown));
            }
            let output = self.terminals.output(SECOND);
            match self.compare(shown, &output) {
                Ok(()) => return Ok(()),
                Err(difference) if Instant::now() > deadline => return Err(difference.into()),
                // The kernel does not tell that what the command looks at has changed.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn compare(&self, shown: &Shown, output: &str) -> Result<(), String> {
        let wanted = transcript::wildcards(&shown.output).into_data();
        snapbox::Assert::new()
            .normalize_paths(false)
            .palette(snapbox::report::Palette::plain())
            .try_eq(Some(&"what happened"), output.into_data(), wanted)
            .map_err(|difference| self.complain(shown, difference.to_string().trim_end()))
    }

    fn complain(&self, shown: &Shown, what: &str) -> String {
        let Shown {
            line,
            terminal,
            command,
            ..
        } = shown;
        format!(
            "{}:{line}: {terminal} {command}\n{what}",
            self.page.display()
        )
    }

    /// The deadline came first.
    fn endless(&self, shown: &Shown) -> Failed {
        let output = self.terminals.output(shown.terminal);
        self.complain(shown, &format!("it did not end; it printed:\n{output}"))
            .into()
    }
}
