//! The image directory: what is in it, and how something gets in and out.
//!
//! An archive appears under its name when it is whole, and not before. What was
//! pulled says so in its first bytes, so nothing else has to be kept beside it.

pub(crate) mod create;

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tar::{EntryType, Header};

use crate::config::{CONFIG, Config};
use crate::error::{Error, Result, errno_of, io_failed, io_named};
use crate::image::{ENDINGS, name_of};
use crate::image_dir::create::make_image_dir;
use crate::limits::METADATA_OF_ONE_MEMBER;
use crate::lock::lock_file;
use crate::writer::{IMPORTED, PULLED};
use crate::{base, cache, name, pax};

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name, as in `run -i NAME`.
    pub name: String,
    /// The archive that holds it.
    pub archive: PathBuf,
    /// The size of the archive in bytes.
    pub size: u64,
    /// Whether it is unpacked in the store already; `None` if we may not look there.
    pub unpacked: Option<bool>,
    /// Where it was pulled from, if it was: a reference, a blank, a digest. Or `imported
    /// from`, and the name of a file.
    pub origin: Option<String>,
    /// What it says of its command. Known of what was pulled or imported, and of what is
    /// unpacked, if we may look there.
    pub config: Option<Config>,
}

/// What [`remove`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The archives that are gone.
    pub archives: Vec<PathBuf>,
    /// The unpacked trees that are gone.
    pub trees: Vec<PathBuf>,
    /// The unpacked trees that are still there: a running container stands on them.
    pub in_use: Vec<PathBuf>,
}

/// Checks that `name` can be the name of an image.
///
/// ```
/// assert!(images::check_name("alpine-3.20").is_ok());
/// assert!(images::check_name("../etc").is_err());
/// ```
pub fn check_name(name: &str) -> Result<()> {
    name::check(name)
}

/// The images in `image_dir`, by name. A directory that does not exist has none.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// assert!(images::list(scratch.path(), "/no/such/store".as_ref())?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn list(image_dir: &Path, store: &Path) -> Result<Vec<Listed>> {
    let failed =
        |error: &io::Error| io_failed(format_args!("cannot list {}", image_dir.display()), error);
    let entries = match fs::read_dir(image_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    // Of NAME.tar and NAME.tar.gz, the one that `find` finds.
    let mut found: BTreeMap<String, (usize, PathBuf)> = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(&error))?;
        let Some((name, rank)) = entry.file_name().to_str().and_then(name_of) else {
            continue;
        };
        if found.get(&name).is_none_or(|(there, _)| rank < *there) {
            found.insert(name, (rank, entry.path()));
        }
    }
    let mut listed = Vec::new();
    for (name, (_, archive)) in found {
        // A link to nowhere, or a directory, is no image.
        let Some(stat) = fs::metadata(&archive).ok().filter(|stat| stat.is_file()) else {
            continue;
        };
        let unpacked = cache::has(&name, &stat, store);
        let (origin, told) = match File::open(&archive) {
            Ok(file) => about(&file),
            Err(_) => (None, None),
        };
        let kept = || cache::config_of(&name, &stat, store).ok();
        listed.push(Listed {
            config: told.or_else(|| (unpacked == Some(true)).then(kept)?),
            origin,
            unpacked,
            size: stat.len(),
            name,
            archive,
        });
    }
    Ok(listed)
}

/// What an archive says of itself: where it is from, and what its image says of its command.
fn about(archive: impl Read) -> (Option<String>, Option<Config>) {
    let records = first_records(archive).unwrap_or_default();
    let config = pax::value(&records, CONFIG).and_then(|text| Config::from_json(text).ok());
    (origin_in(&records), config)
}

/// Where an archive says that it is from.
fn origin(archive: impl Read) -> Option<String> {
    origin_in(&first_records(archive)?)
}

fn origin_in(records: &[u8]) -> Option<String> {
    let comment = std::str::from_utf8(pax::value(records, "comment")?).ok()?;
    let pulled = comment.strip_prefix(PULLED);
    let origin = pulled.or_else(|| is_imported(comment).then_some(comment))?;
    // It goes to terminals, and an attacker may have written it.
    (!origin.contains(|letter: char| letter.is_control())).then(|| origin.to_owned())
}

fn is_imported(origin: &str) -> bool {
    origin.starts_with(IMPORTED)
}

/// The records at the beginning of an archive, if it begins with some.
fn first_records(mut archive: impl Read) -> Option<Vec<u8>> {
    let mut header = Header::new_ustar();
    archive.read_exact(header.as_mut_bytes()).ok()?;
    let size = header.entry_size().ok();
    let size = size.filter(|&size| size <= METADATA_OF_ONE_MEMBER)?;
    if header.entry_type() != EntryType::XGlobalHeader {
        return None;
    }
    let mut records = vec![0; size as usize];
    archive.read_exact(&mut records).ok()?;
    Some(records)
}

/// Whether an image that is from `origin` may be put into `image_dir` as `name`.
///
/// One that was pulled under the same reference gives way to the newer one, and nothing
/// else does. A reference and a digest make an origin, with a blank in between; nothing
/// gives way to what is imported, whose origin is `imported from` and a file.
pub fn may_put(image_dir: &Path, name: &str, origin: &str) -> Result<()> {
    name::check(name)?;
    if name == base::NAME {
        return Err(Error::new(
            "the image \"base\" is the one that the lessons are about, made of this machine's own programs; \
             choose another name",
        ));
    }
    for ending in ENDINGS {
        let there = image_dir.join(format!("{name}{ending}"));
        // Not opened before that is known: to open a FIFO is to wait for its other end.
        let is_file = fs::metadata(&there).map(|stat| stat.is_file());
        let file = is_file.and_then(|is_file| is_file.then(|| File::open(&there)).transpose());
        match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(io_failed(
                    format_args!("cannot look at {}", there.display()),
                    &error,
                ));
            }
            Ok(file) => match file.and_then(self::origin) {
                Some(old) if !is_imported(origin) && reference(&old) == reference(origin) => {}
                old => {
                    let from = match old {
                        None => "it was not pulled".into(),
                        Some(old) if is_imported(&old) => format!("it was {old}"),
                        Some(old) => format!("it was pulled from {old}"),
                    };
                    return Err(Error::new(format!(
                        "there is an image {name:?} already ({}, {from}); choose another name, or remove that one \
                         first: images rm {name}",
                        there.display()
                    )));
                }
            },
        }
    }
    Ok(())
}

fn reference(origin: &str) -> &str {
    origin.split(' ').next().unwrap_or_default()
}

/// Puts an archive that [`merge_layers`](crate::merge_layers) or
/// [`import`](crate::import) has written into `image_dir`, as NAME.tar: whole, or not at all.
pub fn put(image_dir: &Path, name: &str, archive: &mut File) -> Result<PathBuf> {
    let done = image_dir.join(format!("{name}.tar"));
    let partial = image_dir.join(format!(".{name}.tar.partial"));
    let failed = |error: &io::Error| {
        let advice = match errno_of(error) {
            Some(nix::errno::Errno::ENOSPC | nix::errno::Errno::EDQUOT) => "make room there",
            _ => "look at that directory with `ls -ld`",
        };
        Error::new(format!(
            "cannot put the image {name:?} into {}: {}; {advice}, or choose another directory with --image-dir or RUBBER_DOCKER_IMAGES",
            image_dir.display(),
            io_named(error)
        ))
    };
    archive.rewind().map_err(|error| failed(&error))?;
    let Some(from) = origin(&*archive) else {
        return Err(Error::new(format!(
            "cannot put the image {name:?} into {}: the archive does not say where it is from, so it is none of ours",
            image_dir.display()
        )));
    };
    may_put(image_dir, name, &from)?;
    make_image_dir(image_dir).map_err(|error| failed(&error))?;
    loop {
        let Some(mut held) = lock_file(&partial).map_err(|error| failed(&error))? else {
            continue;
        };
        if let Err(error) = copy(archive, &mut held) {
            // Best effort: the error that counts is the first one.
            let _ = fs::remove_file(&partial);
            return Err(failed(&error));
        }
        // Another process may have put an image there meanwhile.
        if let Err(error) = may_put(image_dir, name, &from) {
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        fs::rename(&partial, &done).map_err(|error| failed(&error))?;
        return Ok(done);
    }
}

fn copy(archive: &mut File, into: &mut File) -> io::Result<()> {
    archive.rewind()?;
    // A process that was killed has perhaps left a part of it.
    into.set_len(0)?;
    into.set_permissions(Permissions::from_mode(0o644))?;
    io::copy(archive, into)?;
    // On the disk before it has the name under which it is found.
    into.sync_data()
}

/// Removes an image: its archives, and the trees that were unpacked of it in the cache
/// of `store`. A tree that a running container stands on stays.
pub fn remove(image_dir: &Path, store: &Path, name: &str) -> Result<Removed> {
    name::check(name)?;
    let mut removed = Removed::default();
    for ending in ENDINGS {
        let archive = image_dir.join(format!("{name}{ending}"));
        match fs::remove_file(&archive) {
            Ok(()) => removed.archives.push(archive),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(io_failed(
                    format_args!("cannot remove {}", archive.display()),
                    &error,
                ));
            }
        }
    }
    // In this order: without its archive, no process unpacks it anew meanwhile.
    (removed.trees, removed.in_use) = cache::remove_trees(name, store)?;
    if removed == Removed::default() {
        return Err(crate::image::unknown(image_dir, name));
    }
    Ok(removed)
}
