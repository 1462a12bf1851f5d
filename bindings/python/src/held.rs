//! Decisions that keep their limiter alive. The core's borrow it; Python knows no borrowing.

#![allow(unsafe_code)]

use std::mem::transmute;

use pyo3::prelude::*;
use tidegate::Decision;

use crate::limiter::Limiter;

/// Decisions about one limiter (one, or a `Vec` of them), with the limiter.
pub(crate) struct Held<D> {
    decided: D,
    limiter: Py<Limiter>,
}

impl Held<Decision<'static>> {
    /// The decision that `decide` takes from the limiter.
    #[inline(always)]
    pub(crate) fn decide<E>(
        limiter: &Bound<'_, Limiter>,
        decide: impl for<'a> FnOnce(&'a tidegate::Limiter) -> Result<Decision<'a>, E>,
    ) -> Result<Self, E> {
        let decided = decide(limiter.get().unchecked_engine())?;
        // SAFETY: `decide` is good for every lifetime, so what it gives borrows from the limiter or
        // from nothing that ends. The engine is boxed within a frozen object: it is neither moved nor
        // replaced while the reference that is kept beside the decision is there.
        let decided = unsafe { transmute::<Decision<'_>, Decision<'static>>(decided) };
        Ok(Self { decided, limiter: limiter.clone().unbind() })
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> &Decision<'_> {
        &self.decided
    }
}

impl Held<Vec<Decision<'static>>> {
    /// The decisions that `decide` takes from the limiter.
    pub(crate) fn decide_many<E>(
        limiter: &Bound<'_, Limiter>,
        decide: impl for<'a> FnOnce(&'a tidegate::Limiter) -> Result<Vec<Decision<'a>>, E>,
    ) -> Result<Self, E> {
        let decided = decide(limiter.get().unchecked_engine())?;
        // SAFETY: as in `decide`; vectors of one type with two lifetimes are one type in memory.
        let decided = unsafe { transmute::<Vec<Decision<'_>>, Vec<Decision<'static>>>(decided) };
        Ok(Self { decided, limiter: limiter.clone().unbind() })
    }

    pub(crate) fn get(&self) -> &[Decision<'_>] {
        &self.decided
    }

    /// One of them, by itself.
    pub(crate) fn one(&self, py: Python<'_>, index: usize) -> Option<Held<Decision<'static>>> {
        let decided = *self.decided.get(index)?;
        Some(Held { decided, limiter: self.limiter.clone_ref(py) })
    }
}

impl Held<Decision<'static>> {
    /// A part of a joint decision.
    ///
    /// # Safety
    /// It was taken from this very limiter, though others had a part in it.
    pub(crate) unsafe fn of_part(limiter: &Bound<'_, Limiter>, decided: Decision<'_>) -> Self {
        // SAFETY: as in `decide`; that it borrows from this limiter is the caller's promise.
        let decided = unsafe { transmute::<Decision<'_>, Decision<'static>>(decided) };
        Self { decided, limiter: limiter.clone().unbind() }
    }
}
