//! One request that several keys pay for, each with its own limiter.

use std::ffi::c_void;
use std::ptr;

use tidegate::{Decision, Joint, JointDecision, check_all};

use crate::batch::places;
use crate::boundary::{Outcome, guard};
use crate::input::{self, place, several};
use crate::limiter::limiter as limiter_of;
use crate::{tg_decision, tg_limiter, tg_status};

/// A key of one limiter, and what it is to pay.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_part {
    /// The limiter; each may be there once.
    pub limiter: *const tg_limiter,
    /// The key.
    pub key: *const c_void,
    /// Its length in bytes.
    pub key_len: usize,
    /// Cost units.
    pub cost: u64,
}

/// Decides about several keys of different limiters at once: all admit, or nothing is taken.
///
/// `decisions` gets the decision of each part, in order. On a joint denial a part that would have
/// admitted is `allowed`, and nothing has been taken from it. `allowed` says whether all admit;
/// `reported`, which may be NULL, which part to answer with: the denial with the longest wait, or
/// the first. Errors: TG_JOINT; and for each part as for `tg_check`.
///
/// # Safety
/// `parts` and `decisions` have `count` elements; `allowed` is valid for writing, `reported` too
/// unless it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_check_all(
    parts: *const tg_part,
    count: usize,
    decisions: *mut tg_decision,
    allowed: *mut bool,
    reported: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let allowed = unsafe { place(allowed, "allowed") }?.write(false);
        // SAFETY: as the caller promises.
        let places = unsafe { places(decisions, count) }?;
        // SAFETY: as the caller promises.
        let parts = unsafe { several(parts, count, "parts") }?;
        // SAFETY: as the caller promises.
        let parts: Vec<_> = parts.iter().map(|part| unsafe { joint(part) }).collect::<Outcome<_>>()?;
        let found = check_all(&parts)?;
        *allowed = found.allowed();
        // SAFETY: as the caller promises.
        if let Some(reported) = unsafe { reported.as_mut() } {
            *reported = reported_index(&found);
        }
        let decisions = found.decisions().iter();
        places.iter_mut().zip(decisions).for_each(|(place, decision)| tg_decision::put(place, decision));
        Ok(())
    })
}

/// # Safety
/// The pointers of the part are as [`tg_check_all`] wants them.
unsafe fn joint<'a>(part: &tg_part) -> Outcome<Joint<'a>> {
    // SAFETY: as the caller promises.
    let (limiter, key) = unsafe { (limiter_of(part.limiter)?, input::key(part.key, part.key_len)?) };
    Ok(Joint::new(limiter, key, part.cost))
}

fn reported_index(found: &JointDecision<'_>) -> usize {
    let reported = found.reported();
    let is_it = |decision: &Decision<'_>| reported.is_some_and(|reported| ptr::eq(reported, decision));
    found.decisions().iter().position(is_it).unwrap_or(0)
}
