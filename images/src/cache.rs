//! The cache: each image unpacked once, and shared by all containers.
//!
//! Level 04 stacks a container's changes on top of it and never writes to it.
//! An image is known by its name and by what `stat` says of its archive, so
//! replacing `debian.tar` makes a new tree; the old one stays, since containers
//! may be running on it. Finding a tree costs two calls of `stat`, whatever the
//! size of the image.
//!
//! A tree in the cache is believed for ever, so it must be true for ever: see `fill`.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::syncfs;

use crate::error::{Result, io_failed};
use crate::image::Image;
use crate::in_use::in_use;
use crate::lock::lock;
use crate::remove;

/// The directory of the cache in the store.
pub(crate) const CACHE: &str = ".images";

/// The tree of `image` in `store`, unpacked by whoever comes first.
pub(crate) fn unpacked(image: &Image, store: &Path) -> Result<PathBuf> {
    let cache = store.join(CACHE);
    let archive = fs::metadata(image.archive()).map_err(|error| image.unreadable(&error))?;
    let tree = cache.join(key(image.name(), &archive));
    if tree.is_dir() {
        return Ok(tree);
    }
    fill(image, &cache)
}

fn fill(image: &Image, cache: &Path) -> Result<PathBuf> {
    // From here on the key is that of the open file, which nobody can exchange.
    let archive = image.open()?;
    let key = key(
        image.name(),
        &archive
            .metadata()
            .map_err(|error| image.unreadable(&error))?,
    );
    let tree = cache.join(&key);
    let partial = cache.join(format!("{key}.partial"));
    let failed = |error: &io::Error| {
        io_failed(
            format_args!(
                "cannot make {} for the image {:?}",
                tree.display(),
                image.name()
            ),
            error,
        )
    };

    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(cache)
        .map_err(|error| failed(&error))?;
    loop {
        let Some(held) = lock_directory(&partial).map_err(|error| failed(&error))? else {
            continue;
        };
        if tree.is_dir() {
            // Somebody finished while we were on the way here.
            remove::remove_tree(&partial)?;
            return Ok(tree);
        }
        // What somebody left who was killed.
        remove::empty(
            held.try_clone().map_err(|error| failed(&error))?.into(),
            &partial,
        )?;
        image.unpack_archive(
            archive,
            held.try_clone().map_err(|error| failed(&error))?.into(),
            &partial,
        )?;
        // A rename may reach the disk before the contents do. After a power cut in
        // between there would be a whole tree of empty files, and nobody unpacks again
        // what is there already. tar leaves the waiting to whoever calls it; containerd
        // learned to wait, if asked to, when people had come back to such trees. One call
        // for the whole file system, others' data and all: for a Debian of 200 MB some
        // 0.2 s, once an image, where fsync would be called for each of its 5,300 files.
        syncfs(&*held).map_err(|errno| failed(&errno.into()))?;
        fs::rename(&partial, &tree).map_err(|error| failed(&error))?;
        return Ok(tree);
    }
}

/// Makes `path` if it is missing, and waits until it is ours. `None`: look again.
fn lock_directory(path: &Path) -> io::Result<Option<Flock<File>>> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    match open(
        path,
        OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        Mode::empty(),
    ) {
        Ok(directory) => lock(directory, path),
        // Renamed between our two calls.
        Err(nix::errno::Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes the half-unpacked trees in `store` that nobody is at work on any more, and
/// returns where they were.
///
/// The next use of the same image would do it as well; but the image may have changed
/// since, and then nobody asks for that tree again.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// assert!(images::remove_partial(scratch.path())?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_partial(store: &Path) -> Result<Vec<PathBuf>> {
    remove_abandoned(&store.join(CACHE), |_| true)
}

/// Removes the half-written archives in `image_dir` that nobody is at work on any more,
/// and returns where they were.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// std::fs::write(scratch.path().join(".base.tar.partial"), "")?;
/// std::fs::write(scratch.path().join("notes.partial"), "somebody else's")?;
/// assert_eq!(images::remove_partial_archives(scratch.path())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_partial_archives(image_dir: &Path) -> Result<Vec<PathBuf>> {
    // Other people's files may be in there; ours have names like `.base.tar.partial`.
    remove_abandoned(image_dir, |name| {
        name.starts_with('.') && name.ends_with(".tar.partial")
    })
}

/// What is half made in `directory`, by its name, and has lost who made it.
fn remove_abandoned(directory: &Path, is_ours: fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let failed = |error: &io::Error| {
        io_failed(
            format_args!("cannot look into {}", directory.display()),
            error,
        )
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    let mut removed = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| failed(&error))?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        if !name.ends_with(".partial") || !is_ours(&name) {
            continue;
        }
        // Locked by whoever fills it, or gone by now: not ours.
        let lock = File::open(&path).map(|open| Flock::lock(open, FlockArg::LockExclusiveNonblock));
        if let Ok(Ok(_lock)) = lock {
            remove::remove_tree(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Whether the archive is unpacked in `store`; `None` if we may not look.
pub(crate) fn has(name: &str, archive: &Metadata, store: &Path) -> Option<bool> {
    match fs::metadata(store.join(CACHE).join(key(name, archive))) {
        Ok(tree) => Some(tree.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Removes the trees of the image `name`, of whatever archive they are. Returns those
/// that are gone, and those that are still there because a container stands on them.
pub(crate) fn remove_trees(name: &str, store: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let cache = store.join(CACHE);
    let failed =
        |error: &io::Error| io_failed(format_args!("cannot look into {}", cache.display()), error);
    let entries = match fs::read_dir(&cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        entries => entries.map_err(|error| failed(&error))?,
    };
    // The kernel tells the paths of an overlay's layers as they were given to mount.
    let (mut gone, mut used) = (Vec::new(), Vec::new());
    for entry in entries {
        let entry = entry.map_err(|error| failed(&error))?;
        let is_of_it = entry.file_name().to_str().and_then(name_in_key) == Some(name);
        if !is_of_it {
            continue;
        }
        let tree = entry.path();
        let aside = cache.join(format!("{}.partial", entry.file_name().to_string_lossy()));
        let Ok(Ok(_lock)) = File::open(&tree)
            .map(|directory| Flock::lock(directory, FlockArg::LockExclusiveNonblock))
        else {
            used.push(tree);
            continue;
        };
        // First out of the way, then the question: whoever mounts it from now on does not
        // find it, and whoever has mounted it before is seen. Under this name, and if we
        // are killed, it is what `remove_partial` removes.
        fs::rename(&tree, &aside).map_err(|error| failed(&error))?;
        if in_use(&tree) {
            fs::rename(&aside, &tree).map_err(|error| failed(&error))?;
            used.push(tree);
        } else {
            remove::remove_tree(&aside)?;
            gone.push(tree);
        }
    }
    Ok((gone, used))
}

/// The name in a key, which ends in three numbers.
fn name_in_key(key: &str) -> Option<&str> {
    let mut parts = key.rsplitn(4, '-');
    let hexadecimal = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'.')
    };
    let numbers = [parts.next()?, parts.next()?, parts.next()?];
    numbers
        .into_iter()
        .all(hexadecimal)
        .then(|| parts.next())
        .flatten()
}

fn key(name: &str, archive: &Metadata) -> String {
    format!(
        "{name}-{:x}-{:x}.{:x}-{:x}",
        archive.size(),
        archive.mtime(),
        archive.mtime_nsec(),
        archive.ino()
    )
}
