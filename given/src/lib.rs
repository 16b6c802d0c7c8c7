//! What every level is given, because it is not the lesson.
//!
//! A container runtime needs a command line that behaves, and a parent that
//! gets on with terminals and signals. Both are real work and neither is what
//! people come to a container workshop for, so both are here, once, instead of
//! in every level.
//!
//! | module | what it gives |
//! |---|---|
//! | [`again`] | this program once more, as its caller has started it |
//! | [`cgroup`] | where this machine's control groups are |
//! | [`container_lock`] | a container's directory, and the proof that its parent looks after it |
//! | [`command_line`] | `levelNN VERB ...`, the verbs being the level's own, the screen of `levelNN` alone, exit statuses |
//! | `directories` | where images and containers are, unless somebody says otherwise |
//! | [`mod@environment`] | the variables that a container's command has |
//! | [`mod@init`] | a number 1 that is not the command |
//! | [`mod@id_map`] | which users a user namespace has, and who writes that down |
//! | `unprivileged` | a level that needs no root: where its containers are |
//! | `image` | what the image says of its command, where the command line says nothing |
//! | [`parent`] | whether the parent is still there |
//! | [`mod@printable`] | other people's text, as a terminal may be shown it |
//! | [`mod@relay`] | between the caller's terminal and one of the container's own |
//! | [`report`] | how an error reaches the user, and which status it ends with |
//! | [`passing`] | the parent sleeps while the command runs, and passes signals on |
//! | [`signals`] | the parent holds signals back; the child starts with a clean slate |
//! | [`streams`] | standard streams, handed over to the command's user |
//! | [`terminal`] | the terminal is left as it was found |
//! | [`mod@mount_point`] | a place to mount on, reached without following an image's links |
//! | [`seccomp`] | the list of system calls that a container may make |
//! | [`mod@volume`] | what of the host a container is shown, and where |
//! | [`units`] | sizes, users and capabilities on the command line |
//!
//! Everything a *level* has to say about the kernel is in the level.

pub mod again;
pub mod cgroup;
pub mod command_line;
pub mod container_lock;
mod directories;
pub mod environment;
mod error;
mod habits;
pub mod id_map;
mod image;
pub mod init;
pub mod mount_point;
pub mod parent;
pub mod passing;
pub mod printable;
pub mod relay;
mod renamed;
pub mod report;
pub mod seccomp;
pub mod signals;
pub mod streams;
pub mod terminal;
pub mod units;
mod unprivileged;
pub mod volume;
pub mod wrap;

pub use again::{as_started, begin_by_own_mount, runs_by_own_mount, this_program};
pub use cgroup::all::{Hierarchies, hierarchies, unified_group};
pub use cgroup::remove::remove_groups;
pub use cgroup::{Hierarchy, Lacking, Version, cpu_weight, read, write};
pub use command_line::{container_dir, image_dir, main, new_id};
pub use container_lock::{ContainerLock, KEPT, MARKED, create_container_dir};
pub use directories::{CONTAINERS, IMAGES};
pub use environment::{Variable, environment, variable};
pub use error::Error;
pub use id_map::{
    IdMap, IdRange, MapWriter, check_powers, deny_setgroups, has_group, have_map_written,
    is_in_user_namespace, may_set_groups, write_map,
};
pub use init::{begin_init, pass_signals};
pub use mount_point::{create_file, exists, mount_point};
pub use parent::{Parent, check_parent_alive, this_process};
pub use passing::{forward_signals, relay};
pub use printable::{is_plain_to_a_shell, printable, printable_lines, shell_word};
pub use relay::{TerminalSocket, new_terminal, terminal_socket};
#[allow(deprecated, reason = "for work that was begun before")]
pub use renamed::{clean_start, hold_signals, parent_must_live, pass_signals_until_end, tell};
pub use report::{decide, exit, log, print_usage, warn_of};
pub use seccomp::{NEXT_CALL, SecurityOption, call, listed_calls, op};
pub use signals::{block_signals, reset_signals_and_fds};
pub use streams::hand_over_streams;
pub use units::{
    CapabilityName, DeviceRate, Swap, SwapSize, User, cpus, memory_size, memory_swap_size,
};
pub use unprivileged::{id_map, own_directories};
pub use volume::{Tmpfs, Volume, mount_target, tmpfs, volume};
