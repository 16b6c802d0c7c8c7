//! A root who is root of one namespace, and nobody outside of it.

use std::convert::Infallible;
use std::io::{PipeReader, Read, Write, pipe};

use given::{Error, IdMap, MapWriter};
use linux_sys::{
    CloneFlags, Fork, Gid, Pid, Uid, WaitOptions, WaitStatus, exit, fork, setresgid, setresuid,
    unshare, waitpid,
};

/// The parent's part, before there is anything of a container: go on as root of a user namespace
/// of our own. All other namespaces will belong to it, and so to us.
pub fn become_root(map: &IdMap) -> Result<(), Error> {
    // Whoever is in the namespace has no right outside of it, so the map is written by a process
    // that stays outside: a helper. It must not write before there is a namespace.
    let (mut told, mut tell) = pipe()?;
    let parent = Pid::this();
    let helper = match fork()? {
        Fork::Child => {
            // A pipe ends when nobody can write to it any more: our own end is one too many.
            drop(tell);
            given::exit(help(&mut told, parent, map))
        }
        Fork::Parent { child } => child,
    };

    // From here on we have every capability, in there; and no number yet: getuid says 65534.
    unshare(CloneFlags::CLONE_NEWUSER)?;
    tell.write_all(b"1")?;
    if waitpid(helper, WaitOptions::empty())? != WaitStatus::Exited(0) {
        return Err("the user namespace has no users: its helper has said why".into());
    }

    // Given: a security module may leave us the namespace, and nothing that it is good for.
    given::check_powers()?;
    // The group first, as ever. All three numbers: files are made with the effective one, and a
    // saved one that is somebody else would be a way back (credentials(7)).
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    Ok(())
}

/// The helper's part: wait until there is a namespace, then say who is in it.
fn help(told: &mut PipeReader, parent: Pid, map: &IdMap) -> Result<Infallible, Error> {
    // Nothing and no more to come: our parent has failed, and says so itself.
    if told.read(&mut [0])? == 0 {
        exit(1);
    }
    match map.writer {
        // What an ordinary user may not map, two setuid programs do, within /etc/subuid.
        MapWriter::Programs => given::have_map_written(parent, map)?,
        writer => {
            // Before the groups: an ordinary user must first give up leaving one.
            if writer == MapWriter::User {
                given::deny_setgroups(parent)?;
            }
            given::write_map(parent, "gid_map", &map.groups)?;
            given::write_map(parent, "uid_map", &map.users)?;
        }
    }
    exit(0)
}
