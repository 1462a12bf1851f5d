//! Who waits on a limiter, in the order of their calls.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};

use crate::clock::Listener;
use crate::store::process;

/// All who wait on one limiter, by the tag of their key.
pub(in crate::limiter) struct Waiters {
    /// The name of the process whose threads they are.
    process: u32,
    pub(super) queues: Mutex<Queues>,
    /// How many wait, so that nobody else need lock to learn that nobody does.
    count: AtomicUsize,
    /// Those of a forked child: its parent's threads are not there, and will never leave the queues.
    child: OnceLock<Box<Self>>,
}

#[derive(Default)]
pub(super) struct Queues(HashMap<u64, VecDeque<Waiter>>);

/// Somebody who waits.
struct Waiter {
    call: Arc<Call>,
    cost: u64,
}

/// What tells a waiter to look again.
pub(super) enum Call {
    Thread(Condvar),
    #[cfg(feature = "tokio")]
    Task(tokio::sync::Notify),
}

impl Call {
    fn make(&self) {
        match self {
            Self::Thread(call) => _ = call.notify_one(),
            #[cfg(feature = "tokio")]
            Self::Task(call) => call.notify_one(),
        }
    }

    pub(super) fn thread(&self) -> Option<&Condvar> {
        match self {
            Self::Thread(call) => Some(call),
            #[cfg(feature = "tokio")]
            Self::Task(_) => None,
        }
    }

    #[cfg(feature = "tokio")]
    pub(super) fn task(&self) -> Option<&tokio::sync::Notify> {
        match self {
            Self::Thread(_) => None,
            Self::Task(call) => Some(call),
        }
    }
}

/// A place in a key's queue; left when dropped.
pub(super) struct Place<'a> {
    pub(super) waiters: &'a Waiters,
    pub(super) tag: u64,
    pub(super) cost: u64,
    pub(super) call: Arc<Call>,
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
    fn here(&self) -> &Self {
        if self.process == process::me().load(Ordering::Relaxed) {
            self
        } else {
            self.child.get_or_init(Box::default).here()
        }
    }

    /// Takes the last place in the queue of `tag`, to wait for `cost` units.
    pub(super) fn enqueue(&self, tag: u64, cost: u64, call: Call) -> Place<'_> {
        let (waiters, call) = (self.here(), Arc::new(call));
        let mut queues = waiters.queues.lock();
        waiters.count.fetch_add(1, Ordering::SeqCst);
        queues.0.entry(tag).or_default().push_back(Waiter { call: Arc::clone(&call), cost });
        Place { waiters, tag, cost, call }
    }

    #[cfg(test)]
    pub(in crate::limiter) fn waiting(&self) -> usize {
        self.here().count.load(Ordering::SeqCst)
    }

    /// Lets the first in the queue of `tag` look again.
    pub(in crate::limiter) fn wake(&self, tag: u64) {
        let waiters = self.here();
        if waiters.count.load(Ordering::SeqCst) != 0 {
            waiters.queues.lock().call_first(tag);
        }
    }
}

impl Listener for Waiters {
    fn clock_moved(&self) {
        let waiters = self.here();
        if waiters.count.load(Ordering::SeqCst) != 0 {
            // All, since a time-out may have passed for any of them.
            waiters.queues.lock().0.values().flatten().for_each(|waiter| waiter.call.make());
        }
    }
}

impl Queues {
    fn call_first(&self, tag: u64) {
        if let Some(first) = self.0.get(&tag).and_then(VecDeque::front) {
            first.call.make();
        }
    }

    /// Those who stand before a place.
    fn ahead(&self, of: &Place<'_>) -> impl Iterator<Item = &Waiter> {
        let queue = self.0.get(&of.tag).into_iter().flatten();
        queue.take_while(|waiter| !Arc::ptr_eq(&waiter.call, &of.call))
    }

    pub(super) fn is_first(&self, place: &Place<'_>) -> bool {
        self.ahead(place).next().is_none()
    }

    /// What is waited for at a place and at all those before it.
    pub(super) fn cost_up_to(&self, place: &Place<'_>) -> u64 {
        self.ahead(place).map(|waiter| waiter.cost).fold(place.cost, u64::saturating_add)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.waiters.queues.lock();
        if let Some(queue) = queues.0.get_mut(&self.tag) {
            queue.retain(|waiter| !Arc::ptr_eq(&waiter.call, &self.call));
            if queue.is_empty() {
                queues.0.remove(&self.tag);
            }
        }
        self.waiters.count.fetch_sub(1, Ordering::SeqCst);
        queues.call_first(self.tag);
    }
}
