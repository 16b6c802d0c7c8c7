//! Level 02: a mount namespace of its own, and devices of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use linux_sys::{MntFlags, MsFlags};
use nix::libc::{O_NOCTTY, O_NONBLOCK};

use super::l00::IN_A_CHILD;
use super::l01::{
    BY_THE_PARENT, ROOT_IS_IMAGE, covered, expect_devices, expect_options, mounted_by_the_parent,
    names, no_longer_shared, only_propagation, show_device,
};
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Container;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::mount_tree::DEVICES;
use crate::procfs;

const OWN_NAMESPACE: &str = "the command has a mount namespace of its own";
const OWN_DEV: &str = "/dev is a tmpfs of the container's own";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 2,
    checks: &[
        Check {
            name: OWN_NAMESPACE,
            step: 1,
            usually: "unshare(CLONE_NEWNS) is missing in the child",
            needs: &[IN_A_CHILD],
            run: own_namespace,
        },
        Check {
            name: "the container's mounts do not appear on the host",
            step: 2,
            usually: "propagation was left shared: mount(\"\", \"/\", MS_REC|MS_PRIVATE) is \
                      missing, or comes after the container's first mount, or both calls come \
                      after the first mount",
            needs: &[],
            run: nothing_leaks_out,
        },
        Check {
            name: "a later mount of the host does not appear in the container",
            step: 2,
            usually: "propagation is shared or slave: only MS_PRIVATE, with MS_REC, cuts it in \
                      both directions",
            needs: &[],
            run: nothing_leaks_in,
        },
        Check {
            name: "no mount in the container's namespace is shared",
            step: 2,
            usually: "MS_REC was forgotten, so that only the mount at / became private; or a \
                      directory was made private that is no mount point",
            needs: &[],
            run: nothing_shared,
        },
        Check {
            name: OWN_DEV,
            step: 3,
            usually: "devtmpfs is still mounted on /dev: there is only one in the whole \
                      machine, with all of its devices",
            needs: &[ROOT_IS_IMAGE],
            run: own_dev,
        },
        Check {
            name: "null, zero, full, random, urandom and tty are there for everybody",
            step: 3,
            usually: "mknod is missing or has other numbers",
            needs: &[OWN_DEV],
            run: nodes,
        },
        Check {
            name: "the host's other devices are not in /dev",
            step: 3,
            usually: "the host's /dev was copied or bound instead of making the few nodes needed",
            needs: &[OWN_DEV],
            run: no_other_devices,
        },
        Check {
            name: "/dev/pts is an instance of its own",
            step: 3,
            usually: "devpts was not mounted, or without newinstance on a kernel before 4.7: \
                      the container would see the host's terminals",
            needs: &[OWN_DEV],
            run: own_devpts,
        },
        Check {
            name: "/dev has fd, stdin, stdout, stderr, ptmx and shm",
            step: 3,
            usually: "the links were forgotten: shells use /dev/fd, terminals /dev/ptmx, and \
                      shm_open /dev/shm",
            needs: &[OWN_DEV],
            run: links,
        },
        Check {
            name: "what is in /dev is limited, in bytes and in files",
            step: 3,
            usually: "size= or nr_inodes= was left out of the data of a tmpfs: without them it \
                      grows to half of the machine's memory, and empty files count as none",
            needs: &[OWN_DEV],
            run: limited,
        },
        refusals::check(
            "a container without mounts of its own does not run",
            1,
            refused_calls,
        ),
    ],
    calls: &[
        ("unshare(", "", 1),
        ("mount(\"\", \"/\"", "", 2),
        ("mknod(", "", 3),
        ("symlink(", "", 3),
        ("mount(\"devpts\"", "", 3),
        ("mount(\"shm\"", "", 3),
        ("mount(\"tmpfs\"", "", 3),
    ],
};

fn own_namespace(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let path = container.proc("ns/mnt");
    let inner = procfs::identity(&path)?;
    if inner == procfs::identity("/proc/1/ns/mnt")? {
        return Err(Failure::seen("it is in the host's")
            .expected("its mount namespace is another than the host's")
            .at(format!("{} and /proc/1/ns/mnt", path.display()))
            .into());
    }
    let parent = procfs::path(container.level(), "ns/mnt");
    if inner != procfs::identity(&parent)? {
        return Ok(());
    }
    Err(Failure::seen("the level's own process is in it too")
        .expected("only the child is in the new mount namespace")
        .at(format!("{} and {}", path.display(), parent.display()))
        .usually("unshare was called before fork: the parent must stay on the host to clean up")
        .into())
}

fn nothing_leaks_out(host: &Host) -> Outcome {
    let before = host.mounts()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let after = host.mounts()?;
    let new: Vec<_> = after
        .iter()
        .filter(|mount| !before.contains(mount))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    if only_propagation(&before, &new) {
        return Err(no_longer_shared("while the container runs").into());
    }
    let seen = procfs::name_mounts(new.iter().copied());
    let failure = Failure::seen(format!("the host sees {seen}"))
        .expected("while the container runs, the host's mounts are what they were before")
        .at("/proc/1/mountinfo");
    if mounted_by_the_parent(host, &new) {
        return Err(failure.step(4, 2).usually(BY_THE_PARENT).into());
    }
    // If the mount at / is private and these are not, it is known what was forgotten.
    let all = container.all_mounts()?;
    let root = procfs::mounted_at(&all, "/");
    Err(match root {
        Some(_) if all.iter().all(|mount| mount.propagation.is_empty()) => failure.usually(
            "propagation was cut too late, after the container's first mount, or both calls \
             come after the first mount: what is mounted before is mounted on the host, too",
        ),
        Some(root) if root.propagation.is_empty() => failure.usually(
            "MS_REC was forgotten: the mount at / was made private, but not the mounts below \
             it, and the container's directory lies on one of those",
        ),
        _ => failure,
    }
    .into())
}

fn nothing_leaks_in(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let later = host.path("later");
    let failed = |why: &dyn std::fmt::Display| -> Finding {
        Failure::seen(format!(
            "the check could not mount {}: {why}",
            later.display()
        ))
        .into()
    };
    fs::create_dir(&later).map_err(|why| failed(&why))?;
    linux_sys::mount("later", &later, "tmpfs", MsFlags::empty(), "size=4k")
        .map_err(|why| failed(&why))?;
    let all = container.all_mounts()?;
    let found = all
        .iter()
        .find(|mount| mount.point.ends_with("later") && mount.fstype == "tmpfs");
    let _ = linux_sys::umount2(&later, MntFlags::MNT_DETACH);
    let Some(mount) = found else { return Ok(()) };
    Err(
        Failure::seen(format!("it is there: {}", mount.point.display()))
            .expected(format!(
                "what the host mounts on {} while the container runs stays out of it",
                later.display()
            ))
            .at(format!(
                "mountinfo at the root of {}",
                container.proc("ns/mnt").display()
            ))
            .into(),
    )
}

fn nothing_shared(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let all = container.all_mounts()?;
    let shared: Vec<_> = all
        .iter()
        .filter(|mount| mount.propagation.contains("shared:"))
        .collect();
    if shared.is_empty() {
        return Ok(());
    }
    // Once the host's tree is gone, what is left may be shared for lack of MS_REC alone.
    let nothing_private = host.judged() < 3 && shared.len() == all.len();
    let failure = Failure::seen(format!("shared are {}", procfs::name_mounts(shared)))
        .expected("every mount in the container's namespace is private")
        .at(format!(
            "mountinfo at the root of {}",
            container.proc("ns/mnt").display()
        ));
    Err(match nothing_private {
        true => failure
            .usually("no mount was made private: mount(\"\", \"/\", MS_REC|MS_PRIVATE) is missing"),
        false => failure,
    }
    .into())
}

fn own_dev(host: &Host) -> Outcome {
    // Before the container starts: what leaks out of it then is another check's matter.
    let on_host = host.mounts()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    let seen = match procfs::mounted_at(&mounts, "/dev") {
        Some(mount) if mount.fstype != "tmpfs" => format!("a {}", mount.fstype),
        Some(mount) if on_host.iter().any(|other| other.device == mount.device) => {
            format!(
                "a tmpfs, but the host has the same one (device {})",
                mount.device
            )
        }
        Some(_) => return roots_alone(&container),
        None => format!("no mount; there are {}", procfs::name_mounts(&mounts)),
    };
    let failure = Failure::seen(seen)
        .expected("a new tmpfs is mounted on the container's /dev")
        .at(container.proc("mountinfo").display().to_string());
    Err(covered(&container, &mounts, failure).into())
}

/// A process that may write to /dev can put another file in the place of a device. Every
/// process may, unless the mount says otherwise: a tmpfs has mode 1777 (tmpfs(5)).
fn roots_alone(container: &Container) -> Outcome {
    const READ_AND_ENTER: u32 = 0o555;
    const WRITE: u32 = 0o022;
    let path = container.inside("dev");
    let file = procfs::stat(&path)?;
    let mode = file.mode() & 0o7777;
    if mode & (READ_AND_ENTER | WRITE) == READ_AND_ENTER && file.uid() == 0 {
        return Ok(());
    }
    Err(
        Failure::seen(format!("owner {}, mode {mode:04o}", file.uid()))
            .expected("/dev belongs to root, who alone may write to it, and has mode 0755")
            .at(path.display().to_string())
            .usually("mode=755 is missing in the data of the tmpfs: it has mode 1777 then")
            .into(),
    )
}

fn nodes(host: &Host) -> Outcome {
    // Careless and careful callers: neither umask may show in the result.
    for umask in [0o077, 0] {
        let container = host.run(&["probe", "hold"]).umask(umask).hold()?;
        expect_devices(&container, "/dev")?;
        let (mut wanted, mut seen, mut is_narrowed) = (Vec::new(), Vec::new(), true);
        for (name, major, minor) in DEVICES {
            let Err(Odd { what, is_mode }) = node(&container, name, (major, minor)) else {
                continue;
            };
            wanted.push(format!("{name} {major}:{minor}"));
            seen.push(format!("/dev/{name} {what}"));
            is_narrowed &= is_mode;
        }
        if seen.is_empty() {
            continue;
        }
        let failure = Failure::seen(format!(
            "{}, with a umask of {umask:03o}",
            procfs::few(seen, DEVICES.len())
        ))
        .expected(format!(
            "character devices of root's with mode 0666, whatever the umask: {}",
            wanted.join(", ")
        ))
        .at(container.inside("dev").display().to_string());
        return Err(match is_narrowed {
            true => failure.usually("the mode was cut by the umask, which mknod obeys"),
            false => failure,
        }
        .into());
    }
    Ok(())
}

/// What is wrong with a device node.
struct Odd {
    what: String,
    /// Whether nothing but the node's mode is wrong.
    is_mode: bool,
}

fn node(container: &Container, name: &str, (major, minor): (u64, u64)) -> Result<(), Odd> {
    let odd = |what: String| Odd {
        what,
        is_mode: false,
    };
    let file = fs::symlink_metadata(container.inside(&format!("dev/{name}")))
        .map_err(|_| odd("is missing".to_owned()))?;
    if !file.file_type().is_char_device() {
        return Err(odd("is no character device".to_owned()));
    }
    if file.rdev() != linux_sys::makedev(major, minor) {
        return Err(odd(format!("is {}", show_device(file.rdev()))));
    }
    // Its owner may change its mode, and take a device that every user needs for themselves.
    if file.uid() != 0 {
        return Err(odd(format!("belongs to user {}", file.uid())));
    }
    match file.mode() & 0o7777 {
        0o666 => Ok(()),
        mode => Err(Odd {
            what: format!("has mode {mode:04o}"),
            is_mode: true,
        }),
    }
}

fn no_other_devices(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let device = |path: &str| procfs::stat(container.inside(path)).map(|it| it.dev()).ok();
    // Without a mount of its own, pts is a directory as any other.
    let terminals = device("dev/pts").filter(|it| Some(*it) != device("dev"));
    let mut others = Vec::new();
    let is_harmless = |file: &fs::Metadata| {
        let is = |major, minor| file.rdev() == linux_sys::makedev(major, minor);
        let mut known = DEVICES.iter();
        // A ptmx opens a new terminal, in the devpts beside it (filesystems/devpts.rst). A
        // terminal is the container's if its node is in the container's devpts, wherever it
        // was bound to.
        let is_terminal = terminals == Some(file.dev());
        known.any(|(_, major, minor)| is(*major, *minor)) || is(5, 2) || is_terminal
    };
    devices(
        &container.inside("dev"),
        Path::new("/dev"),
        &is_harmless,
        &mut others,
    )?;
    if others.is_empty() {
        return Ok(());
    }
    let is_console = |other: &String| other.ends_with(CONSOLE);
    let failure = Failure::seen(procfs::few(others.clone(), 8))
        .expected("no device beyond null, zero, full, random, urandom, tty and pseudo-terminals")
        .at(container.inside("dev").display().to_string());
    Err(match others.iter().all(is_console) {
        true => failure.usually(
            "a node was made with the numbers 5 and 1, and that is the host's console, wherever it \
             lies: what other runtimes have at /dev/console is a pseudo-terminal, bound there",
        ),
        false => failure,
    }
    .into())
}

const CONSOLE: &str = " (5:1)";

/// Devices below `directory` that a container has no business with.
fn devices(
    directory: &Path,
    shown: &Path,
    is_harmless: &impl Fn(&fs::Metadata) -> bool,
    others: &mut Vec<String>,
) -> Result<(), Failure> {
    for name in names(directory)? {
        let (path, shown) = (directory.join(&name), shown.join(&name));
        let Ok(file) = fs::symlink_metadata(&path) else {
            continue;
        };
        if file.is_dir() {
            devices(&path, &shown, is_harmless, others)?;
        }
        let kind = file.file_type();
        if kind.is_block_device() || kind.is_char_device() && !is_harmless(&file) {
            others.push(format!(
                "{} ({})",
                shown.display(),
                show_device(file.rdev())
            ));
        }
    }
    Ok(())
}

fn own_devpts(host: &Host) -> Outcome {
    let on_host = host.mounts()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    let seen = match procfs::mounted_at(&mounts, "/dev/pts") {
        None => "nothing is mounted there".to_owned(),
        Some(mount) if mount.fstype != "devpts" => format!("a {}", mount.fstype),
        Some(mount) if on_host.iter().any(|other| other.device == mount.device) => {
            format!("the host's own instance (device {})", mount.device)
        }
        Some(mount) => return terminals(&container, mount),
    };
    Err(Failure::seen(seen)
        .expected("a devpts that is not the host's is mounted on the container's /dev/pts")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

/// Each terminal is its owner's to read, and group tty's to write to: mode=0620,gid=5.
fn terminals(container: &Container, mount: &procfs::Mount) -> Outcome {
    const TTY: u32 = 5;
    expect_devices(container, "/dev/pts")?;
    expect_options(container, "/dev/pts", &["nosuid", "noexec"])?;
    // What is not told is what a devpts has by itself: nothing for the group, which is the
    // opener's own.
    let mode = option(mount, "mode").and_then(|it| u32::from_str_radix(it, 8).ok());
    let mode = mode.unwrap_or(0o600);
    let group = option(mount, "gid").and_then(|it| it.parse().ok());
    let failure = Failure::seen(format!("its options are {}", mount.super_options))
        .expected(
            "a terminal is its owner's to read and write, group tty's (gid=5) to write at most, \
             and no other user's: mode=0620,gid=5",
        )
        .at(container.proc("mountinfo").display().to_string());
    if mode & 0o600 != 0o600 || mode & !0o620 != 0 {
        return Err(failure
            .usually(
                "mode= in the data of devpts has other bits than 0620: a process that may read a \
                 terminal's node can take what is typed there",
            )
            .into());
    }
    if mode & 0o020 != 0 && group != Some(TTY) {
        return Err(failure
            .usually(
                "gid=5 is missing in the data of devpts: the group that may write to a terminal \
                 is then that of the process that opens it",
            )
            .into());
    }
    Ok(())
}

/// The limits of a tmpfs stand in its options where they are not half of the memory
/// (tmpfs(5)). What is more than this is as good as none.
const LIMITS: [(&str, u64); 2] = [("size", 1 << 20), ("nr_inodes", 1 << 20)];

fn limited(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    // A file that is bound there, such as a device, brings no file system to fill.
    let in_dev = |it: &&procfs::Mount| {
        it.fstype == "tmpfs" && it.point.starts_with("/dev") && it.root == "/"
    };
    for mount in mounts.iter().filter(in_dev) {
        for (name, most) in LIMITS {
            if limit(mount, name).is_some_and(|it| (1..=most).contains(&it)) {
                continue;
            }
            return Err(Failure::seen(format!(
                "{} has the options {}",
                mount.point.display(),
                mount.super_options
            ))
            .expected(format!(
                "a limit {name}= of each tmpfs in /dev, and one that is felt"
            ))
            .at(container.proc("mountinfo").display().to_string())
            .into());
        }
    }
    Ok(())
}

/// `size` is told in kilobytes: `size=64k`.
pub(super) fn limit(mount: &procfs::Mount, name: &str) -> Option<u64> {
    option(mount, name)?.trim_end_matches('k').parse().ok()
}

/// The value of an option of the file system.
fn option<'a>(mount: &'a procfs::Mount, name: &str) -> Option<&'a str> {
    let mut options = mount.super_options.split(',');
    options.find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
}

fn links(host: &Host) -> Outcome {
    let on_host = host.mounts()?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let wanted = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    let (mut missing, mut seen) = (Vec::new(), Vec::new());
    for (name, target) in wanted {
        let path = format!("/dev/{name}");
        let found = leads_to(&container, &path);
        if found == Path::new(target) {
            continue;
        }
        seen.push(match fs::symlink_metadata(container.inside(&path)) {
            Ok(file) if file.is_symlink() => format!("{path} leads to {}", found.display()),
            Ok(_) => format!("{path} is no link"),
            Err(_) => format!("{path} is missing"),
        });
        missing.push(format!("{path} leads to {target}"));
    }
    if !seen.is_empty() {
        return Err(Failure::seen(seen.join(", "))
            .expected(missing.join(", "))
            .at(container.inside("dev").display().to_string())
            .into());
    }
    ptmx(&container)?;
    shm(&container, &on_host)
}

/// Where a path of the container's leads, link by link. Not by the kernel, for whom an absolute
/// link that we follow begins on the host, and `/proc/self` is us.
fn leads_to(container: &Container, path: &str) -> PathBuf {
    // As many as the kernel follows (path_resolution(7)).
    const MOST: u32 = 40;
    let parts = |path: &Path| -> Vec<_> { path.iter().rev().map(OsStr::to_owned).collect() };
    let (mut left, mut reached, mut followed) = (parts(Path::new(path)), PathBuf::from("/"), 0);
    while let Some(part) = left.pop() {
        match part.as_encoded_bytes() {
            b"/" => reached = PathBuf::from("/"),
            b"." => {}
            b".." => drop(reached.pop()),
            _ => {
                let next = reached.join(part);
                // `self` and its files are those of the process that follows the link.
                let is_ones_own = next.starts_with("/proc/self");
                match fs::read_link(container.inside(&next.display().to_string())) {
                    Ok(target) if !is_ones_own && followed < MOST => {
                        followed += 1;
                        left.extend(parts(&target));
                    }
                    _ => reached = next,
                }
            }
        }
    }
    reached
}

/// A link to pts/ptmx, a node, or a node bound: what counts is where it leads, which users may
/// open it, and that this makes a terminal in the container's devpts.
fn ptmx(container: &Container) -> Outcome {
    let found = leads_to(container, "/dev/ptmx");
    let path = container.inside(&found.display().to_string());
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected("/dev/ptmx is, or leads to, character device 5:2 with mode 0666")
            .at(path.display().to_string())
            .usually("the link ptmx -> pts/ptmx is missing, or devpts lacks ptmxmode=0666")
    };
    let is_usable = fs::symlink_metadata(&path)
        .is_ok_and(|file| file.rdev() == linux_sys::makedev(5, 2) && file.mode() & 0o666 == 0o666);
    if !is_usable {
        return Err(failure("it is not, or not for everybody".to_owned()).into());
    }
    let terminals = || names(&container.inside("dev/pts")).map(|names| names.len());
    let before = terminals()?;
    let opened = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_NOCTTY | O_NONBLOCK)
        .open(&path);
    let seen = match opened {
        Err(why) => format!("it cannot be opened: {why}"),
        Ok(_terminal) if terminals()? > before => return Ok(()),
        Ok(_) => "the terminal that opens with it is not in the container's /dev/pts".to_owned(),
    };
    Err(failure(seen)
        .expected("who opens /dev/ptmx gets a new terminal in the container's /dev/pts")
        .usually(
            "/dev/ptmx is another devpts' than the one on /dev/pts, perhaps the host's: link it \
             to pts/ptmx",
        )
        .into())
}

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 2, &[])
}
fn shm(container: &Container, on_host: &[procfs::Mount]) -> Outcome {
    let found = leads_to(container, "/dev/shm").display().to_string();
    let path = container.inside(&found);
    let mounts = container.mounts()?;
    let mount = procfs::mounted_at(&mounts, &found);
    let devs = procfs::mounted_at(&mounts, "/dev");
    let is_hosts = |mount: &procfs::Mount| on_host.iter().any(|it| it.device == mount.device);
    let (seen, usually) = match (fs::symlink_metadata(&path), mount) {
        (Err(_), _) => ("it is missing".to_owned(), NO_SHM),
        (Ok(file), _) if !file.is_dir() => ("it is no directory".to_owned(), NO_SHM),
        (Ok(_), None) => ("nothing is mounted there".to_owned(), NO_SHM),
        (_, Some(mount)) if is_hosts(mount) => (
            format!("the host's own {} ({})", mount.fstype, mount.device),
            NO_SHM,
        ),
        (_, Some(mount)) if mount.fstype != "tmpfs" => (format!("a {}", mount.fstype), NO_SHM),
        (_, Some(mount)) if Some(&mount.device) == devs.map(|it| &it.device) => {
            ("/dev itself, a second time".to_owned(), NO_SHM)
        }
        (Ok(file), _) if file.mode() & 0o7777 != 0o1777 => {
            (format!("its mode is {:04o}", file.mode() & 0o7777), NO_MODE)
        }
        _ => {
            let wanted = ["nosuid", "nodev", "noexec"];
            return Ok(expect_options(container, &found, &wanted)?);
        }
    };
    Err(Failure::seen(seen)
        .expected("a tmpfs of its own is mounted on /dev/shm, with mode 1777")
        .at(path.display().to_string())
        .usually(usually)
        .into())
}

const NO_SHM: &str = "no tmpfs was mounted on /dev/shm, for shared memory (shm_open(3)) alone: in \
                      /dev's own it would share the few kilobytes that are enough for nodes, and \
                      in the host's with the host";

const NO_MODE: &str = "the tmpfs lacks mode=1777: every user may make files there, and none may \
                       remove another's";
