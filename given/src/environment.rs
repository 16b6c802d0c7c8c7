//! What a container's command has in its environment.
//!
//! What the caller has there is about the caller, and about the host: a `PATH` of its
//! directories, a `HOME` that is not in the image, `LD_PRELOAD`, keys and passwords. None
//! of it is the container's, unless `--env` says so. What is there in its place is what
//! Docker gives: `PATH`, `HOME`, `HOSTNAME`, and `TERM` where there is a terminal.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{IsTerminal, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;

use clap::builder::{OsStringValueParser, TypedValueParser};
use linux_sys::{OFlag, Uid};

/// Where commands are in most images.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// More than any list of users has; an image may have something endless in its place.
const LONGEST: u64 = 1 << 20;

/// What `--env` takes: `NAME=VALUE`, or `NAME` for the value that the caller has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    name: OsString,
    value: Option<OsString>,
}

/// The parser of `--env`.
pub fn variable() -> impl TypedValueParser<Value = Variable> {
    OsStringValueParser::new().try_map(|word| Variable::parse(&word))
}

impl Variable {
    fn parse(word: &OsStr) -> Result<Variable, String> {
        let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let mut parts = word.as_bytes().splitn(2, |byte| *byte == b'=');
        let name = owned(parts.next().unwrap_or_default());
        if name.is_empty() {
            return Err(
                "a variable needs a name: NAME=VALUE, or NAME for the value that it has here"
                    .into(),
            );
        }
        Ok(Variable {
            name,
            value: parts.next().map(owned),
        })
    }
}

/// All variables of the command: the usual ones, and what `--env` asks for, in its order.
///
/// To be called in the container, as its user, and while the caller's own environment is
/// still there to take a value from.
pub fn environment(hostname: &str, asked_for: &[Variable]) -> BTreeMap<OsString, OsString> {
    let users = users();
    let mut variables = BTreeMap::from([
        ("PATH".into(), PATH.into()),
        ("HOME".into(), home(&users, Uid::effective())),
        ("HOSTNAME".into(), hostname.into()),
    ]);
    // It says what the terminal understands, and the terminal is the caller's. Docker
    // knows of none but its own, and calls it xterm.
    if std::io::stdin().is_terminal() || std::io::stdout().is_terminal() {
        variables.extend(std::env::var_os("TERM").map(|term| ("TERM".into(), term)));
    }
    for Variable { name, value } in asked_for {
        match value.clone().or_else(|| std::env::var_os(name)) {
            Some(value) => variables.insert(name.clone(), value),
            None => variables.remove(name),
        };
    }
    variables
}

/// The container's /etc/passwd, as far as it can be had.
fn users() -> Vec<u8> {
    let mut users = Vec::new();
    // An image may have anything there: NONBLOCK, since a FIFO would wait for a writer.
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open("/etc/passwd");
    // A file that cannot be read lists no user.
    if let Ok(file) = file
        && file.metadata().is_ok_and(|it| it.is_file())
    {
        let _ = file.take(LONGEST).read_to_end(&mut users);
    }
    users
}

/// The home of `user`, by the sixth field of its line (passwd(5)); `/` for one that is
/// not listed, as Docker has it.
fn home(users: &[u8], user: Uid) -> OsString {
    let number = user.to_string();
    let of_user = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        match fields[..] {
            [_, _, uid, _, _, home, ..]
                if uid == number.as_bytes() && !home.is_empty() && !home.contains(&0) =>
            {
                Some(OsString::from_vec(home.to_vec()))
            }
            _ => None,
        }
    };
    let listed = users.split(|byte| *byte == b'\n').find_map(of_user);
    listed.unwrap_or_else(|| if user.is_root() { "/root" } else { "/" }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &[u8] =
        b"root:x:0:0:root:/root:/bin/sh\nbroken:x:7\nit:x:1000:1000::/home/it:\nno:x:8:8:::\nnul:x:6:6::/a\0b:\n";

    fn parsed(word: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let Variable { name, value } = Variable::parse(OsStr::from_bytes(word)).ok()?;
        Some((name.into_vec(), value.map(OsString::into_vec)))
    }

    #[test]
    fn a_name_may_have_a_value_an_empty_one_or_none() {
        let some = |value: &[u8]| Some(value.to_vec());
        assert_eq!(parsed(b"A=1"), Some((b"A".into(), some(b"1"))));
        assert_eq!(parsed(b"A=1=2"), Some((b"A".into(), some(b"1=2"))));
        assert_eq!(parsed(b"A="), Some((b"A".into(), some(b""))));
        assert_eq!(parsed(b"A"), Some((b"A".into(), None)));
        assert_eq!(parsed(b"A=\xff"), Some((b"A".into(), some(b"\xff"))));
    }

    #[test]
    fn without_a_name_it_is_none() {
        assert_eq!(parsed(b""), None);
        assert_eq!(parsed(b"=1"), None);
    }

    #[test]
    fn a_home_is_that_of_the_number() {
        let home = |user| home(USERS, Uid::from_raw(user));
        assert_eq!(
            [0, 1000, 7, 8, 9, 6].map(home),
            ["/root", "/home/it", "/", "/", "/", "/"]
        );
    }

    #[test]
    fn root_has_one_even_where_nobody_is_listed() {
        assert_eq!(home(b"", Uid::from_raw(0)), "/root");
        assert_eq!(
            home(b"root:x:0:0::/elsewhere:", Uid::from_raw(0)),
            "/elsewhere"
        );
    }

    #[test]
    fn the_last_word_wins_and_a_name_without_a_value_here_is_left_out() {
        let words = ["A=1", "A=2", "PATH=/bin", "B=1", "B", "HOME"];
        let asked: Vec<Variable> = words
            .iter()
            .filter_map(|word| Variable::parse(OsStr::new(word)).ok())
            .collect();
        let variables = environment("box", &asked);
        let of = |name: &str| variables.get(OsStr::new(name)).cloned();
        assert_eq!(of("A"), Some("2".into()));
        assert_eq!(of("PATH"), Some("/bin".into()));
        assert_eq!(of("HOSTNAME"), Some("box".into()));
        assert_eq!(of("B"), std::env::var_os("B"));
        assert_eq!(of("HOME"), std::env::var_os("HOME"));
    }
}
