//! Files: mknod, openat2, close_range.

use Case::{AddSeals, Any};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, call};

const LOOP: &str = "too many symbolic links on the way there: follow it with `namei -l`";

const NO_PARENT: &str = "the directory that it shall stand in does not exist: make it first";

const NOT_WRITABLE: &str = "no permission to write into that directory, or to search one before it (`namei -l` shows both)";

const READ_ONLY: &str = "the filesystem is mounted read-only there: has a mount already hidden the \
     place that was meant?";

pub(super) const CALLS: &[Call] = &[
    call(
        "dup2",
        &[(
            Any,
            EINVAL,
            "the standard streams are 0, 1 and 2; any other number belongs to whoever opened it",
        )],
    ),
    call(
        "memfd_create",
        &[
            (
                Any,
                EACCES,
                "this machine lets no file in memory be run (`sysctl vm.memfd_noexec` is 2): set it to \
                 1 or 0",
            ),
            (
                Any,
                EINVAL,
                "the name has more than 249 bytes, or this kernel does not know one of the flags",
            ),
        ],
    ),
    call(
        "fcntl",
        &[
            (
                Any,
                EINVAL,
                "files of that file system know no seals: only those that memfd_create makes do",
            ),
            (
                AddSeals,
                EPERM,
                "this file takes no seal: it was made without MFD_ALLOW_SEALING, or F_SEAL_SEAL is \
                 among those that it has, or this descriptor is not open for writing",
            ),
            (
                AddSeals,
                EBUSY,
                "F_SEAL_WRITE, and some process has the file mapped for writing: unmap it first",
            ),
        ],
    ),
    call(
        "mknod",
        &[
            (
                Any,
                EACCES,
                "no permission to write into that directory, or to search one before it",
            ),
            (
                Any,
                EEXIST,
                "something of that name is there already, and mknod never replaces: does the image \
                 bring it along? Mount a fresh tmpfs on /dev first",
            ),
            (
                Any,
                EINVAL,
                "the kind must be S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK or S_IFREG; for directories \
                 there is mkdir",
            ),
            (Any, ELOOP, LOOP),
            (Any, ENOENT, NO_PARENT),
            (
                Any,
                ENOSPC,
                "the filesystem has no room for another file (try `df -i`)",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way there is not a directory",
            ),
            (
                Any,
                EPERM,
                "device nodes need CAP_MKNOD in the machine's first user namespace: run as root; \
                 the root of a user namespace cannot make them at all, and bind-mounts the host's \
                 nodes instead",
            ),
            (
                Any,
                EROFS,
                "the filesystem is mounted read-only: put a tmpfs on /dev and make the nodes there",
            ),
        ],
    ),
    call(
        "mkdir",
        &[
            (Any, EACCES, NOT_WRITABLE),
            (
                Any,
                EEXIST,
                "something of that name is there already, a directory or not: is it left over \
                 from a run that was killed?",
            ),
            (Any, ELOOP, LOOP),
            (Any, ENOENT, NO_PARENT),
            (
                Any,
                ENOSPC,
                "the filesystem has no room for another directory (try `df -i`)",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way there is not a directory",
            ),
            (
                Any,
                EPERM,
                "this filesystem has no directories to be made: /proc and /sys are such",
            ),
            (Any, EROFS, READ_ONLY),
        ],
    ),
    call(
        "rmdir",
        &[
            (Any, EACCES, NOT_WRITABLE),
            (
                Any,
                EBUSY,
                "something is mounted there, in this or (on old kernels) another mount namespace, \
                 or it is a process's root: unmount it first; if it is a control group: \
                 a process or another group is in it",
            ),
            (
                Any,
                EINVAL,
                "a path that ends in `.` cannot be removed: use the directory's name",
            ),
            (
                Any,
                ENOENT,
                "no such directory; if it only has to be gone, it is",
            ),
            (
                Any,
                ENOTDIR,
                "this, or something on the way there, is not a directory",
            ),
            (
                Any,
                ENOTEMPTY,
                "rmdir removes only what is empty: something is still in there (is it mounted? \
                 compare with /proc/self/mountinfo before removing anything)",
            ),
            (
                Any,
                EPERM,
                "the directory above has the sticky bit and another owner, or is marked immutable \
                 (`lsattr`)",
            ),
            (Any, EROFS, READ_ONLY),
        ],
    ),
    call(
        "symlink",
        &[
            (Any, EACCES, NOT_WRITABLE),
            (
                Any,
                EEXIST,
                "something of that name is there already, and symlink never replaces: does the \
                 image bring it along? Or are the arguments swapped? First what the link says, then \
                 where it is",
            ),
            (Any, ELOOP, LOOP),
            (Any, ENOENT, NO_PARENT),
            (
                Any,
                ENOSPC,
                "the filesystem has no room for another file (try `df -i`)",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way there is not a directory",
            ),
            (
                Any,
                EPERM,
                "this filesystem has no symbolic links (FAT is such)",
            ),
            (Any, EROFS, READ_ONLY),
        ],
    ),
    call(
        "chmod",
        &[
            (
                Any,
                EACCES,
                "a directory on the way there may not be searched (its x bit)",
            ),
            (Any, ELOOP, LOOP),
            (
                Any,
                ENOENT,
                "no such file, seen from the root that this process has now",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way there is not a directory",
            ),
            (
                Any,
                EPERM,
                "a file's mode is its owner's to change, or root's (CAP_FOWNER): whose is it?",
            ),
            (Any, EROFS, READ_ONLY),
        ],
    ),
    call(
        "openat2",
        &[
            (
                Any,
                EACCES,
                "the file's mode, or that of a directory on the way, does not allow it",
            ),
            (
                Any,
                EAGAIN,
                "another process renamed a directory on the way just now, so the kernel cannot \
                 promise that the path stays beneath: try again",
            ),
            (
                Any,
                EEXIST,
                "O_CREAT with O_EXCL was asked for, and the file is there already",
            ),
            (
                Any,
                EINVAL,
                "flags that do not go together: a mode without O_CREAT or O_TMPFILE, O_PATH with \
                 more than O_DIRECTORY, O_NOFOLLOW and O_CLOEXEC, or RESOLVE_BENEATH with \
                 RESOLVE_IN_ROOT; openat2 is strict where open is silent",
            ),
            (
                Any,
                ELOOP,
                "a symbolic link is in the way and RESOLVE_NO_SYMLINKS (or O_NOFOLLOW) forbids it: \
                 in an image you did not make, take this as an attempt to lead you out of it; or \
                 there are simply too many links",
            ),
            (Any, ENOENT, "no such file beneath that directory"),
            (
                Any,
                ENOSYS,
                "openat2 came with Linux 5.6, and this kernel is older (or a seccomp filter hides \
                 it)",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way, or the file itself with O_DIRECTORY, is no directory",
            ),
            (
                Any,
                EXDEV,
                "the path leaves the directory it must stay beneath (`..`, an absolute path or \
                 link, with RESOLVE_BENEATH), or crosses a mount point that RESOLVE_NO_XDEV forbids",
            ),
        ],
    ),
    call(
        "close_range",
        &[
            (
                Any,
                EINVAL,
                "first is larger than last, or a flag is unknown to this kernel (\
                 CLOSE_RANGE_CLOEXEC came with Linux 5.11)",
            ),
            (
                Any,
                ENOSYS,
                "close_range came with Linux 5.9, and this kernel is older: close what \
                 /proc/self/fd lists, one by one",
            ),
        ],
    ),
];
