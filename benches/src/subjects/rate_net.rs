//! rate-net: a sharded store, keys by `check_bytes`, which allocates nothing for a known key.
//!
//! Its exact log on its default clock is the peer of ours; on its coarse clock, which admits
//! more than the quota by what the clock lags, it is shown for information. Unbounded, so that
//! no eviction is in the way.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use clock_lib::Clock;
use rate_net::{Algorithm, CoarseClock, Eviction, MAX_SLIDING_LOG_LIMIT, RateLimiter};

use super::{DAY, Situation};
use crate::Result;
use crate::contender::Contender;
use crate::harness::Expect;

/// The seed's 100, but an hour long, so that nothing prepared expires during a run.
const WINDOW: Duration = Duration::from_secs(3600);

/// The name of its exact log.
pub const LOG: &str = "rate-net (exact log)";

/// The exact log.
///
/// # Errors
/// None that is expected.
pub fn log(situation: Situation<'_>) -> Result<Contender> {
    let limiter = RateLimiter::builder().algorithm(Algorithm::SlidingWindowLog);
    let limiter = limiter.quota(quota(situation), WINDOW).eviction(Eviction::unbounded()).try_build()?;
    fill(situation, &limiter);
    Ok(contender(LOG, situation, limiter))
}

/// The log on its coarse clock.
///
/// # Errors
/// No thread for the clock.
pub fn log_coarse(situation: Situation<'_>) -> Result<Contender> {
    let limiter = RateLimiter::builder().algorithm(Algorithm::SlidingWindowLog);
    let limiter = limiter.quota(quota(situation), WINDOW).eviction(Eviction::unbounded());
    let limiter = limiter.clock(CoarseClock::spawn(Duration::from_millis(1))?).try_build()?;
    fill(situation, &limiter);
    Ok(contender("rate-net (log, its coarse clock)", situation, limiter))
}

/// The token bucket on its coarse clock, its fastest.
///
/// # Errors
/// No thread for the clock.
pub fn bucket(situation: Situation<'_>) -> Result<Contender> {
    let limiter = RateLimiter::builder().eviction(Eviction::unbounded());
    let limiter = match situation.expect {
        Expect::Allowed => limiter.quota(100, Duration::from_secs(60)).burst(u32::MAX),
        Expect::Denied => limiter.quota(1, DAY),
    };
    let limiter = limiter.clock(CoarseClock::spawn(Duration::from_millis(1))?).try_build()?;
    situation.ask_beforehand(1, |key| limiter.check_bytes(key));
    Ok(contender("rate-net (bucket, its coarse clock)", Situation { undo: false, ..situation }, limiter))
}

/// Two threads take more than 100 from one key before a chunk is taken back.
fn quota(situation: Situation<'_>) -> u32 {
    if situation.threads > 1 { MAX_SLIDING_LOG_LIMIT } else { 100 }
}

fn fill<C: Clock + Clone>(situation: Situation<'_>, limiter: &RateLimiter<C>) {
    let units = if situation.expect == Expect::Denied { quota(situation) } else { situation.live };
    situation.ask_beforehand(units, |key| limiter.check_bytes(key));
}

fn contender<C: Clock + Clone + 'static>(
    name: &'static str,
    situation: Situation<'_>,
    limiter: RateLimiter<C>,
) -> Contender {
    let limiter = Arc::new(limiter);
    let check = |limiter: &RateLimiter<C>, key: &str| black_box(limiter.check_bytes(key)).is_allow();
    let contender = Contender::sharing(name, &limiter, situation.threads, check);
    if !situation.undo {
        return contender;
    }
    contender.undoing(move |chunk| {
        for &key in chunk.keys {
            limiter.reset(key);
        }
    })
}
