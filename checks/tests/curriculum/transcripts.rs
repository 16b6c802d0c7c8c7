//! What a lesson shows in a console is what happens.
//!
//! Each fence is a trial with a sandbox of its own. Standard output and standard
//! error are compared together, as a terminal shows them, by snapbox. How a
//! transcript is written is told in `curriculum::transcript`.

use crate::build::Build;
use crate::course::{Course, Verdict};
use crate::right_reason::no_root;
use crate::terminal::Terminals;
use checks::curriculum::lesson::{Fence, Lesson, Mode};
use checks::curriculum::transcript::{self, FIRST, SECOND, Shown};
use libtest_mimic::{Completion, Failed, Trial};
use snapbox::IntoData;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// For each command; a lesson's commands take moments.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = itself(course);
    trials.extend(fences(course, None));
    for index in 0..course.levels.len() {
        trials.extend(fences(course, Some(index)));
    }
    trials
}

/// The fences of a level's lesson, or of the README at the root.
fn fences(course: &'static Course, index: Option<usize>) -> Vec<Trial> {
    let (directory, name) = match index.map(|index| &course.levels[index]) {
        Some(level) => (level.path(), level.package.as_str()),
        None => (PathBuf::new(), "README"),
    };
    let readme = directory.join("README.md");
    let Ok(text) = std::fs::read_to_string(course.root.join(&readme)) else {
        return Vec::new(); // a lesson that is missing is lessons.rs's to say
    };
    let lesson = Lesson::parse(&text);
    let mut trials = Vec::new();
    for (line, fault) in lesson.faults {
        let message = format!("{}:{line}: {fault}", readme.display());
        trials.push(Trial::test(
            format!("transcript::{name}:{line}"),
            move || Err(Failed::from(message)),
        ));
    }
    for fence in lesson.fences {
        let readme = readme.clone();
        let mode = if matches!(fence.mode, Mode::Skip(_)) {
            "skip".to_owned()
        } else {
            fence.mode.to_string()
        };
        let title = format!("transcript::{name}:{}:{mode}", fence.line);
        trials.push(Trial::ignorable_test(title, move || {
            // What `after` shows is the next level's skeleton.
            let subjects: Vec<usize> = match (index, &fence.mode) {
                (_, Mode::Skip(_)) | (None, _) => Vec::new(),
                (Some(index), Mode::Before) => vec![index],
                (Some(index), Mode::After) => vec![index + 1],
            };
            course.unless_learners(&subjects, || perform(course, index, &readme, &fence))
        }));
    }
    trials
}

fn perform(course: &Course, index: Option<usize>, readme: &Path, fence: &Fence) -> Verdict {
    if let Mode::Skip(reason) = &fence.mode {
        course.notice(format!(
            "{}:{}: not run: {reason}",
            readme.display(),
            fence.line
        ));
        return Ok(Completion::ignored_with(reason));
    }
    if let Some(reason) = no_root() {
        return course.skip(reason);
    }
    let build = Build::get(course);
    let mut programs = Vec::new();
    if let (Some(index), Mode::After) = (index, &fence.mode) {
        let level = &course.levels[index];
        let solution = course
            .levels
            .get(index + 1)
            .ok_or("`after` needs a next level")?;
        programs.push((
            level.package.clone(),
            build.binary(&solution.package)?.to_owned(),
        ));
    }
    let terminals = Terminals::open(
        &course.root,
        build.binary("checks")?,
        &programs,
        base_image(course)?,
    )?;
    let commands = transcript::read(readme, fence)?;
    Performance {
        terminals,
        readme,
        patience: PATIENCE,
    }
    .run(&commands)?;
    Ok(Completion::Completed)
}

/// The image `base`, made once and put into every sandbox.
fn base_image(course: &Course) -> Result<&'static Path, Failed> {
    static ARCHIVE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = ARCHIVE.get_or_init(|| {
        let image = images::find(&course.scratch, "base").map_err(|error| error.to_string())?;
        Ok(image.archive().to_owned())
    });
    made.as_deref().map_err(Failed::from)
}

struct Performance<'a> {
    terminals: Terminals,
    readme: &'a Path,
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
        let deadline = self.deadline();
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
                // The kernel tells nobody that what the command looks at has changed.
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
            self.readme.display()
        )
    }

    /// The deadline came first.
    fn endless(&self, shown: &Shown) -> Failed {
        let output = self.terminals.output(shown.terminal);
        self.complain(shown, &format!("it did not end; it printed:\n{output}"))
            .into()
    }
}

/// Transcripts made up for the purpose: what passes, and what is said of what does not.
fn itself(course: &'static Course) -> Vec<Trial> {
    let cases: [(&str, &str, &[&str]); 10] = [
        (
            "output_as_shown",
            "$ echo one; echo two >&2\none\ntwo\n",
            &[],
        ),
        (
            "wildcards",
            "$ seq 9; echo $$ was it\n1\n...\n9\n[PID] was [..]\n",
            &[],
        ),
        (
            "a_shell_that_remembers",
            "$ cd /usr; x=1; false\n$ echo $? $PWD $x\n1 /usr 1\n",
            &[],
        ),
        (
            "a_pipe_and_a_line_more",
            "$ echo one |\n> tr o O\nOne\n",
            &[],
        ),
        (
            "a_second_terminal_that_waits",
            "$ sleep 0.2; echo ready; exec sleep 1000\nready\nhost$ pgrep -cx sleep\n1\nhost$ pkill -x sleep\n",
            &[],
        ),
        (
            "a_second_terminal_that_looks_again",
            "$ sleep 0.3; sleep 1000\nhost$ pgrep -fxc 'sleep 1000'\n1\n",
            &[],
        ),
        (
            "output_that_differs",
            "$ true\n$ echo one\ntwo\n",
            &["made-up.md:3: $ echo one", "- two", "+ one"],
        ),
        (
            "output_that_was_not_shown",
            "$ echo one\n",
            &["made-up.md:2: $ echo one", "+ one"],
        ),
        (
            "a_command_that_goes_on",
            "$ sleep 1000\n",
            &["made-up.md:2: $ sleep 1000", "it did not end"],
        ),
        (
            "a_second_terminal_that_waits_in_vain",
            "$ sleep 1000\nhost$ echo one\ntwo\n",
            &["made-up.md:3: host$ echo one", "- two", "+ one"],
        ),
    ];
    let trial =
        |(name, text, complaints): (&'static str, &'static str, &'static [&'static str])| {
            Trial::ignorable_test(
                format!("transcript::itself::{name}"),
                move || match no_root() {
                    Some(reason) => course.skip(reason),
                    None => complains(course, text, complaints),
                },
            )
        };
    cases.map(trial).into()
}

fn complains(course: &Course, text: &str, complaints: &[&str]) -> Verdict {
    let readme = Path::new("made-up.md");
    let lines = text.lines().map(str::to_owned).collect();
    let commands = transcript::read(
        readme,
        &Fence {
            line: 1,
            mode: Mode::Before,
            lines,
        },
    )?;
    let terminals = Terminals::open(
        &course.root,
        Build::get(course).binary("checks")?,
        &[],
        base_image(course)?,
    )?;
    // Long enough for what shall pass, and a tenth of that for what shall not.
    let patience = if complaints.is_empty() {
        PATIENCE
    } else {
        PATIENCE / 10
    };
    let said = match (Performance {
        terminals,
        readme,
        patience,
    })
    .run(&commands)
    {
        Ok(()) => String::new(),
        Err(failed) => failed.message().unwrap_or_default().to_owned(),
    };
    let missed: Vec<&&str> = complaints
        .iter()
        .filter(|complaint| !said.contains(**complaint))
        .collect();
    if missed.is_empty() && said.is_empty() == complaints.is_empty() {
        return Ok(Completion::Completed);
    }
    Err(format!("not said: {missed:?}\nsaid:\n{said}").into())
}
