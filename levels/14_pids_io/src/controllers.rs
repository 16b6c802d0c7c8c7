//! More limits: how many processes, how much time, how fast to the disk. A row for each.

use given::DeviceRate;

use isolate::cgroup::Limit;

/// The row of --pids-limit.
pub fn pids(most: u64) -> Vec<Limit> {
    // TODO(14) 1. The controller pids has one file for it, of the same name on both versions:
    // pids.max.
    let _ = most;
    Vec::new()
    // END TODO(14)
}

/// The row of --cpus: so many microseconds of each tenth of a second, on all processors together.
pub fn cpus(time: u64) -> Vec<Limit> {
    // TODO(14) 2. cpu.max on version 2 has the time and the period; on version 1 it is two
    // files, and cpu.cfs_quota_us is the one that has the time.
    let _ = time;
    Vec::new()
    // END TODO(14)
}

/// The row of --device-write-bps.
pub fn write_bps(rate: DeviceRate) -> Vec<Limit> {
    // TODO(14) 3. io.max on version 2, blkio.throttle.write_bps_device on version 1. Both want
    // to know which disk.
    let _ = rate;
    Vec::new()
    // END TODO(14)
}
