//! `cargo workshop completions`: what the Tab key knows.

use std::io::Write;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::{Result, screen};

/// What may be said after `completions`.
#[derive(clap::Args)]
#[command(after_help = "\
cargo completes its own commands only, not what an alias such as `cargo
workshop` takes. So the script defines a command `workshop`, which is `cargo
workshop` and can be completed: `workshop che<Tab> 0<Tab>`.

Examples:
  bash:  cargo workshop completions bash >>~/.bashrc
  zsh:   cargo workshop completions zsh >>~/.zshrc     (after compinit)
  fish:  cargo workshop completions fish >~/.config/fish/conf.d/workshop.fish")]
pub(crate) struct Arguments {
    /// Which shell
    shell: Shell,
}

/// Prints the script for this command line.
pub(crate) fn run(arguments: Arguments, command: Command) -> Result<ExitCode> {
    let mut script = Vec::new();
    let mut command = command.name("workshop").bin_name("workshop");
    clap_complete::generate(arguments.shell, &mut command, "workshop", &mut script);
    let function: &[u8] = match arguments.shell {
        Shell::Fish => b"function workshop; cargo workshop $argv; end\n",
        Shell::PowerShell => b"function workshop { cargo workshop @args }\n",
        Shell::Elvish => {
            b"fn workshop {|@rest| cargo workshop $@rest }\nedit:add-var workshop~ $workshop~\n"
        }
        _ => b"workshop() { cargo workshop \"$@\"; }\n",
    };
    // PowerShell's script begins with `using`, before which nothing may stand.
    let parts = match arguments.shell {
        Shell::PowerShell => [&script[..], function],
        _ => [function, &script[..]],
    };
    let mut out = std::io::stdout().lock();
    let written = parts.iter().try_for_each(|part| out.write_all(part));
    screen::printed(written.and_then(|()| out.flush()));
    Ok(ExitCode::SUCCESS)
}
