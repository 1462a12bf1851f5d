//! Many keys at once.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::slice;

use crate::boundary::{Outcome, guard};
use crate::input::{self, several};
use crate::limiter::limiter as limiter_of;
use crate::{tg_decision, tg_limiter, tg_status};

/// Decides about each of `count` keys in order: the decisions of as many `tg_check` calls at one
/// moment, several times faster where the keys are not in the processor's cache. Keys may repeat.
///
/// `costs` has a cost for each key, or is NULL for 1 each. If any key or cost is wrong nothing is
/// taken, and the decisions are empty. Errors: as for `tg_check`.
///
/// # Safety
/// `limiter` is a limiter; `keys`, `key_lens`, `costs` and `decisions` have `count` elements, and
/// each key has its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_check_many(
    limiter: *const tg_limiter,
    keys: *const *const c_void,
    key_lens: *const usize,
    costs: *const u64,
    count: usize,
    decisions: *mut tg_decision,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decisions = unsafe { places(decisions, count) }?;
        // SAFETY: as the caller promises.
        let (limiter, keys) = unsafe { (limiter_of(limiter)?, all_keys(keys, key_lens, count)?) };
        // SAFETY: as the caller promises.
        let costs = if costs.is_null() { &[] } else { unsafe { several(costs, count, "costs") }? };
        let cost = |i: usize| costs.get(i).copied().unwrap_or(1);
        Ok(limiter.check_many_with(&keys, cost, |i, decision| {
            if let Some(place) = decisions.get_mut(i) {
                tg_decision::put(place, &decision);
            }
        })?)
    })
}

/// Room for `count` decisions, all empty.
///
/// # Safety
/// The pointer is NULL, or valid for writing `count` of them.
pub(crate) unsafe fn places<'a>(
    decisions: *mut tg_decision,
    count: usize,
) -> Outcome<&'a mut [MaybeUninit<tg_decision>]> {
    // SAFETY: as the caller promises; looked at as places, of which nothing is read.
    unsafe { several(decisions.cast_const().cast::<MaybeUninit<tg_decision>>(), count, "decisions") }?;
    if decisions.is_null() {
        return Ok(&mut []);
    }
    // SAFETY: as the caller promises, and no longer than a slice can be, as looked at above.
    let places = unsafe { slice::from_raw_parts_mut(decisions.cast::<MaybeUninit<tg_decision>>(), count) };
    places.iter_mut().for_each(tg_decision::clear);
    Ok(places)
}

/// # Safety
/// Both have `count` elements, and each key has its length.
unsafe fn all_keys<'a>(
    keys: *const *const c_void,
    lens: *const usize,
    count: usize,
) -> Outcome<Vec<&'a [u8]>> {
    // SAFETY: as the caller promises.
    let (keys, lens) = unsafe { (several(keys, count, "keys")?, several(lens, count, "key_lens")?) };
    // SAFETY: as the caller promises.
    let key = |(&key, &len)| unsafe { input::key(key, len) };
    keys.iter().zip(lens).map(key).collect()
}
