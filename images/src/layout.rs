//! A root file system on paper: what goes where, before it becomes a tar.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use tar::{Builder, EntryType, Header};

use crate::elf;
use crate::error::{Error, Result, io_failed, io_named};
use crate::interrupt;
use crate::libraries;

/// What is at one path.
enum Entry {
    Directory {
        mode: u32,
    },
    Link {
        target: PathBuf,
    },
    Text {
        contents: String,
    },
    /// A copy of a file of this machine.
    Copy {
        host: PathBuf,
        mode: u32,
        how_much: HowMuch,
    },
}

/// How much of a file of this machine is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HowMuch {
    Whole,
    /// Without what comes after the part that the kernel and the loader read.
    Loaded,
}

/// A root file system of this machine's programs.
///
/// `/bin`, `/sbin` and `/lib*` are links into `/usr`, and `/usr/sbin` is one to
/// `/usr/bin`, as on every newer distribution: a program is found under each of
/// the paths that a script may have in it.
pub(crate) struct Layout {
    /// Sorted, so that the same machine makes the same tar, and a directory
    /// comes before what is in it.
    entries: BTreeMap<PathBuf, Entry>,
    /// How much of programs and libraries is copied.
    how_much: HowMuch,
}

impl Layout {
    /// The directories that every root file system has.
    pub(crate) fn new() -> Self {
        let mut layout = Self {
            entries: BTreeMap::new(),
            how_much: HowMuch::Whole,
        };
        for (path, mode) in [
            ("dev", 0o755),
            ("etc", 0o755),
            ("home", 0o755),
            ("proc", 0o555),
            ("root", 0o700),
            ("run", 0o755),
            ("sys", 0o555),
            ("tmp", 0o1777),
            ("usr", 0o755),
            ("usr/bin", 0o755),
            ("usr/lib", 0o755),
            ("usr/lib64", 0o755),
            ("var", 0o755),
            ("var/tmp", 0o1777),
        ] {
            layout
                .entries
                .insert(path.into(), Entry::Directory { mode });
        }
        layout.link("bin", "usr/bin");
        layout.link("sbin", "usr/bin");
        layout.link("usr/sbin", "bin");
        layout.link("lib", "usr/lib");
        layout.link("lib64", "usr/lib64");
        layout
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.entries.insert(
            path.into(),
            Entry::Link {
                target: target.into(),
            },
        );
    }

    pub(crate) fn text(&mut self, path: &str, contents: impl Into<String>) {
        self.insert(
            path.into(),
            Entry::Text {
                contents: contents.into(),
            },
        );
    }

    /// A program, with the libraries it needs. The error is a reason.
    pub(crate) fn program(
        &mut self,
        host: &Path,
        inside: &Path,
    ) -> std::result::Result<(), String> {
        // Through all of /bin/vi -> /etc/alternatives/vi -> /usr/bin/vim.basic.
        let host = fs::canonicalize(host).map_err(|error| io_named(&error))?;
        if !host.is_file() {
            return Err("it is not a file".into());
        }
        let libraries = libraries::of(&host)?;
        let (mode, how_much) = (0o755, self.how_much);
        for library in libraries {
            let inside = self.place(&library)?;
            let host = fs::canonicalize(&library).map_err(|error| {
                format!("its library {}: {}", library.display(), io_named(&error))
            })?;
            self.insert(
                inside,
                Entry::Copy {
                    host,
                    mode,
                    how_much,
                },
            );
        }
        let inside = self.place(inside)?;
        self.insert(
            inside,
            Entry::Copy {
                host,
                mode,
                how_much,
            },
        );
        Ok(())
    }

    /// A file that is only read.
    pub(crate) fn file(&mut self, host: &Path, inside: &str) {
        self.insert(
            inside.into(),
            Entry::Copy {
                host: host.to_owned(),
                mode: 0o644,
                how_much: HowMuch::Whole,
            },
        );
    }

    /// Where a path of the image really is, behind the links into /usr.
    fn place(&mut self, path: &Path) -> std::result::Result<PathBuf, String> {
        let mut parts = Vec::new();
        for component in path.components() {
            match component {
                Component::RootDir | Component::CurDir => {}
                Component::Normal(part) => parts.push(part),
                _ => {
                    return Err(format!(
                        "{} is no path inside an image: it contains `..`",
                        path.display()
                    ));
                }
            }
        }
        if parts.len() < 2 {
            return Err(format!(
                "{} is no path for a file inside an image: give its directory, too",
                path.display()
            ));
        }
        let first = parts[0].to_owned();
        let name = first.to_str().unwrap_or_default();
        let mut place: PathBuf = match name {
            "bin" | "sbin" => "usr/bin".into(),
            "lib" | "lib32" | "lib64" | "libx32" => {
                self.link(name, &format!("usr/{name}"));
                Path::new("usr").join(name)
            }
            "usr" if parts[1] == "sbin" && parts.len() > 2 => {
                parts.remove(0);
                "usr/bin".into()
            }
            _ => first.into(),
        };
        place.extend(&parts[1..]);
        Ok(place)
    }

    fn insert(&mut self, path: PathBuf, entry: Entry) {
        for parent in path
            .ancestors()
            .skip(1)
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            self.entries
                .entry(parent.to_owned())
                .or_insert(Entry::Directory { mode: 0o755 });
        }
        self.entries.insert(path, entry);
    }

    /// Writes it all, owned by root, whichever user runs this.
    pub(crate) fn write(&self, into: impl Write) -> Result<()> {
        let mut tar = Builder::new(into);
        // What we make up ourselves is as old as the newest thing that we copy:
        // a time of now would make each tar a different one.
        let newest = self
            .entries
            .values()
            .filter_map(Entry::mtime)
            .max()
            .unwrap_or(0);
        // Several names of one file of this machine, as of busybox, stay one file.
        let mut copied: HashMap<(u64, u64), &Path> = HashMap::new();
        for (path, entry) in &self.entries {
            interrupt::check()?;
            let mut header = Header::new_gnu();
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(newest);
            header.set_size(0);
            let written = match entry {
                Entry::Directory { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(*mode);
                    tar.append_data(&mut header, path, io::empty())
                }
                Entry::Link { target } => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    tar.append_link(&mut header, path, target)
                }
                Entry::Text { contents } => {
                    header.set_mode(0o644);
                    header.set_size(contents.len() as u64);
                    tar.append_data(&mut header, path, contents.as_bytes())
                }
                Entry::Copy {
                    host,
                    mode,
                    how_much,
                } => {
                    let failed = |error| {
                        io_failed(
                            format_args!("cannot copy {} into the image", host.display()),
                            &error,
                        )
                    };
                    let file = File::open(host).map_err(failed)?;
                    let stat = file.metadata().map_err(failed)?;
                    header.set_mode(*mode);
                    header.set_mtime(u64::try_from(stat.mtime()).unwrap_or(0));
                    match copied.get(&(stat.dev(), stat.ino())) {
                        Some(first) => {
                            header.set_entry_type(EntryType::Link);
                            tar.append_link(&mut header, path, first)
                        }
                        None => {
                            copied.insert((stat.dev(), stat.ino()), path);
                            let size = match how_much {
                                HowMuch::Whole => stat.size(),
                                HowMuch::Loaded => elf::loaded(&file).map_err(failed)?,
                            };
                            header.set_size(size);
                            tar.append_data(&mut header, path, file.take(size))
                        }
                    }
                }
            };
            written.map_err(|error| {
                io_failed(
                    format_args!(
                        "cannot write {} to the archive of the image",
                        path.display()
                    ),
                    &error,
                )
            })?;
        }
        tar.into_inner()
            .and_then(|mut into| into.flush())
            .map_err(|error| io_failed("cannot write the archive of the image", &error))
    }
}

impl Entry {
    fn mtime(&self) -> Option<u64> {
        match self {
            Self::Copy { host, .. } => fs::metadata(host)
                .ok()
                .and_then(|stat| u64::try_from(stat.mtime()).ok()),
            _ => None,
        }
    }
}

/// Writes a tar with programs of this machine: each with the shared libraries
/// and the loader that it needs, and with the usual empty directories around them.
///
/// `programs` are pairs of a path on this machine and one inside the image.
/// `/bin`, `/sbin` and `/lib*` of the image are links into `/usr`.
///
/// ```
/// # fn main() -> images::Result<()> {
/// let mut tar = Vec::new();
/// images::tar_of_programs(&[("/bin/sh", "/bin/sh")], &mut tar)?;
/// assert!(tar.len() > 100_000);
/// # Ok(())
/// # }
/// ```
pub fn tar_of_programs(
    programs: &[(impl AsRef<Path>, impl AsRef<Path>)],
    into: impl Write,
) -> Result<()> {
    write_programs(Layout::new(), programs, into)
}

/// As [`tar_of_programs`], but of each program and library only what the kernel and the
/// loader read: without what is for debuggers, which may be the greater part, and without
/// what a program has appended to itself.
pub fn tar_of_loaded_programs(
    programs: &[(impl AsRef<Path>, impl AsRef<Path>)],
    into: impl Write,
) -> Result<()> {
    let layout = Layout {
        how_much: HowMuch::Loaded,
        ..Layout::new()
    };
    write_programs(layout, programs, into)
}

fn write_programs(
    mut layout: Layout,
    programs: &[(impl AsRef<Path>, impl AsRef<Path>)],
    into: impl Write,
) -> Result<()> {
    for (host, inside) in programs {
        let (host, inside) = (host.as_ref(), inside.as_ref());
        layout.program(host, inside).map_err(|why| {
            Error::new(format!(
                "cannot put {} into the image as {}: {why}; check that it exists, and that it runs on this machine",
                host.display(),
                inside.display()
            ))
        })?;
    }
    layout.write(into)
}
