//! More limits: how many processes, how much time, how fast to the disk. A row for each.

use given::{DeviceRate, Lacking};

use isolate::cgroup::Limit;

/// The row of --pids-limit.
pub fn pids(most: u64) -> Vec<Limit> {
    vec![Limit {
        controller: "pids",
        v2: ("pids.max", most.to_string()),
        v1: ("pids.max", most.to_string()),
        lacking: Lacking::Refused,
    }]
}

/// The row of --cpus: so many microseconds of each tenth of a second, on all processors together.
pub fn cpus(time: u64) -> Vec<Limit> {
    vec![Limit {
        controller: "cpu",
        // Version 2 has the time and the period in one file.
        v2: ("cpu.max", format!("{time} 100000")),
        v1: ("cpu.cfs_quota_us", time.to_string()),
        lacking: Lacking::Refused,
    }]
}

/// The row of --device-write-bps.
pub fn write_bps(rate: DeviceRate) -> Vec<Limit> {
    let DeviceRate {
        major,
        minor,
        bytes,
    } = rate;
    vec![Limit {
        controller: "io",
        v2: ("io.max", format!("{major}:{minor} wbps={bytes}")),
        v1: (
            "blkio.throttle.write_bps_device",
            format!("{major}:{minor} {bytes}"),
        ),
        lacking: Lacking::Refused,
    }]
}
