//! `cargo workshop`: the companion at the learner's side.
//!
//! | file | holds |
//! |---|---|
//! | `course.rs` | the levels as the learner has them, and their skeletons |
//! | `progress/` | what is remembered, in `.workshop/progress` |
//! | `begin.rs` | a beginning in the middle |
//! | `welcome.rs`, `map.rs` | `cargo workshop` alone: the first time, and later |
//! | `build.rs` | cargo, and the way to root |
//! | `lesson/` | a level's lesson, to be read at the terminal |
//! | `check.rs` | a level is built and judged |
//! | `watch/` | the same on every save |
//! | `hint.rs`, `solution.rs` | help, in small portions and in a large one |
//! | `seat/` | the learner's seat at the class board |
//! | `join.rs`, `hand.rs`, `leave.rs` | it is taken, asks for help, and is given back |
//! | `board.rs` | the board itself; done by the crate `board` |
//! | `reset.rs` | a level as it came, and what was in it kept |
//! | `update/` | a newer workshop under the learner's work |
//! | `trace/` | a container's system calls as a story |
//! | `xray.rs` | the same with what the kernel changed; done by the crate `xray` |
//! | `browser.rs` | a page in a browser |
//! | `program.rs` | whether this machine has a program |
//! | `reference.rs` | the solution of a level as a program |
//! | `report.rs` | one file for an instructor |
//! | `doctor/` | what this machine can do |
//! | `clean.rs`, `stale_container.rs`, `stale_cgroup.rs` | what killed containers have left |
//! | `own_users.rs` | root of a user namespace, to remove what was made in one |
//! | `inhabitants.rs`, `mounted.rs`, `mountinfo.rs` | who and what still uses it |
//! | `words.rs`, `error.rs` | what stands on the command line; what went wrong |
//! | `screen.rs`, `date.rs` | what reaches the user's eyes |
//! | `completions.rs` | what the Tab key knows |
//!
//! Nothing here needs root: what does is a program of its own (a level, the checks,
//! `clean`), started through `.cargo/as-root`. All files of ours are written as the
//! user who calls us.

mod begin;
mod board;
mod browser;
mod build;
mod check;
mod clean;
mod completions;
mod course;
mod date;
mod doctor;
mod error;
mod hand;
mod hint;
mod images;
mod inhabitants;
mod join;
mod leave;
mod lesson;
mod map;
mod mounted;
mod mountinfo;
mod own_users;
mod program;
mod progress;
mod reference;
mod report;
mod reset;
mod screen;
mod seat;
mod solution;
mod stale_cgroup;
mod stale_container;
mod trace;
mod update;
mod versions;
mod watch;
mod welcome;
mod words;
mod xray;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub(crate) use error::{Error, Result};
pub(crate) use words::{level_word, said_by_clap};

/// The companion at the learner's side
///
/// Without a command: a map of the levels, and what to do next.
#[derive(Parser)]
#[command(
    name = "cargo workshop",
    bin_name = "cargo workshop",
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "\
Example: cargo workshop check 03",
    after_long_help = "\
A newer workshop: `cargo workshop update` commits your work, takes what is new
and says which of your blocks want a change. Nothing of yours is lost.

Progress is a text file, .workshop/progress, which git does not see.

Example: cargo workshop check 03"
)]
struct CommandLine {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Say what this machine lacks, and for which level
    Doctor(doctor::Arguments),
    /// Begin at a later level, and skip those before it
    Begin(begin::Arguments),
    /// Read the lesson of a level
    Lesson(lesson::Arguments),
    /// Build a level, and say what the kernel sees of it
    Check(check::Arguments),
    /// Check on every save, and go on to the next level when one is done
    Watch(watch::Arguments),
    /// Show the next hint of a lesson, one at a time
    Hint(hint::Arguments),
    /// Show what the reference does differently from your code
    Solution(solution::Arguments),
    /// Tell a container's system calls as a story
    Trace(trace::Arguments),
    /// Show what the kernel changed at each call of a level
    Xray(xray::Arguments),
    /// Make a level what it was when it came; your work is kept aside
    Reset(reset::Arguments),
    /// Take the newer workshop, and keep what you have written
    Update(update::Arguments),
    /// Put all that a helper needs into one file
    Report(report::Arguments),
    /// Take a seat at the board of a class; says before what is sent
    Join(join::Arguments),
    /// Raise your hand at the class board; again lowers it
    #[command(after_help = "Example: cargo workshop hand")]
    Hand,
    /// Give back the seat at the class board; nothing of it is kept
    #[command(after_help = "Example: cargo workshop leave")]
    Leave,
    /// Show the instructor of a class who needs help
    #[command(
        disable_help_flag = true,
        after_help = "Example: cargo workshop board --minutes minutes.txt"
    )]
    Board {
        /// Options; `--help` says which
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "OPTION"
        )]
        arguments: Vec<OsString>,
    },
    /// What a check starts so that it need not wait for the board
    #[command(hide = true)]
    TellBoard,
    /// Remove what killed containers have left behind
    #[command(after_help = "\
A command can outlive its killed parent: an exec of a setuid program makes the
kernel forget its wish not to (level 10). Such a command is ended.

Example: cargo workshop clean --dry-run")]
    Clean {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,

        /// What containers have left that you ran without root; takes none
        #[arg(long)]
        own: bool,

        /// Where containers live [default: as for the levels]
        #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_CONTAINERS")]
        #[arg(hide_env = true, hide_default_value = true)]
        #[arg(default_value = given::CONTAINERS, value_parser = given::container_dir())]
        container_dir: PathBuf,

        /// Where images are [default: as for the levels]
        #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_IMAGES")]
        #[arg(hide_env = true, hide_default_value = true, default_value = given::IMAGES)]
        #[arg(value_parser = given::image_dir())]
        image_dir: PathBuf,
    },
    /// List, pull, import, inspect and remove images
    #[command(
        disable_help_flag = true,
        after_help = "Example: cargo workshop images pull alpine:3.20"
    )]
    Images {
        /// `list`, `inspect NAME`, `pull REFERENCE`, `import FILE [NAME]`, `rm NAME`; `--help` says
        /// more
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ACTION"
        )]
        arguments: Vec<OsString>,
    },
    /// Print a script that completes these commands in your shell
    Completions(completions::Arguments),
}

/// Less than this is not enough for us, and a program whose stack ends is killed without a
/// word that helps (getrlimit(2), RLIMIT_STACK).
const STACK: u64 = 1 << 20;

/// The limit of our stack, if it is too small.
fn small_stack() -> Option<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|it| it.strip_prefix("Max stack size"))?;
    let bytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    (bytes < STACK).then_some(bytes)
}

fn main() -> ExitCode {
    if let Some(bytes) = small_stack() {
        given::log(&format!(
            "this shell allows a stack of {} KiB only, too small for this and for cargo. Say \
             `ulimit -s 8192`; if that is refused, open another shell",
            bytes / 1024
        ));
        return ExitCode::FAILURE;
    }
    with_enough_stack()
}

// A frame of its own: what it needs must not be taken before we have looked.
#[inline(never)]
fn with_enough_stack() -> ExitCode {
    let outcome = match CommandLine::try_parse() {
        Ok(words) => run(words.action),
        Err(words) => said_by_clap(&words),
    };
    match outcome {
        Ok(status) => status,
        Err(error) => {
            // Behind `workshop: `.
            given::log(&screen::for_stderr(&error.to_string(), 10));
            ExitCode::FAILURE
        }
    }
}

fn run(action: Option<Action>) -> Result<ExitCode> {
    match action {
        None => where_am_i(),
        Some(Action::Doctor(arguments)) => doctor::run(arguments),
        Some(Action::Begin(arguments)) => begin::run(arguments),
        Some(Action::Lesson(arguments)) => lesson::run(arguments),
        Some(Action::Check(arguments)) => check::run(arguments),
        Some(Action::Watch(arguments)) => watch::run(arguments),
        Some(Action::Hint(arguments)) => hint::run(arguments),
        Some(Action::Solution(arguments)) => solution::run(arguments),
        Some(Action::Trace(arguments)) => trace::run(arguments),
        Some(Action::Xray(arguments)) => xray::run(arguments),
        Some(Action::Reset(arguments)) => reset::run(arguments),
        Some(Action::Update(arguments)) => update::run(arguments),
        Some(Action::Report(arguments)) => report::run(arguments),
        Some(Action::Join(arguments)) => join::run(arguments),
        Some(Action::Hand) => hand::run(),
        Some(Action::Leave) => leave::run(),
        Some(Action::Board { arguments }) => board::run(&arguments),
        Some(Action::TellBoard) => seat::tell_board().map(|()| ExitCode::SUCCESS),
        Some(Action::Images { arguments }) => images::run(&arguments),
        Some(Action::Completions(arguments)) => completions::run(arguments, CommandLine::command()),
        Some(Action::Clean {
            dry_run,
            own,
            container_dir,
            image_dir,
        }) => {
            let cleaned = match own {
                true => clean::clean_own(&container_dir, &image_dir, dry_run),
                false => clean::clean_all(&container_dir, &image_dir, dry_run),
            };
            cleaned.map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn where_am_i() -> Result<ExitCode> {
    let course = course::Course::find()?;
    let is_new = progress::Progress::is_new(&course);
    let progress = progress::Progress::read(&course)?;
    let is_untouched = |level| match progress.state(&course, level) {
        Ok(state) => state == progress::State::Untouched,
        Err(_) => false,
    };
    if is_new && course.numbered().all(is_untouched) {
        welcome::show(&course)?;
    } else {
        map::show(&course, &progress)?;
        map::next(&course, &progress)?;
    }
    Ok(ExitCode::SUCCESS)
}
