//! The one place that chooses between the machine's atomics and loom's.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// What to do while another thread holds a word: a few pauses, then the rest of the time slice.
///
/// A word is held for a few dozen instructions, so waiting longer than a few pauses means that
/// its holder is not running.
pub(crate) struct Backoff {
    rounds: u32,
}

impl Backoff {
    const SPINS: u32 = 6;

    pub(crate) const fn new() -> Self {
        Self { rounds: 0 }
    }

    #[cfg(not(loom))]
    #[cold]
    pub(crate) fn wait(&mut self) {
        if self.rounds < Self::SPINS {
            for _ in 0..1 << self.rounds {
                std::hint::spin_loop();
            }
            self.rounds += 1;
        } else {
            std::thread::yield_now();
        }
    }

    #[cfg(loom)]
    pub(crate) fn wait(&mut self) {
        self.rounds = Self::SPINS.min(self.rounds + 1);
        loom::thread::yield_now();
    }
}
