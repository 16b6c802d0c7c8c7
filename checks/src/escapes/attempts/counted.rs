//! What the kernel counts for a user, on the whole machine: a user outside with the same
//! number gets what a container leaves over. Only user namespaces divide these counts.
//!
//! Each attempt has a user of its own, so that the machine's own users lack nothing. With
//! root's number, which a container has unless told otherwise, it is the same.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::SystemTime;

use linux_sys::{Fork, Uid, WaitOptions};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::inotify::{InitFlags, Inotify};

use super::{Sight, failed, hold, sight};
use crate::finding::Failure;
use crate::host::Host;
use crate::procfs;

/// More than any program needs, and less than each limit.
const MANY: usize = 100;

/// How many inotify instances a user may have.
pub(crate) const INSTANCES: &str = "/proc/sys/fs/inotify/max_user_instances";
/// So many can be counted by having them: a process may have a thousand files open.
pub(crate) const COUNTABLE: u64 = 900;
/// How many pages of 4096 bytes the pipes of a user may have, together.
pub(crate) const PAGES: &str = "/proc/sys/fs/pipe-user-pages-soft";
/// The pages of those pipes, if each has a megabyte.
pub(crate) const TAKEN: u64 = MANY as u64 * 256;
/// How many keys each user has (proc_key-users(5)).
pub(crate) const KEYS: &str = "/proc/key-users";

pub(crate) fn inotify(host: &Host, solution: u8) -> Result<Sight, Failure> {
    inotify_of(host, Whose::Same(solution))
}

pub(crate) fn inotify_as_other(host: &Host, solution: u8) -> Result<Sight, Failure> {
    inotify_of(host, Whose::Other(solution))
}

fn inotify_of(host: &Host, whose: Whose) -> Result<Sight, Failure> {
    let left = || {
        let instances = (0..COUNTABLE).map_while(|_| Inotify::init(InitFlags::empty()).ok());
        instances.collect::<Vec<_>>().len()
    };
    let what = "inotify instances that the same user can have on the host";
    counted(host, whose, "watch", what, |user| {
        number(&as_user(user, || left().to_string())?)
    })
}

pub(crate) fn signals(host: &Host, solution: u8) -> Result<Sight, Failure> {
    signals_of(host, Whose::Same(solution))
}

pub(crate) fn signals_as_other(host: &Host, solution: u8) -> Result<Sight, Failure> {
    signals_of(host, Whose::Other(solution))
}

fn signals_of(host: &Host, whose: Whose) -> Result<Sight, Failure> {
    let what = "waiting signals that are counted for the same user on the host";
    counted(host, whose, "queue", what, |user| {
        let line = as_user(user, || {
            procfs::status(linux_sys::Pid::this().as_raw(), "SigQ").unwrap_or_default()
        })?;
        number(line.split('/').next().unwrap_or_default())
    })
}

pub(crate) fn keys(host: &Host, _: u8) -> Result<Sight, Failure> {
    keys_of(host, Whose::Same(0))
}

pub(crate) fn keys_as_other(host: &Host, solution: u8) -> Result<Sight, Failure> {
    keys_of(host, Whose::Other(solution))
}

fn keys_of(host: &Host, whose: Whose) -> Result<Sight, Failure> {
    // The machine's own ring stays as it was.
    linux_sys::keyctl_join_session_keyring().map_err(|why| failed("the host's keyring", &why))?;
    let what = "keys that are counted for the same user on the host";
    counted(host, whose, "keys", what, |user| {
        let text = procfs::read_text(KEYS)?;
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        // `4242:     3 2/2 1/200 9/20000`: the third word is what there is, and may be.
        let mut of_user = lines.filter(|(name, _)| name.trim() == user.to_string());
        let Some((_, counts)) = of_user.next() else {
            return Ok(0);
        };
        let has = counts.split_whitespace().nth(2).unwrap_or_default();
        number(has.split('/').next().unwrap_or_default())
    })
}

pub(crate) fn pipes(host: &Host, solution: u8) -> Result<Sight, Failure> {
    pipes_of(host, Whose::Same(solution))
}

pub(crate) fn pipes_as_other(host: &Host, solution: u8) -> Result<Sight, Failure> {
    pipes_of(host, Whose::Other(solution))
}

/// Above a user's share of pages there are new pipes still, and small ones (pipe(7)).
fn pipes_of(host: &Host, whose: Whose) -> Result<Sight, Failure> {
    let room = || {
        let (reader, _writer) = std::io::pipe().ok()?;
        fcntl(reader, FcntlArg::F_GETPIPE_SZ).ok()
    };
    let what = "bytes that a new pipe of the same user on the host has room for";
    counted(host, whose, "pipes", what, |user| {
        number(&as_user(user, || room().unwrap_or(0).to_string())?)
    })
}

/// Whose number the container's user has, in the solution of this level.
#[derive(Clone, Copy)]
enum Whose {
    /// That of the host's user. From level 20 on it may mean somebody else in there.
    Same(u8),
    /// From level 10 on another's.
    Other(u8),
}

/// Looks at a user's count, before and after a container has taken much of it.
fn counted(
    host: &Host,
    whose: Whose,
    verb: &str,
    what: &str,
    count: impl Fn(u32) -> Result<usize, Failure>,
) -> Result<Sight, Failure> {
    let (user, option) = match whose {
        // A number that a user namespace of 65536 has.
        Whose::Same(20..) => (20_000 + own_user() % 32_768, Some("--userns".to_owned())),
        Whose::Same(_) => (own_user(), None),
        Whose::Other(solution) => {
            let user = own_user();
            let option = format!("--user={0}:{0}", user + 1);
            (user, Some(option).filter(|_| solution >= 10))
        }
    };
    let before = count(user)?;
    let many = MANY.to_string();
    let words = ["as", &user.to_string(), "then", "try", verb, &many];
    let container = hold(host, &words, option.as_deref())?;
    let after = count(user)?;
    let seen = format!("{what}: {before} before, {after} with the container");
    Ok(sight(&container, before.abs_diff(after) >= MANY, seen))
}

/// A number that no other user of the machine has, or had a moment ago: the kernel takes
/// its time to count a key down.
fn own_user() -> u32 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    (1 << 30) + (now.as_nanos() as u32 & 0x3fff_fffe)
}

/// What a process of the host finds that belongs to this user.
fn as_user(user: u32, look: impl FnOnce() -> String) -> Result<String, Failure> {
    let uid = Uid::from_raw(user);
    let (mut ours, mut theirs) =
        UnixStream::pair().map_err(|why| failed("a process on the host", &why))?;
    match linux_sys::fork().map_err(|why| failed("a process on the host", &why))? {
        Fork::Child => {
            drop(ours);
            let told = linux_sys::setresuid(uid, uid, uid)
                .is_ok_and(|()| theirs.write_all(look().as_bytes()).is_ok());
            linux_sys::exit(u8::from(!told))
        }
        Fork::Parent { child } => {
            drop(theirs);
            let mut found = String::new();
            let told = ours.read_to_string(&mut found);
            linux_sys::waitpid(child, WaitOptions::empty())
                .map_err(|why| failed("a process on the host", &why))?;
            told.map_err(|why| failed("a process on the host", &why))?;
            Ok(found)
        }
    }
}

fn number(text: &str) -> Result<usize, Failure> {
    text.trim()
        .parse()
        .map_err(|why| failed(&format!("a count that is {text:?}"), &why))
}
