//! The one place that chooses between the machine's atomics, loom's, and those of tests, under
//! which a thread can be killed at any write.

#[cfg(not(any(loom, test)))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(all(test, not(loom)))]
pub(crate) use super::kill::{AtomicU32, AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// What to do while another thread holds a word: a few pauses, then the rest of the time slice,
/// then short sleeps.
///
/// A word is held for a few dozen instructions, but its line takes longer than that to go from one
/// processor to another and back. So the first wait is already long enough for several checks of
/// the other thread; waiting much longer means that it is not running.
pub(crate) struct Backoff {
    rounds: u32,
}

impl Backoff {
    const SPINS: u32 = 4;
    #[cfg(not(loom))]
    const FIRST_PAUSES: u32 = 32;
    #[cfg(not(loom))]
    const YIELDS: u32 = 64;

    pub(crate) const fn new() -> Self {
        Self { rounds: 0 }
    }

    /// Waits for a few pauses, unless it did so before.
    pub(crate) fn wait_briefly(&mut self) -> bool {
        let brief = self.rounds < Self::SPINS;
        if brief {
            self.wait();
        }
        brief
    }

    #[cfg(not(loom))]
    #[cold]
    pub(crate) fn wait(&mut self) {
        if self.rounds < Self::SPINS {
            for _ in 0..Self::FIRST_PAUSES << self.rounds {
                std::hint::spin_loop();
            }
        } else if self.rounds < Self::SPINS + Self::YIELDS {
            std::thread::yield_now();
        } else {
            std::thread::sleep(std::time::Duration::from_micros(50));
        }
        self.rounds = self.rounds.saturating_add(1);
    }

    #[cfg(loom)]
    pub(crate) fn wait(&mut self) {
        self.rounds = Self::SPINS.min(self.rounds + 1);
        loom::thread::yield_now();
    }
}

/// Keeps the writes before it before those after it, in the instructions that are executed. A
/// process that is killed has executed all up to some instruction, and nothing after it; no
/// barrier of the processor is needed.
#[inline(always)]
pub(crate) fn written_before() {
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
}
