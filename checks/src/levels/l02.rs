//! Level 02: a mount namespace of its own, and devices of its own.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use linux_sys::{MntFlags, MsFlags};

use super::l00::IN_A_CHILD;
use super::l01::{
    BY_THE_PARENT, ROOT_IS_IMAGE, covered, expect_devices, mounted_by_the_parent, names,
    no_longer_shared, only_propagation,
};
use crate::check::{Check, Failure, Finding, Level, Outcome};
use crate::container::Container;
use crate::host::Host;
use crate::procfs;

const OWN_NAMESPACE: &str = "the command has a mount namespace of its own";
const OWN_DEV: &str = "/dev is a tmpfs of the container's own";

pub(super) const LEVEL: Level = Level {
    number: 2,
    directory: "02_mount_ns",
    title: "a mount namespace",
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
            name: "the command has the umask of whoever called",
            step: 3,
            usually: "umask(Mode::empty()) was not undone after mknod: the command inherits it",
            needs: &[],
            run: umask,
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
        Some(_) => return Ok(()),
        None => format!("no mount; there are {}", procfs::name_mounts(&mounts)),
    };
    let failure = Failure::seen(seen)
        .expected("a new tmpfs is mounted on the container's /dev")
        .at(container.proc("mountinfo").display().to_string());
    Err(covered(&container, &mounts, failure).into())
}

const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

fn nodes(host: &Host) -> Outcome {
    // Careless and careful callers: neither umask may show in the result.
    for umask in [0o077, 0] {
        let container = host.run(&["probe", "hold"]).umask(umask).hold()?;
        expect_devices(&container, "/dev")?;
        for (name, major, minor) in NODES {
            node(&container, umask, name, (major, minor))?;
        }
    }
    Ok(())
}

fn umask(host: &Host) -> Outcome {
    // Neither the usual one nor none at all.
    const UMASK: u32 = 0o027;
    let container = host.run(&["probe", "hold"]).umask(UMASK).hold()?;
    let seen = procfs::status(container.pid, "Umask")?;
    if u32::from_str_radix(&seen, 8) == Ok(UMASK) {
        return Ok(());
    }
    Err(Failure::seen(format!("its umask is {seen}"))
        .expected(format!(
            "a umask of {UMASK:04o}, as the level was called with"
        ))
        .at(format!("{}, Umask", container.proc("status").display()))
        .into())
}

fn node(container: &Container, umask: u32, name: &str, number: (u32, u32)) -> Outcome {
    let path = container.inside(&format!("dev/{name}"));
    let (major, minor) = number;
    let failure = |seen: String| {
        Failure::seen(seen)
            .expected(format!(
                "/dev/{name} is character device {major}:{minor} with mode 0666, whatever the \
                 umask"
            ))
            .at(path.display().to_string())
    };
    let file = fs::symlink_metadata(&path).map_err(|why| failure(why.to_string()))?;
    let device = linux_sys::makedev(major.into(), minor.into());
    if !file.file_type().is_char_device() || file.rdev() != device {
        let (major, minor) = (file.rdev() >> 8 & 0xfff, file.rdev() & 0xff);
        return Err(failure(format!("it is something else: {major}:{minor}")).into());
    }
    match file.mode() & 0o7777 {
        0o666 => Ok(()),
        mode => Err(
            failure(format!("mode {mode:04o}, with a umask of {umask:03o}"))
                .usually("the mode was cut by the umask, which mknod obeys")
                .into(),
        ),
    }
}

fn no_other_devices(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let mut others = Vec::new();
    devices(&container.inside("dev"), Path::new("/dev"), &mut others)?;
    if others.is_empty() {
        return Ok(());
    }
    Err(Failure::seen(procfs::few(others, 8))
        .expected("no device beyond null, zero, full, random, urandom, tty and pseudo-terminals")
        .at(container.inside("dev").display().to_string())
        .into())
}

/// Devices below `directory` that a container has no business with.
fn devices(directory: &Path, shown: &Path, others: &mut Vec<String>) -> Result<(), Failure> {
    for name in names(directory)? {
        let (path, shown) = (directory.join(&name), shown.join(&name));
        let Ok(file) = fs::symlink_metadata(&path) else {
            continue;
        };
        if file.is_dir() {
            devices(&path, &shown, others)?;
        }
        let wanted = NODES.iter().any(|(_, major, minor)| {
            file.rdev() == linux_sys::makedev((*major).into(), (*minor).into())
        });
        // The console and ptmx, and what a devpts has: majors 136 to 143.
        let terminal = [(5, 1), (5, 2)]
            .iter()
            .any(|(major, minor)| file.rdev() == linux_sys::makedev(*major, *minor))
            || (136..=143).contains(&(file.rdev() >> 8 & 0xfff));
        let kind = file.file_type();
        if kind.is_block_device() || kind.is_char_device() && !wanted && !terminal {
            others.push(shown.display().to_string());
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
        Some(_) => return Ok(expect_devices(&container, "/dev/pts")?),
    };
    Err(Failure::seen(seen)
        .expected("a devpts that is not the host's is mounted on the container's /dev/pts")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

fn links(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let wanted = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    for (name, target) in wanted {
        let path = container.inside(&format!("dev/{name}"));
        let found = fs::read_link(&path);
        if !found.as_ref().is_ok_and(|found| found == Path::new(target)) {
            let seen = match found {
                Ok(found) => format!("it links to {}", found.display()),
                Err(why) => format!("no link: {why}"),
            };
            return Err(Failure::seen(seen)
                .expected(format!("/dev/{name} links to {target}"))
                .at(path.display().to_string())
                .into());
        }
    }
    // A link to pts/ptmx or a node: what counts is where it leads, and who may open it.
    let ptmx = container.inside("dev/ptmx");
    let is_link = fs::read_link(&ptmx).is_ok_and(|target| {
        target == Path::new("pts/ptmx") || target == Path::new("/dev/pts/ptmx")
    });
    let path = if is_link {
        container.inside("dev/pts/ptmx")
    } else {
        ptmx
    };
    let is_usable = fs::symlink_metadata(&path)
        .is_ok_and(|file| file.rdev() == linux_sys::makedev(5, 2) && file.mode() & 0o666 == 0o666);
    if !is_usable {
        return Err(Failure::seen("it is not, or not for everybody")
            .expected("/dev/ptmx is, or leads to, character device 5:2 with mode 0666")
            .at(path.display().to_string())
            .usually("the link ptmx -> pts/ptmx is missing, or devpts lacks ptmxmode=0666")
            .into());
    }
    let shm = container.inside("dev/shm");
    let seen = match fs::symlink_metadata(&shm) {
        Ok(file) if file.is_dir() && file.mode() & 0o7777 == 0o1777 => return Ok(()),
        Ok(file) if file.is_dir() => format!("its mode is {:04o}", file.mode() & 0o7777),
        Ok(_) => "it is no directory".to_owned(),
        Err(why) => why.to_string(),
    };
    Err(Failure::seen(seen)
        .expected("/dev/shm is a directory with mode 1777")
        .at(shm.display().to_string())
        .usually(
            "no tmpfs was mounted there, or without mode=1777: anybody may put something there, \
             and nobody may remove what is another's",
        )
        .into())
}
