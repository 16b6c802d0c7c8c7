//! What no level of its own stops: shown elsewhere, or left to Part II, or not tried.

use super::row::{Elsewhere, Later};

/// Stopped by code that all levels share, from the first on. What shows it is a test
/// with the attack in it, or a wrong solution with the defence taken out.
pub(super) const SHARED: &[Elsewhere] = &[
    Elsewhere {
        what: "a descriptor that the runtime or its caller left open (CVE-2024-21626)",
        why: "`given::reset_signals_and_fds` closes all but 0, 1 and 2 before exec",
        shown_by: &[("checks/wrong/00/files-left-open.patch", "")],
    },
    Elsewhere {
        what: "a link in the image in the place of /proc, /sys or /dev (CVE-2019-19921)",
        why: "`given::mount_point` follows no link",
        shown_by: &[("checks/wrong/01/follows-links.patch", "")],
    },
    Elsewhere {
        what: "`..` and absolute paths in an archive",
        why: "`images` resolves every member beneath the root",
        shown_by: &[
            (
                "images/tests/hostile.rs",
                "dot_dot_in_a_long_name_is_refused",
            ),
            (
                "images/tests/hostile.rs",
                "an_absolute_path_begins_at_the_root_of_the_image",
            ),
        ],
    },
    Elsewhere {
        what: "links in an archive that lead out of it (CVE-2018-15664)",
        why: "`images` resolves every member beneath the root",
        shown_by: &[
            (
                "images/tests/hostile.rs",
                "writing_through_a_link_to_the_canary_stays_inside",
            ),
            (
                "images/tests/hostile.rs",
                "a_hard_link_to_a_file_outside_is_refused",
            ),
        ],
    },
    Elsewhere {
        what: "device nodes in an archive",
        why: "`images` leaves them out",
        shown_by: &[(
            "images/tests/hostile.rs",
            "devices_are_left_out_and_fifos_are_not",
        )],
    },
    Elsewhere {
        what: "an archive that unpacks without end (CVE-2017-14992)",
        why: "`images` has a cap on bytes and one on members",
        shown_by: &[
            (
                "images/src/unpack.rs",
                "a_bomb_of_many_files_goes_off_at_the_cap_of_bytes",
            ),
            (
                "images/src/unpack.rs",
                "a_bomb_of_empty_files_goes_off_at_the_cap_of_members",
            ),
        ],
    },
    Elsewhere {
        what: "setuid programs in a store that others can enter (CVE-2021-41091)",
        why: "the store has the mode 0700",
        shown_by: &[
            (
                "images/tests/removal.rs",
                "a_store_that_lets_others_in_is_closed",
            ),
            ("checks/wrong/01/store-open-to-all.patch", ""),
        ],
    },
];

/// Open, all of it tried above: what will stop it, and what helps until then.
/// Each row that nothing stops yet is here, once.
pub(super) const LATER: &[Later] = &[
    Later {
        what: "The kernel's own files in /proc",
        rows: &[
            "have core_pattern open for writing: the kernel runs what is in it, on the host",
            "write a program's name to core_pattern",
            "have the path of modprobe open for writing: the kernel runs that program, on the host",
            "give the kernel an order by /proc/sysrq-trigger; `b` would be: restart",
            "read what the kernel tells root of the whole machine",
        ],
        stop: "read-only and masked paths: [the warm-up](onward.md#warm-up-covered-paths)",
        today: "`--user 1000:1000`, or any number that is not root's: the files are root's. There \
                is a row for that, which level 10 closes",
    },
    Later {
        what: "A user namespace that the command makes, with all capabilities in it",
        rows: &[
            "mount a file system, in a user namespace of one's own",
            "lift one's own limit of memory of version 1, in a user namespace of one's own (`--memory 32m`)",
        ],
        stop: "[seccomp](onward.md#6-seccomp), which refuses `unshare` and `clone` with that flag",
        today: "`sysctl user.max_user_namespaces=0`, if no other program on the machine needs \
                them. Such a namespace gives the command kernel code that was written for root, \
                and the files of the container's own control groups: on version 1 the command can \
                lift its limits with them, and have its freezer hold it against SIGKILL. `--user` \
                with a number that is not root's closes those files, because root owns them",
    },
    Later {
        what: "The session's keys",
        rows: &["leave a key in the caller's session keyring"],
        stop: "a session keyring of its own, which the child joins before exec, and \
               [seccomp](onward.md#6-seccomp) for root's other rings; or a \
               [user namespace](onward.md#7-user-namespaces), which has keyrings of its own",
        today: "`keyctl session - rd run ...` (from the package keyutils) gives this run a new, \
                empty ring",
    },
    Later {
        what: "The terminal, and the process group that comes with it",
        rows: &[
            "type into the terminal that the parent was started from (TIOCSTI)",
            "end the parent, and all of the pipeline that it was started in",
        ],
        stop: "a session and a terminal of its own, with the parent between that terminal and \
               yours: `setsid` as in [run -d](onward.md#2-run--d), and a pseudo-terminal. Neither \
               a PID namespace nor a capability counts here: `kill 0` names no process, and the \
               terminal is the caller's own",
        today: "`setsid --wait rd run ...` where you need no terminal: the command has nothing to \
                type on, and your pipeline is in another group. The parent is still in the \
                command's group; `--user` with a number that no user outside has puts it out of \
                reach: there is a row for that as well. `sysctl dev.tty.legacy_tiocsti=0` ends the \
                typing for the whole machine, from level 11 on",
    },
    Later {
        what: "A life after the parent's",
        rows: &["outlive the parent, by taking PR_SET_PDEATHSIG back"],
        stop: "a supervisor that another program looks after, as systemd looks after a service \
               ([run -d](onward.md#2-run--d)). A signal at the parent's death helps against \
               accidents; it does not hold a process that means to stay",
        today: "end the whole group: on cgroup version 2 `echo 1 \
                >/sys/fs/cgroup/rubber-docker/ID/cgroup.kill`. The group's limits hold for as long \
                as the process lives",
    },
    Later {
        what: "The runtime's own program",
        rows: &[
            "overwrite the program that made the container, which root will start again (CVE-2019-5736)",
        ],
        stop: "for good, a [user namespace](onward.md#4-user-namespaces): its root may not write \
               to the files of the host's root. Or what runc does: start once more from a sealed \
               copy in memory (memfd_create(2)), so that `/proc/self/exe` is only that copy",
        today: "`--user` again, since the file is root's; or make `rd` a file that root cannot \
                write to (`chattr +i`, or a read-only mount). And start no image as root that you \
                do not trust",
    },
    Later {
        what: "As many processes as there is memory for",
        rows: &["start as many processes as one likes"],
        stop: "one limit more: write `pids.max` where level 09 writes `memory.max`",
        today: "`ulimit -u 100` before `rd run --user 1000:1000 ...` (it does not bind root); and \
                `--memory`, since a process costs memory as well",
    },
    Later {
        what: "The host's disk, to the last byte and the last file",
        rows: &[
            "fill the host's disk",
            "take all files that the host's disk has room for",
        ],
        stop: "a project quota, where the file system has them (ext4, xfs), on the container's \
               own directory: the overlay's `upper` is in it. An overlay has no limit of its own",
        today: "a file system of its own for the containers, with `--container-dir` or \
                `RUBBER_DOCKER_CONTAINERS`: a tmpfs with `size=` and `nr_inodes=`, or an ext4 in a \
                file (`mount -o loop`). When that is full, nothing else is. `--memory` does not \
                help: what the kernel has written to a disk leaves memory again",
    },
    Later {
        what: "A file that the caller handed in",
        rows: &["empty the log that the caller appends to (`2>>log`)"],
        stop: "a pipe, and a process outside that reads it and writes the log, as \
               [run -d](onward.md#2-run--d) needs one. A descriptor says how a process may use \
               *it*; `/proc/self/fd/2` is a path to the file, and a process can open that in every \
               way that its owner and mode allow",
        today: "put a pipe there yourself: `rd run ... 2>&1 | cat >>log`. Or `chattr +a log`: then \
                the command must take that flag off before it can empty the log, which takes \
                CAP_LINUX_IMMUTABLE, and a container does not have that from level 11 on. Or \
                `--user`, if the log is root's: there is a row for that, which level 10 closes",
    },
    Later {
        what: "What the kernel counts for a user",
        rows: &[
            "use up the inotify instances of a user of the host who has the same number",
            "use up the waiting signals of a user of the host who has the same number",
            "use up the room for pipes of a user of the host who has the same number",
            "use up the keys of a user of the host who has the same number",
        ],
        stop: "a [user namespace](onward.md#4-user-namespaces), which maps a container's numbers \
               to numbers that no other user of the host has. The kernel counts inotify's \
               watches, message queues, epoll's watches and `ulimit -u` in the same way",
        today: "`--user` with a number of its own for each container: level 10 closes the rows \
                with that. Root's number is the one that the host's services have. \
                `sysctl fs.inotify.max_user_instances=1024` gives every number more of these",
    },
    Later {
        what: "Any device, with the capability to make one",
        rows: &["open any device of the machine, when given CAP_MKNOD (`--cap-add ALL`)"],
        stop: "[a list of devices](onward.md#4-a-list-of-devices)",
        today: "do not give it: `rd` does so only when you ask",
    },
];

/// Known, and not tried.
pub(super) const NOT_TRIED: &[(&str, &str)] = &[
    (
        "load a kernel module; read a raw disk; `release_agent` (CVE-2022-0492)",
        "it would change the machine, or could. The rows above show that the kernel refuses what \
         they need: a mount, a device node, CAP_SYS_ADMIN over the host and not only in a user \
         namespace of one's own",
    ),
    (
        "use the keys of root's user keyring, or see all of /proc/keys",
        "it is the machine's own ring, which a test had better leave alone; the row about the \
         session's keys says what stops it",
    ),
    (
        "take all processors",
        "shares are a question of time: `.ci/run system-tests` measures them, and `.ci/qemu.sh` \
         does on cgroup version 2",
    ),
];
