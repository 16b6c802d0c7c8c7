//! What the kernel reads of a program before it starts it: elf(5).

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

const PT_LOAD: u64 = 1;
const PT_INTERP: u64 = 3;

/// The most that a table of segments has: the field is of 16 bits, and real programs
/// have about a dozen.
const MOST: u64 = 256;

/// A part of the file that the kernel has a use for.
struct Segment {
    kind: u64,
    offset: u64,
    length: u64,
}

/// How many bytes of a program the kernel and the loader ever read. What comes after
/// them is for debuggers. The whole file, if it is no program.
///
/// # Errors
///
/// Those of pread(2) and fstat(2), and `UnexpectedEof` where the file ends before its table
/// of segments.
pub fn loaded(program: &File) -> io::Result<u64> {
    let segments = segments(program)?;
    let loaded = segments.iter().filter(|segment| segment.kind == PT_LOAD);
    let ends = loaded.map(|segment| segment.offset.saturating_add(segment.length));
    let whole = program.metadata()?.len();
    Ok(ends.max().unwrap_or(whole).min(whole))
}

/// The loader that a program names, by which it is started; none if it is linked
/// statically, or is no ELF program at all.
///
/// # Errors
///
/// Those of pread(2), and `UnexpectedEof` where the file ends too early.
pub fn loader(program: &File) -> io::Result<Option<PathBuf>> {
    let segments = segments(program)?;
    let Some(name) = segments.iter().find(|segment| segment.kind == PT_INTERP) else {
        return Ok(None);
    };
    let mut path = vec![0; name.length.min(4096) as usize];
    program.read_exact_at(&mut path, name.offset)?;
    let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
    Ok(Some(PathBuf::from(OsStr::from_bytes(path))))
}

/// None of a file that is no ELF program.
fn segments(program: &File) -> io::Result<Vec<Segment>> {
    let mut header = [0; 64];
    match program.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(Vec::new()),
        Err(why) => return Err(why),
    }
    let Some(elf) = Elf::of(&header) else {
        return Ok(Vec::new());
    };
    let (table, size, count) = match elf.wide {
        true => (
            elf.number(&header, 32, 8),
            elf.number(&header, 54, 2),
            elf.number(&header, 56, 2),
        ),
        false => (
            elf.number(&header, 28, 4),
            elf.number(&header, 42, 2),
            elf.number(&header, 44, 2),
        ),
    };
    let segment = |index: u64| {
        let mut entry = [0; 56];
        let entry = &mut entry[..if elf.wide { 56 } else { 32 }];
        program.read_exact_at(entry, table.saturating_add(index * size))?;
        let kind = elf.number(entry, 0, 4);
        let (offset, length) = match elf.wide {
            true => (elf.number(entry, 8, 8), elf.number(entry, 32, 8)),
            false => (elf.number(entry, 4, 4), elf.number(entry, 16, 4)),
        };
        Ok(Segment {
            kind,
            offset,
            length,
        })
    };
    (0..count.min(MOST)).map(segment).collect()
}

/// How numbers are written in an ELF file.
struct Elf {
    /// 64 bits, or 32.
    wide: bool,
    little_endian: bool,
}

impl Elf {
    fn of(header: &[u8; 64]) -> Option<Self> {
        header.starts_with(b"\x7fELF").then(|| Self {
            wide: header[4] == 2,
            little_endian: header[5] == 1,
        })
    }

    fn number(&self, bytes: &[u8], at: usize, width: usize) -> u64 {
        let bytes = &bytes[at..at + width];
        let add = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        if self.little_endian {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use std::fs;

    #[test]
    fn the_loader_is_the_one_that_has_started_us() {
        let program = File::open("/proc/self/exe").unwrap();
        let loader = loader(&program).unwrap().unwrap();
        let true_path = fs::canonicalize(&loader).unwrap();
        let mapped = fs::read_to_string("/proc/self/maps").unwrap();
        let is_mapped = mapped
            .lines()
            .any(|line| line.ends_with(&*true_path.to_string_lossy()));
        assert!(is_mapped, "{} is not in:\n{mapped}", loader.display());
    }

    #[test]
    fn what_is_no_program_names_no_loader() {
        let text = File::open("/proc/self/maps").unwrap();
        assert_eq!(loader(&text).unwrap(), None);
    }

    #[test]
    fn what_is_for_debuggers_is_not_loaded() {
        let program = File::open("/proc/self/exe").unwrap();
        let loaded = loaded(&program).unwrap();
        let whole = program.metadata().unwrap().len();
        assert!(loaded < whole, "{loaded} of {whole} bytes");
    }

    #[test]
    fn a_text_is_copied_whole() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"#!/bin/sh\nexit 0\n").unwrap();
        assert_eq!(loaded(&file).unwrap(), 17);
    }
}
