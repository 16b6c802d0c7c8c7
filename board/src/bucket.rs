//! How often something may happen: so many times at once, and then so many times a second.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

/// A limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// How many times at once.
    pub(crate) burst: f64,
    /// How many times a second, later.
    pub(crate) rate: f64,
}

/// What is left of a limit. Time is what has gone since the board began.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    pub(crate) fn new(limit: Limit, now: Duration) -> Bucket {
        Bucket {
            left: limit.burst,
            at: now,
        }
    }

    fn fill(&mut self, limit: Limit, now: Duration) {
        let gone = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + gone * limit.rate).min(limit.burst);
        self.at = now;
    }

    /// Whether it may happen once more; then it has.
    pub(crate) fn take(&mut self, limit: Limit, now: Duration) -> bool {
        self.fill(limit, now);
        let has = self.left >= 1.0;
        if has {
            self.left -= 1.0;
        }
        has
    }
}

/// How many are remembered. Whoever comes from more addresses than these is refused, with
/// everybody else who is new, until some have been quiet for a while.
const MOST: usize = 4096;

/// A bucket for everybody.
#[derive(Debug)]
pub(crate) struct Buckets<Key> {
    limit: Limit,
    buckets: HashMap<Key, Bucket>,
}

impl<Key: Hash + Eq> Buckets<Key> {
    pub(crate) fn new(limit: Limit) -> Buckets<Key> {
        Buckets {
            limit,
            buckets: HashMap::new(),
        }
    }

    /// Whether it may happen once more; then it has.
    pub(crate) fn take(&mut self, key: Key, now: Duration) -> bool {
        let limit = self.limit;
        if self.buckets.len() >= MOST && !self.buckets.contains_key(&key) {
            // A full bucket is as good as none.
            self.buckets.retain(|_, bucket| {
                bucket.fill(limit, now);
                bucket.left < limit.burst
            });
            if self.buckets.len() >= MOST {
                return false;
            }
        }
        let bucket = self.buckets.entry(key);
        bucket
            .or_insert_with(|| Bucket::new(limit, now))
            .take(limit, now)
    }

    /// Whether it might happen once more. Nothing has.
    pub(crate) fn has(&self, key: &Key, now: Duration) -> bool {
        match self.buckets.get(key) {
            Some(bucket) => bucket.clone().take(self.limit, now),
            None => self.buckets.len() < MOST,
        }
    }
}

/// Who counts as one: an address, or of IPv6 the half that a network gives to one machine.
pub(crate) fn neighbour(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    const LIMIT: Limit = Limit {
        burst: 3.0,
        rate: 0.5,
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn so_many_at_once_and_then_one_now_and_then() {
        let mut buckets = Buckets::new(LIMIT);
        let taken: Vec<bool> = [0, 0, 0, 0, 1, 2, 2, 100, 100, 100, 100]
            .map(|second| buckets.take('a', at(second)))
            .to_vec();
        let awaited = [
            true, true, true, false, false, true, false, true, true, true, false,
        ];
        assert_eq!(taken, awaited);
        // Each has its own.
        assert!(buckets.take('b', at(100)));
        // Asking takes nothing.
        assert!(!buckets.has(&'a', at(100)) && buckets.has(&'c', at(100)));
        assert!(buckets.has(&'a', at(102)) && buckets.has(&'a', at(102)));
        assert!(buckets.take('a', at(102)) && !buckets.take('a', at(102)));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut buckets = Buckets::new(LIMIT);
        for key in 0..MOST {
            assert!(buckets.take(key, at(0)));
        }
        assert!(!buckets.take(MOST, at(0)) && !buckets.has(&MOST, at(0)));
        assert!(buckets.take(0, at(0)), "who is known goes on");
        assert!(buckets.take(MOST, at(10)), "the quiet ones are forgotten");
        assert!(buckets.buckets.len() <= 2);
    }

    #[test]
    fn a_machine_with_many_addresses_is_one() {
        let of = |text: &str| neighbour(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
