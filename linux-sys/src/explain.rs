//! The table: what an errno means *for that call*, and what to do next.
//!
//! The kernel has a hundred-odd numbers for all the ways in which hundreds of
//! calls can fail, so one number means many things: EINVAL of pivot_root is "not
//! a mount point", EINVAL of an overlay mount is "look into the kernel's log".
//! Each file below holds the calls of one subject. A text begins with what is
//! wrong and goes on with what to do; it has no capital at its beginning and no
//! full stop at its end, as it stands in the middle of [`Error`](crate::Error)'s
//! sentence.
//!
//! To teach it another errno, add a line to that call; to teach it another call,
//! add a `Call`. The tests at the end look after the form.

mod attack_calls;
mod files;
mod identity;
mod mounts;
mod namespaces;
mod network;
mod processes;
mod programs;
mod signals;
mod table;

use nix::errno::Errno;

pub(crate) use table::Case;
use table::{Call, Meaning};

const SUBJECTS: &[&[Call]] = &[
    processes::CALLS,
    namespaces::CALLS,
    network::CALLS,
    mounts::CALLS,
    files::CALLS,
    signals::CALLS,
    identity::CALLS,
    programs::CALLS,
    attack_calls::CALLS,
];

/// Errnos that mean the same for every call.
const EVERYWHERE: &[(Errno, &str)] = &[
    (
        Errno::EBADF,
        "that descriptor is not open, or not open any more: was it closed, or its owner dropped, \
         before this call?",
    ),
    (
        Errno::EMFILE,
        "this process has as many open descriptors as it may: close some, or raise the limit \
         (ulimit -n)",
    ),
    (
        Errno::ENAMETOOLONG,
        "the path is too long: the kernel takes 4095 bytes for a path and 255 for each name in it",
    ),
    (
        Errno::ENFILE,
        "the whole machine has as many open files as it may: see /proc/sys/fs/file-max",
    ),
    (
        Errno::ENOMEM,
        "the kernel found no memory for this: free some, or look for a limit in this process's \
         cgroup",
    ),
    (
        Errno::ENOSYS,
        "this kernel does not have the call, or a seccomp filter hides it (old container runtimes \
         do): compare `uname -r` with the man page",
    ),
];

/// What `errno` means for `name` in this `case`, and what to do.
pub(crate) fn explain(name: &str, case: Case, errno: Errno) -> Option<&'static str> {
    let meanings = find(name).map_or(&[] as &[Meaning], |call| call.meanings);
    let in_case = |wanted: Case| {
        let found = meanings
            .iter()
            .find(|(case, number, _)| *case == wanted && *number == errno);
        found.map(|(_, _, text)| *text)
    };
    let everywhere = || {
        let found = EVERYWHERE.iter().find(|(number, _)| *number == errno);
        found.map(|(_, text)| *text)
    };
    in_case(case)
        .or_else(|| in_case(Case::Any))
        .or_else(everywhere)
}

/// What a failed call means, as strace(1) writes it: `mount`, its arguments between the
/// parentheses, and the errno.
///
/// This is the explanation of [`Error`](crate::Error), for a program that reads the trace of
/// another one.
///
/// ```
/// use linux_sys::{Errno, explain_traced};
///
/// let arguments = r#""overlay", "/x/merged", "overlay", MS_NODEV, "lowerdir=...""#;
/// let why = explain_traced("mount", arguments, Errno::EINVAL);
/// assert!(why.is_some_and(|why| why.contains("dmesg")));
/// assert_eq!(explain_traced("mount", arguments, Errno::EXDEV), None);
/// ```
pub fn explain_traced(name: &str, arguments: &str, errno: Errno) -> Option<&'static str> {
    let has = |word: &str| arguments.contains(word);
    let (name, case) = match name {
        "mount" if has("MS_REMOUNT") => ("mount", Case::Remount),
        "mount" if has("MS_BIND") => ("mount", Case::Bind),
        "mount" if has("MS_MOVE") => ("mount", Case::Move),
        "mount"
            if ["MS_PRIVATE", "MS_SHARED", "MS_SLAVE", "MS_UNBINDABLE"]
                .map(has)
                .contains(&true) =>
        {
            ("mount", Case::Propagation)
        }
        "mount" if has("\"overlay\"") => ("mount", Case::Overlay),
        "seccomp" if !has("NEW_LISTENER") => ("seccomp", Case::Filter),
        "bpf" if has("BPF_PROG_ATTACH") => ("bpf", Case::Attach),
        "prctl" if has("PR_SET_PDEATHSIG") => ("prctl", Case::DeathSignal),
        "prctl" if has("PR_SET_KEEPCAPS") => ("prctl", Case::KeepCapabilities),
        "prctl" if has("PR_CAPBSET") => ("prctl", Case::BoundingSet),
        "prctl" if has("PR_CAP_AMBIENT") => ("prctl", Case::AmbientSet),
        "unshare" | "clone" | "clone3" if has("CLONE_NEWUSER") => ("unshare", Case::NewUser),
        "clone3" => ("clone", Case::Any),
        "vfork" => ("fork", Case::Any),
        "execve" => ("execve", Case::Path),
        "wait4" => ("waitpid", Case::Any),
        // Some architectures have only the newer call, which takes a directory as well.
        "mknodat" => ("mknod", Case::Any),
        "mkdirat" => ("mkdir", Case::Any),
        "symlinkat" => ("symlink", Case::Any),
        "unlinkat" if has("AT_REMOVEDIR") => ("rmdir", Case::Any),
        name => (name, Case::Any),
    };
    explain(name, case, errno)
}

/// Where to read on: section and name of the man page.
pub(crate) fn man_page(name: &str) -> Option<(u8, &'static str)> {
    find(name).map(|call| (call.section, call.page))
}

fn find(name: &str) -> Option<&'static Call> {
    SUBJECTS
        .iter()
        .copied()
        .flatten()
        .find(|call| call.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all() -> impl Iterator<Item = (&'static Call, &'static Meaning)> {
        let calls = SUBJECTS.iter().copied().flatten();
        calls.flat_map(|call| call.meanings.iter().map(move |meaning| (call, meaning)))
    }

    #[test]
    fn every_pair_has_a_text_and_a_man_page() {
        assert!(all().count() > 150, "the table has shrunk");
        for (call, (case, errno, text)) in all() {
            let place = format!("{} {case:?} {errno:?}", call.name);
            assert_eq!(
                explain(call.name, *case, *errno),
                Some(*text),
                "{place} is shadowed"
            );
            assert!(text.len() > 30, "{place} says too little: {text}");
            assert!(
                man_page(call.name).is_some_and(|(_, page)| !page.is_empty()),
                "{place}"
            );
        }
    }

    #[test]
    fn every_text_fits_into_the_sentence() {
        let texts = all().map(|(_, (_, _, text))| *text);
        for text in texts.chain(EVERYWHERE.iter().map(|(_, text)| *text)) {
            assert!(
                !text.ends_with(['.', ';', ' ']),
                "ends the sentence itself: {text}"
            );
            let first = text.split_whitespace().next().unwrap_or_default();
            let capital = first.starts_with(|first: char| first.is_ascii_uppercase());
            // MS_REC, CAP_SYS_ADMIN, PID: names keep theirs.
            assert!(
                !capital || first == first.to_ascii_uppercase(),
                "begins a sentence: {text}"
            );
            assert!(
                !text.contains("  ") && !text.contains('\n'),
                "odd spaces: {text}"
            );
        }
    }

    #[test]
    fn no_pair_is_there_twice() {
        let mut seen = HashSet::new();
        for (call, (case, errno, _)) in all() {
            let pair = (call.name, format!("{case:?} {errno:?}"));
            assert!(seen.insert(pair), "{} {case:?} {errno:?} twice", call.name);
        }
        let mut seen = HashSet::new();
        for call in SUBJECTS.iter().copied().flatten() {
            assert!(seen.insert(call.name), "{} twice", call.name);
        }
    }

    #[test]
    fn of_an_initramfs_it_says_from_which_kernel_on_it_can_be_replaced() {
        let text = explain("pivot_root", Case::Any, Errno::EINVAL).unwrap_or_default();
        assert!(text.contains("in an initramfs before Linux 7.0"), "{text}");
    }

    /// Every error that a learner of levels 00 to 11 can cause must be there.
    #[test]
    fn nothing_that_a_level_can_reach_is_missing() {
        use Errno::*;
        let wanted: &[(&str, Case, &[Errno])] = &[
            ("fork", Case::Any, &[EAGAIN, ENOMEM]),
            ("waitpid", Case::Any, &[ECHILD, EINVAL]),
            (
                "execvp",
                Case::Name,
                &[ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP, EPERM],
            ),
            (
                "execvp",
                Case::Path,
                &[ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP, ENOTDIR],
            ),
            (
                "execve",
                Case::Path,
                &[ENOENT, EACCES, ENOEXEC, E2BIG, ELOOP, ENOTDIR],
            ),
            (
                "chroot",
                Case::Any,
                &[EPERM, ENOENT, ENOTDIR, EACCES, ELOOP],
            ),
            ("chdir", Case::Any, &[ENOENT, ENOTDIR, EACCES, ELOOP]),
            (
                "mount",
                Case::Any,
                &[EPERM, ENOENT, ENOTDIR, ELOOP, ENODEV, EINVAL, EBUSY],
            ),
            (
                "mount",
                Case::Overlay,
                &[EPERM, ENOENT, ENOTDIR, ELOOP, ENODEV, EINVAL, EBUSY],
            ),
            ("mount", Case::Bind, &[EPERM, ENOENT, ENOTDIR, EINVAL]),
            ("mount", Case::Propagation, &[EPERM, ENOENT, EINVAL]),
            ("mount", Case::Remount, &[EPERM, EINVAL, EBUSY]),
            ("mount", Case::Move, &[EPERM, EINVAL, ELOOP]),
            ("umount", Case::Any, &[EPERM, EINVAL, EBUSY, ENOENT]),
            ("umount2", Case::Any, &[EPERM, EINVAL, EBUSY, ENOENT]),
            (
                "mount_setattr",
                Case::Any,
                &[EPERM, EINVAL, EBUSY, ENOENT, ENOSYS],
            ),
            (
                "pivot_root",
                Case::Any,
                &[EPERM, EINVAL, EBUSY, ENOTDIR, ENOENT],
            ),
            (
                "unshare",
                Case::Any,
                &[EPERM, EINVAL, ENOSPC, EUSERS, ENOMEM],
            ),
            (
                "unshare",
                Case::NewUser,
                &[EPERM, EINVAL, ENOSPC, EUSERS, ENOMEM],
            ),
            (
                "clone",
                Case::Any,
                &[EPERM, EINVAL, ENOSPC, EUSERS, ENOMEM, EAGAIN],
            ),
            (
                "clone",
                Case::NewUser,
                &[EPERM, EINVAL, ENOSPC, EUSERS, ENOMEM, EAGAIN],
            ),
            ("setns", Case::Any, &[EPERM, EINVAL, EBADF, ENOMEM]),
            ("socket", Case::Any, &[EAFNOSUPPORT, EMFILE, EPERM]),
            ("ioctl", Case::Any, &[ENODEV, EPERM]),
            ("sethostname", Case::Any, &[EPERM, EINVAL]),
            (
                "mknod",
                Case::Any,
                &[EPERM, EEXIST, ENOENT, EROFS, ENOTDIR, EACCES, EINVAL],
            ),
            (
                "openat2",
                Case::Any,
                &[ENOSYS, EXDEV, ELOOP, EAGAIN, EINVAL, ENOENT, ENOTDIR],
            ),
            ("close_range", Case::Any, &[ENOSYS, EINVAL]),
            ("signal", Case::Any, &[EINVAL]),
            ("sigprocmask", Case::Any, &[EINVAL]),
            ("sigtimedwait", Case::Any, &[EINVAL]),
            ("kill", Case::Any, &[ESRCH, EPERM, EINVAL]),
            ("pidfd_open", Case::Any, &[ESRCH, EINVAL, ENOSYS, EMFILE]),
            ("pidfd_send_signal", Case::Any, &[ESRCH, EPERM, EINVAL]),
            ("setsid", Case::Any, &[EPERM]),
            ("setpgid", Case::Any, &[EPERM, EACCES, ESRCH, EINVAL]),
            ("tcgetpgrp", Case::Any, &[ENOTTY, EBADF]),
            ("tcsetpgrp", Case::Any, &[ENOTTY, EPERM, EINVAL, EBADF]),
            ("setgroups", Case::Any, &[EPERM, EINVAL]),
            ("setgid", Case::Any, &[EPERM, EINVAL]),
            ("setuid", Case::Any, &[EPERM, EINVAL, EAGAIN]),
            ("setresgid", Case::Any, &[EPERM, EINVAL]),
            ("setresuid", Case::Any, &[EPERM, EINVAL, EAGAIN]),
            ("capget", Case::Any, &[ESRCH, EINVAL]),
            ("capset", Case::Any, &[EPERM, EINVAL]),
            ("prctl", Case::Any, &[EPERM, EINVAL]),
            ("prctl", Case::DeathSignal, &[EINVAL]),
            ("prctl", Case::KeepCapabilities, &[EPERM]),
            ("prctl", Case::BoundingSet, &[EPERM, EINVAL]),
            ("prctl", Case::AmbientSet, &[EPERM, EINVAL]),
        ];
        for (call, case, errnos) in wanted {
            for errno in *errnos {
                assert!(
                    explain(call, *case, *errno).is_some(),
                    "{call} {case:?} {errno:?}"
                );
            }
        }
    }
}
