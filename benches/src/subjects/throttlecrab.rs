//! throttlecrab: a hash map for one thread, borrowed keys, the caller's `SystemTime`.
//!
//! One thread owns the limiter and pays for no lock; two share it in `parking_lot`'s mutex.

use std::hint::black_box;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use throttlecrab::{PeriodicStore, RateLimiter};

use super::Situation;
use crate::contender::{Contender, count_allowed};
use crate::harness::Expect;

const NAME: &str = "throttlecrab";

/// Its limit is an argument of every check.
#[derive(Clone, Copy)]
struct Quota {
    burst: i64,
    count: i64,
    seconds: i64,
}

impl Quota {
    fn check(self, limiter: &mut RateLimiter<PeriodicStore>, key: &str) -> bool {
        let answer = limiter.rate_limit(key, self.burst, self.count, self.seconds, 1, SystemTime::now());
        matches!(black_box(&answer), Ok((true, _)))
    }
}

/// throttlecrab in a situation.
#[must_use]
pub fn contender(situation: Situation<'_>) -> Contender {
    let (quota, beforehand) = match situation.expect {
        Expect::Allowed => (Quota { burst: 1_000_000_000, count: 100, seconds: 60 }, 1),
        // A burst of 1 never limits (see the project's regression tests), and the first check of
        // a key is free: three exhaust a burst of 2.
        Expect::Denied => (Quota { burst: 2, count: 1, seconds: 86_400 }, 3),
    };
    let mut limiter = RateLimiter::new(PeriodicStore::builder().capacity(situation.keys.len()).build());
    situation.ask_beforehand(beforehand, |key| quota.check(&mut limiter, key));
    if situation.threads == 1 {
        return Contender::new(NAME, move |chunk| {
            count_allowed(chunk.keys, |key| quota.check(&mut limiter, key))
        });
    }
    let check = move |limiter: &Mutex<_>, key: &str| quota.check(&mut limiter.lock(), key);
    Contender::sharing(NAME, &Arc::new(Mutex::new(limiter)), situation.threads, check)
}
