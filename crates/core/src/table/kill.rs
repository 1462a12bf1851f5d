//! Atomics of a thread that can be killed at any of its writes, as SIGKILL does: what it has written
//! stays, and nothing more is written.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic;
pub(crate) use std::sync::atomic::{Ordering, fence};

thread_local! {
    /// Writes that this thread may still make.
    static LEFT: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// What a killed thread is unwound with.
struct Killed;

/// Runs `body`, killed after `writes` writes; `None` if it was.
pub(super) fn killed_after<T>(writes: u32, body: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(writes);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    LEFT.set(u32::MAX);
    match outcome {
        Ok(done) => Some(done),
        Err(cause) if cause.is::<Killed>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

/// Whether a write is made. Destructors of a killed thread make none either.
fn writes() -> bool {
    match LEFT.get() {
        u32::MAX => true,
        0 if std::thread::panicking() => false,
        // Without a report: a kill is no failure.
        0 => resume_unwind(Box::new(Killed)),
        left => {
            LEFT.set(left - 1);
            true
        }
    }
}

macro_rules! atomic {
    ($name:ident, $number:ty) => {
        #[repr(transparent)]
        pub(crate) struct $name(atomic::$name);

        impl $name {
            pub(crate) fn load(&self, order: Ordering) -> $number {
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $number, order: Ordering) {
                if writes() {
                    self.0.store(value, order);
                }
            }
        }
    };
}
atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

impl AtomicU64 {
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        if writes() { self.0.compare_exchange(old, new, success, failure) } else { Err(!old) }
    }

    pub(crate) fn compare_exchange_weak(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(old, new, success, failure)
    }
}
