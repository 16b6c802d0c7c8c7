//! `checks`: judges programs by the checks of a level, and makes what that needs.

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
checks judge --level NN --binary PATH [--alone | --from NN] [--only NAME] [--first] [--json]
             [--with OPTION]...
    judges a program by the checks of the levels up to NN, or of NN alone, or from one level
    on; with --first it stops at the failure that is explained first. All containers are
    started with each OPTION, and the checks left out that it changes
checks judge --level NN --binary PATH --optional [--json]
    looks at the choice of the learner's own that level NN leaves, and at nothing else
checks test PACKAGE PATH [ARG]...
    what `cargo test -p PACKAGE -- ARG...` does, of a program that is built
checks probe-image
    puts the image `probe` into the image directory; it holds the checks' probe:
    level02 run -i probe -- probe breakout
checks escapes [--only WORDS | --edges | --markdown]
    tries every way out of a container in the solution of every level, as they were
    built beside this program, or only in those where the answer changes; or prints
    docs/src/escapes.md
checks shell
    a shell in the sandbox of the checks, in which the levels are found as
    `cargo run -q -p level02 -- ...`
";

fn main() -> ExitCode {
    if let Some(code) = checks::other_roles() {
        return code;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("judge") => checks::judge_command(&words[1..]),
        Some("test") => checks::test_command(&words[1..]),
        Some("escapes") => checks::escapes::main(&words[1..]),
        Some("shell") => checks::shell::main(&words[1..]),
        Some("probe-image") if words.len() == 1 => probe_image(),
        None | Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some(other) => {
            eprintln!("checks: I do not know `{other}`\n\n{USAGE}");
            ExitCode::from(125)
        }
    }
}

fn probe_image() -> ExitCode {
    let directory = std::env::var_os("RUBBER_DOCKER_IMAGES").map_or_else(
        || PathBuf::from("/var/lib/rubber-docker/images"),
        PathBuf::from,
    );
    match checks::write_probe_image(&directory) {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!(
                "the image `probe` cannot be put into {}: {why}",
                directory.display()
            );
            ExitCode::from(125)
        }
    }
}
