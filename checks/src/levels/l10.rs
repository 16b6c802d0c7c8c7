//! Level 10: a user who is not root.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use linux_sys::{Gid, Mode, SFlag};
use tar::Header;

use super::l01::left_in_store;
use super::l05::expect_environment;
use super::l06::dies_with_parent;
use super::l08::expect_refusal;
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::probe_image::rebuild;
use crate::{names, procfs};

const NO_GROUPS: &str = "the command has no supplementary groups";
const STREAMS: &str = "with --user the command can open /dev/stdout, where that is a pipe";
const SAME: &str = "with --user the container is the same as without";
const SETUID: &str = "a setuid program of the image makes root of a --user";
const USER: &str = "--user is the command's user and group, by all of their four numbers";

/// What the checks ask for: numbers that mean something nowhere.
const ASKED: &str = "2014:222";

/// Groups that the caller is in.
const CALLERS: [&str; 2] = ["6", "998"];

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 10,
    checks: &[
        Check {
            name: NO_GROUPS,
            step: 1,
            usually: "setgroups(&[]) is missing, or done only if there is a --user: the groups \
                      are those of the level's caller",
            needs: &[],
            run: no_groups,
        },
        Check {
            name: USER,
            step: 2,
            usually: "setgid or setuid is missing, or the child ignored its refusal: the group \
                      comes first, for after setuid there is no right to choose it",
            needs: &[],
            run: |host| user(host).and_then(|()| user_of_a_shell(host)),
        },
        Check {
            name: "a --user who is not root has no capabilities",
            step: 2,
            usually: "setuid takes them away by itself, unless the child has told the kernel to \
                      keep them (PR_SET_KEEPCAPS)",
            needs: &[USER],
            run: no_capabilities,
        },
        Check {
            name: SETUID,
            step: 2,
            usually: "set_no_new_privs is still there, from \"Break it\": with it su, sudo and ping \
                      of an image do nothing. Or its root was mounted with MS_NOSUID",
            needs: &[USER],
            run: setuid_program,
        },
        Check {
            name: SAME,
            step: 2,
            usually: "the user changes too early, and what only root may do was skipped afterwards: \
                      mounts, hostname, network and group come before",
            needs: &[USER],
            run: same_container,
        },
        Check {
            name: "HOME is that of the --user, by the container's own /etc/passwd",
            step: 2,
            usually: "the environment was made while the process was root still, or by the \
                      caller's list of users: it comes after the user, and inside of the root",
            needs: &[USER],
            run: home,
        },
        Check {
            name: "with --user, too, no process of the container outlives the level's process",
            step: 2,
            usually: "set_pdeathsig comes before setgid and setuid: the kernel forgets the wish \
                      when the user or the group changes",
            needs: &[USER, SAME],
            run: dies_with_parent_as_user,
        },
        Check {
            name: STREAMS,
            step: 3,
            usually: "given::hand_over_streams(user.uid) is missing, or comes after setuid: a pipe \
                      belongs to who made it, and the kernel asks when it is opened by name",
            needs: &[USER],
            run: streams,
        },
        Check {
            name: "with --user, what is no pipe keeps its owner",
            step: 3,
            usually: "fchown was called for whatever 0, 1 and 2 are: a file has its new owner \
                      after the container too, and a device on the whole machine",
            needs: &[USER],
            run: keeps_owner,
        },
        Check {
            name: "a --user that is no number is refused, and nothing is left",
            step: 2,
            usually: "no level looks a name up; the option's parser takes 0 to 4294967294",
            needs: &[],
            run: no_such_user,
        },
        refusals::check(
            "a container whose user cannot be changed does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("setgroups(", "", 1),
        ("setgid(", "", 2),
        ("setuid(", "", 2),
    ],
};

/// A container with these options. If it does not start with them, but does without,
/// the step that these options are about is to blame.
pub(super) fn hold_with<'a>(host: &'a Host, options: &[&'a str]) -> Result<Container<'a>, Finding> {
    let invocation = host.run(&["probe", "hold"]);
    let invocation = options
        .iter()
        .fold(invocation, |invocation, option| invocation.option(option));
    invocation.hold().map_err(|failure| {
        match host.run(&["probe", "hold"]).hold() {
            Ok(_) => starts_without(failure, options),
            Err(_) => failure,
        }
        .into()
    })
}

/// The container starts, but not with these options: which step is to blame its error tells.
fn starts_without(failure: Failure, options: &[&str]) -> Failure {
    let failure = failure.here().expected(format!(
        "the container starts with {} too",
        options.join(" ")
    ));
    if failure.mentions("capset(") {
        return failure.step(11, 3).usually(
            "capset only takes away, and was asked for what is no longer there: setuid has taken \
             it. Keep what is in both, `kept` and the permitted set that capget tells",
        );
    }
    if failure.mentions("PR_CAPBSET_DROP") {
        return failure.step(11, 1).usually(
            "`limit` comes after become_user, when the right to drop is gone; or it does not ask \
             first whether this kernel has the capability at all",
        );
    }
    failure.usually(
        "a step that needs root comes after the one that gives root up; the error names it",
    )
}

fn home(host: &Host) -> Outcome {
    const USERS: &[u8] = b"root:x:0:0::/root:\ncaller:x:2014:222::/home/it:\n";
    host.add_changed_image("users", |archive| {
        rebuild(
            archive,
            |path| path != Path::new("etc/passwd"),
            |tar| {
                let mut header = Header::new_gnu();
                header.set_mode(0o644);
                header.set_uid(0);
                header.set_gid(0);
                header.set_size(USERS.len() as u64);
                tar.append_data(&mut header, "etc/passwd", USERS)
            },
        )
    })?;
    let cases = [
        (None, "/root"),
        (Some("2014:222"), "/home/it"),
        (Some("4711"), "/"),
    ];
    for (user, home) in cases {
        let mut invocation = host.run(&["probe", "hold"]).image("users");
        if let Some(user) = user {
            invocation = invocation.option("--user").option(user);
        }
        let container = invocation.hold()?;
        expect_environment(host, &container, &[("HOME", home)], None)?;
        container.end()?;
    }
    Ok(())
}

fn status_failure(container: &Container, seen: String) -> Failure {
    Failure::seen(seen).at(container.proc("status").display().to_string())
}

fn no_groups(host: &Host) -> Outcome {
    // As where root is in the group `disk`, or the level's caller in `docker`.
    let callers = CALLERS.map(|number| Gid::from_raw(number.parse().unwrap_or(1)));
    linux_sys::setgroups(&callers).map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    for options in [&[][..], &["--user", ASKED]] {
        let container = match hold_with(host, options) {
            Ok(container) => container,
            // Why it does not start with --user is the next check's matter.
            Err(_) if !options.is_empty() => continue,
            Err(why) => return Err(why),
        };
        let groups = procfs::status(container.pid, "Groups")?;
        if !groups.is_empty() {
            let with = match options.is_empty() {
                true => "without --user".to_owned(),
                false => format!("with {}", options.join(" ")),
            };
            let failure = status_failure(&container, format!("Groups: {groups}, {with}"))
                .expected("no number in the line Groups");
            let is_callers = groups.split_whitespace().any(|it| CALLERS.contains(&it));
            return Err(match is_callers {
                true => failure,
                false => failure.usually(
                    "setgroups was given a group: the one of --user is set by setgid, and the list \
                     of those beside it is empty, `&[]`",
                ),
            }
            .into());
        }
    }
    Ok(())
}

fn user(host: &Host) -> Outcome {
    let cases = [
        (&[][..], "0", "0"),
        (&["--user", ASKED], "2014", "222"),
        (&["--user", "2014"], "2014", "0"),
        (&["--user", "0:222"], "0", "222"),
        // Where 16 bits and 31 bits end.
        (&["--user", "65534:70000"], "65534", "70000"),
        (
            &["--user", "4294967294:2147483648"],
            "4294967294",
            "2147483648",
        ),
    ];
    for (options, uid, gid) in cases {
        let container = hold_with(host, options)?;
        let numbers = |key| procfs::status(container.pid, key);
        let (uids, gids) = (numbers("Uid")?, numbers("Gid")?);
        for (key, numbers, expected) in [("Uid", &uids, uid), ("Gid", &gids, gid)] {
            if is_four(numbers, expected) {
                continue;
            }
            let with = match options.is_empty() {
                true => "without --user".to_owned(),
                false => format!("with {}", options.join(" ")),
            };
            let failure = status_failure(&container, format!("{key}: {numbers}, {with}")).expected(
                format!("{key}: {expected}, four times (real, effective, saved, file system)"),
            );
            return Err(match wrong_numbers((&uids, uid), (&gids, gid)) {
                Some(usually) => failure.usually(usually),
                None => failure,
            }
            .into());
        }
        container.end()?;
        if options.is_empty() {
            // From here on the caller is in a group of its own, as after newgrp(1): what is
            // not set stays as that.
            linux_sys::setgid(Gid::from_raw(CALLERS_OWN))
                .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
        }
    }
    Ok(())
}

/// The caller's group.
const CALLERS_OWN: u32 = 44;

fn is_four(numbers: &str, expected: &str) -> bool {
    let mut all = numbers.split_whitespace();
    numbers.split_whitespace().count() == 4 && all.all(|it| it == expected)
}

/// What was done wrong, by the lines `Uid` and `Gid` and what should be in them.
fn wrong_numbers((uids, uid): (&str, &str), (gids, gid): (&str, &str)) -> Option<&'static str> {
    let is_user = is_four(uids, uid);
    let is_in_part = |numbers: &str, expected: &str| {
        let mut all = numbers.split_whitespace();
        !is_four(numbers, expected) && all.any(|it| it == expected)
    };
    if uid != gid && is_user && is_four(gids, uid) {
        return Some(
            "setgid was given the number of the user: `user.gid` is another one, and 0 if none was \
             named",
        );
    }
    if uid != gid && is_four(uids, gid) && gid != "0" {
        return Some("setuid was given the number of the group: that of the user is `user.uid`");
    }
    if is_in_part(uids, uid) || is_in_part(gids, gid) {
        return Some(
            "only some of the four numbers were set: with the one that was left the command can go \
             back. setgid and setuid by root set all four",
        );
    }
    if !is_user && is_four(gids, gid) {
        return Some("setuid is missing, or the child ignored its refusal");
    }
    let truncated = |number: &str, bits: u32| {
        let number = number.parse::<u64>().unwrap_or(0) % (1 << bits);
        number.to_string()
    };
    if [16, 31].into_iter().any(|bits| {
        let (few_uid, few_gid) = (truncated(uid, bits), truncated(gid, bits));
        (few_uid != uid && is_four(uids, &few_uid)) || (few_gid != gid && is_four(gids, &few_gid))
    }) {
        return Some("users and groups are numbers of 32 bits, and were cut to fewer");
    }
    if is_user && uid == "0" {
        return Some(
            "setgid was left out because the user is 0: root, too, can be in another group",
        );
    }
    is_user.then_some(
        "setgid is missing, or the child ignored its refusal: the group comes first, for after \
         setuid there is no right to choose it",
    )
}

fn no_capabilities(host: &Host) -> Outcome {
    let expect_none = |container: &Container, how: &str| -> Outcome {
        for key in ["CapPrm", "CapEff"] {
            let set = procfs::status(container.pid, key)?;
            if set.bytes().any(|digit| digit != b'0') {
                return Err(status_failure(container, format!("{key}: {set}, {how}"))
                    .expected(format!("{key} is 0"))
                    .into());
            }
        }
        Ok(())
    };
    let container = hold_with(host, &["--user", ASKED])?;
    expect_none(&container, &format!("with --user {ASKED}"))?;
    container.end()?;
    // And one who becomes such a user in the container, as su does.
    let command = ["probe", "as", "2014", "then", "hold"];
    let container = host.run(&command).hold()?;
    let how = "after the command, as root, has become user 2014 by itself";
    expect_none(&container, how).map_err(|why| {
        why.usually(Some(
            "the securebits were changed, and stay so (SECBIT_NO_SETUID_FIXUP): in this container \
             no change of user takes any capability away",
        ))
    })
}

/// The usual image with another mode of the probe, and with capabilities of its own.
pub(crate) fn with_probe(
    archive: &[u8],
    mode: u32,
    capabilities: Option<&[u8]>,
) -> std::io::Result<Vec<u8>> {
    let place = format!("usr/bin/{}", names::program());
    let place = Path::new(&place);
    let mut probe = Vec::new();
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        if entry.path()?.components().eq(place.components()) {
            entry.read_to_end(&mut probe)?;
        }
    }
    rebuild(
        archive,
        |path| path != place,
        |tar| {
            if let Some(value) = capabilities {
                tar.append_pax_extensions([("SCHILY.xattr.security.capability", value)])?;
            }
            let mut header = Header::new_gnu();
            header.set_mode(mode);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(probe.len() as u64);
            tar.append_data(&mut header, place, &probe[..])
        },
    )
}

fn setuid_program(host: &Host) -> Outcome {
    host.add_changed_image("setuid", |archive| with_probe(archive, 0o4755, None))?;
    let asked = ["--user", ASKED];
    for (options, uids) in [(&asked[..], "2014 0 0 0"), (&[], "0 0 0 0")] {
        let invocation = host.run(&["probe", "hold"]).image("setuid");
        let invocation = options
            .iter()
            .fold(invocation, |it, option| it.option(option));
        let container = invocation.hold()?;
        let line = |key| procfs::status(container.pid, key);
        let found = line("Uid")?
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let with = match options.is_empty() {
            true => "without --user".to_owned(),
            false => format!("with {}", options.join(" ")),
        };
        let switch = line("NoNewPrivs")?;
        if found != uids || switch != "0" {
            let seen = format!("Uid: {found}; NoNewPrivs: {switch}; {with}");
            return Err(status_failure(&container, seen)
                .expected(format!(
                    "Uid: {uids}; NoNewPrivs: 0: the program is root's and has mode 4755"
                ))
                .into());
        }
        // Root has what the bounding set lets it have, whatever that is by now.
        let bounding = line("CapBnd")?;
        for key in ["CapPrm", "CapEff"] {
            let set = line(key)?;
            if set != bounding {
                return Err(status_failure(&container, format!("{key}: {set}, {with}"))
                    .expected(format!("{key}: {bounding}, all that is in CapBnd"))
                    .usually(
                        "the securebits were changed, and stay so (SECBIT_NOROOT): in this \
                         container root has nothing by being root",
                    )
                    .into());
            }
        }
        container.end()?;
    }
    Ok(())
}

/// What level 00 to 09 have made of a container, as far as it can be compared.
fn surroundings(host: &Host, container: &Container) -> Result<BTreeSet<String>, Failure> {
    let mut all = BTreeSet::new();
    for mount in container.mounts()? {
        all.insert(format!("a {} on {}", mount.fstype, mount.point.display()));
    }
    for kind in ["mnt", "uts", "ipc", "pid", "net", "cgroup"] {
        let of = |pid| procfs::identity(procfs::path(pid, &format!("ns/{kind}")));
        if of(container.pid)? != of(1)? {
            all.insert(format!("another {kind} namespace"));
        }
    }
    let groups = procfs::read_text(container.proc("cgroup"))?;
    for line in groups.lines() {
        // All but the id at its end.
        let (above, _) = line.rsplit_once('/').unwrap_or((line, ""));
        all.insert(format!("a group {above}/..."));
    }
    owners(host, container, &mut all)?;
    Ok(all)
}

/// Whose the files are that matter most, and who else may change them: `/`, what is in it, in
/// /etc and in /dev; and the container's directory on the host.
fn owners(host: &Host, container: &Container, all: &mut BTreeSet<String>) -> Result<(), Failure> {
    let mut add = |path: &Path, name: String| {
        let file = path.symlink_metadata();
        let file = file.map_err(|why| Failure::unreadable(path, why))?;
        let (uid, gid, mode) = (file.uid(), file.gid(), file.mode() & 0o7777);
        all.insert(format!("{name} is {uid}:{gid}'s, mode {mode:o}"));
        Ok::<(), Failure>(())
    };
    add(&container.inside("/"), "/".to_owned())?;
    for directory in ["/", "/etc", "/dev"] {
        let path = container.inside(directory);
        for entry in entries(&path)? {
            let inside = Path::new(directory).join(entry.file_name().unwrap_or_default());
            add(&entry, inside.display().to_string())?;
        }
    }
    for id in left_in_store(host)? {
        let own = host.store().join(id);
        add(&own, "its directory in the store".to_owned())?;
        for entry in entries(&own)? {
            let name = entry
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            add(&entry, format!("`{name}` in its directory in the store"))?;
        }
    }
    Ok(())
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(directory).map_err(|why| Failure::unreadable(directory, why))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn same_container(host: &Host) -> Outcome {
    let as_root = host.run(&["probe", "hold"]).hold()?;
    let expected = surroundings(host, &as_root)?;
    let container = hold_with(host, &["--user", ASKED])?;
    let found = surroundings(host, &container)?;
    let missing: Vec<String> = expected.difference(&found).cloned().collect();
    let more: Vec<String> = found.difference(&expected).cloned().collect();
    if missing.is_empty() && more.is_empty() {
        return Ok(());
    }
    let is_owned = |line: &String| line.contains("'s, mode ");
    let usually = missing.iter().chain(&more).all(is_owned).then_some(
        "the container's files were given to the user, or opened to all: whose they are the image \
         says, and what is root's there a --user may not change",
    );
    let mut seen = Vec::new();
    if !missing.is_empty() {
        seen.push(format!("missing: {}", procfs::few(missing, 6)));
    }
    if !more.is_empty() {
        seen.push(format!("more than without: {}", procfs::few(more, 6)));
    }
    let place: PathBuf = container.proc("mountinfo");
    let (expected, place) = match usually {
        Some(_) => (
            "each file has the owner and the mode that it has without --user",
            container.inside("/").display().to_string(),
        ),
        None => (
            "the same mounts, namespaces and groups as without --user",
            format!("{}, ns/ and cgroup beside it", place.display()),
        ),
    };
    let failure = Failure::seen(seen.join("; ")).expected(expected).at(place);
    Err(match usually {
        Some(usually) => failure.usually(usually),
        None => failure,
    }
    .into())
}

fn dies_with_parent_as_user(host: &Host) -> Outcome {
    dies_with_parent(host, &["--user", ASKED])
}

fn streams(host: &Host) -> Outcome {
    let container = hold_with(host, &["--user", ASKED])?;
    for stream in ["fd/0", "fd/1"] {
        let path = container.proc(stream);
        let pipe = fs::metadata(&path).map_err(|why| Failure::unreadable(&path, why))?;
        if pipe.uid() != 2014 {
            return Err(Failure::seen(format!("it is user {}'s", pipe.uid()))
                .expected("the pipe that is its 0 or 1 belongs to user 2014")
                .at(path.display().to_string())
                .into());
        }
    }
    drop(container);
    // What it is good for. `ready` arrives only if it can be opened.
    let script = "echo ready >/dev/stdout; read line </dev/stdin";
    let invocation = host.run(&["sh", "-c", script]);
    let invocation = invocation.option("--user").option(ASKED);
    invocation.hold_as("/bin/sh").map_err(|failure| {
        failure
            .here()
            .expected("/dev/stdout, a pipe, can be opened by user 2014")
    })?;
    Ok(())
}

/// What 2 can be, and had better not be given away.
fn no_pipes(host: &Host) -> Result<[(&'static str, File); 4], Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::seen(why.to_string()).elsewhere();
    let made = |name: &str, kind, device| {
        let path = host.path(name);
        linux_sys::mknod(&path, kind, Mode::S_IRUSR | Mode::S_IWUSR, device)
            .map_err(|why| failed(&why))?;
        let open = File::options().read(true).write(true).open(&path);
        open.map_err(|why| Failure::unreadable(&path, why))
    };
    let terminal = nix::pty::openpty(None, None).map_err(|why| failed(&why))?;
    // Its other end stays open for as long as this process lives.
    std::mem::forget(terminal.master);
    Ok([
        ("a file", made("a-file", SFlag::S_IFREG, 0)?),
        ("a FIFO with a name", made("a-fifo", SFlag::S_IFIFO, 0)?),
        (
            "a device",
            made("a-null", SFlag::S_IFCHR, linux_sys::makedev(1, 3))?,
        ),
        ("the caller's terminal", terminal.slave.into()),
    ])
}

fn keeps_owner(host: &Host) -> Outcome {
    for (what, file) in no_pipes(host)? {
        let failed = |why| Failure::seen(format!("{what}: {why}")).elsewhere();
        let before = file.metadata().map_err(failed)?.uid();
        let invocation = host.run(&["probe", "hold"]);
        let invocation = invocation.option("--user").option(ASKED);
        let given = file.try_clone().map_err(failed)?;
        let container = invocation.stderr(given).hold()?;
        let after = file.metadata().map_err(failed)?.uid();
        if before != after {
            return Err(Failure::seen(format!("{what} belongs to user {after}"))
                .expected(format!(
                    "{what} given as 2 belongs to user {before}, as before"
                ))
                .at(container.proc("fd/2").display().to_string())
                .into());
        }
    }
    Ok(())
}

/// The same of a program that everybody has, and not only of the checks' own.
fn user_of_a_shell(host: &Host) -> Outcome {
    let container = host.shell().option("--user").option(ASKED).hold_shell()?;
    let wanted = [("Uid", "2014"), ("Gid", "222"), ("Groups", "")];
    for (key, expected) in wanted {
        let line = procfs::status(container.pid, key)?;
        let is_it = |word: &str| word.trim_start_matches('0') == expected.trim_start_matches('0');
        if !line.split_whitespace().all(is_it) {
            return Err(status_failure(
                &container,
                format!("{key}: {line}, and the command is a shell"),
            )
            .expected("another command is the same user, with the same rights")
            .usually("what is done for the command depends on what the command is")
            .into());
        }
    }
    Ok(())
}

fn no_such_user(host: &Host) -> Outcome {
    for user in [
        "root",
        "-1",
        "4294967295",
        "99999999999",
        "1:",
        ":1",
        "1:2:3",
        "",
    ] {
        let invocation = host.run(&["probe", "exit", "0"]);
        let invocation = invocation.option("--user").option(user);
        expect_refusal(host, invocation)?;
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    // So that it shows whether they were given up.
    linux_sys::setgroups(&[6, 998].map(Gid::from_raw))
        .map_err(|why| Failure::seen(why.to_string()).elsewhere())?;
    refusals::stop_the_command(host, 10, &["--user", ASKED])
}
