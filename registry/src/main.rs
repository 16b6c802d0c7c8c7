//! Images out of OCI registries, and the image directory: `cargo workshop images`.
//!
//! A crate of its own, because speaking TLS takes more code than everything else in
//! the workshop together: a learner who never pulls an image never waits for it to compile.
//!
//! # A map of the house
//!
//! | file | holds |
//! |---|---|
//! | `pull.rs` | from a reference to an image in the image directory, step by step |
//! | `reference.rs` | what may be pulled, and the name that it gets |
//! | `credentials.rs` | who we are to a registry: Docker's configuration |
//! | `remote.rs` | one image in one registry: its manifest, its blobs |
//! | `layer.rs` | downloading a layer, as long as there is progress |
//! | `session.rs` | asking a registry, with the user's credentials if it wants them |
//! | `challenge.rs` | how it wants to know who asks; where a password may go |
//! | `exchange.rs` | one question and its answer, within limits of bytes and of time |
//! | `tries.rs` | asking again, where that may help |
//! | `retry_after.rs` | when a server wants to be asked again |
//! | `coming.rs` | a layer on its way, which goes on where it stopped |
//! | `pace.rs` | how fast a layer has to come |
//! | `room.rs` | whether there is room for it on the disk |
//! | `manifest.rs` | what a manifest says, and whether it can be true |
//! | `platform.rs` | which image is for this machine |
//! | `blobs.rs` | blobs that were downloaded and verified, or a part of them |
//! | `private.rs` | the directory that they are in: ours alone |
//! | `explain.rs` | what a registry's refusal means, and what to do |
//! | `import.rs` | from a file to an image in the image directory |
//! | `privileged.rs` | the image directory; as root where it is root's |
//! | `show.rs` | the list of images, one of them from near, sizes |
//!
//! # Who does what
//!
//! The user's own process downloads, verifies and merges what comes out of the network.
//! Root only copies the finished archive into the image directory, and lists and removes
//! there, if that directory is root's.

#![forbid(unsafe_code)]

mod blobs;
mod challenge;
mod coming;
mod credentials;
mod exchange;
mod explain;
mod import;
mod layer;
mod manifest;
mod pace;
mod platform;
mod private;
mod privileged;
mod pull;
mod reference;
mod remote;
mod retry_after;
mod room;
mod session;
mod show;
mod tries;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use given::Error;

use crate::privileged::{Directories, Verb};

/// Images: what is there, pulled from registries, imported from files, removed
#[derive(Parser)]
#[command(
    name = "cargo workshop images",
    bin_name = "cargo workshop images",
    max_term_width = 80,
    after_help = "Example: cargo workshop images pull alpine:3.20",
    arg_required_else_help = true
)]
struct CommandLine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the images that are there
    #[command(after_help = "Example: cargo workshop images list")]
    List {
        #[command(flatten)]
        directories: Directories,
    },
    /// Pull an image from an OCI registry, such as Docker Hub
    #[command(after_help = "\
Example: cargo workshop images pull alpine:3.20
Then:    cargo run -q -p rd -- run -i alpine-3.20 sh

Credentials are those of Docker: $DOCKER_CONFIG/config.json or ~/.docker/config.json,
as `docker login` and `skopeo login --authfile` write it. Certificates are
those of this machine; SSL_CERT_FILE names others. HTTPS_PROXY is obeyed.")]
    Pull(pull::Pull),
    /// Say where an image is from, and how it wants to be run
    #[command(after_help = "Example: cargo workshop images inspect alpine-3.20")]
    Inspect {
        /// The name of the image, as in `run -i NAME`
        name: String,
        #[command(flatten)]
        directories: Directories,
    },
    /// Make an image of a file: what docker save or docker export has written
    #[command(after_help = "\
FILE is a root file system (docker export, debootstrap and tar), or an image with
its layers (docker save, podman save, skopeo copy to docker-archive: or
oci-archive:); plain, or packed by gzip, xz or zstd. All of it is read and checked
first. An image that is there already is never replaced: `images rm` it before.

Example: cargo workshop images import ~/Downloads/web.tar.xz
Then:    cargo run -q -p rd -- run -i web sh")]
    Import(import::Import),
    /// Remove an image, and what was unpacked of it
    #[command(after_help = "Example: cargo workshop images rm alpine-3.20")]
    Rm {
        /// The name of the image, as in `run -i NAME`
        name: String,
        #[command(flatten)]
        directories: Directories,
    },
    /// What is done as root where the image directory is root's; starts itself
    #[command(hide = true)]
    Privileged {
        #[command(flatten)]
        directories: Directories,
        #[command(subcommand)]
        verb: Verb,
    },
}

fn main() -> ExitCode {
    let action = match CommandLine::try_parse() {
        Ok(CommandLine { action }) => action,
        Err(error) => {
            // A reader that has gone away is no failure.
            let _ = given::print_usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match action {
        Action::List { directories } => show::list(&directories),
        Action::Pull(pull) => pull.run(),
        Action::Inspect { name, directories } => show::inspect(&directories, name),
        Action::Import(import) => import.run(),
        Action::Rm { name, directories } => show::remove(&directories, name),
        Action::Privileged { directories, verb } => privileged::as_told(&directories, &verb),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<privileged::Told>() {
                tell(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn tell(error: &Error) {
    given::log(&error.to_string());
}
