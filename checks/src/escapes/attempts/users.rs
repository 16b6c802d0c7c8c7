//! Users, groups and capabilities: what a process is, whatever it is told to be.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, chown};

use linux_sys::{Capability, Gid, Pid};

use super::{Sight, USER, failed, hold, kept, sight, since};
use crate::finding::Failure;
use crate::host::Host;
use crate::levels::with_probe;
use crate::probe_image::{ODD_GROUP, ODD_OWNER};
use crate::procfs;

pub(crate) fn group_kept(host: &Host, solution: u8) -> Result<Sight, Failure> {
    linux_sys::setgroups(&[Gid::from_raw(0), Gid::from_raw(ODD_GROUP)])
        .map_err(|why| failed("the caller's groups", &why))?;
    // What the image has at etc/odd. Level 00 has no image, but a working directory.
    let odd = host.work().join("etc/odd");
    fs::create_dir(host.work().join("etc"))
        .and_then(|()| File::create(&odd))
        .and_then(|_| chown(&odd, Some(ODD_OWNER), Some(ODD_GROUP)))
        .map_err(|why| failed("a file for a group", &why))?;
    let container = hold(host, &["keep", "etc/odd"], since(10, solution, USER))?;
    let is_it = |file: &Metadata| (file.uid(), file.gid()) == (ODD_OWNER, ODD_GROUP);
    Ok(kept(&container, is_it, "the file that group 2424 may read"))
}

pub(crate) fn root_again(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["root"], since(10, solution, USER))?;
    let uid = procfs::status(container.pid, "Uid")?;
    let is_root = uid.split_whitespace().all(|uid| uid == "0");
    Ok(sight(
        &container,
        is_root,
        format!("Uid of the command is {uid}"),
    ))
}

pub(crate) fn write_to_root(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let container = hold(host, &["write", "escaped"], since(10, solution, USER))?;
    let path = container.proc("cwd/escaped");
    let is_there = path.exists();
    let seen = if is_there { "is there" } else { "is not there" };
    Ok(sight(
        &container,
        is_there,
        format!("{} {seen}", path.display()),
    ))
}

/// The command itself is a file of the image's that is root's and setuid.
pub(crate) fn setuid_file(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let mut run = host.run(&["probe", "hold"]);
    if host.has_images() {
        host.add_changed_image("setuid", |archive| with_probe(archive, 0o4755, None))?;
        run = run.image("setuid");
    }
    let options = [
        since(10, solution, USER),
        since(20, solution, "--security-opt=no-new-privileges"),
    ];
    for option in options.into_iter().flatten() {
        run = run.option(option);
    }
    let container = run.hold()?;
    let uid = procfs::status(container.pid, "Uid")?;
    let is_root = uid.split_whitespace().nth(1) == Some("0");
    Ok(sight(
        &container,
        is_root,
        format!("Uid of the command is {uid}; the second number is what counts"),
    ))
}

pub(crate) fn inherited_capability(host: &Host, _: u8) -> Result<Sight, Failure> {
    let hand_on = || -> linux_sys::Result<()> {
        let mut mine = linux_sys::capget(Pid::from_raw(0))?;
        mine.inheritable = mine.inheritable.with(Capability::CAP_SYS_ADMIN);
        linux_sys::capset(&mine)?;
        linux_sys::cap_ambient_raise(Capability::CAP_SYS_ADMIN)
    };
    hand_on().map_err(|why| failed("the caller's capabilities", &why))?;
    let container = hold(host, &["fds"], None)?;
    let mut seen = Vec::new();
    let mut worked = false;
    for set in ["CapInh", "CapAmb"] {
        let value = procfs::status(container.pid, set)?;
        worked |= value.bytes().any(|digit| digit != b'0');
        seen.push(format!("{set} {value}"));
    }
    Ok(sight(&container, worked, seen.join(", ")))
}
