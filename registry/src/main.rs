//! Images out of OCI registries, and the image directory: `cargo workshop images`.
//!
//! A crate of its own, because speaking TLS takes more code than everything else in
//! the workshop together: who never pulls an image never waits for it to compile.
//!
//! # A map of the house
//!
//! | file | holds |
//! |---|---|
//! | `pull.rs` | from a reference to an image in the image directory, step by step |
//! | `reference.rs` | what may be pulled, and the name that it gets |
//! | `credentials.rs` | who we are to a registry: Docker's configuration |
//! | `remote.rs` | one image in one registry: its manifest, its blobs |
//! | `manifest.rs` | what a manifest says, and whether it can be true |
//! | `blobs.rs` | blobs that were downloaded and verified |
//! | `explain.rs` | what a registry's refusal means, and what to do |
//! | `shelf.rs` | the image directory; as root where it is root's |
//! | `show.rs` | the list of images, sizes |
//!
//! # Who does what
//!
//! What comes out of the network is downloaded, verified and merged by you, and not by
//! root. Root only copies the finished archive into the image directory, and lists and
//! removes there, if that directory is root's.

#![forbid(unsafe_code)]

mod blobs;
mod credentials;
mod explain;
mod manifest;
mod pull;
mod reference;
mod remote;
mod shelf;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use given::Error;

use crate::shelf::{Directories, Verb};

/// Images: what is there, pulled from registries, removed
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
    Shelf {
        #[command(flatten)]
        directories: Directories,
        #[command(subcommand)]
        verb: Verb,
    },
}

fn main() -> ExitCode {
    let outcome = match CommandLine::parse().action {
        Action::List { directories } => show::list(&directories),
        Action::Pull(pull) => pull.run(),
        Action::Rm { name, directories } => show::remove(&directories, name),
        Action::Shelf { directories, verb } => shelf::as_told(&directories, &verb),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<shelf::Told>() {
                tell(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn tell(error: &Error) {
    given::tell(&error.to_string());
}
