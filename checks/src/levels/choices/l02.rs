//! Level 02: how much shared memory there is.

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Outcome};
use crate::host::Host;
use crate::levels::l02::limit;
use crate::procfs;

pub(super) const CHOICE: Check = Check {
    name: "--shm-size SIZE: that is how much fits into the container's /dev/shm",
    step: 0,
    usually: "the size did not become the `size=` of the tmpfs on /dev/shm, whose other options stay",
    needs: &[],
    run: shm_size,
};

fn shm_size(host: &Host) -> Outcome {
    known(host, &["--shm-size", "16m"])?;
    for (size, kilobytes) in [("16m", 16 * 1024), ("96m", 96 * 1024)] {
        let invocation = host.run(&["probe", "hold"]);
        let container = invocation.option("--shm-size").option(size).hold()?;
        let mounts = container.mounts()?;
        let shm = procfs::mounted_at(&mounts, "/dev/shm");
        let found = shm.and_then(|mount| limit(mount, "size"));
        let files = shm.and_then(|mount| limit(mount, "nr_inodes"));
        if found == Some(kilobytes) && files.is_some_and(|files| files > 0) {
            container.end()?;
            continue;
        }
        let seen = shm.map_or("nothing is mounted there".to_owned(), |mount| {
            format!(
                "its options are {}, with --shm-size {size}",
                mount.super_options
            )
        });
        let dev = procfs::mounted_at(&mounts, "/dev");
        let failure = Failure::seen(seen)
            .expected(format!(
                "size={kilobytes}k among the options of the tmpfs on /dev/shm, and a limit nr_inodes="
            ))
            .at(container.proc("mountinfo").display().to_string());
        return Err(match dev.and_then(|mount| limit(mount, "size")) {
            Some(size) if size == kilobytes => failure.usually(
                "the size was given to the tmpfs on /dev: /dev/shm is another one, below it",
            ),
            _ if found == Some(kilobytes) => failure.usually(
                "the new options have lost `nr_inodes=`: files without a byte in them take the \
                 kernel's memory all the same",
            ),
            _ => failure,
        }
        .into());
    }
    Ok(())
}
