//! The image that checks use: the probe, a shell, what they need, and one odd file.
//! In checks the probe has another name in each run (`names`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use crate::names;

/// A file whose owner and mode an unpacker has no reason to come up with by itself.
pub(crate) const ODD_FILE: &str = "etc/odd";
pub(crate) const ODD_OWNER: u32 = 4242;
pub(crate) const ODD_GROUP: u32 = 2424;
pub(crate) const ODD_MODE: u32 = 0o640;
/// The contents of that file.
pub(crate) const ODD_TEXT: &str = "This file belongs to the image.\n";
/// An empty directory, as nearly every image has it: made for mounts, and the image's own.
pub(crate) const EMPTY_DIRECTORY: &str = "mnt";

/// The image as a tar archive.
pub(crate) fn archive() -> io::Result<Vec<u8>> {
    let probe = fs::read_link("/proc/self/exe")?;
    let shell = fs::canonicalize("/bin/sh")?;
    let link = format!("/bin/{}", names::program());
    let wanted = [
        (probe.as_path(), link.as_str()),
        (shell.as_path(), "/bin/sh"),
    ];
    let mut archive = Vec::new();
    // What is for debuggers is three quarters of the probe, and each sandbox would copy it
    // twice.
    images::tar_of_loaded_programs(&wanted, &mut archive).map_err(io::Error::other)?;
    // An archive ends with two blocks of zeros (tar(5)); this one goes on.
    archive.truncate(archive.len().saturating_sub(2 * 512));
    let mut tar = Builder::new(archive);
    add_directory(&mut tar, EMPTY_DIRECTORY)?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(ODD_MODE);
    header.set_uid(ODD_OWNER.into());
    header.set_gid(ODD_GROUP.into());
    header.set_size(ODD_TEXT.len() as u64);
    tar.append_data(&mut header, ODD_FILE, ODD_TEXT.as_bytes())?;
    tar.into_inner()
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

/// Something that belongs to root.
fn of_root(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(0);
    header
}

/// Adds a symbolic link.
pub(crate) fn add_link(tar: &mut Builder<Vec<u8>>, path: &str, target: &Path) -> io::Result<()> {
    tar.append_link(&mut of_root(EntryType::Symlink, 0o777), path, target)
}

/// Adds a directory.
pub(crate) fn add_directory(tar: &mut Builder<Vec<u8>>, path: &str) -> io::Result<()> {
    tar.append_data(&mut of_root(EntryType::Directory, 0o755), path, io::empty())
}

/// Adds a file with this mode and content.
pub(crate) fn add_file(
    tar: &mut Builder<Vec<u8>>,
    path: &Path,
    mode: u32,
    content: &str,
) -> io::Result<()> {
    let mut header = of_root(EntryType::Regular, mode);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content.as_bytes())
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
