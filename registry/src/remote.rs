//! One image in one registry.

use std::fs::File;
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use given::Error;
use indicatif::ProgressBar;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};

use crate::explain::Asked;
use crate::manifest::{self, Expected, LARGEST, Manifest};
use crate::{credentials, show};

pub(crate) struct Remote {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
    /// What error messages need to know.
    asked: Asked,
}

/// What has to be downloaded.
pub(crate) struct Image {
    /// The digest of the manifest for this machine.
    pub(crate) digest: String,
    pub(crate) layers: Vec<Expected>,
}

impl Remote {
    pub(crate) fn new(
        reference: Reference,
        plain_http: bool,
        patience: Duration,
    ) -> Result<Self, Error> {
        let auth = credentials::of(&reference)?;
        let registry = reference.resolve_registry();
        // Without TLS, whoever is on the way can read a password. On loopback there is no way.
        let protocol = if plain_http || is_loopback(registry) {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        };
        // Fails only if somebody was faster, which nobody is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let asked = Asked {
            reference: reference.clone(),
            patience,
            as_somebody: matches!(auth, RegistryAuth::Basic(..)),
            with_tls: protocol == ClientProtocol::Https,
        };
        let client = Client::try_from(ClientConfig {
            protocol,
            connect_timeout: Some(patience),
            read_timeout: Some(patience),
            user_agent: concat!("rubber-docker/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
        .map_err(|error| asked.explain(&error))?;
        Ok(Self {
            client,
            reference,
            auth,
            asked,
        })
    }

    /// Asks for the manifest, and for that of this machine if there is one for each.
    pub(crate) async fn image(&self) -> Result<Image, Error> {
        self.client
            .auth(&self.reference, &self.auth, RegistryOperation::Pull)
            .await
            .map_err(|error| self.asked.explain(&error))?;
        let wanted = self.reference.digest().map(str::to_owned);
        let (first, digest) = self
            .manifest(&self.reference, wanted.as_deref(), None)
            .await?;
        let (image, digest) = match first {
            Manifest::Image(image) => (image, digest),
            Manifest::Index(index) => {
                let chosen = manifest::choose(&index).map_err(|why| self.unusable(&why))?;
                let reference = self.reference.clone_with_digest(chosen.digest.clone());
                match self
                    .manifest(&reference, Some(&chosen.digest), Some(chosen.size))
                    .await?
                {
                    (Manifest::Image(image), digest) => (image, digest),
                    (Manifest::Index(_), _) => {
                        return Err(self.unusable("its index lists another index for this machine"));
                    }
                }
            }
        };
        let layers = manifest::layers(&image).map_err(|why| self.unusable(&why))?;
        let config = manifest::expected(&image.config.digest, image.config.size)
            .map_err(|why| self.unusable(&why))?;
        if config.size > LARGEST {
            return Err(self.unusable("its configuration is too large to be one"));
        }
        let mut bytes = Vec::new();
        self.blob(
            "its configuration",
            &config,
            &mut bytes,
            &ProgressBar::hidden(),
        )
        .await?;
        manifest::check_machine(&bytes).map_err(|why| self.unusable(&why))?;
        Ok(Image { digest, layers })
    }

    /// One manifest that has the digest and the size that it should have, and its digest.
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&str>,
        size: Option<u64>,
    ) -> Result<(Manifest, String), Error> {
        const KINDS: [&str; 4] = [
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            OCI_IMAGE_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
        ];
        let (body, _) = self
            .client
            .pull_manifest_raw(reference, &self.auth, &KINDS)
            .await
            .map_err(|error| self.asked.explain(&error))?;
        if body.len() as u64 > LARGEST {
            return Err(self.unusable("its manifest is too large to be one"));
        }
        let seen = manifest::digest(&body, digest.unwrap_or("sha256:"))
            .map_err(|why| self.unusable(&why))?;
        if digest.is_some_and(|digest| digest != seen) {
            return Err(self
                .asked
                .other_digest("its manifest", digest.unwrap_or_default(), &seen));
        }
        if let Some(size) = size
            && size != body.len() as u64
        {
            return Err(self.other_size("its manifest", size, body.len() as u64));
        }
        let manifest = manifest::read(&body).map_err(|why| self.unusable(&why))?;
        Ok((manifest, seen))
    }

    /// Downloads a layer. What is in `file` afterwards is what the manifest promises.
    pub(crate) async fn layer(
        &self,
        what: &str,
        layer: &Expected,
        file: &mut File,
        bar: &ProgressBar,
    ) -> Result<(), Error> {
        self.blob(what, layer, file, bar).await
    }

    async fn blob(
        &self,
        what: &str,
        expected: &Expected,
        into: &mut impl Write,
        bar: &ProgressBar,
    ) -> Result<(), Error> {
        let descriptor = OciDescriptor {
            digest: expected.digest.clone(),
            ..OciDescriptor::default()
        };
        // It compares the digest of what it has passed on, when all of it has come.
        let mut blob = self
            .client
            .pull_blob_stream(&self.reference, &descriptor)
            .await
            .map_err(|error| self.asked.explain(&error))?;
        let mut size = 0;
        while let Some(bytes) = blob.stream.next().await {
            let bytes = bytes.map_err(|error| self.asked.explain_stream(what, error))?;
            size += bytes.len() as u64;
            // At once, and not when the disk is full of it.
            if size > expected.size {
                return Err(self.other_size(what, expected.size, size));
            }
            into.write_all(&bytes)
                .map_err(|error| format!("cannot keep {what} of {}: {error}", self.reference))?;
            bar.set_position(size);
        }
        if size != expected.size {
            return Err(self.other_size(what, expected.size, size));
        }
        Ok(())
    }

    fn other_size(&self, what: &str, promised: u64, seen: u64) -> Error {
        let seen = if seen > promised {
            "more"
        } else {
            &show::size(seen)
        };
        format!(
            "{what} of {} is not as long as was promised: the manifest says {promised} bytes, and {seen} came. \
             The registry, or somebody on the way, is at fault: try again, and tell those who run it if it stays so",
            self.reference
        )
        .into()
    }

    fn unusable(&self, why: &str) -> Error {
        format!("{} cannot be used: {why}", self.reference).into()
    }
}

/// Whether a registry is on this very machine.
fn is_loopback(registry: &str) -> bool {
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
    use super::is_loopback;
    use rstest::rstest;

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
