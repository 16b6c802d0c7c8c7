//! The members of a tar, one after the other.
//!
//! `header.rs` reads a single header; here is what happens between them, and here
//! an archive can lie: about the length of a name, about the number of headers before
//! a file, about where it ends. Every count is checked before memory or disk is spent
//! on it.

use std::io::{self, Read};

use crate::config::CONFIG;
use crate::error::shown;
use crate::header::{self, Header, Number};
use crate::limits::{Limits, METADATA_OF_ONE_MEMBER, Quota, beyond};
use crate::pax::{self, Extended};
use crate::sparse::Sparse;

const BLOCK: u64 = header::BLOCK as u64;

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
    quota: Quota,
    /// Contents not yet read.
    left: u64,
    /// Bytes between them and the next header.
    padding: u64,
    /// Whether there was a member. A file with nothing in it is no archive.
    has_begun: bool,
    /// The first record of an image's configuration, not looked into.
    config: Option<Vec<u8>>,
    /// Whether the padding behind the last contents may be missing.
    may_lack_padding: bool,
}

impl<R: Read> Members<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        Self {
            input,
            quota: Quota::new(limits),
            left: 0,
            padding: 0,
            has_begun: false,
            config: None,
            may_lack_padding: false,
        }
    }

    /// Takes the end of the input for the end of the archive even where it comes before the
    /// padding behind the last contents, or instead of any member. For layers: some tools
    /// leave that out, and a digest has told already that nothing was lost.
    pub(crate) fn of_a_layer(input: R, limits: Limits) -> Self {
        Self {
            has_begun: true,
            may_lack_padding: true,
            ..Self::new(input, limits)
        }
    }

    /// The next member, or `None` at the end of the archive.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member>> {
        let mut long_path = None;
        let mut long_link = None;
        let mut extended = Extended::default();
        // Whether the next header must be there: some have announced it.
        let mut is_announced = false;
        loop {
            let Some(header) = self.header(is_announced)? else {
                return Ok(None);
            };
            is_announced = header.kind() != b'g';
            match header.kind() {
                b'L' => long_path = Some(until_nul(self.metadata(header.size()?)?)),
                b'K' => long_link = Some(until_nul(self.metadata(header.size()?)?)),
                // The capital letter is Solaris'.
                b'x' | b'X' => extended = Extended::parse(&self.metadata(header.size()?)?)?,
                // Wishes for all members that follow. Those in use are comments, and ours.
                b'g' => {
                    let records = self.metadata(header.size()?)?;
                    let config = || pax::value(&records, CONFIG).map(<[u8]>::to_vec);
                    self.config = self.config.take().or_else(config);
                }
                _ => {
                    extended.path = long_path.or(extended.path);
                    extended.link = long_link.or(extended.link);
                    return self.member(&header, extended).map(Some);
                }
            }
        }
    }

    fn member(&mut self, header: &Header, extended: Extended) -> io::Result<Member> {
        let path = extended.path.unwrap_or_else(|| header.path());
        let kind = kind(header.kind(), &path)?;
        let mut stored = match kind.has_contents(header.kind()) {
            true => extended.size.map_or_else(|| header.size(), Ok)?,
            false => 0,
        };
        self.quota.bytes(stored)?;
        self.padding = stored.next_multiple_of(BLOCK) - stored;
        let sparse = match header.kind() {
            b'S' => Some(Sparse::from_header(header, &mut self.input)?),
            _ if kind == Kind::File => {
                Sparse::from_records(&extended.sparse, &mut self.input, &mut stored)?
            }
            _ => None,
        };
        if let Some(sparse) = &sparse {
            sparse.check(stored)?;
            // The map took memory, and blocks of the archive that no size counts.
            self.quota.bytes(24 * sparse.pieces.len() as u64)?;
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
            link: extended.link.unwrap_or_else(|| header.link().to_vec()),
            mode: (header.number(Number::Mode)? & 0o7777) as u32,
            uid: owner(extended.uid, header, Number::User)?,
            gid: owner(extended.gid, header, Number::Group)?,
            mtime: match extended.mtime {
                Some(time) => time,
                None => (header.number(Number::Time)?, 0),
            },
            xattrs: extended.xattrs,
            sparse,
        })
    }

    /// The next header, or `None` where the archive ends: at a block of zeros, or where
    /// the input ends behind a whole member. The mark can be missing without anything
    /// being lost, and tars that were put together by hand or by a small library lack it.
    fn header(&mut self, is_announced: bool) -> io::Result<Option<Header>> {
        self.skip()?;
        let mut header = Header::empty();
        let mut block = self.input.by_ref().take(BLOCK);
        let start = block.read(header.bytes_mut())?;
        if start == 0 && self.has_begun && !is_announced {
            return Ok(None);
        }
        block.read_exact(&mut header.bytes_mut()[start..])?;
        if header.is_end() {
            return Ok(None);
        }
        self.has_begun = true;
        self.quota.header()?;
        if !header.has_its_checksum() {
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
        self.quota.bytes(size)?;
        let mut bytes = vec![0; size as usize];
        self.input.read_exact(&mut bytes)?;
        self.padding = size.next_multiple_of(BLOCK) - size;
        Ok(bytes)
    }

    /// Moves to the next header.
    fn skip(&mut self) -> io::Result<()> {
        let rest = self.left + self.padding;
        let needed = if self.may_lack_padding {
            self.left
        } else {
            rest
        };
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

    /// What the archive says of its image's command.
    pub(crate) fn config(&self) -> Option<&[u8]> {
        self.config.as_deref()
    }

    /// What the members so far have left of the limits.
    pub(crate) fn left_of_budget(&self) -> Limits {
        self.quota.left()
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

impl Kind {
    /// Whether something follows the header. For the others the size is without meaning,
    /// whatever it is: some tars write that of the directory on their own disk there.
    fn has_contents(self, letter: u8) -> bool {
        match self {
            Self::File | Self::Remark => true,
            // GNU tar's list of names in a directory.
            Self::Directory => letter == b'D',
            Self::Symlink | Self::HardLink | Self::Fifo | Self::Device => false,
        }
    }
}

fn kind(letter: u8, path: &[u8]) -> io::Result<Kind> {
    Ok(match letter {
        // Before there was a type for directories, a slash at the end said so.
        b'0' | 0 if path.ends_with(b"/") => Kind::Directory,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' | b'4' => Kind::Device,
        b'5' | b'D' => Kind::Directory,
        b'6' => Kind::Fifo,
        // The label of a tape.
        b'V' => Kind::Remark,
        // The second half of a file whose first one is on another tape, and GNU's way to
        // write long names until 1991: no file that could be made of it is the right one.
        b'M' | b'N' => {
            return Err(io::Error::other(format!(
                "the member {:?} is of the type {:?}, which is not read here",
                shown(path),
                char::from(letter)
            )));
        }
        // Also all that is unknown: POSIX wants it read as a file.
        _ => Kind::File,
    })
}

/// A user or group. The last number is not one: to chown it means "leave as it is".
fn owner(extended: Option<u64>, header: &Header, which: Number) -> io::Result<u32> {
    let id = match extended {
        Some(id) => i128::from(id),
        None => i128::from(header.number(which)?),
    };
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
