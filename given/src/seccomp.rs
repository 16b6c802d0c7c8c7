//! The list of system calls that a container may make, as a filter's instructions.
//!
//! Which calls, that is Docker's default profile; here it is made short for the kernel. A
//! filter that compares the number with one after the other has some six hundred
//! instructions, and the kernel follows them once for each call that there is when it takes
//! the filter over. So the numbers are put together to ranges, and looked for by halves.

mod list;
#[cfg(test)]
mod machine;
mod tree;

use std::collections::BTreeSet;
use std::str::FromStr;

use linux_sys::{
    BPF_JEQ_K, BPF_LD_W_ABS, Capability, CapabilitySet, SECCOMP_DATA_ARG0, SockFilter,
};

pub use list::{NEXT_CALL, personalities, socket_families};
pub use tree::op;

/// The numbers of three calls that a filter has to know by itself.
pub mod call {
    /// Its flags are its first argument.
    pub const CLONE: u32 = libc::SYS_clone as u32;
    /// Its flags are in memory, where no filter can look.
    pub const CLONE3: u32 = libc::SYS_clone3 as u32;
    /// Its orders come by memory that the program and the kernel share, past every filter.
    pub const IO_URING: [u32; 3] = [
        libc::SYS_io_uring_setup as u32,
        libc::SYS_io_uring_enter as u32,
        libc::SYS_io_uring_register as u32,
    ];
}

/// What `--security-opt` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityOption {
    /// `seccomp=unconfined`: no filter.
    SeccompUnconfined,
    /// `no-new-privileges`: no program gives more than its caller has.
    NoNewPrivileges,
}

impl FromStr for SecurityOption {
    type Err = String;

    fn from_str(text: &str) -> Result<SecurityOption, String> {
        match text {
            "seccomp=unconfined" => Ok(SecurityOption::SeccompUnconfined),
            "no-new-privileges" | "no-new-privileges=true" | "no-new-privileges:true" => {
                Ok(SecurityOption::NoNewPrivileges)
            }
            _ => Err("there are `seccomp=unconfined`, no filter, and from level 20 on `no-new-privileges`".into()),
        }
    }
}

/// The end of a filter: the accumulator has the call's number; what is on the list is
/// allowed, all else fails with EPERM.
///
/// `clone` is on it, whatever its flags: to look at those comes before this.
///
/// # Arguments
///
/// * `kept`: some calls are on the list for those who have a capability.
pub fn listed_calls(kept: CapabilitySet) -> Vec<SockFilter> {
    let mut program = Vec::new();
    for (call, values) in [
        (libc::SYS_socket, socket_families()),
        (libc::SYS_personality, personalities()),
    ] {
        let rule = tree::allowing(&values);
        // As it is 32 bits of 64 that are looked at, the other half must not matter: the
        // kernel, too, takes these two arguments for an int.
        program.push(op(BPF_JEQ_K, 0, rule.len() as u8 + 1, call as u32));
        program.push(op(BPF_LD_W_ABS, 0, 0, SECCOMP_DATA_ARG0));
        program.extend(rule);
    }
    program.extend(tree::allowing(&numbers(kept)));
    program
}

/// The numbers of all calls on the list.
pub fn numbers(kept: CapabilitySet) -> BTreeSet<u32> {
    let mut numbers: BTreeSet<u32> = list::always().collect();
    for capability in Capability::ALL.iter().copied() {
        if kept.contains(capability) {
            numbers.extend(list::with(capability));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux_sys::{Errno, SECCOMP_RET_ALLOW, seccomp_ret_errno};

    fn allows(program: &[SockFilter], call: u32, argument: u32) -> bool {
        match machine::answer(program, call, call, argument) {
            SECCOMP_RET_ALLOW => true,
            answer => {
                assert_eq!(answer, seccomp_ret_errno(Errno::EPERM));
                false
            }
        }
    }

    #[test]
    fn the_program_says_what_the_list_says_whatever_is_kept() {
        let none = CapabilitySet::empty();
        let all: CapabilitySet = Capability::ALL.iter().copied().collect();
        let one = none.with(Capability::CAP_SYS_CHROOT);
        for kept in [none, one, all] {
            let (program, numbers) = (listed_calls(kept), numbers(kept));
            println!("{} instructions for {} calls", program.len(), numbers.len());
            assert!(
                program.len() < 256,
                "a jump could be too long: {}",
                program.len()
            );
            for call in (0..2 * NEXT_CALL).filter(|call| !has_rule(*call)) {
                assert_eq!(allows(&program, call, 0), numbers.contains(&call), "{call}");
            }
        }
    }

    fn has_rule(call: u32) -> bool {
        [libc::SYS_socket, libc::SYS_personality].contains(&i64::from(call))
    }

    #[test]
    fn sockets_and_personalities_are_looked_at() {
        let program = listed_calls(CapabilitySet::empty());
        let socket = |family: i32| allows(&program, libc::SYS_socket as u32, family as u32);
        assert!(
            [
                libc::AF_UNIX,
                libc::AF_INET,
                libc::AF_INET6,
                libc::AF_NETLINK,
                libc::AF_PACKET
            ]
            .into_iter()
            .all(socket)
        );
        assert!(
            ![libc::AF_ALG, libc::AF_VSOCK, 46, -1]
                .into_iter()
                .any(socket)
        );
        let personality = |value| allows(&program, libc::SYS_personality as u32, value);
        assert!(personality(0) && personality(u32::MAX));
        // READ_IMPLIES_EXEC makes all memory executable.
        assert!(!personality(0x40_0000));
    }

    #[test]
    fn a_capability_brings_its_calls() {
        let call = |call: i64, kept| allows(&listed_calls(kept), call as u32, 0);
        let none = CapabilitySet::empty();
        for (number, capability) in [
            (libc::SYS_mount, Capability::CAP_SYS_ADMIN),
            (libc::SYS_unshare, Capability::CAP_SYS_ADMIN),
            (libc::SYS_chroot, Capability::CAP_SYS_CHROOT),
            (libc::SYS_finit_module, Capability::CAP_SYS_MODULE),
        ] {
            assert!(!call(number, none), "{number}");
            assert!(
                call(number, none.with(capability)),
                "{number} with {capability}"
            );
        }
        // Nothing brings these.
        let all: CapabilitySet = Capability::ALL.iter().copied().collect();
        for number in [
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_kexec_load,
            libc::SYS_userfaultfd,
        ] {
            assert!(!call(number, all), "{number}");
        }
    }
}
