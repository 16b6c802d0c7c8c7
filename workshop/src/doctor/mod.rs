//! `cargo workshop doctor`: what this machine can do, and what it lacks for which level.
//!
//! A finding says what was looked at, what was seen and where, which levels need it, and
//! what to do. The verdict is nothing but the findings, counted by level. It is about
//! the machine: whether a correct solution of the level works here.
//!
//! | file | holds |
//! |---|---|
//! | `finding.rs` | one finding |
//! | `verdict.rs` | from findings to levels |
//! | `machine.rs` | the machine that is examined, and how its files are read |
//! | `surroundings.rs` | a container, WSL, a chroot |
//! | `privilege.rs` | root, sudo, capabilities |
//! | `rootless.rs` | what goes without root |
//! | `kernel.rs` | version, system calls, namespaces, overlayfs |
//! | `cgroups.rs` | layout, controllers, swap, programs about devices |
//! | `storage.rs` | the directories of images and containers |
//! | `tools.rs` | Rust, the linker, what the lessons use |
//! | `show.rs` | text and JSON |
//! | `share.rs` | a few lines for an instructor |
//!
//! Nothing is changed, no password is asked for, and no network is used. What only
//! root could see is "not known", and not guessed.

mod cgroups;
mod finding;
mod kernel;
mod machine;
mod privilege;
mod rootless;
mod share;
mod show;
mod storage;
mod surroundings;
mod tools;
mod verdict;
#[cfg(test)]
mod written;

use std::process::ExitCode;

use finding::Finding;
use machine::Machine;

use crate::{Result, screen};

const MORE: &str = "\
Exit status: 0 if every level is ready; 1 if something is in the way, or cannot
be found out; 2 for a mistyped command line.

The directories are those of RUBBER_DOCKER_IMAGES and RUBBER_DOCKER_CONTAINERS,
or else below /var/lib/rubber-docker. Nothing is changed, and no password asked.

With --json:
  { \"format\": 1, \"ready\": BOOL,
    \"levels\":   [{ \"level\": \"08\", \"verdict\": \"ready\"|\"not-ready\"|\"not-known\",
                   \"because\": [ID...] }...],
    \"findings\": [{ \"id\": ID, \"topic\": TEXT,
                   \"state\": \"ok\"|\"note\"|\"in-the-way\"|\"not-known\",
                   \"summary\": TEXT, \"levels\": [\"08\"...],
                   \"evidence\": [{ \"source\": TEXT, \"seen\": TEXT }...],
                   \"remedy\": TEXT|null, \"commands\": [TEXT...] }...] }
Later versions may add fields and findings; \"format\" changes if one goes.

Example: cargo workshop doctor --json | jq -r '.levels[] | .level + \" \" + .verdict'";

/// What may be said after `doctor`.
#[derive(clap::Args)]
#[command(after_help = "Example: cargo workshop doctor", after_long_help = MORE)]
pub(crate) struct Arguments {
    /// One JSON object, for programs; its shape is described by --help
    #[arg(long)]
    json: bool,

    /// A few lines to send to an instructor: no names, and no paths
    #[arg(long, conflicts_with = "json")]
    share: bool,
}

/// The whole examination.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let machine = Machine::this();
    let findings = examine(&machine);
    if arguments.json {
        screen::say(show::json_text(&findings));
    } else if arguments.share {
        screen::say(share::block(&machine, &findings)?.trim_end());
        screen::note("This is all of it, and it was sent to nobody: copy it, with both marks.");
    } else {
        screen::say(show::text(&findings, screen::width()).trim_end());
    }
    Ok(match verdict::all_ready(&findings) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A few lines for the welcome if something is missing, each none wider than the screen.
/// Without what takes time: no program is started.
pub(crate) fn short() -> Option<String> {
    let machine = Machine {
        is_quick: true,
        ..Machine::this()
    };
    show::short(&examine(&machine), screen::width())
}

/// All findings without colour, for the report to an instructor.
pub(crate) fn text() -> String {
    // As wide as a file is: the instructor reads it at another terminal.
    let styled = show::text(&examine(&Machine::this()), screen::WIDTH);
    anstream::adapter::strip_str(&styled).to_string()
}

fn examine(machine: &Machine) -> Vec<Finding> {
    let mut findings = surroundings::findings(machine);
    findings.extend(privilege::findings(machine));
    findings.extend(rootless::findings(machine));
    findings.extend(kernel::findings(machine));
    findings.extend(cgroups::findings(machine));
    findings.extend(storage::findings(machine));
    findings.extend(tools::findings(machine));
    findings
}
