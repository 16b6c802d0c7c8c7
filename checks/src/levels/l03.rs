//! Level 03: the host's root is out of reach, not merely out of sight.

use super::l00::IN_A_CHILD;
use super::l01::{ROOT_IS_IMAGE, names};
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::container::Visitor;
use crate::finding::{Failure, Outcome};
use crate::host::{Host, with_errors};
use crate::mount_tree::{self, HostsMounts};
use crate::probe_image::EMPTY_DIRECTORY;
use crate::procfs;

const ROOT_IS_MOUNT: &str = "the container's root is a mount of its own";
const PIVOTED: &str = "the root of the mount namespace is the container's root";

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 3,
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
        refusals::check(
            "a container that cannot leave the old root does not run",
            2,
            refused_calls,
        ),
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
    // The new root is there, and a path from the namespace's root does not lead to it.
    let own = procfs::identity(container.proc("root"))?;
    let is_own = |layer: &mount_tree::Layer| layer.root == own;
    if mount_tree::layers(container.pid)?.iter().any(is_own) {
        return Err(
            Failure::seen("another root lies on the command's: who enters it by setns finds that")
                .expected(ROOT_OF_NAMESPACE)
                .at(format!("setns to {}", container.proc("ns/mnt").display()))
                .step(3, 3)
                .usually(
                    "the old root was left mounted, on top of the new one: after \
                     pivot_root(\".\", \".\") it is there, and umount2(\".\", MNT_DETACH) takes it off",
                )
                .into(),
        );
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
        .expected(ROOT_OF_NAMESPACE)
        .at(format!("setns to {}", container.proc("ns/mnt").display()))
        .into())
}

const ROOT_OF_NAMESPACE: &str =
    "the root of the container's mount namespace is the command's root directory";

fn old_root_unmounted(host: &Host) -> Outcome {
    let hosts = HostsMounts::of(host)?;
    let container = host.run(&["probe", "hold"]).hold()?;
    let at = container.proc("ns/mnt").display().to_string();
    for (depth, layer) in mount_tree::layers(container.pid)?.iter().enumerate() {
        let found = hosts.among(&layer.mounts, &container);
        let Some(first) = found.first() else {
            continue;
        };
        let whole = HostsMounts::whole_host(&found);
        let failure = match whole {
            Some(whole) if depth == 0 => Failure::seen(format!(
                "the host's root file system is at {}, {} mounts in all",
                whole.point.display(),
                layer.mounts.len()
            ))
            .expected("after pivot_root the old root is unmounted, with everything below it"),
            _ if depth > 0 => Failure::seen(format!(
                "beneath the container's root lies the host's {}, which comes to light when the \
                 root is unmounted",
                whole.unwrap_or(first).path.display()
            ))
            .expected("nothing of the host's lies beneath the container's root")
            .step(3, 2)
            .usually(
                "the container's root was moved or bound onto `/` (MS_MOVE, MS_BIND): that covers \
                 the host's tree, and leaves it mounted. pivot_root takes it away from there, and \
                 umount2 out of the table",
            ),
            _ => Failure::seen(mount_tree::name_hosts(&found))
                .expected("all that is mounted in the container is its own")
                .usually(mount_tree::BOUND),
        };
        return Err(failure.at(format!("mountinfo at the root of {at}")).into());
    }
    Ok(())
}

/// What a directory is called that the old root was put on.
const CALLED: [&str; 7] = ["old", "pivot", "put", "prev", "orig", "host", "root"];

fn old_root_removed(host: &Host) -> Outcome {
    let container = host.run(&["probe", "hold"]).hold()?;
    let root = container.proc("root");
    if !root.join(EMPTY_DIRECTORY).is_dir() {
        return Err(
            Failure::seen(format!("the image's /{EMPTY_DIRECTORY} is not there"))
                .expected("what is in the image is in the container")
                .at(root.join(EMPTY_DIRECTORY).display().to_string())
                .usually(
                    "the old root was put on a directory of the image's, and rmdir has taken that: \
                     it needs one that is made for it, `given::mount_point(root, \".old-root\")`",
                )
                .into(),
        );
    }
    let mounts = container.mounts()?;
    // The home of a user is no old root, and neither is a directory that is used for something.
    let is_left = |name: &String| {
        let is_called = CALLED.iter().any(|word| name.to_lowercase().contains(word));
        let is_mount = procfs::mounted_at(&mounts, &format!("/{name}")).is_some();
        let is_empty = names(&root.join(name)).is_ok_and(|names| names.is_empty());
        (is_called || name.starts_with('.')) && name != "root" && is_empty && !is_mount
    };
    let mut left = names(&root)?;
    left.retain(is_left);
    if left.is_empty() {
        return Ok(());
    }
    Err(Failure::seen(format!("there is {}", procfs::few(left, 6)))
        .expected("the directory that the old root was on is removed when it is empty")
        .at(root.display().to_string())
        .into())
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

fn refused_calls(host: &Host) -> Outcome {
    refusals::stop_the_command(host, 3, &[])
}
