//! What was made in a user namespace can only be removed in one: most of it may belong to users
//! who are nobody outside.
//!
//! It is what level 20 is about, and so it is not taken from there: a learner's level may be in
//! the middle of an edit, and what it has left behind is to be removed all the same.

use std::io::{Read, Write, pipe};

use given::{Error, IdMap, MapWriter};
use linux_sys::{
    CloneFlags, Fork, Gid, Pid, Uid, WaitOptions, WaitStatus, exit, fork, setresgid, setresuid,
    unshare, waitpid,
};

/// Be root of a user namespace with these users, from here on.
pub(crate) fn become_root(map: &IdMap) -> Result<(), Error> {
    let (mut told, mut tell) = pipe()?;
    let parent = Pid::this();
    let helper = match fork()? {
        Fork::Child => {
            drop(tell);
            // An end without a word: our parent has failed.
            if told.read(&mut [0]).unwrap_or(0) == 0 {
                exit(1);
            }
            match write(parent, map) {
                Ok(()) => exit(0),
                Err(error) => {
                    given::log(&error.to_string());
                    exit(1)
                }
            }
        }
        Fork::Parent { child } => child,
    };
    unshare(CloneFlags::CLONE_NEWUSER)?;
    tell.write_all(b"1")?;
    if waitpid(helper, WaitOptions::empty())? != WaitStatus::Exited(0) {
        return Err("the user namespace has no users".into());
    }
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    Ok(())
}

fn write(parent: Pid, map: &IdMap) -> Result<(), Error> {
    match map.writer {
        MapWriter::Programs => return given::have_map_written(parent, map),
        MapWriter::User => given::deny_setgroups(parent)?,
        MapWriter::Root => {}
    }
    given::write_map(parent, "gid_map", &map.groups)?;
    given::write_map(parent, "uid_map", &map.users)
}
