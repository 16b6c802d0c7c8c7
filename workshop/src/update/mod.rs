//! `cargo workshop update`: the newer workshop, under what the learner has written.
//!
//! | file | holds |
//! |---|---|
//! | `pull.rs` | commit, fetch, merge: what one would type at git |
//! | `sides.rs` | the three sides of a merge, and which level is which |
//! | `settle.rs` | a merge at which git has stopped, ended |
//! | `level.rs` | a level under its new skeleton, block by block |
//! | `imports.rs` | what the blocks need from `use` |
//! | `left_over.rs` | a level's directory that is none any more |
//! | `verdict.rs` | whether it compiles, and which block does not |
//! | `git.rs` | what is asked of git |

mod git;
mod imports;
mod left_over;
mod level;
mod pull;
mod settle;
mod sides;
mod verdict;

use std::process::ExitCode;

use crate::Result;
use crate::course::{Course, word};
use crate::screen::{BOLD, CODE, GREEN, YELLOW, paint, prose, say};

use git::Git;
use level::Note;
use settle::Settled;
use sides::{Sides, Tree};
use verdict::{Objection, Signature};

/// What may be said after `update`.
#[derive(clap::Args)]
#[command(after_help = "\
What you have written is committed, the newer workshop is merged, and where git
stops at a conflict in a level, the given code is today's and your blocks stand
in it as you wrote them. A pull of your own that stopped is ended in the same
way. Then your levels are compiled, and you are told which block wants a change.
Everything that was there before is in .workshop/kept and in git's history.

Exit status: 0 all your levels compile, 1 one does not or something is left to do.

Example: cargo workshop update")]
pub(crate) struct Arguments {
    /// What to take, as git calls it [default: what your branch follows]
    #[arg(value_name = "BRANCH")]
    from: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let course = Course::find()?;
    let git = Git::of(&course)?;
    let mut under_way = Sides::under_way(&git)?;
    if under_way.is_none() {
        pull::pull(&course, &git, arguments.from.as_deref())?;
        under_way = Sides::under_way(&git)?;
    }
    let mut is_done = true;
    let (sides, is_fresh) = match under_way {
        Some((sides, what)) => {
            let settled = settle::settle(&course, &git, &sides, what)?;
            is_done = settled.uncommitted.is_none();
            tell(&settled);
            (Some(sides), true)
        }
        // Once the learner has gone on from the merge, they know what came with it.
        None => (Sides::last(&git), git.commit("HEAD^2").is_some()),
    };
    // The levels may be others now.
    let course = Course::find()?;
    if let (Some(sides), true) = (&sides, is_fresh) {
        tell_what_is_new(&git, sides)?;
    }
    let compiles = tell_verdict(&course, &git, sides.as_ref())?;
    Ok(match is_done && compiles {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What was done where git had stopped.
fn tell(settled: &Settled) {
    for (directory, notes) in &settled.levels {
        say(format!(
            "\n{}  the given code is today's, your blocks stand in it",
            paint(BOLD, format!("levels/{directory}"))
        ));
        for note in notes {
            tell_note(note);
        }
    }
    for (what, paths) in [
        (
            "These are the workshop's own, and are as it has them now:",
            &settled.theirs,
        ),
        ("These are not in the workshop any more:", &settled.gone),
        (
            "You had ended the conflict in these; they are as you left them:",
            &settled.by_hand,
        ),
    ] {
        if !paths.is_empty() {
            prose(format!("\n{what}"));
        }
        for path in paths {
            say(format!("  {}", path.display()));
        }
    }
    if settled.kept.as_os_str().is_empty() {
        return;
    }
    let kept = settled.kept.display();
    prose("\nWhat was there before is kept:");
    say(format!("  {}", paint(CODE, format!("{kept}/yours"))));
    if let Some(why) = &settled.uncommitted {
        prose(format!(
            "\nThe merge is ready, but it could not be committed. `git commit --no-edit` ends \
             it. {why}"
        ));
    }
}

fn tell_note(note: &Note) {
    match note {
        Note::Moved { steps, from, to } => prose(format!(
            "  {steps} has gone from {} to {}, and yours with it.",
            from.display(),
            to.display()
        )),
        Note::Changed { steps, file } => prose(format!(
            "  {steps} in {}: the skeleton has other lines in this block than when you wrote \
             yours.",
            file.display()
        )),
        Note::Homeless { steps, from } => prose(format!(
            "  {steps} of {}: there is no such block any more. What you had there is only in \
             what is kept.",
            from.display()
        )),
        Note::Outside { file, lines } => {
            prose(format!(
                "  {}: these lines of yours outside of the blocks had no place in today's code, \
                 and are only in what is kept:",
                file.display()
            ));
            for line in lines {
                say(format!("    {line}"));
            }
        }
        Note::Replaced { file } => prose(format!(
            "  {}: the workshop has a file of this name now. Yours is only in what is kept.",
            file.display()
        )),
    }
}

/// What the newer workshop has that the learner has not seen.
fn tell_what_is_new(git: &Git, sides: &Sides) -> Result<()> {
    let (base, new) = (Tree::read(git, &sides.base)?, Tree::read(git, &sides.new)?);
    let mut lines = Vec::new();
    let mut known = Vec::new();
    for directory in base.directories() {
        let Some(heir) = base.heir(directory, &new) else {
            lines.push(format!("  levels/{directory} is no level any more"));
            continue;
        };
        if heir != directory {
            lines.push(format!("  levels/{directory} is levels/{heir} now"));
        }
        let (before, after) = (base.side(git, directory)?, new.side(git, &heir)?);
        for step in level::new_steps(&before, &after) {
            lines.push(format!("  levels/{heir} has a new step: {step}"));
        }
        known.push(heir);
    }
    let is_new = |directory: &&str| !known.iter().any(|it| it == directory);
    let levels = new.directories().filter(is_new);
    lines.extend(levels.map(|it| format!("  levels/{it} is new")));
    if !lines.is_empty() {
        say(format!("\n{}", paint(BOLD, "New in the workshop")));
        lines.into_iter().for_each(prose);
    }
    let range = format!("{}..{}", git.short(&sides.base), git.short(&sides.new));
    let command = format!("git log --oneline {range} -- levels");
    say(format!("\nAll that has changed: {}", paint(CODE, command)));
    Ok(())
}

/// Whether all that the learner has written compiles.
fn tell_verdict(course: &Course, git: &Git, sides: Option<&Sides>) -> Result<bool> {
    let mut levels = Vec::new();
    for level in course.numbered() {
        if !course.changed(level)?.is_empty() {
            levels.push(level);
        }
    }
    if levels.is_empty() {
        prose("\nAll levels are as they came: there is nothing of yours to compile.");
        return Ok(true);
    }
    let names: Vec<String> = levels.iter().map(|level| word(level)).collect();
    prose(format!(
        "\nCompiling what you have written: {}",
        names.join(", ")
    ));
    let Some(judged) = verdict::judge(course, git, sides, &levels)? else {
        prose("cargo has not come to your levels; what it says stands above.");
        return Ok(false);
    };
    let mut first = None;
    for (level, objections) in &judged {
        let own = word(level);
        match objections.is_empty() {
            true => say(format!("  {own}  {}", paint(GREEN, "compiles"))),
            false => {
                first.get_or_insert(own.clone());
                say(format!("  {own}  {}", paint(YELLOW, "does not compile")));
                objections.iter().for_each(tell_objection);
            }
        }
    }
    say("");
    match first {
        None => prose("Is it all still true?  `cargo workshop check --all`"),
        Some(own) => {
            prose(format!(
                "Mend those blocks: the code around them is today's and right. `cargo workshop \
                 solution {own}` shows what the reference does there, and `cargo workshop check \
                 {own}` compiles and judges; `CHANGELOG.md` says why it is so now. None of it is \
                 urgent: every other level can be worked at."
            ));
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many errors of a block are told; the rest mostly follow from them.
const ENOUGH: usize = 2;

fn tell_objection(objection: &Objection) {
    match &objection.steps {
        Some(steps) => say(format!("      your {steps}, {}", objection.place)),
        None => say(format!("      outside of your blocks, {}", objection.place)),
    }
    for error in objection.errors.iter().take(ENOUGH) {
        say(format!("        {error}"));
    }
    match objection.errors.len().saturating_sub(ENOUGH) {
        0 => {}
        more => say(format!("        and {more} more")),
    }
    for Signature { was, is } in &objection.signatures {
        if let Some(was) = was {
            say(format!("        was  {}", paint(CODE, was)));
        }
        match is {
            Some(is) => say(format!("        is   {}", paint(CODE, is))),
            None => say("        is   there no more"),
        }
    }
}
