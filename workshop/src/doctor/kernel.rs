//! What the kernel can: its version, its system calls, namespaces and overlayfs.

use linux_sys::{
    CloseRangeFlags, Errno, MountAttr, OFlag, OpenHow, Pid, close_range, mount_setattr, openat2,
    pidfd_open,
};

use super::finding::{Finding, Levels, State, Topic, every, needed};
use super::machine::Machine;

/// A system call that is younger than some kernels in use: its name, the version of
/// Linux that brought it, what for.
type Call = (&'static str, &'static str, &'static str);

const CLOSE_RANGE: Call = (
    "close_range",
    "5.9",
    "closes what the command must not inherit",
);
const PIDFD_OPEN: Call = ("pidfd_open", "5.3", "shows whether a process still lives");
const OPENAT2: Call = ("openat2", "5.6", "keeps paths inside the container's root");
const MOUNT_SETATTR: Call = (
    "mount_setattr",
    "5.12",
    "the checks protect this machine by it",
);

/// The namespaces, by their names in /proc/self/ns, which are those in /proc/sys/user.
const NAMESPACES: [&str; 6] = ["mnt", "uts", "ipc", "pid", "net", "cgroup"];

pub(super) fn findings(machine: &Machine) -> Vec<Finding> {
    let mut findings = version(machine);
    findings.extend(calls(&tries()));
    findings.extend(namespaces(machine));
    findings.push(overlay(machine));
    findings.push(seccomp(machine));
    findings
}

fn finding(id: &str, state: State, levels: Levels, summary: impl Into<String>) -> Finding {
    Finding::new(Topic::Kernel, id, state, levels, summary)
}

fn version(machine: &Machine) -> Vec<Finding> {
    let release = machine.release();
    let source = "/proc/sys/kernel/osrelease";
    let summary = format!("Linux {release}");
    let known = finding("kernel-version", State::Fine, every(), summary).seen(source, &release);
    // The overlay is mounted `volatile`, which cannot be tried without root.
    match machine.version() {
        Some(version) if version < (5, 10) => vec![
            finding(
                "kernel-version",
                State::InTheWay,
                needed("overlay"),
                format!(
                    "Linux {release} is too old: overlays are mounted \"volatile\", which \
                    came with 5.10"
                ),
            )
            .seen(source, &release)
            .remedy("install a newer kernel, or a newer system in a virtual machine"),
        ],
        _ => vec![known],
    }
}

/// Call each in a way that changes nothing. EPERM, say, comes from a kernel that has it.
fn tries() -> Vec<(Call, Option<Errno>)> {
    let errno = |outcome: linux_sys::Result<()>| outcome.err().map(|error| error.errno());
    let unused = (u32::MAX - 1, u32::MAX);
    let open_here = || {
        let here = std::fs::File::open("/").ok()?;
        let how = OpenHow {
            flags: OFlag::O_PATH | OFlag::O_CLOEXEC,
            ..OpenHow::default()
        };
        errno(openat2(&here, ".", how).map(drop))
    };
    let marked = CloseRangeFlags::CLOSE_RANGE_CLOEXEC;
    vec![
        (CLOSE_RANGE, errno(close_range(unused.0, unused.1, marked))),
        (PIDFD_OPEN, errno(pidfd_open(Pid::this()).map(drop))),
        (OPENAT2, open_here()),
        // There is no file of this name.
        (
            MOUNT_SETATTR,
            errno(mount_setattr("", false, MountAttr::default())),
        ),
    ]
}

fn calls(tries: &[(Call, Option<Errno>)]) -> Vec<Finding> {
    // A filter of system calls that is older than the call may say EPERM instead of
    // ENOSYS. Of mount_setattr, EPERM is also what it says to who is not root.
    let is_missing = |((name, ..), errno): &&(Call, Option<Errno>)| match errno {
        None => false,
        Some(errno) => *name != MOUNT_SETATTR.0 || *errno == Errno::ENOSYS,
    };
    let missing: Vec<_> = tries.iter().filter(is_missing).collect();
    if missing.is_empty() {
        let names: Vec<&str> = tries.iter().map(|((name, ..), _)| *name).collect();
        let summary = "the younger system calls are there";
        return vec![
            finding("system-calls", State::Fine, every(), summary).seen("tried", names.join(", ")),
        ];
    }
    let describe = |((name, since, purpose), errno): &(Call, Option<Errno>)| {
        let seen = errno.map_or_else(String::new, |errno| format!("{errno:?} ({})", errno.desc()));
        let summary = format!("{name} does not work here: {purpose}");
        finding(
            &format!("system-call-{name}"),
            State::InTheWay,
            needed(name),
            summary,
        )
        .seen(format!("tried {name}"), seen)
        .remedy(format!(
            "it came with Linux {since}; install a newer kernel, or, in a \
                container, let its filter of system calls pass it"
        ))
    };
    missing.into_iter().map(describe).collect()
}

fn namespaces(machine: &Machine) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in NAMESPACES {
        let id = format!("namespace-{name}");
        let file = format!("/proc/self/ns/{name}");
        if !machine.has(&file) {
            let summary = format!("the kernel has no {name} namespaces");
            findings.push(
                finding(&id, State::InTheWay, needed(&id), summary)
                    .seen(file, "not there")
                    .remedy("start a kernel that was built with them; every distribution's is"),
            );
        }
        // Root is counted as well.
        let file = format!("/proc/sys/user/max_{name}_namespaces");
        if machine.read(&file).as_deref() == Some("0") {
            let summary = format!("no user may make a {name} namespace, not even root");
            findings.push(
                finding(
                    &format!("{id}-limit"),
                    State::InTheWay,
                    needed(&id),
                    summary,
                )
                .seen(file, "0")
                .remedy("raise the limit, and look in /etc/sysctl.d for who has set it")
                .command(format!("sudo sysctl user.max_{name}_namespaces=10000")),
            );
        }
    }
    if findings.is_empty() {
        let names = NAMESPACES.join(", ");
        let summary = "all namespaces that the levels make are there, and may be made";
        findings.push(
            finding("namespaces", State::Fine, needed("namespace-mnt"), summary)
                .seen("/proc/self/ns, /proc/sys/user/max_*_namespaces", names),
        );
    }
    findings
}

fn overlay(machine: &Machine) -> Finding {
    let fine = |summary| finding("overlayfs", State::Fine, needed("overlay"), summary);
    let file_systems = machine.read("/proc/filesystems").unwrap_or_default();
    if file_systems
        .lines()
        .any(|line| line.split_whitespace().last() == Some("overlay"))
    {
        return fine("overlayfs is there").seen("/proc/filesystems", "nodev overlay");
    }
    let in_the_way = |summary| {
        finding("overlayfs", State::InTheWay, needed("overlay"), summary)
            .seen("/proc/filesystems", "no overlay")
    };
    let modules = format!("/lib/modules/{}", machine.release());
    for list in ["modules.dep", "modules.builtin"] {
        let list = format!("{modules}/{list}");
        let text = machine.read(&list).unwrap_or_default();
        let Some(line) = text.lines().find(|line| line.contains("/overlay.ko")) else {
            continue;
        };
        let module = line.split(':').next().unwrap_or(line);
        if machine.read("/proc/sys/kernel/modules_disabled").as_deref() == Some("1") {
            return in_the_way("overlayfs is a module, and no module may be loaded any more")
                .seen("/proc/sys/kernel/modules_disabled", "1")
                .remedy("only a reboot undoes that; load overlay before it is set");
        }
        return fine("overlayfs is a module, which the first mount loads").seen(list, module);
    }
    if !machine.has(&modules) {
        return in_the_way(
            "overlayfs is not loaded, and there are no modules for the running \
            kernel",
        )
        .seen(modules, "not there")
        .remedy(
            "if the kernel was updated, reboot into the new one; in a container, load \
                the module outside of it",
        )
        .command("sudo modprobe overlay");
    }
    in_the_way("this kernel has no overlayfs, not even as a module")
        .seen(modules, "no overlay.ko in modules.dep or modules.builtin")
        .remedy("start a kernel that was built with it; every distribution's is")
}

/// Whether a process may have a filter of system calls whose answer is an error.
fn seccomp(machine: &Machine) -> Finding {
    let file = "/proc/sys/kernel/seccomp/actions_avail";
    let found = |state, summary| finding("seccomp", state, needed("seccomp"), summary);
    let actions = machine.read(file).unwrap_or_default();
    if actions.split_whitespace().any(|action| action == "errno") {
        return found(State::Fine, "a process may have a filter of system calls")
            .seen(file, actions.trim_end());
    }
    found(
        State::InTheWay,
        "this kernel has no filters of system calls",
    )
    .seen(file, "no errno in it, or not there")
    .remedy("start a kernel that was built with CONFIG_SECCOMP_FILTER; every distribution's is")
}
