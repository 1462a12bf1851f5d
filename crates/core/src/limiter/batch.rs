//! Many keys at once: the clock is read once, and the memory of all is on its way before the
//! first is decided.

use super::Limiter;
use crate::decision::Decision;
use crate::error::Result;
use crate::table::with_limits;

/// Keys whose cache lines are fetched together: enough to hide a miss to memory behind the
/// others, few enough to stay in the first-level cache.
const CHUNK: usize = 64;

/// Keys whose rings are fetched together. Which slots are wanted stands in the entries, so that the
/// first half of a chunk is decided while the entries of the other are still on their way.
const HALF: usize = CHUNK / 2;

impl Limiter {
    /// Decides about `cost` units for each of `keys`, in order. Keys may repeat. The decisions are
    /// those of as many [`check_n`](Self::check_n) calls at one moment, several times faster when
    /// the keys are not in the processor's cache.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n), for any of the keys; nothing is taken then.
    pub fn check_many<K: AsRef<[u8]>>(&self, keys: &[K], cost: u64) -> Result<Vec<Decision<'_>>> {
        let mut decisions = Vec::with_capacity(keys.len());
        self.check_many_with(keys, |_| cost, |_, decision| decisions.push(decision))?;
        Ok(decisions)
    }

    /// Decides about `cost(i)` units for `keys[i]`, for every i in order, and hands each decision to
    /// `each`.
    ///
    /// # Errors
    /// As for [`check_many`](Self::check_many).
    pub fn check_many_with<'a, K: AsRef<[u8]>>(
        &'a self,
        keys: &[K],
        cost: impl Fn(usize) -> u64,
        mut each: impl FnMut(usize, Decision<'a>),
    ) -> Result<()> {
        for (i, key) in keys.iter().enumerate() {
            super::validate_key(key.as_ref())?;
            self.validate(cost(i))?;
        }
        let now = self.now_nanos();
        let mut indices = 0..;
        for keys in keys.chunks(CHUNK) {
            let mut places = [(0, None); CHUNK];
            let (places, _) = places.split_at_mut(keys.len());
            for ((tag, _), key) in places.iter_mut().zip(keys) {
                *tag = self.tag_of(key.as_ref());
                self.table.prefetch_set(*tag);
                self.table.prefetch_preferred(*tag);
            }
            for (tag, near) in places.iter_mut() {
                *near = self.table.guess_one_of_many(*tag);
                near.iter().for_each(|&target| self.table.prefetch_entry(target));
            }
            for places in places.chunks(HALF) {
                with_limits!(self.table.layout, limits => {
                    let targets = places.iter().filter_map(|&(_, near)| near);
                    targets.for_each(|target| self.table.prefetch_rings(limits, target));
                });
                for (&(tag, near), index) in places.iter().zip(&mut indices) {
                    each(index, self.decide_near_cost(near, tag, now, cost(index)));
                }
            }
        }
        Ok(())
    }
}
