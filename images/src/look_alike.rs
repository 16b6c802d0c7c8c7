//! What lies in the image directory under the name that was asked for, and is no image.
//!
//! A download that was not finished, the disk of a virtual machine, an unpacked tree: the user
//! who has put it there believes that the image is there. So the answer names the file.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::shown;

/// A sentence about what looks like `name` in `image_dir`, if something does.
pub(crate) fn look_alike(image_dir: &Path, name: &str) -> Option<String> {
    let mut entries: Vec<_> = fs::read_dir(image_dir).ok()?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.into_iter().find_map(|entry| {
        let file = entry.file_name();
        let rest = file.as_bytes().strip_prefix(name.as_bytes())?;
        let is_it = rest.is_empty() || rest[0] == b'.';
        is_it.then(|| {
            format!(
                "there is {:?}, but {}",
                shown(file.as_bytes()),
                what(&entry.path(), rest)
            )
        })
    })
}

/// What it is, and what to do with it.
fn what(path: &Path, ending: &[u8]) -> &'static str {
    match fs::metadata(path) {
        Err(_) => return "it is a link to nothing: put the archive there itself",
        Ok(about) if about.is_dir() => {
            return "it is a directory: pack what is in it, with tar -C DIRECTORY -cf NAME.tar .";
        }
        Ok(about) if !about.is_file() => return "it is not a regular file",
        Ok(_) => {}
    }
    match ending {
        b".tar.bz2" | b".tbz2" | b".tbz" | b".tar.lz" | b".tar.lzma" | b".tar.lz4" | b".tar.br" => {
            "it is compressed in a way that is not read here: expand it, and put the plain .tar there"
        }
        b".squashfs" | b".sqfs" | b".sqsh" => {
            "a squashfs is not read here: expand it with unsquashfs, and pack the tree with tar -C squashfs-root -cf NAME.tar ."
        }
        b".qcow2" | b".img" | b".raw" | b".vmdk" | b".vdi" | b".iso" | b".vhdx" => {
            "it is the disk of a virtual machine, and an image is only a root file system: look for one called rootfs or minirootfs"
        }
        b".zip" | b".7z" | b".rar" => "it is no tar: expand it, and pack the tree as a .tar",
        b".tar.part" | b".tar.partial" | b".crdownload" | b".tar.gz.part" | b".tar.xz.part" => {
            "it is a download that has not finished"
        }
        _ => {
            "images are called NAME.tar, NAME.tar.gz, NAME.tar.xz or NAME.tar.zst: rename it if it is one"
        }
    }
}
