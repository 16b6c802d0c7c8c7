//! A Debian to unpack: as a tar, with gzip, and as an image for umoci.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench::scratch::Scratch;
use given::Error;

/// The same tree three times, or once.
pub struct Debian {
    /// A directory with `plain.tar` and `packed.tar.gz`.
    pub images: PathBuf,
    /// `packed.tar.gz` as umoci wants it.
    pub layer: Option<Layer>,
    /// Of the plain archive.
    pub bytes: u64,
}

/// The only layer of an image.
pub struct Layer {
    /// The image, with its tag.
    pub image: String,
    /// The layer's file in that directory.
    pub file: PathBuf,
}

/// Run a program to its end; an error if it fails.
pub fn run(program: &str, words: &[&str]) -> Result<(), Error> {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(format!("{program} {}: {said}", words.join(" ")).into())
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Debian {
    /// In `scratch`, out of the archive that `.ci/debian-image.sh` keeps as well; once, or
    /// also `packed`.
    pub fn new(scratch: &Scratch, packed: bool) -> Result<Self, Error> {
        let kept = archive(scratch)?;
        let images = scratch.join("debian-images");
        fs::create_dir(&images)?;
        let plain = images.join("plain.tar");
        fs::copy(&kept, &plain)?;
        let layer = match packed {
            true => Some(layer(scratch, &plain)?),
            false => None,
        };
        if let Some(layer) = &layer {
            fs::copy(&layer.file, images.join("packed.tar.gz"))?;
        }
        Ok(Self {
            bytes: fs::metadata(&plain)?.len(),
            images,
            layer,
        })
    }
}

fn layer(scratch: &Scratch, tar: &Path) -> Result<Layer, Error> {
    let layout = shown(&scratch.join("layout"));
    let image = format!("{layout}:debian");
    run("umoci", &["init", "--layout", &layout])?;
    run("umoci", &["new", "--image", &image])?;
    run(
        "umoci",
        &["raw", "add-layer", "--image", &image, &shown(tar)],
    )?;
    let file = biggest(&scratch.join("layout/blobs/sha256"))?;
    Ok(Layer { image, file })
}

/// The layer, which umoci has compressed, is by far the biggest of its files.
fn biggest(directory: &Path) -> Result<PathBuf, Error> {
    let mut files = Vec::new();
    for file in fs::read_dir(directory)? {
        let file = file?;
        files.push((file.metadata()?.len(), file.path()));
    }
    let (_, layer) = files.into_iter().max().ok_or("umoci has made no layer")?;
    Ok(layer)
}

/// Where it is; the first measurement that needs it makes it.
fn archive(scratch: &Scratch) -> Result<PathBuf, Error> {
    let cache = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => return Err("HOME is not set".into()),
    };
    let suite = std::env::var("DEBIAN_SUITE").unwrap_or("bookworm".into());
    let archive = cache.join(format!("rubber-docker/debian-{suite}.tar"));
    if archive.is_file() {
        return Ok(archive);
    }
    let (tree, made) = (
        shown(&scratch.join("debootstrap")),
        scratch.join("made.tar"),
    );
    let mut words = vec!["--variant=minbase", &suite, &tree];
    let mirror = std::env::var("DEBIAN_MIRROR").unwrap_or_default();
    if !mirror.is_empty() {
        words.push(&mirror);
    }
    run("debootstrap", &words)?;
    let shown_made = shown(&made);
    run(
        "tar",
        &[
            "-C",
            &tree,
            "--numeric-owner",
            "--xattrs",
            "-cf",
            &shown_made,
            ".",
        ],
    )?;
    // Whole or not at all, and also from another file system.
    let partial = archive.with_extension(format!("tar.{}.partial", std::process::id()));
    fs::create_dir_all(cache.join("rubber-docker"))?;
    fs::copy(&made, &partial)?;
    fs::rename(&partial, &archive)?;
    images::remove_tree(Path::new(&tree))?;
    Ok(archive)
}
