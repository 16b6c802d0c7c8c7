//! The cache: each image unpacked once, and shared by all containers.
//!
//! Level 04 stacks a container's changes on top of it and never writes to it.
//! An image is known by its name and by what `stat` says of its archive, so
//! replacing `debian.tar` makes a new tree; the old one stays, since containers
//! may be running on it. Finding a tree costs two calls of `stat`, whatever the
//! size of the image.
//!
//! No process looks again whether a tree in the cache is complete, so it has to be: see `fill`.

use std::fs::{self, DirBuilder, File, FileType, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, syncfs};

use crate::config::Config;
use crate::error::{Error, Result, io_failed};
use crate::image::Image;
use crate::in_use::in_use;
use crate::lock::lock;
use crate::remove;

/// The directory of the cache in the store.
pub(crate) const CACHE: &str = ".images";

impl Image {
    /// The image unpacked in the cache of `store`: by the first caller, for all.
    ///
    /// However many processes ask at once, one unpacks and the others wait; a
    /// tree that is returned is complete. Do not write to it.
    pub fn unpacked(&self, store: &Path) -> Result<PathBuf> {
        unpacked(self, store)
    }

    /// What the image says of its command. Where that is not seen at the beginning of its
    /// archive, it is unpacked into the cache of `store`: an image that was saved with its
    /// layers tells it at the end.
    pub fn config(&self, store: &Path) -> Result<Config> {
        if let Some(tree) = found(self, store)? {
            return config(&tree);
        }
        match self.told() {
            Some(config) => Ok(config),
            None => config(&self.unpacked(store)?),
        }
    }
}

/// The tree of `image` in `store`, unpacked by the first process that needs it.
pub(crate) fn unpacked(image: &Image, store: &Path) -> Result<PathBuf> {
    match found(image, store)? {
        Some(tree) => Ok(tree),
        None => fill(image, &ours(store)?),
    }
}

/// The tree of `image` in `store`, if a process has unpacked it.
pub(crate) fn found(image: &Image, store: &Path) -> Result<Option<PathBuf>> {
    close(store)?;
    let archive = fs::metadata(image.archive()).map_err(|error| image.unreadable(&error))?;
    let tree = store.join(CACHE).join(key(image.name(), &archive));
    Ok(is_directory(&tree).then_some(tree))
}

/// If `store` has a cache, it must be ours, and is closed to other users as the store is.
///
/// A user who may write to it can put a tree there under the name of an image that root is
/// about to use; and its trees have setuid programs.
pub(crate) fn close(store: &Path) -> Result<()> {
    let cache = store.join(CACHE);
    let failed = |error: &io::Error| {
        let what = format_args!("cannot look at the cache of images {}", cache.display());
        io_failed(what, error)
    };
    let there = match fs::symlink_metadata(&cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there.map_err(|error| failed(&error))?,
    };
    check(&cache, &there)?;
    if there.mode() & 0o077 != 0 {
        let closed = Permissions::from_mode(0o700);
        fs::set_permissions(&cache, closed).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// The directory of the cache, made if it is missing.
fn ours(store: &Path) -> Result<PathBuf> {
    let cache = store.join(CACHE);
    let failed = |error: &io::Error| {
        let what = format_args!("cannot make the cache of images {}", cache.display());
        io_failed(what, error)
    };
    let mut make = DirBuilder::new();
    match make.recursive(true).mode(0o700).create(&cache) {
        // Below, `close` refuses it, and says what it is instead.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(|error| failed(&error))?,
    }
    close(store)?;
    Ok(cache)
}

/// It must be a directory, no link to one, and belong to our user.
fn check(cache: &Path, there: &Metadata) -> Result<()> {
    let why = match there.uid() {
        _ if !there.is_dir() => "is no directory".to_owned(),
        owner if owner != geteuid().as_raw() => {
            format!("belongs to user {owner}, who could change the images in it")
        }
        _ => return Ok(()),
    };
    let cache = cache.display();
    Err(Error::new(format!(
        "the cache of images {cache} {why}; remove it, it will be made anew: sudo rm -r --one-file-system {cache}"
    )))
}

/// What is in the cache; nothing if there is none.
fn entries(cache: &Path) -> Result<Vec<fs::DirEntry>> {
    let failed =
        |error: &io::Error| io_failed(format_args!("cannot look into {}", cache.display()), error);
    match fs::symlink_metadata(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        there => check(cache, &there.map_err(|error| failed(&error))?)?,
    }
    let entries: io::Result<Vec<_>> = fs::read_dir(cache).and_then(Iterator::collect);
    entries.map_err(|error| failed(&error))
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| there.is_dir())
}

/// Locks `path`, if it is of the kind that we look for and no other process holds it.
///
/// We look before we open: opening a FIFO waits for its other end, and opening a device may
/// do something. And we open without blocking, should it have become one meanwhile.
fn lock_idle(path: &Path, kind: fn(&FileType) -> bool) -> Option<Flock<File>> {
    let there = fs::symlink_metadata(path).ok()?;
    if !kind(&there.file_type()) {
        return None;
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let opened = File::from(open(path, flags, Mode::empty()).ok()?);
    Flock::lock(opened, FlockArg::LockExclusiveNonblock).ok()
}

fn fill(image: &Image, cache: &Path) -> Result<PathBuf> {
    // From here on the key is that of the open file, which no other process can exchange.
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

    loop {
        let Some(held) = lock_directory(&partial).map_err(|error| failed(&error))? else {
            continue;
        };
        if is_directory(&tree) {
            // Another process finished it while we waited for the lock.
            remove::remove_tree(&partial)?;
            return Ok(tree);
        }
        // A process that was killed has perhaps left a part of it.
        remove::empty(
            held.try_clone().map_err(|error| failed(&error))?.into(),
            &partial,
        )?;
        let config = image.unpack_archive(
            archive,
            held.try_clone().map_err(|error| failed(&error))?.into(),
            &partial,
        )?;
        // No process reads it before there is the tree that it belongs to.
        let beside = beside(&tree);
        match config == Config::default() {
            true => remove_file(&beside),
            false => write_file(&beside, &config.to_json()),
        }
        .map_err(|error| failed(&error))?;
        // A rename may reach the disk before the contents do. After a power cut in
        // between there would be a whole tree of empty files, and no process unpacks again
        // what is there already. tar leaves the waiting to its caller; containerd learned
        // to wait, if asked to, when users had come back to such trees. One call for the
        // whole file system, other programs' data and all: for a Debian of 200 MB some
        // 0.2 s, once an image, where fsync would be called for each of its 5,300 files.
        syncfs(&*held).map_err(|errno| failed(&errno.into()))?;
        fs::rename(&partial, &tree).map_err(|error| failed(&error))?;
        return Ok(tree);
    }
}

/// The file that keeps what an image says of its command, for the runtime that uses its tree.
fn beside(tree: &Path) -> PathBuf {
    let key = tree.file_name().unwrap_or_default().to_string_lossy();
    tree.with_file_name(format!(".{key}{CONFIG}"))
}

const CONFIG: &str = ".config";

/// A new file in the cache, where only our user may write.
fn write_file(path: &Path, text: &str) -> io::Result<()> {
    remove_file(path)?;
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What the image that is unpacked in `tree` says of its command. Nothing is kept of one
/// that says nothing.
pub(crate) fn config(tree: &Path) -> Result<Config> {
    let path = beside(tree);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
        text => {
            text.map_err(|error| io_failed(format_args!("cannot read {}", path.display()), &error))?
        }
    };
    Config::from_json(&text).map_err(|why| {
        let path = path.display();
        Error::new(format!(
            "{path}, which says how the image is run, cannot be used: {why}; remove the image \
             and put it there anew"
        ))
    })
}

/// The same for the archive of the image `name`, which is unpacked in `store`.
pub(crate) fn config_of(name: &str, archive: &Metadata, store: &Path) -> Result<Config> {
    config(&store.join(CACHE).join(key(name, archive)))
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
        // Another process renamed it between our two calls.
        Err(nix::errno::Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Removes the half-unpacked trees in `store` whose process is gone, and returns where
/// they were.
///
/// The next use of the same image would do it as well; but the image may have changed
/// since, and then no process asks for that tree again.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// assert!(images::remove_partial(scratch.path())?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_partial(store: &Path) -> Result<Vec<PathBuf>> {
    let cache = store.join(CACHE);
    let is_ours = |name: &str| {
        name.strip_suffix(".partial")
            .and_then(name_in_key)
            .is_some()
    };
    remove_abandoned(entries(&cache)?, is_ours, FileType::is_dir)
}

/// Removes the half-written archives in `image_dir` whose process is gone, and returns
/// where they were.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// std::fs::write(scratch.path().join(".base.tar.partial"), "")?;
/// std::fs::write(scratch.path().join("notes.partial"), "the user's own")?;
/// assert_eq!(images::remove_partial_archives(scratch.path())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_partial_archives(image_dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: &io::Error| {
        let what = format_args!("cannot look into {}", image_dir.display());
        io_failed(what, error)
    };
    let entries = match fs::read_dir(image_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect),
    };
    // Other programs' files may be in there; ours have names like `.base.tar.partial`.
    let is_ours = |name: &str| name.starts_with('.') && name.ends_with(".tar.partial");
    let entries = entries.map_err(|error| failed(&error))?;
    remove_abandoned(entries, is_ours, FileType::is_file)
}

/// Removes what is half made, by its name and its kind, and whose maker is gone.
fn remove_abandoned(
    entries: Vec<fs::DirEntry>,
    is_ours: fn(&str) -> bool,
    kind: fn(&FileType) -> bool,
) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in entries {
        let path = entry.path();
        if !is_ours(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // Not ours if the process that fills it holds the lock, or if it is gone by now.
        if let Some(_lock) = lock_idle(&path, kind) {
            remove::remove_tree(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

/// Whether the archive is unpacked in `store`; `None` if we may not look.
pub(crate) fn has(name: &str, archive: &Metadata, store: &Path) -> Option<bool> {
    match fs::symlink_metadata(store.join(CACHE).join(key(name, archive))) {
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
    // The kernel tells the paths of an overlay's layers as they were given to mount.
    let (mut gone, mut used) = (Vec::new(), Vec::new());
    for entry in entries(&cache)? {
        let is_of_it = entry.file_name().to_str().and_then(name_in_key) == Some(name);
        if !is_of_it {
            continue;
        }
        let tree = entry.path();
        let aside = cache.join(format!("{}.partial", entry.file_name().to_string_lossy()));
        // What is not a directory is no tree.
        if !is_directory(&tree) {
            continue;
        }
        let Some(_lock) = lock_idle(&tree, FileType::is_dir) else {
            used.push(tree);
            continue;
        };
        // Rename it first, and look for its users then: a container that starts from now on
        // does not find it, and one that has mounted it before is seen. Under the new name
        // `remove_partial` removes it, should we be killed.
        fs::rename(&tree, &aside).map_err(|error| failed(&error))?;
        if in_use(&tree) {
            fs::rename(&aside, &tree).map_err(|error| failed(&error))?;
            used.push(tree);
        } else {
            remove_file(&beside(&tree)).map_err(|error| failed(&error))?;
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
