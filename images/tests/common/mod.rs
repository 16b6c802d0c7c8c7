//! What the tests share: a scratch directory with something to protect in it,
//! and archives that say whatever a test wants them to say.

#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use images::Image;
use tar::{EntryType, Header};
use tempfile::TempDir;

pub const ARCHIVE: &str = "image.tar";

/// A directory with images, a target, and a tree outside that no archive may touch.
pub struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// In memory where that is possible: a disk takes up to half a millisecond
    /// for each of the many files that these tests make.
    pub fn new() -> Self {
        Self::within(
            tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .unwrap(),
        )
    }

    /// On a file system from which programs may be started.
    pub fn on_disk() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    fn within(directory: TempDir) -> Self {
        let scratch = Self { directory };
        fs::create_dir(scratch.images()).unwrap();
        fs::create_dir_all(scratch.canary().join("directory")).unwrap();
        fs::write(scratch.canary().join("file"), "alive").unwrap();
        fs::write(scratch.canary().join("directory/file"), "alive").unwrap();
        scratch
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn images(&self) -> PathBuf {
        self.path().join("images")
    }

    pub fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// Deep enough for a few `..` to stay in the scratch directory.
    pub fn target(&self) -> PathBuf {
        self.path().join("target")
    }

    pub fn canary(&self) -> PathBuf {
        self.path().join("canary")
    }

    /// Makes `bytes` the archive of the image `image`.
    pub fn image(&self, bytes: &[u8]) -> Image {
        fs::write(self.images().join(ARCHIVE), bytes).unwrap();
        images::find(&self.images(), "image").unwrap()
    }

    /// Unpacks it into the target.
    pub fn unpack(&self, bytes: &[u8]) -> images::Result<()> {
        self.image(bytes).unpack_into(&self.target())
    }

    /// Everything outside of the target, as text.
    pub fn outside(&self) -> String {
        let mut text = String::new();
        for name in [
            "",
            "canary",
            "canary/directory",
            "canary/directory/file",
            "canary/file",
        ] {
            let path = self.path().join(name);
            let stat = path.symlink_metadata().unwrap();
            let contents = fs::read(&path).unwrap_or_default();
            let mut names: Vec<_> = fs::read_dir(&path)
                .map(|entries| entries.map(|entry| entry.unwrap().file_name()).collect())
                .unwrap_or_default();
            // The places that a test may write to.
            names.retain(|name| name != "target" && name != "images" && name != "store");
            names.sort();
            writeln!(
                text,
                "{name:?} {:o} {}:{} links {} {:?} {names:?} {contents:?}",
                stat.mode(),
                stat.uid(),
                stat.gid(),
                if stat.is_file() { stat.nlink() } else { 0 },
                if name.is_empty() {
                    0
                } else {
                    stat.mtime_nsec()
                },
            )
            .unwrap();
        }
        text
    }

    /// What is in the target: one line each, sorted.
    pub fn tree(&self) -> Vec<String> {
        let mut lines = Vec::new();
        list(&self.target(), Path::new(""), &mut lines);
        lines.sort();
        lines
    }

    /// Removes the target, even if an archive closed its directories.
    pub fn clear(&self) {
        open_up(&self.target());
        images::remove_tree(&self.target()).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        open_up(self.path());
    }
}

/// Gives an ordinary user back the permission to remove what a test made. A list and
/// no recursion: trees may be deeper than a stack. Below the longest path that Linux
/// takes nothing was closed by its name, and only root gets there.
fn open_up(path: &Path) {
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if path.symlink_metadata().is_ok_and(|stat| stat.is_dir()) {
            let _ = fs::set_permissions(&path, Permissions::from_mode(0o700));
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| entry.path()));
        }
    }
}

fn list(root: &Path, below: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(below)).into_iter().flatten() {
        let path = below.join(entry.unwrap().file_name());
        let whole = root.join(&path);
        let kind = whole.symlink_metadata().unwrap().file_type();
        let shown = path.display();
        if kind.is_symlink() {
            lines.push(format!(
                "{shown} -> {}",
                fs::read_link(&whole).unwrap().display()
            ));
        } else if kind.is_dir() {
            lines.push(format!("{shown}/"));
            list(root, &path, lines);
        } else {
            lines.push(shown.to_string());
        }
    }
}

/// Unpacks, expecting an error with each of `parts` in it, no target and an untouched canary.
pub fn refused(scratch: &Scratch, archive: &[u8], parts: &[&str]) {
    let before = scratch.outside();
    let text = scratch.unpack(archive).unwrap_err().to_string();
    for part in parts
        .iter()
        .chain(&["image.tar", "What to do", "nothing of it was kept"])
    {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    // One paragraph, which tells the terminal nothing but letters.
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(!scratch.target().exists());
    assert_eq!(scratch.outside(), before);
}

/// Unpacks, expecting exactly this tree and an untouched canary.
pub fn unpacked(scratch: &Scratch, archive: &[u8], tree: &[&str]) {
    let before = scratch.outside();
    scratch.unpack(archive).unwrap();
    assert_eq!(scratch.tree(), tree);
    assert_eq!(scratch.outside(), before);
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// For tests that need root: says why nothing was tested.
pub fn skip_without_root(why: &str) -> bool {
    if !is_root() {
        eprintln!("skipped: needs root, because {why}");
    }
    !is_root()
}

/// Writes archives, honest and otherwise.
#[derive(Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    /// A header that the current user may unpack.
    pub fn header(name: &[u8], kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        // The methods of Header refuse what we are here for.
        let field = &mut header.as_old_mut().name;
        field[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory {
            0o755
        } else {
            0o644
        });
        header.set_uid(nix::unistd::geteuid().as_raw().into());
        header.set_gid(nix::unistd::getegid().as_raw().into());
        header.set_mtime(1_000_000_000);
        header.set_size(0);
        header
    }

    /// A header as it is, but for its checksum, and what follows it.
    pub fn raw(mut self, mut header: Header, contents: &[u8]) -> Self {
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(contents);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// A header whose size is that of `contents`.
    pub fn sized(self, mut header: Header, contents: &[u8]) -> Self {
        header.set_size(contents.len() as u64);
        self.raw(header, contents)
    }

    pub fn file(self, name: impl AsRef<[u8]>, contents: impl AsRef<[u8]>) -> Self {
        self.sized(
            Self::header(name.as_ref(), EntryType::Regular),
            contents.as_ref(),
        )
    }

    pub fn directory(self, name: impl AsRef<[u8]>) -> Self {
        self.raw(Self::header(name.as_ref(), EntryType::Directory), b"")
    }

    pub fn symlink(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.link(EntryType::Symlink, name.as_ref(), target.as_ref())
    }

    pub fn hard_link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.link(EntryType::Link, name.as_ref(), target.as_ref())
    }

    fn link(self, kind: EntryType, name: &[u8], target: &[u8]) -> Self {
        let mut header = Self::header(name, kind);
        if target.len() > 100 {
            return self
                .gnu_long(EntryType::GNULongLink, target)
                .raw(header, b"");
        }
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        self.raw(header, b"")
    }

    /// GNU's way of giving the next member a long name.
    pub fn gnu_long(self, kind: EntryType, name: &[u8]) -> Self {
        self.sized(
            Self::header(b"././@LongLink", kind),
            &[name, b"\0"].concat(),
        )
    }

    /// POSIX's way of saying more about the next member.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut contents = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            write!(contents, "{length} {key}=").unwrap();
            contents.extend_from_slice(value);
            contents.push(b'\n');
        }
        self.sized(Self::header(b"PaxHeaders/x", EntryType::XHeader), &contents)
    }

    /// The bytes so far, without the mark that ends an archive.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 1024]);
        self.bytes
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The bytes of a path.
pub fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// Numbers that look random and are the same each time (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
