//! The sliding-window log: at every instant the units admitted in (t−w, t] are at most q.
//!
//! Every admitted unit is an *event*: the tick it was recorded at, as a wrapping `u32`. A log is
//! a list of events in order of time. The newest [`RECENT`] are part of the log's own words, the
//! older ones stand in a ring outside, which a key with few events never touches.
//!
//! Deciding a cost of n reads one event: the n-th oldest of those that would have to leave.

use super::{Present, ticks};
use crate::decision::Outcome;

/// How many of the newest events are kept with the log itself.
pub(crate) const RECENT: u32 = 4;

/// Events up to this far in the future of `now` count as live rather than as ages past wrapping.
///
/// Ages of stored events stay below 3·2³⁰: those live at the last admission are younger than a
/// window (≤ 2³⁰), and a log idle for longer than a window and the clock's lag is empty.
const FUTURE: u32 = 1 << 30;

/// Where the older events are: the slots of one limit of one entry.
pub(crate) trait Ring {
    /// The event in slot `index`.
    fn get(&self, index: u32) -> u32;
    /// Puts `event` into slot `index`.
    fn set(&self, index: u32, event: u32);
}

/// The constants of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRule {
    pub(crate) quota: u32,
    /// The window in ticks, at most 2³⁰.
    pub(crate) window: u32,
    /// The most ticks after the present that an admission is recorded.
    pub(crate) lead: u64,
}

/// The state of a log.
///
/// Event i (0 is the oldest) is in ring slot `head + i`, or among `recent` if it is one of the
/// newest four; `recent[0]` holds the two newest, the very newest in its low half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    head: u32,
    len: u32,
    recent: [u64; 2],
}

impl LogRule {
    /// Slots of the ring outside.
    #[inline(always)]
    pub(crate) fn ring_slots(&self) -> u32 {
        self.quota.saturating_sub(RECENT)
    }

    #[inline(always)]
    fn is_live(&self, event: u32, now: u32) -> bool {
        now.wrapping_sub(event).wrapping_add(FUTURE) < self.window + FUTURE
    }

    /// Ticks until a live event leaves the window.
    #[inline(always)]
    fn until_leaves(&self, event: u32, now: u32) -> u32 {
        event.wrapping_add(self.window).wrapping_sub(now)
    }

    #[inline(always)]
    fn wrap(&self, index: u32) -> u32 {
        let slots = self.ring_slots();
        if index >= slots { index - slots } else { index }
    }
}

impl Log {
    /// A log without events.
    pub(crate) const EMPTY: Self = Self { head: 0, len: 0, recent: [0; 2] };

    /// The log in its stored form, from words that may hold anything.
    #[inline(always)]
    pub(crate) fn from_words(words: [u64; 3], rule: &LogRule) -> Self {
        let [place, newer, older] = words;
        let (head, len) = (place as u32, (place >> 32) as u32);
        Self {
            head: if head < rule.ring_slots() { head } else { 0 },
            len: len.min(rule.quota),
            recent: [newer, older],
        }
    }

    #[inline(always)]
    pub(crate) fn to_words(self) -> [u64; 3] {
        [u64::from(self.len) << 32 | u64::from(self.head), self.recent[0], self.recent[1]]
    }

    /// Event `index` of `len`, counted from the oldest.
    #[inline(always)]
    fn event(&self, rule: &LogRule, ring: &impl Ring, index: u32) -> u32 {
        let from_newest = self.len - 1 - index;
        if from_newest < RECENT {
            let pair = if from_newest < 2 { self.recent[0] } else { self.recent[1] };
            (pair >> (32 * (from_newest & 1))) as u32
        } else {
            ring.get(rule.wrap(self.head + index))
        }
    }

    /// Events that stand in the ring.
    #[inline(always)]
    fn in_ring(&self) -> u32 {
        self.len.saturating_sub(RECENT)
    }

    /// The same log without the events that have left the window.
    #[inline(always)]
    pub(crate) fn settle(self, rule: &LogRule, ring: &impl Ring, present: Present) -> Self {
        let now = present.now as u32;
        if self.len == 0 || present.idle > u64::from(rule.window) + rule.lead {
            return Self { len: 0, ..self };
        }
        if rule.is_live(self.event(rule, ring, 0), now) {
            return self;
        }
        self.without_oldest(rule, self.expired(rule, ring, now))
    }

    /// How many of the oldest events have left, given that the oldest has. Events are in order,
    /// and mostly one or two leave at a time: doubling steps, then bisection.
    fn expired(&self, rule: &LogRule, ring: &impl Ring, now: u32) -> u32 {
        let has_left = |count: u32| !rule.is_live(self.event(rule, ring, count - 1), now);
        let (mut gone, mut step) = (1, 1);
        while gone + step <= self.len && has_left(gone + step) {
            gone += step;
            step *= 2;
        }
        let mut beyond = (gone + step).min(self.len + 1);
        while gone + 1 < beyond {
            let middle = gone + (beyond - gone) / 2;
            if has_left(middle) {
                gone = middle;
            } else {
                beyond = middle;
            }
        }
        gone
    }

    fn without_oldest(self, rule: &LogRule, count: u32) -> Self {
        let from_ring = count.min(self.in_ring());
        Self { head: rule.wrap(self.head + from_ring), len: self.len - count, ..self }
    }

    /// Whether a settled log admits `cost` more units.
    #[inline(always)]
    pub(crate) fn admits(&self, rule: &LogRule, cost: u64) -> bool {
        cost <= u64::from(rule.quota - self.len)
    }

    /// Whether a settled log has nothing left.
    #[inline(always)]
    pub(crate) fn is_spent(&self, rule: &LogRule) -> bool {
        self.len >= rule.quota
    }

    /// Ticks until the oldest event of a settled log leaves; 0 if it has none.
    #[inline(always)]
    pub(crate) fn until_next(&self, rule: &LogRule, ring: &impl Ring, present: Present) -> u32 {
        if self.len == 0 {
            return 0;
        }
        rule.until_leaves(self.event(rule, ring, 0), present.now as u32)
    }

    /// What a settled log says of itself when it does not deny.
    #[inline(always)]
    pub(crate) fn outcome(&self, rule: &LogRule, ring: &impl Ring, present: Present) -> Outcome {
        let newest = rule.until_leaves(self.recent[0] as u32, present.now as u32);
        Outcome {
            remaining: u64::from(rule.quota - self.len),
            reset: if self.len == 0 { 0 } else { newest },
            next: self.until_next(rule, ring, present),
        }
    }

    /// What a settled log says of itself when it denies `cost`: it waits until as many of the
    /// oldest events have left as units are lacking.
    #[inline(always)]
    pub(crate) fn denial(&self, rule: &LogRule, ring: &impl Ring, present: Present, cost: u64) -> Outcome {
        let lacking = u64::from(self.len).saturating_add(cost).saturating_sub(u64::from(rule.quota));
        let last_to_leave = ticks(lacking).min(self.len).saturating_sub(1);
        let wait = match self.len {
            0 => rule.window,
            _ => rule.until_leaves(self.event(rule, ring, last_to_leave), present.now as u32),
        };
        Outcome { next: wait, ..self.outcome(rule, ring, present) }
    }

    /// The settled log with `cost` more events, which it admits. Writes to the ring only slots
    /// that are not in use before.
    #[inline(always)]
    pub(crate) fn take(self, rule: &LogRule, ring: &impl Ring, present: Present, cost: u64) -> Self {
        let cost = ticks(cost).min(rule.quota - self.len);
        let recorded = (present.now + present.lead) as u32;
        let len = self.len + cost;
        for index in self.in_ring()..len.saturating_sub(RECENT) {
            let event = if index < self.len { self.event(rule, ring, index) } else { recorded };
            ring.set(rule.wrap(self.head + index), event);
        }
        let mut recent = self.recent;
        for _ in 0..cost.min(RECENT) {
            recent = pushed(recent, recorded);
        }
        Self { len, recent, ..self }
    }

    /// The log without its newest `cost` events.
    pub(crate) fn give_back(self, rule: &LogRule, ring: &impl Ring, cost: u64) -> Self {
        let len = self.len - ticks(cost).min(self.len);
        let kept = len.saturating_sub(RECENT)..len;
        let recent = kept.fold([0; 2], |recent, index| pushed(recent, self.event(rule, ring, index)));
        Self { len, recent, ..self }
    }

    /// The tick at which the last event leaves, given the tick of the last admission; `None` for
    /// a log without events.
    pub(crate) fn recovers_at(&self, rule: &LogRule, last: u64) -> Option<u64> {
        let newest = self.recent[0] as u32;
        let ahead = newest.wrapping_sub(last as u32) as i32;
        let leaves = last.saturating_add_signed(i64::from(ahead)).saturating_add(u64::from(rule.window));
        (self.len != 0).then_some(leaves)
    }
}

/// The four newest events with one more.
#[inline(always)]
fn pushed([newer, older]: [u64; 2], event: u32) -> [u64; 2] {
    [newer << 32 | u64::from(event), older << 32 | newer >> 32]
}
