//! The system calls of which a container is made, as a supervisor sees them: what each is
//! called, what it is about, and which step of which level makes it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use linux_sys::{CloneFlags, MsFlags};
use nix::libc;
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, statfs};

use crate::procfs;

/// A call that waits for an answer.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The kernel's number of this notice, which the answer repeats (seccomp_unotify(2)).
    pub(crate) id: u64,
    /// The process that has made it.
    pub(crate) pid: i32,
    pub(crate) number: i64,
    /// The call as one would write it, the container's id being ID: `sethostname("ID")`.
    pub(crate) text: String,
    /// The same without what tells one of a kind from the next: `mknod`.
    pub(crate) kind: String,
    /// The level and its step that make a call of this kind, if it isolates anything.
    pub(crate) taught: Option<(u8, u8)>,
}

/// Not every machine has these.
#[cfg(target_arch = "x86_64")]
mod old {
    use nix::libc;
    pub(super) const FORK: i64 = libc::SYS_fork;
    pub(super) const VFORK: i64 = libc::SYS_vfork;
    pub(super) const MKDIR: i64 = libc::SYS_mkdir;
    pub(super) const MKNOD: i64 = libc::SYS_mknod;
    pub(super) const PAUSE: i64 = libc::SYS_pause;
    pub(super) const POLL: i64 = libc::SYS_poll;
    pub(super) const OPEN: i64 = libc::SYS_open;
    pub(super) const SYMLINK: i64 = libc::SYS_symlink;
    pub(super) const LINK: i64 = libc::SYS_link;
    pub(super) const RENAME: i64 = libc::SYS_rename;
    pub(super) const STAT: i64 = libc::SYS_stat;
    pub(super) const LSTAT: i64 = libc::SYS_lstat;
    pub(super) const ACCESS: i64 = libc::SYS_access;
    pub(super) const DUP2: i64 = libc::SYS_dup2;
}
#[cfg(not(target_arch = "x86_64"))]
mod old {
    pub(super) const FORK: i64 = -1;
    pub(super) const VFORK: i64 = -2;
    pub(super) const MKDIR: i64 = -3;
    pub(super) const MKNOD: i64 = -4;
    pub(super) const PAUSE: i64 = -5;
    pub(super) const POLL: i64 = -6;
    pub(super) const OPEN: i64 = -7;
    pub(super) const SYMLINK: i64 = -8;
    pub(super) const LINK: i64 = -9;
    pub(super) const RENAME: i64 = -10;
    pub(super) const STAT: i64 = -11;
    pub(super) const LSTAT: i64 = -12;
    pub(super) const ACCESS: i64 = -13;
    pub(super) const DUP2: i64 = -14;
}

/// The calls that make a process.
pub(crate) const BIRTHS: &[i64] = &[old::FORK, old::VFORK, libc::SYS_clone, libc::SYS_clone3];

/// The calls by which a process becomes another program.
pub(crate) const EXECS: &[i64] = &[libc::SYS_execve, libc::SYS_execveat];

/// The calls by which a parent waits for its child's end.
pub(crate) const WAITS: &[i64] = &[libc::SYS_wait4, libc::SYS_waitid];

/// What changes which signals are held back, or looks.
pub(crate) const MASKS: &[i64] = &[
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigpending,
    libc::SYS_pidfd_open,
];

/// What a process does that waits for something, and for nothing in particular to pass by.
pub(crate) const RESTS: &[i64] = &[
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_ppoll,
    libc::SYS_epoll_pwait,
    libc::SYS_read,
    libc::SYS_flock,
    old::PAUSE,
    old::POLL,
];

/// What makes files.
pub(crate) const FILES: &[i64] = &[
    old::MKDIR,
    libc::SYS_mkdirat,
    old::OPEN,
    libc::SYS_openat,
    old::SYMLINK,
    libc::SYS_symlinkat,
    old::LINK,
    libc::SYS_linkat,
    old::RENAME,
    libc::SYS_renameat2,
];

/// Which argument is the first path of a call that makes files or looks for them. The others
/// are numbers, or memory that the kernel writes to: what lies there before is no path.
fn first_path(number: i64) -> Option<usize> {
    match number {
        old::MKDIR | old::OPEN | old::SYMLINK | old::LINK | old::RENAME => Some(0),
        old::STAT | old::LSTAT | old::ACCESS | libc::SYS_symlinkat => Some(0),
        _ if FILES.contains(&number) || LOOKS.contains(&number) => Some(1),
        _ => None,
    }
}

/// What looks whether a file is there, or opens it.
pub(crate) const LOOKS: &[i64] = &[
    old::STAT,
    old::LSTAT,
    old::ACCESS,
    old::OPEN,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_openat,
    libc::SYS_openat2,
];

/// What separates a process from others, or takes rights from it.
pub(crate) const ISOLATING: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_sethostname,
    libc::SYS_socket,
    libc::SYS_ioctl,
    old::MKNOD,
    libc::SYS_mknodat,
    old::MKDIR,
    libc::SYS_mkdirat,
    libc::SYS_write,
    libc::SYS_setgroups,
    libc::SYS_setgid,
    libc::SYS_setuid,
    libc::SYS_setregid,
    libc::SYS_setreuid,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_prctl,
    libc::SYS_capset,
    libc::SYS_seccomp,
    libc::SYS_bpf,
];

/// What separates it as well, by calls that are often made for another reason: a level whose
/// supervisor has gone could not tidy up without them.
pub(crate) const OTHERS: &[i64] = &[
    libc::SYS_memfd_create,
    libc::SYS_fcntl,
    libc::SYS_setsid,
    libc::SYS_dup3,
    old::DUP2,
    libc::SYS_keyctl,
    libc::SYS_prlimit64,
];

/// The calls of all these lists that this machine's kernel has.
pub(crate) fn numbers(lists: &[&[i64]]) -> Vec<i64> {
    let mut all = lists.concat();
    all.retain(|number| *number >= 0);
    all.sort_unstable();
    all.dedup();
    all
}

impl Call {
    /// A call that has just been made: its process waits, so its memory holds still.
    pub(crate) fn new(id: u64, pid: i32, number: i64, arguments: [u64; 6]) -> Call {
        let caller = Caller { pid, arguments };
        let (text, kind, taught) = caller.describe(number);
        Call {
            id,
            pid,
            number,
            text: without_ids(&text),
            kind: without_ids(&kind),
            taught,
        }
    }

    pub(crate) fn is_in(&self, list: &[i64]) -> bool {
        list.contains(&self.number)
    }

    /// Whether its process becomes this program by it.
    pub(crate) fn starts(&self, name: &str) -> bool {
        self.is_in(EXECS) && self.text.ends_with(&format!("/{name}\")"))
    }
}

type Description = (String, String, Option<(u8, u8)>);

struct Caller {
    pid: i32,
    arguments: [u64; 6],
}

const PR_CAP_AMBIENT_IS_SET: u64 = 1;

/// SECCOMP_SET_MODE_FILTER: the others are questions.
const LOADS_A_FILTER: u64 = libc::SECCOMP_SET_MODE_FILTER as u64;
/// The only command of fcntl(2) that takes something away.
const ADD_SEALS: u64 = libc::F_ADD_SEALS as u64;
const JOIN_SESSION_KEYRING: u64 = libc::KEYCTL_JOIN_SESSION_KEYRING as u64;
/// What bpf(2) is asked for, by linux/bpf.h.
const BPF_PROG_LOAD: u64 = 5;
const BPF_PROG_ATTACH: u64 = 8;
const BPF_LINK_CREATE: u64 = 28;

impl Caller {
    fn describe(&self, number: i64) -> Description {
        let [first, second, ..] = self.arguments;
        // A call that is a kind of its own.
        let one = |text: String, taught| (text.clone(), text, taught);
        // A call of a kind of which there are many.
        let many = |name: &str, shown: String, taught| {
            (format!("{name}({shown})"), name.to_owned(), taught)
        };
        match number {
            old::FORK => self.birth("fork", 0),
            old::VFORK => self.birth("vfork", 0),
            libc::SYS_clone => self.birth("clone", first),
            // struct clone_args begins with the flags.
            libc::SYS_clone3 => self.birth("clone3", self.number_at(first)),
            libc::SYS_unshare => self.namespaces("unshare", first, (2, 1)),
            libc::SYS_setns => self.namespaces("setns", second, (2, 1)),
            libc::SYS_execve => many("execve", self.quoted(0), Some((0, 1))),
            libc::SYS_execveat if self.executes_itself() => {
                many("execveat of a copy", self.executed(), Some((17, 4)))
            }
            libc::SYS_execveat => many("execveat", self.executed(), Some((0, 1))),
            libc::SYS_memfd_create => {
                one(format!("memfd_create({})", self.quoted(0)), Some((17, 3)))
            }
            libc::SYS_fcntl => match second == ADD_SEALS {
                true => one("fcntl(F_ADD_SEALS)".into(), Some((17, 4))),
                false => one("fcntl".into(), None),
            },
            libc::SYS_wait4 | libc::SYS_waitid if self.is_number_1() => {
                one("wait by number 1".into(), Some((19, 3)))
            }
            libc::SYS_wait4 => one("wait4".into(), Some((0, 3))),
            libc::SYS_waitid => one("waitid".into(), Some((0, 3))),
            libc::SYS_mount => self.mount(),
            libc::SYS_umount2 => one(format!("umount2({})", self.quoted(0)), Some((3, 3))),
            libc::SYS_fsopen => one(format!("fsopen({})", self.quoted(0)), Some((1, 3))),
            libc::SYS_fsconfig => one("fsconfig".into(), Some((1, 3))),
            libc::SYS_fsmount => one("fsmount".into(), Some((1, 3))),
            libc::SYS_open_tree => one("open_tree".into(), Some((16, 1))),
            // To a descriptor, or to a path.
            libc::SYS_move_mount => match self.text(3).as_str() {
                "" => one("move_mount".into(), Some((16, 3))),
                _ => one("move_mount".into(), Some((1, 3))),
            },
            // Of a tree by its descriptor, or of what is mounted at a path.
            libc::SYS_mount_setattr => match self.text(1).as_str() {
                "" => one("mount_setattr of a tree".into(), Some((16, 2))),
                _ => one("mount_setattr".into(), Some((2, 2))),
            },
            libc::SYS_pivot_root => {
                let both = format!("{}, {}", self.quoted(0), self.quoted(1));
                one(format!("pivot_root({both})"), Some((3, 2)))
            }
            libc::SYS_chroot => one(format!("chroot({})", self.quoted(0)), Some((1, 2))),
            libc::SYS_chdir => one(format!("chdir({})", self.quoted(0)), Some((1, 2))),
            libc::SYS_fchdir => one("fchdir".into(), Some((1, 2))),
            libc::SYS_sethostname => one(format!("sethostname({})", self.quoted(0)), Some((5, 2))),
            libc::SYS_socket => {
                // Of AF_INET, or of AF_NETLINK, by which interfaces are switched on as well.
                match first {
                    2 | 16 => one("socket".into(), Some((7, 2))),
                    _ => one("socket of another family".into(), None),
                }
            }
            libc::SYS_ioctl => match second {
                libc::SIOCSIFFLAGS => one("ioctl(SIOCSIFFLAGS)".into(), Some((7, 2))),
                libc::TIOCSCTTY => one("ioctl(TIOCSCTTY)".into(), Some((18, 3))),
                _ => one("ioctl".into(), None),
            },
            libc::SYS_setsid => one("setsid".into(), Some((18, 4))),
            libc::SYS_dup3 | old::DUP2 => match second {
                0..=2 => one(format!("dup2 to {second}"), Some((18, 3))),
                _ => one("dup2 to another".into(), None),
            },
            libc::SYS_keyctl => match first == JOIN_SESSION_KEYRING {
                true => one("keyctl(KEYCTL_JOIN_SESSION_KEYRING)".into(), Some((18, 5))),
                false => one("keyctl".into(), None),
            },
            // Without new limits it is a question.
            libc::SYS_prlimit64 => match self.arguments[2] {
                0 => one("prlimit64 of another kind".into(), None),
                _ => one(format!("prlimit64 of limit {second}"), Some((18, 5))),
            },
            old::MKNOD => many("mknod", self.quoted(0), Some((2, 3))),
            libc::SYS_mknodat => many("mknod", self.quoted(1), Some((2, 3))),
            old::MKDIR => self.directory(0),
            libc::SYS_mkdirat => self.directory(1),
            libc::SYS_write => self.write(),
            libc::SYS_setgroups => one("setgroups".into(), Some((10, 1))),
            libc::SYS_setgid => one("setgid".into(), Some((10, 2))),
            libc::SYS_setuid => one("setuid".into(), Some((10, 2))),
            libc::SYS_setregid => one("setregid".into(), Some((10, 2))),
            libc::SYS_setreuid => one("setreuid".into(), Some((10, 2))),
            // To be root by all three numbers, one has to be another before.
            libc::SYS_setresgid if self.is_all_zero() => {
                one("setresgid(0, 0, 0)".into(), Some((20, 2)))
            }
            libc::SYS_setresuid if self.is_all_zero() => {
                one("setresuid(0, 0, 0)".into(), Some((20, 2)))
            }
            libc::SYS_setresgid => one("setresgid".into(), Some((10, 2))),
            libc::SYS_setresuid => one("setresuid".into(), Some((10, 2))),
            libc::SYS_prctl => self.prctl(),
            libc::SYS_capset => one("capset".into(), Some((11, 3))),
            libc::SYS_seccomp => match first {
                LOADS_A_FILTER => one("seccomp".into(), Some((13, 6))),
                _ => one("seccomp of another kind".into(), None),
            },
            libc::SYS_bpf => match first {
                BPF_PROG_LOAD => one("bpf(BPF_PROG_LOAD)".into(), Some((15, 3))),
                BPF_PROG_ATTACH => one("bpf(BPF_PROG_ATTACH)".into(), Some((15, 3))),
                BPF_LINK_CREATE => one("bpf(BPF_LINK_CREATE)".into(), Some((15, 3))),
                _ => one("bpf(...)".into(), None),
            },
            libc::SYS_rt_sigprocmask => one("rt_sigprocmask".into(), None),
            libc::SYS_rt_sigpending => one("rt_sigpending".into(), None),
            libc::SYS_rt_sigtimedwait => one("rt_sigtimedwait".into(), None),
            libc::SYS_pidfd_open => one("pidfd_open".into(), None),
            // What makes files, or looks for them: the first path that it names tells which.
            number => {
                let path = first_path(number).map(|index| self.quoted(index));
                one(format!("call {number}({})", path.unwrap_or_default()), None)
            }
        }
    }

    fn is_all_zero(&self) -> bool {
        self.arguments[..3].iter().all(|it| *it == 0)
    }

    fn birth(&self, name: &str, flags: u64) -> Description {
        if self.is_number_1() && flags & CloneFlags::CLONE_NEWUSER.bits() as u64 == 0 {
            let text = format!("{name}() by number 1");
            return (text.clone(), text, Some((19, 2)));
        }
        self.namespaces(name, flags, (0, 2))
    }

    /// The level is that of the last namespace that was learned.
    fn namespaces(&self, name: &str, flags: u64, otherwise: (u8, u8)) -> Description {
        let flags = CloneFlags::from_bits_truncate(flags as i32);
        let all = [
            (CloneFlags::CLONE_NEWUSER, (20, 2)),
            (CloneFlags::CLONE_NEWCGROUP, (8, 3)),
            (CloneFlags::CLONE_NEWNET, (7, 1)),
            (CloneFlags::CLONE_NEWIPC, (6, 1)),
            (CloneFlags::CLONE_NEWPID, (6, 1)),
            (CloneFlags::CLONE_NEWUTS, (5, 1)),
            (CloneFlags::CLONE_NEWNS, (2, 1)),
        ];
        let asked: Vec<_> = all.iter().filter(|it| flags.contains(it.0)).collect();
        let names: Vec<String> = asked
            .iter()
            .rev()
            .flat_map(|it| it.0.iter_names().map(|(name, _)| name.to_owned()))
            .collect();
        let text = format!("{name}({})", names.join(" | "));
        let taught = asked.first().map_or(otherwise, |it| it.1);
        (text.clone(), text, Some(taught))
    }

    fn mount(&self) -> Description {
        let flags = MsFlags::from_bits_truncate(self.arguments[3]);
        let fstype = self.text(2);
        let propagation =
            MsFlags::MS_PRIVATE | MsFlags::MS_SLAVE | MsFlags::MS_SHARED | MsFlags::MS_UNBINDABLE;
        let taught = match &*fstype {
            _ if flags.intersects(propagation) => (2, 2),
            _ if flags.contains(MsFlags::MS_REMOUNT) && self.text(1) == "/" => (12, 3),
            "tmpfs" if self.text(1).starts_with("/proc/self/fd/") => (16, 4),
            _ if is_of_kernel(Path::new(&self.text(1))) => return self.cover(flags, &fstype),
            // Where no node is made: the host's device is shown instead.
            "" if flags == MsFlags::MS_BIND && self.text(0).starts_with("/dev/") => (20, 4),
            _ if flags.contains(MsFlags::MS_BIND) => (3, 1),
            _ if flags.contains(MsFlags::MS_MOVE) => (3, 2),
            "overlay" => (4, 2),
            "tmpfs" | "devpts" | "mqueue" => (2, 3),
            _ => (1, 3),
        };
        let what = match &*fstype {
            "" => {
                let names: Vec<_> = flags.iter_names().map(|(name, _)| name).collect();
                names.join(" | ")
            }
            _ => format!("{fstype:?}"),
        };
        let text = without_ids(&format!("mount({what} on {})", self.quoted(1)));
        let kind = match taught {
            (20, _) => "mount(MS_BIND of a device)".to_owned(),
            _ => text.clone(),
        };
        (text, kind, Some(taught))
    }

    /// What lies over a file of the kernel's, of which there are many: one kind for each way.
    fn cover(&self, flags: MsFlags, fstype: &str) -> Description {
        let (source, target) = (self.text(0), self.quoted(1));
        let (what, step) = match flags {
            _ if flags.contains(MsFlags::MS_REMOUNT) => ("MS_REMOUNT", 1),
            _ if !flags.contains(MsFlags::MS_BIND) => (fstype, 2),
            _ if source == self.text(1) => ("MS_BIND of the path itself", 1),
            _ => ("MS_BIND of an empty file", 2),
        };
        let text = without_ids(&format!("mount({what} on {target})"));
        (
            text,
            format!("mount({what} on a path of the kernel's)"),
            Some((12, step)),
        )
    }

    fn prctl(&self) -> Description {
        let [option, argument, ..] = self.arguments;
        let (name, taught) = match option as i32 {
            libc::PR_SET_PDEATHSIG => ("PR_SET_PDEATHSIG", Some((6, 3))),
            libc::PR_SET_KEEPCAPS => ("PR_SET_KEEPCAPS", Some((10, 2))),
            libc::PR_SET_DUMPABLE => ("PR_SET_DUMPABLE", Some((19, 2))),
            libc::PR_SET_SECCOMP => ("PR_SET_SECCOMP", Some((13, 6))),
            libc::PR_SET_SECUREBITS => ("PR_SET_SECUREBITS", Some((10, 2))),
            // PR_CAPBSET_READ only asks, and that it fails tells a right solution something:
            // a kernel that is older than the capability.
            libc::PR_CAPBSET_DROP => ("PR_CAPBSET_DROP", Some((11, 1))),
            libc::PR_CAP_AMBIENT if argument != PR_CAP_AMBIENT_IS_SET => {
                ("PR_CAP_AMBIENT", Some((11, 2)))
            }
            _ => ("...", None),
        };
        let text = format!("prctl({name})");
        (text.clone(), text, taught)
    }

    /// Only the container's own group matters: the one above it is given code's.
    fn directory(&self, index: usize) -> Description {
        let path = PathBuf::from(self.text(index));
        let is_group = path.is_absolute()
            && path.parent().is_some_and(|above| {
                is_control_group(&self.reached(above)) && above.ends_with("rubber-docker")
            });
        let text = format!("mkdir({:?})", path.display());
        match is_group {
            true => (text, "mkdir of a group".into(), Some((8, 1))),
            false => (text, "mkdir".into(), None),
        }
    }

    fn write(&self) -> Description {
        let open = procfs::path(self.pid, &format!("fd/{}", self.arguments[0]));
        if fs::read_link(&open).is_ok_and(|it| it.ends_with("oom_score_adj")) {
            let name = "write to oom_score_adj".to_owned();
            return (name.clone(), name, Some((18, 5)));
        }
        let is_map = |path: &PathBuf| ["uid_map", "gid_map"].iter().any(|it| path.ends_with(it));
        if let Some(path) = fs::read_link(&open).ok().filter(is_map) {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("write to {file}");
            return (name.clone(), name, Some((20, 3)));
        }
        if !is_control_group(&open) {
            return ("write".into(), "write".into(), None);
        }
        let path = fs::read_link(&open).unwrap_or_default();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let taught = match &*file {
            "cgroup.procs" | "tasks" => Some((8, 2)),
            "memory.swap.max" | "memory.memsw.limit_in_bytes" => Some((9, 3)),
            _ if file.starts_with("memory.") => Some((9, 2)),
            "pids.max" => Some((14, 1)),
            "cpu.max" | "cpu.cfs_quota_us" => Some((14, 2)),
            "io.max" | "blkio.throttle.write_bps_device" => Some((14, 3)),
            _ if file.starts_with("cpu.") => Some((8, 1)),
            // Given code's: controllers handed down, processors of a new group.
            _ => None,
        };
        let value = self.bytes(self.arguments[1], self.arguments[2].min(40) as usize);
        let value = String::from_utf8_lossy(&value).into_owned();
        let text = format!("write of {value:?} to {}", path.display());
        (text, format!("write to {file}"), taught)
    }

    /// What execveat executes: a name, or a descriptor's file.
    fn executed(&self) -> String {
        match self.text(1) {
            name if !name.is_empty() => format!("{name:?}"),
            _ => {
                let open = procfs::path(self.pid, &format!("fd/{}", self.arguments[0]));
                format!("{:?}", fs::read_link(open).unwrap_or_default().display())
            }
        }
    }

    /// Whether it is number 1 of a PID namespace below ours.
    fn is_number_1(&self) -> bool {
        let numbers = procfs::status(self.pid, "NSpid").unwrap_or_default();
        numbers.split_whitespace().skip(1).last() == Some("1")
    }

    /// Whether the program that execveat executes is a file in memory, or what already runs.
    fn executes_itself(&self) -> bool {
        let open = procfs::path(self.pid, &format!("fd/{}", self.arguments[0]));
        let is_in_memory = fs::read_link(&open).is_ok_and(|it| it.starts_with("/memfd:"));
        let own = procfs::identity(procfs::path(self.pid, "exe"));
        let is_own = procfs::identity(open).is_ok_and(|it| own.is_ok_and(|own| own == it));
        self.text(1).is_empty() && (is_in_memory || is_own)
    }

    /// A path of the caller's, reached from here.
    fn reached(&self, path: &Path) -> PathBuf {
        let root = procfs::path(self.pid, "root");
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn quoted(&self, index: usize) -> String {
        format!("{:?}", self.text(index))
    }

    /// The string that an argument points to.
    fn text(&self, index: usize) -> String {
        let bytes = self.bytes(self.arguments[index], 512);
        let end = bytes.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&bytes[..end.unwrap_or(0)]).into_owned()
    }

    fn number_at(&self, address: u64) -> u64 {
        let bytes = self.bytes(address, 8);
        bytes.try_into().map_or(0, u64::from_ne_bytes)
    }

    fn bytes(&self, address: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = File::open(procfs::path(self.pid, "mem"))
            .and_then(|memory| memory.read_at(&mut bytes, address));
        bytes.truncate(read.unwrap_or(0));
        bytes
    }
}

/// Whether it is below a /proc or a /sys, as the container or as the host names it.
fn is_of_kernel(path: &Path) -> bool {
    let mut above = path.ancestors().skip(1);
    above.any(|path| path.ends_with("proc") || path.ends_with("sys"))
}

fn is_control_group(path: &Path) -> bool {
    statfs(path).is_ok_and(|found| {
        let kind = found.filesystem_type();
        kind == CGROUP_SUPER_MAGIC || kind == CGROUP2_SUPER_MAGIC
    })
}

/// A container's id is another one each time: twelve hexadecimal digits, here ID.
pub(crate) fn without_ids(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_alphanumeric() {
            word.push(character);
            continue;
        }
        let is_id = word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        shown.push_str(if is_id { "ID" } else { &word });
        word.clear();
        if character != '\0' {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_proc_or_sys_is_told_from_these_themselves() {
        for path in ["/proc/sys", "/x/rootfs/proc/kcore", "/sys/firmware"] {
            assert!(is_of_kernel(Path::new(path)), "{path}");
        }
        for path in ["/proc", "/x/rootfs/sys", "/dev/shm", "/"] {
            assert!(!is_of_kernel(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn an_id_is_told_from_other_words() {
        assert_eq!(
            without_ids("mkdir(\"/x/rubber-docker/0123456789ab\")"),
            "mkdir(\"/x/rubber-docker/ID\")"
        );
        assert_eq!(without_ids("0123456789ab"), "ID");
        assert_eq!(without_ids("sethostname"), "sethostname");
        assert_eq!(without_ids("/a/0123456789abc"), "/a/0123456789abc");
    }
}
