//! On what machine an escape can be tried.

use std::fs;
use std::path::Path;

use super::attempts::kernel::RINGS;
use super::attempts::runtime;
use sandbox::cgroups::{self, Version};

/// On the kernel's command line of a machine that is there to be broken.
const DISPOSABLE: &str = "rubber_docker.disposable";

/// Whether a process may type into its terminal, for the next reader: came with Linux 6.2.
const TYPING: &str = "/proc/sys/dev/tty/legacy_tiocsti";

/// Whose processes a process may trace, where there is Yama.
const YAMA: &str = "/proc/sys/kernel/yama/ptrace_scope";

/// On what machine an escape is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requirement {
    Any,
    /// It would change the machine for all who use it.
    Disposable,
    /// Memory is limited by this version of cgroups.
    Cgroups(Version),
    /// The kernel has this file.
    Having(&'static str),
    /// Programs name a loader, and we have a hostile one for this processor.
    Loader,
    /// The number in this file is no larger.
    AtMost(&'static str, u64),
    /// The kernel lets every process type on its own terminal (TIOCSTI), or not.
    Typing(bool),
    /// Every user may make user namespaces.
    UserNamespaces,
    /// A process may trace its parent: Yama can forbid that.
    Tracing,
    /// Every user may make an io_uring.
    Rings,
}

impl Requirement {
    /// Why an escape is not tried here, if it is not.
    pub(super) fn problem(self) -> Option<String> {
        match self {
            Requirement::Disposable if !is_disposable() => Some(format!(
                "it would change the machine, which has no {DISPOSABLE} on its kernel's command line"
            )),
            Requirement::Cgroups(version) if cgroups::version() != Some(version) => {
                Some(format!("not a machine of cgroup {version}"))
            }
            Requirement::Cgroups(Version::V2) if !is_delegated() => {
                Some("cgroup2 is not mounted with nsdelegate, as systemd mounts it".to_owned())
            }
            Requirement::Having(file) if !Path::new(file).exists() => {
                Some(format!("this kernel was built without {file}"))
            }
            Requirement::AtMost(file, most) if !is_at_most(file, most) => {
                Some(format!("{file} is more than {most} here, or not there"))
            }
            Requirement::Typing(wanted) if is_typing_allowed() != wanted => Some(match wanted {
                true => format!("{TYPING} is 0 here, the other case"),
                false => format!("{TYPING} is 1 here or not there yet, the other case"),
            }),
            Requirement::Loader => runtime::problem(),
            Requirement::Tracing if Path::new(YAMA).exists() && !is_at_most(YAMA, 0) => Some(
                format!("{YAMA} is not 0: nothing here may trace its parent"),
            ),
            Requirement::UserNamespaces => users_problem(),
            Requirement::Rings => rings_problem(),
            _ => None,
        }
    }

    /// What the table in the docs says of it.
    pub(super) fn note(self) -> String {
        match self {
            Requirement::Any => String::new(),
            Requirement::Disposable => {
                " (tried in the QEMU machine only: it changes the whole machine)".to_owned()
            }
            Requirement::Cgroups(version) => format!(" (tried on cgroup {version})"),
            Requirement::Having(file) => format!(" (tried where there is `{file}`)"),
            Requirement::Loader => " (tried on x86-64 and aarch64)".to_owned(),
            Requirement::AtMost(file, most) => format!(" (tried where `{file}` is at most {most})"),
            Requirement::Typing(true) => {
                " (tried where `dev.tty.legacy_tiocsti` is 1, or the kernel is older than 6.2)"
                    .to_owned()
            }
            Requirement::Typing(false) => " (tried where `dev.tty.legacy_tiocsti` is 0)".to_owned(),
            Requirement::UserNamespaces => {
                " (tried where everybody may make user namespaces)".to_owned()
            }
            Requirement::Tracing => {
                " (tried where `kernel.yama.ptrace_scope` is 0, or Yama not there)".to_owned()
            }
            Requirement::Rings => {
                format!(" (tried where `{RINGS}` is 0, or the kernel is older than 6.6)")
            }
        }
    }
}

fn is_at_most(file: &str, most: u64) -> bool {
    let number = fs::read_to_string(file).ok();
    number
        .and_then(|it| it.trim_end().parse::<u64>().ok())
        .is_some_and(|it| it <= most)
}

/// Before there was a switch, it was on.
fn is_typing_allowed() -> bool {
    fs::read_to_string(TYPING).map_or(true, |value| value.trim_end() != "0")
}

/// The switches of Debian, of Ubuntu and of the kernel that refuse user namespaces.
fn users_problem() -> Option<String> {
    let closed = [
        ("/proc/sys/kernel/unprivileged_userns_clone", "0"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
        ),
        ("/proc/sys/user/max_user_namespaces", "0"),
    ];
    let (file, value) = closed
        .into_iter()
        .find(|(file, value)| fs::read_to_string(file).is_ok_and(|it| it.trim_end() == *value))?;
    Some(format!("{file} is {value} here"))
}

/// Before there was a switch, it was on; but a kernel can be built without.
fn rings_problem() -> Option<String> {
    match fs::read_to_string(RINGS) {
        Ok(value) if value.trim_end() != "0" => {
            Some(format!("{RINGS} is {} here", value.trim_end()))
        }
        _ => linux_sys::io_uring_setup(1)
            .err()
            .map(|why| why.to_string()),
    }
}

fn is_disposable() -> bool {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    line.split_whitespace().any(|word| word == DISPOSABLE)
}

/// Whether processes inside a cgroup namespace may not write to its root's limits (cgroups(7)).
fn is_delegated() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut of_v2 = mounts.lines().filter(|line| line.contains(" - cgroup2 "));
    of_v2.any(|line| line.contains("nsdelegate"))
}
