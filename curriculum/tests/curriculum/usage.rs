//! A level alone prints one screen that says what it is and what to try, and
//! asks no learner for root.

use crate::build::Build;
use crate::course::{Course, Verdict, nothing_of};
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

const LINES: usize = 24;
const COLUMNS: usize = 80;
const NOBODY: u32 = 65534;

pub(crate) fn trials(course: &'static Course) -> Vec<Trial> {
    let mut trials = course.each("usage", fits_one_screen);
    trials.extend(course.each("usage_options", are_those_of_the_table));
    trials.extend(course.each("usage_flags", are_known_to_as_root));
    trials
}

/// Behind an option `.cargo/as-root` takes a word for its value, unless it knows that the
/// option has none; else a `--help` of COMMAND would pass for ours.
fn are_known_to_as_root(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    let script = fs::read_to_string(course.root.join(".cargo/as-root"))?;
    let known: BTreeSet<&str> = (script.lines())
        .filter_map(|line| line.trim_start().strip_suffix(") before='' ;;"))
        .flat_map(|options| options.split(" | "))
        .collect();
    let mut found = Vec::new();
    for verb in level.facts.root.iter().chain(&level.facts.rootless) {
        let help = help(course, index, verb)?;
        // What is set in further goes on with the text of an option.
        let options = (help.lines())
            .filter(|line| line.starts_with("  -") || line.starts_with("      --"))
            .filter(|line| !line.contains("--help"))
            .filter_map(|line| line.trim_start().split("  ").next());
        for option in options {
            let takes_a_value = option.contains('<');
            let names = option
                .split([' ', ','])
                .filter(|word| word.starts_with('-'));
            let wrong = names.filter(|name| known.contains(name) == takes_a_value);
            found.extend(wrong.map(|name| match takes_a_value {
                true => format!("{verb} {name} takes a value"),
                false => format!("{verb} {name} takes no value, and is missing there"),
            }));
        }
    }
    nothing_of(
        &format!(
            "the options without a value in .cargo/as-root are not those of {}",
            level.package
        ),
        found,
    )
}

/// What `level.toml` says that the level adds is what `run --help` has more than that of the
/// level before.
fn are_those_of_the_table(course: &'static Course, index: usize) -> Verdict {
    let own = options(course, index)?;
    let earlier = match index.checked_sub(1) {
        Some(before) => options(course, before)?,
        None => BTreeSet::new(),
    };
    let level = &course.levels[index];
    let told: BTreeSet<String> = level.facts.options.iter().cloned().collect();
    let added: BTreeSet<String> = own.difference(&earlier).cloned().collect();
    let missing = added
        .difference(&told)
        .map(|it| format!("not in the table: {it}"));
    let wrong = told
        .difference(&added)
        .map(|it| format!("not added by the level: {it}"));
    let gone = earlier
        .difference(&own)
        .map(|it| format!("no option any more: {it}"));
    nothing_of(
        &format!(
            "the options of {} are not those of {}/level.toml",
            level.package,
            level.path().display()
        ),
        missing.chain(wrong).chain(gone),
    )
}

/// The long options of a level's `run`.
fn options(course: &Course, index: usize) -> Result<BTreeSet<String>, Failed> {
    let help = help(course, index, "run")?;
    let lines = help.lines().map(str::trim_start);
    let options = lines.filter(|line| line.starts_with('-'));
    let long = options.filter_map(|line| line.split([' ', ',']).find(|it| it.starts_with("--")));
    let long = long.filter(|it| !["--help", "--"].contains(it));
    Ok(long.map(str::to_owned).collect())
}

/// What a verb of the level says of itself.
fn help(course: &Course, index: usize, verb: &str) -> Result<String, Failed> {
    let binary = Build::get(course).binary(&course.levels[index].package)?;
    let output = Command::new(binary).args([verb, "--help"]).output()?;
    if !output.status.success() {
        let package = &course.levels[index].package;
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{package} {verb} --help: {said}").into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn fits_one_screen(course: &'static Course, index: usize) -> Verdict {
    let level = &course.levels[index];
    let mut found = Vec::new();
    // A copy, since another user may not be allowed to walk to where we build.
    let directory = tempfile::tempdir()?;
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755))?;
    let program = directory.path().join(&level.package);
    // By another program: were it open for writing here, a process started by a trial
    // beside us might inherit that, and then it cannot be executed (execve(2), ETXTBSY).
    Command::new("cp")
        .arg(Build::get(course).binary(&level.package)?)
        .arg(&program)
        .status()?;
    let mut command = Command::new(&program);
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .env_remove("NO_COLOR");
    if fs::metadata("/proc/self")?.uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output()?;
    if !output.status.success() {
        found.push(format!(
            "it ended with {}, not with status 0",
            output.status
        ));
    }
    if !output.stderr.is_empty() {
        found.push(format!(
            "it wrote to stderr:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let screen = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = screen.lines().count();
    if lines > LINES {
        found.push(format!("{lines} lines; a terminal shows {LINES}"));
    }
    let wide = screen.lines().filter(|line| line.chars().count() > COLUMNS);
    found.extend(wide.map(|line| format!("more than {COLUMNS} columns: {line}")));
    if !screen.contains(&level.package) {
        found.push(format!("the screen does not name {}", level.package));
    }
    if level.number.is_some() && !screen.contains("TODO(") {
        found.push("the screen does not say where the TODO is".to_owned());
    }
    let tries = screen
        .lines()
        .filter(|line| line.trim_start().starts_with("cargo "))
        .count();
    if tries < 3 {
        found.push(format!("{tries} commands to try, not three"));
    }
    nothing_of(
        &format!(
            "`cargo run -p {}` alone is not the one screen it should be",
            level.package
        ),
        found,
    )
}
