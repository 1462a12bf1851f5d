//! gcra: a `DashMap` with the Fx hasher, owned keys by value, an `async` check that never waits.
//!
//! The key is made a `String` from `&str`, as a server has to. The future is polled once by
//! hand, which costs less than any executor.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gcra::{RateLimit, RateLimiter};

use super::{DAY, Situation};
use crate::contender::Contender;
use crate::harness::Expect;

/// One limit for all keys, passed along with every check.
pub struct Limited {
    limiter: RateLimiter<String>,
    limit: RateLimit,
}

impl Limited {
    /// Whether a key is allowed.
    pub fn check(&self, key: &str) -> bool {
        let answer = pin!(self.limiter.check(key.to_owned(), &self.limit, 1));
        let answer = answer.poll(&mut Context::from_waker(Waker::noop()));
        matches!(black_box(&answer), Poll::Ready(Ok(_)))
    }
}

/// A limiter with room for `keys` keys.
#[must_use]
pub fn limiter(keys: usize, expect: Expect) -> Limited {
    let limit = match expect {
        // No separate burst: the whole quota is the burst.
        Expect::Allowed => RateLimit::new(1_000_000_000, Duration::from_secs(3600)),
        Expect::Denied => RateLimit::new(1, DAY),
    };
    Limited { limiter: RateLimiter::new(keys), limit }
}

/// gcra in a situation.
#[must_use]
pub fn contender(situation: Situation<'_>) -> Contender {
    let limited = limiter(situation.keys.len(), situation.expect);
    situation.ask_beforehand(1, |key| limited.check(key));
    Contender::sharing("gcra", &Arc::new(limited), situation.threads, Limited::check)
}
