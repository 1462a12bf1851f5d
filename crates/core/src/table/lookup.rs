//! Which entry is a key's: finding it without a lock, and giving a new key one.
//!
//! Every set has a word with one byte for each of its entries: 0 for one that was never used, else
//! a part of its key's tag. A byte is set once and later only replaced, so a set without a zero
//! stays without one: the search for a key may stop at the first set that has one.
//!
//! Insertion holds one of a few locks, chosen by the key's home set, and searches again under
//! it: two threads never make two entries for one key, which would double its quota.

use super::Table;
use super::entry::Entry;
use super::layout::{LOCKS, WAYS};
use super::owners::{Owners, Wait, Waited};
use super::sync::{AtomicU64, Ordering};
use super::version;

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// The top bit of every zero byte of `word`, exact for the lowest one.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

/// The part of a tag that stands in its set's word; never zero.
#[inline(always)]
fn tag_byte(tag: u64) -> u64 {
    (tag & 0xff).max(1)
}

/// The way that a key is given if it is free, which it is for more than half of the keys: a search
/// can ask for that entry's line before it knows the set's tags.
#[inline(always)]
fn preferred_way(tag: u64) -> usize {
    (tag >> 8) as usize % WAYS
}

/// The ways that a mask of top bits names.
fn ways(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let way = (mask != 0).then(|| mask.trailing_zeros() as usize / 8);
        mask &= mask.wrapping_sub(1);
        way
    })
}

/// Where a new key was put.
pub(super) enum Place {
    /// It has this slot now, or had it already.
    At { slot: usize, reclaimed: bool },
    /// Every entry that it may use still counts for another key, at least until then as far as is
    /// known.
    Full { until: u64 },
    /// A process that does not go on is in the way, or this one may not write any more.
    Unavailable,
}

/// What became of looking for an unused entry in a set.
enum Unused {
    Taken(usize),
    None,
    /// A process that does not go on holds it, or this one may not write any more.
    Unavailable,
}

/// An attempt at one entry.
enum Claim {
    Done,
    /// Another thread is writing to it.
    Busy,
    /// It is no longer what it was.
    Changed,
}

/// Held during an insertion; given back when dropped. The word is of the same form as an entry's.
struct InsertLock<'a> {
    word: &'a AtomicU64,
    version: u64,
}

impl<'a> InsertLock<'a> {
    /// `None` if whoever holds it does not go on, or if this process may not write.
    fn take(word: &'a AtomicU64, owners: &Owners) -> Option<Self> {
        let mut wait = Wait::new(owners);
        loop {
            let me = owners.me()?;
            let found = word.load(Ordering::Relaxed);
            let waited = if version::is_locked(found) {
                wait.for_word(found, version::owner(found))
            } else {
                Waited::HolderEnded
            };
            match waited {
                Waited::Some => {}
                // What an insertion has written is whole without the lock: each entry has its own.
                Waited::HolderEnded => {
                    let version = version::unlocked(found);
                    let mine = version::locked(version, me);
                    if word.compare_exchange(found, mine, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                        return Some(Self { word, version });
                    }
                }
                Waited::Stalled => return None,
            }
        }
    }
}

impl Drop for InsertLock<'_> {
    fn drop(&mut self) {
        self.word.store(version::released(self.version, 0), Ordering::Release);
    }
}

impl Table {
    /// The slot of a key's entry, as of some moment during the call.
    pub(super) fn find(&self, tag: u64) -> Option<usize> {
        for set in self.layout.probe(tag) {
            let word = self.tag_word(set).load(Ordering::Acquire);
            let matching = zero_bytes(word ^ (tag_byte(tag) * ONES)) & self.layout.usable_ways(set);
            let found =
                ways(matching).map(|way| set * WAYS + way).find(|&slot| self.entry(slot).tag() == tag);
            if found.is_some() {
                return found;
            }
            if zero_bytes(word) & self.layout.usable_ways(set) != 0 {
                return None;
            }
        }
        None
    }

    /// A slot that may be a key's by what the tags of its sets say, without a look at an entry: of its
    /// home set the preferred one if it may be, else the first that may.
    ///
    /// A way that the processor guesses does not wait for the set's tags, so the preferred one is
    /// asked for by itself.
    #[inline(always)]
    pub(super) fn guessed_slot(&self, tag: u64) -> Option<usize> {
        let home = self.layout.home(tag);
        let word = self.tag_word(home).load(Ordering::Relaxed);
        let preferred = preferred_way(tag);
        if word >> (8 * preferred) & 0xff != tag_byte(tag) {
            return self.unguessed_slot(tag);
        }
        let slot = home * WAYS + preferred;
        (slot < self.layout.capacity).then_some(slot)
    }

    #[cold]
    fn unguessed_slot(&self, tag: u64) -> Option<usize> {
        self.likely_slot(tag)
    }

    /// The same without a guess, which costs more than it gains where many keys are asked for at once.
    #[inline(always)]
    pub(super) fn likely_slot(&self, tag: u64) -> Option<usize> {
        let home = self.layout.home(tag);
        let word = self.tag_word(home).load(Ordering::Relaxed);
        self.likely_way(home, word, tag).or_else(|| self.likely_slot_beyond(home, word, tag))
    }

    /// The same in the sets after the home set, given the home set's tags: in a table nearly full an
    /// eighth of the keys are there.
    #[inline(never)]
    fn likely_slot_beyond(&self, home: usize, word: u64, tag: u64) -> Option<usize> {
        let (mut set, mut word) = (home, word);
        for next in self.layout.probe(tag).skip(1) {
            if zero_bytes(word) & self.layout.usable_ways(set) != 0 {
                return None;
            }
            (set, word) = (next, self.tag_word(next).load(Ordering::Relaxed));
            let way = self.likely_way(set, word, tag);
            if way.is_some() {
                return way;
            }
        }
        None
    }

    #[inline(always)]
    fn likely_way(&self, set: usize, word: u64, tag: u64) -> Option<usize> {
        let matching = zero_bytes(word ^ (tag_byte(tag) * ONES));
        let slot = set * WAYS + matching.trailing_zeros() as usize / 8;
        (matching != 0 && slot < self.layout.capacity).then_some(slot)
    }

    /// The slot that a key is given if it is free: where it may be before its set is looked at. In a
    /// small table it may be beyond the end.
    #[inline(always)]
    pub(super) fn preferred_slot(&self, tag: u64) -> usize {
        self.layout.home(tag) * WAYS + preferred_way(tag)
    }

    /// The ways of a set that were ever used, as one bit at the top of each byte.
    pub(super) fn used_ways(&self, set: usize) -> u64 {
        let word = self.tag_word(set).load(Ordering::Acquire);
        let used = (0..WAYS).filter(|way| word >> (8 * way) & 0xff != 0);
        used.fold(0, |mask, way| mask | 0x80 << (8 * way)) & self.layout.usable_ways(set)
    }

    /// Gives back the insertion locks whose holders have ended.
    pub(super) fn release_insertions(&self, has_ended: impl Fn(u32) -> bool) {
        for set in 0..LOCKS {
            let word = self.region.word(self.layout.lock_word(set));
            let found = word.load(Ordering::Relaxed);
            if version::is_locked(found) && has_ended(version::owner(found)) {
                let free = version::unlocked(found);
                // Whoever was faster has done the same.
                let _ = word.compare_exchange(found, free, Ordering::Acquire, Ordering::Relaxed);
            }
        }
    }

    /// Gives a key an entry: an unused one, or one whose limits have all recovered.
    #[cold]
    pub(super) fn insert(&self, tag: u64, now: u64) -> Place {
        let home = self.layout.home(tag);
        let word = self.region.word(self.layout.lock_word(home));
        let Some(_lock) = InsertLock::take(word, &self.owners) else { return Place::Unavailable };
        if let Some(slot) = self.find(tag) {
            return Place::At { slot, reclaimed: false };
        }
        let mut until = u64::MAX;
        for set in self.layout.probe(tag) {
            match self.claim_unused(set, tag) {
                Unused::Taken(slot) => return Place::At { slot, reclaimed: false },
                Unused::None => {}
                Unused::Unavailable => return Place::Unavailable,
            }
            match self.reclaim(set, tag, now) {
                Ok(slot) => return Place::At { slot, reclaimed: true },
                Err(recovers) => until = until.min(recovers),
            }
        }
        Place::Full { until }
    }

    /// If there is no room for a key without an entry, the earliest time at which there may be some: when
    /// one that it may use has recovered, unless something is given back before.
    pub(crate) fn full_until(&self, tag: u64, now: u64) -> Option<u64> {
        let mut earliest = u64::MAX;
        for set in self.layout.probe(tag) {
            if zero_bytes(self.tag_word(set).load(Ordering::Acquire)) & self.layout.usable_ways(set) != 0 {
                return None;
            }
            let recovers = |way| self.entry(set * WAYS + way).recovers_at();
            let known = self.hint(set).load(Ordering::Relaxed);
            let known = (known > now).then_some(known);
            let recovered = known.or_else(|| ways(self.layout.usable_ways(set)).map(recovers).min());
            earliest = earliest.min(recovered.unwrap_or(u64::MAX));
        }
        (earliest > now).then_some(earliest)
    }

    #[inline(always)]
    fn tag_word(&self, set: usize) -> &AtomicU64 {
        self.region.word(self.layout.tag_word(set))
    }

    fn hint(&self, set: usize) -> &AtomicU64 {
        self.region.word(self.layout.hint_word(set))
    }

    /// Lets the next newcomer look through the set of `slot` again.
    pub(super) fn forget_hint(&self, slot: usize) {
        if slot < self.layout.capacity {
            self.hint(slot / WAYS).store(0, Ordering::Relaxed);
        }
    }

    /// Takes an unused entry of a set. There is none only once the set has none left: a search goes
    /// past a set only then, so an insertion may not go past it earlier.
    fn claim_unused(&self, set: usize, tag: u64) -> Unused {
        let mut wait = Wait::new(&self.owners);
        loop {
            let word = self.tag_word(set).load(Ordering::Acquire);
            let unused = zero_bytes(word) & self.layout.usable_ways(set);
            let preferred = preferred_way(tag);
            let Some(lowest) = ways(unused).next() else { return Unused::None };
            // Of the mask only the lowest bit is exact, so the byte itself is asked too.
            let shift = 8 * preferred;
            let free = unused >> shift & 0x80 != 0 && word >> shift & 0xff == 0;
            let way = if free { preferred } else { lowest };
            let slot = set * WAYS + way;
            match self.claim(set, way, tag, |_| byte(self.tag_word(set), way) == 0) {
                Claim::Done => return Unused::Taken(slot),
                Claim::Busy if !self.entry(slot).wait_for_writer(&mut wait) => return Unused::Unavailable,
                Claim::Busy if self.owners.me().is_none() => return Unused::Unavailable,
                Claim::Busy | Claim::Changed => {}
            }
        }
    }

    /// Takes an entry of a set whose limits have all recovered by `now`; else when the first of them may
    /// have, 0 if somebody was writing to one.
    fn reclaim(&self, set: usize, tag: u64, now: u64) -> Result<usize, u64> {
        let hint = self.hint(set).load(Ordering::Relaxed);
        if hint > now {
            return Err(hint);
        }
        let mut earliest = u64::MAX;
        for way in ways(self.layout.usable_ways(set)) {
            let slot = set * WAYS + way;
            match self.claim(set, way, tag, |entry| entry.recovers_at() <= now) {
                Claim::Done => return Ok(slot),
                Claim::Busy => earliest = 0,
                Claim::Changed => earliest = earliest.min(self.entry(slot).recovers_at()),
            }
        }
        // Nothing here recovers sooner unless it is refunded or reset, which clears the hint.
        self.hint(set).store(earliest, Ordering::Relaxed);
        Err(earliest)
    }

    /// Makes an entry that of `tag`, if it `is_free`, under the entry's own lock.
    fn claim(&self, set: usize, way: usize, tag: u64, is_free: impl Fn(&Entry<'_>) -> bool) -> Claim {
        let entry = self.entry(set * WAYS + way);
        if entry.try_version().is_err() {
            // The key of a writer that has ended may never be asked for again: it is found out here.
            entry.release_if(|owner| self.owners.has_ended(owner));
        }
        let Ok(version) = entry.try_version() else { return Claim::Busy };
        if !is_free(&entry) {
            return Claim::Changed;
        }
        if !entry.try_lock(version) {
            return Claim::Busy;
        }
        entry.assign(tag);
        set_byte(self.tag_word(set), way, tag_byte(tag));
        self.hint(set).store(0, Ordering::Relaxed);
        entry.unlock(version, 0);
        Claim::Done
    }
}

fn byte(word: &AtomicU64, way: usize) -> u64 {
    word.load(Ordering::Acquire) >> (8 * way) & 0xff
}

/// Other bytes of the word may be set at the same time.
fn set_byte(word: &AtomicU64, way: usize, byte: u64) {
    let shift = 8 * way;
    let mut old = word.load(Ordering::Relaxed);
    loop {
        let new = old & !(0xff << shift) | byte << shift;
        match word.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}
