//! What a manifest says, and whether it can be true.

use oci_client::manifest::{OciDescriptor, OciImageIndex, OciImageManifest};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

use crate::reference::shown;
use crate::room::LARGEST_LAYER;

/// Docker makes images of at most 127 layers. Each is an open file here, and of those
/// there are 1024 for a process unless that was changed.
const MOST_LAYERS: usize = 900;

/// A manifest that has the digest that it should have.
pub(crate) enum Manifest {
    /// One for each kind of machine.
    Index(OciImageIndex),
    Image(Box<OciImageManifest>),
}

/// What a blob or manifest must be.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// Reads a manifest. `Err` is the reason why it is not to be used.
pub(crate) fn read(body: &[u8]) -> Result<Manifest, String> {
    let unreadable = |error: serde_json::Error| {
        format!("its manifest is malformed ({})", shown(&error.to_string()))
    };
    let mut value: Value = serde_json::from_slice(body).map_err(unreadable)?;
    forget_half_platforms(&mut value);
    let has = |key: &str| value.get(key).is_some();
    match (has("manifests"), has("layers")) {
        // One text, two meanings: what one tool has checked, another one would run.
        (true, true) => Err("its manifest is both an index and an image".into()),
        (true, false) => serde_json::from_value(value)
            .map(Manifest::Index)
            .map_err(unreadable),
        (false, true) => serde_json::from_value(value)
            .map(Manifest::Image)
            .map_err(unreadable),
        (false, false) if value["schemaVersion"] == 1 => Err(
            "its manifest is of the first version, which has been out of use since 2016: ask for it to be pushed anew".into(),
        ),
        (false, false) => Err("its manifest lists neither layers nor other manifests".into()),
    }
}

/// Takes away what names no machine: `{}` does occur, and says as much as nothing.
fn forget_half_platforms(index: &mut Value) {
    let entries = index.get_mut("manifests").and_then(Value::as_array_mut);
    for entry in entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        let says = |key: &str| {
            entry
                .get("platform")
                .is_some_and(|platform| platform[key].is_string())
        };
        if !(says("os") && says("architecture")) {
            entry.remove("platform");
        }
    }
}

/// The layers, from the lowest.
pub(crate) fn layers(manifest: &OciImageManifest) -> Result<Vec<Expected>, String> {
    if manifest.layers.is_empty() {
        return Err("it has no layer, so there is nothing to run".into());
    }
    if manifest.layers.len() > MOST_LAYERS {
        return Err(format!(
            "it has {} layers, and more than {MOST_LAYERS} are not unpacked here",
            manifest.layers.len()
        ));
    }
    manifest.layers.iter().map(layer).collect()
}

fn layer(layer: &OciDescriptor) -> Result<Expected, String> {
    const OURS: [&str; 2] = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
    ];
    let kind = &layer.media_type;
    if kind.contains("foreign") || kind.contains("nondistributable") {
        return Err("one of its layers may not be distributed, and lies elsewhere".into());
    }
    if !OURS.iter().any(|ours| kind.starts_with(ours)) {
        return Err(format!(
            "a layer is of type {:?}, which is no part of a root file system: this may be no container image but something else that is kept in registries",
            shown(kind)
        ));
    }
    let expected = expected(&layer.digest, layer.size)?;
    if expected.size > LARGEST_LAYER {
        return Err(format!(
            "its manifest says that a layer has {} bytes, which no registry keeps: nothing of it was asked for",
            expected.size
        ));
    }
    Ok(expected)
}

/// What a descriptor promises.
pub(crate) fn expected(digest: &str, size: i64) -> Result<Expected, String> {
    // It becomes part of an address and of a file name, so nothing but a digest will do.
    let digits = match digest.split_once(':') {
        Some(("sha256", digits)) if digits.len() == 64 => digits,
        Some(("sha512", digits)) if digits.len() == 128 => digits,
        _ => "",
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!(
            "its manifest gives {:?} as a digest, and a digest is `sha256:` and 64 hexadecimal digits",
            shown(digest)
        ));
    }
    Ok(Expected {
        digest: digest.to_owned(),
        size: u64::try_from(size)
            .map_err(|_| format!("its manifest gives a size of {size} bytes"))?,
    })
}

/// Computes the digest of bytes as they come.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// For comparing with `digest`.
    pub(crate) fn like(digest: &str) -> Result<Self, String> {
        match digest.split(':').next() {
            Some("sha256") => Ok(Self::Sha256(Sha256::new())),
            Some("sha512") => Ok(Self::Sha512(Sha512::new())),
            _ => Err(format!(
                "{:?} is no digest that is understood here (sha256, sha512)",
                shown(digest)
            )),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> String {
        let hexadecimal =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
        match self {
            Self::Sha256(hasher) => format!("sha256:{}", hexadecimal(&hasher.finalize())),
            Self::Sha512(hasher) => format!("sha512:{}", hexadecimal(&hasher.finalize())),
        }
    }
}

/// The digest of `bytes`, of the kind that `like` is.
pub(crate) fn digest(bytes: &[u8], like: &str) -> Result<String, String> {
    let mut hasher = Hasher::like(like)?;
    hasher.update(bytes);
    Ok(hasher.finish())
}
