//! One image in one registry.

use std::time::Duration;

use given::Error;
use oci_client::Reference;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciImageManifest,
};
use oci_client::secrets::RegistryAuth;

use crate::exchange::{Exchange, LARGEST};
use crate::explain::Asked;
use crate::manifest::{self, Expected, Manifest};
use crate::reference::is_loopback;
use crate::session::Session;
use crate::{credentials, platform, show};

pub(crate) struct Remote {
    pub(crate) session: Session,
    reference: Reference,
    /// What error messages need to know.
    pub(crate) asked: Asked,
}

/// What has to be downloaded.
pub(crate) struct Image {
    /// The digest of the manifest for this machine.
    pub(crate) digest: String,
    pub(crate) layers: Vec<Expected>,
    /// What it says of its command.
    pub(crate) config: images::Config,
}

impl Remote {
    pub(crate) fn new(
        reference: Reference,
        plain_http: bool,
        patience: Duration,
    ) -> Result<Self, Error> {
        let auth = credentials::of(&reference)?;
        let registry = reference.resolve_registry();
        // Without TLS, every machine on the way can read a password. On loopback there is none.
        let with_tls = !plain_http && !is_loopback(registry);
        // Fails only where a provider is installed already, and no other code of ours installs one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let scheme = if with_tls { "https" } else { "http" };
        let base = format!("{scheme}://{registry}/v2/")
            .parse()
            .map_err(|error| format!("{registry:?} is no host and port: {error}"))?;
        let asked = Asked {
            reference: reference.clone(),
            patience,
            as_somebody: matches!(auth, RegistryAuth::Basic(..)),
            with_tls,
        };
        let exchange = Exchange::new(patience)
            .map_err(|error| format!("cannot make ready for the network: {error}"))?;
        Ok(Self {
            session: Session::new(exchange, base, reference.repository(), auth),
            reference,
            asked,
        })
    }

    /// Asks for the manifest, and for that of this machine if there is one for each.
    pub(crate) async fn image(&mut self) -> Result<Image, Error> {
        let logged_in = self.session.log_in().await;
        logged_in.map_err(|failure| self.asked.explain("the answer", &failure))?;
        let (first, digest) = match self.reference.digest().map(str::to_owned) {
            Some(digest) => self.manifest(&digest, Some(&digest), None).await?,
            None => {
                let tag = self.reference.tag().unwrap_or("latest").to_owned();
                self.manifest(&tag, None, None).await?
            }
        };
        let mut why = String::new();
        match first {
            Manifest::Image(image) => match self.for_this_machine(&image).await? {
                Ok((layers, config)) => {
                    return Ok(Image {
                        digest,
                        layers,
                        config,
                    });
                }
                Err(other) => why = other,
            },
            Manifest::Index(index) => {
                for chosen in platform::choose(&index).map_err(|why| self.unusable(&why))? {
                    let listed = self.listed(&chosen).await?;
                    let digest = chosen.digest;
                    match self.for_this_machine(&listed).await? {
                        Ok((layers, config)) => {
                            return Ok(Image {
                                digest,
                                layers,
                                config,
                            });
                        }
                        Err(other) => why = other,
                    }
                }
            }
        }
        Err(self.unusable(&why))
    }

    /// The manifest of an image that an index lists.
    async fn listed(&mut self, entry: &Expected) -> Result<OciImageManifest, Error> {
        let digest = &entry.digest;
        match self
            .manifest(digest, Some(digest), Some(entry.size))
            .await?
        {
            (Manifest::Image(image), _) => Ok(*image),
            (Manifest::Index(_), _) => {
                Err(self.unusable("its index lists another index for this machine"))
            }
        }
    }

    /// The layers of an image and what it says of its command, or what its configuration says
    /// that it is for.
    async fn for_this_machine(
        &mut self,
        image: &OciImageManifest,
    ) -> Result<Result<(Vec<Expected>, images::Config), String>, Error> {
        let layers = manifest::layers(image).map_err(|why| self.unusable(&why))?;
        let config = manifest::expected(&image.config.digest, image.config.size)
            .map_err(|why| self.unusable(&why))?;
        if config.size > LARGEST {
            return Err(self.unusable("its configuration is too large to be one"));
        }
        let blob = self.config(&config).await?;
        if let Err(other) = platform::check_machine(&blob) {
            return Ok(Err(other));
        }
        let config = images::Config::of_image(&blob).map_err(|why| self.unusable(&why))?;
        Ok(Ok((layers, config)))
    }

    /// One manifest that has the digest and the size that it should have, and its digest.
    async fn manifest(
        &mut self,
        called: &str,
        digest: Option<&str>,
        size: Option<u64>,
    ) -> Result<(Manifest, String), Error> {
        const KINDS: [&str; 4] = [
            OCI_IMAGE_INDEX_MEDIA_TYPE,
            OCI_IMAGE_MEDIA_TYPE,
            IMAGE_MANIFEST_LIST_MEDIA_TYPE,
            IMAGE_MANIFEST_MEDIA_TYPE,
        ];
        const WHAT: &str = "its manifest";
        let path = format!("manifests/{called}");
        let body = self.session.small(&path, &KINDS.join(", ")).await;
        let body = body.map_err(|failure| self.asked.explain(WHAT, &failure))?;
        let seen = manifest::digest(&body, digest.unwrap_or("sha256:"))
            .map_err(|why| self.unusable(&why))?;
        if let Some(digest) = digest
            && digest != seen
        {
            return Err(self.asked.other_digest(WHAT, digest, &seen));
        }
        if let Some(size) = size {
            self.check_size(WHAT, size, body.len() as u64)?;
        }
        let manifest = manifest::read(&body).map_err(|why| self.unusable(&why))?;
        Ok((manifest, seen))
    }

    async fn config(&mut self, expected: &Expected) -> Result<Vec<u8>, Error> {
        const WHAT: &str = "its configuration";
        let path = format!("blobs/{}", expected.digest);
        let body = self.session.small(&path, "*/*").await;
        let body = body.map_err(|failure| self.asked.explain(WHAT, &failure))?;
        self.check_size(WHAT, expected.size, body.len() as u64)?;
        let seen = manifest::digest(&body, &expected.digest).map_err(|why| self.unusable(&why))?;
        if seen != expected.digest {
            return Err(self.asked.other_digest(WHAT, &expected.digest, &seen));
        }
        Ok(body)
    }

    pub(crate) fn check_size(&self, what: &str, promised: u64, seen: u64) -> Result<(), Error> {
        if seen == promised {
            return Ok(());
        }
        Err(self.other_size(what, promised, seen))
    }

    pub(crate) fn other_size(&self, what: &str, promised: u64, seen: u64) -> Error {
        let seen = if seen > promised {
            "more"
        } else {
            &show::size(seen)
        };
        format!(
            "{what} of {} is not as long as was promised: the manifest says {promised} bytes, and {seen} came. \
             The registry, or a machine on the way, is at fault: try again, and tell those who run it if it stays so",
            self.reference
        )
        .into()
    }

    fn unusable(&self, why: &str) -> Error {
        format!("{} cannot be used: {why}", self.reference).into()
    }
}
