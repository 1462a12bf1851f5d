//! Waiting until a cost can be admitted, without polling and without overtaking.
//!
//! Those who wait for one key stand in a queue; the first sleeps until the time that its denial
//! named, the others until they are first. Only the first takes anything.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::Limiter;
use crate::clock::{Clock, Listener};
use crate::decision::Decision;
use crate::store::process;
use crate::table::Same;

type Queues = HashMap<u64, VecDeque<Waiter>>;

/// Somebody who waits.
struct Waiter {
    /// Tells it to look again.
    call: Arc<Condvar>,
    cost: u64,
}

/// All who wait on one limiter, by the tag of their key.
pub(super) struct Waiters {
    /// The name of the process whose threads they are.
    process: u32,
    queues: Mutex<Queues>,
    /// How many wait, so that nobody else need lock to learn that nobody does.
    count: AtomicUsize,
    /// Those of a forked child: its parent's threads are not there, and will never leave the queues.
    child: OnceLock<Box<Self>>,
}

/// A place in a key's queue; left when dropped.
pub(super) struct Turn<'a> {
    waiters: &'a Waiters,
    tag: u64,
    cost: u64,
    mine: Arc<Condvar>,
    queues: Option<MutexGuard<'a, Queues>>,
}

impl Default for Waiters {
    fn default() -> Self {
        Self {
            process: process::me().load(Ordering::Relaxed),
            queues: Mutex::default(),
            count: AtomicUsize::new(0),
            child: OnceLock::new(),
        }
    }
}

impl Waiters {
    /// Those of this process.
    pub(super) fn here(&self) -> &Self {
        if self.process == process::me().load(Ordering::Relaxed) {
            self
        } else {
            self.child.get_or_init(Box::default).here()
        }
    }

    /// Takes the last place in the queue of `tag`, to wait for `cost` units.
    pub(super) fn enqueue(&self, tag: u64, cost: u64) -> Turn<'_> {
        let waiters = self.here();
        let mine = Arc::new(Condvar::new());
        let mut queues = waiters.queues.lock();
        waiters.count.fetch_add(1, Ordering::SeqCst);
        queues.entry(tag).or_default().push_back(Waiter { call: Arc::clone(&mine), cost });
        Turn { waiters, tag, cost, mine, queues: Some(queues) }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.here().count.load(Ordering::SeqCst)
    }

    /// Lets the first in the queue of `tag` look again.
    pub(super) fn wake(&self, tag: u64) {
        let waiters = self.here();
        if waiters.count.load(Ordering::SeqCst) != 0 {
            wake_first(&waiters.queues.lock(), tag);
        }
    }
}

impl Listener for Waiters {
    fn clock_moved(&self) {
        let waiters = self.here();
        if waiters.count.load(Ordering::SeqCst) != 0 {
            // All, since a time-out may have passed for any of them.
            waiters.queues.lock().values().flatten().for_each(|waiter| {
                waiter.call.notify_one();
            });
        }
    }
}

fn wake_first(queues: &Queues, tag: u64) {
    if let Some(first) = queues.get(&tag).and_then(VecDeque::front) {
        first.call.notify_one();
    }
}

impl Turn<'_> {
    /// Those who stand before.
    fn ahead(&self) -> impl Iterator<Item = &Waiter> {
        let queue = self.queues.as_ref().and_then(|queues| queues.get(&self.tag));
        queue.into_iter().flatten().take_while(|waiter| !Arc::ptr_eq(&waiter.call, &self.mine))
    }

    fn is_first(&self) -> bool {
        self.ahead().next().is_none()
    }

    /// What all those who stand before and this one wait for.
    fn cost_of_all(&self) -> u64 {
        self.ahead().map(|waiter| waiter.cost).fold(self.cost, u64::saturating_add)
    }

    /// Sleeps until woken, or until `every` has passed, or `at_most` by a clock that moves by itself.
    /// Between the caller's last look and the sleep nothing is missed: whoever wakes takes the same
    /// lock.
    fn sleep(&mut self, clock: &Clock, at_most: Duration, every: Duration) {
        let Some(queues) = self.queues.as_mut() else { return };
        let wait = if clock.is_manual() { every } else { at_most.min(every) };
        // Longer than a condition variable can wait is for ever; the caller looks again.
        let _ = self.mine.wait_for(queues, wait.min(Duration::from_secs(86_400)));
    }

    /// What `look` says, which may take its time: others come and go meanwhile.
    fn unlocked<T>(&mut self, look: impl FnOnce() -> T) -> T {
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
            queue.retain(|waiter| !Arc::ptr_eq(&waiter.call, &self.mine));
            if queue.is_empty() {
                queues.remove(&self.tag);
            }
        }
        self.waiters.count.fetch_sub(1, Ordering::SeqCst);
        wake_first(&queues, self.tag);
    }
}

impl Limiter {
    /// Waits for a turn, at most for `timeout`; `None` if it was `cancelled`, which is asked every so
    /// often.
    pub(super) fn wait(
        &self,
        mut turn: Turn<'_>,
        timeout: Duration,
        every: Duration,
        cancelled: &mut impl FnMut() -> bool,
    ) -> Option<Decision<'_>> {
        let deadline = self.clock.now() + timeout;
        loop {
            let now = self.clock.now();
            match self.try_turn(&turn, self.limiter_time(now), deadline.saturating_since(now)) {
                ControlFlow::Break(decision) => return Some(decision),
                // The first is about to be served.
                ControlFlow::Continue(Duration::ZERO) => turn.unlocked(thread::yield_now),
                ControlFlow::Continue(wait) => turn.sleep(&self.clock, wait, every),
            }
            if turn.unlocked(&mut *cancelled) {
                return None;
            }
        }
    }

    /// The decision, counted, if it can be given now; else how long to wait for it.
    fn try_turn(&self, turn: &Turn<'_>, now: u64, left: Duration) -> ControlFlow<Decision<'_>, Duration> {
        let Turn { tag, cost, .. } = *turn;
        if turn.is_first() {
            let (decision, stand) = self.search(tag, now, Same(cost));
            return match decision.retry_after() {
                Some(due) if due <= left => ControlFlow::Continue(due),
                _ => ControlFlow::Break(self.counted_as(decision, stand)),
            };
        }
        let (alone, stand) = self.look(tag, now, Same(cost));
        if alone.retry_after().is_some_and(|due| due > left) {
            return ControlFlow::Break(self.counted_as(alone, stand));
        }
        if !left.is_zero() {
            return ControlFlow::Continue(left);
        }
        // The time is over, and nothing is in the way but those ahead.
        let all = turn.cost_of_all();
        let (together, stand) = self.look(tag, now, Same(all.min(self.most)));
        if !together.allowed() {
            ControlFlow::Break(self.counted_as(together, stand))
        } else if all <= self.most {
            let (decision, stand) = self.search(tag, now, Same(cost));
            ControlFlow::Break(self.counted_as(decision, stand))
        } else {
            ControlFlow::Continue(Duration::ZERO)
        }
    }
}
