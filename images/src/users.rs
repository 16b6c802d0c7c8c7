//! A user of an image, by name: out of the image's own lists.
//!
//! `www-data` is 33 here and 82 there. The number that counts is that of the image's
//! /etc/passwd (passwd(5)) and /etc/group (group(5)), read as the container would read
//! them: no link in the image leads to those of this machine.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use linux_sys::ResolveFlag;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::error::{io_named, named, shown};
use crate::rooted_path;

/// More than any list of users has; an image may have something endless in its place.
const LONGEST: u64 = 1 << 20;

/// The numbers of `USER[:GROUP]` in the image that is unpacked in `tree`.
///
/// As for Docker, a name is looked for before a number is taken for one. Without a group it
/// is the user's own, and 0 for a number that the image does not list.
///
/// The error is a reason.
pub(crate) fn look_up(tree: &Path, user: &str) -> Result<(u32, u32), String> {
    let (user, group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (user, None),
    };
    let users = read(tree, "etc/passwd")?;
    // USER:PASSWORD:UID:GID:..., and the name before the number if both are there.
    let by_name = lines(&users).find(|fields| fields[0] == user.as_bytes());
    let by_number = || lines(&users).find(|fields| fields[2] == user.as_bytes());
    let listed = by_name.or_else(by_number);
    let field = |place: usize| listed.as_ref().and_then(|fields| fields.get(place));
    let uid = match field(2) {
        Some(uid) => number(uid).ok_or("its /etc/passwd has no number for it")?,
        None => number(user.as_bytes()).ok_or("its /etc/passwd has no such user")?,
    };
    let gid = match group {
        None => field(3).and_then(|gid| number(gid)).unwrap_or(0),
        Some(group) => group_of(&read(tree, "etc/group")?, group)?,
    };
    Ok((uid, gid))
}

fn group_of(groups: &[u8], group: &str) -> Result<u32, String> {
    let listed = lines(groups).find(|fields| fields[0] == group.as_bytes());
    let listed = listed.and_then(|fields| number(fields[2]));
    listed.or_else(|| number(group.as_bytes())).ok_or_else(|| {
        let group = shown(group.as_bytes());
        format!("its /etc/group has no group {group:?}")
    })
}

/// The lines that have at least a name, a password and a number.
fn lines(list: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    list.split(|byte| *byte == b'\n')
        .map(|line| line.split(|byte| *byte == b':').collect::<Vec<_>>())
        .filter(|fields| fields.len() >= 3)
}

/// A number of a user or group. The highest one means "leave as it is" to setresuid(2).
fn number(digits: &[u8]) -> Option<u32> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = is_plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?;
    number.filter(|number| *number != u32::MAX)
}

/// A list of the image; an image need not have one.
fn read(tree: &Path, path: &str) -> Result<Vec<u8>, String> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = open(tree, flags, Mode::empty()).and_then(|root| {
        // O_NONBLOCK: a FIFO of that name would keep us waiting.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let resolve = ResolveFlag::RESOLVE_IN_ROOT
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV;
        rooted_path::open(&root, path, flags, resolve)
    });
    let file = match opened {
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        opened => File::from(opened.map_err(|errno| format!("its /{path}: {}", named(errno)))?),
    };
    if !file.metadata().is_ok_and(|about| about.is_file()) {
        return Err(format!("its /{path} is no file"));
    }
    let mut list = Vec::new();
    let read = file.take(LONGEST).read_to_end(&mut list);
    read.map_err(|error| format!("its /{path}: {}", io_named(&error)))?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use super::look_up;
    use rstest::rstest;
    use tempfile::TempDir;

    fn image() -> TempDir {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("etc")).unwrap();
        fs::write(
            tree.path().join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/:\n77:x:5:6::/:\nshort:x:8\nbad:x:no:1::/:\nlast:x:4294967295:1::/:\n",
        )
        .unwrap();
        fs::write(tree.path().join("etc/group"), "web:x:34:\nadm:x:4:web\n").unwrap();
        tree
    }

    #[rstest]
    #[case::name("web", (33, 34))]
    #[case::name_and_group("web:adm", (33, 4))]
    #[case::name_and_number("web:1234", (33, 1234))]
    #[case::listed_number("33", (33, 34))]
    #[case::number_and_group("33:adm", (33, 4))]
    #[case::number_of_nobody("1000", (1000, 0))]
    #[case::numbers("1000:1001", (1000, 1001))]
    #[case::name_of_digits("77", (5, 6))]
    #[case::no_group_listed("short", (8, 0))]
    #[case::root("root", (0, 0))]
    fn a_user_has_the_numbers_of_the_image(#[case] user: &str, #[case] numbers: (u32, u32)) {
        assert_eq!(look_up(image().path(), user), Ok(numbers));
    }

    #[rstest]
    #[case("nosuch", "its /etc/passwd has no such user")]
    #[case("web:nosuch", "its /etc/group has no group \"nosuch\"")]
    #[case("web:", "its /etc/group has no group \"\"")]
    #[case(":adm", "no such user")]
    #[case("bad", "has no number for it")]
    #[case("last", "has no number for it")]
    #[case("4294967295", "has no number for it")]
    #[case("+1", "no such user")]
    fn one_that_it_does_not_list_is_an_error(#[case] user: &str, #[case] part: &str) {
        let why = look_up(image().path(), user).unwrap_err();
        assert!(why.contains(part), "{why}");
    }

    #[test]
    fn no_link_leads_to_the_lists_of_this_machine() {
        let tree = image();
        let list = tree.path().join("etc/passwd");
        fs::remove_file(&list).unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs::write(outside.path(), "thief:x:1:1::/:\n").unwrap();
        for target in [
            outside.path().to_owned(),
            std::path::Path::new("../../../../../..")
                .join(outside.path().strip_prefix("/").unwrap()),
        ] {
            symlink(&target, &list).unwrap();
            assert!(look_up(tree.path(), "thief").is_err(), "{target:?}");
            fs::remove_file(&list).unwrap();
        }
        // A number needs no list.
        assert_eq!(look_up(tree.path(), "7:8"), Ok((7, 8)));
    }

    #[test]
    fn a_fifo_in_the_place_of_a_list_keeps_nobody_waiting() {
        let tree = image();
        let list = tree.path().join("etc/passwd");
        fs::remove_file(&list).unwrap();
        nix::unistd::mkfifo(&list, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(
            look_up(tree.path(), "web")
                .unwrap_err()
                .contains("is no file")
        );
    }
}
