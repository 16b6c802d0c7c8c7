//! The command line that all levels share.

use std::any::TypeId;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, Resettable, TypedValueParser};
use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::Error;
use crate::again::keep_name;
use crate::directories::{CONTAINERS, IMAGES};
use crate::habits;
use crate::image;
use crate::report::{RUNTIME_FAILED, decide, has_failed, log, print_usage, program_name};
use crate::seccomp::SecurityOption;
use crate::signals::{begin, end_as_requested};
use crate::streams::are_no_doors;
use crate::unprivileged;
use crate::wrap;

#[derive(Parser)]
struct CommandLine<A: Subcommand> {
    #[command(subcommand)]
    action: Option<A>,
}

/// The `main` of a level: reads the command line, calls `perform` with the verb that stands
/// there, turns what comes back into an exit status.
///
/// Which verbs there are is the level's own affair: `A` is an enum in its `main.rs`, and
/// `perform` a `match` of it. What is true of each verb is here, and by its arguments, not by
/// its name.
///
/// `source` is the level's own `main.rs`: without arguments a level prints the
/// `//!` comment at its top, so that what the program says of itself and what
/// its source says cannot drift apart.
pub fn main<A: Subcommand>(source: &str, perform: fn(A) -> Result<u8, Error>) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let name = program_name(&arguments);
    keep_name(&name);
    // To read it takes longer than most calls that make a container, so it is done once if possible.
    let again = || command::<A>(&name);
    let mut command = again();
    let parsed = image::parse(&mut command, again, &arguments)
        .and_then(|matches| Ok((CommandLine::<A>::from_arg_matches(&matches)?, matches)));
    let matches = match parsed {
        Ok(_) if habits::is_a_terminal_asked_for(&command, &arguments) => {
            log(&habits::sentence(&command, &arguments).unwrap_or_default());
            return ExitCode::from(RUNTIME_FAILED);
        }
        Ok((CommandLine { action: Some(_) }, matches)) => matches,
        Ok((CommandLine { action: None }, _)) => {
            // A reader that has gone away (`levelNN | head -1`) is no failure.
            let width = wrap::width(std::io::stdout()).unwrap_or(usize::MAX);
            let _ = std::io::stdout().write_all(header(source, width).as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            // A reader that has gone away is no failure.
            let _ = print_usage(&error);
            if let Some(sentence) =
                habits::sentence(&command, &arguments).filter(|_| error.use_stderr())
            {
                log(&sentence);
            }
            // clap would end with 2, which here would look like COMMAND's own status.
            let status = if error.use_stderr() {
                RUNTIME_FAILED
            } else {
                0
            };
            return ExitCode::from(status);
        }
    };

    let status = decide(
        are_no_doors()
            .and_then(|()| begin())
            .and_then(|()| unprivileged::begin(&matches))
            // Directories may mean something else now, so they are read once more.
            .and_then(|has_moved| match has_moved {
                true => Ok(image::parse(&mut command, again, &arguments)?),
                false => Ok(matches),
            })
            .and_then(|matches| Ok((image::completed(&matches, &arguments)?, matches)))
            .and_then(|(words, matches)| {
                // Most images say nothing: then nothing has to be read once more.
                let matches = match words == arguments {
                    true => matches,
                    false => again().try_get_matches_from(words)?,
                };
                match CommandLine::from_arg_matches(&matches)?.action {
                    Some(action) => perform(action),
                    None => Ok(0),
                }
            }),
    );
    // Where a signal has stopped us half-way, it is to be what ends us; all is tidied up.
    if has_failed() {
        end_as_requested();
    }
    ExitCode::from(status)
}

/// What clap is told of the level's verbs, and of the program's `name`.
fn command<A: Subcommand>(name: &str) -> Command {
    CommandLine::<A>::command()
        // The comment above the level's enum is for who reads the source.
        .about(Resettable::Reset)
        .bin_name(name)
        .display_name(name)
        .version(env!("CARGO_PKG_VERSION"))
        .mut_subcommands(|verb| {
            let usage = usage(name, &verb);
            as_it_knows(with_image_dir(verb.override_usage(usage)))
        })
}

/// A verb's line of usage, in Docker's way.
///
/// clap's own would list options that the environment has set as if they were needed.
fn usage(name: &str, verb: &Command) -> String {
    // There is always one option, `--help`.
    let mut usage = format!("{name} {} [OPTIONS]", verb.get_name());
    for argument in verb.get_positionals() {
        let value = match argument.get_value_names() {
            Some([value, ..]) => value.as_str(),
            _ => argument.get_id().as_str(),
        };
        let takes_several = matches!(argument.get_action(), ArgAction::Append);
        let (before, value) = match (argument.is_trailing_var_arg_set(), takes_several) {
            (true, _) => ("[--] ", format!("{value} [ARG]...")),
            (false, true) => ("", format!("{value}...")),
            (false, false) => ("", value.to_owned()),
        };
        usage += &match argument.is_required_set() {
            true => format!(" {before}{value}"),
            false => format!(" {before}[{value}]"),
        };
    }
    usage
}

/// The `//!` comment at the top of a source file, without the marks; where it is wider than
/// `width` its paragraphs are wrapped again, and lines that are set in stay as they are.
fn header(source: &str, width: usize) -> String {
    let lines = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line));
    let lines: Vec<&str> = lines.collect();
    if lines.iter().all(|line| line.chars().count() <= width) {
        return lines.iter().map(|line| format!("{line}\n")).collect();
    }
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    // `The lesson: ...` begins a line of its own.
    let has_label = |line: &str| line.find(": ").is_some_and(|length| length < 16);
    lines
        .chunk_by(|one, next| is_prose(one) && is_prose(next) && !has_label(next))
        .map(|paragraph| match paragraph {
            [line] if !is_prose(line) => format!("{line}\n"),
            _ => wrap::wrap(&paragraph.join(" "), width, 0) + "\n",
        })
        .collect()
}

/// How long the path of the container directory may be: three of it, each with a container's
/// name and `/lower` or the like, are to fit into a page of 4096 bytes with a zero at its end.
const LONGEST: usize = 1300;

/// The parser of `--container-dir`: an absolute path that an overlay can be made at.
///
/// Absolute, because the container's directory has a link in it that is relative
/// to nothing else. overlayfs takes its directories in one string, in which `,`
/// ends an option and `:` a layer, and has no way to say otherwise that works on
/// every kernel. And mount(2) passes on a page of it, in which the path stands three times.
///
/// A variable that is set to nothing is as good as unset, as for a shell's `${NAME:-...}`.
pub fn container_dir() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|path| {
        let path = match path.is_empty() {
            true => PathBuf::from(CONTAINERS),
            false => PathBuf::from(path),
        };
        if path.as_os_str().len() > LONGEST {
            return Err(std::io::Error::other(format!(
                "overlayfs cannot be told of a path of more than {LONGEST} bytes; choose another \
                 directory"
            )));
        }
        if path.to_str().is_none() {
            let advice = "the options of a mount are text, and this path is not UTF-8; choose another directory";
            return Err(std::io::Error::other(advice));
        }
        if path
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|byte| b",:\\".contains(byte))
        {
            let advice = "overlayfs cannot have , : or \\ in the path; choose another directory";
            return Err(std::io::Error::other(advice));
        }
        std::path::absolute(path).map(|path| unprivileged::store_for(&path))
    })
}

/// A variable that is set to nothing is as good as unset, as for `--container-dir`.
fn with_image_dir(verb: Command) -> Command {
    let has_it = verb.get_arguments().any(|it| it.get_id() == "image_dir");
    match has_it {
        true => verb.mut_arg("image_dir", |it| it.value_parser(image_dir())),
        false => verb,
    }
}

/// A level that knows of no user namespace does not know this option either, and would ignore it.
fn as_it_knows(verb: Command) -> Command {
    let has = |name| verb.get_arguments().any(|it| it.get_id() == name);
    match (has("security_opt"), unprivileged::is_known_to(&verb)) {
        (true, true) => verb.mut_arg("security_opt", |it| it.help(LESS_OR_MORE)),
        // A learner may have made something else of it, which is theirs to read.
        (true, false) => verb.mut_arg("security_opt", |it| {
            match it.get_value_parser().type_id() == TypeId::of::<SecurityOption>() {
                true => it.value_parser(seccomp_alone),
                false => it,
            }
        }),
        (false, _) => verb,
    }
}

/// What is said of `--security-opt` from level 20 on.
const LESS_OR_MORE: &str = "What is to be less secure: seccomp=unconfined, every system call; or \
    more: no-new-privileges; may be repeated";

/// The parser of `--security-opt` where there is nothing else to be said.
fn seccomp_alone(text: &str) -> Result<SecurityOption, String> {
    match text.parse() {
        Ok(SecurityOption::NoNewPrivileges) => {
            Err("`no-new-privileges` comes with level 20; `seccomp=unconfined`: no filter".into())
        }
        parsed => parsed,
    }
}

/// The parser of `--image-dir`.
pub fn image_dir() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|path| {
        unprivileged::images_for(match path.is_empty() {
            true => PathBuf::from(IMAGES),
            false => PathBuf::from(path),
        })
    })
}

/// A new container's name: twelve hexadecimal digits, as Docker's short ids.
///
/// Random rather than counted, so that two containers started at once need not
/// agree on anything. Without `/dev/urandom` (random(4)) the process id has to do.
///
pub fn new_id() -> String {
    let mut bytes = [0; 6];
    if std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .is_err()
    {
        bytes[2..].copy_from_slice(&std::process::id().to_be_bytes());
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use clap::Args;

    /// What a level could be asked for: one verb has a COMMAND, the others have none.
    #[derive(Subcommand)]
    enum Action {
        /// Run a command
        Run(Options),
        /// End some
        Stop { id: Vec<String> },
        /// Run a command in one that is there
        Exec(Within),
        /// List them
        Ps,
    }

    #[derive(Args)]
    struct Within {
        #[arg(value_name = "ID")]
        id: String,
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    }

    #[derive(Args)]
    struct Options {
        #[arg(long, default_value = IMAGES, env = "GIVEN_TESTS_OF_ITS_COMMAND_LINE")]
        image_dir: PathBuf,
        #[arg(long)]
        keep: bool,
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    }

    #[test]
    fn a_narrow_terminal_gets_narrow_paragraphs() {
        let source = "//! level99: a title\n//!\n//! One sentence that is as wide as the source is, and\n\
                      //! its end.\n//!\n//! Try:\n//!   cargo run -q -p level99 -- run echo a long one\n\
                      //! Yours to write: TODO(99) in src/main.rs\n//! The lesson: levels/99\nuse x;\n";
        let plain: String = source
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .map(|line| format!("{}\n", line.trim_start_matches(' ')))
            .collect();
        assert_eq!(header(source, 80).replace("  cargo", "cargo"), plain);
        assert_eq!(
            header(source, 30),
            "level99: a title\n\nOne sentence that is as wide\nas the source is, and its end.\n\nTry:\n\
             \u{20}\u{20}cargo run -q -p level99 -- run echo a long one\n\
             Yours to write: TODO(99) in\nsrc/main.rs\nThe lesson: levels/99\n"
        );
    }

    fn read(arguments: &[&str]) -> Result<Action, clap::Error> {
        let matches = command::<Action>("level").try_get_matches_from(arguments)?;
        let line = CommandLine::from_arg_matches(&matches)?;
        Ok(line.action.unwrap())
    }

    fn parse(arguments: &[&str]) -> Option<(bool, Vec<OsString>)> {
        match read(arguments).ok()? {
            Action::Run(Options { keep, command, .. }) => Some((keep, command)),
            _ => None,
        }
    }

    #[test]
    fn flags_of_the_command_need_no_dashes_before_them() {
        let expected = Some((false, vec!["ls".into(), "-l".into(), "--keep".into()]));
        assert_eq!(parse(&["level", "run", "ls", "-l", "--keep"]), expected);
        assert_eq!(
            parse(&["level", "run", "--", "ls", "-l", "--keep"]),
            expected
        );
    }

    #[test]
    fn an_option_of_ours_before_the_command_is_ours() {
        assert_eq!(
            parse(&["level", "run", "--keep", "ls"]),
            Some((true, vec!["ls".into()]))
        );
    }

    #[test]
    fn a_mistyped_option_is_an_error_and_not_a_command() {
        assert_eq!(parse(&["level", "run", "--kep", "ls"]), None);
        assert_eq!(parse(&["level", "run"]), None);
    }

    #[test]
    fn each_verb_has_a_line_of_usage_made_of_what_it_takes() {
        let command = command::<Action>("level");
        let lines = (command.get_subcommands()).map(|verb| usage("level", verb));
        let expected = [
            "level run [OPTIONS] [--] COMMAND [ARG]...",
            "level stop [OPTIONS] [ID...]",
            "level exec [OPTIONS] ID [--] COMMAND [ARG]...",
            "level ps [OPTIONS]",
        ];
        assert_eq!(lines.collect::<Vec<_>>(), expected);
        for (words, line) in [
            (["level", "run", "--help"], expected[0]),
            (["level", "exec", "-h"], expected[2]),
            (["level", "ps", "--no"], expected[3]),
        ] {
            let told = read(&words).err().unwrap().to_string();
            assert!(told.contains(&format!("Usage: {line}\n")), "{told}");
        }
        let told = read(&["level", "--help"]).err().unwrap().to_string();
        assert!(told.starts_with("Usage: level [COMMAND]\n"), "{told}");
        assert!(told.contains("stop  End some\n"), "{told}");
    }

    #[test]
    fn flags_of_a_command_in_a_container_are_its_own_too() {
        for words in [
            &["level", "exec", "ID", "ls", "-l"][..],
            &["level", "exec", "ID", "--", "ls", "-l"],
        ] {
            let Ok(Action::Exec(Within { id, command })) = read(words) else {
                unreachable!("{words:?} is not understood");
            };
            assert_eq!(
                (id.as_str(), command),
                ("ID", vec!["ls".into(), "-l".into()])
            );
        }
        assert!(
            matches!(read(&["level", "stop", "a", "b"]), Ok(Action::Stop { id }) if id.len() == 2)
        );
        assert!(matches!(read(&["level", "ps"]), Ok(Action::Ps)));
        assert!(read(&["level", "ps", "ID"]).is_err());
    }

    #[test]
    fn the_screen_is_the_comment_at_the_top_of_the_source() {
        assert_eq!(
            header("//! One\n//!\n//!   two\n\nmod x;\n//! not this\n", 80),
            "One\n\n  two\n"
        );
    }

    #[test]
    fn a_variable_set_to_nothing_is_as_good_as_unset() {
        let read = |word: &str| match read(&["level", "run", "--image-dir", word, "ls"]).ok()? {
            Action::Run(Options { image_dir, .. }) => Some(image_dir),
            _ => None,
        };
        assert_eq!(read(""), Some(IMAGES.into()));
        assert_eq!(read("elsewhere"), Some("elsewhere".into()));
    }

    #[test]
    fn ids_are_twelve_hexadecimal_digits_and_differ() {
        let (one, two) = (new_id(), new_id());
        assert!(
            one.len() == 12 && one.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{one}"
        );
        assert_ne!(one, two);
    }
}
