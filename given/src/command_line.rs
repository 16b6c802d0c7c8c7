//! The command line that all levels share.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::Error;
use crate::report::{RUNTIME_FAILED, status_of, tell};
use crate::signals::outlive_full_files;

/// Where images are looked for unless `RUBBER_DOCKER_IMAGES` says otherwise.
pub const IMAGES: &str = "/var/lib/rubber-docker/images";

/// Where containers live unless `RUBBER_DOCKER_CONTAINERS` says otherwise.
pub const CONTAINERS: &str = "/var/lib/rubber-docker/containers";

#[derive(Parser)]
struct CommandLine<O: Args> {
    #[command(subcommand)]
    action: Option<Action<O>>,
}

#[derive(Subcommand)]
enum Action<O: Args> {
    /// Run a command in a new container
    Run(O),
}

/// The `main` of a level: reads the command line, calls `run`, turns what comes
/// back into an exit status.
///
/// `source` is the level's own `main.rs`: without arguments a level prints the
/// `//!` comment at its top, so that what the program says of itself and what
/// its source says cannot drift apart.
pub fn main<O: Args>(source: &str, run: fn(&O) -> Result<u8, Error>) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();

    // clap would list options that the environment has set as if they were needed.
    let usage = format!(
        "{} run [OPTIONS] [--] COMMAND [ARG]...",
        program_name(&arguments)
    );
    let parsed = CommandLine::<O>::command()
        .mut_subcommand("run", |run| run.override_usage(usage))
        .try_get_matches_from(arguments)
        .and_then(|matches| CommandLine::<O>::from_arg_matches(&matches));
    let options = match parsed {
        Ok(CommandLine {
            action: Some(Action::Run(options)),
        }) => options,
        Ok(CommandLine { action: None }) => {
            // A reader that has gone away (`levelNN | head -1`) is no failure.
            let _ = std::io::stdout().write_all(header(source).as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let _ = error.print();
            // clap would end with 2, which here would look like COMMAND's own status.
            let status = if error.use_stderr() {
                RUNTIME_FAILED
            } else {
                0
            };
            return ExitCode::from(status);
        }
    };

    match outlive_full_files().and_then(|()| run(&options)) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            tell(&error.to_string());
            ExitCode::from(status_of(&error))
        }
    }
}

/// What this program was called as; messages and usage lines start with it.
pub(crate) fn program_name(arguments: &[OsString]) -> String {
    arguments
        .first()
        .and_then(|path| Path::new(path).file_name())
        .map_or_else(
            || "rubber-docker".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}

/// The `//!` comment at the top of a source file, without the marks.
fn header(source: &str) -> String {
    source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect()
}

/// The parser of `--container-dir`: an absolute path that an overlay can be made at.
///
/// Absolute, because the container's directory has a link in it that is relative
/// to nothing else. overlayfs takes its directories in one string, in which `,`
/// ends an option and `:` a layer, and has no way to say otherwise that works on
/// every kernel.
pub fn container_dir() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        if path
            .as_os_str()
            .as_bytes()
            .iter()
            .any(|byte| b",:\\".contains(byte))
        {
            let advice = "overlayfs cannot have , : or \\ in the path; choose another directory";
            return Err(std::io::Error::other(advice));
        }
        std::path::absolute(path)
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
    use super::*;

    #[derive(Args)]
    struct Options {
        #[arg(long)]
        keep: bool,
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<OsString>,
    }

    fn parse(arguments: &[&str]) -> Option<(bool, Vec<OsString>)> {
        match CommandLine::<Options>::try_parse_from(arguments)
            .ok()?
            .action?
        {
            Action::Run(Options { keep, command }) => Some((keep, command)),
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
    fn the_screen_is_the_comment_at_the_top_of_the_source() {
        assert_eq!(
            header("//! One\n//!\n//!   two\n\nmod x;\n//! not this\n"),
            "One\n\n  two\n"
        );
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
