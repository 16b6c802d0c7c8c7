//! Two containers with different --cpu-shares spin on one processor. It is divided as the
//! settings say, within 15 %, by the kernel's own count: 1 to 4 with the shares of cgroup
//! version 1, 35 to 100 with the weights of version 2.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use linux_sys::SIGKILL;
use sandbox::cgroups::{self, Hierarchy, Version};
use sandbox::procfs;
use sandbox::wait::await_within;

use crate::call::Running;
use crate::kernel;
use crate::machine::PATIENCE;
use crate::program::Program;
use crate::trial::Case;

/// Long enough that a time slice more or less is nothing.
const WINDOW: Duration = Duration::from_millis(2500);

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::of_rd(
        "cpu_shares",
        &("256 and 1024 shares of one processor", shares),
    )]
}

fn shares(rd: &Program) {
    let machine = rd.machine;
    let own = std::process::id().cast_signed();
    let allowed = procfs::status(own, "Cpus_allowed_list").unwrap();
    let processor = allowed.rsplit([',', '-']).next().unwrap_or("0");
    let all = cgroups::hierarchies().unwrap();
    // Where version 1 counts processor time, or version 2 everything.
    let counts = all.iter().find(|it| it.has("cpuacct"));
    let counts = counts.or_else(|| all.iter().find(|it| it.has("cpu")));
    let Some(counts) = counts else {
        return machine.skip("no hierarchy of this machine counts processor time");
    };
    let spin = |shares: &str| {
        let call = rd.run(["--cpu-shares", shares]);
        let call = call.words(["--", "sh", "-c", "while :; do :; done"]);
        call.behind(["taskset", "-c", processor]).start()
    };
    let (small, large) = (spin("256"), spin("1024"));
    let groups = [&small, &large].map(|running| group(counts, command_of(running)));
    let before = [usage(counts, &groups[0]), usage(counts, &groups[1])];
    std::thread::sleep(WINDOW);
    let after = [usage(counts, &groups[0]), usage(counts, &groups[1])];
    for running in [small, large] {
        kernel::send(command_of(&running), SIGKILL);
        running.end();
    }
    for group in groups
        .iter()
        .filter(|it| it.to_string_lossy().ends_with("-is-counted-here"))
    {
        let _ = await_within(PATIENCE, || fs::remove_dir(group).is_ok());
    }
    let (small, large) = (after[0] - before[0], after[1] - before[1]);
    let expected = match counts.version {
        Version::V1 => 256 * 1000 / 1024,
        Version::V2 => 35 * 1000 / 100,
    };
    let ratio = (small * 1000).checked_div(large).unwrap_or(0);
    let range = expected * 85 / 100..=expected * 115 / 100;
    machine.check(
        "two containers share a processor as their --cpu-shares say",
        range.contains(&ratio),
        || format!("{small} to {large}, which is {ratio} to 1000; expected are {range:?}"),
    );
}

/// It spins as soon as it is the shell: until then it is not in its group, or still busy.
fn command_of(running: &Running) -> i32 {
    let mut command = None;
    await_within(PATIENCE, || {
        command = procfs::first_child(running.pid());
        let exe = command.and_then(|pid| fs::read_link(format!("/proc/{pid}/exe")).ok());
        exe.is_some_and(|exe| exe.to_string_lossy().ends_with("sh"))
    });
    command.unwrap_or_else(|| panic!("a container does not start: {}", running.said()))
}

/// The group that counts for a process. Where cpu and cpuacct are two hierarchies, the runtime
/// has made none to count in.
fn group(counts: &Hierarchy, pid: i32) -> PathBuf {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = counts.group_in(&text).unwrap_or("/");
    if path != "/" {
        return counts.top.join(path.trim_start_matches('/'));
    }
    let group = counts.top.join(format!("{pid}-is-counted-here"));
    fs::create_dir(&group).unwrap();
    fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
    group
}

/// The processor time that a group has had, whatever the unit.
fn usage(counts: &Hierarchy, group: &std::path::Path) -> u64 {
    let text = match counts.version {
        Version::V1 => fs::read_to_string(group.join("cpuacct.usage")).unwrap(),
        Version::V2 => fs::read_to_string(group.join("cpu.stat")).unwrap(),
    };
    let line = text.lines().next().unwrap_or_default();
    let number = line.trim_start_matches("usage_usec ");
    number.parse().unwrap()
}
