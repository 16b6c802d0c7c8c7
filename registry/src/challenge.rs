//! How a registry wants to know who asks, and where a password may go.
//!
//! The address of the server that gives tokens comes out of the network, and a password
//! must not go wherever it points to: see [`realm`].

use http_auth::parser::ChallengeParser;
use reqwest::Url;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::exchange::host;
use crate::reference::{is_loopback, shown};

/// How a registry wants to know who asks.
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

/// What a registry asks for: a token rather than a password, if it takes both.
pub(crate) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(text) = header.to_str() else { continue };
        for challenge in ChallengeParser::new(text).map_while(Result::ok) {
            let value = |name: &str| {
                let of_that_name = |(key, _): &&(&str, _)| key.eq_ignore_ascii_case(name);
                challenge
                    .params
                    .iter()
                    .find(of_that_name)
                    .map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("Bearer")
                && let Some(realm) = value("realm")
            {
                return Some(Challenge::Bearer {
                    realm,
                    service: value("service").unwrap_or_default(),
                });
            }
            if challenge.scheme.eq_ignore_ascii_case("Basic") {
                basic = Some(Challenge::Basic);
            }
        }
    }
    basic
}

/// Where tokens come from. `Err` is the reason why nothing is sent there.
///
/// Another host than the registry's is usual: Docker Hub's is auth.docker.io. The registry
/// knows the password anyway, and vouches for that host. But what came to it by TLS does
/// not leave without TLS; and where the registry itself is asked without TLS, that was
/// agreed to for its host, and for no other one.
pub(crate) fn realm(text: &str, registry: &Url) -> Result<Url, String> {
    let says = || format!("says that passwords go to {:?}", shown(text));
    let Ok(url) = Url::parse(text) else {
        return Err(format!(
            "{}, which is no address; tell those who run it",
            says()
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{}, an address with a user name in it; nothing was sent there",
            says()
        ));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http"
            if registry.scheme() == "http"
                && (url.host() == registry.host() || is_loopback(&host(&url))) =>
        {
            Ok(url)
        }
        "http" if registry.scheme() == "http" => Err(format!(
            "{}, which is another host ({}), without TLS: every machine on the way could read them, so nothing was sent there",
            says(),
            shown(&host(&url)),
        )),
        "http" => Err(format!(
            "{}, that is without TLS, although it speaks TLS itself: every machine on the way could read them, so nothing \
             was sent there; tell those who run it",
            says()
        )),
        _ => Err(format!(
            "{}, and tokens come by https; nothing was sent there",
            says()
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::docker_hub("https://index.docker.io/v2/", "https://auth.docker.io/token", true)]
    #[case::its_own("https://ghcr.io/v2/", "https://ghcr.io/token", true)]
    #[case::downgrade("https://r.example/v2/", "http://r.example/token", false)]
    #[case::in_capitals("https://r.example/v2/", "HTTP://r.example/token", false)]
    #[case::downgrade_to_loopback("https://r.example/v2/", "http://127.0.0.1/token", false)]
    #[case::local("http://localhost:5000/v2/", "http://localhost:5001/token", true)]
    #[case::from_one_name_to_another("http://localhost:5000/v2/", "http://127.0.0.1:5001/", true)]
    #[case::from_local_to_tls("http://localhost:5000/v2/", "https://auth.example/token", true)]
    #[case::from_local_elsewhere("http://localhost:5000/v2/", "http://r.example/token", false)]
    #[case::from_one_to_another("http://r.example/v2/", "http://r.example.org/token", false)]
    #[case::a_file("https://r.example/v2/", "file:///etc/passwd", false)]
    #[case::with_a_user_name("https://r.example/v2/", "https://me:you@r.example/", false)]
    #[case::no_address("https://r.example/v2/", "token", false)]
    #[case::nothing("https://r.example/v2/", "", false)]
    fn passwords_go_where_they_are_safe(
        #[case] registry: &str,
        #[case] at: &str,
        #[case] good: bool,
    ) {
        let seen = realm(at, &registry.parse().unwrap());
        assert_eq!(seen.is_ok(), good, "{seen:?}");
    }

    #[rstest]
    #[case::bearer(&[r#"Bearer realm="https://a/t",service="s""#], Some("https://a/t s"))]
    #[case::no_service(&[r#"Bearer realm="https://a/t""#], Some("https://a/t "))]
    #[case::basic(&[r#"Basic realm="x""#], Some("basic"))]
    #[case::both(&[r#"Basic realm="x""#, r#"bearer realm="https://a/t""#], Some("https://a/t "))]
    #[case::both_in_one(&[r#"Basic realm="x", Bearer realm="https://a/t""#], Some("https://a/t "))]
    #[case::unknown(&[r#"Negotiate"#], None)]
    #[case::broken(&[r#"Bearer realm="https://a/t"#], None)]
    #[case::none(&[], None)]
    fn a_token_is_better_than_a_password(#[case] headers: &[&str], #[case] expected: Option<&str>) {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WWW_AUTHENTICATE, header.parse().unwrap());
        }
        let seen = challenge(&map).map(|challenge| match challenge {
            Challenge::Basic => "basic".to_owned(),
            Challenge::Bearer { realm, service } => format!("{realm} {service}"),
        });
        assert_eq!(seen.as_deref(), expected);
    }
}
