//! Level 20: nobody on the host.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, chown};
use std::path::PathBuf;

use linux_sys::makedev;
use nix::libc::SIGTERM;

use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Diagnosis, Failure, Finding, Outcome};
use crate::host::{Host, Invocation};
use crate::ordinary::{self, GROUP, USER};
use crate::{process, procfs};

const NOBODY: &str = "with --userns the container's root is nobody on the host";
const ROOT: &str = "an ordinary user gets a container, and is its root";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 20,
    checks: &[
        Check {
            name: ROOT,
            step: 2,
            usually: "the level's process is in no user namespace of its own: unshare(CLONE_NEWUSER) \
                      is missing, or nobody has told the helper, or nobody waits for it",
            needs: &[],
            run: root,
        },
        Check {
            name: "the map has that user's own number, and no other",
            step: 3,
            usually: "uid_map and gid_map are `given::write_map(parent, NAME, ranges)`, each with its \
                      own ranges; before the groups an ordinary user writes \"deny\" to setgroups",
            needs: &[],
            run: own_number,
        },
        Check {
            name: "the level's process is in the namespace too, and all else of the container is its",
            step: 1,
            usually: "become_root stands too late, or only the child is in the namespace: whatever is \
                      made before belongs to the host's namespace, where we may do nothing",
            needs: &[],
            run: all_of_it,
        },
        Check {
            name: NOBODY,
            step: 3,
            usually: "the map of root comes from given::id_map: `map.users`, `map.groups`, and not \
                      a line of your own",
            needs: &[],
            run: nobody,
        },
        Check {
            name: "the level's process is root by all of its numbers, and so is its group",
            step: 2,
            usually: "setresgid and setresuid set the real, the effective and the saved number, each \
                      by itself: all three are 0, and the group comes first",
            needs: &[],
            run: all_numbers,
        },
        Check {
            name: "no helper is left, and no end of its pipe",
            step: 2,
            usually: "the helper has not been waited for: it is a zombie then. Or the parent's end of \
                      the pipe is not closed by an exec",
            needs: &[],
            run: no_helper,
        },
        Check {
            name: "called by root without --userns, the container has the host's numbers, as ever",
            step: 1,
            usually: "the namespace was made whether there is a map or not: `if let Some(map)`",
            needs: &[],
            run: without,
        },
        Check {
            name: "without root its devices are there, and are the host's",
            step: 4,
            usually: "mknod is refused there: `given::create_file`, and the host's device is bound \
                      over it",
            needs: &[],
            run: devices,
        },
        Check {
            name: "a directory of the image can be removed and made anew",
            step: 5,
            usually: "the overlay is mounted without `userxattr`: it has nowhere to write down that \
                      the new directory hides the old one, and mkdir is EIO",
            needs: &[NOBODY],
            run: replaced,
        },
        Check {
            name: "with --security-opt no-new-privileges no exec gives more, and without it as ever",
            step: 6,
            usually: "set_no_new_privs() is missing, or was called whether it was asked for or not",
            needs: &[],
            run: no_new_privileges,
        },
        Check {
            name: "a limit that this user cannot have is refused, and never ignored",
            step: 1,
            usually: "the limits are made before become_root, or their errors are thrown away",
            needs: &[],
            run: no_limit,
        },
        refusals::check(
            "a container whose user namespace is refused does not run",
            2,
            refused_calls,
        ),
    ],
    calls: &[
        ("unshare(CLONE_NEWUSER)", "", 2),
        ("setresgid(0, 0, 0)", "", 2),
        ("setresuid(0, 0, 0)", "", 2),
        ("uid_map", "", 3),
        ("gid_map", "", 3),
        ("mount(\"/dev/", "\", \"\", MS_BIND,", 4),
    ],
};

/// What the errors of a level mean that has no root, and is not root of a namespace yet.
pub(super) fn diagnose(errors: &str) -> Option<Diagnosis> {
    let is_outside = errors.contains("only root may give files away")
        || (errors.contains("clone(CLONE_NEWNS") && errors.contains("EPERM"));
    if is_outside {
        return Some(Diagnosis {
            step: (20, 2),
            usually: "the level's process is an ordinary user still: before all else it becomes root \
                      of a user namespace of its own, and then unpacking and clone are allowed",
        });
    }
    if errors.contains("mknod(") && errors.contains("EPERM") {
        return Some(Diagnosis {
            step: (20, 4),
            usually: "in a user namespace nobody makes a device node, its root neither: \
                      `given::create_file`, and the host's own device bound over it",
        });
    }
    // 65534 is who has no number in the namespace (user_namespaces(7)).
    errors.contains("belongs to user 65534").then_some(Diagnosis {
        step: (20, 1),
        usually: "the level's process is in a user namespace that does not have the user whose store \
                  it is: was one asked for (`if let Some(map)`), and are its numbers the map's?",
    })
}

/// A program that this user may start, and a home with nothing in it.
pub(super) struct Ordinary {
    host: Host,
    home: PathBuf,
}

impl Ordinary {
    pub(super) fn new(host: &Host) -> Result<Ordinary, Finding> {
        let broken = |why: std::io::Error| {
            Failure::seen(format!("a home for an ordinary user: {why}")).elsewhere()
        };
        // The level's own may lie in a directory that is closed to all but its owner.
        let host = host.with_program_of_its_own().map_err(broken)?;
        let home = host.path("own-home");
        fs::DirBuilder::new()
            .mode(0o755)
            .create(&home)
            .and_then(|()| chown(&home, Some(USER), Some(GROUP)))
            .map_err(broken)?;
        let forbidden = "/proc/sys/user/max_user_namespaces";
        if procfs::read_text(forbidden).is_ok_and(|it| it.trim() == "0") {
            return Err(Finding::Skip(format!("{forbidden} is 0")));
        }
        Ok(Ordinary { host, home })
    }

    pub(super) fn run(&self, command: &[&str]) -> Invocation<'_> {
        self.host
            .run(command)
            .variable("HOME", &self.home)
            .variable("RUBBER_DOCKER_CONTAINERS", self.home.join("containers"))
            .by_ordinary_user()
    }
}

/// Root asks for it. The store is one that no other check looks at.
fn mapped<'a>(host: &'a Host, command: &[&str]) -> Invocation<'a> {
    host.run(command)
        .option("--userns")
        .variable("RUBBER_DOCKER_CONTAINERS", host.path("mapped/containers"))
}

const HOLD: [&str; 2] = ["probe", "hold"];

fn at(pid: i32, file: &str) -> String {
    procfs::path(pid, file).display().to_string()
}

/// The ranges of a map: inside, outside, how many.
pub(super) fn map(pid: i32, file: &str) -> Result<Vec<[u32; 3]>, Failure> {
    let path = procfs::path(pid, file);
    let text = procfs::read_text(&path)?;
    let line = |line: &str| {
        let numbers: Result<Vec<u32>, _> = line.split_whitespace().map(str::parse).collect();
        numbers.ok()?.try_into().ok()
    };
    Ok(text.lines().filter_map(line).collect())
}

fn namespace(pid: i32, kind: &str) -> Result<(u64, u64), Failure> {
    procfs::identity(procfs::path(pid, &format!("ns/{kind}")))
}

/// The numbers of a line of `status`: real, effective, saved, and that of files.
fn numbers(pid: i32, key: &str) -> Result<Vec<u32>, Failure> {
    let text = procfs::status(pid, key)?;
    Ok(text
        .split_whitespace()
        .filter_map(|it| it.parse().ok())
        .collect())
}

fn root(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    let container = user.run(&HOLD).hold()?;
    let (pid, level) = (container.pid, container.level());
    if namespace(pid, "user")? == namespace(1, "user")? {
        return Err(Failure::seen("the command is in the host's user namespace")
            .expected("it is in one that the level has made")
            .at(at(pid, "ns/user"))
            .into());
    }
    for process in [pid, level] {
        let found = numbers(process, "Uid")?;
        if found != [USER; 4] {
            return Err(
                Failure::seen(format!("seen from the host it is user {found:?}"))
                    .expected(format!("{USER}, the user who has started it"))
                    .at(at(process, "status"))
                    .into(),
            );
        }
    }
    container.end()?;
    Ok(())
}

fn own_number(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    let container = user.run(&HOLD).hold()?;
    let pid = container.pid;
    for (file, own) in [("uid_map", USER), ("gid_map", GROUP)] {
        let found = map(pid, file)?;
        // Where /etc/subuid knows of this number, there are others behind it.
        if found.first() != Some(&[0, own, 1]) {
            return Err(Failure::seen(format!("the map is {found:?}"))
                .expected(format!("its 0 is {own} outside: `0 {own} 1`"))
                .at(at(pid, file))
                .into());
        }
    }
    let denied = procfs::read_text(procfs::path(pid, "setgroups"))?;
    if map(pid, "gid_map")?.len() == 1 && denied.trim() != "deny" {
        return Err(Failure::seen(format!("setgroups says {denied:?}"))
            .expected("deny: without that, leaving a group could open a file")
            .at(at(pid, "setgroups"))
            .into());
    }
    container.end()?;
    Ok(())
}

fn all_of_it(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    let container = user.run(&HOLD).hold()?;
    let (pid, level) = (container.pid, container.level());
    let (own, parents) = (namespace(pid, "user")?, namespace(level, "user")?);
    if own != parents {
        return Err(Failure::seen(format!(
            "the command is in user namespace {}, its parent in {}",
            own.1, parents.1
        ))
        .expected("both are in one, which the parent has made before all else")
        .at(at(level, "ns/user"))
        .into());
    }
    for kind in ["mnt", "uts", "ipc", "pid", "net", "cgroup"] {
        if namespace(pid, kind)? == namespace(1, kind)? {
            return Err(Failure::seen(format!("its {kind} namespace is the host's"))
                .expected("it is the container's own, as ever")
                .at(at(pid, &format!("ns/{kind}")))
                .into());
        }
    }
    container.end()?;
    // A number 1 of the level's own was executed before there was the namespace, and its parent
    // may not look into it.
    let command = ["probe", "start", "hold", "then", "pause"];
    let container = user.run(&command).option("--init").hold()?;
    process::send(container.level(), SIGTERM)?;
    let ended = container.end()?;
    let is_told_otherwise = ended.errors.contains("SIGKILL follows");
    if is_told_otherwise || ended.code() != Some(128 + SIGTERM) {
        return Err(Failure::seen(ended.describe())
            .expected("with --init a SIGTERM comes to the command, and ends it: status 143")
            .at("wait status and standard error of the level's process")
            .elsewhere()
            .into());
    }
    Ok(())
}

fn nobody(host: &Host) -> Outcome {
    let container = mapped(host, &HOLD).hold()?;
    let pid = container.pid;
    for file in ["uid_map", "gid_map"] {
        let found = map(pid, file)?;
        let has_root = found.iter().any(|[_, outside, _]| *outside == 0);
        if found.is_empty() || has_root {
            return Err(Failure::seen(format!("the map is {found:?}"))
                .expected("numbers that are nobody's on the host, and not 0")
                .at(at(pid, file))
                .into());
        }
    }
    for key in ["Uid", "Gid"] {
        let found = numbers(pid, key)?;
        if found.contains(&0) {
            return Err(
                Failure::seen(format!("seen from the host, its {key} is {found:?}"))
                    .expected("no 0 among them")
                    .at(at(pid, "status"))
                    .into(),
            );
        }
    }
    container.end()?;
    Ok(())
}

fn all_numbers(host: &Host) -> Outcome {
    let container = mapped(host, &HOLD).hold()?;
    let level = container.level();
    for (key, file) in [("Gid", "gid_map"), ("Uid", "uid_map")] {
        let Some([_, outside, _]) = map(level, file)?.first().copied() else {
            return Err(Failure::seen("the map is empty").at(at(level, file)).into());
        };
        let found = numbers(level, key)?;
        if found != [outside; 4] {
            return Err(
                Failure::seen(format!("{key}, as the host sees it: {found:?}"))
                    .expected(format!("four times {outside}, which is 0 in the namespace"))
                    .at(at(level, "status"))
                    .into(),
            );
        }
    }
    container.end()?;
    Ok(())
}

fn no_helper(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    for container in [user.run(&HOLD).hold()?, mapped(host, &HOLD).hold()?] {
        let children = process::children(container.level());
        if children.len() != 1 {
            return Err(Failure::seen(format!("it has {} children", children.len()))
                .expected("one, the container: the helper has ended, and was waited for")
                .at(format!("/proc/{0}/task/{0}/children", container.level()))
                .into());
        }
        container.end()?;
    }
    Ok(())
}

fn without(host: &Host) -> Outcome {
    let container = host.run(&HOLD).hold()?;
    let pid = container.pid;
    if namespace(pid, "user")? != namespace(1, "user")? {
        return Err(
            Failure::seen("the command is in a user namespace of its own")
                .expected("it is in the host's: root has not asked for another one")
                .at(at(pid, "ns/user"))
                .into(),
        );
    }
    container.end()?;
    Ok(())
}

const DEVICES: [(&str, u64, u64); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

fn devices(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    let container = user.run(&HOLD).hold()?;
    for (name, major, minor) in DEVICES {
        let path = container.inside(&format!("/dev/{name}"));
        let file = procfs::stat(&path)?;
        let is_right = file.file_type().is_char_device() && file.rdev() == makedev(major, minor);
        if !is_right {
            return Err(Failure::seen(format!(
                "/dev/{name} is no device, or another one: mode {:o}, number {:#x}",
                file.mode(),
                file.rdev()
            ))
            .expected(format!("the character device {major}:{minor}"))
            .at(path.display().to_string())
            .into());
        }
    }
    container.end()?;
    // There it is a node; that it opens is another matter.
    let ended = user
        .run(&[
            "probe",
            "write",
            "/dev/null",
            "then",
            "open",
            "/dev/zero",
            "then",
            "exit",
            "7",
        ])
        .finish()?;
    if ended.code() != Some(7) {
        return Err(Failure::seen(ended.describe())
            .expected("/dev/null and /dev/zero open")
            .at("wait status of the level's process")
            .into());
    }
    // Who may make nodes is guarded against them, but for here: a node that is made in a user
    // namespace opens nothing.
    let with_mknod = user.run(&["probe", "exit", "7"]).option("--cap-add=MKNOD");
    let ended = with_mknod.finish()?;
    if ended.code() != Some(7) {
        return Err(Failure::seen(ended.describe())
            .expected(
                "it runs, and with CAP_MKNOD no less: in a user namespace a node opens nothing",
            )
            .at("wait status of the level's process")
            .usually(
                "`devices::guard` is called in a user namespace as well, where nobody may attach a \
                 program: not if `given::is_in_user_namespace()?`",
            )
            .into());
    }
    Ok(())
}

/// The sandbox's store is on a tmpfs, which keeps the overlay's notes since Linux 6.6 (tmpfs(5)).
fn keeps_notes() -> bool {
    let release = procfs::read_text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(|it: char| !it.is_ascii_digit())
        .map(|it| it.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (6, 6)
}

fn replaced(host: &Host) -> Outcome {
    if !keeps_notes() {
        let why =
            "a tmpfs, which the sandbox's store is on, has no user attributes before Linux 6.6";
        return Err(Finding::Skip(why.to_owned()));
    }
    let user = Ordinary::new(host)?;
    for invocation in [
        user.run(&["probe", "replace", "/mnt", "then", "hold"]),
        mapped(host, &["probe", "replace", "/mnt", "then", "hold"]),
    ] {
        let container = invocation.hold().map_err(|failure| failure.here())?;
        let mounts = container.mounts()?;
        let is_overlay = procfs::mounted_at(&mounts, "/").is_some();
        if !is_overlay || !container.inside("/mnt").is_dir() {
            return Err(Failure::seen("there is no /mnt")
                .expected("the directory that the command has made in the place of the image's")
                .at(container.inside("/mnt").display().to_string())
                .into());
        }
        container.end()?;
    }
    Ok(())
}

fn no_new_privileges(host: &Host) -> Outcome {
    let look = |container: &Container, expected: &str| -> Outcome {
        let found = procfs::status(container.pid, "NoNewPrivs")?;
        if found == expected {
            return Ok(());
        }
        Err(Failure::seen(format!("NoNewPrivs is {found}"))
            .expected(expected)
            .at(at(container.pid, "status"))
            .into())
    };
    let option = ["--security-opt", "no-new-privileges"];
    for user in [None, Some("2014:222")] {
        let with = |options: &[&str]| {
            let mut invocation = host.run(&HOLD);
            for option in options {
                invocation = invocation.option(option);
            }
            match user {
                Some(user) => invocation.option("--user").option(user),
                None => invocation,
            }
        };
        let container = with(&option).hold()?;
        look(&container, "1")?;
        container.end()?;
    }
    let container = host.run(&HOLD).hold()?;
    // "Everything on" names the option.
    if !crate::asked_with::asked_with()
        .iter()
        .any(|it| it.contains("no-new-privileges"))
    {
        look(&container, "0")?;
    }
    container.end()?;
    Ok(())
}

fn no_limit(host: &Host) -> Outcome {
    let user = Ordinary::new(host)?;
    for option in ["--memory=64m", "--pids-limit=9", "--cpus=0.5"] {
        let ended = user.run(&["probe", "exit", "7"]).option(option).finish()?;
        if ended.code() != Some(125) {
            return Err(Failure::seen(ended.describe())
                .expected(format!(
                    "status 125: user {USER} has no control group in which {option} could stand"
                ))
                .at("wait status of the level's process")
                .into());
        }
    }
    Ok(())
}

fn refused_calls(host: &Host) -> Outcome {
    // An ordinary user has a store already. For root it is one of its own, as for `mapped`.
    let mut options = vec!["--userns"];
    let store = format!(
        "--container-dir={}",
        host.path("mapped/containers").display()
    );
    if ordinary::caller().is_none() {
        options.push(&store);
    }
    refusals::stop_the_command(host, 20, &options)
}
