//! What an image says of its command, where the command line says nothing else.
//!
//! An image has a configuration beside its root: variables, a command, a user, a directory
//! to start in. To a level, all of that looks as if the caller had typed it: the
//! variables stand in front of those of `--env`, so that `--env` has the last word; the
//! user is that of `--user`, unless there is one; the command is COMMAND, unless there is
//! one. What a level has no option for, it does not use: so variables come with level 05,
//! and users with level 10. There is none for the directory, which [`enter_start`] enters.
//!
//! COMMAND replaces all of the image's own, the entrypoint, too: what you type is what runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use linux_sys::{Errno, Mode, OFlag, OpenHow, ResolveFlag, openat2};

use nix::fcntl::open;
use nix::unistd::fchdir;

use crate::Error;
use crate::unprivileged;

/// The image that the lessons are about. It says nothing, and need not even be there.
const BASE: &str = "base";

/// Where the command starts, if the image says so: remembered by the parent, and entered by
/// the child, which is a copy of it.
static START: OnceLock<String> = OnceLock::new();

/// Reads the command line. COMMAND may be missing where an image could have one; `again` makes
/// another `command`, for that.
pub(crate) fn parse(
    command: &mut Command,
    again: impl Fn() -> Command,
    words: &[OsString],
) -> Result<ArgMatches, clap::Error> {
    let strict = command.try_get_matches_from_mut(words);
    match strict {
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let lenient =
                again().mut_subcommands(|verb| match has(&verb, "env") && has(&verb, "command") {
                    true => verb.mut_arg("command", |it| it.required(false)),
                    false => verb,
                });
            let lenient = lenient.try_get_matches_from(words);
            lenient.ok().filter(names_an_image).ok_or(error)
        }
        read => read,
    }
}

fn has(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|it| it.get_id() == name)
}

/// Whether it is a verb that takes an image and variables, and of an image that may have some.
fn names_an_image(matches: &ArgMatches) -> bool {
    let verb = matches.subcommand();
    verb.is_some_and(|(_, verb)| {
        verb.try_contains_id("env").is_ok() && image_name(verb).is_some_and(|name| name != BASE)
    })
}

/// Whether the verb takes a user, and none was named.
fn leaves_the_user_to_the_image(verb: &ArgMatches) -> bool {
    matches!(verb.try_contains_id("user"), Ok(false))
}

fn image_name(verb: &ArgMatches) -> Option<&String> {
    verb.try_get_one("image_name").ok()?
}

/// The command line with what the image says put in, where it says anything. Where that takes
/// it, the image is unpacked, as the level would do next.
pub(crate) fn completed(matches: &ArgMatches, words: &[OsString]) -> Result<Vec<OsString>, Error> {
    let nothing = || Ok(words.to_vec());
    let Some((verb, given)) = matches.subcommand() else {
        return nothing();
    };
    let directory = |name| given.try_get_one::<PathBuf>(name).ok().flatten();
    let (true, Some(name), Some(images), Some(store)) = (
        names_an_image(matches),
        image_name(given),
        directory("image_dir"),
        directory("container_dir"),
    ) else {
        return nothing();
    };
    // What is unpacked before there is a user namespace belongs to the wrong users.
    let is_mapped = unprivileged::is_decided();
    let image = images::find(images, name)?;
    let config = if is_mapped {
        image.told_config().ok_or_else(|| {
            format!(
                "the archive of the image {name:?} says at its end how it is run, and that would have to be known \
                 before; give it to `cargo workshop images import`, which puts that first"
            )
        })?
    } else {
        images::create_store(store)?;
        image.config(store)?
    };

    let mut ours: Vec<OsString> = Vec::new();
    for (name, value) in &config.env {
        ours.push(format!("--env={name}={value}").into());
    }
    if !config.user.is_empty() && leaves_the_user_to_the_image(given) {
        let (uid, gid) = match is_mapped {
            true => by_number(&config.user).ok_or_else(|| {
                format!(
                    "the image {name:?} wants its command to run as the user {:?}, and which number that is would have \
                     to be known before it is unpacked; say it: --user UID:GID",
                    config.user
                )
            })?,
            false => image.user(store, &config.user)?,
        };
        ours.push(format!("--user={uid}:{gid}").into());
    }
    if !config.working_dir.is_empty() {
        let _ = START.set(config.working_dir.clone());
    }
    let mut words = words.to_vec();
    // An error is a verb that takes no COMMAND: there none is missing.
    if let Ok(None) = given.try_get_raw("command") {
        let command = config.command();
        if command.is_empty() {
            return Err(format!(
                "the image {name:?} names no command of its own, so say which one: {verb} -i {name} COMMAND"
            )
            .into());
        }
        // A `--` of the caller's stands at the end, and one is enough.
        if words.last().is_none_or(|last| last != "--") {
            words.push("--".into());
        }
        words.extend(command.into_iter().map(OsString::from));
    }
    put_behind(verb, ours, &mut words);
    Ok(words)
}

/// A user by number, and the group, which is 0 where none is named.
fn by_number(user: &str) -> Option<(u32, u32)> {
    let user: crate::units::User = user.parse().ok()?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Behind the verb, and in front of what was typed.
fn put_behind(verb: &str, ours: Vec<OsString>, words: &mut Vec<OsString>) {
    let at = words.iter().skip(1).position(|word| word == verb);
    let behind = at.map_or(words.len(), |at| at + 2);
    words.splice(behind..behind, ours);
}

/// The child's part: go to where the image wants its command to start. To be called in the
/// container, as its user, when no file of the host is open any more.
///
/// A directory that is missing was made when the image was unpacked. Its path was written
/// by others: `/proc/1/root`, or a link to it, is outside, where /proc is the host's.
pub(crate) fn enter_start() -> Result<(), Error> {
    let Some(start) = START.get() else {
        return Ok(());
    };
    let failed = |why: &str| {
        format!(
            "the image wants its command to start in {start:?} (WorkingDir), and that cannot be entered: {why}"
        )
    };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open("/", flags, Mode::empty()).map_err(|errno| failed(&errno.to_string()))?;
    let how = OpenHow {
        flags,
        mode: Mode::empty(),
        resolve: ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    };
    let why = |errno: Errno| match errno {
        Errno::EACCES => "the command's user may not (EACCES)".to_owned(),
        Errno::ENOENT => "it leads through a link to nothing (ENOENT)".to_owned(),
        Errno::ENOTDIR => "it is no directory (ENOTDIR)".to_owned(),
        Errno::ELOOP => "a link on the way leads out of the container (ELOOP)".to_owned(),
        other => format!("{other:?} ({})", other.desc()),
    };
    let opened = openat2(&root, start.trim_start_matches('/'), how);
    let directory = match start.trim_start_matches('/') {
        "" => root,
        _ => opened.map_err(|error| failed(&why(error.errno())))?,
    };
    fchdir(directory).map_err(|errno| failed(&why(errno)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use clap::{Args, CommandFactory, Parser, Subcommand};

    #[derive(Parser)]
    struct Line<O: Args> {
        #[command(subcommand)]
        _action: Action<O>,
    }

    #[derive(Subcommand)]
    enum Action<O: Args> {
        Run(O),
        /// Another that makes a container.
        Create(O),
        Exec(Within),
        Ps,
    }

    /// In a container that is there: it has variables and a COMMAND, and no image.
    #[derive(Args)]
    struct Within {
        #[arg(short, long)]
        env: Vec<String>,
        id: String,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    /// As of level 04: there are images, and no variables.
    #[derive(Args)]
    struct Early {
        #[arg(short, long, default_value = "base")]
        image_name: String,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    /// As of level 05.
    #[derive(Args)]
    struct Late {
        #[arg(short, long, default_value = "base")]
        image_name: String,
        #[arg(short, long)]
        env: Vec<String>,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    /// As of level 10.
    #[derive(Args)]
    struct WithUsers {
        #[arg(short, long)]
        user: Option<String>,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    #[test]
    fn the_images_user_counts_where_none_was_named() {
        fn leaves<O: Args>(line: &str) -> bool {
            let words = line.split(' ');
            let matches = Line::<O>::command().try_get_matches_from(words).unwrap();
            leaves_the_user_to_the_image(matches.subcommand().unwrap().1)
        }
        assert!(leaves::<WithUsers>("level run id"));
        assert!(!leaves::<WithUsers>("level run --user 5 id"));
        // Before a level has users, it does not leave them to the image.
        assert!(!leaves::<Late>("level run id"));
    }

    fn reads<O: Args>(line: &str) -> bool {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&mut Line::<O>::command(), Line::<O>::command, &words).is_ok()
    }

    #[test]
    fn a_command_may_be_missing_where_an_image_could_have_one() {
        assert!(reads::<Late>("level run -i web"));
        assert!(reads::<Late>("level run -i web -e A=1 --"));
        // Who forgets it in the lessons is told so, and base never has one.
        assert!(!reads::<Late>("level run"));
        assert!(!reads::<Late>("level run -i base"));
        assert!(!reads::<Early>("level run -i web"));
        assert!(reads::<Early>("level run -i web sh"));
    }

    #[test]
    fn it_is_the_image_that_counts_and_not_the_verb() {
        assert!(reads::<Late>("level create -i web"));
        assert!(!reads::<Late>("level create"));
        assert!(!reads::<Late>("level exec -e A=1 ID"));
        assert!(reads::<Late>("level exec -e A=1 ID sh"));
        assert!(reads::<Late>("level ps"));
        assert!(!reads::<Late>("level ps -i web"));
    }

    #[test]
    fn what_has_no_image_is_left_as_it_was_typed() {
        for line in ["level ps", "level exec ID run", "level create sh"] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let matches = Line::<Late>::command()
                .try_get_matches_from(&words)
                .unwrap();
            assert_eq!(completed(&matches, &words).unwrap(), words);
        }
    }

    #[test]
    fn what_the_image_says_stands_behind_the_verb() {
        for (typed, expected) in [
            ("run run -e A=2 run", "run run --ours -e A=2 run"),
            ("rd create -i web create", "rd create --ours -i web create"),
        ] {
            let mut words: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let verb = words[1].clone().into_string().unwrap();
            put_behind(&verb, vec!["--ours".into()], &mut words);
            assert_eq!(words.join(" ".as_ref()), expected);
        }
    }

    #[test]
    fn what_is_wrong_beside_is_still_told() {
        assert!(!reads::<Late>("level run -i web --kep"));
        assert!(!reads::<Late>("level run -i"));
    }
}
