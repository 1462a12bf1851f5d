//! The decision that C holds: memory of the caller's, with the engine's own decision in it.
//!
//! It is written in place and its numbers are worked out when they are asked for, so that a check
//! costs C what it costs Rust.

use std::mem::{MaybeUninit, align_of, size_of};

use tidegate::Decision;

use crate::boundary::{Failure, Outcome};
use crate::tg_status::TG_NO_DECISION;

/// What a check says. Read `allowed`; for everything else there are `tg_decision_info`,
/// `tg_decision_limit`, `tg_headers` and `tg_body`.
///
/// Plain memory of the caller's: copy it as you like, there is nothing to free. It is good until its
/// limiter is freed. A call that fails leaves it not allowed, and empty.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct tg_decision {
    /// Whether the request is within every limit; only then has anything been taken.
    pub allowed: bool,
    /// Not to be touched.
    pub reserved_mark: u32,
    /// Not to be touched.
    pub reserved: [MaybeUninit<u64>; 31],
}

/// In `reserved_mark` of a decision that holds something. Memory that was never written, or zeroed,
/// is unlikely to have it.
const FILLED: u32 = 0x7464_6731;

// The size is part of the ABI: 256 bytes, of which the engine's decision takes 160 today.
const _: () = assert!(size_of::<tg_decision>() == 256 && align_of::<tg_decision>() == 8);
const _: () = assert!(size_of::<Decision<'static>>() <= 31 * size_of::<u64>());
const _: () = assert!(align_of::<Decision<'static>>() <= align_of::<u64>());

impl tg_decision {
    /// Makes `place`, which is empty, hold what was found.
    #[inline(always)]
    pub(crate) fn fill(place: &mut MaybeUninit<Self>, found: tidegate::Result<Decision<'_>>) -> Outcome {
        // By reference, so that it is copied once.
        match &found {
            Ok(decision) => Self::put(place, decision),
            Err(_) => found.map(|_| ())?,
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn put(place: &mut MaybeUninit<Self>, decision: &Decision<'_>) {
        let this = place.as_mut_ptr();
        // SAFETY: `this` is a place for a `tg_decision`. Its words have the size and the alignment
        // of a decision, as asserted above. The pad between the fields holds nothing.
        unsafe {
            (&raw mut (*this).reserved).cast::<Decision<'_>>().copy_from_nonoverlapping(decision, 1);
            (&raw mut (*this).allowed).write(decision.allowed());
            (&raw mut (*this).reserved_mark).write(FILLED);
        }
    }

    /// An empty decision, so that nobody who forgets to look at the status lets a request through.
    #[inline(always)]
    pub(crate) fn clear(place: &mut MaybeUninit<Self>) {
        let this = place.as_mut_ptr();
        // SAFETY: `this` is a place for a `tg_decision`.
        unsafe {
            (&raw mut (*this).allowed).write(false);
            (&raw mut (*this).reserved_mark).write(0);
        }
    }

    /// The engine's decision in it.
    ///
    /// # Safety
    /// Its limiter has not been freed.
    pub(crate) unsafe fn engine(&self) -> Outcome<&Decision<'_>> {
        if self.reserved_mark != FILLED {
            return Err(empty());
        }
        // SAFETY: the mark says that `put` wrote a decision there. It borrows from its limiter,
        // which is still there, as the caller promises.
        Ok(unsafe { &*self.reserved.as_ptr().cast::<Decision<'_>>() })
    }
}

#[cold]
fn empty() -> Failure {
    Failure::new(
        TG_NO_DECISION,
        "the decision is empty: the call that was to fill it failed, or was never made",
    )
}
