//! Where everything is: the words of an entry, the entries of a set, the parts of the region.
//! Derived from a policy and a capacity alone, so that every process that opens a table with the
//! same two finds the same places.
//!
//! ```text
//! region   ┌ tags: 8 bits a way ┐┌ hints ┐┌ insertion locks ┐┌ entries, overflow last ┐┌ rings ┐
//! entry    ┌ tag ┬ version ┬ last ┬ free_at ┬ limit 0 … limit n ┐   4, 8, 16 or 32 words
//! a log    ┌ count | head ┬ 2 newest events ┬ oldest | third ┐    3 words, and its ring
//! a bucket ┌ level ┐                                              1 word
//! ```
//!
//! With one log and one bucket an entry is one cache line.

use super::limits::{Anywhere, Placed, Shape};
use crate::algorithm::any::AnyRule;
use crate::algorithm::{Rule, Scale};
use crate::error::{Error, Result};
use crate::limit::{Algorithm, Limit};
use crate::policy::Policy;
use crate::time::{Tick, duration_nanos};

/// Entries of one set, one byte of its tag word each.
pub(super) const WAYS: usize = 8;
/// Sets that a key may be in.
const PROBES: usize = 64;
/// Insertions into different parts of the table do not wait for each other.
pub(super) const LOCKS: usize = 64;
/// One slot more is used for every 10 keys of the capacity asked for: a table of a million, with as
/// many keys, then has a place for every one of them.
const SPARE: usize = 10;

/// The words that every entry starts with.
pub(super) const TAG: usize = 0;
pub(super) const VERSION: usize = 1;
pub(super) const LAST: usize = 2;
pub(super) const FREE_AT: usize = 3;
/// The words of a header; a lone bucket's has no `free_at`, but stands where that would be.
pub(super) const HEADER: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) limits: Box<[Placed<AnyRule>]>,
    /// The words of an entry as a power of two.
    entry_shift: u32,
    /// Whether there is a word for the earliest time at which anything passes. A lone bucket
    /// answers as fast from its level, and its entries are half as long without.
    pub(super) has_free_at: bool,
    ring_slots: usize,
    pub(super) sets: usize,
    /// Entries that keys may use; the overflow entry is the one behind them.
    pub(super) capacity: usize,
    hints: usize,
    locks: usize,
    entries: usize,
    words: usize,
    events: usize,
}

impl Layout {
    /// # Errors
    /// A capacity of 0 or one whose table no address space holds.
    pub(crate) fn new(policy: &Policy, max_keys: usize, lag: std::time::Duration) -> Result<Self> {
        if max_keys == 0 {
            return Err(Error::Options("max_keys is 0; a limiter has room for at least 1 key".into()));
        }
        let too_large = || Error::Options(format!("max_keys of {max_keys} is beyond any memory: lower it"));
        let small = max_keys <= PROBES * WAYS;
        let slots =
            if small { max_keys } else { max_keys.checked_add(max_keys / SPARE).ok_or_else(too_large)? };
        let sets = slots.div_ceil(WAYS);
        let capacity = if small { max_keys } else { sets.checked_mul(WAYS).ok_or_else(too_large)? };

        let has_free_at = !matches!(policy.limits(), [only] if only.algorithm() == Algorithm::TokenBucket);
        let (limits, entry_words, ring_slots) = place_limits(policy.limits(), has_free_at, lag);
        let entry_words = entry_words.next_power_of_two();
        let entry_shift = entry_words.trailing_zeros();

        let hints = sets;
        let locks = hints + sets;
        // Entries begin on a cache line, so that one of 64 bytes is in one line.
        let entries = (locks + LOCKS).next_multiple_of(8);
        let slots = capacity.checked_add(1).ok_or_else(too_large)?;
        let words =
            slots.checked_mul(entry_words).and_then(|w| w.checked_add(entries)).ok_or_else(too_large)?;
        let events = slots.checked_mul(ring_slots).ok_or_else(too_large)?;
        if super::Region::bytes(words, events).is_none_or(|bytes| bytes > isize::MAX as u64) {
            return Err(too_large());
        }
        Ok(Self {
            shape: Shape::of(&limits),
            limits: limits.into(),
            entry_shift,
            has_free_at,
            ring_slots,
            sets,
            capacity,
            hints,
            locks,
            entries,
            words,
            events,
        })
    }

    /// Words and events of the whole region.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.words, self.events)
    }

    #[inline(always)]
    pub(super) fn tag_word(&self, set: usize) -> usize {
        set
    }

    #[inline(always)]
    pub(super) fn hint_word(&self, set: usize) -> usize {
        self.hints + set
    }

    #[inline(always)]
    pub(crate) fn lock_word(&self, set: usize) -> usize {
        self.locks + set % LOCKS
    }

    #[inline(always)]
    pub(super) fn entry_word(&self, slot: usize) -> usize {
        self.entries + (slot << self.entry_shift)
    }

    #[inline(always)]
    pub(super) fn entry_words(&self) -> usize {
        1 << self.entry_shift
    }

    /// The first ring slot of an entry.
    #[inline(always)]
    pub(super) fn ring_start(&self, slot: usize) -> usize {
        slot * self.ring_slots
    }

    /// The set where the search for a key begins.
    #[inline(always)]
    pub(super) fn home(&self, tag: u64) -> usize {
        ((u128::from(tag) * self.sets as u128) >> 64) as usize
    }

    /// The sets a key may be in, in order. Steps grow by one, so that full neighbourhoods are left
    /// soon; a table of few sets is searched whole.
    #[inline(always)]
    pub(super) fn probe(&self, tag: u64) -> impl Iterator<Item = usize> + use<> {
        let sets = self.sets;
        let (count, grow) = if sets <= PROBES { (sets, 0) } else { (PROBES, 1) };
        let mut set = self.home(tag);
        let mut step = 1;
        (0..count).map(move |_| {
            let this = set;
            set += step;
            step += grow;
            if set >= sets {
                set -= sets;
            }
            this
        })
    }

    /// The ways of a set that keys may use, as one bit at the top of each byte.
    #[inline(always)]
    pub(super) fn usable_ways(&self, set: usize) -> u64 {
        const ALL: u64 = 0x8080_8080_8080_8080;
        let ways = self.capacity - (set * WAYS).min(self.capacity);
        if ways >= WAYS { ALL } else { ALL & ((1 << (8 * ways)) - 1) }
    }
}

fn place_limits(
    limits: &[Limit],
    has_free_at: bool,
    lag: std::time::Duration,
) -> (Vec<Placed<AnyRule>>, usize, usize) {
    let mut word = if has_free_at { FREE_AT + 1 } else { FREE_AT };
    let mut ring = 0;
    let mut placed = Vec::with_capacity(limits.len());
    for limit in limits {
        let lag = duration_nanos(lag).div_ceil(limit.tick_nanos());
        let rule = AnyRule::of(limit, lag);
        let scale = Scale { tick: Tick::new(limit.tick_nanos()), lag };
        placed.push(Placed { rule, scale, word: Anywhere(word), ring });
        word += rule.words();
        ring += rule.ring_slots();
    }
    (placed, word, ring)
}
