//! eBPF: programs that the kernel checks, takes over, and runs where it has a question.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use crate::error::plain;
use crate::explain::Case;
use crate::{Error, Result};

/// One instruction, `struct bpf_insn`. There are eleven registers, r0 to r10; r1 has the
/// argument, and r0 is what the program returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct BpfInsn {
    /// What to do, one of the `EBPF_` below.
    pub code: u8,
    /// The registers: the lower four bits are the destination, the upper four the source.
    pub registers: u8,
    /// How many instructions to leave out, or where in the memory that a register points to.
    pub off: i16,
    /// A number.
    pub imm: i32,
}

/// `dst = *(u32 *)(src + off)`
pub const EBPF_LOAD_W: u8 = 0x61;
/// `dst = src`, 64 bits
pub const EBPF_MOV_X: u8 = 0xbf;
/// `dst = imm`, 64 bits
pub const EBPF_MOV_K: u8 = 0xb7;
/// `dst &= imm`, 32 bits
pub const EBPF_AND_K: u8 = 0x54;
/// `dst >>= imm`, 32 bits
pub const EBPF_RSH_K: u8 = 0x74;
/// leave out `off` instructions if `dst != imm`, 32 bits
pub const EBPF_JNE_K: u8 = 0x56;
/// leave out `off` instructions if `dst & imm`, 32 bits
pub const EBPF_JSET_K: u8 = 0x46;
/// the end: r0 is the answer
pub const EBPF_EXIT: u8 = 0x95;

/// What a program of the type `BPF_PROG_TYPE_CGROUP_DEVICE` gets in r1: `struct
/// bpf_cgroup_dev_ctx`. At this offset, what is asked for in the upper half
/// ([`BPF_DEVCG_ACC_MKNOD`] and so on), and the kind of device in the lower one.
pub const DEVICE_ACCESS_TYPE: i16 = 0;
/// At this offset, the major number.
pub const DEVICE_MAJOR: i16 = 4;
/// At this offset, the minor number.
pub const DEVICE_MINOR: i16 = 8;
/// The kind: a block device.
pub const BPF_DEVCG_DEV_BLOCK: i32 = 1;
/// The kind: a character device.
pub const BPF_DEVCG_DEV_CHAR: i32 = 2;
/// Asked for: to make the node.
pub const BPF_DEVCG_ACC_MKNOD: i32 = 1;
/// Asked for: to open it for reading.
pub const BPF_DEVCG_ACC_READ: i32 = 2;
/// Asked for: to open it for writing.
pub const BPF_DEVCG_ACC_WRITE: i32 = 4;

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_ATTACH: libc::c_long = 8;
const BPF_PROG_GET_FD_BY_ID: libc::c_long = 13;
const BPF_PROG_QUERY: libc::c_long = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;

/// The beginning of what `BPF_PROG_LOAD` reads of `union bpf_attr`; the kernel takes the rest
/// for zeros.
#[repr(C)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// The same for `BPF_PROG_ATTACH`.
#[repr(C)]
struct Attach {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
}

/// Gives the kernel a program that decides about device nodes, and returns a descriptor of it.
///
/// The kernel's *verifier* follows every way through the program before it takes it. What it
/// cannot prove to end and to read only what it may, it refuses, and says why in its log, which
/// is part of the error here.
///
/// The program returns 1 to allow and 0 to refuse. It does nothing until it is
/// [attached](bpf_prog_attach), and is gone when no descriptor and no group has it any more.
///
/// # Arguments
///
/// * `instructions`: the last one on every way is [`EBPF_EXIT`], with r0 set before.
///
/// # Errors
///
/// * `EACCES`: the verifier refuses it: r0 not set, a read outside of the context, a way
///   without an end.
/// * `EINVAL`: an instruction that there is not, a jump out of the program, or a kernel
///   without `CONFIG_CGROUP_BPF`.
/// * `EPERM`: a program of this type needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN alone, which
///   includes both here.
/// * `ENOSYS`: a kernel without bpf(2).
///
/// # Example
///
/// ```no_run
/// use linux_sys::{BpfInsn, EBPF_EXIT, EBPF_MOV_K, bpf_prog_attach, bpf_prog_load_cgroup_device};
///
/// let insn = |code, imm| BpfInsn { code, imm, ..BpfInsn::default() };
/// let nothing = bpf_prog_load_cgroup_device(&[insn(EBPF_MOV_K, 0), insn(EBPF_EXIT, 0)])?;
/// let group = std::fs::File::open("/sys/fs/cgroup/some/group")?;
/// bpf_prog_attach(&group, &nothing)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: bpf(2), `BPF_PROG_LOAD`. Level 15.
pub fn bpf_prog_load_cgroup_device(instructions: &[BpfInsn]) -> Result<OwnedFd> {
    let shown = [
        plain("BPF_PROG_LOAD"),
        plain("BPF_PROG_TYPE_CGROUP_DEVICE"),
        plain(format_args!("{} instructions", instructions.len())),
    ];
    // The first time without a log, which costs time; the second one only to be told.
    match load(instructions, &mut []) {
        Ok(program) => Ok(program),
        Err(errno @ (Errno::EACCES | Errno::EINVAL)) => {
            let mut log = vec![0; 16 << 10];
            let again = load(instructions, &mut log).err().unwrap_or(errno);
            let said = log.split(|byte| *byte == 0).next().unwrap_or_default();
            let said = String::from_utf8_lossy(said);
            let lines: Vec<&str> = said.lines().filter(|it| !it.trim().is_empty()).collect();
            // The last lines but the statistics are the reason.
            let reason: Vec<&str> = lines
                .iter()
                .rev()
                .filter(|line| !line.starts_with("processed "))
                .take(3)
                .copied()
                .collect();
            let reason: Vec<&str> = reason.into_iter().rev().collect();
            match reason.is_empty() {
                true => Err(Error::new("bpf", Case::Any, again, &shown)),
                false => {
                    let why = format!("the verifier says: {}", reason.join(" / "));
                    Err(Error::refused("bpf", again, &shown, why))
                }
            }
        }
        Err(errno) => Err(Error::new("bpf", Case::Any, errno, &shown)),
    }
}

fn load(instructions: &[BpfInsn], log: &mut [u8]) -> nix::Result<OwnedFd> {
    let attr = Load {
        prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
        insn_cnt: instructions.len() as u32,
        insns: instructions.as_ptr() as u64,
        // No helper of the kernel's is called, so no licence is asked for. It must be a string.
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: log.len() as u32,
        log_buf: match log.is_empty() {
            true => 0,
            false => log.as_mut_ptr() as u64,
        },
        kern_version: 0,
        prog_flags: 0,
    };
    // SAFETY: the kernel reads `attr`, whose size it is told, the instructions, whose number is
    // in it, and the licence, a C string; it writes to the log, within the size that is in it.
    // All of them live across the call, and `BpfInsn` is laid out as `bpf_insn` is.
    unsafe {
        let program = libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_LOAD,
            &raw const attr,
            size_of_val(&attr),
        );
        Errno::result(program).map(|number| OwnedFd::from_raw_fd(number as i32))
    }
}

/// From now on the kernel asks `program` whenever a process of `group`, or of a group in it,
/// makes a device node or opens one.
///
/// A file that is open already stays open. Groups above may have programs of their own: all of
/// them must allow (`BPF_F_ALLOW_MULTI`).
///
/// # Arguments
///
/// * `group`: the open directory of a control group of version 2. Its hierarchy need not have
///   any controller.
/// * `program`: from [`bpf_prog_load_cgroup_device`].
///
/// # Errors
///
/// * `EBADF`: `group` is no directory of version 2.
/// * `EINVAL`: the program is of another type.
/// * `EPERM`: a group above has one that allows no other; or CAP_BPF or CAP_NET_ADMIN is missing.
///
/// The example is at [`bpf_prog_load_cgroup_device`].
///
/// Manual page: bpf(2); bpf-helpers(7) and `Device controller` in admin-guide/cgroup-v2.rst.
/// Level 15.
pub fn bpf_prog_attach(group: impl AsFd, program: impl AsFd) -> Result<()> {
    let [group, program] = [group.as_fd().as_raw_fd(), program.as_fd().as_raw_fd()];
    let attr = Attach {
        target_fd: group.cast_unsigned(),
        attach_bpf_fd: program.cast_unsigned(),
        attach_type: BPF_CGROUP_DEVICE,
        attach_flags: BPF_F_ALLOW_MULTI,
    };
    // SAFETY: the kernel reads `attr`, whose size it is told and which lives across the call;
    // in it are numbers.
    let done = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_ATTACH,
            &raw const attr,
            size_of_val(&attr),
        )
    };
    Errno::result(done).map(drop).map_err(|errno| {
        let shown = [
            plain("BPF_PROG_ATTACH"),
            plain(group),
            plain(program),
            plain("BPF_CGROUP_DEVICE"),
        ];
        Error::new("bpf", Case::Attach, errno, &shown)
    })
}

/// The part for `BPF_PROG_QUERY`, whole: newer kernels write to its end, whatever size they are
/// told.
#[repr(C)]
#[derive(Default)]
struct Query {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    padding: u32,
    prog_attach_flags: u64,
    link_ids: u64,
    link_attach_flags: u64,
    revision: u64,
}

/// The numbers of the programs about device nodes that are attached to `group` itself, and not
/// to one above it.
///
/// # Arguments
///
/// * `group`: the open directory of a control group of version 2.
///
/// # Errors
///
/// * `EBADF`: `group` is no directory of version 2.
/// * `EPERM`: needs CAP_NET_ADMIN or CAP_SYS_ADMIN.
///
/// # Example
///
/// ```no_run
/// let group = std::fs::File::open("/sys/fs/cgroup/some/group")?;
/// for id in linux_sys::bpf_prog_query(&group)? {
///     println!("program {id}: is there {}", linux_sys::bpf_prog_get_fd_by_id(id).is_ok());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Manual page: bpf(2), and `BPF_PROG_QUERY` in linux/bpf.h. Checks.
pub fn bpf_prog_query(group: impl AsFd) -> Result<Vec<u32>> {
    let mut ids = [0_u32; 64];
    let group = group.as_fd().as_raw_fd();
    let mut attr = Query {
        target_fd: group.cast_unsigned(),
        attach_type: BPF_CGROUP_DEVICE,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_cnt: ids.len() as u32,
        ..Query::default()
    };
    // SAFETY: the kernel reads and writes `attr`, whose size it is told and which has all fields
    // of this command, and writes at most `prog_cnt` numbers to `ids`. Both live across the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_QUERY,
            &raw mut attr,
            size_of::<Query>(),
        )
    };
    match Errno::result(done) {
        Ok(_) => Ok(ids[..ids.len().min(attr.prog_cnt as usize)].to_vec()),
        Err(errno) => {
            let shown = [
                plain("BPF_PROG_QUERY"),
                plain(group),
                plain("BPF_CGROUP_DEVICE"),
            ];
            Err(Error::new("bpf", Case::Attach, errno, &shown))
        }
    }
}

/// A descriptor of the program with this number, as long as something has the program.
///
/// # Errors
///
/// * `ENOENT`: there is no such program any more.
/// * `EPERM`: needs CAP_SYS_ADMIN.
///
/// The example is at [`bpf_prog_query`].
///
/// Manual page: bpf(2), and `BPF_PROG_GET_FD_BY_ID` in linux/bpf.h. Checks.
pub fn bpf_prog_get_fd_by_id(id: u32) -> Result<OwnedFd> {
    // The number; the one after it and flags, for other commands.
    let attr = [id, 0, 0];
    // SAFETY: the kernel reads `attr`, whose size it is told and which lives across the call. The
    // descriptor that it returns is new, and nobody else's.
    let done = unsafe {
        let done = libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_GET_FD_BY_ID,
            attr.as_ptr(),
            size_of_val(&attr),
        );
        Errno::result(done).map(|number| OwnedFd::from_raw_fd(number as i32))
    };
    done.map_err(|errno| {
        let shown = [plain("BPF_PROG_GET_FD_BY_ID"), plain(id)];
        Error::new("bpf", Case::Any, errno, &shown)
    })
}
