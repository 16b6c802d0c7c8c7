//! The image that checks use: the probe, a shell, what they need, and one odd file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

/// A file whose owner and mode an unpacker has no reason to come up with by itself.
pub(crate) const ODD_FILE: &str = "etc/odd";
pub(crate) const ODD_OWNER: u32 = 4242;
pub(crate) const ODD_GROUP: u32 = 2424;
pub(crate) const ODD_MODE: u32 = 0o640;
/// What is in it.
pub(crate) const ODD_TEXT: &str = "This file belongs to the image.\n";

/// The image as a tar archive.
pub(crate) fn archive() -> io::Result<Vec<u8>> {
    let mut programs = Vec::new();
    let probe = fs::read_link("/proc/self/exe")?;
    let shell = fs::canonicalize("/bin/sh")?;
    let wanted = [
        (probe.as_path(), "/bin/probe"),
        (shell.as_path(), "/bin/sh"),
    ];
    images::tar_of_programs(&wanted, &mut programs).map_err(io::Error::other)?;
    let probe = File::open(probe)?;
    let size = loaded(&probe)?;
    rebuild(
        &programs,
        |path| path != Path::new("usr/bin/probe"),
        |tar| {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(size);
            tar.append_data(&mut header, "usr/bin/probe", probe.take(size))?;
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(ODD_MODE);
            header.set_uid(ODD_OWNER.into());
            header.set_gid(ODD_GROUP.into());
            header.set_size(ODD_TEXT.len() as u64);
            tar.append_data(&mut header, ODD_FILE, ODD_TEXT.as_bytes())
        },
    )
}

/// How many bytes of a program the kernel and the loader ever read. What comes after
/// them is for debuggers: three quarters of ours, and each sandbox would copy it twice.
/// The whole file, if it is not what we know.
pub(crate) fn loaded(program: &File) -> io::Result<u64> {
    const PT_LOAD: u64 = 1;
    let whole = program.metadata()?.len();
    let mut header = [0; 64];
    program.read_exact_at(&mut header, 0)?;
    // 64 bits, little endian: elf(5) has the places of all that follows.
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return Ok(whole);
    }
    let (table, size, count) = (
        number(&header, 32, 8),
        number(&header, 54, 2),
        number(&header, 56, 2),
    );
    let mut end = 0;
    for index in 0..count {
        let mut segment = [0; 56];
        program.read_exact_at(&mut segment, table + index * size)?;
        if number(&segment, 0, 4) == PT_LOAD {
            end = end.max(number(&segment, 8, 8) + number(&segment, 32, 8));
        }
    }
    Ok(if end == 0 { whole } else { end })
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes[at..at + width].iter().rev();
    bytes.fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// The same image without the members that `keep` refuses, and with what `add` adds.
pub(crate) fn rebuild(
    archive: &[u8],
    keep: impl Fn(&Path) -> bool,
    add: impl FnOnce(&mut Builder<Vec<u8>>) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::with_capacity(archive.len() + 4096));
    for entry in Archive::new(archive).entries()? {
        let entry = entry?;
        let path: PathBuf = entry.path()?.components().collect();
        if !keep(&path) {
            continue;
        }
        let mut header = entry.header().clone();
        match entry.link_name()? {
            Some(target) => tar.append_link(&mut header, &path, target)?,
            None => tar.append_data(&mut header, &path, entry)?,
        }
    }
    add(&mut tar)?;
    tar.into_inner()
}

/// Adds a symbolic link.
pub(crate) fn add_link(tar: &mut Builder<Vec<u8>>, path: &str, target: &Path) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_mode(0o777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    tar.append_link(&mut header, path, target)
}

/// Puts the image into the image directory, for people: `run -i probe -- probe`.
pub fn write_to(directory: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let path = directory.join("probe.tar");
    // Renamed into place: a container that starts meanwhile reads the old or the new one.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&archive()?)?;
    file.persist(&path).map_err(|why| why.error)?;
    Ok(path)
}

/// The image in a file without a name, to be handed to sandboxes.
pub(crate) fn temporary() -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&archive()?)?;
    Ok(file)
}

/// Copies what [`temporary`] made, and a sandbox finds as its standard input. Several
/// sandboxes share the file: each opens it anew to have a position of its own.
pub(crate) fn receive(target: &Path) -> io::Result<()> {
    io::copy(
        &mut File::open("/proc/self/fd/0")?,
        &mut File::create(target)?,
    )?;
    Ok(())
}
