//! What people type who know Docker. Each of it works here, or is answered by a sentence.

use std::ffi::OsString;

use clap::Command;

/// An option of Docker's by all its names, and what is true of it here.
type Habit = (&'static [&'static str], &'static str);

/// What people type behind a verb. One that Docker does not have brings no habits along.
fn habits_with(verb: &str) -> &'static [Habit] {
    match verb {
        "run" => &RUN,
        _ => &[],
    }
}

/// Options of Docker's `run`.
const RUN: [(&[&str], &str); 10] = [
    (
        &["-it", "-ti", "-t", "--tty", "--interactive"],
        "the command has your terminal in any case, and from level 18 on `-t` gives it one of its own; \
         `-i NAME` chooses the image",
    ),
    (
        &["--rm"],
        "a container is removed when its command has ended, so leave `--rm` out. `--keep` keeps it",
    ),
    (
        &["-d", "--detach"],
        "a container runs in the foreground here; a shell puts it into the background with `&`",
    ),
    (
        &["--name"],
        "a container's name is made up for each run, and tells it from all others",
    ),
    (
        &["-p", "--publish", "-P"],
        "no port of a container can be reached from outside here",
    ),
    (
        &["-v", "--volume"],
        "a directory of the host can be shown to a container from level 16 on",
    ),
    (
        &["--mount"],
        "from level 16 on, write `--mount type=bind,source=HOST,target=CONTAINER,readonly` as \
         `-v HOST:CONTAINER:ro`, and `type=tmpfs` as `--tmpfs CONTAINER`",
    ),
    (
        &["-w", "--workdir"],
        "the command starts in `/`, or where its image says from level 05 on; for another \
         directory: run sh -c 'cd DIR && exec COMMAND'",
    ),
    (
        &["--entrypoint"],
        "the command is what you write behind the options, and nothing of the image's is put before it",
    ),
    (
        &["--privileged"],
        "nothing lifts all the limits at once here; from level 11 on there is `--cap-add ALL`, and from \
         level 13 on `--security-opt seccomp=unconfined`",
    ),
];

/// Whether `-it` is meant as Docker's: for us it would name the image `t`.
pub(crate) fn is_a_terminal_asked_for(level: &Command, arguments: &[OsString]) -> bool {
    habits(level, arguments).any(|(word, _)| word == "-it")
}

/// A sentence about the first option of Docker's among ours, if there is one.
pub(crate) fn sentence(level: &Command, arguments: &[OsString]) -> Option<String> {
    let (word, text) = habits(level, arguments).next()?;
    Some(format!("{word} is an option of Docker's: {text}"))
}

/// Options of Docker's that stand between the verb and the command, and that the verb of the
/// `level` does not have itself. A value that an option takes looks like the command, so that
/// nothing behind it is seen: a sentence is missing then, and nothing is misunderstood.
fn habits<'a>(
    level: &'a Command,
    arguments: &'a [OsString],
) -> impl Iterator<Item = (&'a str, &'static str)> {
    let verb = arguments.get(1).and_then(|word| word.to_str());
    let verb = verb.and_then(|name| level.find_subcommand(name));
    let known = verb.map_or(&[][..], |verb| habits_with(verb.get_name()));
    (arguments.iter().skip(2))
        .map_while(|word| word.to_str())
        .take_while(|word| word.starts_with('-') && *word != "--")
        .map(|word| word.split('=').next().unwrap_or_default())
        .filter(move |word| !verb.is_some_and(|verb| has(verb, word)))
        .filter_map(|word| {
            let (_, text) = known.iter().find(|(names, _)| names.contains(&word))?;
            Some((word, *text))
        })
}

/// Whether `--name` or `-n` is an option of the verb.
fn has(verb: &Command, word: &str) -> bool {
    verb.get_arguments().any(|it| {
        let long = it.get_long().map(|name| format!("--{name}"));
        let short = it.get_short().map(|name| format!("-{name}"));
        long.is_some_and(|it| it == word) || short.is_some_and(|it| it == word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn level() -> Command {
        Command::new("rd").subcommands([
            Command::new("run").args([
                Arg::new("image_name").short('i').long("image-name"),
                Arg::new("keep").long("keep").action(ArgAction::SetTrue),
            ]),
            Command::new("exec"),
            Command::new("ps"),
        ])
    }

    fn told(line: &str) -> Option<String> {
        sentence(&level(), &arguments(line))
    }

    fn asks_for_a_terminal(line: &str) -> bool {
        is_a_terminal_asked_for(&level(), &arguments(line))
    }

    #[test]
    fn an_option_of_dockers_gets_a_sentence() {
        for (line, part) in [
            ("rd run --rm alpine ls", "--keep"),
            ("rd run -it bash", "your terminal in any case"),
            ("rd run --keep -ti bash", "your terminal in any case"),
            ("rd run --name=web sh", "made up for each run"),
            ("rd run -d sh", "with `&`"),
            ("rd run -v /srv:/data sh", "from level 16 on"),
            (
                "rd run --mount type=tmpfs,target=/run sh",
                "`--tmpfs CONTAINER`",
            ),
        ] {
            let told = told(line).unwrap_or_default();
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn i_and_t_in_one_word_are_no_image() {
        // In two they are: `-i t` is the image `t`.
        assert!(asks_for_a_terminal("rd run -it bash"));
        assert!(asks_for_a_terminal("rd run --keep -it bash"));
        assert!(!asks_for_a_terminal("rd run -i t bash"));
    }

    #[test]
    fn what_belongs_to_the_command_gets_none() {
        for line in [
            "rd run ls --rm",
            "rd run -- ls -it",
            "rd run --keep docker run -it bash",
            "rd",
        ] {
            assert_eq!(told(line), None, "{line}");
            assert!(!asks_for_a_terminal(line), "{line}");
        }
    }

    #[test]
    fn what_is_true_of_run_is_not_said_of_other_verbs() {
        for line in [
            "rd exec -it ID bash",
            "rd exec ID run -it bash",
            "rd ps --rm",
            "rd ps run --rm",
            "rd of --rm",
        ] {
            assert_eq!(told(line), None, "{line}");
            assert!(!asks_for_a_terminal(line), "{line}");
        }
    }

    #[test]
    fn an_option_that_the_level_has_is_no_habit() {
        let volume = || Arg::new("volume").short('v').long("volume");
        let level = level().mut_subcommand("run", |run| run.arg(volume()));
        for line in ["rd run -v sh", "rd run --volume=/a:/b sh"] {
            assert!(told(line).is_some(), "{line}");
            assert_eq!(sentence(&level, &arguments(line)), None, "{line}");
        }
        let both = sentence(&level, &arguments("rd run -v --rm sh"));
        assert!(both.is_some_and(|it| it.starts_with("--rm is")));
    }
}
