//! What a registry's refusal means, and what to do about it.

use std::error::Error as _;
use std::time::Duration;

use given::Error;
use oci_client::Reference;
use oci_client::errors::{OciEnvelope, OciErrorCode};

use crate::exchange::{Failure, LARGEST, Why};
use crate::reference::shown;
use crate::{credentials, show};

/// What was asked for, and how.
pub(crate) struct Asked {
    pub(crate) reference: Reference,
    pub(crate) patience: Duration,
    pub(crate) as_somebody: bool,
    pub(crate) with_tls: bool,
}

impl Asked {
    /// `what` is what was to come.
    pub(crate) fn explain(&self, what: &str, failure: &Failure) -> Error {
        let at = &failure.at;
        let seconds = self.patience.as_secs();
        let why = match &failure.why {
            Why::Refused { status, said, wait } => {
                let refused = self.refused(at, *status, said);
                match wait {
                    Some(wait) => format!(
                        "{refused} (it asks to be left alone for {} seconds)",
                        wait.as_secs()
                    ),
                    None => refused,
                }
            }
            Why::Broke(error) => format!("{what} did not come: {}", self.broke(at, error)),
            Why::Late => format!(
                "{what} did not come: {at} has not answered within {seconds} seconds; see whether the network is there, then try \
                 again (--timeout gives it longer)"
            ),
            Why::Slow(0) => format!(
                "{what} did not come: {at} has not answered for {seconds} seconds; see whether the network is there, then try \
                 again (--timeout gives it longer)"
            ),
            Why::Slow(bytes) => format!(
                "{what} did not come: {at} has sent {bytes} bytes in {seconds} seconds, and what comes more slowly than 1 KiB a \
                 second is not waited for; see whether the network is well, then try again"
            ),
            Why::Large(announced) => {
                let size = announced.map_or_else(
                    || format!("more than {LARGEST} bytes"),
                    |size| format!("{size} bytes"),
                );
                format!(
                    "{at} sends {size} where {what} was asked for, which is at most {}: so it is something else, and was not read; \
                     see whether the name is right, and tell those who run the registry",
                    show::size(LARGEST)
                )
            }
            Why::Compressed(encoding) => format!(
                "{at} sends {what} compressed ({encoding}), and was not asked to; tell those who run it"
            ),
            Why::Unfit(why) => format!("{at} {why}"),
        };
        self.say(&why)
    }

    pub(crate) fn other_digest(&self, what: &str, promised: &str, seen: &str) -> Error {
        self.say(&format!(
            "{what} is damaged, or another one: its digest is {}, and {} was promised; nothing of it was kept. \
             Try again, and tell those who run the registry if it stays so",
            shown(seen),
            shown(promised)
        ))
    }

    fn say(&self, why: &str) -> Error {
        format!("cannot pull {}: {why}", self.reference).into()
    }

    fn refused(&self, at: &str, status: u16, said: &str) -> String {
        // What registries say, as the specification has it; a proxy in front of one need not know that.
        if (400..500).contains(&status)
            && status != 401
            && let Ok(envelope) = serde_json::from_str::<OciEnvelope>(said)
        {
            return self.envelope(at, &envelope);
        }
        let said = match shown(said) {
            said if said.is_empty() => said,
            said => format!(" ({said})"),
        };
        match status {
            401 | 403 => self.unauthorized(&status.to_string()),
            404 => self.not_found(),
            429 => self.too_many(at),
            500.. => format!("{at} is in trouble: it answers {status}{said}; try again later"),
            _ => format!("{at} answers {status}{said}; is that a registry?"),
        }
    }

    fn envelope(&self, at: &str, envelope: &OciEnvelope) -> String {
        let has = |code: &[OciErrorCode]| {
            envelope
                .errors
                .iter()
                .any(|error| code.contains(&error.code))
        };
        if has(&[OciErrorCode::Toomanyrequests]) {
            self.too_many(at)
        } else if has(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
            self.unauthorized("that we may not")
        } else if has(&[
            OciErrorCode::ManifestUnknown,
            OciErrorCode::NameUnknown,
            OciErrorCode::NotFound,
        ]) {
            self.not_found()
        } else if has(&[OciErrorCode::BlobUnknown, OciErrorCode::ManifestBlobUnknown]) {
            format!("{at} has lost a part of it; tell those who run it")
        } else {
            format!("{at} answers: {}", shown(&envelope.to_string()))
        }
    }

    fn unauthorized(&self, answer: &str) -> String {
        let registry = self.reference.registry();
        let config = credentials::path().map_or_else(
            || "Docker's configuration".into(),
            |path| path.display().to_string(),
        );
        if self.as_somebody {
            format!(
                "{registry} answers {answer} to the user name and password in {config}: they are wrong, or not good for this image; log in again with `docker login {registry}`"
            )
        } else {
            format!(
                "{registry} answers {answer}: it wants to know who asks, or has no such image (many answer the same to both). \
                 See whether the name is right; if it is private, log in with `docker login {registry}` \
                 (without Docker: `skopeo login --authfile {config} {registry}`)"
            )
        }
    }

    fn not_found(&self) -> String {
        let named = match (self.reference.tag(), self.reference.digest()) {
            (_, Some(digest)) => format!("digest {digest}"),
            (tag, None) => format!("tag {}", tag.unwrap_or("latest")),
        };
        format!(
            "{} has no image {:?} with the {named}; see whether both are spelled right",
            self.reference.registry(),
            self.reference.repository()
        )
    }

    fn too_many(&self, at: &str) -> String {
        format!(
            "{at} says that there were too many requests (429): it counts them by address, and all who share yours count together; \
             wait some hours, or log in with `docker login {}`",
            self.reference.registry()
        )
    }

    fn broke(&self, at: &str, error: &reqwest::Error) -> String {
        let chain = chain(error);
        let has = |words: &[&str]| words.iter().any(|word| chain.contains(word));
        if error.is_redirect() {
            format!(
                "{at} sends us on to an address that is not followed: {chain}; tell those who run it"
            )
        } else if has(&["dns error", "lookup address"]) {
            format!(
                "no host is called {at}; see whether the name is right and the network is there"
            )
        } else if has(&["Connection refused"]) {
            format!("no program listens at {at}; see whether the name and the port are right")
        } else if has(&["certificate"]) {
            format!(
                "the certificate of {at} is not to be trusted ({chain}); if its authority is your own, \
                 name its certificate with SSL_CERT_FILE=FILE; if not, do not pull from there"
            )
        } else if self.with_tls && has(&["corrupt message", "InvalidContentType"]) {
            format!(
                "{at} does not speak TLS; if you trust the network on the way there, use --plain-http"
            )
        } else {
            format!("the connection to {at} broke: {chain}; try again")
        }
    }
}

/// An error and all its causes, without the addresses.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = shown(&error.to_string());
        if !words.contains(&text) {
            words.push(text);
        }
        cause = error.source();
    }
    if words.is_empty() {
        words.push(shown(&error.to_string()));
    }
    words.join(": ")
}
