//! The filters of system calls that a process has, as the kernel gives them to its tracer, and
//! what they answer: to any number of any architecture, whether this machine has it or not.

use linux_sys::{Errno, Pid, SockFilter, TraceOptions, WaitOptions};
use nix::libc;

use crate::finding::{Failure, Finding};

/// A system call as a filter sees it, `struct seccomp_data`: where the caller is does not matter.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) arch: u32,
    pub(crate) number: u32,
    /// The arguments: all but the first are 0.
    pub(crate) argument: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Allow,
    Fail(Errno),
    /// Something else: the number of linux/seccomp.h.
    Other(u32),
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Allow => f.write_str("is allowed"),
            Answer::Fail(errno) => write!(f, "fails with {errno:?}"),
            Answer::Other(number) => write!(f, "gets the answer {number:#x}"),
        }
    }
}

/// All filters of a process, the one that was loaded last first: the order in which it asks them.
pub(crate) struct Filters(Vec<Vec<SockFilter>>);

impl Filters {
    /// Those of a process that is no child of ours. None, with the reason, where the kernel does
    /// not tell.
    pub(crate) fn of(pid: i32) -> Result<Result<Filters, String>, Failure> {
        let pid = Pid::from_raw(pid);
        let failed = |why: linux_sys::Error| Failure::seen(why.to_string()).elsewhere();
        linux_sys::ptrace_seize(pid, TraceOptions::empty()).map_err(failed)?;
        linux_sys::ptrace_interrupt(pid).map_err(failed)?;
        linux_sys::waitpid(pid, WaitOptions::empty()).map_err(failed)?;
        let mut filters = Vec::new();
        let told = loop {
            match linux_sys::ptrace_seccomp_get_filter(pid, filters.len()) {
                Ok(Some(filter)) => filters.push(filter),
                Ok(None) => break Ok(()),
                Err(why) => break Err(why.to_string()),
            }
        };
        linux_sys::ptrace_detach(pid).map_err(failed)?;
        filters.reverse();
        Ok(told.map(|()| Filters(filters)))
    }

    /// The same, where nothing but the filters can show it.
    pub(crate) fn or_skip(pid: i32) -> Result<Filters, Finding> {
        Filters::of(pid)?
            .map_err(|why| Finding::Skip(format!("the kernel does not tell a filter: {why}")))
    }

    /// The strictest of their answers; of equals, that of the filter that was loaded last.
    pub(crate) fn answer(&self, asked: Asked) -> Answer {
        let answers = self.0.iter().map(|filter| run(filter, asked));
        let action = |answer: &u32| (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed();
        let strictest = answers.min_by_key(action);
        let answer = strictest.unwrap_or(libc::SECCOMP_RET_ALLOW);
        let data = answer & libc::SECCOMP_RET_DATA;
        match answer & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_ALLOW | libc::SECCOMP_RET_LOG => Answer::Allow,
            libc::SECCOMP_RET_ERRNO => Answer::Fail(Errno::from_raw(data.cast_signed())),
            _ => Answer::Other(answer),
        }
    }
}

/// The word at an offset of `struct seccomp_data`.
fn word(asked: Asked, offset: u32) -> u32 {
    let [low, high] = [asked.argument as u32, (asked.argument >> 32) as u32];
    let is_little = cfg!(target_endian = "little");
    match offset {
        0 => asked.number,
        4 => asked.arch,
        16 if is_little => low,
        20 if is_little => high,
        16 => high,
        20 => low,
        _ => 0,
    }
}

/// Follows a filter as the kernel does, with all instructions that it takes
/// (`seccomp_check_filter` of kernel/seccomp.c): the kernel has looked at it before, so every jump
/// ends within, and every way at an answer.
fn run(filter: &[SockFilter], asked: Asked) -> u32 {
    let (mut a, mut x, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let mut at = 0;
    while let Some(&SockFilter { code, jt, jf, k }) = filter.get(at) {
        at += 1;
        let code = u32::from(code);
        let operand = if code & libc::BPF_X != 0 { x } else { k };
        let cell = k as usize % memory.len();
        match code & 0x07 {
            libc::BPF_RET => return if code & 0x18 == libc::BPF_A { a } else { k },
            libc::BPF_LD | libc::BPF_LDX => {
                let value = match code & 0xe0 {
                    libc::BPF_ABS => word(asked, k),
                    libc::BPF_IMM => k,
                    libc::BPF_MEM => memory[cell],
                    // BPF_LEN: the length of `struct seccomp_data`.
                    _ => 64,
                };
                match code & 0x07 {
                    libc::BPF_LD => a = value,
                    _ => x = value,
                }
            }
            libc::BPF_ST => memory[cell] = a,
            libc::BPF_STX => memory[cell] = x,
            libc::BPF_MISC => match code & 0xf8 {
                libc::BPF_TAX => x = a,
                _ => a = x,
            },
            libc::BPF_ALU => a = calculated(code & 0xf0, a, operand),
            // What is left are jumps.
            _ => {
                let holds = match code & 0xf0 {
                    libc::BPF_JEQ => a == operand,
                    libc::BPF_JGT => a > operand,
                    libc::BPF_JGE => a >= operand,
                    libc::BPF_JSET => a & operand != 0,
                    _ => {
                        at += k as usize;
                        continue;
                    }
                };
                at += usize::from(if holds { jt } else { jf });
            }
        }
    }
    libc::SECCOMP_RET_KILL_PROCESS
}

fn calculated(operation: u32, a: u32, operand: u32) -> u32 {
    match operation {
        libc::BPF_ADD => a.wrapping_add(operand),
        libc::BPF_SUB => a.wrapping_sub(operand),
        libc::BPF_MUL => a.wrapping_mul(operand),
        libc::BPF_DIV => a.checked_div(operand).unwrap_or(0),
        libc::BPF_OR => a | operand,
        libc::BPF_AND => a & operand,
        libc::BPF_XOR => a ^ operand,
        libc::BPF_LSH => a.checked_shl(operand).unwrap_or(0),
        libc::BPF_RSH => a.checked_shr(operand).unwrap_or(0),
        _ => a.wrapping_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux_sys::{BPF_JEQ_K, BPF_JSET_K, BPF_LD_W_ABS, BPF_RET_K, seccomp_ret_errno};

    const fn op(code: u32, jt: u8, jf: u8, k: u32) -> SockFilter {
        let code = code as u16;
        SockFilter { code, jt, jf, k }
    }

    const fn asked(number: u32, argument: u64) -> Asked {
        Asked {
            arch: 7,
            number,
            argument,
        }
    }

    #[test]
    fn jumps_loads_and_answers_are_followed() {
        let filter = vec![
            op(BPF_LD_W_ABS.into(), 0, 0, 0),
            op(BPF_JEQ_K.into(), 0, 3, 56),
            op(BPF_LD_W_ABS.into(), 0, 0, 20),
            op(BPF_JSET_K.into(), 0, 1, 1),
            op(BPF_RET_K.into(), 0, 0, seccomp_ret_errno(Errno::EPERM)),
            op(BPF_RET_K.into(), 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let filters = Filters(vec![filter]);
        assert_eq!(
            filters.answer(asked(56, 1 << 32)),
            Answer::Fail(Errno::EPERM)
        );
        assert_eq!(filters.answer(asked(56, 1)), Answer::Allow);
        assert_eq!(filters.answer(asked(57, 1 << 32)), Answer::Allow);
    }

    #[test]
    fn the_other_instructions_are_followed_too() {
        // x = number & 0xff; a = arch; memory[3] = a + x; jump over an answer; return it.
        let filter = [
            op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
            op(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xff),
            op(libc::BPF_MISC | libc::BPF_TAX, 0, 0, 0),
            op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 4),
            op(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_X, 0, 0, 0),
            op(libc::BPF_ST, 0, 0, 3),
            op(libc::BPF_LD | libc::BPF_IMM, 0, 0, 0),
            op(libc::BPF_JMP | libc::BPF_JA, 0, 0, 1),
            op(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
            op(libc::BPF_LD | libc::BPF_MEM, 0, 0, 3),
            op(libc::BPF_RET | libc::BPF_A, 0, 0, 0),
        ];
        assert_eq!(run(&filter, asked(0x105, 0)), 12);
    }

    #[test]
    fn the_strictest_answer_counts() {
        let just = |answer| vec![op(BPF_RET_K.into(), 0, 0, answer)];
        let (allow, kill) = (libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_KILL_PROCESS);
        let refuse = |errno| just(seccomp_ret_errno(errno));
        let answer = |filters| Filters(filters).answer(asked(1, 0));
        assert_eq!(answer(vec![]), Answer::Allow);
        let both = vec![just(allow), refuse(Errno::EPERM)];
        assert_eq!(answer(both), Answer::Fail(Errno::EPERM));
        let both = vec![refuse(Errno::ENOSYS), refuse(Errno::EPERM)];
        assert_eq!(answer(both), Answer::Fail(Errno::ENOSYS));
        let both = vec![refuse(Errno::ENOSYS), just(kill)];
        assert_eq!(answer(both), Answer::Other(kill));
    }
}
