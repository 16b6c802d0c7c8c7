//! mknod, umask, directories, openat2, close_range.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use linux_sys::{
    CloseRangeFlags, Errno, Mode, MsFlags, OFlag, OpenHow, ResolveFlag, SFlag, chmod, close_range,
    execvp, makedev, mkdir, mknod, openat2, umask,
};

use crate::{Outcome, Test, WaitStatus, fails, in_child, in_private_tmp, needs_root};

pub(crate) const TESTS: &[Test] = &[
    ("mknod_makes_the_device_less_the_umask", device),
    ("mkdir_obeys_the_umask_and_chmod_does_not", modes),
    ("openat2_follows_no_link_and_stays_beneath", open_beneath),
    ("close_range_closes", close),
    ("close_range_can_leave_it_to_exec", close_on_exec),
];

fn device() -> Outcome {
    needs_root()?;
    // In a mount namespace of its own, but in the machine's user namespace: the
    // only one in which devices can be made.
    linux_sys::unshare(linux_sys::CloneFlags::CLONE_NEWNS).unwrap();
    linux_sys::mount("none", "/", "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "").unwrap();
    linux_sys::mount("tmpfs", "/tmp", "tmpfs", MsFlags::empty(), "").unwrap();

    umask(Mode::from_bits_truncate(0o022));
    let everyone = Mode::from_bits_truncate(0o666);
    mknod("/tmp/obeys", SFlag::S_IFCHR, everyone, makedev(1, 3)).unwrap();
    assert_eq!(umask(Mode::empty()), Mode::from_bits_truncate(0o022));
    mknod("/tmp/null", SFlag::S_IFCHR, everyone, makedev(1, 3)).unwrap();

    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("/tmp/obeys"), mode("/tmp/null")), (0o644, 0o666));
    let null = fs::metadata("/tmp/null").unwrap();
    assert!(null.file_type().is_char_device());
    assert_eq!(null.rdev(), fs::metadata("/dev/null").unwrap().rdev());
    Ok(())
}

fn modes() -> Outcome {
    in_private_tmp()?;
    umask(Mode::from_bits_truncate(0o027));
    mkdir("/tmp/store", Mode::from_bits_truncate(0o777)).unwrap();
    let mode = || fs::metadata("/tmp/store").unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(), 0o750);
    chmod("/tmp/store", Mode::from_bits_truncate(0o777)).unwrap();
    assert_eq!(mode(), 0o777);
    Ok(())
}

fn open_beneath() -> Outcome {
    in_private_tmp()?;
    mkdir("/tmp/root", Mode::from_bits_truncate(0o755)).unwrap();
    mkdir("/tmp/root/etc", Mode::from_bits_truncate(0o755)).unwrap();
    // What a hostile image brings along.
    symlink("/etc", "/tmp/root/proc").unwrap();

    let root = File::open("/tmp/root").unwrap();
    let open = |path, resolve| {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        openat2(
            &root,
            path,
            OpenHow {
                flags,
                resolve,
                ..OpenHow::default()
            },
        )
    };
    fails(
        open("proc", ResolveFlag::RESOLVE_NO_SYMLINKS),
        Errno::ELOOP,
        "RESOLVE_NO_SYMLINKS",
    );
    fails(
        open("proc", ResolveFlag::RESOLVE_BENEATH),
        Errno::EXDEV,
        "leaves the directory",
    );
    fails(
        open("../root", ResolveFlag::RESOLVE_BENEATH),
        Errno::EXDEV,
        "leaves the directory",
    );
    let inside = open("proc", ResolveFlag::RESOLVE_IN_ROOT).unwrap();
    let there = fs::read_link(format!("/proc/self/fd/{}", inside.as_raw_fd())).unwrap();
    assert_eq!(there.to_str(), Some("/tmp/root/etc"));

    let mode = Mode::from_bits_truncate(0o600);
    let odd = openat2(
        &root,
        "etc",
        OpenHow {
            mode,
            ..OpenHow::default()
        },
    );
    fails(odd, Errno::EINVAL, "a mode without O_CREAT");
    Ok(())
}

fn close() -> Outcome {
    let file = File::open("/proc/self/status").unwrap();
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    assert!(fs::symlink_metadata(&link).is_ok());
    close_range(3, u32::MAX, CloseRangeFlags::empty()).unwrap();
    assert!(fs::symlink_metadata(&link).is_err());
    // Its number is free, and may be another file's by now: do not close it again.
    std::mem::forget(file);
    fails(
        close_range(4, 3, CloseRangeFlags::empty()),
        Errno::EINVAL,
        "first is larger",
    );
    Ok(())
}

fn close_on_exec() -> Outcome {
    let file = File::open("/proc/self/status").unwrap();
    // The standard library opens everything close-on-exec; undo that by duplicating.
    let inherited = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_DUPFD(20)).unwrap();
    let list = format!("test -e /proc/self/fd/{inherited}");
    let seen = || in_child(|| drop(execvp("sh", &["sh", "-c", &list])));
    assert_eq!(seen(), WaitStatus::Exited(0));
    close_range(3, u32::MAX, CloseRangeFlags::CLOSE_RANGE_CLOEXEC).unwrap();
    assert!(fs::symlink_metadata(format!("/proc/self/fd/{inherited}")).is_ok());
    assert_eq!(seen(), WaitStatus::Exited(1));
    Ok(())
}
