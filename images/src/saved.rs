//! An image in an archive: what `docker save`, podman, skopeo and buildah write.
//!
//! People who say "the tar of an image" mean one of two things. `docker export` writes the
//! root file system, which is what an image is here. `docker save` writes a box of layers
//! with a list of contents: `manifest.json` in Docker's own format, `index.json` and
//! `oci-layout` in that of the OCI image specification (`image-layout.md`).
//!
//! The list is usually the last thing in the archive, so it is found when everything is
//! unpacked; the layers lie beside it then, and can be read in their order. What comes of
//! them takes the place of the box.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use linux_sys::ResolveFlag;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::archive::Archive;
use crate::config::Config;
use crate::error::shown;
use crate::layers::merge;
use crate::limits::LIMITS;
use crate::root::{is_root, not_one_level_down};
use crate::unpack::unpack;
use crate::unpack_error::{UnpackError, broken, target};
use crate::{remove, rooted_path};

type Tried<T> = Result<T, UnpackError>;

/// More than any list of contents needs.
const LIST: u64 = 4 << 20;
/// An index may lead to an index, as of several platforms. No tool nests them deeper.
const NESTED: usize = 4;
/// How many names of images an error lists.
const TOLD: usize = 20;
/// Docker makes images of at most 127 layers. Each is an open file here, and of those there
/// are 1024 for a process unless that was changed.
const LAYERS: usize = 900;

/// Looks whether the tree in `directory` is such a box, and if so, puts the root file
/// system that is in it in its place, and returns what the image says of its command.
/// Refuses a tree whose root lies one level down.
pub(crate) fn replace(directory: OwnedFd, name: &str) -> Tried<Option<Config>> {
    if is_root(&directory) {
        return Ok(None);
    }
    let reopened = || directory.try_clone().map_err(|error| broken(&error));
    let Some(Contents { layers, config }) = contents(&|path| open(&directory, path))? else {
        return not_one_level_down(&directory).map(|()| None);
    };
    let mut merged = scratch_file(&directory)?;
    merge(&layers, name, &config, &merged)?;
    drop(layers);
    merged.rewind().map_err(|error| broken(&error))?;
    remove::empty(reopened()?, Path::new(name))
        .map_err(|stuck| target("making room for the root file system", stuck.errno))?;
    let size = merged.metadata().map_err(|error| broken(&error))?.size();
    let archive = Archive::new(merged, name, size).map_err(|error| broken(&error))?;
    unpack(archive, reopened()?, LIMITS).map(Some)
}

/// A file without a name, on the disk that the image will be on.
fn scratch_file(directory: &OwnedFd) -> Tried<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    openat(directory, ".", flags, Mode::S_IRUSR | Mode::S_IWUSR)
        .map(File::from)
        .map_err(|errno| target("making a file without a name (O_TMPFILE)", errno))
}

/// A file in the box. Old versions of Docker saved a layer that came twice as a link;
/// no link leads out.
fn open(directory: &OwnedFd, path: &str) -> Option<File> {
    // O_NONBLOCK: a FIFO of that name would keep us waiting.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
    let resolve = ResolveFlag::RESOLVE_IN_ROOT
        | ResolveFlag::RESOLVE_NO_MAGICLINKS
        | ResolveFlag::RESOLVE_NO_XDEV;
    let file = File::from(rooted_path::open(directory, path, flags, resolve).ok()?);
    file.metadata().ok()?.is_file().then_some(file)
}

/// What is in a box.
pub(crate) struct Contents {
    /// The lowest first.
    pub(crate) layers: Vec<File>,
    pub(crate) config: Config,
}

/// The image in the box whose files `open` opens. `None` if it is no such box.
pub(crate) fn contents(open: &dyn Fn(&str) -> Option<File>) -> Tried<Option<Contents>> {
    Saved { open }.contents()
}

/// The files of a box: unpacked, or still in the archive.
struct Saved<'a> {
    open: &'a dyn Fn(&str) -> Option<File>,
}

/// Why the box cannot be used.
fn unusable(cause: impl Into<String>) -> UnpackError {
    UnpackError {
        cause: format!(
            "it is an image that was saved with its layers, and {}",
            cause.into()
        ),
        advice: "save it anew, or give the root file system alone: docker export".into(),
    }
}

impl Saved<'_> {
    fn open(&self, path: &str) -> Option<File> {
        (self.open)(path)
    }

    fn contents(&self) -> Tried<Option<Contents>> {
        if let Some(manifest) = self.list("manifest.json")? {
            return self.contents_of_docker(&manifest).map(Some);
        }
        match (self.open("oci-layout"), self.list("index.json")?) {
            (Some(_), Some(index)) => self.contents_of_oci(&index, NESTED).map(Some),
            _ => Ok(None),
        }
    }

    /// Docker's list: `[{"Config": "PATH", "RepoTags": [...], "Layers": ["PATH", ...]}]`.
    fn contents_of_docker(&self, manifest: &Value) -> Tried<Contents> {
        let images = manifest
            .as_array()
            .ok_or_else(|| unusable("its manifest.json is no list of images"))?;
        let image = match &images[..] {
            [] => return Err(unusable("its manifest.json lists no image")),
            [image] => image,
            several => {
                let tags = several.iter().map(|image| text(&image["RepoTags"][0]));
                let tags: Vec<_> = tags.take(TOLD).collect();
                return Err(unusable(format!(
                    "it holds {} images instead of one ({})",
                    several.len(),
                    tags.join(", ")
                )));
            }
        };
        let config = match &image["Config"] {
            Value::Null => Config::default(),
            path => {
                let missing = || unusable(format!("its configuration {:?} is missing", text(path)));
                let file = path.as_str().and_then(|path| self.open(path));
                config_in(file.ok_or_else(missing)?)?
            }
        };
        let layers = layers_of(&image["Layers"], "manifest.json")?
            .iter()
            .map(|path| {
                let file = path.as_str().and_then(|path| self.open(path));
                file.ok_or_else(|| unusable(format!("its layer {:?} is missing", text(path))))
            })
            .collect::<Tried<_>>()?;
        Ok(Contents { layers, config })
    }

    /// OCI's list: an index leads to a manifest, and that to a configuration and to layers, by
    /// their digests.
    fn contents_of_oci(&self, index: &Value, nested: usize) -> Tried<Contents> {
        let entries = index["manifests"]
            .as_array()
            .ok_or_else(|| unusable("its index lists no images"))?;
        let entry = match &entries[..] {
            [] => return Err(unusable("its index lists no image")),
            [only] => {
                check_machine(&only["platform"])?;
                only
            }
            several => several
                .iter()
                .find(|entry| is_for_this_machine(&entry["platform"]))
                .ok_or_else(|| {
                    if several.iter().all(|entry| entry["platform"].is_null()) {
                        return unusable(format!(
                            "it holds {} images instead of one",
                            several.len()
                        ));
                    }
                    unusable(format!(
                        "none of its {} images is for linux/{}",
                        several.len(),
                        machine()
                    ))
                })?,
        };
        let manifest: Value =
            serde_json::from_slice(&whole(self.blob(&entry["digest"])?, "its manifest")?)
                .map_err(|error| unusable(format!("its manifest is no JSON: {error}")))?;
        if manifest["manifests"].is_array() {
            if nested == 0 {
                return Err(unusable("its indexes do not end"));
            }
            return self.contents_of_oci(&manifest, nested - 1);
        }
        let config = match &manifest["config"] {
            Value::Null => Config::default(),
            config => config_in(self.blob(&config["digest"])?)?,
        };
        let layers = layers_of(&manifest["layers"], "its manifest")?
            .iter()
            .map(|layer| self.blob(&layer["digest"]))
            .collect::<Tried<_>>()?;
        Ok(Contents { layers, config })
    }

    /// What has this digest. The name is compared with the contents: it is a promise.
    fn blob(&self, digest: &Value) -> Tried<File> {
        let named = digest
            .as_str()
            .and_then(|text| text.strip_prefix("sha256:"));
        let is_hexadecimal = |name: &&str| name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = named.filter(is_hexadecimal).ok_or_else(|| {
            unusable(format!("{:?} is no digest that is read here", text(digest)))
        })?;
        let mut file = self
            .open(&format!("blobs/sha256/{name}"))
            .ok_or_else(|| unusable(format!("its blob {name} is missing")))?;
        if sha256(&mut file).map_err(|error| broken(&error))? != name {
            return Err(unusable(format!(
                "its blob {name} is damaged: it has another digest"
            )));
        }
        Ok(file)
    }

    /// A list of contents, if there is one.
    fn list(&self, name: &str) -> Tried<Option<Value>> {
        let Some(file) = self.open(name) else {
            return Ok(None);
        };
        serde_json::from_slice(&whole(file, &format!("its {name}"))?)
            .map(Some)
            .map_err(|error| unusable(format!("its {name} is no JSON: {error}")))
    }
}

/// The layers that a list names: as many as there are files to be opened.
fn layers_of<'a>(list: &'a Value, whose: &str) -> Tried<&'a [Value]> {
    match list.as_array().map(Vec::as_slice) {
        None => Err(unusable(format!("{whose} names no layers"))),
        Some([]) => Err(unusable(format!(
            "{whose} has an empty list of layers, so there is nothing to run"
        ))),
        Some(layers) if layers.len() > LAYERS => Err(unusable(format!(
            "{whose} names {} layers, and more than {LAYERS} are not unpacked here",
            layers.len()
        ))),
        Some(layers) => Ok(layers),
    }
}

/// What the configuration of an image says of its command, if it is for this machine.
fn config_in(file: File) -> Tried<Config> {
    let blob = whole(file, "its configuration")?;
    let config = Config::of_image(&blob).map_err(unusable)?;
    let platform = serde_json::from_slice(&blob).unwrap_or_default();
    check_machine(&platform)?;
    Ok(config)
}

/// All of a small file.
fn whole(file: File, what: &str) -> Tried<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LIST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| broken(&error))?;
    match bytes.len() as u64 > LIST {
        true => Err(unusable(format!("{what} has more than {LIST} bytes"))),
        false => Ok(bytes),
    }
}

fn sha256(file: &mut File) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => digest.update(&buffer[..count]),
        }
    }
    file.rewind()?;
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// A text of the list, for an error.
fn text(value: &Value) -> String {
    shown(value.as_str().unwrap_or("without a name").as_bytes())
}

/// This machine, as the OCI image specification calls it.
fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn is_for_this_machine(platform: &Value) -> bool {
    platform["architecture"] == machine() && platform["os"] == "linux"
}

/// Whether something says that it is for another machine. Programs of another one end with
/// `Exec format error`, which does not help a user who has saved the wrong image.
fn check_machine(platform: &Value) -> Tried<()> {
    let says = |key: &str| platform[key].is_string();
    if !says("architecture") || !says("os") || is_for_this_machine(platform) {
        return Ok(());
    }
    Err(UnpackError {
        advice: format!(
            "save it for this machine: pull it with --platform linux/{} (docker, podman) before",
            machine()
        ),
        ..unusable(format!(
            "it is for {}/{}, and this machine is linux/{}",
            text(&platform["os"]),
            text(&platform["architecture"]),
            machine()
        ))
    })
}
