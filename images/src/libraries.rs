//! Which shared libraries a program needs.
//!
//! We ask the dynamic loader itself (`LOADER --list PROGRAM`), because it is
//! what will have to find them: it knows its search path, its cache and
//! what the libraries need in turn. `ldd` is a script around the same question,
//! and not everywhere. Which loader to ask is written in the program.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::elf;

/// A file that a program needs: where the loader will look for it.
pub(crate) type Library = PathBuf;

/// The libraries of `program`, its loader included; none for a static program
/// and for a script.
///
/// The error is a reason, without the name of the program.
pub(crate) fn of(program: &Path) -> Result<Vec<Library>, String> {
    let Some(loader) = loader_of(program).map_err(|error| crate::error::io_named(&error))? else {
        return Ok(Vec::new());
    };
    let listed = Command::new(&loader)
        .arg("--list")
        .arg(program)
        // Our own LD_LIBRARY_PATH (cargo sets one) is not the container's.
        .env_clear()
        .output()
        .map_err(|error| format!("its loader {} does not start: {error}", loader.display()))?;
    if !listed.status.success() {
        return Err(format!(
            "its loader says: {}",
            String::from_utf8_lossy(&listed.stderr).trim()
        ));
    }
    let mut libraries = parse(&listed.stdout)?;
    if !libraries.contains(&loader) {
        libraries.push(loader);
    }
    libraries.extend(name_service(&libraries));
    Ok(libraries)
}

fn loader_of(program: &Path) -> io::Result<Option<PathBuf>> {
    elf::loader(&File::open(program)?)
}

/// Reads lines like `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f6f1c000000)`.
fn parse(listing: &[u8]) -> Result<Vec<Library>, String> {
    let mut libraries = Vec::new();
    for line in listing.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        let path = match find(line, b" => ") {
            Some(arrow) => &line[arrow + 4..],
            None => line,
        };
        if path == b"not found" {
            return Err(format!(
                "it needs {}, which is not installed",
                String::from_utf8_lossy(line)
            ));
        }
        let path = match rfind(path, b" (0x") {
            Some(address) => &path[..address],
            None => path,
        };
        // The vdso is no file: the kernel brings it.
        if path.starts_with(b"/") {
            libraries.push(tidy(Path::new(OsStr::from_bytes(path))));
        }
    }
    Ok(libraries)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .rposition(|window| window == needle)
}

/// A program may ask for `/usr/lib/x/../y.so`. The directory is resolved, the
/// name is not: it is by its name that a library is asked for.
fn tidy(path: &Path) -> PathBuf {
    if !path
        .as_os_str()
        .as_bytes()
        .windows(3)
        .any(|window| window == b"/..")
    {
        return path.to_owned();
    }
    match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Before glibc 2.34, looking up a user by name loaded another library, which no
/// program lists. Newer ones still ship it, as a stub of a few kilobytes.
fn name_service(libraries: &[Library]) -> Option<Library> {
    let libc = libraries
        .iter()
        .find(|library| library.file_name() == Some(OsStr::new("libc.so.6")))?;
    Some(libc.with_file_name("libnss_files.so.2")).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use crate::elf::loader;
    use rstest::rstest;
    use std::fs::File;

    #[rstest]
    #[case::of_glibc("\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n",
        &["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"])]
    #[case::of_musl("\t/lib/ld-musl-x86_64.so.1 (0x7f)\n\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f)\n",
        &["/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1"])]
    #[case::with_blanks_in_it("\tlibx.so => /opt/my app (0x)/libx.so (0x00007f)\n", &["/opt/my app (0x)/libx.so"])]
    #[case::of_a_static_program("\tstatically linked\n", &[])]
    fn the_loaders_listing_is_understood(#[case] listing: &str, #[case] expected: &[&str]) {
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(parse(listing.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_missing_library_is_named() {
        assert!(
            parse(b"\tlibfoo.so.1 => not found\n")
                .unwrap_err()
                .contains("libfoo.so.1")
        );
    }

    #[test]
    fn the_libraries_of_this_test_include_libc_and_its_loader() {
        let this = std::env::current_exe().unwrap();
        let libraries = of(&this).unwrap();
        assert!(
            libraries.contains(&loader(&File::open(&this).unwrap()).unwrap().unwrap()),
            "{libraries:?}"
        );
        assert!(libraries.iter().all(|path| path.is_file()), "{libraries:?}");
    }

    #[test]
    fn a_script_needs_none() {
        let script = tempfile::NamedTempFile::new().unwrap();
        fs::write(script.path(), "#!/bin/sh\n").unwrap();
        assert_eq!(of(script.path()).unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_broken_program_is_an_error_and_no_panic() {
        let this = fs::read(std::env::current_exe().unwrap()).unwrap();
        let broken = tempfile::NamedTempFile::new().unwrap();
        for length in [64, 100, 200, 500] {
            fs::write(broken.path(), &this[..length]).unwrap();
            let _ = of(broken.path());
        }
    }
}
