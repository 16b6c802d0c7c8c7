//! What a call is for, in a few words: for those who show the calls of another program.

/// The namespaces, by the flag that makes one.
const NAMESPACES: [(&str, &str); 8] = [
    ("CLONE_NEWNS", "mounts"),
    ("CLONE_NEWUTS", "hostname"),
    ("CLONE_NEWPID", "processes"),
    ("CLONE_NEWIPC", "shared memory"),
    ("CLONE_NEWNET", "network"),
    ("CLONE_NEWCGROUP", "control groups"),
    ("CLONE_NEWUSER", "users"),
    ("CLONE_NEWTIME", "clocks"),
];

/// A call by a part of its arguments (or any), and what it is for.
const PURPOSES: &[(&str, &str, &str)] = &[
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
    (
        "umount2",
        "MNT_DETACH",
        "a mount is taken out of the tree, with all that lies on it, even if it is in use",
    ),
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
        "bpf",
        "BPF_PROG_LOAD",
        "the kernel looks at a program, and takes it over",
    ),
    (
        "bpf",
        "BPF_PROG_ATTACH",
        "from here on, the kernel asks the program about all in this group",
    ),
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
    ("symlink", "", "a link: a name that leads to another one"),
    ("symlinkat", "", "a link: a name that leads to another one"),
    ("mkdir", "/sys/fs/cgroup/", "a control group is a directory"),
    ("mkdir", "", "a new directory"),
    (
        "mkdirat",
        "/sys/fs/cgroup/",
        "a control group is a directory",
    ),
    ("mkdirat", "", "a new directory"),
    ("rmdir", "", "a directory is removed"),
    ("unlinkat", "AT_REMOVEDIR", "a directory is removed"),
    ("unlinkat", "", "a name is removed"),
    (
        "write",
        "cgroup.procs",
        "the process joins this control group",
    ),
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
    (
        "close_range",
        "CLOSE_RANGE_CLOEXEC",
        "the next program inherits none of these descriptors",
    ),
    ("close_range", "", "these descriptors are closed"),
    (
        "memfd_create",
        "",
        "a file in memory, to which no name leads",
    ),
    (
        "fcntl",
        "F_ADD_SEALS",
        "from here on, nobody can change that file",
    ),
    (
        "dup2",
        "",
        "one of the standard streams is another file now",
    ),
    (
        "dup3",
        "",
        "one of the standard streams is another file now",
    ),
    (
        "ioctl",
        "TIOCSCTTY",
        "this terminal is the session's: its keys are signals there",
    ),
    (
        "keyctl",
        "",
        "a ring for keys of its own; the caller's is out of reach",
    ),
    (
        "prlimit64",
        "RLIMIT_NOFILE",
        "how many files it may have open at a time",
    ),
    (
        "prlimit64",
        "RLIMIT_CORE",
        "how much of it is written down where it crashes",
    ),
    (
        "prlimit64",
        "",
        "how much of something each process may use",
    ),
    (
        "write",
        "uid_map",
        "who the users of that user namespace are outside",
    ),
    (
        "write",
        "gid_map",
        "who the groups of that user namespace are outside",
    ),
    (
        "write",
        "/setgroups",
        "nobody in that user namespace leaves a group any more",
    ),
    (
        "write",
        "/oom_score_adj",
        "whether it is spared when memory is short",
    ),
    (
        "setsid",
        "",
        "a session of its own, without the caller's terminal",
    ),
    (
        "seccomp",
        "",
        "from here on, a filter decides which system calls are allowed",
    ),
    ("exit", "", "the process ends, and its parent is told how"),
];

/// What a call is for, as strace(1) writes it: its name, and its arguments between the
/// parentheses. `None`: it is none of those that make a container.
///
/// The text begins without a capital and ends without a full stop.
///
/// ```
/// let arguments = r#""/.old-root", MNT_DETACH"#;
/// let purpose = linux_sys::purpose_traced("umount2", arguments);
/// assert!(purpose.is_some_and(|it| it.contains("out of the tree")));
/// assert_eq!(linux_sys::purpose_traced("getpid", ""), None);
/// ```
pub fn purpose_traced(name: &str, arguments: &str) -> Option<String> {
    let has = |word: &str| arguments.contains(word);
    if matches!(name, "clone" | "clone3" | "fork" | "vfork" | "unshare") {
        let new = NAMESPACES.iter().filter(|(flag, _)| has(flag));
        let new: Vec<&str> = new.map(|(_, what)| *what).collect();
        return Some(match (name, new.is_empty()) {
            ("unshare", true) => "from here on its own".to_owned(),
            ("unshare", false) => format!("from here on its own: {}", new.join(", ")),
            (_, true) => "a child".to_owned(),
            (_, false) => format!("a child, with its own: {}", new.join(", ")),
        });
    }
    let mut paths = arguments.splitn(3, ", ");
    if name == "mount" && has("MS_BIND") && !has("MS_REMOUNT") && paths.next() == paths.next() {
        return Some("the directory is a mount of its own now".to_owned());
    }
    let mut all = PURPOSES.iter();
    let found = all.find(|(of, word, _)| *of == name && has(word));
    found.map(|(_, _, purpose)| (*purpose).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_decide() {
        let purpose = |name, arguments| purpose_traced(name, arguments).unwrap_or_default();
        let of_both = "CLONE_NEWNS|CLONE_NEWUTS";
        assert_eq!(
            purpose("unshare", of_both),
            "from here on its own: mounts, hostname"
        );
        assert_eq!(
            purpose("clone", of_both),
            "a child, with its own: mounts, hostname"
        );
        assert_eq!(purpose("fork", ""), "a child");
        assert!(purpose("mount", r#""/a", "/b", NULL, MS_BIND, NULL"#).contains("second place"));
        assert!(purpose("mount", r#""/a", "/a", NULL, MS_BIND, NULL"#).contains("of its own"));
        assert!(purpose("mount", r#""proc", "/x/proc", "proc""#).contains("processes"));
    }

    #[test]
    fn a_narrow_word_stands_before_the_wide_one() {
        for (index, (name, word, _)) in PURPOSES.iter().enumerate() {
            let hides = |it: &&(&str, &str, &str)| it.0 == *name && word.contains(it.1);
            let hidden = PURPOSES[..index].iter().find(hides);
            assert_eq!(hidden, None, "{name} {word} is never found");
        }
    }
}
