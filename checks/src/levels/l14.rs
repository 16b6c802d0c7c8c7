//! Level 14: how many processes, how much time, how fast to the disk.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::l08::{expect_no_more, expect_refusal, expect_value, hierarchy, the_group};
use super::l09::{ENDS, with, without};
use super::refusals;
use crate::check::{Check, LevelChecks};
use crate::finding::{Failure, Finding, Outcome};
use crate::host::Host;
use crate::{group_limits, process, procfs};
use sandbox::cgroups::{Hierarchy, Version};

const CROWD: &str = "a container has as many processes as --pids-limit says, and not one more";
const PIDS: &str = "--pids-limit is the limit of the container's group";
const CPUS: &str = "--cpus is the time that the container's group gets in each period";
const WRITE: &str = "--device-write-bps is the limit of the container's group for that disk";

/// The files of the limits.
const PIDS_FILE: &str = "pids.max";
const QUOTA: [&str; 2] = ["cpu.cfs_quota_us", "cpu.max"];
const RATE: [&str; 2] = ["blkio.throttle.write_bps_device", "io.max"];

pub(super) const LEVEL: LevelChecks = LevelChecks {
    number: 14,
    checks: &[
        Check {
            name: CROWD,
            step: 1,
            usually: "the row of --pids-limit is missing, or has another file or number: pids.max on \
                      both versions, and the number as it was asked for, since the command itself \
                      is one of the processes that count",
            needs: &[],
            run: crowd,
        },
        Check {
            name: PIDS,
            step: 1,
            usually: "the row has another number than was asked for",
            needs: &[CROWD],
            run: pids,
        },
        Check {
            name: CPUS,
            step: 2,
            usually: "the row is missing, or has another file: cpu.max on version 2, with the time \
                      and the period, and cpu.cfs_quota_us on version 1; both in microseconds",
            needs: &[],
            run: cpus,
        },
        Check {
            name: WRITE,
            step: 3,
            usually: "the row is missing, or has another file or another disk: io.max on version 2, \
                      `MAJOR:MINOR wbps=BYTES`, and blkio.throttle.write_bps_device on version 1, \
                      `MAJOR:MINOR BYTES`",
            needs: &[],
            run: write_bps,
        },
        Check {
            name: "the limits hold beside each other, and beside --cpu-shares and --memory",
            step: 1,
            usually: "one row has taken another's place: `limits` collects the rows of all options",
            needs: &[PIDS, CPUS, WRITE],
            run: together,
        },
        Check {
            name: "processes, time and writes are not limited where no option asks for it",
            step: 1,
            usually: "what no option has asked for stays as the kernel has it, which is `max`, or -1, \
                      or no line at all; and nothing is written to rubber-docker, the group above",
            needs: &[],
            run: unasked,
        },
        Check {
            name: "where the kernel has no file for a limit, no container starts without it",
            step: 1,
            usually: "the row says `Lacking::Ignored` or `Lacking::Told`: a user who asks for this \
                      limit must not get a container without it: `Lacking::Refused`",
            needs: &[PIDS, CPUS, WRITE],
            run: lacking,
        },
        Check {
            name: "a limit that makes no sense is refused, and so is a disk that is none",
            step: 3,
            usually: "the option's parser refuses what makes no sense, and the kernel a disk that it \
                      does not have; where a limit cannot be written, no container starts",
            needs: &[WRITE],
            run: no_such_limit,
        },
        refusals::check(
            "a container whose processes, time and writes cannot be limited does not run",
            1,
            refused_calls,
        ),
    ],
    calls: &[
        (PIDS_FILE, "write", 1),
        (QUOTA[0], "write", 2),
        (QUOTA[1], "write", 2),
        (RATE[0], "write", 3),
        (RATE[1], "write", 3),
    ],
};

/// The file of the version that the machine has.
fn of(hierarchy: &Hierarchy, [v1, v2]: [&'static str; 2]) -> &'static str {
    match hierarchy.version {
        Version::V1 => v1,
        Version::V2 => v2,
    }
}

/// Options, for a sentence.
fn named(options: &[&str]) -> String {
    match options.is_empty() {
        true => "without any option".to_owned(),
        false => format!("with {} alone", options.join(" ")),
    }
}

/// One that was not removed is another check's matter.
fn forget(group: PathBuf) {
    let _ = fs::remove_dir(group);
}

fn pids(host: &Host) -> Outcome {
    hierarchy("pids")?;
    // The ends, and what is no round number.
    for asked in ["1", "5", "4097", "70001", "4194304"] {
        let options = ["--pids-limit", asked];
        let container = with(host, &options, &["probe", "hold"]).hold();
        let container = container.map_err(|failure| match asked {
            "1" => failure.usually(
                "with --pids-limit 1 the command itself is the one process that there may be: the \
                 number is written as it was asked for, and not one less",
            ),
            _ => failure,
        })?;
        let group = the_group(host, "pids")?;
        let option = named(&options);
        let found = procfs::read_text(group.join(PIDS_FILE))?;
        let number: Option<u64> = found.trim_end().parse().ok();
        let asked_for: u64 = asked.parse().unwrap_or_default();
        let usually = match number {
            Some(found) if found == asked_for & 0xffff => Some(
                "the number was cut to 16 bits: there can be up to 4194304 processes, and `most` \
                 is a u64",
            ),
            _ => None,
        };
        expect_value(&group, PIDS_FILE, asked, &option).map_err(|why| why.usually(usually))?;
        expect_no_more(host, &[PIDS_FILE], &option)?;
        container.end()?;
        forget(group);
    }
    Ok(())
}

fn crowd(host: &Host) -> Outcome {
    hierarchy("pids")?;
    for (asked, most) in [("5", 4), ("1", 0)] {
        let command = ["probe", "try", "crowd", "12", "then", "hold"];
        let options = ["--pids-limit", asked];
        let container = with(host, &options, &command).hold()?;
        let children = process::children(container.pid).len();
        let group = the_group(host, "pids")?;
        let option = named(&options);
        if children != most {
            return Err(
                Failure::seen(format!("the command has {children} children, {option}"))
                    .expected(format!(
                        "{most} children: with the command they are {asked}, and fork says EAGAIN to \
                         the next"
                    ))
                    .at(container.proc("task").display().to_string())
                    .into(),
            );
        }
        expect_value(&group, "pids.current", asked, &option)?;
        expect_no_more(host, &[PIDS_FILE], &option)?;
        // The kernel's own count of what it has refused; 4.3 has had it, and not on the root.
        let events = group.join("pids.events");
        if let Ok(text) = fs::read_to_string(&events)
            && !text.lines().any(|line| {
                let count = line.strip_prefix("max ");
                count.is_some_and(|count| count != "0")
            })
        {
            return Err(Failure::seen(format!("{}, {option}", text.trim_end()))
                .expected("the kernel has refused a fork in this group")
                .at(events.display().to_string())
                .into());
        }
        container.end()?;
        forget(group);
    }
    Ok(())
}

/// Whether a quota and its period are so many microseconds of 100000. Another period will do
/// as well, if the part of it is the same.
fn is_part(numbers: &[u64], time: u64) -> bool {
    match numbers {
        [quota, period] => {
            let (quota, period) = (u128::from(*quota), u128::from(*period));
            period > 0 && quota * 100_000 == u128::from(time) * period
        }
        _ => false,
    }
}

fn numbers(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    words.filter_map(|number| number.parse().ok()).collect()
}

/// The quota and the period of a group, as both versions have them.
fn quota(group: &Path, hierarchy: &Hierarchy) -> Result<(String, PathBuf), Failure> {
    let file = group.join(of(hierarchy, QUOTA));
    let mut text = procfs::read_text(&file)?.trim_end().to_owned();
    if hierarchy.version == Version::V1 {
        let period = procfs::read_text(group.join("cpu.cfs_period_us"))?;
        text = format!("{text} {}", period.trim_end());
    }
    Ok((text, file))
}

fn cpus(host: &Host) -> Outcome {
    let hierarchy = hierarchy("cpu")?;
    let file = of(&hierarchy, QUOTA);
    // Little, much, and more than 32 bits hold; as microseconds of 100000. Not the least, which is
    // 0.01: a machine that is emulated would not get the command started.
    let cases = [
        ("0.1", 10_000_u64),
        ("0.5", 50_000),
        ("1.25", 125_000),
        ("64", 6_400_000),
        ("50000", 5_000_000_000),
    ];
    for (asked, time) in cases {
        let options = ["--cpus", asked];
        let container = with(host, &options, &["probe", "hold"]).hold()?;
        let group = the_group(host, "cpu")?;
        if !group.join(file).exists() {
            return Err(Finding::Skip(format!("this kernel has no {file}")));
        }
        let option = named(&options);
        let (found, path) = quota(&group, &hierarchy)?;
        let numbers = numbers(&found);
        if !is_part(&numbers, time) {
            let failure = Failure::seen(format!("{found}, {option}"))
                .expected(format!("{time} microseconds of each 100000, {option}"))
                .at(path.display().to_string());
            return Err(match numbers[..] {
                [quota, _] if quota == time & 0xffff_ffff => failure.usually(
                    "the number went through 32 bits: `time` is a u64, and so is all that is made \
                     of it",
                ),
                [quota, _] if quota == time / 1000 => failure.usually(
                    "that is milliseconds: both versions count in microseconds, and `time` does \
                     already",
                ),
                _ => failure,
            }
            .into());
        }
        expect_no_more(host, &[QUOTA[0], QUOTA[1], "cpu.cfs_period_us"], &option)?;
        container.end()?;
        forget(group);
    }
    Ok(())
}

/// A disk of this machine.
struct Disk {
    /// `254:0`.
    numbers: String,
    /// `/dev/vda`, if it is there under its name.
    path: Option<PathBuf>,
}

/// The whole disks for which this kernel takes a limit.
fn disks(hierarchy: &Hierarchy) -> Result<Vec<Disk>, Finding> {
    let file = of(hierarchy, RATE);
    let entries = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let mut found: Vec<Disk> = entries
        .filter_map(|entry| {
            let numbers = fs::read_to_string(entry.path().join("dev")).ok()?;
            let path = Path::new("/dev").join(entry.file_name());
            let is_there = fs::metadata(&path).is_ok_and(|it| it.file_type().is_block_device());
            Some(Disk {
                numbers: numbers.trim_end().to_owned(),
                path: is_there.then_some(path),
            })
        })
        .collect();
    found.sort_by(|one, other| one.numbers.cmp(&other.numbers));
    // In a group at the top, as a container's is one further down.
    let any = hierarchy.top.join("any");
    let takes = |disk: &Disk| {
        let line = line(hierarchy, &disk.numbers, 1 << 20);
        group_limits::as_kept(&any, &[(file, &line)]).is_ok_and(|kept| !kept.is_empty())
    };
    // Two are enough, and a machine may have dozens.
    let found: Vec<Disk> = found.into_iter().filter(takes).take(2).collect();
    match found.is_empty() {
        true => Err(Finding::Skip(format!(
            "this machine has no disk for which {file} takes a limit"
        ))),
        false => Ok(found),
    }
}

/// What is written for a limit.
fn line(hierarchy: &Hierarchy, numbers: &str, bytes: u64) -> String {
    match hierarchy.version {
        Version::V1 => format!("{numbers} {bytes}"),
        Version::V2 => format!("{numbers} wbps={bytes}"),
    }
}

/// Lines, in an order that does not depend on the kernel.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.sort_unstable();
    lines.join(", ")
}

fn write_bps(host: &Host) -> Outcome {
    let hierarchy = hierarchy("io")?;
    let file = of(&hierarchy, RATE);
    let disks = disks(&hierarchy)?;
    let one = disks[0].numbers.as_str();
    // (what the options say, the limits that follow)
    let mut cases = vec![
        (vec![format!("{one}:1m")], vec![(one, 1 << 20)]),
        // More than 32 bits hold: without the upper ones, no limit at all, and one of 1 GiB.
        (vec![format!("{one}:4g")], vec![(one, 4 << 30)]),
        (vec![format!("{one}:5G")], vec![(one, 5 << 30)]),
        // The last word counts.
        (
            vec![format!("{one}:8m"), format!("{one}:2m")],
            vec![(one, 2 << 20)],
        ),
    ];
    if let Some(path) = &disks[0].path {
        cases.push((vec![format!("{}:3m", path.display())], vec![(one, 3 << 20)]));
    }
    if let Some(other) = disks.get(1) {
        let other = other.numbers.as_str();
        cases.push((
            vec![format!("{one}:1m"), format!("{other}:512k")],
            vec![(one, 1 << 20), (other, 512 << 10)],
        ));
    }
    for (asked, limits) in &cases {
        let options: Vec<&str> = asked
            .iter()
            .flat_map(|asked| ["--device-write-bps", asked])
            .collect();
        let option = named(&options);
        let container = with(host, &options, &["probe", "hold"]).hold()?;
        let group = the_group(host, "io")?;
        expect_rates(&group, &hierarchy, limits, &option)?;
        expect_no_more(host, &[file], &option)?;
        container.end()?;
        forget(group);
    }
    Ok(())
}

/// These limits, and no other for any disk.
fn expect_rates(
    group: &Path,
    hierarchy: &Hierarchy,
    limits: &[(&str, u64)],
    option: &str,
) -> Outcome {
    let file = of(hierarchy, RATE);
    let lines: Vec<String> = limits
        .iter()
        .map(|(disk, bytes)| line(hierarchy, disk, *bytes))
        .collect();
    let written: Vec<(&str, &str)> = lines.iter().map(|line| (file, line.as_str())).collect();
    let expected = group_limits::as_kept(group, &written)
        .map_err(|why| Failure::unreadable(group, why).elsewhere())?;
    let path = group.join(file);
    let (found, expected) = (sorted(&procfs::read_text(&path)?), sorted(&expected));
    if found == expected {
        return Ok(());
    }
    let shown = match found.is_empty() {
        true => "no line",
        false => &found,
    };
    let failure = Failure::seen(format!("{shown}, {option}"))
        .expected(format!("{expected}, {option}"))
        .at(path.display().to_string());
    let is_repeated = option.matches("--device-write-bps").count() > 1;
    let is_cut = limits.iter().any(|(_, bytes)| *bytes > u64::from(u32::MAX));
    Err(if found.contains("rbps=") && !expected_part(&found, "rbps=").all(|it| it == "max") {
        failure.usually(
            "the limit is that of reading: what is written is limited by wbps=, and --device-read-bps \
             is another option",
        )
    } else if found.contains("iops=") && !expected_part(&found, "wiops=").all(|it| it == "max") {
        failure.usually("the limit counts requests (wiops=) and not bytes (wbps=)")
    } else if is_repeated && !found.is_empty() {
        failure.usually(
            "the option may be repeated, and every rate is a row: each disk has a line of its own, and \
             the last word for a disk counts",
        )
    } else if is_cut {
        failure.usually(
            "the number went through 32 bits, in which 4g is 0 and 5g is 1g: `bytes` is a u64, and \
             so is all that is made of it",
        )
    } else {
        failure
    }
    .into())
}

/// The values of a key of `io.max`, in all lines.
fn expected_part<'a>(lines: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    lines
        .split([' ', ','])
        .filter_map(move |word| word.strip_prefix(key))
}

fn together(host: &Host) -> Outcome {
    hierarchy("pids")?;
    let of_cpu = hierarchy("cpu")?;
    let of_memory = hierarchy("memory")?;
    let mut options = vec![
        "--cpu-shares",
        "256",
        "--memory",
        "64m",
        "--pids-limit",
        "77",
        "--cpus",
        "0.25",
    ];
    // Where the machine has no disk, the others are there to be looked at.
    let of_io = hierarchy("io").ok();
    let disks = of_io.as_ref().and_then(|it| disks(it).ok());
    let rate = disks
        .as_ref()
        .map(|disks| format!("{}:6m", disks[0].numbers));
    options.extend(rate.iter().flat_map(|rate| ["--device-write-bps", rate]));
    let container = with(host, &options, &["probe", "hold"]).hold()?;
    let option = format!("with {}", options.join(" "));

    let group = the_group(host, "pids")?;
    expect_value(&group, PIDS_FILE, "77", &option)?;
    let group = the_group(host, "cpu")?;
    let (found, path) = quota(&group, &of_cpu)?;
    if !is_part(&numbers(&found), 25_000) {
        return Err(Failure::seen(format!("{found}, {option}"))
            .expected(format!("25000 of each 100000 microseconds, {option}"))
            .at(path.display().to_string())
            .step(14, 2)
            .into());
    }
    let (shares, expected) = match of_cpu.version {
        Version::V1 => ("cpu.shares", "256"),
        Version::V2 => ("cpu.weight", "35"),
    };
    expect_value(&group, shares, expected, &option)?;
    let memory = of(&of_memory, ["memory.limit_in_bytes", "memory.max"]);
    expect_value(&the_group(host, "memory")?, memory, "67108864", &option)?;
    if let (Some(of_io), Some(disks)) = (&of_io, &disks) {
        let group = the_group(host, "io")?;
        let limits = [(disks[0].numbers.as_str(), 6 << 20)];
        expect_rates(&group, of_io, &limits, &option)?;
    }
    let asked = [
        PIDS_FILE,
        QUOTA[0],
        QUOTA[1],
        RATE[0],
        RATE[1],
        "cpu.cfs_period_us",
        "cpu.shares",
        "cpu.weight",
        "memory.max",
        "memory.limit_in_bytes",
        "memory.swap.max",
        "memory.memsw.limit_in_bytes",
    ];
    expect_no_more(host, &asked, &option)?;
    container.end()?;
    Ok(())
}

const UNASKED: &str = "what no option has asked for stays as the kernel has it: pids.max and cpu.max \
                       are `max` (cpu.cfs_quota_us is -1), and io.max has no line. A limit of your \
                       own belongs behind an option of its own, in the container's own group";

fn unasked(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    // One that has all limits comes first: nothing of it may be left for the next.
    let rate = hierarchy("io").and_then(|it| disks(&it)).ok();
    let rate = rate.map(|disks| format!("{}:1m", disks[0].numbers));
    let mut all = Vec::new();
    if hierarchy("pids").is_ok() {
        all.extend(["--pids-limit", "9"]);
    }
    all.extend(["--cpus", "0.5"]);
    all.extend(rate.iter().flat_map(|rate| ["--device-write-bps", rate]));
    let shares = ["--cpu-shares", "512"];
    let cases: [(&[&str], &[&str]); 3] = [
        (
            &all,
            &[
                PIDS_FILE,
                QUOTA[0],
                QUOTA[1],
                RATE[0],
                RATE[1],
                "cpu.cfs_period_us",
            ],
        ),
        (&[], &[]),
        (&shares, &["cpu.shares", "cpu.weight"]),
    ];
    for (options, asked) in cases {
        let container = with(host, options, &["probe", "hold"]).hold()?;
        expect_no_more(host, asked, &named(options)).map_err(|why| why.usually(Some(UNASKED)))?;
        container.end()?;
    }
    Ok(())
}

fn lacking(host: &Host) -> Outcome {
    hierarchy("pids")?;
    let of_cpu = hierarchy("cpu")?;
    let mut cases = vec![
        (
            vec!["--pids-limit".to_owned(), "9".to_owned()],
            PIDS_FILE,
            1,
        ),
        (
            vec!["--cpus".to_owned(), "0.5".to_owned()],
            of(&of_cpu, QUOTA),
            2,
        ),
    ];
    if let Ok(of_io) = hierarchy("io")
        && let Ok(disks) = disks(&of_io)
    {
        let rate = format!("{}:1m", disks[0].numbers);
        cases.push((
            vec!["--device-write-bps".to_owned(), rate],
            of(&of_io, RATE),
            3,
        ));
    }
    for (options, file, step) in &cases {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let ended = without(host, &options, file)?;
        if ended.code() != Some(125) {
            return Err(ended
                .wrong_status()
                .expected(format!(
                    "`{}` ends with status 125, where {file} is not there",
                    ended.line
                ))
                .here()
                .step(14, *step)
                .into());
        }
    }
    Ok(())
}

fn no_such_limit(host: &Host) -> Outcome {
    hierarchy("cpu")?;
    let cases: [(&str, &[&str]); 3] = [
        (
            "--pids-limit",
            &["0", "-1", "many", "", "4194305", "18446744073709551616"],
        ),
        ("--cpus", &["0", "-1", "half", "0.001", "1e3", "100001"]),
        (
            "--device-write-bps",
            &[
                "1m",
                "/dev/null:1m",
                "/etc:1m",
                "/dev/no-such-disk:1m",
                "7:0",
                "7:0:0",
                "7:0:fast",
                // Numbers that no disk has: only the kernel can tell.
                "4095:77:1m",
            ],
        ),
    ];
    for (option, values) in cases {
        for value in values {
            let invocation = host.run(&ENDS).option(option).option(value);
            expect_refusal(host, invocation)?;
        }
    }
    // A part of a disk is none: the kernel limits the whole one.
    if let Some(numbers) = partition() {
        let value = format!("{numbers}:1m");
        let invocation = host.run(&ENDS);
        expect_refusal(host, invocation.option("--device-write-bps").option(&value))?;
    }
    Ok(())
}

/// The numbers of a partition, if this machine has one.
fn partition() -> Option<String> {
    let entries = fs::read_dir("/sys/class/block").ok()?.flatten();
    let mut found = entries.filter(|entry| entry.path().join("partition").exists());
    let numbers = fs::read_to_string(found.next()?.path().join("dev")).ok()?;
    Some(numbers.trim_end().to_owned())
}

fn refused_calls(host: &Host) -> Outcome {
    let mut options = vec!["--cpus", "1"];
    if hierarchy("pids").is_ok() {
        options.extend(["--pids-limit", "100"]);
    }
    // As long as the program runs, which is one check.
    let rate = hierarchy("io").and_then(|it| disks(&it)).ok();
    let rate: Option<&'static str> = rate.map(|disks| &*format!("{}:1m", disks[0].numbers).leak());
    options.extend(
        rate.into_iter()
            .flat_map(|rate| ["--device-write-bps", rate]),
    );
    refusals::stop_the_command(host, 14, &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_file_have_no_order() {
        assert_eq!(sorted("8:0 1\n7:0 2 \n"), sorted("7:0 2\n8:0 1"));
    }

    #[test]
    fn a_key_is_found_in_all_lines() {
        let text =
            "7:0 rbps=max wbps=1 riops=max wiops=max, 8:0 rbps=5 wbps=max riops=max wiops=max";
        let found: Vec<&str> = expected_part(text, "rbps=").collect();
        assert_eq!(found, ["max", "5"]);
    }
}
