//! What a call is for, in a few words.

use super::line::Call;

/// The namespaces, by the flag that makes one.
const NAMESPACES: [(&str, &str); 8] = [
    ("CLONE_NEWNS", "mounts"),
    ("CLONE_NEWUTS", "hostname"),
    ("CLONE_NEWPID", "processes"),
    ("CLONE_NEWIPC", "System V IPC"),
    ("CLONE_NEWNET", "network"),
    ("CLONE_NEWCGROUP", "control groups"),
    ("CLONE_NEWUSER", "users"),
    ("CLONE_NEWTIME", "clocks"),
];

/// A call by a part of its arguments (or any), and what it is for.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "mount",
        "MS_PRIVATE",
        "from here on, what is mounted here is seen here only",
    ),
    (
        "mount",
        "MS_SLAVE",
        "from here on, what is mounted here is not seen outside",
    ),
    ("mount", "MS_REMOUNT", "a mount gets other flags"),
    (
        "mount",
        "MS_BIND",
        "a directory in a second place; it is a mount point then",
    ),
    (
        "mount",
        "\"overlay\"",
        "the image below, the container's changes above",
    ),
    ("mount", "\"proc\"", "the processes, as files"),
    (
        "mount",
        "\"sysfs\"",
        "the kernel's devices and knobs, as files",
    ),
    ("mount", "\"devtmpfs\"", "the host's own devices"),
    ("mount", "\"devpts\"", "pseudo-terminals"),
    ("mount", "\"tmpfs\"", "files in memory"),
    ("mount", "", "a file system gets a place in the tree"),
    ("umount2", "", "a mount is taken out of the tree"),
    (
        "pivot_root",
        "",
        "`/` is another mount now; the old one is inside of it",
    ),
    ("chroot", "", "`/` is this directory now"),
    ("chdir", "", "the working directory moves along"),
    ("fchdir", "", "the working directory moves along"),
    ("sethostname", "", "the machine gets its name"),
    (
        "ioctl",
        "SIOCSIFFLAGS",
        "a network interface is switched on or off",
    ),
    ("setgroups", "", "other supplementary groups, or none"),
    ("setgid", "", "another group"),
    ("setresgid", "", "another group"),
    ("setuid", "", "another user; from here on root may be lost"),
    (
        "setresuid",
        "",
        "another user; from here on root may be lost",
    ),
    ("capset", "", "what this process may do, and what it might"),
    (
        "prctl",
        "PR_SET_PDEATHSIG",
        "this signal comes when the parent dies",
    ),
    (
        "prctl",
        "PR_CAPBSET_DROP",
        "no exec gives this back any more",
    ),
    (
        "prctl",
        "PR_CAP_AMBIENT",
        "what an exec by anybody would keep",
    ),
    (
        "prctl",
        "PR_SET_KEEPCAPS",
        "whether setuid takes the capabilities away",
    ),
    (
        "prctl",
        "PR_SET_NO_NEW_PRIVS",
        "setuid programs give nothing any more",
    ),
    (
        "mknod",
        "",
        "a device: a name, and two numbers for the kernel",
    ),
    (
        "mknodat",
        "",
        "a device: a name, and two numbers for the kernel",
    ),
    ("symlink", "", "a link"),
    ("symlinkat", "", "a link"),
    ("mkdir", "rubber-docker", "a control group is a directory"),
    ("mkdir", "", "a directory"),
    ("mkdirat", "rubber-docker", "a control group is a directory"),
    ("mkdirat", "", "a directory"),
    ("rmdir", "", "a directory is removed"),
    ("unlinkat", "", "a directory is removed"),
    ("write", "cgroup.procs", "join this control group"),
    (
        "write",
        "cgroup.subtree_control",
        "the groups below may have this controller",
    ),
    (
        "write",
        "/cgroup",
        "a limit, or another property, of a control group",
    ),
    ("kill", "", "a signal is sent"),
    ("pidfd_send_signal", "", "a signal is sent"),
    (
        "execve",
        "",
        "this program is gone, and the command is in its place",
    ),
    ("wait4", "", "the parent asks how the child has ended"),
    ("waitid", "", "the parent asks how the child has ended"),
    ("setns", "", "into a namespace that is there already"),
];

/// What a call is for. `None`: it is none of those that a story is made of.
pub(super) fn meaning(call: &Call) -> Option<String> {
    let has = |word: &str| call.arguments.contains(word);
    if matches!(
        call.name.as_str(),
        "clone" | "clone3" | "fork" | "vfork" | "unshare"
    ) {
        let new = NAMESPACES.iter().filter(|(flag, _)| has(flag));
        let new: Vec<&str> = new.map(|(_, what)| *what).collect();
        let of_whom = match (call.name.as_str(), &call.result) {
            ("unshare", _) => "from here on its own".to_owned(),
            (_, Ok(child)) => format!("the child is process {child}"),
            (_, Err(_)) => "a child".to_owned(),
        };
        return Some(match new.is_empty() {
            true => of_whom,
            false => format!("{of_whom}; its own: {}", new.join(", "))
                .replace("its own; its own", "its own"),
        });
    }
    let mut all = MEANINGS.iter();
    let found = all.find(|(name, word, _)| *name == call.name && has(word));
    found.map(|(_, _, meaning)| (*meaning).to_owned())
}
