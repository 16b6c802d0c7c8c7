//! Level 14: memory of its own.

use std::fs;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::levels::l08::{expect_no_more, hierarchy, the_group};
use crate::{group_limits, procfs};
use sandbox::cgroups::Version;

pub(super) const CHOICE: Check = Check {
    name: "--memory-reservation SIZE: so much memory is left to the container as long as others have some",
    step: 0,
    usually: "it is memory of its own that it is left, and no limit: memory.low on version 2, \
              memory.soft_limit_in_bytes on version 1",
    needs: &[],
    run: reservation,
};

fn reservation(host: &Host) -> Outcome {
    known(host, &["--memory-reservation", "64m"])?;
    let file = match hierarchy("memory")?.version {
        Version::V1 => "memory.soft_limit_in_bytes",
        Version::V2 => "memory.low",
    };
    // More than 32 bits hold: 5 GiB.
    for (asked, bytes) in [("64m", 64_u64 << 20), ("5g", 5 << 30)] {
        let invocation = host.run(&["probe", "hold"]);
        let invocation = invocation.option("--memory-reservation").option(asked);
        let container = invocation.hold()?;
        let group = the_group(host, "memory")?;
        let path = group.join(file);
        if !path.exists() {
            return Err(Finding::Skip(format!("this kernel has no {file}")));
        }
        let expected = group_limits::as_kept(&group, &[(file, &bytes.to_string())])
            .map_err(|why| Failure::unreadable(&group, why).elsewhere())?;
        let found = procfs::read_text(&path)?;
        if found.trim_end() != expected {
            let with = format!("with --memory-reservation {asked}");
            return Err(Failure::seen(format!("{}, {with}", found.trim_end()))
                .expected(format!("{expected} in {file}, {with}"))
                .at(path.display().to_string())
                .into());
        }
        let option = format!("with --memory-reservation {asked} alone");
        expect_no_more(host, &[file], &option)?;
        container.end()?;
        // One that was not removed is another check's matter.
        let _ = fs::remove_dir(group);
    }
    Ok(())
}
