//! What a learner gets wrong, got wrong for real: does the sentence help?

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use linux_sys::{
    Capabilities, CloneFlags, Errno, MntFlags, Mode, MsFlags, Pid, SFlag, capset, chdir, chroot,
    clone, kill, makedev, mkdir, mknod, mount, pivot_root, rmdir, sethostname, setns, umount,
    umount2, unshare,
};

use crate::{Outcome, Test, fails, in_private_namespaces, in_private_tmp};

pub(crate) const TESTS: &[Test] = &[
    ("the_whole_sentence", whole_sentence),
    ("pivot_root_gone_wrong", pivot),
    ("pivot_root_to_a_plain_directory", pivot_busy),
    ("pivot_root_on_a_shared_mount", pivot_shared),
    ("mount_gone_wrong", mounts),
    ("overlay_gone_wrong", overlay),
    ("umount_gone_wrong", umounts),
    ("mknod_gone_wrong", nodes),
    ("without_power", powerless),
    ("chroot_and_chdir_gone_wrong", roots),
    ("the_rest_gone_wrong", rest),
];

const NONE: MsFlags = MsFlags::empty();

fn directories(paths: &[&str]) {
    for path in paths {
        mkdir(path, Mode::from_bits_truncate(0o755)).unwrap();
    }
}

fn whole_sentence() -> Outcome {
    in_private_tmp()?;
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let error = mount("none", "/no such", "", flags, "").unwrap_err();
    let text = error.to_string();
    let begin = r#"mount("none", "/no such", "", MS_REC|MS_PRIVATE, ""): ENOENT (No such file or directory): the target does not exist"#;
    assert!(text.starts_with(begin), "{text}");
    assert!(text.ends_with("; man 2 mount"), "{text}");
    assert!(!text.contains('\n') && !text.contains("  "), "{text}");
    assert_eq!(format!("{error:?}"), text);
    assert_eq!(error.call(), "mount");
    assert_eq!(
        std::io::Error::from(error).kind(),
        std::io::ErrorKind::NotFound
    );
    Ok(())
}

fn pivot() -> Outcome {
    in_private_tmp()?;
    directories(&["/tmp/new", "/tmp/new/old", "/tmp/elsewhere"]);
    let twice = || pivot_root("/tmp/new", "/tmp/new/old");
    // No mount of its own, on another mount than the root's.
    fails(twice(), Errno::EINVAL, "new_root must be a mount point");
    fails(
        pivot_root("/proc/version", "/tmp"),
        Errno::ENOTDIR,
        "must both be directories",
    );
    fails(
        pivot_root("/tmp/new", "/tmp/new/no"),
        Errno::ENOENT,
        "make both first",
    );
    mount("/tmp/new", "/tmp/new", "", MsFlags::MS_BIND, "").unwrap();
    fails(
        pivot_root("/tmp/new", "/tmp/elsewhere"),
        Errno::EINVAL,
        "put_old must be at or below new_root",
    );
    // After chroot into a plain directory the root is no mount point any more.
    directories(&["/tmp/elsewhere/new", "/tmp/elsewhere/new/old"]);
    let new = "/tmp/elsewhere/new";
    mount(new, new, "", MsFlags::MS_BIND, "").unwrap();
    chroot("/tmp/elsewhere").unwrap();
    fails(
        pivot_root("/new", "/new"),
        Errno::EINVAL,
        "not after chroot",
    );
    Ok(())
}

fn pivot_busy() -> Outcome {
    in_private_tmp()?;
    directories(&["/tmp/new", "/tmp/new/old"]);
    // In a user namespace the first root is locked, and the kernel looks at that
    // first; so another root, with a plain directory on the root's own mount: the classic.
    chroot("/tmp").unwrap();
    let again = pivot_root("/new", "/new/old");
    fails(again, Errno::EBUSY, "bind it onto itself first");
    Ok(())
}

fn pivot_shared() -> Outcome {
    in_private_tmp()?;
    directories(&["/tmp/old"]);
    mount("none", "/", "", MsFlags::MS_REC | MsFlags::MS_SHARED, "").unwrap();
    fails(
        pivot_root("/tmp", "/tmp/old"),
        Errno::EINVAL,
        "may be shared",
    );
    Ok(())
}

fn mounts() -> Outcome {
    in_private_tmp()?;
    directories(&["/tmp/a", "/tmp/b"]);
    fs::write("/tmp/file", "").unwrap();
    symlink("/tmp/loop", "/tmp/loop").unwrap();
    fails(
        mount("x", "/tmp/a", "nosuchfs", NONE, ""),
        Errno::ENODEV,
        "/proc/filesystems",
    );
    fails(
        mount("x", "/tmp/a", "tmpfs", NONE, "bogus=1"),
        Errno::EINVAL,
        "dmesg | tail",
    );
    fails(
        mount("x", "/tmp/file", "tmpfs", NONE, ""),
        Errno::ENOTDIR,
        "a directory can only be mounted on a directory",
    );
    fails(
        mount("/tmp/file", "/tmp/a", "", MsFlags::MS_BIND, ""),
        Errno::ENOTDIR,
        "a file only",
    );
    fails(
        mount("x", "/tmp/loop", "tmpfs", NONE, ""),
        Errno::ELOOP,
        "openat2",
    );
    fails(
        mount("/tmp/no", "/tmp/a", "", MsFlags::MS_BIND, ""),
        Errno::ENOENT,
        "the source",
    );
    fails(
        mount("none", "/tmp/a", "", MsFlags::MS_PRIVATE, ""),
        Errno::EINVAL,
        "only mount points have a propagation",
    );
    let two = MsFlags::MS_PRIVATE | MsFlags::MS_SHARED;
    fails(
        mount("none", "/tmp", "", two, ""),
        Errno::EINVAL,
        "exactly one of",
    );
    fails(
        mount("/tmp/a", "/tmp/b", "", MsFlags::MS_MOVE, ""),
        Errno::EINVAL,
        "not a mount point",
    );
    let remount = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    fails(
        mount("none", "/tmp/a", "", remount, ""),
        Errno::EINVAL,
        "nothing to change",
    );
    // The mounts that came from outside are locked together.
    fails(
        mount("/", "/tmp/a", "", MsFlags::MS_BIND, ""),
        Errno::EINVAL,
        "then add MS_REC",
    );
    mount("inner", "/tmp/a", "tmpfs", NONE, "").unwrap();
    directories(&["/tmp/a/c"]);
    fails(
        mount("/tmp/a", "/tmp/a/c", "", MsFlags::MS_MOVE, ""),
        Errno::ELOOP,
        "below itself",
    );
    let _busy = File::create("/tmp/a/open").unwrap();
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    fails(
        mount("none", "/tmp/a", "", read_only, ""),
        Errno::EBUSY,
        "open for writing",
    );
    Ok(())
}

fn overlay() -> Outcome {
    in_private_tmp()?;
    directories(&[
        "/tmp/lower",
        "/tmp/upper",
        "/tmp/work",
        "/tmp/merged",
        "/tmp/second",
    ]);
    let over = |target: &str, data: &str| mount("overlay", target, "overlay", NONE, data);
    let missing = over(
        "/tmp/merged",
        "lowerdir=/tmp/no,upperdir=/tmp/upper,workdir=/tmp/work",
    );
    match missing {
        Err(error) if error.errno() == Errno::ENODEV => {
            return Err(crate::Skip(error.to_string()));
        }
        missing => fails(
            missing,
            Errno::ENOENT,
            "one of lowerdir, upperdir and workdir",
        ),
    }
    let data = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work";
    over("/tmp/merged", data).unwrap();
    // What a learner meets who runs the workshop inside a container.
    directories(&["/tmp/merged/upper", "/tmp/merged/work"]);
    let data = "lowerdir=/tmp/lower,upperdir=/tmp/merged/upper,workdir=/tmp/merged/work";
    fails(
        over("/tmp/second", data),
        Errno::EINVAL,
        "upperdir is itself on an overlay",
    );
    fails(
        over("/tmp/second", "upperdir=/tmp/upper"),
        Errno::EINVAL,
        "dmesg | tail",
    );
    Ok(())
}

fn umounts() -> Outcome {
    in_private_tmp()?;
    fails(umount("/tmp/no"), Errno::ENOENT, "no such path");
    directories(&["/tmp/a"]);
    fails(
        umount("/tmp/a"),
        Errno::EINVAL,
        "nothing is mounted exactly there",
    );
    chdir("/tmp").unwrap();
    fails(umount("/tmp"), Errno::EBUSY, "MNT_DETACH");
    fails(
        umount2("/tmp", MntFlags::UMOUNT_NOFOLLOW),
        Errno::EBUSY,
        "UMOUNT_NOFOLLOW",
    );
    fails(umount("/proc"), Errno::EINVAL, "locked");
    directories(&["/tmp/a/b"]);
    fails(
        rmdir("/tmp/a"),
        Errno::ENOTEMPTY,
        "compare with /proc/self/mountinfo",
    );
    mount("x", "/tmp/a/b", "tmpfs", NONE, "").unwrap();
    fails(rmdir("/tmp/a/b"), Errno::EBUSY, "unmount it first");
    Ok(())
}

fn nodes() -> Outcome {
    in_private_tmp()?;
    let mode = Mode::from_bits_truncate(0o666);
    let node = |path: &str| mknod(path, SFlag::S_IFCHR, mode, makedev(1, 3));
    fails(
        node("/tmp/null"),
        Errno::EPERM,
        r#"mknod("/tmp/null", S_IFCHR, 0666, makedev(1, 3))"#,
    );
    fs::write("/tmp/there", "").unwrap();
    fails(
        mknod("/tmp/there", SFlag::S_IFIFO, mode, 0),
        Errno::EEXIST,
        "never replaces",
    );
    fails(
        mknod("/tmp/no/x", SFlag::S_IFIFO, mode, 0),
        Errno::ENOENT,
        "make it first",
    );
    fails(
        mknod("/tmp/there/x", SFlag::S_IFIFO, mode, 0),
        Errno::ENOTDIR,
        "not a directory",
    );
    mount(
        "none",
        "/tmp",
        "",
        MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY,
        "",
    )
    .unwrap();
    fails(
        mknod("/tmp/x", SFlag::S_IFIFO, mode, 0),
        Errno::EROFS,
        "read-only",
    );
    Ok(())
}

fn powerless() -> Outcome {
    in_private_tmp()?;
    directories(&["/tmp/old"]);
    capset(&Capabilities::default()).unwrap();
    fails(
        mount("x", "/tmp", "tmpfs", NONE, ""),
        Errno::EPERM,
        "needs CAP_SYS_ADMIN",
    );
    fails(umount("/tmp"), Errno::EPERM, "needs CAP_SYS_ADMIN");
    fails(
        pivot_root("/tmp", "/tmp/old"),
        Errno::EPERM,
        "needs CAP_SYS_ADMIN",
    );
    fails(chroot("/tmp"), Errno::EPERM, "needs CAP_SYS_CHROOT");
    fails(
        unshare(CloneFlags::CLONE_NEWNS),
        Errno::EPERM,
        "unshare(CLONE_NEWNS)",
    );
    fails(
        unshare(CloneFlags::CLONE_NEWNS),
        Errno::EPERM,
        "then any user may",
    );
    fails(
        clone(|| 0, CloneFlags::CLONE_NEWPID),
        Errno::EPERM,
        "then any user may",
    );
    fails(sethostname("x"), Errno::EPERM, "unshare CLONE_NEWUTS first");
    Ok(())
}

fn roots() -> Outcome {
    in_private_tmp()?;
    fails(chroot("/no"), Errno::ENOENT, "was the image unpacked");
    fails(
        chroot("/proc/version"),
        Errno::ENOTDIR,
        "a root is a directory",
    );
    fails(chdir("/no"), Errno::ENOENT, "no such directory");
    fails(chdir("/proc/version"), Errno::ENOTDIR, "not a directory");
    fails(
        chdir("x".repeat(300)),
        Errno::ENAMETOOLONG,
        "255 for each name",
    );
    // A new user namespace inside a chroot: the kernel says no.
    chroot("/tmp").unwrap();
    fails(
        unshare(CloneFlags::CLONE_NEWUSER),
        Errno::EPERM,
        "inside a chroot",
    );
    Ok(())
}

fn rest() -> Outcome {
    in_private_namespaces()?;
    unshare(CloneFlags::CLONE_NEWUTS).unwrap();
    fails(
        sethostname("x".repeat(65)),
        Errno::EINVAL,
        "at most 64 bytes",
    );
    let file = File::open("/proc/self/status").unwrap();
    fails(
        setns(&file, CloneFlags::CLONE_NEWUTS),
        Errno::EINVAL,
        "not a namespace of that kind",
    );
    fails(
        unshare(CloneFlags::from_bits_retain(0x1000)),
        Errno::EINVAL,
        "a flag that unshare",
    );
    fails(kill(Pid::this(), 65), Errno::EINVAL, "no such signal");
    fails(
        kill(Pid::from_raw(i32::MAX), 9),
        Errno::ESRCH,
        "kill(2147483647, SIGKILL)",
    );
    Ok(())
}
