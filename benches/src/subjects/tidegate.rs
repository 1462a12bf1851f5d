//! tidegate: the seed's policy with everything as it is by default, unless a mode says otherwise.
//!
//! The seed's policy admits ten checks of a key at once and a hundred a minute, so no key can be
//! admitted for as long as a measurement takes. Three ways around that, each named in the tables
//! and discussed in `METHODOLOGY.md`: taking back outside the timed part what a chunk took; a
//! time that the caller moves on (`moving_*`); and, for two threads, the same limits with a
//! larger quota ([`WIDE`]).

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::{Clock, Decision, Limiter, LimiterBuilder, Nanos};

use super::Situation;
use crate::Result;
use crate::contender::{Contender, count_allowed};
use crate::harness::Expect;

/// The policy of every mode that does not say otherwise.
pub const SEED: &str = "100/minute; 10/second token-bucket";

/// The seed's two limits with a quota that two threads take a while to use up. Its pace alone
/// would make the limiter choose the precise clock: a mode that uses it sets the coarse one, which
/// is what the seed's policy gets.
pub const WIDE: &str = "20000/minute; 20000/second token-bucket";

/// Checks of each of two threads after which [`WIDE`] is taken back: nearly all that it has.
pub const WIDE_CHECKS: usize = 9_500;

/// The same with a quota that lasts for chunks so long that a message between two processes is
/// nothing beside one.
pub const WIDEST: &str = "200000/minute; 200000/second token-bucket";

/// Checks of each of two processes after which [`WIDEST`] is taken back.
pub const WIDEST_CHECKS: usize = 95_000;

/// What is asked of the limiter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `check`, the whole decision built.
    Check,
    /// `check`, and `remaining`, `reset_after` and `retry_after` read from the decision.
    CheckAndRead,
    /// `allow`.
    Allow,
    /// `check_many`, 64 keys at once: a vector of decisions.
    CheckMany,
    /// `check_many_with`, 64 keys at once: decisions one by one.
    CheckManyWith,
}

impl Ask {
    /// As the tables name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "tidegate check",
            Self::CheckAndRead => "tidegate check, decision read",
            Self::Allow => "tidegate allow",
            Self::CheckMany => "tidegate check_many of 64",
            Self::CheckManyWith => "tidegate check_many_with of 64",
        }
    }

    /// One loop a thread over the limiter.
    fn contender(self, limiter: &Arc<Limiter>, threads: usize) -> Contender {
        match self {
            Self::Check => Contender::sharing(self.name(), limiter, threads, check),
            Self::CheckAndRead => Contender::sharing(self.name(), limiter, threads, check_and_read),
            Self::Allow => Contender::sharing(self.name(), limiter, threads, allow),
            Self::CheckMany => batches(self.name(), limiter, check_many),
            Self::CheckManyWith => batches(self.name(), limiter, check_many_with),
        }
    }
}

#[inline(always)]
pub(crate) fn check(limiter: &Limiter, key: &str) -> bool {
    let decision = limiter.check(key);
    // By reference: the decision must be in memory, and is not copied to get there.
    matches!(black_box(&decision), Ok(decision) if decision.allowed())
}

#[inline(always)]
fn check_and_read(limiter: &Limiter, key: &str) -> bool {
    let decision = limiter.check(key);
    match black_box(&decision) {
        Ok(decision) => {
            black_box((decision.remaining(), decision.reset_after(), decision.retry_after()));
            decision.allowed()
        }
        Err(_) => false,
    }
}

#[inline(always)]
fn allow(limiter: &Limiter, key: &str) -> bool {
    matches!(black_box(&limiter.allow(key)), Ok(true))
}

fn batches(name: &'static str, limiter: &Arc<Limiter>, check: fn(&Limiter, &[&str]) -> u64) -> Contender {
    let limiter = Arc::clone(limiter);
    Contender::new(name, move |chunk| {
        chunk.keys.chunks(64).map(|keys| check(&limiter, black_box(keys))).sum()
    })
}

fn check_many(limiter: &Limiter, keys: &[&str]) -> u64 {
    match black_box(&limiter.check_many(keys, 1)) {
        Ok(decisions) => decisions.iter().filter(|decision| decision.allowed()).count() as u64,
        Err(_) => 0,
    }
}

fn check_many_with(limiter: &Limiter, keys: &[&str]) -> u64 {
    let mut allowed = 0;
    let each = |_, decision: Decision<'_>| allowed += u64::from(black_box(&decision).allowed());
    match limiter.check_many_with(keys, |_| 1, each) {
        Ok(()) => allowed,
        Err(_) => 0,
    }
}

/// The defaults, with room for more keys where a mode has more.
fn builder(policy: &str, keys: usize) -> LimiterBuilder {
    let builder = Limiter::builder(policy);
    if keys > 10_000 { builder.max_keys(keys) } else { builder }
}

/// tidegate with the seed's policy.
///
/// # Errors
/// A limiter that cannot be built, or keys that cannot be prepared.
pub fn seed(ask: Ask, situation: Situation<'_>) -> Result<Contender> {
    let limiter = Arc::new(seed_builder(situation.keys.len()).build()?);
    Ok(prepared_seed(ask, &limiter, situation))
}

/// The defaults for the seed's policy.
pub(crate) fn seed_builder(keys: usize) -> LimiterBuilder {
    builder(SEED, keys)
}

/// A limiter of the seed's policy, its keys as the situation wants them.
pub(crate) fn prepared_seed(ask: Ask, limiter: &Arc<Limiter>, situation: Situation<'_>) -> Contender {
    let units = if situation.expect == Expect::Denied { 100 } else { u64::from(situation.live) };
    prepared(ask, limiter, lived_through(units), situation)
}

/// tidegate with the seed's policy on the precise clock, to see what the clock alone is worth.
///
/// # Errors
/// As for [`seed`].
pub fn seed_precise(situation: Situation<'_>) -> Result<Contender> {
    let units = if situation.expect == Expect::Denied { 100 } else { u64::from(situation.live) };
    let limiter = Arc::new(builder(SEED, situation.keys.len()).clock(Clock::Precise).build()?);
    let contender = prepared(Ask::Check, &limiter, lived_through(units), situation);
    Ok(Contender { name: "tidegate check, precise clock", ..contender })
}

/// tidegate with the [`WIDE`] policy on the seed's clock.
///
/// # Errors
/// As for [`seed`].
pub fn wide(ask: Ask, situation: Situation<'_>) -> Result<Contender> {
    let limiter = Arc::new(builder(WIDE, situation.keys.len()).clock(Clock::Coarse).build()?);
    let contender = ask.contender(&limiter, situation.threads);
    Ok(contender.undoing(move |chunk| {
        let taken = situation.threads.saturating_mul(chunk.keys.len()) as u64;
        let _ = chunk.keys.first().map(|key| limiter.refund(key, taken));
    }))
}

/// An exact log of `quota` a day, full, on the automatic clock.
///
/// # Errors
/// As for [`seed`].
pub fn full_log(name: &'static str, quota: u64, situation: Situation<'_>) -> Result<Contender> {
    let limiter = Arc::new(builder(&per_day(quota), situation.keys.len()).build()?);
    let state = State { units: quota, at_once: 1, apart: Duration::from_millis(1) };
    Ok(Contender { name, ..prepared(Ask::Check, &limiter, state, situation) })
}

fn per_day(quota: u64) -> String {
    format!("{quota}/day")
}

/// Logs of `quota` in 15 minutes that are full at every check: for each unit admitted one expires. A
/// longer window would move the time past the end of the engine's 292 years.
///
/// # Errors
/// As for [`seed`].
pub fn moving_log(name: &'static str, quota: u64) -> Result<Contender> {
    moving(name, &format!("{quota}/15 minutes"), Duration::from_secs(900), quota)
}

/// The seed's policy in its steady state: at every check the log is full and its oldest unit has
/// just expired.
///
/// # Errors
/// As for [`seed`].
pub fn moving_seed() -> Result<Contender> {
    moving("tidegate check, log full and moving", SEED, Duration::from_secs(60), 100)
}

/// The caller gives the time, a little more than window/quota later at every check. The clock
/// that the policy would use is read all the same, so that its cost is in the figure.
fn moving(name: &'static str, policy: &str, window: Duration, quota: u64) -> Result<Contender> {
    let limiter = builder(policy, 1).build()?;
    let step = (window + Duration::from_secs(1)).div_f64(quota as f64);
    let mut now = Clock::Coarse.now();
    Ok(Contender::new(name, move |chunk| {
        count_allowed(chunk.keys, |key| {
            black_box(Clock::Coarse.now());
            now = now + step;
            let decision = limiter.check_at(key, 1, now);
            matches!(black_box(&decision), Ok(decision) if decision.allowed())
        })
    }))
}

/// What every key has used before a round: `units`, `at_once` of them every `apart`, the latest
/// just now.
#[derive(Clone, Copy)]
struct State {
    units: u64,
    at_once: u64,
    apart: Duration,
}

/// How old a state may get: the seed's log forgets its first units after another 30 seconds.
const FRESH: Duration = Duration::from_secs(15);

fn prepared(ask: Ask, limiter: &Arc<Limiter>, state: State, situation: Situation<'_>) -> Contender {
    let contender = ask.contender(limiter, situation.threads);
    let (filling, keys) = (Arc::clone(limiter), situation.keys.to_vec());
    let mut filled: Option<Instant> = None;
    let contender = contender.preparing(move || {
        if filled.is_none_or(|at| at.elapsed() > FRESH) {
            keys.iter().try_for_each(|key| fill(&filling, key, state))?;
            filled = Some(Instant::now());
        }
        Ok(())
    });
    if !situation.undo {
        return contender;
    }
    let limiter = Arc::clone(limiter);
    contender.undoing(move |chunk| chunk.keys.iter().for_each(|key| drop(limiter.refund(key, 1))))
}

/// Brings a key into a state, as if its past had been lived through.
///
/// # Errors
/// A state that the policy does not admit.
fn fill(limiter: &Limiter, key: &str, state: State) -> Result<()> {
    limiter.reset(key)?;
    let steps = state.units.div_ceil(state.at_once);
    let span = state.apart.saturating_mul(u32::try_from(steps)?);
    let mut at = Nanos::from(limiter.now().saturating_since(Nanos::from(span)));
    for step in 0..steps {
        let cost = state.at_once.min(state.units - step * state.at_once);
        let decision = limiter.check_at(key, cost, at)?;
        if !decision.tracked() {
            // A table this full sends a few keys in a million to the overflow entry.
            return Ok(());
        }
        if !decision.allowed() {
            return Err(format!("`{key}` could not be given {} units: {decision:?}", state.units).into());
        }
        at = at + state.apart;
    }
    Ok(())
}

/// A past that the seed's policy admits whatever the clock's lag: half its burst at a time.
fn lived_through(units: u64) -> State {
    State { units, at_once: 5, apart: Duration::from_millis(600) }
}

/// Gives a key `units` under the seed's policy, as if it had been asking for some seconds.
///
/// # Errors
/// More than 100.
pub fn fill_seed(limiter: &Limiter, key: &str, units: u64) -> Result<()> {
    fill(limiter, key, lived_through(units))
}
