//! Asking a registry for the things of one repository, with the user's credentials.
//!
//! A registry that wants to know who asks says so in `WWW-Authenticate`. It wants the
//! name and password with each request (`Basic`), or a token that another server gives
//! for them (`Bearer`), whose address it names as `realm` (`challenge.rs`).

use oci_client::secrets::RegistryAuth;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, RANGE};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::Value;

use crate::challenge::{Challenge, challenge, realm};
use crate::exchange::{Exchange, Failure, Why, refusal};
use crate::tries::Tries;

pub(crate) struct Session {
    pub(crate) exchange: Exchange,
    /// `https://REGISTRY/v2/`
    base: Url,
    repository: String,
    auth: RegistryAuth,
    /// What says with each request who asks. It goes to the registry alone.
    authorization: Option<HeaderValue>,
}

impl Session {
    pub(crate) fn new(exchange: Exchange, base: Url, repository: &str, auth: RegistryAuth) -> Self {
        Self {
            exchange,
            base,
            repository: repository.to_owned(),
            auth,
            authorization: None,
        }
    }

    /// All of a small thing, such as `manifests/latest`.
    pub(crate) async fn small(&mut self, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
        let mut tries = Tries::new(self.exchange.patience);
        let mut may_have_run_out = true;
        loop {
            let answer = self.exchange.small(self.request(path, accept)?).await;
            match answer {
                Err(_) if may_have_run_out && self.has_run_out(&answer) => {
                    may_have_run_out = false;
                    self.log_in().await?;
                }
                Err(failure) => tries.again(failure).await?,
                Ok(body) => return Ok(body),
            }
        }
    }

    /// The head of the answer that brings a blob, or what it has from byte `from` on.
    pub(crate) async fn blob(&mut self, digest: &str, from: u64) -> Result<Response, Failure> {
        let first = self.ask_for_blob(digest, from).await;
        if !self.has_run_out(&first) {
            return first;
        }
        self.log_in().await?;
        self.ask_for_blob(digest, from).await
    }

    async fn ask_for_blob(&self, digest: &str, from: u64) -> Result<Response, Failure> {
        let mut request = self.request(&format!("blobs/{digest}"), "*/*")?;
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        self.exchange.yes(request, self.exchange.deadline()).await
    }

    /// A token is good for some minutes, and a layer may take longer.
    fn has_run_out<T>(&self, answer: &Result<T, Failure>) -> bool {
        let bearer = |value: &HeaderValue| value.as_bytes().starts_with(b"Bearer ");
        self.authorization.as_ref().is_some_and(bearer)
            && matches!(
                answer,
                Err(Failure {
                    why: Why::Refused { status: 401, .. },
                    ..
                })
            )
    }

    fn request(&self, path: &str, accept: &str) -> Result<RequestBuilder, Failure> {
        let url = self
            .base
            .join(&format!("{}/{path}", self.repository))
            .map_err(|error| self.unfit(format!("has no address for {path:?}: {error}")))?;
        let mut headers = HeaderMap::new();
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        Ok(self
            .exchange
            .get(&url)
            .header(ACCEPT, accept)
            .headers(headers))
    }

    /// Asks whether the registry wants to know who we are, and tells it if so.
    pub(crate) async fn log_in(&mut self) -> Result<(), Failure> {
        let mut tries = Tries::new(self.exchange.patience);
        let answer = loop {
            let by = self.exchange.deadline();
            match self.exchange.head(self.exchange.get(&self.base), by).await {
                // The registry is too busy to say what it wants to know.
                Ok(answer) if matches!(answer.status().as_u16(), 429 | 502..=504) => {
                    tries.again(refusal(answer, by).await).await?;
                }
                Ok(answer) => break answer,
                Err(failure) => tries.again(failure).await?,
            }
        };
        self.authorization = match (challenge(answer.headers()), &self.auth) {
            (Some(Challenge::Bearer { realm, service }), _) => {
                Some(self.token(&realm, &service).await?)
            }
            (Some(Challenge::Basic), RegistryAuth::Basic(user, password)) => {
                let mut request = self
                    .exchange
                    .get(&self.base)
                    .basic_auth(user, Some(password))
                    .build()
                    .map_err(|error| Failure::new(&self.base, Why::Broke(error)))?;
                request.headers_mut().remove(AUTHORIZATION)
            }
            _ => None,
        };
        Ok(())
    }

    async fn token(&self, at: &str, service: &str) -> Result<HeaderValue, Failure> {
        let mut url = realm(at, &self.base).map_err(|why| self.unfit(why))?;
        let scope = format!("repository:{}:pull", self.repository);
        url.query_pairs_mut().append_pair("scope", &scope);
        if !service.is_empty() {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut tries = Tries::new(self.exchange.patience);
        let body = loop {
            let mut request = self.exchange.get(&url);
            if let RegistryAuth::Basic(user, password) = &self.auth {
                request = request.basic_auth(user, Some(password));
            }
            match self.exchange.small(request).await {
                Ok(body) => break body,
                Err(failure) => tries.again(failure).await.map_err(refused)?,
            }
        };
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = ["token", "access_token"]
            .iter()
            .find_map(|name| answer[name].as_str());
        token
            .and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok())
            .ok_or_else(|| {
                Failure::new(
                    &url,
                    Why::Unfit(
                        "was asked for a token, and what came is none; tell those who run it"
                            .into(),
                    ),
                )
            })
    }

    fn unfit(&self, why: String) -> Failure {
        Failure::new(&self.base, Why::Unfit(why))
    }
}

/// The server that gives tokens knows neither images nor tags: whatever it refuses, it
/// refuses to the user who asks.
fn refused(mut failure: Failure) -> Failure {
    if let Why::Refused { status, .. } = &mut failure.why
        && (400..500).contains(status)
        && *status != 429
    {
        *status = 401;
    }
    failure
}
