//! level17: a program that nobody can change
//!
//! The image decides what the command is, and may name this very program: then
//! its own loader runs with a file of the host's, and root may write to that one
//! as soon as nobody runs it. From here on we run from a copy in memory.
//!
//! Yours to write: TODO(17) in src/main.rs and src/sealed.rs
//! The lesson:     levels/17_sealed_self/README.md
//!
//! Try:
//!   cargo run -p level17 -- run sh
//!   cargo workshop hint 17
//!   cargo test -p level17

mod container;
mod controllers;
mod devices;
mod masks;
mod sealed;
mod seccomp;
mod volumes;
use isolate::{capabilities, cgroup, mounts, network, rootfs, user};

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use given::Error;
use linux_sys::{CloneFlags, WaitOptions, WaitStatus, clone, waitpid};

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

    /// The container's weight when processors are short (2 to 262144; others have 1024)
    #[arg(long, value_name = "SHARES", value_parser = clap::value_parser!(u64).range(2..=262_144))]
    pub cpu_shares: Option<u64>,

    /// How much memory the container may have: bytes, or a number with b, k, m, g
    #[arg(short, long, value_name = "SIZE", value_parser = given::memory_size)]
    pub memory: Option<u64>,

    /// Memory and swap together; -1 for as much swap as there is [default: twice --memory]
    #[arg(long, value_name = "SIZE", value_parser = given::memory_swap_size, requires = "memory", allow_hyphen_values = true)]
    pub memory_swap: Option<given::SwapSize>,

    /// How many processes and threads the container may have at a time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=4_194_304))]
    pub pids_limit: Option<u64>,

    /// How many processors' time the container may use: 0.5, 2
    #[arg(long, value_name = "NUMBER", value_parser = given::cpus)]
    pub cpus: Option<u64>,

    /// How many bytes it may write to a disk in a second: /dev/vda:1m; may be repeated
    #[arg(long, value_name = "DEVICE:RATE")]
    pub device_write_bps: Vec<given::DeviceRate>,

    /// The user that the command runs as, and its group: numbers [default: 0:0]
    #[arg(short, long, value_name = "UID[:GID]")]
    pub user: Option<given::User>,

    /// A capability to keep beyond the usual ones, or ALL; may be repeated
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_add: Vec<given::CapabilityName>,

    /// A capability to give up, or ALL; may be repeated
    #[arg(long, value_name = "CAPABILITY")]
    pub cap_drop: Vec<given::CapabilityName>,

    /// A variable of the command's environment, with a value or with the caller's; may be repeated
    #[arg(short, long, value_name = "NAME[=VALUE]", value_parser = given::variable())]
    pub env: Vec<given::Variable>,

    /// Let the command write to nothing of the container's root; what is mounted on it stays as it is
    #[arg(long)]
    pub read_only: bool,

    /// What is to be less secure: seccomp=unconfined, every system call; may be repeated
    #[arg(long, value_name = "OPTION")]
    pub security_opt: Vec<given::SecurityOption>,

    /// A file or directory of the host to show at a path of the container's; may be repeated
    #[arg(short, long, value_name = "HOST:CONTAINER[:ro]", value_parser = given::volume())]
    pub volume: Vec<given::Volume>,

    /// A directory in memory at a path of the container's; may be repeated
    #[arg(long, value_name = "PATH[:OPTIONS]", value_parser = given::tmpfs())]
    pub tmpfs: Vec<given::Tmpfs>,

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
    /// Its control groups.
    pub cgroup: cgroup::Cgroup,

    /// The parent itself, for the child to see whether it still lives.
    pub parent: given::Parent,

    /// Its directory, and the lock on that.
    pub directory: rootfs::Directory,
}

/// What this program can be asked for, by a verb.
#[derive(Subcommand)]
enum Action {
    /// Run a command in a new container
    Run(Options),
}

/// The limits that the options ask for: a row for each.
fn limits(options: &Options) -> Result<Vec<cgroup::Limit>, Error> {
    let mut limits = Vec::new();
    limits.extend(options.cpu_shares.map(cgroup::cpu_shares));
    if let Some(memory) = options.memory {
        limits.extend(cgroup::memory(memory, options.memory_swap)?);
    }
    limits.extend(options.pids_limit.into_iter().flat_map(controllers::pids));
    limits.extend(options.cpus.into_iter().flat_map(controllers::cpus));
    let rates = options.device_write_bps.iter().copied();
    limits.extend(rates.flat_map(controllers::write_bps));
    Ok(limits)
}

fn main() -> ExitCode {
    given::main(include_str!("main.rs"), |action| match action {
        Action::Run(options) => run(&options),
    })
}

/// The parent's part: everything before, around and after the container.
/// The number it returns becomes our own exit status.
fn run(options: &Options) -> Result<u8, Error> {
    // TODO(17) 1. The call is here already: why before all else? Write what it does.
    sealed::seal_self()?;
    // END TODO(17)

    let container = Container {
        cgroup: cgroup::find(&options.id, &limits(options)?)?,
        parent: given::this_process()?,
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

    given::warn_of(cgroup::remove(&container.cgroup));

    given::warn_of(rootfs::remove(&container.directory));
    Ok(status)
}

/// Start the container's process, wait for its end, report it.
fn start_and_wait(options: &Options, container: &Container) -> Result<u8, Error> {
    // The group, before there is a process for it.
    cgroup::create(&container.cgroup, &limits(options)?)?;
    // Before a process is in it: what is open already, nobody asks about.
    let kept = capabilities::kept(&options.cap_add, &options.cap_drop);
    devices::guard(&options.id, kept)?;

    // Given: what is sent to us from here on waits until we look (signal(7)).
    given::block_signals()?;

    // The child is born into its namespaces: whatever it mounts, renames or opens
    // from its first step on is its own. For the PID namespace it is the only way
    // in: after unshare just *later* children would be members (pid_namespaces(7)).
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWNET;

    // The child runs the closure and ends with it: the rest of this function is
    // the parent's alone.
    let child = clone(|| given::exit(contain(options, container)), namespaces)?;

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

    // Without this a 137 could have any reason. Not to know is no reason to lose it.
    let killed = cgroup::oom_kills(&container.cgroup).unwrap_or(0);
    if killed > 0 {
        given::log(&format!(
            "out of memory: the kernel has killed {killed} of its processes"
        ));
    }

    given::log(&format!("{child} exited with status {status}"));
    Ok(status)
}
