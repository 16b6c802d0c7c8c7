//! The image directory, which may be root's.
//!
//! Where it is ours, we list, put and remove in it ourselves. Where it is not, this
//! program starts itself once more, through `.cargo/as-root`, for that one step. What
//! root then reads was made by us, and what root tells comes back as JSON.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use given::Error;
use nix::unistd::{AccessFlags, access};
use serde_json::{Value, json};

/// Where images and containers are.
#[derive(Args, Clone)]
pub(crate) struct Directories {
    /// The directory that images are in
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_IMAGES", default_value = given::IMAGES)]
    #[arg(value_parser = given::image_dir().try_map(std::path::absolute))]
    pub(crate) image_dir: PathBuf,

    /// The directory that containers live in, and unpacked images with them
    #[arg(long, value_name = "DIR", env = "RUBBER_DOCKER_CONTAINERS")]
    #[arg(default_value = given::CONTAINERS, value_parser = given::container_dir())]
    pub(crate) container_dir: PathBuf,
}

/// One step in the image directory.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// The images that are there
    List,
    /// Whether an image of that origin may get that name; tells the origin of the one it replaces
    MayPut { name: String, origin: String },
    /// Put a finished archive there
    Put { name: String, archive: PathBuf },
    /// What there is to be known about an image
    Inspect { name: String },
    /// Remove an image
    Rm { name: String },
}

/// The error was told by the process that met it.
#[derive(Debug)]
pub(crate) struct Told;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("see above")
    }
}

impl std::error::Error for Told {}

/// Does the step, as root if it has to be.
pub(crate) fn ask(directories: &Directories, verb: &Verb) -> Result<Value, Error> {
    if needs_root(directories, verb) {
        as_root(directories, verb)
    } else {
        here(directories, verb)
    }
}

/// Does the step for a process that is not root, and tells it what came of it.
pub(crate) fn as_told(directories: &Directories, verb: &Verb) -> Result<(), Error> {
    println!("{}", here(directories, verb)?);
    Ok(())
}

fn here(
    Directories {
        image_dir,
        container_dir,
    }: &Directories,
    verb: &Verb,
) -> Result<Value, Error> {
    Ok(match verb {
        Verb::List => images::list(image_dir, container_dir)?
            .into_iter()
            .map(|image| {
                json!({
                    "name": image.name,
                    "size": image.size,
                    "unpacked": image.unpacked,
                    "origin": image.origin,
                })
            })
            .collect(),
        Verb::MayPut { name, origin } => {
            images::may_put(image_dir, name, origin)?;
            let there = images::list(image_dir, container_dir)?
                .into_iter()
                .find(|image| image.name == *name);
            // One from before images kept their configuration is not up to date.
            json!(there.and_then(|image| image.config.and(image.origin)))
        }
        Verb::Put { name, archive } => {
            let mut file = File::open(archive)
                .map_err(|error| format!("cannot read {}: {error}", archive.display()))?;
            json!(images::put(image_dir, name, &mut file)?.to_string_lossy())
        }
        Verb::Inspect { name } => {
            // Found as `run` finds it: also by the name of its file, and `base` made.
            let found = images::find(image_dir, name)?;
            let listed = images::list(image_dir, container_dir)?;
            let image = listed.into_iter().find(|it| it.name == found.name());
            let image = image.ok_or_else(|| format!("the image {name:?} has just gone"))?;
            json!({
                "name": image.name,
                "archive": image.archive.to_string_lossy(),
                "size": image.size,
                "unpacked": image.unpacked,
                "origin": image.origin,
                "config": image.config.map(|config| json!({
                    "env": config.env,
                    "entrypoint": config.entrypoint,
                    "cmd": config.cmd,
                    "user": config.user,
                    "working_dir": config.working_dir,
                })),
            })
        }
        Verb::Rm { name } => {
            let removed = images::remove(image_dir, container_dir, name)?;
            json!({
                "archives": texts(&removed.archives),
                "trees": texts(&removed.trees),
                "in_use": texts(&removed.in_use),
            })
        }
    })
}

fn texts(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

fn needs_root(directories: &Directories, verb: &Verb) -> bool {
    // Nothing is made in the store: if it is not there, there is nothing to look at or to remove.
    let store = !is_missing(&directories.container_dir) && closed(&directories.container_dir);
    let images = closed(&directories.image_dir);
    !nix::unistd::geteuid().is_root()
        && match verb {
            Verb::Rm { .. } | Verb::Inspect { .. } => images || store,
            _ => images,
        }
}

/// Whether we may not do as we like in a directory, or where it would have to be made.
fn closed(directory: &Path) -> bool {
    let nearest = directory.ancestors().find(|ancestor| !is_missing(ancestor));
    let all = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
    nearest.is_none_or(|nearest| access(nearest, all).is_err())
}

fn is_missing(path: &Path) -> bool {
    matches!(fs::metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

fn as_root(directories: &Directories, verb: &Verb) -> Result<Value, Error> {
    let this = std::env::current_exe()?;
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.cargo/as-root"));
    command.arg(this).arg("privileged");
    command.arg("--image-dir").arg(&directories.image_dir);
    command
        .arg("--container-dir")
        .arg(&directories.container_dir);
    match verb {
        Verb::List => command.arg("list"),
        Verb::MayPut { name, origin } => command.args(["may-put", "--", name, origin]),
        Verb::Put { name, archive } => command.args(["put", "--", name]).arg(archive),
        Verb::Inspect { name } => command.args(["inspect", "--", name]),
        Verb::Rm { name } => command.args(["rm", "--", name]),
    };
    let output = command
        .stdout(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| {
            format!(
                "cannot start .cargo/as-root, which is the way to root: {error}; start this in a checkout of the workshop"
            )
        })?;
    if !output.status.success() {
        return Err(Told.into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
