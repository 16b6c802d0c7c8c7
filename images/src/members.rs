//! The members of a tar, one after the other.
//!
//! The `tar` crate reads single headers for us; what happens between them is
//! ours, because here is where an archive can lie: about the length of a name,
//! about the number of headers before a file, about where it ends. Every count
//! is checked before memory or disk is spent on it.

use std::io::{self, Read};

use tar::{EntryType, Header};

use crate::budget::{Budget, Limits, METADATA_OF_ONE_MEMBER, beyond};
use crate::error::shown;
use crate::pax::Extended;
use crate::sparse::Sparse;

const BLOCK: u64 = 512;

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    Device,
    /// Labels and other things that are no file.
    Remark,
}

/// One member, as the archive tells it; nothing of it is to be believed.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    /// The target of a link.
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds and nanoseconds.
    pub(crate) mtime: (i64, i64),
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) sparse: Option<Sparse>,
}

/// Reads members; as a [`Read`], the contents of the one that was read last.
pub(crate) struct Members<R> {
    input: R,
    budget: Budget,
    /// Contents not yet read.
    left: u64,
    /// Bytes between them and the next header.
    padding: u64,
    /// Whether the mark at the end may be missing.
    may_just_end: bool,
}

impl<R: Read> Members<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        Self {
            input,
            budget: Budget::new(limits),
            left: 0,
            padding: 0,
            may_just_end: false,
        }
    }

    /// Takes the end of the input for the end of the archive, if it comes behind the
    /// contents of a member. For layers: some tools leave the mark out, and a digest has told
    /// already that nothing was lost.
    pub(crate) fn that_may_just_end(input: R, limits: Limits) -> Self {
        Self {
            may_just_end: true,
            ..Self::new(input, limits)
        }
    }

    /// The next member, or `None` at the mark that ends the archive.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        let mut long_path = None;
        let mut long_link = None;
        let mut extended = Extended::default();
        loop {
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let size = field(header.entry_size())?;
            match header.entry_type() {
                EntryType::GNULongName => long_path = Some(until_nul(self.metadata(size)?)),
                EntryType::GNULongLink => long_link = Some(until_nul(self.metadata(size)?)),
                EntryType::XHeader => extended = Extended::parse(&self.metadata(size)?)?,
                // Wishes for all members that follow. Those in use are comments.
                EntryType::XGlobalHeader => drop(self.metadata(size)?),
                _ => {
                    extended.path = long_path.or(extended.path);
                    extended.link = long_link.or(extended.link);
                    return self.member(&header, extended).map(Some);
                }
            }
        }
    }

    fn member(&mut self, header: &Header, extended: Extended) -> io::Result<Member> {
        let path = extended
            .path
            .unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = kind(header.entry_type(), &path)?;
        let mut stored = match kind {
            // "The same file as that one": whatever the size says, nothing follows.
            Kind::HardLink => 0,
            _ => extended
                .size
                .map_or_else(|| field(header.entry_size()), Ok)?,
        };
        self.budget.bytes(stored)?;
        self.padding = stored.next_multiple_of(BLOCK) - stored;
        let sparse = match header.entry_type() {
            EntryType::GNUSparse => Some(Sparse::from_header(header, &mut self.input)?),
            _ if kind == Kind::File => {
                Sparse::from_records(&extended.sparse, &mut self.input, &mut stored)?
            }
            _ => None,
        };
        if let Some(sparse) = &sparse {
            sparse.check(stored)?;
            // The map took memory, and blocks of the archive that no size counts.
            self.budget.bytes(24 * sparse.pieces.len() as u64)?;
        }
        self.left = stored;
        Ok(Member {
            // GNU tar gives such a file a made-up name, for readers that do not know holes.
            path: extended
                .sparse
                .name
                .filter(|_| sparse.is_some())
                .unwrap_or(path),
            kind,
            link: extended
                .link
                .or_else(|| header.link_name_bytes().map(|name| name.into_owned()))
                .unwrap_or_default(),
            mode: field(header.mode())? & 0o7777,
            uid: owner(extended.uid.map_or_else(|| field(header.uid()), Ok)?)?,
            gid: owner(extended.gid.map_or_else(|| field(header.gid()), Ok)?)?,
            mtime: match extended.mtime {
                Some(time) => time,
                None => (i64::try_from(field(header.mtime())?).unwrap_or(0), 0),
            },
            xattrs: extended.xattrs,
            sparse,
        })
    }

    /// The next header, or `None` at the mark that ends the archive: a block of zeros.
    ///
    /// An archive that simply stops has lost its end, even if it stops between
    /// two members.
    fn header(&mut self) -> io::Result<Option<Header>> {
        self.skip()?;
        let mut header = Header::new_old();
        let mut block = self.input.by_ref().take(BLOCK);
        let start = block.read(header.as_mut_bytes())?;
        if start == 0 && self.may_just_end {
            return Ok(None);
        }
        block.read_exact(&mut header.as_mut_bytes()[start..])?;
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        self.budget.header()?;
        // The sum of all bytes, with spaces where the sum itself is written.
        let bytes = header.as_bytes();
        let sum: u32 = bytes[..148]
            .iter()
            .chain(&bytes[156..])
            .map(|&byte| u32::from(byte))
            .sum();
        if header.cksum().ok() != Some(sum + 8 * u32::from(b' ')) {
            return Err(io::Error::other("the checksum of a header does not match"));
        }
        Ok(Some(header))
    }

    /// The contents of a header that describes the member behind it.
    fn metadata(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > METADATA_OF_ONE_MEMBER {
            return Err(beyond(format!(
                "a member is described by {size} bytes; {METADATA_OF_ONE_MEMBER} are more than enough"
            )));
        }
        self.budget.bytes(size)?;
        let mut bytes = vec![0; size as usize];
        self.input.read_exact(&mut bytes)?;
        self.padding = size.next_multiple_of(BLOCK) - size;
        Ok(bytes)
    }

    /// Moves to the next header.
    fn skip(&mut self) -> io::Result<()> {
        let rest = self.left + self.padding;
        // Those who leave out the mark leave out the padding before it as well.
        let needed = if self.may_just_end { self.left } else { rest };
        if rest > 0 && io::copy(&mut self.input.by_ref().take(rest), &mut io::sink())? < needed {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// How much of the contents has not been read yet.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// What the members so far have left of the limits.
    pub(crate) fn left_of_budget(&self) -> Limits {
        self.budget.left()
    }

    /// Reads what follows the end mark, so that a decoder gets to compare its checksum.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        /// tar fills its last record with zeros, 10 KiB or so.
        const ENOUGH: u64 = 64 << 20;
        if io::copy(&mut self.input.by_ref().take(ENOUGH), &mut io::sink())? == ENOUGH {
            return Err(beyond(format!(
                "it goes on for more than {ENOUGH} bytes behind its end"
            )));
        }
        Ok(())
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.input.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn kind(kind: EntryType, path: &[u8]) -> io::Result<Kind> {
    Ok(match kind {
        // Before there was a type for directories, a slash at the end said so.
        EntryType::Regular if path.ends_with(b"/") => Kind::Directory,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
        EntryType::Directory => Kind::Directory,
        EntryType::Symlink => Kind::Symlink,
        EntryType::Link => Kind::HardLink,
        EntryType::Fifo => Kind::Fifo,
        EntryType::Char | EntryType::Block => Kind::Device,
        other => match other.as_byte() {
            // GNU tar: the names in a directory, and the label of a tape.
            b'D' => Kind::Directory,
            b'V' => Kind::Remark,
            unknown => {
                return Err(io::Error::other(format!(
                    "the member {:?} is of the unknown type {:?}",
                    shown(path),
                    char::from(unknown)
                )));
            }
        },
    })
}

/// A number in a header. The `tar` crate's own errors quote the archive, which
/// may hold line feeds and whatever else a terminal obeys.
pub(crate) fn field<T>(number: io::Result<T>) -> io::Result<T> {
    number.map_err(|_| io::Error::other("a number in a header is malformed"))
}

/// A user or group. The last number is not one: to chown it means "leave as it is".
fn owner(id: u64) -> io::Result<u32> {
    u32::try_from(id)
        .ok()
        .filter(|&id| id != u32::MAX)
        .ok_or_else(|| io::Error::other(format!("{id} is neither a user nor a group")))
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|&byte| byte == 0) {
        name.truncate(end);
    }
    name
}
