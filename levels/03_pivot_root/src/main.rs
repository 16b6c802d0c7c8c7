//! level03: pivot_root instead of chroot
//!
//! chroot changes where a process starts to look; the host's files are all still
//! there, one open directory away, and root can walk out. pivot_root changes the
//! mount table: the container's root takes the place of the host's, and the
//! host's is unmounted. No `..` leads to what is not mounted.
//!
//! Yours to write: TODO(03) in src/container.rs and src/mounts.rs
//! The lesson:     levels/03_pivot_root/README.md
//!
//! Try:
//!   cargo run -p level03 -- run cat /proc/self/mountinfo
//!   cargo run -p checks -- probe-image
//!   cargo run -p level03 -- run -i probe probe breakout
//!   cargo test -p level03

mod container;
mod mounts;
mod rootfs;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use given::Error;
use linux_sys::{Fork, WaitOptions, WaitStatus, fork, waitpid};

use container::contain;

/// All that the command line says of one container. Outside of this file only `contain` knows it.
#[derive(Args)]
pub struct Options {
    /// The image to start from: NAME.tar, also packed by gzip, xz or zstd
    #[arg(short, long, value_name = "NAME", default_value = "base")]
    pub image_name: String,

    /// The directory that images are in
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_IMAGES", default_value = given::IMAGES)]
    pub image_dir: PathBuf,

    /// The directory that containers live in
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_CONTAINERS")]
    #[arg(default_value = given::CONTAINERS, value_parser = given::container_dir())]
    pub container_dir: PathBuf,

    /// Keep the container's directory after the command has ended
    #[arg(long)]
    pub keep: bool,

    /// The container's name: new for every run, not an option
    #[arg(skip = given::new_id())]
    pub id: String,

    /// The command to run in the container, followed by its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What the parent makes before there is a child, and lends to it.
pub struct Container {
    /// Its directory, and the lock on that.
    pub directory: rootfs::Directory,
}

/// What this program can be asked for, by a verb.
#[derive(Subcommand)]
enum Action {
    /// Run a command in a new container
    Run(Options),
}

fn main() -> ExitCode {
    given::main(include_str!("main.rs"), |action| match action {
        Action::Run(options) => run(&options),
    })
}

/// The parent's part: everything before, around and after the container.
/// The number it returns becomes our own exit status.
fn run(options: &Options) -> Result<u8, Error> {
    let container = Container {
        // Last, so that what fails before leaves nothing. With `?`: a name that is taken is
        // another container's, and not ours to remove.
        directory: rootfs::make_directory(&options.container_dir, &options.id, options.keep)?,
    };

    // Before the fork: unpacking takes a moment, and Ctrl-C may still end us.
    // No `?` here: what was prepared is removed again, however far we came.
    let status = rootfs::prepare(
        &container.directory,
        &options.image_dir,
        &options.image_name,
    )
    .and_then(|()| start_and_wait(options, &container));
    // Given: an error is told here and now. What goes wrong further down is told after
    // it, as a warning: a consequence must not hide its cause, nor the command's status.
    let status = given::decide(status);

    given::warn_of(rootfs::remove(&container.directory));
    Ok(status)
}

/// Start the container's process, wait for its end, report it.
fn start_and_wait(options: &Options, container: &Container) -> Result<u8, Error> {
    // Given: what is sent to us from here on waits until we look (signal(7)).
    given::block_signals()?;

    // Two processes come back from this call. The child never returns from its
    // arm: the rest of this function is the parent's alone.
    let child = match fork()? {
        Fork::Child => given::exit(contain(options, container)),
        Fork::Parent { child } => child,
    };

    // Given: Ctrl-C, Ctrl-Z and `kill` find their way to the child until it ends.
    given::forward_signals(child)?;

    // A process that has ended stays as a zombie until its parent asks how.
    let status = match waitpid(child, WaitOptions::empty())? {
        WaitStatus::Exited(status) => status,
        // The shells' convention, so that a signal does not look like success.
        WaitStatus::Signaled { signal, .. } => 128 + signal as u8,
        other => {
            return Err(
                format!("waitpid({child}) returned {other:?}, which was not asked for").into(),
            );
        }
    };

    given::log(&format!("{child} exited with status {status}"));
    Ok(status)
}
