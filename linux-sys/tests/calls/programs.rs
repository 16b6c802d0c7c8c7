//! Programs that the kernel asks, and trees of mounts by descriptor.

use std::fs::{self, File};

use linux_sys::{
    AUDIT_ARCH_NATIVE, BPF_JEQ_K, BPF_LD_W_ABS, BPF_RET_K, BpfInsn, DEVICE_MAJOR, EBPF_EXIT,
    EBPF_LOAD_W, EBPF_MOV_K, Errno, Mode, MountAttr, MountAttrFlags, MsFlags, OpenTreeFlags,
    SECCOMP_DATA_ARCH, SECCOMP_DATA_NR, SECCOMP_RET_ALLOW, SockFilter, bpf_prog_attach,
    bpf_prog_get_fd_by_id, bpf_prog_load_cgroup_device, bpf_prog_query, mkdir, mount,
    mount_setattr_tree, move_mount, open_tree, seccomp_ret_errno, seccomp_set_mode_filter,
    sethostname,
};

use crate::{Outcome, Skip, Test, fails, in_private_tmp};

pub(crate) const TESTS: &[Test] = &[
    ("a_filter_refuses_what_it_names_and_nothing_else", filter),
    ("a_filter_that_the_kernel_cannot_follow", no_filter),
    ("a_tree_of_mounts_is_made_ready_before_it_has_a_place", tree),
    ("trees_gone_wrong", no_tree),
    ("a_device_program_is_looked_at", device_program),
];

const fn op(code: u16, jt: u8, jf: u8, k: u32) -> SockFilter {
    SockFilter { code, jt, jf, k }
}

fn filter() -> Outcome {
    in_private_tmp()?;
    let number = libc_numbers::SETHOSTNAME;
    seccomp_set_mode_filter(&[
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARCH),
        op(BPF_JEQ_K, 0, 3, AUDIT_ARCH_NATIVE),
        op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR),
        op(BPF_JEQ_K, 0, 1, number),
        op(BPF_RET_K, 0, 0, seccomp_ret_errno(Errno::ENOTTY)),
        op(BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW),
    ])
    .unwrap();
    assert_eq!(sethostname("x").unwrap_err().errno(), Errno::ENOTTY);
    mkdir("/tmp/still-works", Mode::from_bits_truncate(0o755)).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("\nSeccomp:\t2\n"), "{status}");
    Ok(())
}

fn no_filter() -> Outcome {
    in_private_tmp()?;
    let allow = op(BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW);
    let beyond = [op(BPF_JEQ_K, 0, 7, 1), allow];
    fails(
        seccomp_set_mode_filter(&beyond),
        Errno::EINVAL,
        "a jump leads beyond",
    );
    fails(seccomp_set_mode_filter(&[]), Errno::EINVAL, "it is empty");
    let open_end = [op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_NR)];
    fails(
        seccomp_set_mode_filter(&open_end),
        Errno::EINVAL,
        "its last instruction",
    );
    let long = vec![allow; 70_000];
    fails(
        seccomp_set_mode_filter(&long),
        Errno::EINVAL,
        "4096 instructions at most",
    );
    Ok(())
}

const COPY: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE;

fn tree() -> Outcome {
    in_private_tmp()?;
    for directory in ["/tmp/a", "/tmp/a/below", "/tmp/b"] {
        mkdir(directory, Mode::from_bits_truncate(0o755)).unwrap();
    }
    mount("below", "/tmp/a/below", "tmpfs", MsFlags::empty(), "").unwrap();
    let copy = open_tree(
        "/tmp/a",
        COPY | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
    );
    let copy = copy.unwrap();
    let attr = MountAttr {
        set: MountAttrFlags::MOUNT_ATTR_RDONLY,
        ..MountAttr::default()
    };
    mount_setattr_tree(&copy, true, attr).unwrap();
    // Nothing is there before it has a place.
    assert!(!fs::exists("/tmp/b/below").unwrap());
    move_mount(&copy, File::open("/tmp/b").unwrap()).unwrap();
    assert!(fs::exists("/tmp/b/below").unwrap());
    for (path, works) in [
        ("/tmp/a/below/x", true),
        ("/tmp/b/y", false),
        ("/tmp/b/below/y", false),
    ] {
        assert_eq!(fs::write(path, "").is_ok(), works, "{path}");
    }
    Ok(())
}

fn no_tree() -> Outcome {
    in_private_tmp()?;
    fails(
        open_tree("/tmp/nothing", COPY).map(drop),
        Errno::ENOENT,
        "no such file or directory",
    );
    fs::write("/tmp/file", "").unwrap();
    mkdir("/tmp/a", Mode::from_bits_truncate(0o755)).unwrap();
    let copy = open_tree("/tmp/a", COPY).unwrap();
    let file = File::open("/tmp/file").unwrap();
    fails(move_mount(&copy, &file), Errno::EINVAL, "one is a file");
    Ok(())
}

fn insn(code: u8, registers: u8, off: i16, imm: i32) -> BpfInsn {
    BpfInsn {
        code,
        registers,
        off,
        imm,
    }
}

/// Takes root, and a kernel that lets it: what is refused for another reason is not tried.
fn device_program() -> Outcome {
    let end = insn(EBPF_EXIT, 0, 0, 0);
    let whole = [
        insn(EBPF_LOAD_W, 0x12, DEVICE_MAJOR, 0),
        insn(EBPF_MOV_K, 0, 0, 1),
        end,
    ];
    let program = match bpf_prog_load_cgroup_device(&whole) {
        Ok(program) => program,
        Err(error) if matches!(error.errno(), Errno::EPERM | Errno::ENOSYS) => {
            return Err(Skip(error.to_string()));
        }
        Err(error) => panic!("{error}"),
    };
    // The verifier's own words are in the error.
    let no_answer = bpf_prog_load_cgroup_device(&[end]).map(drop);
    fails(no_answer, Errno::EACCES, "R0 !read_ok");
    let no_end = bpf_prog_load_cgroup_device(&whole[..2]).map(drop);
    fails(no_end, Errno::EINVAL, "the verifier says");
    let outside = bpf_prog_load_cgroup_device(&[insn(EBPF_LOAD_W, 0x12, 400, 0), whole[1], end]);
    fails(
        outside.map(drop),
        Errno::EACCES,
        "invalid bpf_context access",
    );
    let no_group = bpf_prog_attach(File::open("/").unwrap(), &program);
    fails(no_group, Errno::EBADF, "no directory of a control group");
    let no_group = bpf_prog_query(File::open("/").unwrap()).map(drop);
    fails(no_group, Errno::EBADF, "no directory of a control group");
    let no_program = bpf_prog_get_fd_by_id(u32::MAX).map(drop);
    fails(no_program, Errno::ENOENT, "nothing has it");
    Ok(())
}

/// The C library's header, without a dependency for one number.
mod libc_numbers {
    pub(super) const SETHOSTNAME: u32 = if cfg!(target_arch = "x86_64") {
        170
    } else {
        161
    };
}
