//! Which numbers of the host a user namespace of ours has, and how they get into it.
//!
//! A user namespace begins without any number: the kernel takes a map for it, once, from
//! outside (user_namespaces(7)). Whose numbers may be in that map depends on who writes it:
//!
//! | who | what they may map | who writes |
//! |---|---|---|
//! | root | all | we ourselves |
//! | a user with a line in `/etc/subuid` and in `/etc/subgid` | that range, and themselves | newuidmap(1), newgidmap(1) |
//! | any user | themselves, one number | we ourselves, after giving up setgroups(2) |
//!
//! What stands in `/etc/subuid` was written by others, an administrator or a script. A line
//! that makes no sense is nobody's range: it is passed over, and told if it was meant for us.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use linux_sys::{Errno, Pid, chroot};
use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use crate::Error;

/// How a level is raised to root all the same.
pub(crate) const AS_ROOT: &str = "cargo run ... run --as-root";

/// How many users a container is to have at most: all that a usual image knows.
const ENOUGH: u32 = 65536;

/// What root takes where no line of `/etc/subuid` says which numbers are root's to give: the
/// last block of those that systemd keeps for containers, and that useradd(8) gives to
/// nobody (its SUB_UID_MAX is below).
const FOR_ROOT: u32 = 0x6fff_0000;

/// Numbers that follow each other, in the namespace and outside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The first one, as the namespace has it.
    pub inside: u32,
    /// The first one, as it is outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

impl fmt::Display for IdRange {
    /// A line of `/proc/PID/uid_map`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.inside, self.outside, self.count)
    }
}

/// Who can write a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapWriter {
    /// Root, any numbers.
    Root,
    /// Two programs that are setuid root, what `/etc/subuid` and `/etc/subgid` grant.
    Programs,
    /// An ordinary user, their own number and no other.
    User,
}

/// The users and groups that a user namespace is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMap {
    /// Who can write it.
    pub writer: MapWriter,
    /// Its users.
    pub users: Vec<IdRange>,
    /// Its groups.
    pub groups: Vec<IdRange>,
}

impl IdMap {
    /// What tells the stores of two maps apart: what is unpacked under one of them belongs to
    /// users whom the other does not have.
    pub(crate) fn name(&self) -> String {
        match (self.writer, self.users.last()) {
            (MapWriter::User, _) | (_, None) => "one-id".to_owned(),
            (_, Some(range)) => range.outside.to_string(),
        }
    }

    /// Who its root is outside.
    pub(crate) fn root(&self) -> (Uid, Gid) {
        let first = |ranges: &[IdRange]| ranges.first().map_or(0, |range| range.outside);
        (
            Uid::from_raw(first(&self.users)),
            Gid::from_raw(first(&self.groups)),
        )
    }
}

/// The map for a container of ours: as ordinary user or, with `--userns`, as root.
pub(crate) fn choose() -> Result<IdMap, Error> {
    let (user, group) = (geteuid(), getegid());
    // As in shadow's own programs: a line begins with a name or with a number.
    let name = User::from_uid(user).ok().flatten().map(|user| user.name);
    let name = name.unwrap_or_default();
    let granted = |path: &str| granted(Path::new(path), &name, user);
    let (users, groups) = (granted("/etc/subuid")?, granted("/etc/subgid")?);
    if user.is_root() {
        return Ok(for_root(users, groups));
    }
    let alone = one(user, group);
    let (Some(users), Some(groups)) = (users, groups) else {
        return Ok(alone);
    };
    // Many machines grant ranges, and have not the programs that give them (the package uidmap, or
    // shadow-utils). Most commands need no other user than root.
    if ["newuidmap", "newgidmap"].map(find_program).contains(&None) {
        return Ok(alone);
    }
    Ok(beside(user, group, users, groups))
}

/// One number, and no other.
fn one(user: Uid, group: Gid) -> IdMap {
    let only = |outside| IdRange {
        inside: 0,
        outside,
        count: 1,
    };
    IdMap {
        writer: MapWriter::User,
        users: vec![only(user.as_raw())],
        groups: vec![only(group.as_raw())],
    }
}

/// Root is the user themselves, and the others are of the granted range.
fn beside(user: Uid, group: Gid, users: IdRange, groups: IdRange) -> IdMap {
    let mut map = one(user, group);
    map.writer = MapWriter::Programs;
    let behind = |range: IdRange| IdRange {
        inside: 1,
        outside: range.outside,
        count: range.count.min(ENOUGH - 1),
    };
    map.users.push(behind(users));
    map.groups.push(behind(groups));
    map
}

/// Root's own number is in no map: the container's root is to be nobody's.
fn for_root(users: Option<IdRange>, groups: Option<IdRange>) -> IdMap {
    let all = IdRange {
        inside: 0,
        outside: FOR_ROOT,
        count: ENOUGH,
    };
    let (users, groups) = users.zip(groups).unwrap_or((all, all));
    let from_0 = |range: IdRange| IdRange {
        inside: 0,
        count: range.count.min(ENOUGH),
        ..range
    };
    IdMap {
        writer: MapWriter::Root,
        users: vec![from_0(users)],
        groups: vec![from_0(groups)],
    }
}

/// What the list at `path` grants to a user; `None` if it is not there.
fn granted(path: &Path, name: &str, user: Uid) -> Result<Option<IdRange>, Error> {
    match fs::read(path) {
        Ok(list) => parse(&String::from_utf8_lossy(&list), name, user)
            .map_err(|line| {
                let line = crate::printable(&line);
                format!(
                    "{}: the line {line:?} is no range that a namespace could have. NAME:FIRST:COUNT is wanted, as in \
                     {}:100000:65536; man 5 subuid",
                    path.display(),
                    if name.is_empty() { "NAME" } else { name },
                )
                .into()
            }),
        // Nothing is granted to anybody.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display()).into()),
    }
}

/// The first range that the list grants to a user. An error is a line that was meant to, and
/// does not, if no other does.
fn parse(list: &str, name: &str, user: Uid) -> Result<Option<IdRange>, String> {
    let mut fault = None;
    for line in list.lines() {
        let Some((whose, numbers)) = line.split_once(':') else {
            continue;
        };
        let is_ours = (whose == name && !name.is_empty()) || whose == user.to_string();
        if !is_ours {
            continue;
        }
        match range(numbers) {
            Some(range) => return Ok(Some(range)),
            None => fault.get_or_insert(line),
        };
    }
    fault.map_or(Ok(None), |line| Err(line.to_owned()))
}

/// `FIRST:COUNT`. Root is in no user's range, whatever the list says; and the last number is
/// the kernel's word for none.
fn range(numbers: &str) -> Option<IdRange> {
    let (first, count) = numbers.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(count) {
        return None;
    }
    let (outside, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
    let end = outside.checked_add(count)?;
    (outside != 0 && count != 0 && end < u32::MAX).then_some(IdRange {
        inside: 0,
        outside,
        count,
    })
}

/// For the helper: write `/proc/PID/NAME`, `uid_map` or `gid_map`, with a line for each range.
/// The kernel takes each of them once, and whole.
pub fn write_map(pid: Pid, name: &str, ranges: &[IdRange]) -> Result<(), Error> {
    let lines: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    write(pid, name, &lines.join("\n"))
}

/// For the helper, as an ordinary user: nobody in the namespace calls setgroups(2) any more.
///
/// A file may be closed to a group and open to all others. Who could leave the group in a
/// namespace would gain by it (CVE-2014-8989); so before this the kernel takes no `gid_map`
/// from an ordinary user.
pub fn deny_setgroups(pid: Pid) -> Result<(), Error> {
    write(pid, "setgroups", "deny")
}

fn write(pid: Pid, name: &str, text: &str) -> Result<(), Error> {
    let path = format!("/proc/{pid}/{name}");
    let file = fs::OpenOptions::new().write(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
        let meaning = meaning(name, errno);
        let errno = format!("{errno:?} ({})", errno.desc());
        format!("write {text:?} to {path}: {errno}{meaning}; man 7 user_namespaces").into()
    })
}

fn meaning(name: &str, errno: Errno) -> &'static str {
    match (name, errno) {
        ("setgroups", Errno::EPERM) => {
            ": the process is not in a user namespace of its own yet, or its gid_map is written already"
        }
        ("gid_map", Errno::EPERM) => {
            ": not from outside, by the user that the namespace belongs to, or a second time; an ordinary user may map \
             their own number alone, and only after \"deny\" was written to `setgroups`"
        }
        (_, Errno::EPERM) => {
            ": not from outside, by the user that the namespace belongs to, or a second time; and an ordinary user may \
             map their own number alone"
        }
        (_, Errno::EINVAL) => {
            ": a line is INSIDE OUTSIDE COUNT, no number stands twice, and all lines come in one write"
        }
        (_, Errno::EACCES) => {
            ": the process is in no user namespace of ours (unshare(CLONE_NEWUSER) comes before), or has changed its user \
             meanwhile: then the file is root's"
        }
        (_, Errno::ENOENT) => ": is /proc mounted, and has the process ended?",
        _ => "",
    }
}

/// For the helper: have `newuidmap` and `newgidmap` write both maps. They are setuid root, and
/// look into `/etc/subuid` and `/etc/subgid` before they do.
pub fn have_map_written(pid: Pid, map: &IdMap) -> Result<(), Error> {
    for (program, ranges) in [("newuidmap", &map.users), ("newgidmap", &map.groups)] {
        let numbers = ranges
            .iter()
            .flat_map(|it| [it.inside, it.outside, it.count])
            .map(|number| number.to_string());
        let path = find_program(program).unwrap_or_else(|| program.into());
        let ended = Command::new(path)
            .arg(pid.to_string())
            .args(numbers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        if !ended.success() {
            return Err(format!(
                "{program} has ended with {ended}, and the container has no users: is it setuid root \
                 (`ls -l`), or does it have the file capability (`getcap`), and is the file system that it \
                 is on mounted without nosuid? man 1 {program}"
            )
            .into());
        }
    }
    Ok(())
}

/// As the shell would find it; and where an ordinary user's PATH may not lead.
fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin", "/bin"].map(PathBuf::from))
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|program| nix::unistd::access(program, nix::unistd::AccessFlags::X_OK).is_ok())
}

/// An error where our namespace is one, and gives us nothing: so Ubuntu has it since 23.10,
/// where a program needs a profile of AppArmor's that says `userns,`.
///
/// What capget(2) returns looks as everywhere. So here is a call that takes a capability, and
/// changes nothing.
pub fn check_powers() -> Result<(), Error> {
    chroot("/").map_err(|error| match error.errno() {
        Errno::EPERM => format!(
            "this user namespace is ours, and its root may do nothing: chroot(\"/\"): EPERM. A security module wants it \
             so; on Ubuntu it is AppArmor, and `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` \
             allows it until the machine starts again. Or let root do it: {}",
            AS_ROOT
        )
        .into(),
        _ => error.into(),
    })
}

/// Whether this is a user namespace that somebody has made, and not the machine's own.
pub fn is_in_user_namespace() -> Result<bool, Error> {
    let map = own_map("uid_map")?;
    let counts = map.iter().map(|range| u64::from(range.count));
    // All numbers but the last one, which means none. A kernel without user namespaces has no map.
    Ok(!map.is_empty() && counts.sum::<u64>() != u64::from(u32::MAX))
}

/// Whether the present namespace has this group.
pub fn has_group(group: u32) -> Result<bool, Error> {
    let map = own_map("gid_map")?;
    let has = |it: &IdRange| group >= it.inside && group - it.inside < it.count;
    Ok(map.is_empty() || map.iter().any(has))
}

/// The map of the namespace that we are in; empty on a kernel without any.
fn own_map(name: &str) -> Result<Vec<IdRange>, Error> {
    let path = format!("/proc/self/{name}");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(line).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{path}: {error}").into()),
    }
}

/// A line of it.
fn line(text: &str) -> Option<IdRange> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(IdRange {
        inside: next()?,
        outside: next()?,
        count: next()?,
    })
}

/// Whether the present namespace lets anybody choose supplementary groups.
pub fn may_set_groups() -> Result<bool, Error> {
    let path = "/proc/self/setgroups";
    match fs::read_to_string(path) {
        Ok(word) => Ok(word.trim() != "deny"),
        // A kernel without user namespaces.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(format!("{path}: {error}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u32 = 1000;

    fn parsed(list: &str) -> Result<Option<(u32, u32)>, String> {
        let range = parse(list, "anna", Uid::from_raw(US))?;
        Ok(range.map(|range| (range.outside, range.count)))
    }

    #[test]
    fn a_line_is_ours_by_name_or_by_number() {
        let list = "bert:100000:65536\nanna:165536:65536\n";
        assert_eq!(parsed(list), Ok(Some((165_536, 65_536))));
        assert_eq!(parsed("1000:165536:10\n"), Ok(Some((165_536, 10))));
        assert_eq!(parsed("bert:100000:65536\n"), Ok(None));
        assert_eq!(parsed(""), Ok(None));
        // The first of several, and a last line without an end.
        assert_eq!(parsed("anna:1:2\nanna:300:4"), Ok(Some((1, 2))));
    }

    #[test]
    fn an_account_without_a_name_has_no_line_without_one() {
        let nameless = parse(":100000:65536\n", "", Uid::from_raw(US));
        assert_eq!(nameless, Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_passed_over_and_told_if_nothing_else_is_there() {
        for bad in [
            "anna:",
            "anna:100000",
            "anna:100000:",
            "anna::65536",
            "anna:0:65536",
            "anna:100000:0",
            "anna:-5:10",
            "anna:+5:10",
            "anna: 5:10",
            "anna:4294967295:1",
            "anna:4294967294:1",
            "anna:100000:4294967295",
            "anna:99999999999:1",
            "anna:1:2:3",
            "anna:0x10:5",
        ] {
            assert_eq!(parsed(bad), Err(bad.to_owned()), "{bad}");
            let then_a_good_one = format!("{bad}\nanna:165536:9\n");
            assert_eq!(parsed(&then_a_good_one), Ok(Some((165_536, 9))), "{bad}");
        }
        // Others' lines are others' affair.
        assert_eq!(parsed("bert\nbert:x:y\n::\n\0\n#anna:1:2\n"), Ok(None));
    }

    #[test]
    fn root_of_an_ordinary_user_s_container_is_that_user() {
        let granted = range("165536:100000").unwrap_or(IdRange {
            inside: 0,
            outside: 0,
            count: 0,
        });
        let map = beside(Uid::from_raw(US), Gid::from_raw(100), granted, granted);
        let lines = |ranges: &[IdRange]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(lines(&map.users), ["0 1000 1", "1 165536 65535"]);
        assert_eq!(lines(&map.groups), ["0 100 1", "1 165536 65535"]);
        assert_eq!(map.name(), "165536");
        let map = one(Uid::from_raw(US), Gid::from_raw(100));
        assert_eq!(lines(&map.users), ["0 1000 1"]);
        assert_eq!(map.name(), "one-id");
    }

    #[test]
    fn a_line_of_a_map_is_three_numbers() {
        let parsed = line("         0     100000      65536");
        assert_eq!(
            parsed.map(|it| it.to_string()),
            Some("0 100000 65536".into())
        );
        assert_eq!(line("0 1"), None);
        assert_eq!(line("0 1 x"), None);
    }

    #[test]
    fn the_host_s_root_is_in_no_map_of_root_s() {
        let map = for_root(None, range("100000:65536"));
        assert_eq!(map.users, map.groups);
        assert_eq!(map.users[0].to_string(), "0 1878982656 65536");
        let map = for_root(range("100000:10"), range("200000:99999"));
        assert_eq!(map.users[0].to_string(), "0 100000 10");
        assert_eq!(map.groups[0].to_string(), "0 200000 65536");
        assert_eq!(map.root(), (Uid::from_raw(100_000), Gid::from_raw(200_000)));
    }
}
