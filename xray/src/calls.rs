//! Which system calls are steps, and what they are given.

use linux_sys::{CapabilitySet, CloneFlags, MntFlags, MsFlags};

use crate::memory::{AT_FDCWD, Memory};

/// A call that is a step, as it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// As strace(1) writes them, each by itself.
    pub(crate) arguments: Vec<String>,
    pub(crate) kind: Kind,
}

/// What a step needs beyond its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes a process; whether one that is only to exec, as the C library does it.
    Birth { is_helper: bool, is_thread: bool },
    /// Becomes another program.
    Exec,
    /// Makes a name in a directory: many in a row are one step.
    Makes(String),
    /// Removes one.
    Removes(String),
    /// Anything else.
    Other,
}

/// The call of this number, if it may change what a process is or sees.
fn name(number: u64) -> Option<&'static str> {
    let number = i64::try_from(number).ok()?;
    #[cfg(target_arch = "x86_64")]
    match number {
        libc::SYS_fork => return Some("fork"),
        libc::SYS_vfork => return Some("vfork"),
        libc::SYS_mkdir => return Some("mkdir"),
        libc::SYS_mknod => return Some("mknod"),
        libc::SYS_symlink => return Some("symlink"),
        libc::SYS_rmdir => return Some("rmdir"),
        libc::SYS_unlink => return Some("unlink"),
        libc::SYS_dup2 => return Some("dup2"),
        _ => {}
    }
    Some(match number {
        libc::SYS_clone => "clone",
        libc::SYS_clone3 => "clone3",
        libc::SYS_unshare => "unshare",
        libc::SYS_setns => "setns",
        libc::SYS_execve => "execve",
        libc::SYS_execveat => "execveat",
        libc::SYS_mount => "mount",
        libc::SYS_umount2 => "umount2",
        libc::SYS_mount_setattr => "mount_setattr",
        libc::SYS_open_tree => "open_tree",
        libc::SYS_move_mount => "move_mount",
        libc::SYS_fsopen => "fsopen",
        libc::SYS_fsmount => "fsmount",
        libc::SYS_pivot_root => "pivot_root",
        libc::SYS_chroot => "chroot",
        libc::SYS_chdir => "chdir",
        libc::SYS_fchdir => "fchdir",
        libc::SYS_mkdirat => "mkdirat",
        libc::SYS_mknodat => "mknodat",
        libc::SYS_symlinkat => "symlinkat",
        libc::SYS_unlinkat => "unlinkat",
        libc::SYS_sethostname => "sethostname",
        libc::SYS_setdomainname => "setdomainname",
        libc::SYS_ioctl => "ioctl",
        libc::SYS_write => "write",
        libc::SYS_setuid => "setuid",
        libc::SYS_setgid => "setgid",
        libc::SYS_setreuid => "setreuid",
        libc::SYS_setregid => "setregid",
        libc::SYS_setresuid => "setresuid",
        libc::SYS_setresgid => "setresgid",
        libc::SYS_setgroups => "setgroups",
        libc::SYS_setsid => "setsid",
        libc::SYS_capset => "capset",
        libc::SYS_prctl => "prctl",
        libc::SYS_seccomp => "seccomp",
        libc::SYS_bpf => "bpf",
        libc::SYS_close_range => "close_range",
        libc::SYS_memfd_create => "memfd_create",
        libc::SYS_fcntl => "fcntl",
        libc::SYS_dup3 => "dup3",
        libc::SYS_keyctl => "keyctl",
        libc::SYS_prlimit64 => "prlimit64",
        _ => return None,
    })
}

/// The step that begins with this call, or none.
pub(crate) fn decode(number: u64, given: &[u64; 6], memory: &Memory) -> Option<Call> {
    let name = name(number)?;
    let [a, b, c, d, e, _] = *given;
    let text = |address| memory.text(address);
    let path = |directory: u64, address| memory.path(directory, address);
    let here = AT_FDCWD;
    let mut kind = Kind::Other;
    let arguments = match name {
        "fork" => {
            kind = birth(0);
            Vec::new()
        }
        "vfork" => {
            kind = Kind::Birth {
                is_helper: true,
                is_thread: false,
            };
            Vec::new()
        }
        "clone" | "clone3" => {
            let flags = match name {
                "clone" => a,
                _ => memory.number(a)?,
            };
            kind = birth(flags);
            vec![clone_flags(flags)]
        }
        "unshare" => vec![clone_flags(a)],
        "setns" => vec![memory.descriptor(a), clone_flags(b)],
        "execve" => {
            kind = Kind::Exec;
            vec![text(a), list(&memory.texts(b))]
        }
        "execveat" => {
            kind = Kind::Exec;
            vec![path(a, b), list(&memory.texts(c))]
        }
        "mount" => vec![text(a), text(b), text(c), mount_flags(d), text(e)],
        "umount2" => vec![text(a), umount_flags(b)],
        "mount_setattr" => vec![path(a, b), format!("{c:#x}"), mount_attributes(memory, d)],
        "open_tree" => vec![path(a, b), format!("{c:#x}")],
        "move_mount" => vec![path(a, b), path(c, d)],
        "fsopen" => vec![text(a)],
        "fsmount" => Vec::new(),
        "pivot_root" => vec![text(a), text(b)],
        "chroot" | "chdir" => vec![text(a)],
        "fchdir" => vec![memory.descriptor(a)],
        "mkdir" | "mkdirat" => {
            let (path, mode) = match name {
                "mkdir" => (path(here, a), b),
                _ => (path(a, b), c),
            };
            kind = Kind::Makes(memory.plain(&path));
            vec![path, format!("0{mode:o}")]
        }
        "mknod" | "mknodat" => {
            let (path, mode, device) = match name {
                "mknod" => (path(here, a), b, c),
                _ => (path(a, b), c, d),
            };
            kind = Kind::Makes(memory.plain(&path));
            vec![path, file_mode(mode), device_number(mode, device)]
        }
        "symlink" | "symlinkat" => {
            let (target, path) = match name {
                "symlink" => (text(a), path(here, b)),
                _ => (text(a), path(b, c)),
            };
            kind = Kind::Makes(memory.plain(&path));
            vec![target, path]
        }
        "rmdir" | "unlink" => {
            let path = path(here, a);
            kind = Kind::Removes(memory.plain(&path));
            vec![path]
        }
        "unlinkat" => {
            let path = path(a, b);
            kind = Kind::Removes(memory.plain(&path));
            match c & AT_REMOVEDIR {
                0 => vec![path],
                _ => vec![path, "AT_REMOVEDIR".to_owned()],
            }
        }
        "sethostname" | "setdomainname" => vec![memory.counted(a, b)],
        "ioctl" => match b {
            SIOCSIFFLAGS => interface(memory, c),
            TIOCSCTTY => vec![memory.descriptor(a), "TIOCSCTTY".to_owned()],
            _ => return None,
        },
        "write" => {
            let file = memory.descriptor(a);
            if !file.starts_with("/sys/fs/cgroup")
                && !OF_A_PROCESS.iter().any(|it| file.ends_with(it))
            {
                return None;
            }
            vec![file, memory.counted(b, c.min(96))]
        }
        "setuid" | "setgid" => vec![id(a)],
        "setreuid" | "setregid" => vec![id(a), id(b)],
        "setresuid" | "setresgid" => vec![id(a), id(b), id(c)],
        "setgroups" => vec![list(&memory.ids(b, a))],
        "capset" => vec![capabilities(memory, b)?],
        "prctl" => prctl(a, b, c)?,
        "seccomp" => vec![seccomp_operation(a)?],
        "bpf" => bpf(memory, a, b)?,
        "close_range" => vec![a.to_string(), last_descriptor(b), close_flags(c)],
        "memfd_create" => vec![text(a), memfd_flags(b)],
        "fcntl" => {
            if b != F_ADD_SEALS {
                return None;
            }
            vec![memory.descriptor(a), "F_ADD_SEALS".to_owned(), seals(c)]
        }
        // What becomes a standard stream; that the host's /dev/null becomes the container's says
        // no more than that somebody has called us with it.
        "dup2" | "dup3" => {
            let file = memory.descriptor(a);
            if b > 2 || file == "/dev/null" {
                return None;
            }
            vec![file, b.to_string()]
        }
        "keyctl" => {
            if a != KEYCTL_JOIN_SESSION_KEYRING {
                return None;
            }
            vec!["KEYCTL_JOIN_SESSION_KEYRING".to_owned()]
        }
        "prlimit64" => vec![resource(b), limits(memory, c)?],
        _ => Vec::new(),
    };
    Some(Call {
        name,
        arguments,
        kind,
    })
}

/// What is written to in a process's directory in /proc.
const OF_A_PROCESS: [&str; 4] = ["/oom_score_adj", "/setgroups", "/gid_map", "/uid_map"];

const AT_REMOVEDIR: u64 = 0x200;
/// linux/sockios.h.
const SIOCSIFFLAGS: u64 = 0x8914;
/// asm-generic/ioctls.h.
const TIOCSCTTY: u64 = 0x540e;
/// linux/fcntl.h.
const F_ADD_SEALS: u64 = 1033;
/// linux/keyctl.h.
const KEYCTL_JOIN_SESSION_KEYRING: u64 = 1;

fn memfd_flags(flags: u64) -> String {
    let all = [
        (0x1, "MFD_CLOEXEC"),
        (0x2, "MFD_ALLOW_SEALING"),
        (0x8, "MFD_NOEXEC_SEAL"),
        (0x10, "MFD_EXEC"),
    ];
    joined(all.iter().filter(|it| flags & it.0 != 0).map(|it| it.1))
}

fn seals(seals: u64) -> String {
    let all = [
        (0x1, "F_SEAL_SEAL"),
        (0x2, "F_SEAL_SHRINK"),
        (0x4, "F_SEAL_GROW"),
        (0x8, "F_SEAL_WRITE"),
    ];
    joined(all.iter().filter(|it| seals & it.0 != 0).map(|it| it.1))
}

/// asm-generic/resource.h: those that a level sets.
fn resource(number: u64) -> String {
    match number {
        4 => "RLIMIT_CORE".to_owned(),
        6 => "RLIMIT_NPROC".to_owned(),
        7 => "RLIMIT_NOFILE".to_owned(),
        other => other.to_string(),
    }
}

/// `struct rlimit64`; without one it is only asked.
fn limits(memory: &Memory, address: u64) -> Option<String> {
    if address == 0 {
        return None;
    }
    let (soft, hard) = (memory.number(address)?, memory.number(address + 8)?);
    let shown = |limit: u64| match limit {
        u64::MAX => "RLIM_INFINITY".to_owned(),
        limit => limit.to_string(),
    };
    Some(format!("{{{}, {}}}", shown(soft), shown(hard)))
}

fn birth(flags: u64) -> Kind {
    let has = |flag: libc::c_int| flags & u64::from(flag.cast_unsigned()) != 0;
    Kind::Birth {
        is_helper: has(libc::CLONE_VFORK),
        is_thread: has(libc::CLONE_THREAD),
    }
}

fn clone_flags(flags: u64) -> String {
    // The lowest byte is the signal at the child's end.
    let bits = i32::try_from(flags & 0x7fff_ff00).unwrap_or_default();
    let named = CloneFlags::from_bits_truncate(bits);
    joined(named.iter_names().map(|(name, _)| name))
}

fn mount_flags(flags: u64) -> String {
    joined(
        MsFlags::from_bits_truncate(flags)
            .iter_names()
            .map(|(name, _)| name),
    )
}

fn umount_flags(flags: u64) -> String {
    let bits = i32::try_from(flags).unwrap_or_default();
    joined(
        MntFlags::from_bits_truncate(bits)
            .iter_names()
            .map(|(name, _)| name),
    )
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.is_empty() {
        true => "0".to_owned(),
        false => names.join("|"),
    }
}

pub(crate) fn list(words: &[String]) -> String {
    format!("[{}]", words.join(", "))
}

/// The commands that give the kernel a program and attach it: linux/bpf.h. Each begins with two
/// numbers of 32 bits.
fn bpf(memory: &Memory, command: u64, attr: u64) -> Option<Vec<String>> {
    let both = memory.number(attr)?;
    let (first, second) = (both & 0xffff_ffff, both >> 32);
    match command {
        5 => Some(vec![
            "BPF_PROG_LOAD".to_owned(),
            format!("{second} instructions"),
        ]),
        8 => Some(vec![
            "BPF_PROG_ATTACH".to_owned(),
            memory.descriptor(first),
            memory.descriptor(second),
        ]),
        _ => None,
    }
}

/// A user or group: the largest number means "as it is".
fn id(id: u64) -> String {
    match id as u32 {
        u32::MAX => "-1".to_owned(),
        id => id.to_string(),
    }
}

fn last_descriptor(last: u64) -> String {
    match last as u32 {
        u32::MAX => "~0".to_owned(),
        last => last.to_string(),
    }
}

fn close_flags(flags: u64) -> String {
    match flags {
        4 => "CLOSE_RANGE_CLOEXEC".to_owned(),
        flags => flags.to_string(),
    }
}

fn mount_attributes(memory: &Memory, address: u64) -> String {
    let word = |offset| memory.number(address + offset).unwrap_or_default();
    format!("{{attr_set={:#x}, attr_clr={:#x}}}", word(0), word(8))
}

fn file_mode(mode: u64) -> String {
    let kind = match mode & 0o170_000 {
        0o020_000 => "S_IFCHR|",
        0o060_000 => "S_IFBLK|",
        0o010_000 => "S_IFIFO|",
        0o140_000 => "S_IFSOCK|",
        _ => "",
    };
    format!("{kind}0{:o}", mode & 0o7777)
}

fn device_number(mode: u64, device: u64) -> String {
    match mode & 0o170_000 {
        0o020_000 | 0o060_000 => {
            let (major, minor) = (libc::major(device), libc::minor(device));
            format!("makedev({major}, {minor})")
        }
        _ => "0".to_owned(),
    }
}

/// `struct ifreq`: a name of 16 bytes, and here two bytes of flags.
fn interface(memory: &Memory, address: u64) -> Vec<String> {
    let bytes = memory.bytes(address, 18).unwrap_or_default();
    let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    let flags = bytes.get(16).copied().unwrap_or_default();
    let up = match flags & 1 {
        0 => "down",
        _ => "IFF_UP",
    };
    vec![
        "SIOCSIFFLAGS".to_owned(),
        format!("{name:?}"),
        up.to_owned(),
    ]
}

/// Two halves of three sets of 32 bits each (capset(2)).
fn capabilities(memory: &Memory, address: u64) -> Option<String> {
    let bytes = memory.bytes(address, 24)?;
    let word = |index: usize| {
        let four = bytes.get(index * 4..index * 4 + 4)?;
        Some(u64::from(u32::from_ne_bytes(four.try_into().ok()?)))
    };
    let set = |index| {
        Some(CapabilitySet::from_bits(
            word(index + 3)? << 32 | word(index)?,
        ))
    };
    let show = |set: CapabilitySet| format!("{:x}", set.bits());
    Some(format!(
        "{{effective: {}, permitted: {}, inheritable: {}}}",
        show(set(0)?),
        show(set(1)?),
        show(set(2)?)
    ))
}

fn seccomp_operation(operation: u64) -> Option<String> {
    match operation {
        0 => Some("SECCOMP_SET_MODE_STRICT".to_owned()),
        1 => Some("SECCOMP_SET_MODE_FILTER".to_owned()),
        _ => None, // only asks
    }
}

fn prctl(option: u64, second: u64, third: u64) -> Option<Vec<String>> {
    let capability = |number: u64| {
        let number = u8::try_from(number).ok();
        let known = number.and_then(linux_sys::Capability::from_number);
        known.map_or_else(|| second.to_string(), |it| it.to_string())
    };
    let (name, arguments) = match option {
        1 => ("PR_SET_PDEATHSIG", vec![signal(second)]),
        4 => ("PR_SET_DUMPABLE", vec![second.to_string()]),
        8 => ("PR_SET_KEEPCAPS", vec![second.to_string()]),
        22 => ("PR_SET_SECCOMP", vec![second.to_string()]),
        24 => ("PR_CAPBSET_DROP", vec![capability(second)]),
        28 => ("PR_SET_SECUREBITS", vec![format!("{second:#x}")]),
        36 => ("PR_SET_CHILD_SUBREAPER", vec![second.to_string()]),
        38 => ("PR_SET_NO_NEW_PRIVS", vec![second.to_string()]),
        47 => match second {
            2 => (
                "PR_CAP_AMBIENT",
                vec!["PR_CAP_AMBIENT_RAISE".to_owned(), capability(third)],
            ),
            3 => (
                "PR_CAP_AMBIENT",
                vec!["PR_CAP_AMBIENT_LOWER".to_owned(), capability(third)],
            ),
            4 => (
                "PR_CAP_AMBIENT",
                vec!["PR_CAP_AMBIENT_CLEAR_ALL".to_owned()],
            ),
            _ => return None,
        },
        _ => return None, // only asks, or is about what is not shown
    };
    Some([vec![name.to_owned()], arguments].concat())
}

fn signal(number: u64) -> String {
    let number = i32::try_from(number).unwrap_or_default();
    match number {
        0 => "0".to_owned(),
        number => linux_sys::signal_name(number).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_their_names() {
        assert_eq!(clone_flags(0x2002_0011), "CLONE_NEWNS|CLONE_NEWPID");
        assert_eq!(clone_flags(17), "0");
        assert_eq!(mount_flags(1 << 18 | 1 << 14), "MS_REC|MS_PRIVATE");
        assert_eq!(umount_flags(2), "MNT_DETACH");
        assert_eq!(file_mode(0o020_666), "S_IFCHR|0666");
        assert_eq!(device_number(0o020_666, 0x103), "makedev(1, 3)");
        assert_eq!(id(0xffff_ffff), "-1");
    }

    #[test]
    fn questions_are_no_steps() {
        assert_eq!(prctl(2, 0, 0), None); // PR_GET_PDEATHSIG
        assert_eq!(prctl(23, 0, 0), None); // PR_CAPBSET_READ
        let asked = prctl(24, 21, 0).unwrap_or_default();
        assert_eq!(asked, ["PR_CAPBSET_DROP", "CAP_SYS_ADMIN"]);
        assert_eq!(name(u64::MAX), None);
        assert_eq!(name(libc::SYS_getpid.cast_unsigned()), None);
    }

    #[test]
    fn what_the_c_library_starts_is_a_helper() {
        let helper = Kind::Birth {
            is_helper: true,
            is_thread: false,
        };
        assert_eq!(birth(0x4100), helper); // CLONE_VM|CLONE_VFORK
        assert_ne!(birth(0x2002_0011), helper);
    }
}
