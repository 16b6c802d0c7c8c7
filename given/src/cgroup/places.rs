//! Where hierarchies are mounted, as mountinfo tells it.

use super::{Mounted, is_reachable};

/// One place for each hierarchy, which may be mounted twice. One that is mounted read-only
/// is left out: so it is in most containers, where what we run in has nothing more to give.
pub(super) fn places(mounts: &str) -> Vec<Mounted<'_>> {
    let mut places: Vec<Mounted> = Vec::new();
    for mounted in uncovered(mounts) {
        let is_new = !places.iter().any(|it| it.device == mounted.device);
        if is_new && !mounted.is_read_only && is_reachable(&mounted.top) {
            places.push(mounted);
        }
    }
    places
}

/// Without those that another was mounted over: a path leads to the last one, which may be
/// read-only where the first is not.
fn uncovered(mounts: &str) -> Vec<Mounted<'_>> {
    let mut last: Vec<Mounted> = Vec::new();
    for mounted in mounts.lines().filter_map(Mounted::parse) {
        last.retain(|it| it.top != mounted.top);
        last.push(mounted);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_mounts_on_one_place_the_last_counts() {
        let mounts = "\
            30 20 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            31 20 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            32 30 0:32 /a /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let found = uncovered(mounts);
        let seen: Vec<_> = found
            .iter()
            .map(|it| (it.device, it.is_read_only))
            .collect();
        assert_eq!(seen, [("0:33", false), ("0:32", true)]);
    }
}
