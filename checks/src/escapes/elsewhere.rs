//! What no level of its own stops: shown elsewhere, or left to Part II, or not tried.

use super::Elsewhere;

/// Stopped by code that all levels share, from the first on. What shows it is a test
/// with the attack in it, or a wrong solution with the defence taken out.
pub(super) const SHARED: &[Elsewhere] = &[
    Elsewhere {
        what: "a descriptor that somebody left open (CVE-2024-21626)",
        why: "`given::clean_start` closes all but 0, 1 and 2 before exec",
        shown_by: &[("checks/wrong/00/files-left-open.patch", "")],
    },
    Elsewhere {
        what: "a link in the image in the place of /proc, /sys or /dev (CVE-2019-19921)",
        why: "`given::mount_point` follows none",
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
        why: "`images` has a cap of bytes and one of members",
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

/// Known, and not tried.
pub(super) const NOT_TRIED: &[(&str, &str)] = &[
    (
        "load a kernel module; read a raw disk; `release_agent` (CVE-2022-0492)",
        "it would change the machine, or could. What they need is refused above: \
         a mount, a device node, a capability",
    ),
    (
        "open a file of the host by its handle (\"shocker\")",
        "it needs CAP_DAC_READ_SEARCH, which level 11 takes; the probe has no such system call",
    ),
    (
        "type into the terminal that the parent was started from (TIOCSTI)",
        "the kernel refuses it since 6.2 unless told otherwise; the container shares its \
         parent's terminal until it gets one of its own",
    ),
    (
        "take all processors",
        "shares are a question of time: `.ci/shares.sh` measures them, and on cgroup version 2 \
         `.ci/qemu.sh`",
    ),
];
