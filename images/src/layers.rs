//! From layers to one archive.
//!
//! A registry keeps an image as layers: tars, each of which says what changes on
//! top of those below it. An image here is one archive. The way from the one to the
//! other is made without a single file on the disk, and so without root: owners and
//! setuid bits are numbers in a tar, and no process needs the right to make them real.
//!
//! The layers are read twice. The first time, what becomes of each path is decided
//! in memory (`layer_merge.rs`); contents are passed over. The second time, the contents
//! that are left are copied. So the disk holds each byte once, and a file that a later
//! layer replaces or removes is never written at all.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt;

use crate::archive::Archive;
use crate::config::Config;
use crate::error::{Error, Result, advice, errno_of, io_named};
use crate::layer_merge::{LayerMerge, Ordinal, Plan};
use crate::limits::LIMITS;
use crate::members::{Kind, Members};
use crate::unpack_error::{NO_IMAGE, UnpackError, broken};
use crate::writer::{PULLED, Writer};

type Tried<T> = std::result::Result<T, UnpackError>;

/// Writes `layers`, the lowest first, as one archive.
///
/// Each layer is a tar: plain, or compressed with gzip or zstd. A member named
/// `.wh.NAME` hides NAME of the layers below it, and `.wh..wh..opq` hides everything
/// that they have in its directory, as the OCI image specification says. `origin` is
/// written into the archive, and [`list`](crate::list) tells it: where it is from. So is
/// `config`, what the image says of its command.
///
/// We trust nothing that a layer says, and write nothing but `into`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::io::Write;
/// let mut layer = tempfile::tempfile()?;
/// images::tar_of_programs(&[("/bin/sh", "/bin/sh")], &mut layer)?;
/// let mut archive = Vec::new();
/// images::merge_layers(&[layer], "an example", &images::Config::default(), &mut archive)?;
/// assert!(archive.len() > 100_000);
/// # Ok(())
/// # }
/// ```
pub fn merge_layers(
    layers: &[File],
    origin: &str,
    config: &Config,
    into: impl Write,
) -> Result<()> {
    merge(layers, &format!("{PULLED}{origin}"), config, into).map_err(
        |UnpackError { cause, advice }| Error::new(format!("{cause}. What to do: {advice}")),
    )
}

pub(crate) fn merge(
    layers: &[File],
    comment: &str,
    config: &Config,
    into: impl Write,
) -> Tried<()> {
    let explained = |number: usize| {
        move |UnpackError { cause, advice }| UnpackError {
            cause: format!(
                "layer {} of {} cannot be used: {cause}",
                number + 1,
                layers.len()
            ),
            advice,
        }
    };
    let mut merge = LayerMerge::default();
    let mut limits = LIMITS;
    for (number, layer) in layers.iter().enumerate() {
        merge.begin(number);
        let mut members = open(layer, number, layers.len(), limits)
            .map_err(|error| broken(&error))
            .map_err(explained(number))?;
        apply(&mut merge, &mut members).map_err(explained(number))?;
        // What one layer has taken, the others do not get.
        limits = members.left_of_budget();
        members
            .finish()
            .map_err(|error| broken(&error))
            .map_err(explained(number))?;
    }
    let plan = merge.plan().map_err(|cause| {
        explained(layers.len().saturating_sub(1))(UnpackError {
            cause,
            advice: NO_IMAGE.into(),
        })
    })?;
    if plan.is_empty() {
        return Err(UnpackError {
            cause: "its layers hold nothing at all, so there is nothing to run".into(),
            advice: NO_IMAGE.into(),
        });
    }
    write(layers, &plan, comment, config, into).map_err(|error| UnpackError {
        cause: format!(
            "cannot write the archive of the image: {}",
            io_named(&error)
        ),
        advice: errno_of(&error).map_or(NO_IMAGE, advice).into(),
    })
}

/// Writes the archive that is planned: what has no contents, then the contents that are
/// wanted of each layer, then the further names.
fn write(
    layers: &[File],
    plan: &Plan,
    comment: &str,
    config: &Config,
    into: impl Write,
) -> io::Result<()> {
    let mut writer = Writer::new(into, comment, config)?;
    for (path, member) in &plan.made_of_nothing {
        writer.member(path, member, None)?;
    }
    for (number, layer) in layers.iter().enumerate() {
        let wanted = &plan.contents[number];
        if !wanted.is_empty() {
            copy(layer, number, layers.len(), wanted, &mut writer)?;
        }
    }
    for (path, first) in &plan.more_names {
        writer.link(path, first)?;
    }
    writer.finish()
}

/// The members of a layer, from its beginning.
fn open(
    layer: &File,
    number: usize,
    count: usize,
    limits: crate::limits::Limits,
) -> io::Result<Members<Archive>> {
    let mut file = layer.try_clone()?;
    file.rewind()?;
    let size = file.metadata()?.size();
    let name = format!("layer {} of {count}", number + 1);
    Ok(Members::of_a_layer(
        Archive::new(file, &name, size)?,
        limits,
    ))
}

fn apply(merge: &mut LayerMerge, members: &mut Members<Archive>) -> Tried<()> {
    while let Some(member) = members.next().map_err(|error| broken(&error))? {
        merge.member(member)?;
    }
    Ok(())
}

/// Copies the contents that are wanted of one layer.
fn copy(
    layer: &File,
    number: usize,
    count: usize,
    wanted: &HashMap<Ordinal, Vec<u8>>,
    writer: &mut Writer<impl Write>,
) -> io::Result<()> {
    let mut members = open(layer, number, count, LIMITS)?;
    let mut ordinal = 0;
    let mut left = wanted.len();
    while left > 0 {
        let Some(member) = members.next()? else {
            return Err(io::Error::other("a layer changed while it was being read"));
        };
        if let Some(path) = wanted.get(&ordinal) {
            if member.kind != Kind::File {
                return Err(io::Error::other("a layer changed while it was being read"));
            }
            let contents: (u64, &mut dyn io::Read) = (members.left(), &mut members);
            writer.member(path, &member, Some(contents))?;
            left -= 1;
        }
        ordinal += 1;
    }
    Ok(())
}
