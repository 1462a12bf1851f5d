//! A limiter's engine, and the objects for what it decides.
//!
//! To make an object of Python's and to free it takes as long as to decide. So an engine keeps the last two
//! that it has made: one to which nobody else has a reference is nobody's any more, and becomes the next
//! decision. Two, because in `decision = limiter.check(key)` the variable holds one until it has the other.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::Deref;
use std::sync::Arc;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::decision::Decision;
use crate::error::{OrRaise, raised};
use crate::held::Held;

/// The core's limiter.
pub(crate) struct Engine {
    limiter: Arc<tidegate::Limiter>,
    /// Only where one thread at a time is in the interpreter, on which they count.
    spares: Option<Spares>,
}

impl Deref for Engine {
    type Target = tidegate::Limiter;

    #[inline(always)]
    fn deref(&self) -> &tidegate::Limiter {
        &self.limiter
    }
}

impl Engine {
    pub(crate) fn new(py: Python<'_>, limiter: tidegate::Limiter) -> PyResult<Self> {
        let has_lock = match py.import("sys")?.getattr_opt("_is_gil_enabled")? {
            Some(is_enabled) => is_enabled.call0()?.is_truthy()?,
            None => true,
        };
        Ok(Self { limiter: Arc::new(limiter), spares: has_lock.then(Spares::default) })
    }

    /// What `decide` takes from the limiter, as an object.
    #[inline(always)]
    pub(crate) fn decide<'py>(
        &self,
        py: Python<'py>,
        decide: impl for<'a> FnOnce(&'a tidegate::Limiter) -> tidegate::Result<tidegate::Decision<'a>>,
    ) -> PyResult<Bound<'py, Decision>> {
        match decide(&self.limiter) {
            // SAFETY: `decide` is good for every lifetime, so what it gives borrows from the limiter or from
            // nothing that ends.
            Ok(ref decided) => unsafe { self.object(py, decided) },
            Err(error) => Err(raised(py, &error)),
        }
    }

    /// What `decide` takes from the limiter, to be looked at one by one.
    pub(crate) fn decide_many(
        &self,
        py: Python<'_>,
        decide: impl for<'a> FnOnce(&'a tidegate::Limiter) -> tidegate::Result<Vec<tidegate::Decision<'a>>>,
    ) -> PyResult<Held<Vec<tidegate::Decision<'static>>>> {
        let decided = decide(&self.limiter).or_raise(py)?;
        // SAFETY: as in `decide`.
        Ok(unsafe { Held::many(&self.limiter, decided) })
    }

    /// A decision as an object.
    ///
    /// # Safety
    /// It borrows from this limiter or from nothing that ends.
    #[inline(always)]
    pub(crate) unsafe fn object<'py>(
        &self,
        py: Python<'py>,
        decided: &tidegate::Decision<'_>,
    ) -> PyResult<Bound<'py, Decision>> {
        if let Some(spares) = &self.spares {
            // SAFETY: we have the interpreter's lock. The spares are this limiter's, as the decision is.
            if let Some(object) = unsafe { spares.renew(py, decided) } {
                return Ok(object);
            }
        }
        // SAFETY: by the caller's promise.
        let object = Bound::new(py, Decision::live(unsafe { Held::of(&self.limiter, decided) }))?;
        if let Some(spares) = &self.spares {
            // SAFETY: as above.
            unsafe { spares.keep(object.clone()) };
        }
        Ok(object)
    }
}

/// Decisions of one limiter that may have come back, the newer one last.
#[derive(Default)]
struct Spares(UnsafeCell<[Option<Py<Decision>>; 2]>);

// SAFETY: whoever calls promises to be alone.
unsafe impl Sync for Spares {}

impl Spares {
    /// One that has come back, as another decision.
    ///
    /// # Safety
    /// The decision is as for `object`, and no other thread is in the interpreter.
    #[inline(always)]
    unsafe fn renew<'py>(
        &self,
        py: Python<'py>,
        decided: &tidegate::Decision<'_>,
    ) -> Option<Bound<'py, Decision>> {
        // SAFETY: nobody else is here, and nothing that is called comes back.
        let mut spares = unsafe { &*self.0.get() }.iter().flatten();
        // SAFETY: if the reference here is an object's only one, nobody has any of what is in it.
        let renewed = |spare: &&Py<Decision>| unsafe {
            ffi::Py_REFCNT(spare.as_ptr()) == 1 && spare.get().renew(decided)
        };
        spares.find(renewed).map(|spare| spare.bind(py).clone())
    }

    /// # Safety
    /// The object is of the same limiter as all others here, and no other thread is in the interpreter.
    unsafe fn keep(&self, object: Bound<'_, Decision>) {
        let py = object.py();
        // SAFETY: nobody else is here, and nothing that is called before the end of its use comes back.
        let [older, newer] = unsafe { &mut *self.0.get() };
        let replaced = std::mem::replace(older, newer.replace(object.unbind()));
        if let Some(replaced) = replaced {
            replaced.drop_ref(py);
        }
    }
}
