//! When a server wants to be asked again.

use std::time::{Duration, SystemTime};

use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// When to ask again, as a server wants it: a number of seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large for us is too long to wait in any case.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let then: SystemTime = DateTime::parse_from_rfc2822(text).ok()?.into();
    // A date that has passed means now.
    Some(then.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::seconds("7", Some(7))]
    #[case::none_at_all("0", Some(0))]
    #[case::more_than_a_number("99999999999999999999999", Some(u64::MAX))]
    #[case::a_date_that_is_over("Sun, 06 Nov 1994 08:49:37 GMT", Some(0))]
    #[case::less_than_none("-1", None)]
    #[case::nothing("", None)]
    #[case::words("soon", None)]
    fn when_to_ask_again(#[case] text: &str, #[case] seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        let seen = retry_after(&headers).map(|wait| wait.as_secs());
        assert_eq!(seen, seconds);
    }

    #[test]
    fn a_date_to_come() {
        let then = SystemTime::now() + Duration::from_secs(100);
        let then = DateTime::<chrono::Utc>::from(then).to_rfc2822();
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, then.parse().unwrap());
        let wait = retry_after(&headers).unwrap().as_secs();
        assert!((98..=100).contains(&wait), "{wait}");
    }
}
