//! The limiters whose memory is measured, and what is put into them. Keys are made one at a
//! time: none is resident but in the limiter.

use std::time::Duration;

use tidegate::{Limiter, ManualClock};

use super::{Case, Sampler};
use crate::Result;
use crate::harness::Expect;
use crate::keys::key;
use crate::subjects::tidegate::{SEED, fill_seed};

/// All cases, ours first.
pub const ALL: &[Case] = &[
    Case { id: "tidegate-bucket", title: "tidegate, 10/second token-bucket", fill: bucket },
    Case { id: "tidegate-sparse", title: "tidegate, the seed's policy, 4 live units a key", fill: sparse },
    Case { id: "tidegate-full", title: "tidegate, the seed's policy, 100 live units a key", fill: full },
    Case {
        id: "tidegate-flood",
        title: "tidegate, then 9 times as many keys while all are live",
        fill: flood,
    },
    Case {
        id: "tidegate-turnover",
        title: "tidegate, then 9 times as many keys, each lot a minute later",
        fill: turnover,
    },
    Case { id: "governor", title: "governor", fill: governor },
    Case { id: "rate-net-bucket", title: "rate-net, bucket", fill: rate_net_bucket },
    Case { id: "rate-net-sparse", title: "rate-net, exact log, 4 live units a key", fill: rate_net_sparse },
    Case { id: "rate-net-full", title: "rate-net, exact log, 100 live units a key", fill: rate_net_full },
    Case { id: "gcra", title: "gcra", fill: gcra },
    Case { id: "throttlecrab", title: "throttlecrab", fill: throttlecrab },
];

fn bucket(keys: usize, sampler: &mut Sampler) -> Result<()> {
    let limiter = Limiter::builder("10/second token-bucket").max_keys(keys).build()?;
    (0..keys).try_for_each(|i| limiter.check(key(i)).map(drop))?;
    sampler.sample(&limiter)
}

fn seed(keys: usize, units: u64, sampler: &mut Sampler) -> Result<()> {
    let limiter = Limiter::builder(SEED).max_keys(keys).build()?;
    (0..keys).try_for_each(|i| fill_seed(&limiter, &key(i), units))?;
    sampler.sample(&limiter)
}

fn sparse(keys: usize, sampler: &mut Sampler) -> Result<()> {
    seed(keys, 4, sampler)
}

fn full(keys: usize, sampler: &mut Sampler) -> Result<()> {
    seed(keys, 100, sampler)
}

/// Nothing recovers, so that newcomers beyond the table's room are left to `on_full`.
fn flood(keys: usize, sampler: &mut Sampler) -> Result<()> {
    ten_times(keys, Duration::ZERO, sampler)
}

/// Every lot of keys finds the last one recovered and takes its place.
fn turnover(keys: usize, sampler: &mut Sampler) -> Result<()> {
    ten_times(keys, Duration::from_secs(61), sampler)
}

fn ten_times(keys: usize, between: Duration, sampler: &mut Sampler) -> Result<()> {
    let clock = ManualClock::new();
    let limiter = Limiter::builder(SEED).max_keys(keys).clock(clock.clone()).build()?;
    for lot in 0..10 {
        clock.advance(between);
        (lot * keys..(lot + 1) * keys).try_for_each(|i| limiter.check(key(i)).map(drop))?;
        if lot == 0 {
            sampler.sample(&limiter)?;
        }
    }
    sampler.sample(&limiter)
}

fn governor(keys: usize, sampler: &mut Sampler) -> Result<()> {
    let limiter = governor::RateLimiter::keyed(governor::Quota::per_minute(std::num::NonZeroU32::MAX));
    for i in 0..keys {
        // A denial is an `Err` here; the key counts either way.
        let _ = limiter.check_key(&key(i));
    }
    sampler.sample(&limiter)
}

fn rate_net_bucket(keys: usize, sampler: &mut Sampler) -> Result<()> {
    use rate_net::{Eviction, RateLimiter};
    let limiter = RateLimiter::builder().per_minute(100).eviction(Eviction::unbounded()).try_build()?;
    for i in 0..keys {
        let _ = limiter.check_bytes(key(i));
    }
    sampler.sample(&limiter)
}

fn rate_net_log(keys: usize, units: u32, sampler: &mut Sampler) -> Result<()> {
    use rate_net::{Algorithm, Eviction, RateLimiter};
    let limiter = RateLimiter::builder().algorithm(Algorithm::SlidingWindowLog);
    // An hour long, since filling a million logs takes part of a minute.
    let limiter =
        limiter.quota(100, Duration::from_secs(3600)).eviction(Eviction::unbounded()).try_build()?;
    for i in 0..keys {
        let key = key(i);
        for _ in 0..units {
            let _ = limiter.check_bytes(&key);
        }
    }
    sampler.sample(&limiter)
}

fn rate_net_sparse(keys: usize, sampler: &mut Sampler) -> Result<()> {
    rate_net_log(keys, 4, sampler)
}

fn rate_net_full(keys: usize, sampler: &mut Sampler) -> Result<()> {
    rate_net_log(keys, 100, sampler)
}

fn gcra(keys: usize, sampler: &mut Sampler) -> Result<()> {
    let limiter = crate::subjects::gcra::limiter(keys, Expect::Allowed);
    for i in 0..keys {
        limiter.check(&key(i));
    }
    sampler.sample(&limiter)
}

fn throttlecrab(keys: usize, sampler: &mut Sampler) -> Result<()> {
    use std::time::SystemTime;
    let mut limiter = throttlecrab::RateLimiter::new(throttlecrab::PeriodicStore::with_capacity(keys));
    for i in 0..keys {
        limiter.rate_limit(&key(i), 100, 100, 60, 1, SystemTime::now()).map_err(|e| e.to_string())?;
    }
    sampler.sample(&limiter)
}
