//! Level 08: a ceiling.

use std::fs;

use super::known::known;
use crate::check::Check;
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::levels::l08::{expect_no_more, hierarchy, the_group};
use crate::procfs;
use sandbox::cgroups::Version;

pub(super) const CHOICE: Check = Check {
    name: "--cpus NUMBER: the container's group has so many processors' time, and no more",
    step: 0,
    usually: "the quota is counted in microseconds of each period: NUMBER times the period",
    needs: &[],
    run: cpus,
};

/// The files of a ceiling, of both versions.
const FILES: [&str; 3] = ["cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"];

fn cpus(host: &Host) -> Outcome {
    known(host, &["--cpus", "0.5"])?;
    let hierarchy = hierarchy("cpu")?;
    let file = match hierarchy.version {
        Version::V1 => "cpu.cfs_quota_us",
        Version::V2 => "cpu.max",
    };
    for (asked, cpus) in [("0.5", 0.5), ("2", 2.0), ("1.25", 1.25)] {
        let invocation = host.run(&["probe", "hold"]);
        let container = invocation.option("--cpus").option(asked).hold()?;
        let group = the_group(host, "cpu")?;
        let path = group.join(file);
        if !path.exists() {
            return Err(Finding::Skip(format!("this kernel has no {file}")));
        }
        let mut text = procfs::read_text(&path)?;
        if hierarchy.version == Version::V1 {
            text = format!(
                "{} {}",
                text.trim(),
                procfs::read_text(group.join(FILES[2]))?
            );
        }
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        let share = match numbers[..] {
            [quota, period] if quota > 0.0 => Some(quota / period),
            _ => None,
        };
        // A quota is a whole number of microseconds.
        if share.is_none_or(|share| (share - cpus).abs() > 0.001) {
            let seen = match share {
                Some(share) => format!("{}, which is {share} processors", text.trim()),
                None => format!("{}, which is no ceiling", text.trim()),
            };
            return Err(Failure::seen(format!("{seen}, with --cpus {asked}"))
                .expected(format!("a quota that is {asked} times its period"))
                .at(path.display().to_string())
                .into());
        }
        expect_no_more(host, &FILES, &format!("with --cpus {asked} alone"))?;
        container.end()?;
        // One that was not removed is another check's matter.
        let _ = fs::remove_dir(group);
    }
    Ok(())
}
