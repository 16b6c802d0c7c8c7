//! The Linux system calls of the workshop: C semantics, Rust types, errors that teach.
//!
//! A container is not a thing that the kernel knows. It is a process for which a
//! dozen system calls were made, in the right order, before it became the user's
//! program. This crate is those calls: one function for each, named as in C, taking
//! what C takes, so that what you learn here is true in every other language and in
//! the kernel's own manual.
//!
//! # The map
//!
//! Each row: the call, the level that needs it first, its manual page (`man 2 mount`
//! shows "mount(2)"; `apt install manpages-dev` if it does not).
//!
//! ## Processes: who runs
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`fork`] | one process becomes two | 00 | fork(2) |
//! | [`execvp`] | becomes another program, found in `PATH` | 00 | execvp(3) |
//! | [`execve`] | the same by path, with a given environment | 00 | execve(2) |
//! | [`execveat`] | the same of an open file, which needs no path | 17 | execveat(2) |
//! | [`clearenv`], [`setenv`] | another environment for the next program | 05 | clearenv(3), setenv(3) |
//! | [`waitpid`] | waits for a child and collects its status | 00 | waitpid(2) |
//! | [`waitpid_any`] | collects whichever child has ended | 19 | waitpid(2) |
//! | [`waitid`] | the same, or only looks | 00, given | waitid(2) |
//! | [`exit`] | ends at once | 00 | _exit(2) |
//! | [`clone()`] | fork into new namespaces | 06 | clone(2) |
//! | [`pidfd_open`], [`pidfd_send_signal`] | a process by descriptor instead of number | 06 | pidfd_open(2) |
//! | [`set_pdeathsig`] | do not outlive the parent | 06 | prctl(2) |
//! | [`set_dumpable`] | whether others may look into it | 19 | prctl(2) |
//! | [`getrlimit`], [`setrlimit`] | what each process may use | 18 | setrlimit(2) |
//!
//! ## The root: where paths begin
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`chroot`] | another `/` for this process | 01 | chroot(2) |
//! | [`chdir`] | another working directory | 01 | chdir(2) |
//! | [`pivot_root`] | another `/` for the mount namespace | 03 | pivot_root(2) |
//!
//! ## Mounts: what is there
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`mount()`] | attaches a filesystem, or changes a mount | 01 | mount(2) |
//! | ... with `MS_REC \| MS_PRIVATE` | ends propagation | 02 | mount_namespaces(7) |
//! | ... with `MS_BIND` | shows a directory a second time | 03 | mount(2) |
//! | ... of type `overlay` | layers directories | 04 | mount(2) |
//! | [`umount`] | detaches a filesystem | 01 | umount(2) |
//! | [`umount2`] | the same, also of busy ones | 03 | umount2(2) |
//! | ... with `MS_BIND`, and again with `MS_REMOUNT` | covers a path | 12 | mount(2) |
//! | [`mount_setattr`] | changes a whole tree of mounts at once | checks | mount_setattr(2) |
//! | [`open_tree`], [`mount_setattr_tree`], [`move_mount`] | a tree of mounts, made ready before it has a place | 16 | open_tree(2), ... |
//!
//! ## Namespaces: what a process sees
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`unshare`] | moves into new namespaces: mount 02, UTS 05, network 07, cgroup 08, user 20 | 02 | unshare(2) |
//! | [`sethostname`] | names the UTS namespace | 05 | sethostname(2) |
//! | [`socket`], [`siocgifflags`], [`siocsifflags`] | switch an interface of a network namespace on | 07 | netdevice(7) |
//! | [`setns`] | joins an existing namespace | 07, bonus | setns(2) |
//!
//! ## Files
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`mknod`], [`makedev`] | makes device nodes | 02 | mknod(2) |
//! | [`umask`] | which mode bits new files do not get | 02 | umask(2) |
//! | [`symlink`], [`mkdir`], [`rmdir`], [`chmod`] | names in directories | 02 to 04 | symlink(2), ... |
//! | [`memfd_create`] | a file in memory, without a path | 17 | memfd_create(2) |
//! | [`fcntl_add_seals`], [`fcntl_get_seals`] | what nobody may do to it any more | 17 | fcntl(2) |
//! | [`openat2`] | opens a path without being led astray | 01, given | openat2(2) |
//! | [`dup2`] | a standard stream becomes another file | 18 | dup2(2) |
//! | [`close_range`] | closes all doors before exec | 00, given | close_range(2) |
//!
//! ## Signals and the terminal
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`signal()`] | default or ignored | 00, given | signal(7) |
//! | [`sigprocmask`] | holds signals back | 00, given | sigprocmask(2) |
//! | [`sigtimedwait`] | takes one that was held back | 00, given | sigtimedwait(2) |
//! | [`signalfd`] | a descriptor that tells of some | 18, given | signalfd(2) |
//! | [`sigpending`] | looks whether one waits | 00, given | sigpending(2) |
//! | [`ignored_at_start`] | what our caller ignores | 00, given | execve(2) |
//! | [`kill`] | sends one | 00, given | kill(2) |
//! | [`setsid`], [`setpgid`] | sessions and process groups | 18; 00, given | setsid(2), setpgid(2) |
//! | [`tcgetpgrp`], [`tcsetpgrp`] | which process group Ctrl-C reaches | 00, given | tcsetpgrp(3) |
//! | [`tiocsctty`] | makes it the session's own | 18 | ioctl_tty(2) |
//! | [`tiocgptpeer`] | the terminal of a pseudo-terminal's master | 18, given | ioctl_tty(2) |
//! | [`tiocgwinsz`], [`tiocswinsz`] | how large its window is | 18, given | ioctl_tty(2) |
//! | [`tiocgetd`], [`tiocsetd`] | what makes lines of what is typed | 00, given | ioctl_tty(2) |
//! | [`tiocgexcl`], [`tiocexcl`], [`tiocnxcl`] | whether other processes may open it | 00, given | ioctl_tty(2) |
//!
//! ## Users and capabilities: what a process may do
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`setgroups`], [`setgid`], [`setuid`] | become another user, in this order | 10 | setgroups(2), ... |
//! | [`setresgid`], [`setresuid`] | all three ids, each by itself | 20 | setresuid(2) |
//! | [`keyctl_join_session_keyring`] | a ring of keys of one's own | 18 | keyctl(2) |
//! | [`capget`], [`capset`] | effective, permitted, inheritable set | 11 | capget(2) |
//! | [`capbset_read`], [`capbset_drop`] | bounding set | 11 | prctl(2) |
//! | [`cap_ambient_raise`], [`cap_ambient_lower`], [`cap_ambient_is_set`], [`cap_ambient_clear_all`] | ambient set | 11 | prctl(2) |
//! | [`set_keepcaps`], [`set_no_new_privs`] | what survives setuid and exec | 11 | prctl(2) |
//!
//! ## What a container has no business with
//!
//! Only the checks make these calls, to see that they lead nowhere.
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`ptrace_seize`] | takes hold of a process | checks, x-ray | ptrace(2) |
//! | [`name_to_handle_at`], [`open_by_handle_at`] | a file without a path to it | checks | open_by_handle_at(2) |
//! | [`add_key`], [`keyctl_search`], [`keyctl_clear`] | the session's keys | checks | keyctl(2) |
//! | [`tiocsti`] | types on a terminal | checks | ioctl_tty(2) |
//! | [`clone3`] | fork, in new namespaces, with flags that no filter sees | checks | clone(2) |
//! | [`io_uring_setup`] | a ring for orders that no filter sees | checks | io_uring_setup(2) |
//! | [`getpid_of_i386`], [`getpid_of_x32`], [`no_such_call`] | numbers of another table, or of none | checks | syscall(2) |
//!
//! ## Calls that wait for an answer
//!
//! Only the checks make these, to stop a level in the middle of a step, or to refuse it one.
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`seccomp_new_listener`] | calls wait until another process decides about them | checks | seccomp(2) |
//! | [`notif_recv`] | the next call that waits | checks | seccomp_unotify(2) |
//! | [`notif_continue`], [`notif_fail`] | lets it go on, or fail | checks | seccomp_unotify(2) |
//!
//! ## Watching a process
//!
//! Only the x-ray and the checks make these, most of them after [`ptrace_seize`].
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`wait_traced`] | waits for the next stop of any process | x-ray | wait(2) |
//! | [`ptrace_cont`], [`ptrace_syscall`] | lets it go on; to its next system call | x-ray | ptrace(2) |
//! | [`ptrace_listen`] | leaves it stopped by its signal | x-ray | ptrace(2) |
//! | [`ptrace_interrupt`], [`ptrace_detach`] | stops it now; lets go of it | checks | ptrace(2) |
//! | [`ptrace_seccomp_get_filter`] | the filter that decides about its calls | checks | ptrace(2) |
//! | [`ptrace_setoptions`], [`ptrace_geteventmsg`] | of which events to hear; what belongs to one | x-ray | ptrace(2) |
//! | [`ptrace_get_syscall_info`], [`ptrace_getregset`] | its call, its registers | x-ray | ptrace(2) |
//! | [`getifaddrs`] | the addresses in its network namespace | x-ray | getifaddrs(3) |
//!
//! ## Programs that the kernel asks
//!
//! | call | what it does | level | manual |
//! |---|---|---|---|
//! | [`seccomp_set_mode_filter`] | about every system call | 13 | seccomp(2) |
//! | [`bpf_prog_load_cgroup_device`], [`bpf_prog_attach`] | about device nodes, for a control group | 15 | bpf(2) |
//! | [`bpf_prog_query`], [`bpf_prog_get_fd_by_id`] | which of them a group has; whether one is still there | checks | bpf(2) |
//!
//! # When a call fails
//!
//! The kernel answers with a number, and the same number means something else for
//! each call. [`Error`] says what it means there, and what to do next:
//!
//! ```
//! let error = linux_sys::chroot("/no such image").unwrap_err();
//! println!("{error}");
//! // chroot("/no such image"): ENOENT (No such file or directory): no such directory:
//! // was the image unpacked, and where? [...]; man 2 chroot
//! # assert!(error.to_string().contains("was the image unpacked"));
//! ```
//!
//! A missing explanation is a bug of this crate; the table is in `src/explain/`.
//!
//! # Safe, and how
//!
//! This is the one crate of the workshop with `unsafe` in it; every block says why it
//! is sound, and no function of its own is unsafe to call. Two refusals pay for that:
//! [`fork`], [`clone()`], [`clearenv`] and [`setenv`] want a caller with a single thread,
//! and [`clone()`] never shares anything with the parent. Both errors explain themselves.
//!
//! Written for 64-bit Linux. Numbers and types come from the C library's headers by way
//! of the `libc` crate; tried on x86-64 and, emulated, on aarch64.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("containers are made of Linux system calls: build this on 64-bit Linux");

mod attack_calls;
mod bpf;
mod capability;
mod clone;
mod device;
mod directory;
mod environment;
mod error;
mod explain;
mod flags;
mod handle;
mod identity;
mod keys;
mod memfd;
mod mount;
mod mount_api;
pub mod mountinfo;
mod namespace;
mod network;
mod open;
mod pidfd;
mod prctl;
mod process;
mod purpose;
mod resource;
mod root;
mod seccomp;
mod seccomp_filter;
mod signal;
mod start;
mod terminal;
mod threads;
mod trace;
mod waitid;

pub use libc::SIGKILL;
pub use nix::errno::Errno;
pub use nix::fcntl::{OFlag, ResolveFlag, SealFlag};
pub use nix::mount::{MntFlags, MsFlags};
pub use nix::sched::CloneFlags;
pub use nix::sys::resource::Resource;
pub use nix::sys::stat::{Mode, SFlag};
pub use nix::unistd::{Gid, Pid, Uid};

pub use attack_calls::{clone3, getpid_of_i386, getpid_of_x32, io_uring_setup, no_such_call};
pub use bpf::{
    BPF_DEVCG_ACC_MKNOD, BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE, BPF_DEVCG_DEV_BLOCK,
    BPF_DEVCG_DEV_CHAR, BpfInsn, DEVICE_ACCESS_TYPE, DEVICE_MAJOR, DEVICE_MINOR, EBPF_AND_K,
    EBPF_EXIT, EBPF_JNE_K, EBPF_JSET_K, EBPF_LOAD_W, EBPF_MOV_K, EBPF_MOV_X, EBPF_RSH_K,
    bpf_prog_attach, bpf_prog_get_fd_by_id, bpf_prog_load_cgroup_device, bpf_prog_query,
};
pub use capability::{Capabilities, Capability, CapabilitySet, UnknownCapability, capget, capset};
pub use clone::clone;
pub use device::{makedev, mknod, umask};
pub use directory::{chmod, mkdir, rmdir, symlink};
pub use environment::{clearenv, setenv};
pub use error::{Error, Result};
pub use explain::explain_traced;
pub use flags::{CloseRangeFlags, MemfdFlags, MountAttrFlags, OpenTreeFlags, TraceOptions};
pub use handle::{FileHandle, name_to_handle_at, open_by_handle_at};
pub use identity::{setgid, setgroups, setresgid, setresuid, setuid};
pub use keys::{add_key, keyctl_clear, keyctl_join_session_keyring, keyctl_search};
pub use memfd::{fcntl_add_seals, fcntl_get_seals, memfd_create};
pub use mount::{MountAttr, mount, mount_setattr, umount, umount2};
pub use mount_api::{mount_setattr_tree, move_mount, open_tree};
pub use namespace::{sethostname, setns, unshare};
pub use network::{
    AF_INET, AF_UNIX, IFF_UP, InterfaceAddress, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM, getifaddrs,
    siocgifflags, siocsifflags, socket,
};
pub use open::{OpenHow, close_range, dup2, openat2};
pub use pidfd::{pidfd_open, pidfd_send_signal};
pub use prctl::{
    cap_ambient_clear_all, cap_ambient_is_set, cap_ambient_lower, cap_ambient_raise, capbset_drop,
    capbset_read, set_dumpable, set_keepcaps, set_no_new_privs, set_pdeathsig,
};
pub use process::{
    Fork, WaitOptions, WaitStatus, execve, execveat, execvp, exit, fork, setpgid, setsid, waitpid,
    waitpid_any,
};
pub use purpose::purpose_traced;
pub use resource::{getrlimit, setrlimit};
pub use root::{chdir, chroot, pivot_root};
pub use seccomp::{Notification, notif_continue, notif_fail, notif_recv, seccomp_new_listener};
pub use seccomp_filter::{
    AUDIT_ARCH_NATIVE, BPF_JEQ_K, BPF_JGE_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K,
    SECCOMP_DATA_ARCH, SECCOMP_DATA_ARG0, SECCOMP_DATA_NR, SECCOMP_RET_ALLOW, SockFilter,
    seccomp_ret_errno, seccomp_set_mode_filter,
};
pub use signal::{
    Disposition, How, SI_KERNEL, SI_USER, SignalInfo, SignalSet, kill, signal, signal_name,
    signalfd, sigpending, sigprocmask, sigtimedwait,
};
pub use start::ignored_at_start;
pub use terminal::{
    WindowSize, tcgetpgrp, tcsetpgrp, tiocexcl, tiocgetd, tiocgexcl, tiocgptpeer, tiocgwinsz,
    tiocnxcl, tiocsctty, tiocsetd, tiocsti, tiocswinsz,
};
pub use trace::{
    Registers, SyscallInfo, TraceEvent, TraceStatus, ptrace_cont, ptrace_detach,
    ptrace_get_syscall_info, ptrace_geteventmsg, ptrace_getregset, ptrace_interrupt, ptrace_listen,
    ptrace_seccomp_get_filter, ptrace_seize, ptrace_setoptions, ptrace_syscall, wait_traced,
};
pub use waitid::waitid;
