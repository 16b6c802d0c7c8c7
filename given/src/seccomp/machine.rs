//! The kernel's part, for tests: what a filter answers.

use linux_sys::{
    BPF_JEQ_K, BPF_JGE_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K, SECCOMP_DATA_NR, SockFilter,
};

/// The answer to a call with this number and first argument; the accumulator has `begin`.
pub(super) fn answer(program: &[SockFilter], begin: u32, number: u32, argument: u32) -> u32 {
    let (mut at, mut accumulator) = (0, begin);
    loop {
        let SockFilter { code, jt, jf, k } = program[at];
        at += 1;
        let holds = match code {
            BPF_RET_K => return k,
            BPF_LD_W_ABS => {
                accumulator = match k {
                    SECCOMP_DATA_NR => number,
                    _ => argument,
                };
                continue;
            }
            BPF_JEQ_K => accumulator == k,
            BPF_JGE_K => accumulator >= k,
            BPF_JSET_K => accumulator & k != 0,
            other => unreachable!("{other:#x} is in none of our filters"),
        };
        at += usize::from(if holds { jt } else { jf });
    }
}
