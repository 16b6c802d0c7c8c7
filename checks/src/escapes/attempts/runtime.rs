//! The runtime's own program: who may write to it is root on the host, at its next start
//! (CVE-2019-5736).
//!
//! A command that is a link to `/proc/self/exe` is the program that calls exec: the
//! runtime, started once more, inside. That would be harmless if it had not to be linked:
//! the kernel starts the loader that the program names, and finds it in the *container's*
//! root. So the image has a loader of its own, and for that the first thing there is
//! `/proc/self/exe` is a file of the host's.

use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use images::elf;
use tar::{Builder, EntryType, Header};

use super::{Sight, failed, flags, hostile_loader, sight, since};
use crate::container::Container;
use crate::finding::Failure;
use crate::host::{Host, Invocation};
use crate::probe::STAIN;
use crate::probe_image;
use crate::{process, procfs};
use sandbox::wait::await_that;

const IMAGE: &str = "loader";

/// Why this machine cannot try the escape.
pub(crate) fn problem() -> Option<String> {
    match own_loader() {
        Ok(_) if !hostile_loader::IS_WRITTEN => {
            Some("the image's own loader is written for x86-64 and aarch64".to_owned())
        }
        Ok(_) => None,
        Err(why) => Some(why.to_string()),
    }
}

/// Where programs of this machine say that their loader is.
fn own_loader() -> io::Result<PathBuf> {
    let name = elf::loader(&File::open("/proc/self/exe")?)?;
    name.ok_or_else(|| io::Error::other("programs are linked statically here, and name no loader"))
}

/// A command that waits for its parent's end, and then does something to the program that the
/// parent ran. The parent is ended from outside: not every command can do that.
fn when_the_parent_has_ended<'a>(
    host: &'a Host,
    solution: u8,
    options: &[&str],
    verb: &str,
) -> Result<Container<'a>, Failure> {
    let with_options = |run: Invocation<'a>| options.iter().fold(run, |run, it| run.option(it));
    let before = ["orphan", "then", "hold", "then", "stay", verb];
    // Level 00 has no image, and every path of the host's.
    let mut container = if solution == 0 {
        let path = host.program().display().to_string();
        let command = [&["probe"][..], &before, &[path.as_str()]].concat();
        with_options(host.run(&command)).hold()?
    } else {
        host.add_changed_image(IMAGE, hostile_image)?;
        let command = [&["/own/probe"][..], &before, &["/proc/self/fd/3"]].concat();
        with_options(host.run(&command).image(IMAGE)).hold()?
    };
    process::kill(container.level())?;
    container.release();
    Ok(container)
}

/// The host with a program that can be written to, as it usually can.
fn own(host: &Host) -> Result<Host, Failure> {
    host.with_program_of_its_own()
        .map_err(|why| failed("a copy of the level's program", &why))
}

pub(crate) fn overwrite(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let host = own(host)?;
    let identity = procfs::identity(host.program())?;
    let container = when_the_parent_has_ended(&host, solution, &[], "overwrite")?;
    // The loader has it open as well, but for reading.
    let is_it = |descriptor: &DirEntry| {
        let is_program =
            fs::metadata(descriptor.path()).is_ok_and(|file| (file.dev(), file.ino()) == identity);
        is_program && flags(&container, &descriptor.file_name()).is_some_and(|it| it & 0o3 == 1)
    };
    let is_open = || {
        let entries = fs::read_dir(container.proc("fd")).into_iter().flatten();
        entries.flatten().any(|descriptor| is_it(&descriptor))
    };
    let is_written = |descriptor: DirEntry| {
        flags(&container, &descriptor.file_name()).is_some_and(|it| it & 0o3 == 1)
            && descriptor.file_name() != "1"
            && descriptor.file_name() != "2"
    };
    // It has opened that program, or another file in its place, or says why not.
    await_that(|| {
        let entries = fs::read_dir(container.proc("fd")).into_iter().flatten();
        entries.flatten().any(is_written) || container.errors().contains("probe: ")
    });
    let found = is_open();
    let how = if found { "has" } else { "does not have" };
    let seen = format!(
        "the command {how} {} open for writing",
        host.program().display()
    );
    Ok(sight(&container, found, seen))
}

pub(crate) fn stain(host: &Host, solution: u8) -> Result<Sight, Failure> {
    change(host, solution, &[], "stain", is_stained)
}

/// The same with all that can be had: what is read-only by an attribute of its mount could be
/// asked to be otherwise.
pub(crate) fn stain_with_all(host: &Host, solution: u8) -> Result<Sight, Failure> {
    let options = [
        since(11, solution, "--cap-add=ALL"),
        since(13, solution, "--security-opt=seccomp=unconfined"),
    ];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    change(host, solution, &options, "stain", is_stained)
}

fn is_stained(program: &[u8]) -> bool {
    program.starts_with(STAIN)
}

pub(crate) fn shorten(host: &Host, solution: u8) -> Result<Sight, Failure> {
    change(host, solution, &[], "shorten", <[u8]>::is_empty)
}

fn change(
    host: &Host,
    solution: u8,
    options: &[&str],
    verb: &str,
    is_changed: fn(&[u8]) -> bool,
) -> Result<Sight, Failure> {
    let host = own(host)?;
    let container = when_the_parent_has_ended(&host, solution, options, verb)?;
    let is_done = || fs::read(host.program()).is_ok_and(|program| is_changed(&program));
    await_that(|| is_done() || container.errors().contains("probe: "));
    let (worked, path) = (is_done(), host.program().display());
    let how = if worked {
        "was changed"
    } else {
        "is as it was"
    };
    Ok(sight(&container, worked, format!("{path} {how}")))
}

/// In the place of the loader there is the hostile one, and the true one beside it.
fn hostile_image(archive: &[u8]) -> io::Result<Vec<u8>> {
    let loader = own_loader()?;
    let true_loader = fs::read(&loader)?;
    // `/lib` and `/lib64` are links in the image.
    let place = match loader.strip_prefix("/") {
        Ok(path) if path.starts_with("usr") || !path.to_string_lossy().starts_with("lib") => {
            path.to_owned()
        }
        Ok(path) => Path::new("usr").join(path),
        Err(_) => return Err(io::Error::other("the loader's name is no absolute path")),
    };
    probe_image::rebuild(
        archive,
        |path| path.file_name() != loader.file_name(),
        |tar| {
            add_program(tar, &place, &hostile_loader::program(&loader))?;
            add_program(tar, Path::new("true"), &true_loader)?;
            probe_image::add_link(tar, "own/probe", Path::new("/proc/self/exe"))
        },
    )
}

fn add_program(tar: &mut Builder<Vec<u8>>, path: &Path, program: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(program.len() as u64);
    tar.append_data(&mut header, path, program)
}
