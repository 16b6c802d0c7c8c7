//! From a tar to a directory, trusting nothing in the tar.
//!
//! The promise: whatever the archive says, nothing outside the target is
//! written, read or changed. It holds because every path is resolved by
//! [`RootedTree`], and because each step works on a plain name in an open directory
//! and never follows a link that happens to have that name.
//!
//! The second promise: all or nothing. An archive that turns out to be broken,
//! hostile or too big leaves no tree behind that a runtime could take for an
//! image.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{
    FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmod, fchmodat, fstatat, futimens, mkdirat,
    utimensat,
};
use nix::unistd::{Gid, Uid, fchown, fchownat, getegid, geteuid, linkat, mkfifoat, symlinkat};

use crate::archive::Archive;
use crate::config::Config;
use crate::directories::{Directories, Directory, PLAIN, time};
use crate::error::{errno_of, named, shown};
use crate::id_map::has_one_user;
use crate::limits::Limits;
use crate::members::{Kind, Member, Members};
use crate::rooted_path::{RootedTree, Split, split};
use crate::unpack_error::{
    NO_IMAGE, UnpackError, bad_path, broken, check_link, io_refused, refused, target,
};
use crate::{interrupt, remove, xattrs};

type Result<T> = std::result::Result<T, UnpackError>;

/// Unpacks `archive` into the empty directory `target`. Returns what it says of its
/// image's command.
pub(crate) fn unpack(archive: Archive, target: OwnedFd, limits: Limits) -> Result<Config> {
    let compressed = archive.is_compressed();
    let mut members = Members::new(archive, limits);
    let mut unpacking = Unpacking {
        tree: RootedTree::new(target),
        directories: Directories::default(),
        us: (geteuid(), getegid()),
        all_is_ours: has_one_user(),
        buffer: vec![0; 128 * 1024],
    };
    unpacking.prepare_root()?;
    let mut is_empty = true;
    while let Some(member) = members.next().map_err(|error| broken(&error))? {
        interrupt::check()?;
        is_empty = false;
        unpacking.member(&member, &mut members)?;
        unpacking.directories.check()?;
    }
    if is_empty {
        return Err(UnpackError {
            cause: "the archive has no member, so there is nothing to run".into(),
            advice: NO_IMAGE.into(),
        });
    }
    let config = config_of(&members)?;
    if compressed {
        members.finish().map_err(|error| broken(&error))?;
    }
    unpacking.make_working_dir(&config.working_dir);
    unpacking.directories.finish(&unpacking.tree)?;
    Ok(config)
}

/// What an archive, read to its end, says of its image's command.
pub(crate) fn config_of(members: &Members<Archive>) -> Result<Config> {
    match members.config().map(Config::from_json) {
        None => Ok(Config::default()),
        Some(Ok(config)) => Ok(config),
        Some(Err(cause)) => Err(UnpackError {
            cause,
            advice: "pull or import the image anew".into(),
        }),
    }
}

struct Unpacking {
    tree: RootedTree,
    directories: Directories,
    us: (Uid, Gid),
    /// In a user namespace with one user there is nobody to give a file to (chown(2): EINVAL).
    all_is_ours: bool,
    buffer: Vec<u8>,
}

/// Opens the directory of a member, making what is missing on the way to it.
fn make_parent<'a>(
    tree: &'a mut RootedTree,
    directories: &mut Directories,
    path: &[u8],
) -> nix::Result<BorrowedFd<'a>> {
    tree.make_parent(path, |made| directories.remember(made.to_vec(), PLAIN))
}

impl Unpacking {
    /// The target gets the owner of the process, and no setgid bit that it may
    /// have inherited, so that the same holds for everything made in it.
    fn prepare_root(&mut self) -> Result<()> {
        let root = self.tree.root();
        fchmod(root, Mode::S_IRWXU)
            .and_then(|()| fchown(root, Some(self.us.0), Some(self.us.1)))
            .map_err(|errno| target("setting up the directory", errno))?;
        self.directories.remember(Vec::new(), PLAIN);
        Ok(())
    }

    /// Makes the directory that the image's command starts in, if it is missing: a `WORKDIR`
    /// in a Dockerfile makes it, but not every tool that writes images does. The runtime makes
    /// it here, since the container's user may not.
    ///
    /// Best effort: where something else is in its place, the start says so, and a container
    /// that does not need it loses nothing.
    fn make_working_dir(&mut self, path: &str) {
        if let Ok(Some(place)) = split(path.as_bytes()) {
            let _ = make_parent(&mut self.tree, &mut self.directories, &place.path());
        }
    }

    fn member(&mut self, member: &Member, data: &mut Members<Archive>) -> Result<()> {
        let Some(place) =
            split(&member.path).map_err(|bad| bad_path("the path of", &member.path, &bad))?
        else {
            return self.root_member(member);
        };
        check_link(member)?;
        let put = match member.kind {
            // Devices come from the runtime, which knows the few that are safe; a
            // whiteout of overlayfs is one, too, and an image must not speak to overlayfs.
            Kind::Device | Kind::Remark => return Ok(()),
            Kind::File => return self.file(member, &place, data),
            Kind::HardLink => return self.hard_link(member, &place),
            Kind::Directory => self.directory(&place),
            Kind::Symlink => self.put(&place, |parent, name| {
                symlinkat(OsStr::from_bytes(&member.link), parent, name)
            }),
            Kind::Fifo => self.put(&place, |parent, name| mkfifoat(parent, name, Mode::S_IRUSR)),
        };
        put.map_err(|errno| refused(member, errno))?;
        self.describe(member, &place)
            .map_err(|errno| refused(member, errno))?;
        if member.kind == Kind::Directory {
            self.directories
                .remember(place.path(), Directory::from(member));
        }
        Ok(())
    }

    /// `./` says what the root looks like.
    fn root_member(&mut self, member: &Member) -> Result<()> {
        if member.kind == Kind::Remark {
            return Ok(());
        }
        if member.kind != Kind::Directory {
            return Err(UnpackError {
                cause: format!(
                    "the root of the image is a {:?}, and must be a directory",
                    member.kind
                ),
                advice: NO_IMAGE.into(),
            });
        }
        if let Some((user, group)) = self.owner_to_set(member) {
            fchown(self.tree.root(), Some(user), Some(group))
                .map_err(|errno| refused(member, errno))?;
        }
        self.directories
            .remember(Vec::new(), Directory::from(member));
        Ok(())
    }

    fn file(&mut self, member: &Member, place: &Split, data: &mut Members<Archive>) -> Result<()> {
        let wrong = |errno| refused(member, errno);
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = self
            .put(place, |parent, name| {
                openat(parent, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)
            })
            .map_err(wrong)?;
        let file = File::from(file);
        match &member.sparse {
            None => copy(data, &file, 0, u64::MAX, &mut self.buffer, member)?,
            Some(sparse) => {
                for &(offset, length) in &sparse.pieces {
                    copy(data, &file, offset, length, &mut self.buffer, member)?;
                }
                file.set_len(sparse.size)
                    .map_err(|error| io_refused(member, &error))?;
            }
        }
        // In this order: a new owner takes setuid bits and capabilities away,
        // and a mode may forbid setting attributes.
        if let Some((user, group)) = self.owner_to_set(member) {
            fchown(&file, Some(user), Some(group)).map_err(wrong)?;
        }
        xattrs::set(&file, &member.path, &member.xattrs)?;
        fchmod(&file, Mode::from_bits_truncate(member.mode)).map_err(wrong)?;
        let time = time(member.mtime);
        futimens(&file, &time, &time).map_err(wrong)
    }

    fn directory(&mut self, place: &Split) -> nix::Result<()> {
        let parent = make_parent(&mut self.tree, &mut self.directories, &place.parent)?;
        let name = place.name.as_os_str();
        match mkdirat(parent, name, Mode::S_IRWXU) {
            Err(Errno::EEXIST) => {
                let there = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
                if is_directory(there.st_mode) {
                    return Ok(());
                }
                // A link to a directory gives way, too, as it does for Docker:
                // this member says that here is a directory.
                self.put(place, |parent, name| mkdirat(parent, name, Mode::S_IRWXU))
            }
            other => other,
        }
    }

    /// A second name for a file of this same image.
    fn hard_link(&mut self, member: &Member, place: &Split) -> Result<()> {
        let target = split(&member.link)
            .map_err(|bad| bad_path("the target of the hard link", &member.path, &bad))?
            .ok_or_else(|| UnpackError {
                cause: format!(
                    "member {:?} is a hard link to the root of the image, and a directory has one name only",
                    shown(&member.path)
                ),
                advice: NO_IMAGE.into(),
            })?;
        let missing = |errno| {
            UnpackError {
            cause: format!(
                "member {:?} is a hard link to {:?}, which does not work: {}",
                shown(&member.path),
                shown(&member.link),
                named(errno)
            ),
            advice: "a hard link needs a file that comes before it in the same archive; make the archive anew, from the root of the tree".into(),
        }
        };
        let from = self
            .tree
            .parent(&target.parent)
            .and_then(|fd| {
                fd.try_clone_to_owned()
                    .map_err(|error| errno_of(&error).unwrap_or(Errno::EMFILE))
            })
            .map_err(missing)?;
        let link = |parent: BorrowedFd<'_>, name: &OsStr| {
            linkat(
                &from,
                target.name.as_os_str(),
                parent,
                name,
                AtFlags::empty(),
            )
        };
        let identity = |stat: nix::sys::stat::FileStat| (stat.st_dev, stat.st_ino);
        let source = fstatat(&from, target.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
            .map(identity)
            .map_err(missing)?;
        let parent = make_parent(&mut self.tree, &mut self.directories, &place.parent)
            .map_err(|errno| refused(member, errno))?;
        // Clearing the way for a link to itself would remove the only copy.
        let there =
            fstatat(parent, place.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW).map(identity);
        if there == Ok(source) {
            return Ok(());
        }
        self.put(place, link).map_err(missing)
    }

    /// Makes something in its directory with `make`. What is in the way goes:
    /// of two members with one name, the later one counts.
    fn put<T>(
        &mut self,
        place: &Split,
        make: impl Fn(BorrowedFd<'_>, &OsStr) -> nix::Result<T>,
    ) -> nix::Result<T> {
        let parent = make_parent(&mut self.tree, &mut self.directories, &place.parent)?;
        let name = place.name.as_os_str();
        match make(parent, name) {
            Err(Errno::EEXIST) => {
                remove::entry(parent, name, Path::new(name)).map_err(|stuck| stuck.errno)?;
                self.directories.forget(&place.path());
                let made = make(parent, name);
                self.tree.forget();
                made
            }
            other => other,
        }
    }

    /// Owner, mode and time of what has no contents.
    fn describe(&mut self, member: &Member, place: &Split) -> nix::Result<()> {
        let owner = self.owner_to_set(member);
        let parent = self.tree.parent(&place.parent)?;
        let name = place.name.as_os_str();
        if let Some((user, group)) = owner {
            fchownat(
                parent,
                name,
                Some(user),
                Some(group),
                AtFlags::AT_SYMLINK_NOFOLLOW,
            )?;
        }
        if member.kind == Kind::Directory {
            // Mode and time come last of all.
            return Ok(());
        }
        if member.kind == Kind::Fifo {
            // No link is followed: we made this FIFO a moment ago, where no other process can.
            fchmodat(
                parent,
                name,
                Mode::from_bits_truncate(member.mode),
                FchmodatFlags::FollowSymlink,
            )?;
        }
        let time = time(member.mtime);
        utimensat(parent, name, &time, &time, UtimensatFlags::NoFollowSymlink)
    }

    /// `None` where the process makes files of that owner anyway.
    fn owner_to_set(&self, member: &Member) -> Option<(Uid, Gid)> {
        let owner = (Uid::from_raw(member.uid), Gid::from_raw(member.gid));
        (owner != self.us && !self.all_is_ours).then_some(owner)
    }
}

fn is_directory(mode: u32) -> bool {
    SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR
}

/// Copies the next `length` bytes of the contents to `offset`, or all of them if there are fewer.
fn copy(
    data: &mut impl Read,
    file: &File,
    mut offset: u64,
    mut length: u64,
    buffer: &mut [u8],
    member: &Member,
) -> Result<()> {
    while length > 0 {
        interrupt::check()?;
        let most = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = match data.read(&mut buffer[..most]) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(broken(&error)),
        };
        file.write_all_at(&buffer[..count], offset)
            .map_err(|error| io_refused(member, &error))?;
        offset += count as u64;
        length -= count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// Unpacks `count` files of `size` zeros, packed with `pack`, with small caps.
    fn bomb(
        pack: fn(&[u8]) -> Vec<u8>,
        count: u32,
        size: usize,
        limits: Limits,
    ) -> (std::result::Result<Config, UnpackError>, u64) {
        let mut tar = tar::Builder::new(Vec::new());
        for number in 0..count {
            let mut header = tar::Header::new_gnu();
            header.set_uid(geteuid().as_raw().into());
            header.set_gid(getegid().as_raw().into());
            header.set_mode(0o644);
            header.set_size(size as u64);
            tar.append_data(&mut header, format!("f{number}"), &vec![0; size][..])
                .unwrap();
        }
        let packed = pack(&tar.into_inner().unwrap());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&packed).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let target = tempfile::tempdir().unwrap();
        let archive = Archive::new(file, "bomb", packed.len() as u64).unwrap();
        let result = unpack(archive, File::open(target.path()).unwrap().into(), limits);
        let files = std::fs::read_dir(target.path()).unwrap();
        (
            result,
            files
                .map(|file| file.unwrap().metadata().unwrap().size())
                .sum(),
        )
    }

    #[test]
    fn a_long_name_is_shortened_in_errors() {
        assert_eq!(shown(&[b'x'; 1_000_000]).len(), 203);
        assert_eq!(shown(b"short"), "short");
    }

    const SMALL: Limits = Limits {
        bytes: 1 << 20,
        headers: 20,
    };

    #[rstest::rstest]
    #[case::gzip(gzip)]
    #[case::zstd(zstd)]
    fn a_bomb_of_many_files_goes_off_at_the_cap_of_bytes(#[case] pack: fn(&[u8]) -> Vec<u8>) {
        let (result, written) = bomb(pack, 15, 100_000, SMALL);
        assert!(
            result
                .unwrap_err()
                .cause
                .contains("more than 1048576 bytes")
        );
        assert!((900_000..=1 << 20).contains(&written), "{written}");
    }

    #[test]
    fn a_bomb_of_empty_files_goes_off_at_the_cap_of_members() {
        let (result, _) = bomb(gzip, 21, 0, SMALL);
        assert!(result.unwrap_err().cause.contains("more than 20 members"));
    }

    #[test]
    fn an_archive_that_just_fits_is_unpacked() {
        let (result, written) = bomb(gzip, 10, 100_000, SMALL);
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(written, 1_000_000);
    }
}
