//! Who we are to a registry: what Docker's configuration says.
//!
//! A user who has logged in with `docker login` is logged in here, too. We only read that
//! file, and never write to it.

use std::env;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use given::Error;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;

/// The credentials for the registry of `reference`; without any, the pull is anonymous.
pub(crate) fn of(reference: &Reference) -> Result<RegistryAuth, Error> {
    let Some(path) = path() else {
        return Ok(RegistryAuth::Anonymous);
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(RegistryAuth::Anonymous);
        }
        Err(error) => {
            return Err(format!(
                "cannot read the credentials in {}: {error}; make it readable, or name another directory with DOCKER_CONFIG",
                path.display()
            )
            .into());
        }
    };
    let file = io::BufReader::new(file);
    match get_credential_from_reader(file, server(reference)) {
        Ok(DockerCredential::UsernamePassword(user, password)) => {
            Ok(RegistryAuth::Basic(user, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => Err(format!(
            "{} holds an identity token for {}, which is not understood here; log in with a user name and an access token",
            path.display(),
            reference.registry()
        )
        .into()),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        // How credential helpers say that they know of none.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains("credentials not found") =>
        {
            Ok(RegistryAuth::Anonymous)
        }
        Err(error) => Err(unusable(&path, reference, &error)),
    }
}

fn unusable(path: &Path, reference: &Reference, error: &CredentialRetrievalError) -> Error {
    let advice = match error {
        CredentialRetrievalError::HelperCommunicationError
        | CredentialRetrievalError::MalformedHelperResponse
        | CredentialRetrievalError::HelperFailure { .. } => {
            "it names a program docker-credential-NAME (credsStore, credHelpers): see whether that runs"
        }
        CredentialRetrievalError::ConfigReadError => {
            "it must be JSON: see what `python3 -m json.tool` says of it"
        }
        _ => "log in again, or pull without an account, with DOCKER_CONFIG=/nonexistent",
    };
    format!(
        "the credentials for {} in {} cannot be used: {error}; {advice}",
        reference.registry(),
        path.display()
    )
    .into()
}

/// Docker's configuration file.
pub(crate) fn path() -> Option<PathBuf> {
    let directory = env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".docker")))?;
    Some(directory.join("config.json"))
}

/// Under which name the configuration knows a registry.
fn server(reference: &Reference) -> &str {
    match reference.registry() {
        // As old as Docker Hub itself.
        "docker.io" => "https://index.docker.io/v1/",
        registry => registry,
    }
}
