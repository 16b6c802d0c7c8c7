//! Level 03: the host's root is out of reach, not merely out of sight.

use super::l00::IN_A_CHILD;
use super::l01::{ROOT_IS_IMAGE, names};
use crate::check::{Check, Failure, Level, Outcome};
use crate::container::Visitor;
use crate::host::{Host, with_errors};
use crate::procfs;

const ROOT_IS_MOUNT: &str = "the container's root is a mount of its own";
const PIVOTED: &str = "the root of the mount namespace is the container's root";

pub(super) const LEVEL: Level = Level {
    number: 3,
    directory: "03_pivot_root",
    title: "pivot_root",
    checks: &[
        Check {
            name: ROOT_IS_MOUNT,
            step: 1,
            usually: "the new root was not bound onto itself: pivot_root needs a mount point, \
                      and a directory is none",
            needs: &[IN_A_CHILD, ROOT_IS_IMAGE],
            run: root_is_mount,
        },
        Check {
            name: PIVOTED,
            step: 2,
            usually: "chroot instead of pivot_root: chroot changes where this process's paths \
                      start, and leaves the host's tree mounted above",
            needs: &[],
            run: pivoted,
        },
        Check {
            name: "nothing of the host's is mounted in the container's namespace",
            step: 3,
            usually: "the old root was left mounted: umount2(put_old, MNT_DETACH) is missing",
            needs: &[PIVOTED],
            run: old_root_unmounted,
        },
        Check {
            name: "the directory of the old root is gone",
            step: 3,
            usually: "after the umount, rmdir of the directory that pivot_root put the old root \
                      on is missing",
            needs: &[PIVOTED],
            run: old_root_removed,
        },
        Check {
            name: "a process that breaks out of chroot stays in the container",
            step: 2,
            usually: "the host's tree is still mounted somewhere above or below the container's \
                      root: pivot_root, then detach the old root",
            needs: &[],
            run: breakout,
        },
    ],
    // pivot_root fails with EINVAL where the new root was not made a mount.
    calls: &[
        ("MS_BIND", "", 1),
        ("pivot_root(", "EINVAL", 1),
        ("pivot_root(", "", 2),
        ("umount2(", "", 3),
        ("rmdir(", "", 3),
    ],
};

fn root_is_mount(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let mounts = container.mounts()?;
    if procfs::mounted_at(&mounts, "/").is_some() {
        return Ok(());
    }
    let seen = format!("no mount at /; there are {}", procfs::name_mounts(&mounts));
    Err(Failure::seen(seen)
        .expected("something is mounted on the container's /")
        .at(container.proc("mountinfo").display().to_string())
        .into())
}

fn pivoted(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let visitor = Visitor::enter(container.pid)?;
    if procfs::identity(visitor.root())? == procfs::identity(container.proc("root"))? {
        return Ok(());
    }
    let canary = host.canary();
    let below = canary.strip_prefix("/").unwrap_or(&canary);
    let seen = match visitor.root().join(below).exists() {
        true => format!(
            "who enters it by setns finds the host's {}",
            canary.display()
        ),
        false => "who enters it by setns comes out in another directory".to_owned(),
    };
    Err(Failure::seen(seen)
        .expected("the root of the container's mount namespace is the command's root directory")
        .at(format!("setns to {}", container.proc("ns/mnt").display()))
        .into())
}

fn old_root_unmounted(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let on_host = host.mounts()?;
    let all = container.all_mounts()?;
    // The container's /proc may well be the host's file system: its root and the
    // directory that the sandbox added are what no container has by right.
    let base = host.path("");
    let foreign = |device: &str, root: &str| {
        on_host.iter().any(|mount| {
            let is_told = mount.point.as_os_str() == "/" || mount.point.as_path() == base;
            is_told && mount.device == device && mount.root == root
        })
    };
    let left: Vec<_> = all
        .iter()
        .filter(|mount| foreign(&mount.device, &mount.root))
        .collect();
    let Some(first) = left.first() else {
        return Ok(());
    };
    let (first, count) = (first.point.display(), all.len());
    Err(Failure::seen(format!(
        "the host's root file system is at {first}, {count} mounts in all"
    ))
    .expected("after pivot_root the old root is unmounted, with everything below it")
    .at(format!(
        "mountinfo at the root of {}",
        container.proc("ns/mnt").display()
    ))
    .into())
}

fn old_root_removed(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let root = container.proc("root");
    let known = [
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "mnt", "nix", "opt",
        "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var", "gnu", "work",
    ];
    let mut others = names(&root)?;
    others.retain(|name| !known.contains(&name.as_str()));
    if others.is_empty() {
        return Ok(());
    }
    Err(
        Failure::seen(format!("there is {}", procfs::few(others, 6)))
            .expected("the container's / has the image's directories and no other")
            .at(root.display().to_string())
            .into(),
    )
}

fn breakout(host: &Host) -> Outcome {
    let marker = host.path("escaped");
    let name = marker.display().to_string();
    let ended = host.run(&["probe", "breakout", &name]).finish()?;
    if !marker.exists() {
        return Ok(());
    }
    Err(Failure::seen(with_errors(
        "the command made that file on the host".to_owned(),
        &ended.errors,
    ))
    .expected(format!("{name} cannot be reached from inside"))
    .at(name)
    .into())
}
