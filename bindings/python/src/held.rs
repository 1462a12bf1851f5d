//! Decisions that keep their limiter alive. The core's borrow it; Python knows no borrowing.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::mem::transmute;
use std::sync::Arc;

use tidegate::{Decision, Limiter};

/// Decisions about one limiter (one, or a `Vec` of them), with the limiter.
pub(crate) struct Held<D> {
    decided: UnsafeCell<D>,
    limiter: Arc<Limiter>,
}

// SAFETY: what is decided is shared as a reference is, but for `renew`, whose callers see to it that
// nobody else has it at that moment.
unsafe impl<D: Sync> Sync for Held<D> {}

impl<D> Held<D> {
    #[inline(always)]
    fn new(limiter: &Arc<Limiter>, decided: D) -> Self {
        Self { decided: UnsafeCell::new(decided), limiter: limiter.clone() }
    }

    #[inline(always)]
    fn decided(&self) -> &D {
        // SAFETY: only `renew` writes, and nobody has this reference then.
        unsafe { &*self.decided.get() }
    }
}

impl Held<Decision<'static>> {
    /// # Safety
    /// The decision borrows from this limiter or from nothing that ends.
    #[inline(always)]
    pub(crate) unsafe fn of(limiter: &Arc<Limiter>, decided: &Decision<'_>) -> Self {
        // SAFETY: the limiter neither moves nor goes while it is kept beside the decision.
        let decided = unsafe { transmute::<&Decision<'_>, &Decision<'static>>(decided) };
        Self::new(limiter, *decided)
    }

    /// Puts another decision in this one's place.
    ///
    /// # Safety
    /// The decision is as for `of`, of the same limiter. Nobody has a reference to what is in `self`.
    #[inline(always)]
    pub(crate) unsafe fn renew(&self, decided: &Decision<'_>) {
        // SAFETY: as in `of`; and nobody sees it change.
        unsafe {
            transmute::<&Decision<'_>, &Decision<'static>>(decided).write_over(&mut *self.decided.get())
        };
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> &Decision<'_> {
        self.decided()
    }
}

impl Held<Vec<Decision<'static>>> {
    /// # Safety
    /// As for `of`, each of them.
    pub(crate) unsafe fn many(limiter: &Arc<Limiter>, decided: Vec<Decision<'_>>) -> Self {
        // SAFETY: as in `of`; vectors of one type with two lifetimes are one type in memory.
        let decided = unsafe { transmute::<Vec<Decision<'_>>, Vec<Decision<'static>>>(decided) };
        Self::new(limiter, decided)
    }

    pub(crate) fn get(&self) -> &[Decision<'_>] {
        self.decided()
    }

    /// One of them, by itself.
    pub(crate) fn one(&self, index: usize) -> Option<Held<Decision<'static>>> {
        self.decided().get(index).map(|decided| Held::new(&self.limiter, *decided))
    }
}
