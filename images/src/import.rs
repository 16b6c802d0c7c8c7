//! From an archive that the user has to one that we keep.
//!
//! An image directory takes archives as they are, and the first container unpacks them: a
//! broken one is noticed then. `import` looks at all of an archive before it becomes an
//! image, and writes it anew, so that one kind of archive comes of all: a root file system,
//! and in its first bytes where it is from, and what the image says of its command.
//!
//! As with layers, nothing is unpacked, and so root is not needed. What has to be on a disk
//! meanwhile is in files without a name: an import that is killed leaves nothing.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;

use crate::archive::Archive;
use crate::config::Config;
use crate::error::{Error, Result, shown};
use crate::interrupt;
use crate::layers::merge;
use crate::limits::LIMITS;
use crate::members::{Kind, Member, Members};
use crate::root::{TOP, one_level_down};
use crate::rooted_path::{Split, split};
use crate::saved::{Contents, contents};
use crate::unpack::config_of;
use crate::unpack_error::{NO_IMAGE, UnpackError, bad_path, broken, io_refused};
use crate::writer::IMPORTED;

type Tried<T> = std::result::Result<T, UnpackError>;

/// Makes a file without a name, on a disk that has room for an image.
type NewFile<'a> = &'a dyn Fn() -> io::Result<File>;

/// A member of a box up to this size is kept in memory: `docker save` writes several small
/// ones for each layer, and files that are open are few.
const SMALL: u64 = 64 << 10;
/// How much memory such members may take together.
const MEMORY: usize = 64 << 20;
/// How many larger ones there may be: see `saved.rs`.
const LARGE: usize = 900;
/// A link may lead to a link, but not for ever.
const LINKS: usize = 8;

/// Reads `archive`, a root file system or an image that was saved with its layers, and
/// writes it into `into` as an archive for [`put`](crate::put). `from` is the name of the
/// file, which [`list`](crate::list) tells later.
///
/// We trust nothing that the archive says, and write nothing but `into` and the files that
/// `new_file` makes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut root = tempfile::tempfile()?;
/// images::tar_of_programs(&[("/bin/sh", "/bin/sh")], &mut root)?;
/// let mut archive = Vec::new();
/// images::import(&root, "an-example.tar", &|| tempfile::tempfile(), &mut archive)?;
/// assert!(archive.len() > 100_000);
/// # Ok(())
/// # }
/// ```
pub fn import(archive: &File, from: &str, new_file: NewFile<'_>, into: impl Write) -> Result<()> {
    tried(archive, from, new_file, into).map_err(|UnpackError { cause, advice }| {
        Error::new(format!(
            "cannot import {from:?}: {cause}. What to do: {advice}"
        ))
    })
}

fn tried(archive: &File, from: &str, new_file: NewFile<'_>, into: impl Write) -> Tried<()> {
    let before = stamp(archive)?;
    if before.0 == 0 {
        return Err(UnpackError {
            cause: "the file is empty".into(),
            advice: "the program that should have written it has failed: make it anew".into(),
        });
    }
    let comment = format!("{IMPORTED}{from}");
    let seen = look(archive, from)?;
    match seen.is_box() {
        true => {
            let files = Extracted::of(archive, from, new_file)?;
            let Some(Contents { layers, config }) = contents(&|path| files.open(path, new_file))?
            else {
                return Err(UnpackError {
                    cause: "it has an index.json and no oci-layout, so it is neither a root file system nor an image \
                            that was saved with its layers"
                        .into(),
                    advice: NO_IMAGE.into(),
                });
            };
            merge(&layers, &comment, &config, into)?;
        }
        false => {
            seen.is_no_root_one_level_down()?;
            merge(&[same(archive)?], &comment, &seen.config, into)?;
        }
    }
    match before == stamp(archive)? {
        true => Ok(()),
        false => Err(UnpackError {
            cause: "the file changed while it was being read".into(),
            advice: "wait until it has been written, then try again".into(),
        }),
    }
}

/// Size and time of the last change.
fn stamp(archive: &File) -> Tried<(u64, i64, i64)> {
    let about = archive.metadata().map_err(|error| broken(&error))?;
    Ok((about.size(), about.mtime(), about.mtime_nsec()))
}

fn same(archive: &File) -> Tried<File> {
    archive.try_clone().map_err(|error| broken(&error))
}

/// What an archive looks like from above.
#[derive(Default)]
struct Seen {
    /// The names in its root.
    top: BTreeSet<Vec<u8>>,
    /// The names in the directories there, as long as there is one of those only.
    below: BTreeSet<Vec<u8>>,
    /// What it says itself, if it was one of ours.
    config: Config,
}

/// An archive could have millions of names in its root; so many are enough to judge it by.
const NAMES: usize = 10_000;

impl Seen {
    fn is_root(names: &BTreeSet<Vec<u8>>) -> bool {
        TOP.into_iter().any(|name| names.contains(name.as_bytes()))
    }

    /// Whether it is an image that was saved with its layers, and not the root of something.
    fn is_box(&self) -> bool {
        let lists = [&b"manifest.json"[..], b"index.json"];
        !Self::is_root(&self.top) && lists.into_iter().any(|name| self.top.contains(name))
    }

    fn is_no_root_one_level_down(&self) -> Tried<()> {
        match self.top.first() {
            Some(only) if self.top.len() == 1 && Self::is_root(&self.below) => {
                Err(one_level_down(&shown(only)))
            }
            _ => Ok(()),
        }
    }
}

/// Reads the archive from its beginning to its end, as unpacking it would.
fn look(archive: &File, from: &str) -> Tried<Seen> {
    let mut seen = Seen::default();
    let mut is_empty = true;
    seen.config = each(archive, from, |member, _| {
        is_empty = false;
        let place =
            split(&member.path).map_err(|bad| bad_path("the path of", &member.path, &bad))?;
        let path = place.map(|place| place.path()).unwrap_or_default();
        let mut names = path.split(|byte| *byte == b'/').map(<[u8]>::to_vec);
        let first = names.next().filter(|first| !first.is_empty());
        if seen.top.len() < NAMES {
            seen.top.extend(first);
        }
        if seen.top.len() == 1 && seen.below.len() < NAMES {
            seen.below.extend(names.next());
        }
        Ok(())
    })?;
    match is_empty {
        true => Err(UnpackError {
            cause: "the archive has no member, so there is nothing to run".into(),
            advice: NO_IMAGE.into(),
        }),
        false => Ok(seen),
    }
}

/// Calls `with` for each member of the archive. Returns what it says of its image's command.
fn each(
    archive: &File,
    from: &str,
    mut with: impl FnMut(&Member, &mut Members<Archive>) -> Tried<()>,
) -> Tried<Config> {
    let mut file = same(archive)?;
    file.rewind().map_err(|error| broken(&error))?;
    let size = file.metadata().map_err(|error| broken(&error))?.size();
    let stream = Archive::new(file, from, size).map_err(|error| broken(&error))?;
    let is_compressed = stream.is_compressed();
    let mut members = Members::new(stream, LIMITS);
    while let Some(member) = members.next().map_err(|error| broken(&error))? {
        interrupt::check()?;
        with(&member, &mut members)?;
    }
    let config = config_of(&members)?;
    if is_compressed {
        members.finish().map_err(|error| broken(&error))?;
    }
    Ok(config)
}

/// The files of a box, by their paths in it.
#[derive(Default)]
struct Extracted {
    entries: HashMap<Vec<u8>, Entry>,
}

enum Entry {
    Small(Vec<u8>),
    Large(File),
    /// To a path from the root of the box.
    Link(Vec<u8>),
}

impl Extracted {
    fn of(archive: &File, from: &str, new_file: NewFile<'_>) -> Tried<Self> {
        let mut extracted = Self::default();
        let (mut memory, mut large) = (0, 0);
        each(archive, from, |member, contents| {
            let place =
                split(&member.path).map_err(|bad| bad_path("the path of", &member.path, &bad))?;
            let Some(place) = place else { return Ok(()) };
            let entry = match member.kind {
                Kind::HardLink => Entry::Link(member.link.clone()),
                Kind::Symlink => Entry::Link(target_of(&place, &member.link)),
                // Its contents would have to be put together first; no tool writes those.
                Kind::File if member.sparse.is_some() => return Ok(()),
                Kind::File if contents.left() <= SMALL => {
                    let mut bytes = Vec::new();
                    let read = contents.read_to_end(&mut bytes);
                    read.map_err(|error| broken(&error))?;
                    memory += bytes.len();
                    Entry::Small(bytes)
                }
                Kind::File => {
                    large += 1;
                    let failed = |error| io_refused(member, &error);
                    let mut file = new_file().map_err(failed)?;
                    io::copy(contents, &mut file).map_err(failed)?;
                    Entry::Large(file)
                }
                _ => return Ok(()),
            };
            memory += place.path().len() + size_of::<Entry>() + member.link.len();
            if memory > MEMORY || large > LARGE {
                return Err(UnpackError {
                    cause: "it begins like an image that was saved with its layers, and has more in it than any of those"
                        .into(),
                    advice: NO_IMAGE.into(),
                });
            }
            extracted.entries.insert(place.path(), entry);
            Ok(())
        })?;
        Ok(extracted)
    }

    /// A file of the box, from its beginning.
    fn open(&self, path: &str, new_file: NewFile<'_>) -> Option<File> {
        let mut path = split(path.as_bytes()).ok()??.path();
        for _ in 0..LINKS {
            let mut file = match self.entries.get(&path)? {
                Entry::Link(target) => {
                    path = split(target).ok()??.path();
                    continue;
                }
                Entry::Large(file) => file.try_clone().ok()?,
                Entry::Small(bytes) => {
                    let mut file = new_file().ok()?;
                    file.write_all(bytes).ok()?;
                    file
                }
            };
            file.rewind().ok()?;
            return Some(file);
        }
        None
    }
}

/// Where a symbolic link of a box leads. Old versions of Docker saved a layer that came
/// twice as `../OTHER/layer.tar`; above the root of the box there is nothing.
fn target_of(place: &Split, link: &[u8]) -> Vec<u8> {
    let from = match link.first() {
        Some(b'/') => &[][..],
        _ => &place.parent,
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    let whole = [from, link].join(&b'/');
    for part in whole.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join(&b'/')
}
