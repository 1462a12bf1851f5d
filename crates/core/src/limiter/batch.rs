//! Many keys at once: the clock is read once, and the memory of all is on its way before the
//! first is decided.

use super::Limiter;
use crate::decision::Decision;
use crate::error::Result;
use crate::table::{Same, with_limits};

/// Keys whose cache lines are fetched together: enough to hide a miss to memory behind the
/// others, few enough to stay in the first-level cache.
const CHUNK: usize = 64;

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
        for (chunk, keys) in keys.chunks(CHUNK).enumerate() {
            let mut tags = [0; CHUNK];
            for (tag, key) in tags.iter_mut().zip(keys) {
                *tag = self.tag_of(key.as_ref());
                self.table.prefetch_set(*tag);
                self.table.prefetch_preferred(*tag);
            }
            let tags = tags.get(..keys.len()).unwrap_or(&[]);
            tags.iter().for_each(|&tag| self.table.prefetch_entry(tag));
            with_limits!(self.table.layout, limits => {
                tags.iter().for_each(|&tag| self.table.prefetch_rings(limits, tag));
            });
            for (i, &tag) in tags.iter().enumerate() {
                let index = chunk * CHUNK + i;
                let near = self.table.guess(tag);
                each(index, self.decide_near(near, tag, now, Same(cost(index))));
            }
        }
        Ok(())
    }
}
