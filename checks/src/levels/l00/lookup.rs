//! How a command is found, and what comes of one that cannot be executed.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::status::{NOT_TEXT, expect_status};
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::{probe_image, procfs};

/// Another image has these, and the level's own machine has them too, for a command that
/// lives there.
const ODD_IMAGE: &str = "odd";
/// Not executable, for any user.
const LOCKED: &str = "rd-locked";
/// A link to itself.
const LOOP: &str = "rd-loop";
/// Two files in PATH have this name. The first one is not executable.
const SECOND: &str = "rd-second";
/// A script that does not say by what it is to be read.
const PLAIN: &str = "rd-plain";
/// A name that is no text.
const BYTES: &[u8] = b"rd-\xff";
/// A path that begins at the working directory, and a name that is not in PATH.
const RELATIVE: &str = "rd-here/script";
/// What all those scripts end with.
const SCRIPTS_STATUS: i32 = 9;

pub(super) fn looked_up(host: &Host) -> Outcome {
    add_odd_files(host)?;
    // For a command on the host. A container has the usual directories, whatever stands here.
    let bin = host.path("bin");
    let first = bin.join("first");
    let path = format!(
        "{}:{}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        first.display(),
        bin.display()
    );
    let run = |name: &OsStr| {
        let invocation = host.run(&[name]).image(ODD_IMAGE);
        invocation.variable("PATH", &path).finish()
    };
    // In another root the working directory is another level's matter.
    let is_at_home = is_at_home(host)?;
    for (name, what, usually) in [
        (
            BYTES,
            "the script is found, by a name that is not UTF-8",
            NOT_TEXT,
        ),
        (
            SECOND.as_bytes(),
            "of two files of this name in PATH the second is executable, and is executed",
            "the first file of that name was taken: where it cannot be executed, execvp looks on",
        ),
        (
            RELATIVE.as_bytes(),
            "a name with a slash in it is a path, from the working directory on",
            "it was looked for in PATH, or after a change of the working directory: execvp takes \
             what has a slash in it as it is",
        ),
    ] {
        if name == RELATIVE.as_bytes() && !is_at_home {
            continue;
        }
        let ended = run(OsStr::from_bytes(name))?;
        if ended.code() != Some(SCRIPTS_STATUS) {
            let failure = ended.wrong_status().here().expected(what).usually(usually);
            // Another root was meant, and that it is not there is the matter of level 01.
            let is_elsewhere = name == RELATIVE.as_bytes() && host.judged() > 0;
            return Err(match is_elsewhere {
                true => failure.elsewhere(),
                false => failure,
            }
            .into());
        }
    }
    // execvp gives it to a shell, as shells do; the bare system call does not.
    let ended = run(PLAIN.as_ref())?;
    match ended.code() {
        Some(SCRIPTS_STATUS | 126) => Ok(()),
        _ => Err(ended
            .wrong_status()
            .here()
            .expected("a script without #! is read by a shell, or cannot be executed: status 126")
            .usually("an error of execvp got a status of its own kind")
            .into()),
    }
}

/// Whether the command's root is the host's: level 00 knows of no other.
fn is_at_home(host: &Host) -> Result<bool, Failure> {
    let container = host.run(&["probe", "hold"]).hold()?;
    let root = procfs::identity(container.proc("root"))?;
    Ok(root == procfs::identity("/proc/1/root")?)
}

/// Puts those files where commands are looked for, in an image and on the host.
fn add_odd_files(host: &Host) -> Result<(), Failure> {
    let failed = |why: io::Error| Failure::seen(format!("files for the check: {why}"));
    const SCRIPT: &str = "#!/bin/sh\nexit 9\n";
    // In the image, on the host, mode, content.
    let bytes = |directory: &str| Path::new(directory).join(OsStr::from_bytes(BYTES));
    let named = |directory: &str, name: &str| Path::new(directory).join(name);
    let files = [
        (
            named("usr/bin", LOCKED),
            named("bin", LOCKED),
            0o644,
            SCRIPT,
        ),
        (
            named("usr/local/sbin", SECOND),
            named("bin/first", SECOND),
            0o644,
            SCRIPT,
        ),
        (
            named("usr/bin", SECOND),
            named("bin", SECOND),
            0o755,
            SCRIPT,
        ),
        (
            named("usr/bin", PLAIN),
            named("bin", PLAIN),
            0o755,
            "exit 9\n",
        ),
        (bytes("usr/bin"), bytes("bin"), 0o755, SCRIPT),
    ];
    let on_the_host = || -> io::Result<()> {
        let relative = (PathBuf::new(), host.work().join(RELATIVE), 0o755, SCRIPT);
        for (_, path, mode, content) in files.iter().chain([&relative]) {
            let path = host.path("").join(path);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(&path, content)?;
            fs::set_permissions(&path, Permissions::from_mode(*mode))?;
        }
        symlink(LOOP, host.path("bin").join(LOOP))
    };
    on_the_host().map_err(failed)?;
    if !host.has_images() {
        return Ok(());
    }
    host.add_changed_image(ODD_IMAGE, |archive| {
        probe_image::rebuild(
            archive,
            |_| true,
            |tar| {
                for directory in ["usr/local", "usr/local/sbin"] {
                    probe_image::add_directory(tar, directory)?;
                }
                for (path, _, mode, content) in &files {
                    probe_image::add_file(tar, path, *mode, content)?;
                }
                probe_image::add_link(tar, &format!("usr/bin/{LOOP}"), Path::new(LOOP))
            },
        )
    })
}

pub(super) fn not_executable(host: &Host) -> Outcome {
    // A directory: every image has this one, and the kernel executes none, not even for root.
    expect_status(host, &["/"], 126)?;
    let run = |name: &OsStr| host.run(&[name]).image(ODD_IMAGE).finish();
    add_odd_files(host)?;
    let path = match is_at_home(host)? {
        true => host.path("bin").join(LOCKED),
        false => Path::new("/usr/bin").join(LOCKED),
    };
    let locked = run(path.as_os_str())?;
    if locked.code() != Some(126) {
        return Err(locked
            .wrong_status()
            .expected("status 126, for a file without an x bit")
            .into());
    }
    // Shells do not agree whether there is a command in these cases (bash says 126 to most,
    // dash 127), nor whether their search of PATH stops at a file without an x bit.
    let too_long = "n".repeat(300);
    for (name, what) in [
        (LOCKED, "a file in PATH without an x bit"),
        (LOOP, "a symbolic link to itself"),
        ("/bin/sh/x", "a path below a file"),
        (&too_long, "a name that is too long"),
    ] {
        let ended = run(name.as_ref())?;
        if !matches!(ended.code(), Some(126 | 127)) {
            return Err(ended
                .wrong_status()
                .expected(format!("status 126 or 127, for {what}"))
                .usually(
                    "an error of execvp got a status of its own kind: it is 127 where there is \
                     no such command, and 126 for all the others",
                )
                .into());
        }
    }
    Ok(())
}
