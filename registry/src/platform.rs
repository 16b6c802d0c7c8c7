//! Which image is for this machine: what an index says of its entries, and what the
//! configuration of an image says.

use std::env::consts::ARCH;

use oci_client::config::{Architecture, Os};
use oci_client::manifest::{
    IMAGE_MANIFEST_MEDIA_TYPE, ImageIndexEntry, OCI_IMAGE_MEDIA_TYPE, OciImageIndex, Platform,
};
use serde_json::Value;

use crate::manifest::{Expected, expected};
use crate::reference::shown;

/// Of entries that do not say what they are for, so many are looked at.
const MOST_SILENT: usize = 8;

/// Which manifests of an index may be the one for this machine.
///
/// Mostly that is one: the first of those that say so and fit best. An entry need not say
/// what it is for; where no other one is for this machine, we look into its configuration.
pub(crate) fn choose(index: &OciImageIndex) -> Result<Vec<Expected>, String> {
    let fit = |entry: &&ImageIndexEntry| {
        let platform = entry.platform.as_ref()?;
        (platform.os == Os::default() && platform.architecture == Architecture::default())
            .then(|| fit(platform.variant.as_deref().unwrap_or_default()))?
    };
    // The first one, if several are as good.
    let best = index
        .manifests
        .iter()
        .filter(|entry| fit(entry).is_some())
        .min_by_key(fit);
    if let Some(entry) = best {
        return Ok(vec![expected(&entry.digest, entry.size)?]);
    }
    let silent: Vec<Expected> = index
        .manifests
        .iter()
        .filter(|entry| entry.platform.is_none() && may_be_an_image(entry))
        .take(MOST_SILENT)
        .map(|entry| expected(&entry.digest, entry.size))
        .collect::<Result<_, _>>()?;
    if !silent.is_empty() {
        return Ok(silent);
    }
    let mut there: Vec<String> = index
        .manifests
        .iter()
        .filter_map(|entry| entry.platform.as_ref())
        .map(|platform| shown(&named(platform)))
        // Signatures and the like, which are for no machine at all.
        .filter(|platform| platform != "unknown/unknown")
        .collect();
    there.dedup();
    Err(format!(
        "there is none for {}, which is what this machine is (there: {})",
        machine(),
        there.join(", ")
    ))
}

fn named(platform: &Platform) -> String {
    let variant = platform.variant.as_deref().unwrap_or_default();
    let machine = format!("{}/{}", platform.os, platform.architecture);
    [&machine, variant].join("/").trim_end_matches('/').into()
}

/// Whether an entry is not something else that is kept in registries, as a signature is.
fn may_be_an_image(entry: &ImageIndexEntry) -> bool {
    let image = [OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE];
    let belongs_to_another = entry
        .annotations
        .as_ref()
        .is_some_and(|all| all.contains_key("vnd.docker.reference.type"));
    image.contains(&&*entry.media_type) && entry.artifact_type.is_none() && !belongs_to_another
}

/// How well programs for a variant of our architecture fit this machine; zero is best, and
/// with `None` they may end in SIGILL. What every processor can run goes first, as with Docker.
fn fit(variant: &str) -> Option<u8> {
    match (ARCH, variant) {
        (_, "") | ("x86_64", "v1") | ("aarch64", "v8") | ("arm", "v7") => Some(0),
        ("x86_64", "v2") if level_of_this_processor() >= 2 => Some(1),
        ("x86_64", "v3") if level_of_this_processor() >= 3 => Some(2),
        ("x86_64", "v4") if level_of_this_processor() >= 4 => Some(3),
        ("arm", "v6") => Some(1),
        ("arm", "v5") => Some(2),
        _ => None,
    }
}

/// The level of the x86-64 psABI whose instructions this processor has.
#[cfg(target_arch = "x86_64")]
fn level_of_this_processor() -> u8 {
    macro_rules! has {
        ($($feature:tt)*) => { $(is_x86_feature_detected!($feature))&&* };
    }
    if !has!("cmpxchg16b" "popcnt" "sse3" "sse4.1" "sse4.2" "ssse3") {
        1
    } else if !has!("avx" "avx2" "bmi1" "bmi2" "f16c" "fma" "lzcnt" "movbe") {
        2
    } else if !has!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl") {
        3
    } else {
        4
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn level_of_this_processor() -> u8 {
    0
}

/// Whether the configuration of an image says that it is for another machine.
pub(crate) fn check_machine(config: &[u8]) -> Result<(), String> {
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let (Some(os), Some(architecture)) = (config["os"].as_str(), config["architecture"].as_str())
    else {
        return Ok(());
    };
    let theirs = format!("{os}/{architecture}");
    if theirs == machine() {
        return Ok(());
    }
    Err(format!(
        "it is for {}, and this machine is {}",
        shown(&theirs),
        machine()
    ))
}

/// What this machine is, in the words of a manifest.
pub(crate) fn machine() -> String {
    format!("{}/{}", Os::default(), Architecture::default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use crate::manifest::{Manifest, read};
    use rstest::rstest;
    use serde_json::json;

    /// An index of entries whose digests end in their numbers.
    fn index(platforms: &[Value]) -> OciImageIndex {
        let entry = |(number, platform): (usize, &Value)| {
            let digest = format!("sha256:{number:064x}");
            json!({"mediaType": OCI_IMAGE_MEDIA_TYPE, "digest": digest, "size": 1, "platform": platform})
        };
        let entries: Vec<Value> = platforms.iter().enumerate().map(entry).collect();
        let text = json!({"schemaVersion": 2, "manifests": entries}).to_string();
        match read(text.as_bytes()).unwrap() {
            Manifest::Index(index) => index,
            Manifest::Image(_) => unreachable!("it has manifests"),
        }
    }

    fn ours(variant: &str) -> Value {
        json!({"os": "linux", "architecture": Architecture::default().to_string(), "variant": variant})
    }

    fn chosen(platforms: &[Value]) -> Result<Vec<usize>, String> {
        let number = |entry: &Expected| usize::from_str_radix(&entry.digest[60..], 16).unwrap();
        choose(&index(platforms)).map(|chosen| chosen.iter().map(number).collect())
    }

    #[rstest]
    #[case::plain_before_what_is_special(&[ours("v4"), ours("v3"), ours("")], &[2])]
    #[case::the_first_of_two(&[ours(""), ours("")], &[0])]
    #[case::what_says_so_before_what_does_not(&[Value::Null, ours("")], &[1])]
    #[case::one_that_says_nothing(&[Value::Null], &[0])]
    #[case::one_that_says_next_to_nothing(&[json!({}), json!({"os": "linux"})], &[0, 1])]
    #[case::others_first(&[json!({"os": "linux", "architecture": "s390x"}), Value::Null], &[1])]
    #[case::one_that_cannot_run(&[ours("v99"), Value::Null], &[1])]
    fn the_manifest_for_this_machine(#[case] platforms: &[Value], #[case] expected: &[usize]) {
        assert_eq!(chosen(platforms).unwrap(), expected);
    }

    #[test]
    fn a_variant_that_this_machine_is_not_is_named() {
        let why = chosen(&[ours("v99"), json!({"os": "plan9", "architecture": "mips"})]);
        let why = why.unwrap_err();
        assert!(why.contains("/v99, plan9/mips)"), "{why}");
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_level_is_taken_if_the_processor_has_it() {
        let level = level_of_this_processor();
        for (number, variant) in [(2, "v2"), (3, "v3"), (4, "v4")] {
            assert_eq!(chosen(&[ours(variant)]).is_ok(), number <= level);
        }
    }
}
