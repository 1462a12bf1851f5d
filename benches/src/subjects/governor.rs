//! governor: GCRA in a `DashMap`, `String` keys.
//!
//! Its keyed API takes `&K`, so that a key found in a request as `&str` is made a `String` for
//! the look-up; that is its usual use and the yardstick. Its best: the caller owns the `String`
//! already, a fast hasher, and (as a further variant) a clock that a thread of its own keeps.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, QuantaUpkeepClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::{DashMapStateStore, DefaultHasher};
use governor::{Quota, RateLimiter};

use super::{DAY, Situation};
use crate::Result;
use crate::contender::{Contender, Worker, count_allowed};
use crate::harness::Expect;

type Limiter<S, C> =
    RateLimiter<String, DashMapStateStore<String, S>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The yardstick: all defaults, asked from `&str`.
///
/// # Errors
/// None that is expected.
pub fn from_str(situation: Situation<'_>) -> Result<Contender> {
    let limiter = limiter(situation, DefaultHasher::default(), DefaultClock::default())?;
    let check =
        |limiter: &Limiter<_, DefaultClock>, key: &str| black_box(limiter.check_key(&key.to_owned())).is_ok();
    Ok(Contender::sharing(YARDSTICK, &limiter, situation.threads, check))
}

/// The name of the yardstick.
pub const YARDSTICK: &str = "governor (DashMap, from &str)";

/// Keys already owned, and foldhash.
///
/// # Errors
/// None that is expected.
pub fn owned(situation: Situation<'_>) -> Result<Contender> {
    let limiter = limiter(situation, foldhash::fast::RandomState::default(), DefaultClock::default())?;
    Ok(asking_owned("governor (owned key, foldhash)", &limiter, situation.threads))
}

/// Keys already owned, foldhash, and a clock that a thread of its own moves every millisecond.
///
/// # Errors
/// No such thread to be had.
pub fn owned_upkeep(situation: Situation<'_>) -> Result<Contender> {
    let clock = QuantaUpkeepClock::from_interval(Duration::from_millis(1)).map_err(|e| e.to_string())?;
    let limiter = limiter(situation, foldhash::fast::RandomState::default(), clock)?;
    Ok(asking_owned("governor (owned key, foldhash, upkeep clock)", &limiter, situation.threads))
}

fn asking_owned<S, C>(name: &'static str, limiter: &Arc<Limiter<S, C>>, threads: usize) -> Contender
where
    S: BuildHasher + Clone + Send + Sync + 'static,
    C: Clock + Send + Sync + 'static,
{
    let worker = |_| -> Worker {
        let limiter = Arc::clone(limiter);
        Box::new(move |chunk| count_allowed(chunk.owned, |key| black_box(limiter.check_key(key)).is_ok()))
    };
    Contender::with_workers(name, (0..threads).map(worker).collect())
}

/// A store filled in advance; memory for it is measured by the same function.
///
/// # Errors
/// None that is expected.
pub fn limiter<S, C>(situation: Situation<'_>, hasher: S, clock: C) -> Result<Arc<Limiter<S, C>>>
where
    S: BuildHasher + Clone + Default,
    C: Clock,
{
    let limiter = RateLimiter::dashmap_with_clock_and_hasher(quota(situation.expect)?, clock, hasher);
    situation.ask_beforehand(1, |key| limiter.check_key(&key.to_owned()));
    Ok(Arc::new(limiter))
}

fn quota(expect: Expect) -> Result<Quota> {
    let hundred = NonZeroU32::MIN.saturating_add(99);
    match expect {
        Expect::Allowed => Ok(Quota::per_minute(hundred).allow_burst(NonZeroU32::MAX)),
        Expect::Denied => Quota::with_period(DAY).ok_or_else(|| "governor: a period of 0".into()),
    }
}
