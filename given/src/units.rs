//! The words in which people ask for limits: sizes, users, capabilities.

use std::str::FromStr;

use linux_sys::{Capability, Gid, Uid};

use crate::Error;

/// A size as Docker writes it: bytes, or a number with `b`, `k`, `m` or `g`.
pub fn memory_size(text: &str) -> Result<u64, String> {
    let shift = match text.chars().last().map(|last| last.to_ascii_lowercase()) {
        Some('k') => 10,
        Some('m') => 20,
        Some('g') => 30,
        _ => 0,
    };
    let number = text
        .strip_suffix(|last: char| "bkmgBKMG".contains(last))
        .unwrap_or(text);
    let size = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift));
    match size {
        Some(0) => Err("nothing can run in no memory; leave the option out for no limit".into()),
        Some(size) if size <= i64::MAX as u64 => Ok(size),
        Some(_) => Err("that is more than any machine has".into()),
        None => {
            Err("a size is a number of bytes, or a number with b, k, m or g: 512k, 64m, 2g".into())
        }
    }
}

/// What `--memory-swap` says: the sum of memory and swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwapSize {
    /// Not said: as much swap as memory, as Docker has it.
    #[default]
    Twice,
    /// `-1`: as much swap as there is.
    Unlimited,
    /// So many bytes of both together.
    Together(u64),
}

/// For `--memory-swap`: a size, or -1.
pub fn memory_swap_size(text: &str) -> Result<SwapSize, String> {
    match text {
        "-1" => Ok(SwapSize::Unlimited),
        _ => memory_size(text).map(SwapSize::Together),
    }
}

/// The same limit as the two versions of cgroups count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Version 2 counts swap alone.
    pub alone: String,
    /// Version 1 counts memory and swap together.
    pub together: String,
}

impl SwapSize {
    /// The limit of swap beside so much memory.
    pub fn beside(self, memory: u64) -> Result<Swap, Error> {
        let alone = match self {
            SwapSize::Unlimited => {
                return Ok(Swap {
                    alone: "max".into(),
                    together: "-1".into(),
                });
            }
            SwapSize::Twice => memory,
            SwapSize::Together(together) => together.checked_sub(memory).ok_or(
                "--memory-swap is memory and swap together, so it cannot be less than --memory",
            )?,
        };
        Ok(Swap {
            alone: alone.to_string(),
            together: memory.saturating_add(alone).to_string(),
        })
    }
}

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub uid: Uid,
    /// The group; 0 if none was named, as Docker has it.
    pub gid: Gid,
}

impl FromStr for User {
    type Err = String;

    /// `UID` or `UID:GID`.
    fn from_str(text: &str) -> Result<User, String> {
        let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
        // The highest number is setresuid's word for "leave it as it is".
        let number = |text: &str| match text.parse() {
            Ok(u32::MAX) | Err(_) => Err(format!(
                "{text:?} is not a number from 0 to {}; UID:GID is wanted",
                u32::MAX - 1
            )),
            Ok(number) => Ok(number),
        };
        Ok(User {
            uid: Uid::from_raw(number(uid)?),
            gid: Gid::from_raw(number(gid)?),
        })
    }
}

/// What `--cap-add` and `--cap-drop` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityName {
    /// `ALL`
    All,
    /// `CAP_NET_RAW`, `NET_RAW`, `net_raw`
    One(Capability),
}

impl FromStr for CapabilityName {
    type Err = linux_sys::UnknownCapability;

    fn from_str(text: &str) -> Result<CapabilityName, Self::Err> {
        match text.eq_ignore_ascii_case("all") {
            true => Ok(CapabilityName::All),
            false => text.parse().map(CapabilityName::One),
        }
    }
}

/// How much time of processors `--cpus` gives in each tenth of a second, in microseconds:
/// 150000 for 1.5. That is the period that both versions of cgroups begin with.
pub fn cpus(text: &str) -> Result<u64, String> {
    let is_plain = text.chars().all(|it| it.is_ascii_digit() || it == '.');
    let number = text.parse::<f64>().ok().filter(|_| is_plain);
    let number = number.ok_or("a number of processors is wanted, such as 2 or 0.5")?;
    let time = (number * 100_000.0).round();
    // The kernel takes no less than a millisecond (sched-bwc.rst).
    if time < 1000.0 {
        return Err("that is too little to run at all: 0.01 is the least".into());
    }
    if number > 100_000.0 {
        return Err("that is more than any machine has".into());
    }
    Ok(time as u64)
}

/// What `--device-write-bps` says: a disk, and how much may be written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceRate {
    /// The disk's numbers.
    pub major: u64,
    /// See `major`.
    pub minor: u64,
    /// Bytes in a second.
    pub bytes: u64,
}

impl FromStr for DeviceRate {
    type Err = String;

    /// `/dev/vda:1m`, Docker's way, or `254:0:1m`, with the numbers.
    fn from_str(text: &str) -> Result<DeviceRate, String> {
        let (device, rate) = text
            .rsplit_once(':')
            .ok_or("DEVICE:RATE is wanted, as in /dev/vda:1m")?;
        let bytes = memory_size(rate)
            .map_err(|_| format!("{rate:?} is no rate: bytes in a second, or with k, m, g"))?;
        let (major, minor) = numbers_of(device)?;
        Ok(DeviceRate {
            major,
            minor,
            bytes,
        })
    }
}

/// The numbers of a block device.
fn numbers_of(device: &str) -> Result<(u64, u64), String> {
    if let Some((major, minor)) = device.split_once(':')
        && let (Ok(major), Ok(minor)) = (major.parse::<u32>(), minor.parse::<u32>())
    {
        return Ok((major.into(), minor.into()));
    }
    let found =
        nix::sys::stat::stat(device).map_err(|errno| format!("{device}: {}", errno.desc()))?;
    let kind = nix::sys::stat::SFlag::from_bits_truncate(found.st_mode & libc::S_IFMT);
    if kind != nix::sys::stat::SFlag::S_IFBLK {
        return Err(format!(
            "{device} is no block device: `lsblk --paths` lists the disks, and `findmnt -T DIR` says \
             which one a directory is on"
        ));
    }
    let numbers = found.st_rdev;
    Ok((
        nix::sys::stat::major(numbers),
        nix::sys::stat::minor(numbers),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        let sizes = ["1", "7b", "2k", "64m", "64M", "1g"].map(|text| memory_size(text).unwrap());
        assert_eq!(sizes, [1, 7, 2048, 64 << 20, 64 << 20, 1 << 30]);
    }

    #[test]
    fn what_is_no_size_is_an_error() {
        for text in [
            "",
            "0",
            "0m",
            "m",
            "12q",
            "-1",
            "1.5g",
            "1kb",
            "99999999999g",
            "\u{b2}m",
        ] {
            assert!(memory_size(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn swap_is_counted_as_each_version_counts_it() {
        let both = |size: SwapSize| {
            size.beside(100)
                .map(|swap| (swap.alone, swap.together))
                .unwrap()
        };
        assert_eq!(both(SwapSize::Twice), ("100".into(), "200".into()));
        assert_eq!(both(SwapSize::Together(100)), ("0".into(), "100".into()));
        assert_eq!(both(SwapSize::Together(150)), ("50".into(), "150".into()));
        assert_eq!(both(SwapSize::Unlimited), ("max".into(), "-1".into()));
        assert!(SwapSize::Together(99).beside(100).is_err());
    }

    #[test]
    fn a_user_is_a_number_or_two() {
        let numbers = |text: &str| {
            text.parse()
                .map(|user: User| (user.uid.as_raw(), user.gid.as_raw()))
        };
        assert_eq!(numbers("2014:222"), Ok((2014, 222)));
        assert_eq!(numbers("4294967294"), Ok((4_294_967_294, 0)));
        for text in [
            "",
            "root",
            "-1",
            "4294967295",
            "1:",
            ":1",
            "1:2:3",
            "99999999999",
        ] {
            assert!(numbers(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn capabilities_go_by_several_names() {
        let chown = CapabilityName::One(Capability::CAP_CHOWN);
        for text in ["CAP_CHOWN", "CHOWN", "cap_chown", "chown"] {
            assert_eq!(text.parse(), Ok(chown));
        }
        assert_eq!("all".parse(), Ok(CapabilityName::All));
        assert!("CAP_EVERYTHING".parse::<CapabilityName>().is_err());
    }

    #[test]
    fn processors_are_time_in_a_period() {
        let times = ["1", "1.5", "0.01", ".5", "64"].map(|text| cpus(text).unwrap());
        assert_eq!(times, [100_000, 150_000, 1000, 50_000, 6_400_000]);
        for text in [
            "", "0", "0.0", "0.001", "-1", "1e3", "inf", "NaN", "1,5", "1.5.", "100001", "two",
            "+1",
        ] {
            assert!(cpus(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_rate_is_a_disk_and_bytes() {
        let rate: DeviceRate = "254:16:1m".parse().unwrap();
        assert_eq!((rate.major, rate.minor, rate.bytes), (254, 16, 1 << 20));
        for text in [
            "",
            ":",
            "1m",
            "254:0",
            "254:0:",
            "254:0:0",
            "254:x:1m",
            "/dev/null:1m",
            "/etc:1m",
            "/no such disk:1m",
            "-1:0:1m",
            "254:0:1mb",
            "254:4294967296:1m",
        ] {
            assert!(text.parse::<DeviceRate>().is_err(), "{text:?}");
        }
    }
}
