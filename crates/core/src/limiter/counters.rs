//! What a limiter has done, counted without slowing it down.
//!
//! Every thread adds to a shard of its own by a plain load and store; reading sums the shards.
//! Threads beyond the number of shards share the last one and add atomically.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::policy::MAX_LIMITS;

/// What a limiter has done since it was made.
///
/// Every call is counted once: in `admitted`, or in `denied` for the limit that its decision
/// reports. The sums are exact once the calls have returned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Calls admitted.
    pub admitted: u64,
    /// Calls denied, for each limit in the policy's order.
    pub denied: Vec<u64>,
    /// Calls of keys that the table had no room for, decided by [`OnFull`](crate::OnFull);
    /// each is also admitted or denied.
    pub overflowed: u64,
    /// Entries whose limits had all recovered and whose place a new key took.
    pub reclaimed: u64,
    /// Calls whose entry could not be had, decided by [`OnUnavailable`](crate::OnUnavailable);
    /// each is also admitted or denied.
    pub unavailable: u64,
}

const SHARDS: usize = 32;
const OVERFLOWED: usize = MAX_LIMITS + 1;
const RECLAIMED: usize = MAX_LIMITS + 2;
const UNAVAILABLE: usize = MAX_LIMITS + 3;
const EVENTS: usize = MAX_LIMITS + 4;

/// A multiple of two cache lines, since processors fetch lines in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Shard([AtomicU64; EVENTS]);

/// The shards of one limiter. Event 0 is an admission, 1 + i a denial by limit i.
pub(super) struct Shards {
    /// Each written to by one thread.
    own: Box<[Shard; SHARDS]>,
    /// Of all threads beyond those.
    shared: Box<Shard>,
}

impl Shards {
    pub(super) fn new() -> Self {
        Self { own: Box::new(std::array::from_fn(|_| Shard::default())), shared: Box::default() }
    }

    #[inline(always)]
    pub(super) fn admitted(&self) {
        self.add(0);
    }

    #[inline(always)]
    pub(super) fn denied(&self, limit: usize) {
        self.add(1 + limit % MAX_LIMITS);
    }

    pub(super) fn overflowed(&self) {
        self.add(OVERFLOWED);
    }

    pub(super) fn unavailable(&self) {
        self.add(UNAVAILABLE);
    }

    pub(super) fn reclaimed(&self) {
        self.add(RECLAIMED);
    }

    #[inline(always)]
    fn add(&self, event: usize) {
        let Some(shard) = self.own.get(MINE.get()) else { return self.add_first_or_shared(event) };
        if let Some(counter) = shard.0.get(event) {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
    }

    #[cold]
    fn add_first_or_shared(&self, event: usize) {
        if MINE.get() == UNKNOWN && lease_shard() < SHARDS {
            self.add(event);
        } else if let Some(counter) = self.shared.0.get(event) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn sum(&self, limits: usize) -> Counters {
        let sum = |event: usize| {
            let shards = self.own.iter().chain([&*self.shared]);
            let counters = shards.filter_map(|shard| shard.0.get(event));
            counters.map(|counter| counter.load(Ordering::Relaxed)).fold(0u64, u64::wrapping_add)
        };
        Counters {
            admitted: sum(0),
            denied: (0..limits).map(|limit| sum(1 + limit)).collect(),
            overflowed: sum(OVERFLOWED),
            reclaimed: sum(RECLAIMED),
            unavailable: sum(UNAVAILABLE),
        }
    }
}

/// How long a thread that begins or ends waits for the others that do.
const PATIENCE: Duration = Duration::from_millis(100);

/// Shards that no living thread uses.
static FREE: Mutex<[bool; SHARDS]> = Mutex::new([true; SHARDS]);

thread_local! {
    /// This thread's shard; `UNKNOWN` before its first count.
    static MINE: Cell<usize> = const { Cell::new(UNKNOWN) };
    static LEASE: Lease = Lease::take();
}

const UNKNOWN: usize = usize::MAX;

fn lease_shard() -> usize {
    // A thread that is being torn down counts in the shared shard.
    let mine = LEASE.try_with(|lease| lease.0).unwrap_or(SHARDS);
    MINE.set(mine);
    mine
}

/// A shard for as long as its thread lives.
struct Lease(usize);

impl Lease {
    fn take() -> Self {
        // In a forked child the lock may be a thread's that is not there.
        let Some(mut free) = FREE.try_lock_for(PATIENCE) else { return Self(SHARDS) };
        let Some(shard) = free.iter().position(|&free| free) else { return Self(SHARDS) };
        if let Some(slot) = free.get_mut(shard) {
            *slot = false;
        }
        Self(shard)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        MINE.set(SHARDS);
        if let Some(mut free) = FREE.try_lock_for(PATIENCE)
            && let Some(slot) = free.get_mut(self.0)
        {
            *slot = true;
        }
    }
}
