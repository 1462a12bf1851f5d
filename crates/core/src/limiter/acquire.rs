//! Waiting until a cost can be admitted, without polling and without overtaking.
//!
//! Those who wait for one key stand in a queue; the first sleeps until the time that its denial
//! named, the others until they are first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::clock::{Clock, Listener};

type Queues = HashMap<u64, VecDeque<Arc<Condvar>>>;

/// All who wait on one limiter, by the tag of their key.
#[derive(Default)]
pub(super) struct Waiters {
    queues: Mutex<Queues>,
    /// How many wait, so that nobody else need lock to learn that nobody does.
    count: AtomicUsize,
}

/// A place in a key's queue; left when dropped.
pub(super) struct Turn<'a> {
    waiters: &'a Waiters,
    tag: u64,
    mine: Arc<Condvar>,
    queues: Option<MutexGuard<'a, Queues>>,
}

impl Waiters {
    /// Takes the last place in the queue of `tag`.
    pub(super) fn enqueue(&self, tag: u64) -> Turn<'_> {
        let mine = Arc::new(Condvar::new());
        let mut queues = self.queues.lock();
        self.count.fetch_add(1, Ordering::SeqCst);
        queues.entry(tag).or_default().push_back(Arc::clone(&mine));
        Turn { waiters: self, tag, mine, queues: Some(queues) }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Lets the first in the queue of `tag` look again.
    pub(super) fn wake(&self, tag: u64) {
        if self.count.load(Ordering::SeqCst) != 0 {
            wake_first(&self.queues.lock(), tag);
        }
    }
}

impl Listener for Waiters {
    fn clock_moved(&self) {
        if self.count.load(Ordering::SeqCst) != 0 {
            // All, since a time-out may have passed for any of them.
            self.queues.lock().values().flatten().for_each(|waiter| {
                waiter.notify_one();
            });
        }
    }
}

fn wake_first(queues: &Queues, tag: u64) {
    if let Some(first) = queues.get(&tag).and_then(VecDeque::front) {
        first.notify_one();
    }
}

impl Turn<'_> {
    /// Whether nobody stands before.
    pub(super) fn is_first(&self) -> bool {
        let queue = self.queues.as_ref().and_then(|queues| queues.get(&self.tag));
        queue.and_then(VecDeque::front).is_some_and(|first| Arc::ptr_eq(first, &self.mine))
    }

    /// Sleeps until woken, or until `every` has passed, or `at_most` by a clock that moves by itself.
    /// Between the caller's last look and the sleep nothing is missed: whoever wakes takes the same
    /// lock.
    pub(super) fn sleep(&mut self, clock: &Clock, at_most: Duration, every: Duration) {
        let Some(queues) = self.queues.as_mut() else { return };
        let wait = if clock.is_manual() { every } else { at_most.min(every) };
        // Longer than a condition variable can wait is for ever; the caller looks again.
        let _ = self.mine.wait_for(queues, wait.min(Duration::from_secs(86_400)));
    }

    /// What `look` says, which may take its time: others come and go meanwhile.
    pub(super) fn unlocked<T>(&mut self, look: impl FnOnce() -> T) -> T {
        match self.queues.as_mut() {
            Some(queues) => MutexGuard::unlocked(queues, look),
            None => look(),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.queues.take().unwrap_or_else(|| self.waiters.queues.lock());
        if let Some(queue) = queues.get_mut(&self.tag) {
            queue.retain(|waiter| !Arc::ptr_eq(waiter, &self.mine));
            if queue.is_empty() {
                queues.remove(&self.tag);
            }
        }
        self.waiters.count.fetch_sub(1, Ordering::SeqCst);
        wake_first(&queues, self.tag);
    }
}
