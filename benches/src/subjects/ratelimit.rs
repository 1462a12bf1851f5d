//! ratelimit: a token bucket without keys. Shown to see what a table costs; it has no part in
//! modes of many keys.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use ratelimit::Ratelimiter;

use super::{DAY, Situation};
use crate::Result;
use crate::contender::Contender;
use crate::harness::Expect;

/// ratelimit in a situation; it does not look at the key.
///
/// # Errors
/// None that is expected.
pub fn contender(situation: Situation<'_>) -> Result<Contender> {
    const ENDLESS: u64 = 1_000_000_000_000;
    let limiter = match situation.expect {
        Expect::Allowed => Ratelimiter::builder(100)
            .period(Duration::from_secs(60))
            .max_tokens(ENDLESS)
            .initial_available(ENDLESS)
            .build(),
        Expect::Denied => Ratelimiter::builder(1).period(DAY).build(),
    }?;
    let check = |limiter: &Ratelimiter, _: &str| black_box(limiter.try_wait()).is_ok();
    Ok(Contender::sharing("ratelimit (one bucket, no keys)", &Arc::new(limiter), situation.threads, check))
}
