//! `images import`: from a file to an image in the image directory.
//!
//! The file is read by us, and not by root; what root gets is the archive that we have
//! written, as with `pull`. It is put there whole or not at all, and never in the place of
//! another image.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;
use given::Error;
use nix::fcntl::OFlag;

use crate::blobs::Blobs;
use crate::privileged::{self, Directories, Verb};
use crate::pull::path_of;
use crate::reference::shown;
use crate::show::{say, size};

/// What an archive may be called; the name of an image is what is left without it.
const ENDINGS: [&str; 6] = [".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".tgz", ".txz"];

#[derive(Args)]
pub(crate) struct Import {
    /// A root file system, or an image that was saved with its layers; packed or not
    file: PathBuf,

    /// The name that it gets here [default: that of FILE, without its ending]
    name: Option<String>,

    #[command(flatten)]
    directories: Directories,
}

impl Import {
    pub(crate) fn run(self) -> Result<(), Error> {
        let called = self.file.file_name().unwrap_or_default().to_string_lossy();
        // It goes into the archive, and to terminals from there.
        let from = shown(&given::printable(&called));
        let name = self.name.clone().unwrap_or_else(|| name_of(&called));
        images::check_name(&name)
            .map_err(|error| format!("{error}; or give another one: import FILE NAME"))?;
        let file = open(&self.file)?;
        // First: a password is asked for now, and not when the work is done.
        let may_put = Verb::MayPut {
            name: name.clone(),
            origin: format!("imported from {from}"),
        };
        privileged::ask(&self.directories, &may_put)?;

        let blobs = Blobs::open()?;
        let new_file = || {
            let made = blobs.new_file();
            made.map_err(|error| io::Error::other(error.to_string()))
        };
        let mut archive = blobs.new_file()?;
        let into = BufWriter::with_capacity(256 * 1024, &mut archive);
        images::import(&file, &from, &new_file, into)?;
        let bytes = archive.metadata()?.len();
        let put = Verb::Put {
            name: name.clone(),
            archive: path_of(&archive),
        };
        let put = privileged::ask(&self.directories, &put)?;
        say(&format!(
            "imported {from} as {name} ({}): {}",
            size(bytes),
            put.as_str().unwrap_or_default()
        ))?;
        say(&format!("what it is: cargo workshop images inspect {name}"))?;
        say(&format!("try it: cargo run -q -p rd -- run -i {name} sh"))
    }
}

/// The file, without waiting for the other end of a FIFO.
fn open(path: &PathBuf) -> Result<File, Error> {
    let failed = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(|error| failed(&error))?;
    let about = file.metadata().map_err(|error| failed(&error))?;
    if about.is_dir() {
        let advice = "it is a directory; pack it first: tar -C DIRECTORY -cf NAME.tar .";
        return Err(failed(&advice).into());
    }
    if !about.is_file() {
        let advice = "it is no file, and it is read more than once: write it into one first";
        return Err(failed(&advice).into());
    }
    Ok(file)
}

fn name_of(file: &str) -> String {
    let ending = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending));
    ending.unwrap_or(file).to_owned()
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn an_image_is_called_like_its_file() {
        for (file, name) in [
            ("web.tar", "web"),
            ("web.1.tar.xz", "web.1"),
            ("web.tgz", "web"),
            ("web", "web"),
        ] {
            assert_eq!(name_of(file), name);
        }
    }
}
