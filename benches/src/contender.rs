//! One way to ask one limiter, as loops that the harness can time. Knows no limiter.

use std::hint::black_box;
use std::sync::Arc;

use crate::Result;
use crate::keys::Chunk;

/// Asks about every key of a chunk and returns how many were allowed. This is what is timed.
pub type Worker = Box<dyn FnMut(Chunk<'_>) -> u64 + Send>;

/// A limiter in a situation, and the loops that ask it.
pub struct Contender {
    /// As the tables name it.
    pub name: &'static str,
    /// One loop a thread.
    pub workers: Vec<Worker>,
    /// Brings the limiter into the mode's state before each round; not timed.
    pub prepare: Box<dyn FnMut() -> Result<()>>,
    /// Takes back what a chunk took, where a mode could not go on otherwise; not timed.
    pub undo: Box<dyn FnMut(Chunk<'_>)>,
}

impl Contender {
    /// A contender of one thread with a loop of its own.
    pub fn new(name: &'static str, worker: impl FnMut(Chunk<'_>) -> u64 + Send + 'static) -> Self {
        Self::with_workers(name, vec![Box::new(worker)])
    }

    /// A contender whose threads share a limiter; `check` says whether a key is allowed.
    pub fn sharing<L: Send + Sync + 'static>(
        name: &'static str,
        limiter: &Arc<L>,
        threads: usize,
        check: impl Fn(&L, &str) -> bool + Copy + Send + 'static,
    ) -> Self {
        let worker = |_| -> Worker {
            let limiter = Arc::clone(limiter);
            Box::new(move |chunk| count_allowed(chunk.keys, |key| check(&limiter, key)))
        };
        Self::with_workers(name, (0..threads).map(worker).collect())
    }

    /// A contender with one loop a thread.
    #[must_use]
    pub fn with_workers(name: &'static str, workers: Vec<Worker>) -> Self {
        Self { name, workers, prepare: Box::new(|| Ok(())), undo: Box::new(|_| ()) }
    }

    /// The same, with a state to bring about before each round.
    #[must_use]
    pub fn preparing(self, prepare: impl FnMut() -> Result<()> + 'static) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }

    /// The same, with something to take back after each chunk.
    #[must_use]
    pub fn undoing(self, undo: impl FnMut(Chunk<'_>) + 'static) -> Self {
        Self { undo: Box::new(undo), ..self }
    }
}

/// The loop that everybody runs: an opaque key in, and the check's own answer counted.
#[inline(always)]
pub fn count_allowed<K>(keys: &[K], mut check: impl FnMut(&K) -> bool) -> u64 {
    keys.iter().map(|key| u64::from(check(black_box(key)))).sum()
}
