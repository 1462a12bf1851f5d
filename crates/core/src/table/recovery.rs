//! What is done to a whole table, by a process that has just come to it.

use super::layout::WAYS;
use super::{Table, Target};

impl Table {
    /// Gives back every word whose holder `has_ended`.
    pub(crate) fn release(&self, has_ended: impl Fn(u32) -> bool) {
        self.release_insertions(&has_ended);
        self.slots_in_use().for_each(|slot| self.entry(slot).release_if(&has_ended));
    }

    /// The time of the last admission, 0 if there was none. Times that no clock shows are damage.
    pub(crate) fn latest(&self) -> u64 {
        const DAMAGED: u64 = 1 << 62;
        let times = self.slots_in_use().map(|slot| self.entry(slot).last());
        times.filter(|&last| last < DAMAGED).max().unwrap_or(0)
    }

    /// The entries that have keys.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let keys = self.slots_in_use().filter(|&slot| slot < self.layout.capacity);
        keys.map(|slot| Target { slot, tag: self.entry(slot).tag() }).filter(|target| target.tag != 0)
    }

    /// The slots that were ever used, and the one for overflow.
    fn slots_in_use(&self) -> impl Iterator<Item = usize> {
        let sets = (0..self.layout.sets).flat_map(|set| {
            let used = self.used_ways(set);
            (0..WAYS).filter(move |way| used >> (8 * way) & 0x80 != 0).map(move |way| set * WAYS + way)
        });
        sets.chain([self.layout.capacity])
    }
}

#[cfg(test)]
impl Table {
    /// Locks the entry of a key and leaves it so.
    pub(crate) fn hold_for_tests(&self, tag: u64) {
        let entry = self.find(tag).map(|slot| self.entry(slot));
        assert!(entry.is_some_and(|entry| entry.try_version().is_ok_and(|version| entry.try_lock(version))));
    }
}
