//! What a limiter has done so far.

use std::mem::{offset_of, size_of};

use tidegate::Counters;

use crate::boundary::guard;
use crate::input::Growing;
use crate::limiter::limiter as limiter_of;
use crate::output::fill_growing;
use crate::{TG_MAX_LIMITS, tg_limiter, tg_status};

/// What a limiter has done since it was made. Every call is counted once, in `admitted` or in
/// `denied`; the sums are exact once the calls have returned.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_counters {
    /// sizeof(tg_counters).
    pub size: usize,
    /// Calls admitted.
    pub admitted: u64,
    /// Calls of keys that the table had no room for; each is also admitted or denied.
    pub overflowed: u64,
    /// Entries whose limits had all recovered and whose place a new key took.
    pub reclaimed: u64,
    /// Calls whose entry could not be had (shared segments only); each is also admitted or denied.
    pub unavailable: u64,
    /// Calls denied, by the limit that their decision reports, in the policy's order.
    pub denied: [u64; TG_MAX_LIMITS],
}

// SAFETY: begins with its size; all else are numbers.
unsafe impl Growing for tg_counters {
    const FIRST_SIZE: usize = offset_of!(tg_counters, denied) + 8 * TG_MAX_LIMITS;
}

impl Default for tg_counters {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            admitted: 0,
            overflowed: 0,
            reclaimed: 0,
            unavailable: 0,
            denied: [0; TG_MAX_LIMITS],
        }
    }
}

impl From<Counters> for tg_counters {
    fn from(counters: Counters) -> Self {
        let Counters { admitted, overflowed, reclaimed, unavailable, denied, .. } = counters;
        let mut all = Self { admitted, overflowed, reclaimed, unavailable, ..Self::default() };
        all.denied.iter_mut().zip(denied).for_each(|(to, from)| *to = from);
        all
    }
}

/// What the limiter has done so far.
///
/// # Safety
/// `limiter` is a limiter; `counters` has its `size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_counters(
    limiter: *const tg_limiter,
    counters: *mut tg_counters,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let now = unsafe { limiter_of(limiter) }?.counters();
        // SAFETY: as the caller promises.
        unsafe { fill_growing(counters, "counters", now.into()) }
    })
}
