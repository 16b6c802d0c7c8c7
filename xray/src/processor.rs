//! What unwinding a stack has to know of the processor: x86-64, and aarch64.
//!
//! All else of it is in linux-sys and libc: which register has which number, and the numbers of
//! the calls, of which aarch64 lacks the old ones (`mkdir` is `mkdirat` there).

use gimli::Vendor;

use crate::memory::Memory;

/// Registers, by the numbers that DWARF gives them.
pub(crate) type Registers = [u64; 32];

#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::*;

    /// Whose additions to DWARF the tables have.
    pub(crate) const VENDOR: Vendor = Vendor::Default;
    /// rsp.
    pub(crate) const STACK_POINTER: u16 = 7;
    /// Where a return address is: rip.
    pub(crate) const RETURN: u16 = 16;

    /// Leaves a function that has put nothing on the stack: the return address.
    pub(crate) fn leave_leaf(registers: &mut Registers, memory: &Memory) -> Option<u64> {
        let stack = registers[usize::from(STACK_POINTER)];
        registers[usize::from(STACK_POINTER)] = stack + 8;
        memory.number(stack)
    }

    /// A return address as it is.
    pub(crate) fn plain(address: u64) -> u64 {
        address
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use super::*;

    /// Whose additions to DWARF the tables have: where a return address is signed, they say so.
    pub(crate) const VENDOR: Vendor = Vendor::AArch64;
    /// sp.
    pub(crate) const STACK_POINTER: u16 = 31;
    /// Where a return address is: the link register, x30.
    pub(crate) const RETURN: u16 = 30;

    /// Leaves a function that has put nothing on the stack: the return address.
    pub(crate) fn leave_leaf(registers: &mut Registers, _memory: &Memory) -> Option<u64> {
        Some(plain(registers[usize::from(RETURN)]))
    }

    /// A return address without its signature, which is above the 48 bits of an address.
    pub(crate) fn plain(address: u64) -> u64 {
        address & ((1 << 48) - 1)
    }
}
