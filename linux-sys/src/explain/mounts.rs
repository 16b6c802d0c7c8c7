//! Mounts, and the root: mount, umount, pivot_root, chroot, chdir.

use Case::{Any, Bind, Move, Overlay, Propagation, Remount};
use Errno::*;
use nix::errno::Errno;

use super::table::{Call, Case, Meaning, call};

pub(super) const CALLS: &[Call] = &[
    call(
        "mount",
        &[
            (
                Any,
                EACCES,
                "a directory on the way may not be searched, or the block device is read-only (add \
                 MS_RDONLY), or it lies on a mount with nodev",
            ),
            (
                Any,
                EBUSY,
                "the very same thing is mounted there already, or the block device is in use \
                 elsewhere: look for the target in /proc/self/mountinfo",
            ),
            (
                Overlay,
                EBUSY,
                "upperdir or workdir is in use by another overlay: every container needs its own \
                 two",
            ),
            (
                Remount,
                EBUSY,
                "it cannot become read-only while a file on it is open for writing: find it with \
                 `fuser -m`, or add MS_BIND to change this one mount instead of the filesystem",
            ),
            (
                Any,
                EINVAL,
                "the filesystem refuses the source or the options in the last argument (or, with a \
                 block device, finds no filesystem of this type there): check the spelling, and \
                 `dmesg | tail`, where many filesystems say what they dislike",
            ),
            (
                Bind,
                EINVAL,
                "the source is not in this mount namespace (a path that begins in another one, \
                 like /proc/PID/root), or it is unbindable, or mounts below it are locked because \
                 they come from a more privileged user namespace: then add MS_REC",
            ),
            (
                Move,
                EINVAL,
                "the source is not a mount point, or the mount that it sits on is shared: make \
                 that one private first (MS_REC|MS_PRIVATE on /)",
            ),
            (
                Overlay,
                EINVAL,
                "overlay takes lowerdir=A:B,upperdir=C,workdir=D and says in `dmesg | tail` what \
                 it dislikes; the usual reasons: upperdir is itself on an overlay (a container's \
                 root is one: take a tmpfs or a disk) or on another filesystem that cannot serve as \
                 upper (NFS, FAT), workdir is missing, or is not on the same mount as upperdir, or \
                 one of the two lies inside the other",
            ),
            (
                Propagation,
                EINVAL,
                "the target is not a mount point, and only mount points have a propagation (after \
                 chroot, even / need not be one): name a mount point, or bind the directory onto \
                 itself first; besides MS_REC exactly one of MS_PRIVATE, MS_SHARED, MS_SLAVE and \
                 MS_UNBINDABLE is allowed",
            ),
            (
                Remount,
                EINVAL,
                "nothing is mounted on the target, so there is nothing to change; or the filesystem \
                 refuses the new options",
            ),
            (
                Any,
                ELOOP,
                "too many symbolic links on the way to source or target: follow it with `namei -l`; \
                 inside an image you did not make, a link is no accident to rely on: open the \
                 target with openat2 and RESOLVE_NO_SYMLINKS",
            ),
            (
                Move,
                ELOOP,
                "a mount cannot move to a place below itself: choose another target",
            ),
            (
                Overlay,
                ELOOP,
                "lowerdir, upperdir and workdir overlap, or one of them is part of another: give \
                 each its own directory, side by side",
            ),
            (
                Any,
                ENODEV,
                "this kernel has no filesystem of that type: check the spelling of the third \
                 argument against /proc/filesystems; it may be in a module (`modprobe NAME`)",
            ),
            (
                Overlay,
                ENODEV,
                "this kernel has no filesystem of type overlay: `modprobe overlay` as root, and if \
                 there is no such module, the kernel was built without CONFIG_OVERLAY_FS",
            ),
            (
                Any,
                ENOENT,
                "the target does not exist, or the source (of a bind mount, or a device) does not: \
                 make the directory first, and mind that both are looked for from the root and \
                 working directory that this process has *now*",
            ),
            (
                Overlay,
                ENOENT,
                "the target or one of lowerdir, upperdir and workdir does not exist: make all of \
                 them first, and in directories without `,` `:` or `\\` in their names: one ends an \
                 option, one a layer, and escaping them does not work on every kernel",
            ),
            (
                Overlay,
                ENOSPC,
                "the filesystem that workdir is on has no room for another directory (try `df -i` \
                 as well as `df`)",
            ),
            (
                Any,
                ENOSPC,
                "this mount namespace has as many mounts as it may (/proc/sys/fs/mount-max): does \
                 something bind recursively into itself?",
            ),
            (
                Any,
                ENOTBLK,
                "this filesystem lives on a block device, and the source is not one: make one of a \
                 file with `losetup`",
            ),
            (
                Any,
                ENOTDIR,
                "source and target do not fit: a directory can only be mounted on a directory, a \
                 file only on a file; or something on the way is not a directory",
            ),
            (
                Overlay,
                ENOTDIR,
                "one of lowerdir, upperdir, workdir and the target is not a directory",
            ),
            (
                Any,
                ENXIO,
                "no driver stands behind that block device: check its major and minor number",
            ),
            (
                Any,
                EPERM,
                "mounting needs CAP_SYS_ADMIN in the user namespace that owns this mount \
                 namespace: run as root; in a new user namespace only after unsharing CLONE_NEWNS \
                 too, and even there not everything: proc and sysfs need their own PID or network \
                 namespace and an old one that is fully visible",
            ),
            (
                Remount,
                EPERM,
                "changing a mount needs CAP_SYS_ADMIN: run as root; in a user namespace, flags \
                 that came from outside (nosuid, nodev, noexec, read-only) are locked and must be \
                 given again",
            ),
            (Any, EROFS, "the medium is read-only: add MS_RDONLY"),
            (
                Overlay,
                ESTALE,
                "this upperdir was used with other lower directories before: start with an empty \
                 upperdir and workdir",
            ),
        ],
    ),
    call("umount", UMOUNT),
    // One manual page explains both calls.
    Call {
        name: "umount2",
        section: 2,
        page: "umount2",
        meanings: UMOUNT,
    },
    call(
        "mount_setattr",
        &[
            (
                Any,
                EBUSY,
                "a mount cannot become read-only while a file on it is open for writing: find it \
                 with `fuser -m`",
            ),
            (
                Any,
                EINVAL,
                "the target is not a mount point, or an attribute is set and cleared at once, or \
                 the propagation is not exactly one of MS_PRIVATE, MS_SHARED, MS_SLAVE and \
                 MS_UNBINDABLE",
            ),
            (
                Any,
                ENOENT,
                "the target does not exist, seen from this process's root",
            ),
            (
                Any,
                ENOSYS,
                "mount_setattr came with Linux 5.12, and this kernel is older",
            ),
            (
                Any,
                EPERM,
                "changing mounts needs CAP_SYS_ADMIN: run as root; in a user namespace, attributes \
                 that came from outside are locked and cannot be cleared",
            ),
        ],
    ),
    call(
        "open_tree",
        &[
            (Any, EACCES, "a directory on the way may not be searched"),
            (
                Any,
                EINVAL,
                "the path is on a mount of another mount namespace, or on an unbindable one: take a \
                 copy of what this process sees itself",
            ),
            (
                Any,
                ELOOP,
                "too many symbolic links on the way: follow it with `namei -l`",
            ),
            (
                Any,
                ENOENT,
                "there is no such file or directory, seen from the root and working directory that \
                 this process has *now*: after pivot_root the host's paths are gone",
            ),
            (
                Any,
                ENOTDIR,
                "something on the way to it is a file: follow it with `namei -l`",
            ),
            (
                Any,
                EPERM,
                "a copy of a mount needs CAP_SYS_ADMIN in this mount namespace: run as root",
            ),
        ],
    ),
    call(
        "move_mount",
        &[
            (Any, EBUSY, "the very same thing is mounted there already"),
            (
                Any,
                EINVAL,
                "one is a file and the other a directory; or the target is on a mount of another mount \
                 namespace, or below one that is shared, or the tree has a place already: make the \
                 target of the kind that the source is, and open it after unshare and after `/` \
                 is private",
            ),
            (
                Any,
                ELOOP,
                "the tree would lie within itself: choose another target",
            ),
            (
                Any,
                ENOENT,
                "the target has been removed since it was opened",
            ),
            (
                Any,
                EPERM,
                "mounting needs CAP_SYS_ADMIN in this mount namespace: run as root",
            ),
        ],
    ),
    call(
        "pivot_root",
        &[
            (
                Any,
                EBUSY,
                "new_root or put_old is on the mount that is the root already, so new_root is no \
                 mount of its own: bind it onto itself first (MS_BIND), before anything is mounted \
                 below it; a process that was in it already has to chdir into it once more",
            ),
            (
                Any,
                EINVAL,
                "one of pivot_root's conditions does not hold: new_root must be a mount point \
                 (bind it onto itself), put_old must be at or below new_root, the present root must \
                 be a mount on another one (not after chroot, nor in an initramfs before Linux 7.0), \
                 and neither new_root, nor the mount it sits on, nor the one the present root sits on \
                 may be shared (MS_REC|MS_PRIVATE on /)",
            ),
            (
                Any,
                ENOENT,
                "new_root or put_old does not exist: make both first; put_old is usually a \
                 directory inside new_root. They exist? Both are looked for from the root that \
                 this process has *now*: not after a chroot",
            ),
            (
                Any,
                ENOTDIR,
                "new_root and put_old must both be directories",
            ),
            (
                Any,
                EPERM,
                "changing the root mount needs CAP_SYS_ADMIN in the user namespace that owns this \
                 mount namespace: run as root, and unshare CLONE_NEWNS first",
            ),
        ],
    ),
    call(
        "chroot",
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
                "no such directory: was the image unpacked, and where? The path is looked for from \
                 the root and working directory that this process has *now*",
            ),
            (
                Any,
                ENOTDIR,
                "a root is a directory, and this (or something on the way) is not one",
            ),
            (
                Any,
                EPERM,
                "chroot needs CAP_SYS_CHROOT: run as root (in a new user namespace, its root \
                 will do)",
            ),
        ],
    ),
    call(
        "chdir",
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
                "no such directory: after chroot or pivot_root paths begin at the *new* root, so \
                 leave the old prefix out",
            ),
            (
                Any,
                ENOTDIR,
                "this, or something on the way there, is not a directory",
            ),
        ],
    ),
];

const LOOP: &str = "too many symbolic links on the way there; do two of them point at each other? \
     Follow the path with `namei -l`";

const UMOUNT: &[Meaning] = &[
    (
        Any,
        EBUSY,
        "something still uses it: a working directory, an open file, or another mount below it; \
         leave it first, or detach it with umount2 and MNT_DETACH, which takes it out of sight now \
         and frees it when the last user is gone",
    ),
    (
        Any,
        EINVAL,
        "nothing is mounted exactly there (compare with /proc/self/mountinfo); or the mount is \
         locked, because it came along from a more privileged user namespace and hides something",
    ),
    (
        Any,
        ENOENT,
        "no such path: after chroot or pivot_root paths begin at the *new* root, and the old one is \
         below put_old",
    ),
    (
        Any,
        EPERM,
        "unmounting needs CAP_SYS_ADMIN in the user namespace that owns this mount namespace: run \
         as root",
    ),
];
