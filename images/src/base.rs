//! The image `base`, made of this machine's own programs.
//!
//! A workshop has to start without a download, and every Linux machine is
//! already full of programs: `base` is a shell, the tools with which a learner
//! looks around in a container, and the libraries that these need.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::Flock;

use crate::error::{Error, Result};
use crate::image_dir::create::{create_image_dir, not_writable};
use crate::interrupt;
use crate::layout::Layout;
use crate::lock::lock_file;

/// The name of the image.
pub(crate) const NAME: &str = "base";

/// Without these programs the image is not made.
const NEEDED: [&str; 3] = ["sh", "ls", "cat"];

/// Programs that come along if this machine has them.
const WANTED: &str = "
    bash ps top kill nice sleep true false yes seq nproc date uname hostname
    mount umount unshare nsenter mknod df du stat find ip
    id whoami env tty stty printf test [ pwd echo
    mkdir rmdir rm cp mv ln readlink touch chmod chown dd
    grep sed awk head tail tee wc tr cut sort uniq
    less vi clear
";

/// Terminals whose description comes along: without it, `vi` and `top` have no
/// screen to draw on.
const TERMINALS: &str = "
    ansi dumb linux screen screen-256color tmux tmux-256color vt100 vt220 xterm xterm-256color
";

/// Where a program may be that an ordinary user's PATH does not name.
const MORE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Makes `base.tar` in `image_dir`, unless another process is faster.
///
/// It is written under another name and renamed when it is whole: a process that finds
/// `base.tar` finds all of it.
pub(crate) fn make(image_dir: &Path) -> Result<PathBuf> {
    create_image_dir(image_dir)?;
    let done = image_dir.join("base.tar");
    let partial = image_dir.join(".base.tar.partial");
    let refused = |error: io::Error| not_writable(image_dir, &error);
    loop {
        let Some(held) = lock_file(&partial).map_err(refused)? else {
            continue;
        };
        if done.is_file() {
            // Another process finished it while we waited for the lock.
            fs::remove_file(&partial).map_err(refused)?;
            return Ok(done);
        }
        let written = write(&held);
        if let Err(error) = written {
            // Best effort: the error that counts is the first one.
            let _ = fs::remove_file(&partial);
            return Err(Error::new(format!(
                "cannot make the image \"base\" in {}: {error}",
                image_dir.display()
            )));
        }
        // Otherwise the name may be on the disk before the contents are; and after a power
        // cut in between, an empty archive would be the image for ever.
        held.sync_data().map_err(refused)?;
        fs::rename(&partial, &done).map_err(refused)?;
        return Ok(done);
    }
}

fn write(file: &Flock<File>) -> Result<()> {
    let layout = layout()?;
    interrupt::check()?;
    let failed = |error| crate::error::io_failed("cannot write the archive", &error);
    // A process that was killed has perhaps left a part of it.
    file.set_len(0).map_err(failed)?;
    // Readable for every user, whatever the umask of the one who needs it first.
    file.set_permissions(Permissions::from_mode(0o644))
        .map_err(failed)?;
    layout.write(BufWriter::with_capacity(
        256 * 1024,
        file.try_clone().map_err(failed)?,
    ))
}

fn layout() -> Result<Layout> {
    let mut layout = Layout::new();
    for name in NEEDED {
        let program = search(name).ok_or_else(|| Error::new(format!("this machine has no `{name}` on its PATH; install it (package coreutils or busybox)")))?;
        layout
            .program(&program, &Path::new("/usr/bin").join(name))
            .map_err(|why| {
                Error::new(format!(
                    "{} cannot be copied: {why}; see whether it runs",
                    program.display()
                ))
            })?;
    }
    let mut has_bash = false;
    let mut vi_is_vim = false;
    for name in WANTED.split_whitespace() {
        // Ctrl-C also ends the loader that is asked below; then the program only seems missing.
        interrupt::check()?;
        let Some(program) = search(name) else {
            continue;
        };
        // A program that cannot be read, or lacks a library, counts as one that is not here.
        if layout
            .program(&program, &Path::new("/usr/bin").join(name))
            .is_err()
        {
            continue;
        }
        has_bash |= name == "bash";
        vi_is_vim |= name == "vi"
            && fs::canonicalize(&program).is_ok_and(|path| path.to_string_lossy().contains("vim"));
    }
    for name in TERMINALS.split_whitespace() {
        if let Some(description) = terminal(name) {
            layout.file(
                &description,
                &format!("usr/share/terminfo/{}/{name}", &name[..1]),
            );
        }
    }
    configuration(&mut layout, if has_bash { "/bin/bash" } else { "/bin/sh" });
    if vi_is_vim {
        // Without this file vim looks for one of defaults, and complains that there is none.
        layout.text("root/.vimrc", "set nocompatible\n");
    }
    Ok(layout)
}

fn configuration(layout: &mut Layout, shell: &str) {
    layout.text(
        "etc/passwd",
        format!(
            "root:x:0:0:root:/root:{shell}\n\
             daemon:x:1:1:daemon:/:/bin/false\n\
             nobody:x:65534:65534:nobody:/:/bin/false\n"
        ),
    );
    // tty is the group that a terminal belongs to, see devpts(5).
    layout.text(
        "etc/group",
        "root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n",
    );
    layout.text(
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    );
    layout.text("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    layout.text(
        "etc/profile",
        "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
    );
    layout.text(
        "etc/os-release",
        "NAME=\"Rubber Docker base\"\nPRETTY_NAME=\"Rubber Docker base\"\nID=rubber-docker\n",
    );
}

/// Finds a program on PATH, and where PATH does not lead an ordinary user.
fn search(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(std::env::split_paths(MORE_PATH))
        // A relative directory on PATH depends on where the caller stands.
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|program| {
            fs::metadata(program)
                .is_ok_and(|stat| stat.is_file() && stat.permissions().mode() & 0o111 != 0)
        })
}

/// Finds the description of a terminal, which distributions keep in different places.
fn terminal(name: &str) -> Option<PathBuf> {
    [
        "/etc/terminfo",
        "/lib/terminfo",
        "/usr/share/terminfo",
        "/usr/lib/terminfo",
    ]
    .iter()
    .map(|directory| Path::new(directory).join(&name[..1]).join(name))
    .find(|description| description.is_file())
}
