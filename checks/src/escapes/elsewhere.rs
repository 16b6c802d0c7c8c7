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
    Elsewhere {
        what: "a link of the image in the target of a volume, or of a tmpfs (`-v`, `--tmpfs`)",
        why: "`given::mount_target` walks it as the container would (`RESOLVE_IN_ROOT`), and level 16 \
              mounts at a descriptor",
        shown_by: &[
            ("checks/wrong/16/target-as-text.patch", ""),
            ("checks/wrong/16/tmpfs-on-a-path-as-text.patch", ""),
        ],
    },
    Elsewhere {
        what: "a mount of the host's below a volume that is read-only (`-v HOST:CONTAINER:ro`)",
        why: "level 16 makes all mounts of the volume's tree read-only",
        shown_by: &[
            ("checks/wrong/16/read-only-at-the-top-alone.patch", ""),
            ("checks/wrong/16/remounted-read-only.patch", ""),
        ],
    },
    Elsewhere {
        what: "what the host mounts later below a volume, whatever `:ro` has said",
        why: "level 16 copies the host's mounts when the container's own are private",
        shown_by: &[("checks/wrong/16/opened-before-private.patch", "")],
    },
    Elsewhere {
        what: "a setuid program in a volume, or a device node",
        why: "all mounts of a volume are `nosuid` and `nodev`, from level 16 on",
        shown_by: &[
            ("checks/wrong/16/setuid-counts.patch", ""),
            ("checks/wrong/16/devices-open.patch", ""),
        ],
    },
];

/// Open, all of it tried above: what will stop it, and what helps until then.
/// Each row that nothing stops yet is here, once.
pub(super) const LATER: &[Later] = &[
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
        "type into the caller's terminal, or end its pipeline, where that terminal is the command's \
         input and `-t` is not given",
        "then it is the command's terminal as well, keys, job control and all: the caller has put it \
         there. `-t` gives the command another, and the rows above show what that changes",
    ),
    (
        "use the keys of root's user keyring",
        "it is the machine's own ring, which a test had better leave alone; the rows about the \
         session's keys say what stops it: no call that has to do with keys is on level 13's list. \
         Level 12 covers /proc/keys, which lists them",
    ),
    (
        "take all processors from a neighbour",
        "shares are a question of time: `.ci/run system-tests` measures them, and `.ci/qemu.sh` \
         does on cgroup version 2, together with the ceilings of level 14: processes, time and \
         what is written to a disk",
    ),
];
