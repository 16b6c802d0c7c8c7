//! One question and its answer, within limits of bytes and of time.
//!
//! oci-client has requests of its own, and they read a manifest, a token or a page of
//! error text to its end, however far away that is. So only its types are used, and
//! what comes out of the network comes through here, piece by piece.
//!
//! A server can be slow in more ways than one: it says nothing, or it says one byte now
//! and then, in the head of its answer as well as in the body. A limit on the silence
//! between two bytes stops the first one alone. Therefore all that is small has a time
//! at which it must be complete, and a layer has a pace that it must keep (`pace.rs`).

use std::fmt;
use std::future::Future;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, Url};
use tokio::time::{Instant, timeout_at};

use crate::reference::shown;
use crate::retry_after::retry_after;

/// Manifests are a few kilobytes; registries take at most four megabytes. The same goes
/// for all else that is not a layer.
pub(crate) const LARGEST: u64 = 4 << 20;

/// Of what a server says about its refusal, this much is enough to know what it means.
const ENOUGH: usize = 64 << 10;

/// Docker Hub needs one: from the registry to where the blobs are.
const REDIRECTS: usize = 5;

/// Why there is no answer, or none that is of use.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Host and port of the one that was asked.
    pub(crate) at: String,
    pub(crate) why: Why,
}

#[derive(Debug)]
pub(crate) enum Why {
    /// There was no connection, or it broke.
    Broke(reqwest::Error),
    /// The answer was not complete in time.
    Late,
    /// So many bytes came in the time in which many more should have come.
    Slow(u64),
    /// The server says no, and perhaps when to ask again.
    Refused {
        status: u16,
        said: String,
        wait: Option<Duration>,
    },
    /// What should be small is not. So many bytes are announced, if any number is.
    Large(Option<u64>),
    /// It came compressed, though we did not ask for that.
    Compressed(String),
    /// Anything else, in words that follow the name of the server.
    Unfit(String),
}

impl Failure {
    pub(crate) fn new(at: &Url, why: Why) -> Self {
        Self { at: host(at), why }
    }
}

/// Host and port, as in a reference.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

pub(crate) struct Exchange {
    client: Client,
    /// How long to wait for what is small.
    pub(crate) patience: Duration,
}

impl Exchange {
    pub(crate) fn new(patience: Duration) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("rubber-docker/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience)
            // Addresses may hold a key, and the next host is not to know it.
            .referer(false)
            .redirect(Policy::custom(|attempt| {
                let from = attempt.previous().last().map(Url::scheme);
                if attempt.previous().len() > REDIRECTS {
                    attempt.error("it goes on and on from one address to the next")
                } else if from == Some("https") && attempt.url().scheme() != "https" {
                    // Without TLS, every machine on the way can read along.
                    attempt.error(InTheClear)
                } else {
                    // reqwest takes the Authorization away if the host is another one.
                    attempt.follow()
                }
            }))
            .build()?;
        Ok(Self { client, patience })
    }

    pub(crate) fn get(&self, url: &Url) -> RequestBuilder {
        self.client.get(url.clone())
    }

    /// When an answer that is asked for now has to be complete.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// The head of the answer, whatever it says.
    pub(crate) async fn head(
        &self,
        request: RequestBuilder,
        by: Instant,
    ) -> Result<Response, Failure> {
        let (client, request) = request.build_split();
        let request = request.map_err(|error| Failure {
            at: String::new(),
            why: Why::Broke(error),
        })?;
        let url = request.url().clone();
        in_time(&url, by, client.execute(request)).await
    }

    /// The head of an answer that says yes.
    pub(crate) async fn yes(
        &self,
        request: RequestBuilder,
        by: Instant,
    ) -> Result<Response, Failure> {
        let response = self.head(request, by).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response, by).await)
    }

    /// All of a small answer that says yes.
    pub(crate) async fn small(&self, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        let by = self.deadline();
        let mut response = self.yes(request, by).await?;
        let url = response.url().clone();
        let failed = |why| Err(Failure::new(&url, why));
        if let Some(encoding) = response.headers().get(CONTENT_ENCODING)
            && encoding != "identity"
        {
            let encoding = shown(&String::from_utf8_lossy(encoding.as_bytes()));
            return failed(Why::Compressed(encoding));
        }
        let announced = announced(&response);
        if announced.is_some_and(|size| size > LARGEST) {
            return failed(Why::Large(announced));
        }
        let mut body = Vec::new();
        // What is announced may be a lie, and need not be there: so it is counted, too.
        while let Some(bytes) = in_time(&url, by, response.chunk()).await? {
            if (body.len() + bytes.len()) as u64 > LARGEST {
                return failed(Why::Large(None));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }
}

/// What an answer that says no says.
pub(crate) async fn refusal(response: Response, by: Instant) -> Failure {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    let said = beginning(response, by).await;
    Failure::new(&url, Why::Refused { status, said, wait })
}

/// How long a body is to be.
pub(crate) fn announced(response: &Response) -> Option<u64> {
    let length = response.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// The next piece of a layer, if it comes before `by`.
pub(crate) async fn piece(
    response: &mut Response,
    by: Instant,
) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
    let url = response.url().clone();
    in_time(&url, by, response.chunk()).await
}

async fn in_time<T>(
    url: &Url,
    by: Instant,
    answer: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, Failure> {
    match timeout_at(by, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if error.is_timeout() => Err(Failure::new(url, Why::Late)),
        Ok(Err(error)) => {
            // After a redirect, that is another host.
            let at = host(error.url().unwrap_or(url));
            let why = Why::Broke(error);
            Err(Failure { at, why })
        }
        Err(_) => Err(Failure::new(url, Why::Late)),
    }
}

/// The first words of a refusal. That it is one is known already: it need not be whole.
async fn beginning(mut response: Response, by: Instant) -> String {
    let mut said = Vec::new();
    while said.len() < ENOUGH
        && let Ok(Ok(Some(bytes))) = timeout_at(by, response.chunk()).await
    {
        said.extend_from_slice(&bytes);
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// From https to http.
#[derive(Debug)]
struct InTheClear;

impl fmt::Display for InTheClear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "from https to http, where every machine on the way could read and change what is sent",
        )
    }
}

impl std::error::Error for InTheClear {}
