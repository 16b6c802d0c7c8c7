//! What may be pulled, and the name that it gets here.

use std::net::IpAddr;

use given::Error;
use oci_client::{ParseError, Reference};

/// Reads a reference as Docker does: `alpine`, `ghcr.io/owner/name:tag`, `name@sha256:...`.
pub(crate) fn parse(text: &str) -> Result<Reference, Error> {
    // Users paste addresses that begin like this.
    for scheme in ["https://", "http://", "docker://", "oci://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return Err(format!(
                "{text:?} is an address and no reference: leave {scheme} out, as in `{}`",
                shown(rest)
            )
            .into());
        }
    }
    text.parse().map_err(|error: ParseError| {
        let advice = if text.contains('@') {
            "behind the `@` comes a digest: `sha256:` and 64 hexadecimal digits"
        } else if text.contains(|letter: char| letter.is_uppercase()) {
            "names in registries are lower case; try it in lower case"
        } else {
            "a reference is [REGISTRY[:PORT]/]NAME[:TAG|@DIGEST], as in `alpine:3.20` or `quay.io/fedora/fedora:41`"
        };
        format!("{:?} is no reference to an image: {error}; {advice}", shown(text)).into()
    })
}

/// The name that an image gets here unless the user gives it one: the last part of its
/// name there, and its tag unless that is `latest`.
pub(crate) fn name_of(reference: &Reference) -> String {
    let repository = reference.repository();
    let last = repository.rsplit('/').next().unwrap_or(repository);
    match (reference.tag(), reference.digest()) {
        (Some("latest"), _) | (None, None) => last.to_owned(),
        (Some(tag), _) => format!("{last}-{tag}"),
        // Twelve digits are what Docker shows of one.
        (None, Some(digest)) => {
            let digits = digest.split(':').next_back().unwrap_or(digest);
            format!("{last}-{}", &digits[..digits.len().min(12)])
        }
    }
}

/// Text that a registry or a file's author wrote, made fit for a terminal.
pub(crate) fn shown(text: &str) -> String {
    const ENOUGH: usize = 300;
    let mut shown: String = text
        .chars()
        .map(|letter| if acts(letter) { ' ' } else { letter })
        .take(ENOUGH)
        .collect();
    if text.chars().count() > ENOUGH {
        shown += "...";
    }
    shown.trim().to_owned()
}

/// Whether a terminal does something at a letter instead of showing it: the controls, and
/// what is invisible or turns the direction of writing around.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a registry is on this very machine.
pub(crate) fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => registry.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::a_name("alpine", "alpine")]
    #[case::latest("alpine:latest", "alpine")]
    #[case::a_tag("alpine:3.20", "alpine-3.20")]
    #[case::a_path("quay.io/fedora/fedora:41", "fedora-41")]
    #[case::a_port("localhost:5000/a/b", "b")]
    #[case::a_digest(
        "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "a-0123456789ab"
    )]
    #[case::a_tag_and_a_digest(
        "a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "a-1"
    )]
    fn an_image_is_named_after_its_reference(#[case] text: &str, #[case] name: &str) {
        assert_eq!(name_of(&parse(text).unwrap()), name);
        assert!(images::check_name(name).is_ok());
    }

    #[rstest]
    #[case::empty("", "NAME[:TAG")]
    #[case::capitals("Alpine", "in lower case")]
    #[case::an_address("https://hub.docker.com/_/alpine", "leave https://")]
    #[case::a_bad_tag("alpine:a b", "is no reference")]
    #[case::a_short_digest("alpine@sha256:12", "64 hexadecimal")]
    #[case::a_path("../../etc/passwd", "is no reference")]
    fn what_is_no_reference_is_explained(#[case] text: &str, #[case] advice: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(advice), "{error}");
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown() {
        assert_eq!(shown("a\x1b[2Jb\n"), "a [2Jb");
        assert_eq!(shown(&"x".repeat(1000)).len(), 303);
    }

    #[rstest]
    #[case::by_name("localhost:5000", true)]
    #[case::by_address("127.0.0.1:5000", true)]
    #[case::by_another_address("127.9.9.9", true)]
    #[case::version_6("[::1]:5000", true)]
    #[case::elsewhere("10.0.0.1:5000", false)]
    #[case::a_name("registry.example", false)]
    #[case::one_that_only_begins_so("127.0.0.1.example:5000", false)]
    #[case::nor_this("localhost.example", false)]
    fn plain_http_is_for_this_machine(#[case] registry: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(registry), expected);
    }
}
