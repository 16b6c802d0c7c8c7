//! From members back to a tar.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{Builder, EntryType, Header};

use crate::config::{CONFIG, Config};
use crate::members::{Kind, Member};
use crate::xattrs::may_bring;

/// What an archive says of itself begins with this, if it is out of a registry,
pub(crate) const PULLED: &str = "pulled from ";
/// and with this, if it is out of a file.
pub(crate) const IMPORTED: &str = "imported from ";

/// Writes the members of one archive.
pub(crate) struct Writer<W: Write> {
    tar: Builder<W>,
}

impl<W: Write> Writer<W> {
    /// Begins with a comment that says where the archive is from, and with what the image
    /// says of its command. Readers of tars pass over both, and neither can get lost
    /// unless the archive does.
    pub(crate) fn new(into: W, comment: &str, config: &Config) -> io::Result<Self> {
        let mut tar = Builder::new(into);
        let record = [
            record("comment", comment.as_bytes()),
            record(CONFIG, config.to_json().as_bytes()),
        ]
        .concat();
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XGlobalHeader);
        header.set_size(record.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "pax_global_header", record.as_slice())?;
        Ok(Self { tar })
    }

    /// Writes one member. `contents` is what follows the header of a file, and its length.
    pub(crate) fn member(
        &mut self,
        path: &[u8],
        member: &Member,
        contents: Option<(u64, &mut dyn Read)>,
    ) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(match member.kind {
            Kind::Directory => EntryType::Directory,
            Kind::Symlink => EntryType::Symlink,
            Kind::Fifo => EntryType::Fifo,
            _ => EntryType::Regular,
        });
        header.set_mode(member.mode);
        header.set_uid(member.uid.into());
        header.set_gid(member.gid.into());
        header.set_mtime(u64::try_from(member.mtime.0).unwrap_or(0));
        header.set_size(0);

        let mut records = Vec::new();
        if member.mtime.0 < 0 || member.mtime.1 != 0 {
            records.push(("mtime".to_owned(), time(member.mtime).into_bytes()));
        }
        for (name, value) in member.xattrs.iter().filter(|(name, _)| may_bring(name)) {
            // The equals sign would end the name. No file system uses a name with one.
            if let Some(name) = std::str::from_utf8(name)
                .ok()
                .filter(|name| !name.contains('='))
            {
                records.push((format!("SCHILY.xattr.{name}"), value.clone()));
            }
        }
        let map = member.sparse.as_ref().map(|sparse| {
            records.push(("GNU.sparse.major".to_owned(), b"1".to_vec()));
            records.push(("GNU.sparse.minor".to_owned(), b"0".to_vec()));
            records.push(("GNU.sparse.name".to_owned(), path.to_vec()));
            records.push((
                "GNU.sparse.realsize".to_owned(),
                sparse.size.to_string().into_bytes(),
            ));
            sparse.map()
        });
        self.tar.append_pax_extensions(
            records
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_slice())),
        )?;

        let path = match path {
            b"" => Path::new("./"),
            path => Path::new(OsStr::from_bytes(path)),
        };
        match (member.kind, contents) {
            (Kind::Symlink, _) => self.symlink(&mut header, path, &member.link),
            (_, Some((length, contents))) => {
                let map = map.unwrap_or_default();
                header.set_size(map.len() as u64 + length);
                self.tar
                    .append_data(&mut header, path, map.as_slice().chain(contents))
            }
            _ => self.tar.append_data(&mut header, path, io::empty()),
        }
    }

    /// Writes a symbolic link. Its target is not a path of the archive but what stands in
    /// the link, byte for byte: `append_link` would tidy `a//b` and `./a` up.
    fn symlink(&mut self, header: &mut Header, path: &Path, target: &[u8]) -> io::Result<()> {
        match header.set_link_name_literal(target) {
            Ok(()) => {}
            // No room in the header: GNU's way to write it before.
            Err(_) => {
                let mut long = Header::new_gnu();
                long.set_entry_type(EntryType::GNULongLink);
                long.set_mode(0o644);
                long.set_size(target.len() as u64 + 1);
                let contents = target.chain(&b"\0"[..]);
                self.tar.append_data(&mut long, "././@LongLink", contents)?;
            }
        }
        self.tar.append_data(header, path, io::empty())
    }

    /// Writes a hard link to `first`, which the archive already has.
    pub(crate) fn link(&mut self, path: &[u8], first: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Link);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        self.tar.append_link(
            &mut header,
            Path::new(OsStr::from_bytes(path)),
            Path::new(OsStr::from_bytes(first)),
        )
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        self.tar.into_inner()?.flush()
    }
}

/// One record of an extended header. Its length counts the digits of the length.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

/// A time in an extended header: -1.25 is (-2, 750000000) in the kernel's way.
fn time((seconds, nanoseconds): (i64, i64)) -> String {
    if seconds < 0 && nanoseconds > 0 {
        format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanoseconds)
    } else {
        format!("{seconds}.{nanoseconds:09}")
    }
}
