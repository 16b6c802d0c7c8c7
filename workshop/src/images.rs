//! `cargo workshop images`: lists what is there, and hands everything else over to the crate
//! `registry`.
//!
//! That crate speaks to registries, with TLS and all that it needs, and takes a minute
//! to compile. It is built when the learner first asks for it, and not with this one; a list
//! of files needs none of it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, FromArgMatches};
use images::Listed;
use nix::unistd::{AccessFlags, access};

use crate::Result;
use crate::build::run_instead;
use crate::screen::{prose, say};

/// List the images that are there
#[derive(Args)]
struct List {
    /// The directory that images are in
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_IMAGES", default_value = given::IMAGES)]
    #[arg(value_parser = given::image_dir())]
    image_dir: PathBuf,

    /// The directory that containers live in, and unpacked images with them
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_CONTAINERS")]
    #[arg(default_value = given::CONTAINERS, value_parser = given::container_dir())]
    container_dir: PathBuf,
}

/// `images` and `images list` are answered here, if the image directory may be read.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let options = match arguments {
        [] => Some(arguments),
        [verb, options @ ..] if verb == "list" || verb == "ls" => Some(options),
        _ => None,
    };
    let Some(options) = options else {
        return hand_over(arguments);
    };
    let command = clap::Command::new("cargo workshop images list").max_term_width(80);
    let command = List::augment_args(command)
        .no_binary_name(true)
        .after_help("Example: cargo workshop images list");
    let parsed = command
        .try_get_matches_from(options)
        .and_then(|matches| List::from_arg_matches(&matches));
    match parsed {
        Err(words) => crate::said_by_clap(&words),
        // A directory that is root's: the client knows the way to root.
        Ok(list) if is_closed(&list) => hand_over(&[&["list".into()], options].concat()),
        Ok(list) => show(&list),
    }
}

fn is_closed(list: &List) -> bool {
    let readable = AccessFlags::R_OK | AccessFlags::X_OK;
    matches!(access(&list.image_dir, readable), Err(errno) if errno == nix::errno::Errno::EACCES)
}

fn show(list: &List) -> Result<ExitCode> {
    let images =
        images::list(&list.image_dir, &list.container_dir).map_err(|error| error.to_string())?;
    if images.is_empty() {
        prose(format!(
            "no image in {} yet; `base` is made when it is first used, and \
             `cargo workshop images pull alpine` gets another one",
            list.image_dir.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let columns = images.iter().map(|image| image.name.len()).max();
    let columns = columns.unwrap_or(0).max(4);
    say(format!(
        "{:columns$}  {:>10}  UNPACKED  FROM",
        "NAME", "SIZE"
    ));
    images.iter().for_each(|image| say(line(image, columns)));
    Ok(ExitCode::SUCCESS)
}

fn line(image: &Listed, columns: usize) -> String {
    let unpacked = match image.unpacked {
        Some(true) => "yes",
        Some(false) => "no",
        // The container directory is not ours to look into.
        None => "?",
    };
    let from = match (image.origin.as_deref(), image.name.as_str()) {
        (Some(origin), _) => origin,
        (None, "base") => "this machine's programs, or your own archive",
        (None, _) => "your own archive",
    };
    let mebibytes = image.size as f64 / f64::from(1 << 20);
    format!(
        "{:columns$}  {mebibytes:>6.1} MiB  {unpacked:8}  {from}",
        image.name
    )
}

/// Start `registry` with the same arguments, in our place. Returns only if that fails.
fn hand_over(arguments: &[OsString]) -> Result<ExitCode> {
    let built = env::current_exe().is_ok_and(|this| this.with_file_name("registry").exists());
    if !built {
        given::log("building the registry client, once; this takes a minute or two");
    }
    Err(run_instead("registry", arguments))
}
