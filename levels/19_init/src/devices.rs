//! Which devices the container may open, whatever nodes it can make.

use std::fs::File;

use given::Error;
use linux_sys::{
    BPF_DEVCG_ACC_READ, BPF_DEVCG_ACC_WRITE, BPF_DEVCG_DEV_CHAR, BpfInsn, Capability,
    CapabilitySet, DEVICE_ACCESS_TYPE, DEVICE_MAJOR, DEVICE_MINOR, EBPF_AND_K, EBPF_EXIT,
    EBPF_JNE_K, EBPF_JSET_K, EBPF_LOAD_W, EBPF_MOV_K, EBPF_MOV_X, EBPF_RSH_K, bpf_prog_attach,
    bpf_prog_load_cgroup_device,
};

/// The devices of `/dev`, and those of terminals: the kind, the major number and the minor one,
/// or any.
const ALLOWED: [(i32, i32, Option<i32>); 9] = [
    (BPF_DEVCG_DEV_CHAR, 1, Some(3)), // null
    (BPF_DEVCG_DEV_CHAR, 1, Some(5)), // zero
    (BPF_DEVCG_DEV_CHAR, 1, Some(7)), // full
    (BPF_DEVCG_DEV_CHAR, 1, Some(8)), // random
    (BPF_DEVCG_DEV_CHAR, 1, Some(9)), // urandom
    (BPF_DEVCG_DEV_CHAR, 5, Some(0)), // tty
    (BPF_DEVCG_DEV_CHAR, 5, Some(1)), // console
    (BPF_DEVCG_DEV_CHAR, 5, Some(2)), // ptmx
    (BPF_DEVCG_DEV_CHAR, 136, None),  // pts/*
];

/// Given: an instruction. `destination` and `source` are registers.
fn insn(code: u8, destination: u8, source: u8, off: i16, imm: i32) -> BpfInsn {
    BpfInsn {
        code,
        registers: source << 4 | destination,
        off,
        imm,
    }
}

/// Given: r0 is what a program answers.
fn answer(is_allowed: bool) -> [BpfInsn; 2] {
    [
        insn(EBPF_MOV_K, 0, 0, 0, i32::from(is_allowed)),
        insn(EBPF_EXIT, 0, 0, 0, 0),
    ]
}

/// The program: 1 for what is allowed, and 0 for all else.
fn program() -> Vec<BpfInsn> {
    // Given: r1 points to the question. r2: what is asked for, r3: the kind, r4 and r5: the
    // numbers.
    let mut program = vec![
        insn(EBPF_LOAD_W, 2, 1, DEVICE_ACCESS_TYPE, 0),
        insn(EBPF_MOV_X, 3, 2, 0, 0),
        insn(EBPF_AND_K, 3, 0, 0, 0xffff),
        insn(EBPF_RSH_K, 2, 0, 0, 16),
        insn(EBPF_LOAD_W, 4, 1, DEVICE_MAJOR, 0),
        insn(EBPF_LOAD_W, 5, 1, DEVICE_MINOR, 0),
    ];

    // To make a node is CAP_MKNOD's matter; what counts is to open it.
    let open = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
    program.push(insn(EBPF_JSET_K, 2, 0, 2, open));
    program.extend(answer(true));

    for (kind, major, minor) in ALLOWED {
        // Each comparison that fails leads behind the answer of this device.
        let mut comparisons = vec![(3, kind), (4, major)];
        comparisons.extend(minor.map(|minor| (5, minor)));
        let count = comparisons.len() as i16;
        for (index, (register, value)) in (0..).zip(comparisons) {
            let behind = count - index - 1 + 2;
            program.push(insn(EBPF_JNE_K, register, 0, behind, value));
        }
        program.extend(answer(true));
    }
    program.extend(answer(false));
    program
}

/// The parent's part: let the kernel ask the program about all that is in the container's group.
pub fn guard(id: &str, kept: CapabilitySet) -> Result<(), Error> {
    // Given: the group of version 2, which need not have any controller. Without one there is
    // nothing to attach to, and then nobody may make nodes.
    let Some(group) = given::unified_group(id)? else {
        if kept.contains(Capability::CAP_MKNOD) {
            return Err(
                "--cap-add MKNOD needs a cgroup2 hierarchy, to say which devices open: \
                        `cargo workshop doctor` says what helps"
                    .into(),
            );
        }
        return Ok(());
    };
    let group = File::open(&group).map_err(|error| format!("{}: {error}", group.display()))?;

    let program = bpf_prog_load_cgroup_device(&program())?;
    // The group keeps it from here on, until the group is removed.
    bpf_prog_attach(&group, &program)?;
    Ok(())
}
