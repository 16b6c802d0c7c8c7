//! What a registry's refusal means, and what to do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use given::Error;
use oci_client::Reference;
use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciErrorCode};

use crate::credentials;
use crate::reference::shown;

/// What was asked for, and how.
pub(crate) struct Asked {
    pub(crate) reference: Reference,
    pub(crate) patience: Duration,
    pub(crate) as_somebody: bool,
    pub(crate) with_tls: bool,
}

impl Asked {
    pub(crate) fn explain(&self, error: &OciDistributionError) -> Error {
        let why = match error {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_) => self.unauthorized("401"),
            OciDistributionError::RegistryError { envelope, .. } => self.envelope(envelope),
            OciDistributionError::ServerError { code, message, .. } => {
                self.status(*code, &shown(message))
            }
            OciDistributionError::ImageManifestNotFoundError(_) => self.not_found(),
            OciDistributionError::RequestError(error) => self.request(error),
            OciDistributionError::DigestError(DigestError::VerificationError {
                expected,
                actual,
            }) => {
                return self.other_digest("what came", expected, actual);
            }
            other => format!(
                "{}; is {} a registry at all?",
                shown(&other.to_string()),
                self.registry()
            ),
        };
        self.say(&why)
    }

    /// What went wrong while a blob was coming.
    pub(crate) fn explain_stream(&self, what: &str, error: io::Error) -> Error {
        let inner = error.get_ref();
        if let Some(DigestError::VerificationError { expected, actual }) =
            inner.and_then(|inner| inner.downcast_ref())
        {
            return self.other_digest(what, expected, actual);
        }
        match inner.and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
            Some(error) => self.say(&format!("{what} did not come: {}", self.request(error))),
            None => self.say(&format!(
                "{what} did not come: {}",
                shown(&error.to_string())
            )),
        }
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

    fn registry(&self) -> &str {
        self.reference.resolve_registry()
    }

    fn status(&self, code: u16, message: &str) -> String {
        let registry = self.registry();
        let said = if message.is_empty() {
            String::new()
        } else {
            format!(" ({message})")
        };
        match code {
            401 | 403 => self.unauthorized(&code.to_string()),
            404 => self.not_found(),
            429 => self.too_many(),
            500.. => format!("{registry} is in trouble: it answers {code}{said}; try again later"),
            _ => format!("{registry} answers {code}{said}; is that a registry?"),
        }
    }

    fn envelope(&self, envelope: &OciEnvelope) -> String {
        let has = |code: &[OciErrorCode]| {
            envelope
                .errors
                .iter()
                .any(|error| code.contains(&error.code))
        };
        if has(&[OciErrorCode::Toomanyrequests]) {
            self.too_many()
        } else if has(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
            self.unauthorized("that we may not")
        } else if has(&[
            OciErrorCode::ManifestUnknown,
            OciErrorCode::NameUnknown,
            OciErrorCode::NotFound,
        ]) {
            self.not_found()
        } else if has(&[OciErrorCode::BlobUnknown, OciErrorCode::ManifestBlobUnknown]) {
            format!(
                "{} has lost a part of it; tell those who run it",
                self.registry()
            )
        } else {
            format!(
                "{} answers: {}",
                self.registry(),
                shown(&envelope.to_string())
            )
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

    fn too_many(&self) -> String {
        format!(
            "{} says that there were too many requests (429): it counts them by address, and all who share yours count together; \
             wait some hours, or log in with `docker login {}`",
            self.registry(),
            self.reference.registry()
        )
    }

    fn request(&self, error: &reqwest::Error) -> String {
        let registry = self.registry();
        let chain = chain(error);
        let has = |words: &[&str]| words.iter().any(|word| chain.contains(word));
        if error.is_timeout() || has(&["timed out"]) {
            let seconds = self.patience.as_secs();
            format!(
                "{registry} has not answered for {seconds} seconds; see whether the network is there, then try again (--timeout gives it longer)"
            )
        } else if has(&["dns error", "lookup address"]) {
            format!(
                "no host is called {registry}; see whether the name is right and the network is there"
            )
        } else if has(&["Connection refused"]) {
            format!("nobody listens at {registry}; see whether the name and the port are right")
        } else if has(&["certificate"]) {
            format!(
                "the certificate of {registry} is not to be trusted ({chain}); if its authority is your own, \
                 name its certificate with SSL_CERT_FILE=FILE; if not, do not pull from there"
            )
        } else if self.with_tls && has(&["corrupt message", "InvalidContentType"]) {
            format!(
                "{registry} does not speak TLS; if you trust the network on the way there, use --plain-http"
            )
        } else {
            format!("the connection to {registry} broke: {chain}; try again")
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
