//! Root's power in pieces.

use std::fmt;
use std::str::FromStr;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// One piece of root's power.
///
/// # Example
///
/// ```
/// use linux_sys::Capability;
///
/// assert_eq!("net_raw".parse(), Ok(Capability::CAP_NET_RAW));
/// assert_eq!(Capability::CAP_NET_RAW.to_string(), "CAP_NET_RAW");
/// assert!("CAP_SYS_EVERYTHING".parse::<Capability>().is_err());
/// ```
///
/// Manual page: capabilities(7). Level 11.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(u8);

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl Capability {
            $($(#[$doc])* pub const $name: Capability = Capability($number);)*

            /// All that have a name here, in the order of their numbers.
            pub const ALL: &[Capability] = &[$(Capability::$name),*];
        }

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

capabilities! {
    /// Change the owner of any file.
    CAP_CHOWN = 0;
    /// Read, write and execute whatever the file's mode says.
    CAP_DAC_OVERRIDE = 1;
    /// Read any file and search any directory.
    CAP_DAC_READ_SEARCH = 2;
    /// Do to any file what its owner may.
    CAP_FOWNER = 3;
    /// Keep set-user-ID bits when a file is changed.
    CAP_FSETID = 4;
    /// Send signals to any process.
    CAP_KILL = 5;
    /// Become any group.
    CAP_SETGID = 6;
    /// Become any user.
    CAP_SETUID = 7;
    /// Drop from the bounding set, add to the inheritable one.
    CAP_SETPCAP = 8;
    /// Change files marked immutable.
    CAP_LINUX_IMMUTABLE = 9;
    /// Bind ports below 1024.
    CAP_NET_BIND_SERVICE = 10;
    /// Broadcast and multicast.
    CAP_NET_BROADCAST = 11;
    /// Configure the network: interfaces, routes, firewall.
    CAP_NET_ADMIN = 12;
    /// Raw sockets: ping, but also forged packets.
    CAP_NET_RAW = 13;
    /// Lock memory.
    CAP_IPC_LOCK = 14;
    /// Ignore the permissions of System V IPC.
    CAP_IPC_OWNER = 15;
    /// Load kernel modules: the whole machine.
    CAP_SYS_MODULE = 16;
    /// Raw I/O ports and memory: the whole machine.
    CAP_SYS_RAWIO = 17;
    /// chroot(2).
    CAP_SYS_CHROOT = 18;
    /// Look into and steer any process.
    CAP_SYS_PTRACE = 19;
    /// Process accounting.
    CAP_SYS_PACCT = 20;
    /// The new root: mount, pivot_root, unshare, sethostname and much more.
    CAP_SYS_ADMIN = 21;
    /// Reboot, load a new kernel.
    CAP_SYS_BOOT = 22;
    /// Raise priorities, choose CPUs and schedulers.
    CAP_SYS_NICE = 23;
    /// Go beyond resource limits.
    CAP_SYS_RESOURCE = 24;
    /// Set the clock.
    CAP_SYS_TIME = 25;
    /// Configure terminals, vhangup(2).
    CAP_SYS_TTY_CONFIG = 26;
    /// Make device nodes: any disk, any memory.
    CAP_MKNOD = 27;
    /// Leases on files.
    CAP_LEASE = 28;
    /// Write to the audit log.
    CAP_AUDIT_WRITE = 29;
    /// Configure auditing.
    CAP_AUDIT_CONTROL = 30;
    /// Give files capabilities.
    CAP_SETFCAP = 31;
    /// Override mandatory access control.
    CAP_MAC_OVERRIDE = 32;
    /// Configure mandatory access control.
    CAP_MAC_ADMIN = 33;
    /// The kernel's log.
    CAP_SYSLOG = 34;
    /// Wake a sleeping machine.
    CAP_WAKE_ALARM = 35;
    /// Keep a machine from sleeping.
    CAP_BLOCK_SUSPEND = 36;
    /// Read the audit log.
    CAP_AUDIT_READ = 37;
    /// Performance counters.
    CAP_PERFMON = 38;
    /// Load BPF programs.
    CAP_BPF = 39;
    /// Checkpoint and restore.
    CAP_CHECKPOINT_RESTORE = 40;
}

impl Capability {
    /// The capability with this number, if the kernel's sets have room for it (0 to 63).
    pub const fn from_number(number: u8) -> Option<Capability> {
        match number {
            0..64 => Some(Capability(number)),
            _ => None,
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "capability {}", self.0),
        }
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A name that is no capability's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCapability(String);

impl fmt::Display for UnknownCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a capability; man 7 capabilities lists them, CAP_NET_RAW (or NET_RAW) is one",
            self.0
        )
    }
}

impl std::error::Error for UnknownCapability {}

impl FromStr for Capability {
    type Err = UnknownCapability;

    /// `CAP_NET_RAW`, `NET_RAW` or `net_raw`.
    fn from_str(text: &str) -> std::result::Result<Capability, UnknownCapability> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let named =
            |all: &&Capability| NAMES[usize::from(all.0)].strip_prefix("CAP_") == Some(name);
        Capability::ALL
            .iter()
            .find(named)
            .copied()
            .ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

/// A set of capabilities.
///
/// # Example
///
/// ```
/// use linux_sys::{Capability, CapabilitySet};
///
/// let set = CapabilitySet::empty().with(Capability::CAP_CHOWN).with(Capability::CAP_SYS_ADMIN);
/// assert_eq!(set.bits(), 0x20_0001); // as in the Cap lines of /proc/PID/status
/// assert_eq!(set.to_string(), "{CAP_CHOWN CAP_SYS_ADMIN}");
/// ```
///
/// Manual page: capabilities(7). Level 11.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// None.
    pub const fn empty() -> CapabilitySet {
        CapabilitySet(0)
    }

    /// From the 64 bits of a Cap line in /proc/PID/status.
    pub const fn from_bits(bits: u64) -> CapabilitySet {
        CapabilitySet(bits)
    }

    /// The 64 bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// This set and `capability`.
    #[must_use]
    pub const fn with(self, capability: Capability) -> CapabilitySet {
        CapabilitySet(self.0 | 1 << capability.0)
    }

    /// This set without `capability`.
    #[must_use]
    pub const fn without(self, capability: Capability) -> CapabilitySet {
        CapabilitySet(self.0 & !(1 << capability.0))
    }

    /// Whether `capability` is one of them.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability.0) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        (0..64)
            .map(Capability)
            .filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> CapabilitySet {
        capabilities
            .into_iter()
            .fold(CapabilitySet::empty(), CapabilitySet::with)
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .iter()
            .map(|capability| capability.to_string())
            .collect();
        write!(f, "{{{}}}", names.join(" "))
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The three sets that [`capget`] reads and [`capset`] writes. (The other two, bounding and
/// ambient, are prctl's: [`capbset_drop`](crate::capbset_drop),
/// [`cap_ambient_raise`](crate::cap_ambient_raise).)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// What the kernel checks.
    pub effective: CapabilitySet,
    /// What may be put into the effective set.
    pub permitted: CapabilitySet,
    /// What an exec may pass on.
    pub inheritable: CapabilitySet,
}

// _LINUX_CAPABILITY_VERSION_3 of linux/capability.h: sets of 64 bits, in two halves.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Reads the capabilities of a process.
///
/// # Arguments
///
/// * `process`: `Pid::from_raw(0)` is the caller.
///
/// # Errors
///
/// * `ESRCH`: no such process.
/// * `EINVAL`: a negative number.
///
/// # Example
///
/// ```
/// use linux_sys::{Capability, Pid, capget};
///
/// let mine = capget(Pid::from_raw(0))?;
/// println!("may I mount? {}", mine.effective.contains(Capability::CAP_SYS_ADMIN));
/// # Ok::<(), linux_sys::Error>(())
/// ```
///
/// Manual page: capget(2). Level 11.
pub fn capget(process: Pid) -> Result<Capabilities> {
    let mut header = Header {
        version: VERSION,
        pid: process.as_raw(),
    };
    let mut halves = [Half::default(); 2];
    // SAFETY: version 3 has a header and two halves of this layout; both live
    // across the call.
    let done = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    Errno::result(done)
        .map_err(|errno| Error::new("capget", Case::Any, errno, &[plain(process)]))?;
    let join = |of: fn(&Half) -> u32| {
        CapabilitySet(u64::from(of(&halves[1])) << 32 | u64::from(of(&halves[0])))
    };
    Ok(Capabilities {
        effective: join(|half| half.effective),
        permitted: join(|half| half.permitted),
        inheritable: join(|half| half.inheritable),
    })
}

/// Sets the capabilities of the calling thread. What leaves the permitted set is gone for good.
///
/// # Errors
///
/// * `EPERM`: permitted can only lose; effective must be part of permitted; inheritable
///   can gain only what is permitted (or with CAP_SETPCAP) and in the bounding set.
///
/// # Example
///
/// ```standalone_crate
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sandbox/mod.rs"));
/// # fn main() { in_private_namespaces(example) }
/// # fn example() -> linux_sys::Result<()> {
/// use linux_sys::{Capability, Pid, capget, capset};
///
/// let mut mine = capget(Pid::from_raw(0))?;
/// mine.effective = mine.effective.without(Capability::CAP_SYS_ADMIN);
/// mine.permitted = mine.permitted.without(Capability::CAP_SYS_ADMIN);
/// capset(&mine)?;
/// assert!(linux_sys::sethostname("no longer").is_err());
/// # Ok(())
/// # }
/// ```
///
/// Manual page: capset(2). Level 11.
pub fn capset(capabilities: &Capabilities) -> Result<()> {
    let mut header = Header {
        version: VERSION,
        pid: 0,
    };
    // The low half first; `as` cuts off what belongs to the other one.
    let half = |shift: u32| Half {
        effective: (capabilities.effective.0 >> shift) as u32,
        permitted: (capabilities.permitted.0 >> shift) as u32,
        inheritable: (capabilities.inheritable.0 >> shift) as u32,
    };
    let halves = [half(0), half(32)];
    // SAFETY: as in `capget`; the kernel only reads the halves.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
    Errno::result(done).map(drop).map_err(|errno| {
        let Capabilities {
            effective,
            permitted,
            inheritable,
        } = capabilities;
        // Forty names three times hide the one that matters: a learner compares long sets with
        // the Cap lines of /proc/PID/status, so they are shown in the same form.
        let [effective, permitted, inheritable] =
            [effective, permitted, inheritable].map(|set| match set.iter().count() {
                0..=4 => set.to_string(),
                _ => format!("{:x}", set.bits()),
            });
        let shown = [plain(format_args!(
            "{{effective: {effective}, permitted: {permitted}, inheritable: {inheritable}}}"
        ))];
        Error::new("capset", Case::Any, errno, &shown)
    })
}
