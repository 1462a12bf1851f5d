//! Waiting until a cost can be admitted, without polling and without overtaking.
//!
//! Those who wait for one key stand in a queue; the first sleeps until the time that its denial
//! named, the others until they are first. Only the first takes anything.

mod queue;
#[cfg(feature = "tokio")]
mod tokio;

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, MutexGuard};

use super::Limiter;
use crate::decision::Decision;
use crate::error::Result;
use crate::table::Same;
use queue::{Call, Place, Queues};

pub(super) use queue::Waiters;

/// Longer than a timer can wait is for ever; who has slept looks again.
const LONGEST_SLEEP: Duration = Duration::from_secs(86_400);

impl Limiter {
    /// Waits until `cost` units for `key` are admitted, at most for `timeout`. The decision is the
    /// admission, or the denial that stood when waiting ended. A wait that cannot end in time is
    /// not begun.
    ///
    /// Those who wait for the same key are admitted in the order of their calls, and whoever gives
    /// up takes nothing from those ahead: where only they stand in the way, the denial is of all their
    /// costs and the own. Nothing polls.
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub fn acquire(&self, key: impl AsRef<[u8]>, cost: u64, timeout: Duration) -> Result<Decision<'_>> {
        self.acquire_unless(key, cost, timeout, Duration::MAX, || false)
    }

    /// Waits as [`acquire`](Self::acquire) does, and looks every so often whether the wait was
    /// `cancelled`; then nothing is taken or counted, and the decision is what [`peek`](Self::peek)
    /// says. No lock is held while it looks.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire); if cancelled, as for [`peek`](Self::peek).
    pub fn acquire_unless(
        &self,
        key: impl AsRef<[u8]>,
        cost: u64,
        timeout: Duration,
        every: Duration,
        mut cancelled: impl FnMut() -> bool,
    ) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        match self.wait(tag, cost, timeout, every, &mut cancelled) {
            Some(decision) => Ok(decision),
            None => self.peek(key),
        }
    }

    /// `None` if the wait was cancelled.
    fn wait(
        &self,
        tag: u64,
        cost: u64,
        timeout: Duration,
        every: Duration,
        cancelled: &mut impl FnMut() -> bool,
    ) -> Option<Decision<'_>> {
        let deadline = self.clock.now() + timeout;
        let place = self.waiters.enqueue(tag, cost, Call::Thread(Condvar::new()));
        // Held but while asleep: between a look and the sleep nothing is missed.
        let mut queues = place.waiters.queues.lock();
        loop {
            let now = self.clock.now();
            let left = deadline.saturating_since(now);
            match self.try_turn(&place, &queues, self.limiter_time(now), left) {
                ControlFlow::Break(decision) => return Some(decision),
                // The first is about to be served.
                ControlFlow::Continue(Duration::ZERO) => MutexGuard::unlocked(&mut queues, thread::yield_now),
                ControlFlow::Continue(wait) => {
                    let wait = if self.clock.is_manual() { every } else { wait.min(every) };
                    if let Some(call) = place.call.thread() {
                        call.wait_for(&mut queues, wait.min(LONGEST_SLEEP));
                    }
                }
            }
            if MutexGuard::unlocked(&mut queues, &mut *cancelled) {
                return None;
            }
        }
    }

    /// The decision, counted, if it can be given now; else how long to wait for it.
    fn try_turn(
        &self,
        place: &Place<'_>,
        queues: &Queues,
        now: u64,
        left: Duration,
    ) -> ControlFlow<Decision<'_>, Duration> {
        let Place { tag, cost, .. } = *place;
        if queues.is_first(place) {
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
        let all = queues.cost_up_to(place);
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
