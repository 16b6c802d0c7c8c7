//! Images that were saved with their layers, and other things that users take for an image.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(unreachable_pub, reason = "shared with the other tests")]

mod common;

use std::fs;

use common::{Scratch, Tar, gzip, refused, unpacked};
use rstest::rstest;
use sha2::{Digest, Sha256};

fn lower() -> Vec<u8> {
    Tar::new()
        .directory("bin")
        .file("bin/sh", "old")
        .file("gone", "x")
        .finish()
}

fn upper() -> Vec<u8> {
    gzip(
        &Tar::new()
            .file("bin/sh", "new")
            .file(".wh.gone", "")
            .symlink("l", "a//b")
            .finish(),
    )
}

const TREE: [&str; 3] = ["bin/", "bin/sh", "l -> a//b"];

fn docker(manifest: &str) -> Tar {
    Tar::new()
        .directory("a/")
        .file("a/layer.tar", lower())
        .directory("b/")
        .file("b/layer.tar", upper())
        .file("config.json", "{}")
        .file("manifest.json", manifest)
}

const MANIFEST: &str =
    r#"[{"Config":"config.json","RepoTags":["x:1"],"Layers":["a/layer.tar","b/layer.tar"]}]"#;

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// An OCI layout, with an index in the index, of two platforms if `other` is one.
fn oci(other: Option<&str>) -> Tar {
    let (lower, upper) = (lower(), upper());
    let layers =
        [&lower, &upper].map(|layer| format!(r#"{{"digest":"sha256:{}"}}"#, digest(layer)));
    let manifest = format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, layers.join(","));
    let here = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let entry = |digest: &str, architecture: &str| {
        format!(
            r#"{{"digest":"sha256:{digest}","platform":{{"os":"linux","architecture":"{architecture}"}}}}"#
        )
    };
    let mut entries = vec![entry(&digest(manifest.as_bytes()), here)];
    if let Some(other) = other {
        entries.insert(0, entry(&"0".repeat(64), other));
    }
    let inner = format!(r#"{{"manifests":[{}]}}"#, entries.join(","));
    let outer = format!(
        r#"{{"manifests":[{{"digest":"sha256:{}"}}]}}"#,
        digest(inner.as_bytes())
    );
    let blobs = [lower, upper, manifest.into_bytes(), inner.into_bytes()];
    blobs
        .iter()
        .fold(Tar::new(), |tar, blob| {
            let name = format!("blobs/sha256/{}", digest(blob));
            tar.pax(&[("path", name.as_bytes())]).file("x", blob)
        })
        .file("index.json", outer)
        .file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)
}

#[rstest]
#[case::of_docker(docker(MANIFEST))]
#[case::of_oci(oci(None))]
#[case::of_two_platforms(oci(Some("s390x")))]
fn a_saved_image_becomes_its_root(
    #[case] archive: Tar,
    #[values(|bytes: Vec<u8>| bytes, |bytes: Vec<u8>| gzip(&bytes))] pack: fn(Vec<u8>) -> Vec<u8>,
) {
    let scratch = Scratch::new();
    unpacked(&scratch, &pack(archive.finish()), &TREE);
    assert_eq!(fs::read(scratch.target().join("bin/sh")).unwrap(), b"new");
}

#[rstest]
#[case::two_images(
    docker(r#"[{"RepoTags":["x:1"],"Layers":[]},{"RepoTags":["y:2"],"Layers":[]}]"#),
    "2 images instead of one (x:1, y:2)"
)]
#[case::no_layers(docker(r#"[{"RepoTags":["x:1"]}]"#), "names no layers")]
#[case::no_json(docker("[{"), "manifest.json is no JSON")]
#[case::a_missing_layer(
    docker(r#"[{"Layers":["c/layer.tar"]}]"#),
    "\"c/layer.tar\" is missing"
)]
#[case::a_layer_outside(
    docker(r#"[{"Layers":["../canary/file"]}]"#),
    "\"../canary/file\" is missing"
)]
#[case::a_layer_by_a_link(docker(r#"[{"Layers":["out"]}]"#).symlink("out", "/proc/self/root/etc/passwd"), "\"out\" is missing")]
#[case::a_fifo(docker(r#"[{"Layers":["f"]}]"#).raw(Tar::header(b"f", tar::EntryType::Fifo), b""), "\"f\" is missing")]
#[case::a_broken_layer(
    docker(r#"[{"Layers":["config.json"]}]"#),
    "layer 1 of 1 cannot be used"
)]
#[case::text_for_the_terminal(docker("[{\"Layers\":[\"\\u001b[2J\"]}]"), "\\u{1b}[2J")]
#[case::no_platform(oci(Some("s390x")).file("index.json", r#"{"manifests":[{"platform":{}},{"platform":{}}]}"#), "none of its 2 images is for")]
#[case::two_tags(oci(None).file("index.json", r#"{"manifests":[{"digest":"x"},{"digest":"y"}]}"#), "holds 2 images instead of one")]
#[case::a_bad_digest(oci(None).file("index.json", r#"{"manifests":[{"digest":"sha256:../../../canary/file"}]}"#), "no digest that is read here")]
fn a_saved_image_that_cannot_be_used_is_refused(#[case] archive: Tar, #[case] why: &str) {
    refused(&Scratch::new(), &archive.finish(), &[why]);
}

#[test]
fn a_blob_with_another_digest_is_refused() {
    let name = format!("blobs/sha256/{}", digest(&upper()));
    let archive = oci(None)
        .pax(&[("path", name.as_bytes())])
        .file("x", "something else");
    refused(&Scratch::new(), &archive.finish(), &["is damaged"]);
}

#[test]
fn an_index_that_leads_to_itself_ends() {
    // By digest it cannot; a chain of many can.
    let mut blobs = vec![r#"{"layers":[]}"#.to_owned()];
    for _ in 0..6 {
        let next = digest(blobs[blobs.len() - 1].as_bytes());
        blobs.push(format!(r#"{{"manifests":[{{"digest":"sha256:{next}"}}]}}"#));
    }
    let top = blobs.pop().unwrap();
    let archive = blobs
        .iter()
        .fold(Tar::new(), |tar, blob| {
            let name = format!("blobs/sha256/{}", digest(blob.as_bytes()));
            tar.pax(&[("path", name.as_bytes())]).file("x", blob)
        })
        .file("index.json", top)
        .file("oci-layout", "{}");
    refused(&Scratch::new(), &archive.finish(), &["do not end"]);
}

#[test]
fn a_root_with_a_file_of_that_name_is_a_root() {
    unpacked(
        &Scratch::new(),
        &Tar::new()
            .directory("bin/")
            .file("manifest.json", "[]")
            .finish(),
        &["bin/", "manifest.json"],
    );
}

#[test]
fn a_root_one_level_down_is_named() {
    refused(
        &Scratch::new(),
        &Tar::new()
            .directory("debian/")
            .directory("debian/bin/")
            .finish(),
        &["one level down, in \"debian\"", "tar -C \"debian\""],
    );
    // A directory that is no root may be a user's image of one directory.
    unpacked(
        &Scratch::new(),
        &Tar::new().directory("data/").file("data/x", "").finish(),
        &["data/", "data/x"],
    );
}

#[rstest]
#[case::nothing(b"".to_vec(), "is empty")]
#[case::a_page(b"<!DOCTYPE html><html>404</html>".to_vec(), "page of the web")]
#[case::a_disk(b"QFI\xfb\0\0\0\x03".to_vec(), "qcow2")]
#[case::a_squashfs(b"hsqs\0\0\0\0".to_vec(), "squashfs")]
fn what_is_no_archive_is_told(#[case] bytes: Vec<u8>, #[case] why: &str) {
    let text = Scratch::new().unpack(&bytes).unwrap_err().to_string();
    assert!(text.contains(why), "{text}");
}

#[rstest]
#[case::bzip2("debian.tar.bz2", "compressed in a way")]
#[case::squashfs("debian.squashfs", "unsquashfs")]
#[case::disk("debian.qcow2", "disk of a virtual machine")]
#[case::zip("debian.zip", "it is no tar")]
#[case::no_ending("debian", "rename it")]
#[case::unfinished("debian.tar.part", "not finished")]
fn what_lies_there_under_the_name_is_told(#[case] file: &str, #[case] why: &str) {
    let scratch = Scratch::new();
    fs::write(scratch.images().join(file), "x").unwrap();
    let text = images::find(&scratch.images(), "debian")
        .unwrap_err()
        .to_string();
    assert!(text.contains(file) && text.contains(why), "{text}");
}

#[test]
fn a_directory_and_a_link_to_nothing_are_told() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.images().join("tree")).unwrap();
    std::os::unix::fs::symlink("nowhere", scratch.images().join("link.tar")).unwrap();
    for (name, why) in [("tree", "it is a directory"), ("link", "a link to nothing")] {
        let text = images::find(&scratch.images(), name)
            .unwrap_err()
            .to_string();
        assert!(text.contains(why), "{text}");
    }
}

#[rstest]
fn an_image_is_found_by_the_name_of_its_file(
    #[values("tar", "tar.gz", "tgz", "tar.xz", "txz", "tar.zst")] ending: &str,
) {
    let scratch = Scratch::new();
    let file = format!("alpine.{ending}");
    fs::write(scratch.images().join(&file), "x").unwrap();
    for name in ["alpine", &file] {
        let image = images::find(&scratch.images(), name).unwrap();
        assert_eq!(image.archive(), scratch.images().join(&file));
    }
}

/// The same image with a configuration.
fn configured(config: &str) -> Tar {
    docker(MANIFEST).file("config.json", config)
}

fn configured_oci(config: &str) -> Tar {
    let layer = lower();
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"sha256:{}"}},"layers":[{{"digest":"sha256:{}"}}]}}"#,
        digest(config.as_bytes()),
        digest(&layer)
    );
    let index = format!(
        r#"{{"manifests":[{{"digest":"sha256:{}"}}]}}"#,
        digest(manifest.as_bytes())
    );
    [layer, manifest.into_bytes(), config.as_bytes().to_vec()]
        .iter()
        .fold(Tar::new(), |tar, blob| {
            let name = format!("blobs/sha256/{}", digest(blob));
            tar.pax(&[("path", name.as_bytes())]).file("x", blob)
        })
        .file("index.json", index)
        .file("oci-layout", "{}")
}

const CONFIG: &str = r#"{"config":{"Env":["A=1"],"Entrypoint":["/start"],"Cmd":["now"],"User":"web","WorkingDir":"/srv/www"}}"#;

#[rstest]
#[case::of_docker(configured(CONFIG))]
#[case::of_oci(configured_oci(CONFIG))]
fn what_a_saved_image_says_of_its_command_is_kept_in_the_cache(#[case] archive: Tar) {
    let scratch = Scratch::new();
    let image = scratch.image(&archive.finish());
    for _ in 0..2 {
        let config = image.config(&scratch.store()).unwrap();
        assert_eq!(config.env, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(config.command(), ["/start", "now"]);
        assert_eq!((&*config.user, &*config.working_dir), ("web", "/srv/www"));
    }
    // The directory to start in was in none of the layers.
    let start = image.unpacked(&scratch.store()).unwrap().join("srv/www");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(start).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o755);
    let listed = images::list(&scratch.images(), &scratch.store()).unwrap();
    assert_eq!(listed[0].config.as_ref().unwrap().user, "web");
    // The configuration goes with the image.
    images::remove(&scratch.images(), &scratch.store(), "image").unwrap();
    let cache = scratch.store().join(".images");
    assert_eq!(fs::read_dir(cache).unwrap().count(), 0);
}

#[test]
fn a_root_says_nothing() {
    let scratch = Scratch::new();
    let image = scratch.image(&lower());
    let nothing = images::Config::default();
    assert_eq!(image.config(&scratch.store()).unwrap(), nothing);
}

#[rstest]
#[case::up("../../canary/new")]
#[case::link("/out/new")]
#[case::link_up("/up/new")]
#[case::file("/bin/sh/new")]
fn the_directory_to_start_in_is_never_made_outside(#[case] path: &str) {
    let scratch = Scratch::new();
    let layer = Tar::new()
        .directory("bin")
        .file("bin/sh", "x")
        .symlink("out", scratch.canary().to_str().unwrap())
        .symlink("up", "../../../../canary")
        .finish();
    let manifest = r#"[{"Config":"c","Layers":["l"]}]"#;
    let config = format!(r#"{{"config":{{"WorkingDir":"{path}"}}}}"#);
    let archive = Tar::new()
        .file("l", layer)
        .file("c", config)
        .file("manifest.json", manifest);
    let before = scratch.outside();
    scratch.unpack(&archive.finish()).unwrap();
    assert_eq!(scratch.outside(), before);
}

#[rstest]
#[case::another_type(
    r#"{"config":{"Env":"A=1"}}"#,
    "should be a list of texts, and is a text"
)]
#[case::no_equals(r#"{"config":{"Env":["A"]}}"#, "not NAME=VALUE")]
#[case::nul(r#"{"config":{"Cmd":["a\u0000"]}}"#, "has a NUL byte")]
#[case::for_the_terminal(r#"{"config":{"Env":["\u001b[2J"]}}"#, "\\u{1b}[2J")]
#[case::another_machine(
    r#"{"os":"linux","architecture":"mips","config":{}}"#,
    "it is for linux/mips, and this machine is linux/"
)]
#[case::another_system(r#"{"os":"plan9","architecture":"amd64"}"#, "it is for plan9/amd64")]
fn a_configuration_that_cannot_be_used_is_refused(#[case] config: &str, #[case] why: &str) {
    for archive in [configured(config), configured_oci(config)] {
        refused(&Scratch::new(), &archive.finish(), &[why]);
    }
}

#[test]
fn a_configuration_that_is_too_large_or_missing_is_refused() {
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(5 << 20));
    for archive in [configured(&large), configured_oci(&large)] {
        let why = "its configuration has more than 4194304 bytes";
        refused(&Scratch::new(), &archive.finish(), &[why]);
    }
    let archive = docker(r#"[{"Config":"nowhere","Layers":["a/layer.tar"]}]"#);
    let why = "its configuration \"nowhere\" is missing";
    refused(&Scratch::new(), &archive.finish(), &[why]);
}

#[rstest]
#[case::no_layer(docker(r#"[{"Layers":[]}]"#), "empty list of layers")]
#[case::no_image(docker("[]"), "lists no image")]
#[case::no_list(docker("{}"), "is no list of images")]
#[case::no_manifest(oci(None).file("index.json", r#"{"manifests":[]}"#), "lists no image")]
#[case::index_without(oci(None).file("index.json", "{}"), "lists no images")]
#[case::empty_layers(docker(r#"[{"Layers":["e"]}]"#).file("e", [0; 1024]), "its layers hold nothing")]
#[case::one_of_another_machine(
    oci(None).file("index.json", r#"{"manifests":[{"digest":"x","platform":{"os":"linux","architecture":"mips"}}]}"#),
    "it is for linux/mips"
)]
#[case::no_member(Tar::new(), "has no member")]
fn what_holds_nothing_to_run_is_refused(#[case] archive: Tar, #[case] why: &str) {
    refused(&Scratch::new(), &archive.finish(), &[why]);
}

#[test]
fn what_a_root_says_is_known_before_it_is_unpacked() {
    let scratch = Scratch::new();
    let large = vec![b'x'; 2 << 20];
    let root = Tar::new()
        .directory("./")
        .file("aaa", "x")
        .directory("bin")
        .file("bin/sh", &large);
    let image = scratch.image(&root.finish());
    assert_eq!(
        image.config(&scratch.store()).unwrap(),
        images::Config::default()
    );
    assert!(!scratch.store().exists());
    // An image that `docker save` wrote has to be unpacked for it.
    let image = scratch.image(&configured(CONFIG).finish());
    assert_eq!(image.config(&scratch.store()).unwrap().user, "web");
    assert_eq!(
        fs::read_dir(scratch.store().join(".images"))
            .unwrap()
            .count(),
        2
    );
}
