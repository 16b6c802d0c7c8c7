//! A user who is not root: who that is in a check, and how a level is started as one.
//!
//! From level 20 on nearly all that is true of a container is true of one that an ordinary user
//! has started. `checks judge --with one-id` and `--with many-ids` ask all checks of such
//! containers, but for those that `levels/without_root.rs` names.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use linux_sys::MsFlags;

use crate::asked_with::asked_with;

/// A user whose numbers mean something nowhere.
pub(crate) const USER: u32 = 2014;
pub(crate) const GROUP: u32 = 222;

/// The first of the numbers that this user may give away, with `many-ids`.
const GRANTED: u32 = 2_000_000;

/// What starts a program as that user, with no group and no capability left. A path: whatever PATH
/// is tried, the level's process may be one for which each attempt is stopped.
const SETPRIV: &str = "/usr/bin/setpriv";

const AS_USER: [&str; 6] = [
    "--reuid",
    "2014",
    "--regid",
    "222",
    "--clear-groups",
    "--inh-caps=-all",
];

/// What a person types to do the same, for people.
pub(crate) fn line() -> String {
    format!("setpriv {}", AS_USER.join(" "))
}

/// How many users the containers have that an ordinary user starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Users {
    /// That one user, as root.
    One,
    /// The user as root, and 65,535 more, which /etc/subuid grants.
    Many,
}

impl Users {
    pub(crate) const ALL: [Users; 2] = [Users::One, Users::Many];

    /// The word behind `--with`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Users::One => "one-id",
            Users::Many => "many-ids",
        }
    }

    /// What the name of their store ends with.
    pub(crate) fn of_store(self) -> String {
        match self {
            Users::One => "one-id".to_owned(),
            Users::Many => GRANTED.to_string(),
        }
    }
}

/// Whether an ordinary user starts all containers, and with which users in them.
pub(crate) fn caller() -> Option<Users> {
    let asked = asked_with();
    let mut all = Users::ALL.into_iter();
    all.find(|users| asked.iter().any(|it| it == users.word()))
}

/// The home that this user has in a sandbox.
pub(crate) fn home(base: &Path) -> PathBuf {
    base.join("home")
}

/// Lets that user be at home in the sandbox: a home, and these directories, which a level would
/// make as root. For many users there, the lists that newuidmap(1) reads.
pub(crate) fn settle(base: &Path, own: &[PathBuf], users: Users) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o755).create(home(base))?;
    for directory in own.iter().chain([&home(base)]) {
        chown(directory, Some(USER), Some(GROUP))?;
    }
    if users == Users::One {
        return Ok(());
    }
    let grant = format!("{USER}:{GRANTED}:65536\n");
    let accounts = fs::read_to_string("/etc/passwd")?;
    let home = home(base);
    let account = format!("ordinary:x:{USER}:{GROUP}::{}:/bin/sh\n", home.display());
    let accounts = format!("{accounts}{account}");
    let lists = [
        ("subuid", &grant),
        ("subgid", &grant),
        ("passwd", &accounts),
    ];
    for (name, text) in lists {
        let ours = base.join(name);
        fs::write(&ours, text)?;
        let there = Path::new("/etc").join(name);
        linux_sys::mount(&ours, &there, "", MsFlags::MS_BIND, "").map_err(io::Error::other)?;
    }
    Ok(())
}

/// `program`, started as that user if `is_ordinary`.
pub(crate) fn command(program: &OsStr, is_ordinary: bool) -> Command {
    if !is_ordinary {
        return Command::new(program);
    }
    let mut command = Command::new(SETPRIV);
    command.args(AS_USER).arg(program);
    command
}

/// How many programs it takes until the last one of them is what was to be started.
pub(crate) fn programs(command: &Command) -> usize {
    if command.get_program() == SETPRIV {
        2
    } else {
        1
    }
}
