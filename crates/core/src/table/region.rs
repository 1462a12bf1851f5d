//! A flat stretch of memory, seen as 64-bit words and, behind them, 32-bit events.
//!
//! Everything in it is atomic and addressed by index, so it makes no difference whether the
//! memory is anonymous, a shared file or a test's buffer, nor what else writes to it: an index
//! out of range is the only mistake that can be made, and it is checked.

use super::sync::{AtomicU32, AtomicU64};

/// The memory of one table.
pub(crate) struct Region {
    memory: memory::Memory,
}

impl Region {
    /// Bytes that hold so many words and events.
    pub(crate) fn bytes(words: usize, events: usize) -> Option<u64> {
        let words = (words as u64).checked_mul(8)?;
        words.checked_add((events as u64).checked_mul(4)?)
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "indices come from the layout that sized the region")]
    pub(crate) fn word(&self, index: usize) -> &AtomicU64 {
        &self.memory.words()[index]
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "ranges come from the layout that sized the region")]
    pub(crate) fn words(&self, start: usize, count: usize) -> &[AtomicU64] {
        &self.memory.words()[start..][..count]
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "indices come from the layout that sized the region")]
    pub(crate) fn event(&self, index: usize) -> &AtomicU32 {
        &self.memory.events()[index]
    }

    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "ranges come from the layout that sized the region")]
    pub(crate) fn events(&self, start: usize, count: usize) -> &[AtomicU32] {
        &self.memory.events()[start..][..count]
    }

    /// Asks the processor to bring the word's cache line near; never waits for it.
    #[inline(always)]
    pub(crate) fn prefetch(&self, index: usize) {
        self.memory.prefetch(index);
    }
}

impl Region {
    /// The same for an event.
    #[inline(always)]
    pub(crate) fn prefetch_event(&self, index: usize) {
        self.memory.prefetch_event(index);
    }
}

#[cfg(not(loom))]
mod memory {
    #![allow(unsafe_code)]

    use super::{AtomicU32, AtomicU64, Region};
    use memmap2::MmapRaw;

    /// A mapping, and how much of it is words and events.
    pub(crate) struct Memory {
        map: MmapRaw,
        words: usize,
        events: usize,
    }

    impl Region {
        /// `None` if the mapping is too small for so many words and events.
        pub(crate) fn new(map: MmapRaw, words: usize, events: usize) -> Option<Self> {
            let fits = Self::bytes(words, events)? <= map.len() as u64;
            fits.then_some(Self { memory: Memory { map, words, events } })
        }
    }

    impl Memory {
        #[inline(always)]
        pub(super) fn words(&self) -> &[AtomicU64] {
            // SAFETY: the mapping is page-aligned, readable and writable for as long as `self`
            // lives, and at least `words` words long (checked in `new`). All access to it, here
            // and in other processes, is atomic.
            unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<AtomicU64>(), self.words) }
        }

        #[inline(always)]
        pub(super) fn events(&self) -> &[AtomicU32] {
            // SAFETY: as for `words`; the events follow the words, whose end is aligned to 8
            // bytes, and `new` has checked that they are within the mapping.
            unsafe {
                let start = self.map.as_ptr().cast::<AtomicU64>().add(self.words);
                std::slice::from_raw_parts(start.cast::<AtomicU32>(), self.events)
            }
        }

        #[inline(always)]
        pub(super) fn prefetch(&self, index: usize) {
            prefetch(self.map.as_ptr().cast::<AtomicU64>().wrapping_add(index).cast());
        }

        #[inline(always)]
        pub(super) fn prefetch_event(&self, index: usize) {
            let events = self.map.as_ptr().cast::<AtomicU64>().wrapping_add(self.words);
            prefetch(events.cast::<AtomicU32>().wrapping_add(index).cast());
        }
    }

    #[inline(always)]
    fn prefetch(address: *const i8) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a prefetch reads nothing that the program can see and faults on no address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = address;
    }
}

#[cfg(loom)]
mod memory {
    use super::{AtomicU32, AtomicU64, Region};

    pub(crate) struct Memory {
        words: Vec<AtomicU64>,
        events: Vec<AtomicU32>,
    }

    impl Region {
        /// Zeroed memory that loom watches.
        pub(crate) fn modelled(words: usize, events: usize) -> Self {
            let words = (0..words).map(|_| AtomicU64::new(0)).collect();
            let events = (0..events).map(|_| AtomicU32::new(0)).collect();
            Self { memory: Memory { words, events } }
        }
    }

    impl Memory {
        pub(super) fn words(&self) -> &[AtomicU64] {
            &self.words
        }

        pub(super) fn events(&self) -> &[AtomicU32] {
            &self.events
        }

        pub(super) fn prefetch(&self, _index: usize) {}

        pub(super) fn prefetch_event(&self, _index: usize) {}
    }
}
