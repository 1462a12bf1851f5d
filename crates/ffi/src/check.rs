//! The calls that decide, look, give back and forget.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::time::Duration;

use tidegate::{Decision, Limiter, Nanos};

use crate::boundary::{Outcome, guard};
use crate::input::{self, place};
use crate::limiter::limiter as limiter_of;
use crate::{tg_decision, tg_limiter, tg_status};

/// The frame of every call that fills a decision.
///
/// # Safety
/// As for [`tg_check`].
#[inline(always)]
unsafe fn decide<'a>(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    decision: *mut tg_decision,
    ask: impl FnOnce(&'a Limiter, &'a [u8]) -> tidegate::Result<Decision<'a>>,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decision = unsafe { empty(decision) }?;
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        tg_decision::fill(decision, ask(limiter, key))
    })
}

/// The place for a decision, which holds none yet.
///
/// # Safety
/// The pointer is NULL or points to room for one that nobody else uses during `'a`.
#[inline(always)]
pub(crate) unsafe fn empty<'a>(decision: *mut tg_decision) -> Outcome<&'a mut MaybeUninit<tg_decision>> {
    // SAFETY: as the caller promises.
    let decision = unsafe { place(decision, "decision") }?;
    tg_decision::clear(decision);
    Ok(decision)
}

/// Decides about `cost` units for `key`: all are taken from every limit, or nothing is.
///
/// A denial is TG_OK with `decision->allowed` false. Keys are any bytes, 1 to TG_MAX_KEY_BYTES.
/// Errors: TG_EMPTY_KEY, TG_KEY_TOO_LONG, TG_ZERO_COST, TG_COST_ABOVE_QUOTA.
///
/// # Safety
/// `limiter` is a limiter; `key` has `key_len` bytes; `decision` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_check(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    decision: *mut tg_decision,
) -> tg_status {
    // SAFETY: as the caller promises.
    unsafe { decide(limiter, key, key_len, decision, |limiter, key| limiter.check_n(key, cost)) }
}

/// Decides as `tg_check` does, at a time of the caller's in place of the clock's: for replaying what
/// happened, and for tests. Times before the key's last admission count as that one.
///
/// # Safety
/// As for `tg_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_check_at(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    now_ns: u64,
    decision: *mut tg_decision,
) -> tg_status {
    let now = Nanos::new(now_ns);
    // SAFETY: as the caller promises.
    unsafe { decide(limiter, key, key_len, decision, |limiter, key| limiter.check_at(key, cost, now)) }
}

/// Decides about a cost for each limit, in the policy's order: one request and 900 tokens, say. A
/// limit whose cost is 0 has no say. Errors: also TG_COST_COUNT.
///
/// # Safety
/// As for `tg_check`; `costs` has `cost_count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_check_costs(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    costs: *const u64,
    cost_count: usize,
    decision: *mut tg_decision,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decision = unsafe { empty(decision) }?;
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        // SAFETY: as the caller promises.
        let costs = unsafe { input::several(costs, cost_count, "costs") }?;
        tg_decision::fill(decision, limiter.check_costs(key, costs))
    })
}

/// Whether `cost` units for `key` are within every limit; taken if so. The same as `tg_check` for
/// those who need no more than that, in less time. `allowed` is false after an error.
///
/// # Safety
/// As for `tg_check`; `allowed` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_allow(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    allowed: *mut bool,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let allowed = unsafe { place(allowed, "allowed") }?.write(false);
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        *allowed = if cost == 1 { limiter.allow(key)? } else { limiter.allow_n(key, cost)? };
        Ok(())
    })
}

/// What a check of one unit would be told, with the numbers as they are now; takes nothing.
///
/// # Safety
/// As for `tg_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_peek(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    decision: *mut tg_decision,
) -> tg_status {
    // SAFETY: as the caller promises.
    unsafe { decide(limiter, key, key_len, decision, |limiter, key| limiter.peek(key)) }
}

/// Waits until `cost` units for `key` are admitted, at most `timeout_ns` nanoseconds. The decision is
/// the admission, or the denial that stood when waiting ended; a wait that can't end in time is not
/// begun. Threads that wait for one key are admitted in the order of their calls.
///
/// # Safety
/// As for `tg_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_acquire(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    timeout_ns: u64,
    decision: *mut tg_decision,
) -> tg_status {
    let timeout = Duration::from_nanos(timeout_ns);
    // SAFETY: as the caller promises.
    unsafe { decide(limiter, key, key_len, decision, |limiter, key| limiter.acquire(key, cost, timeout)) }
}

/// Gives `cost` units back to every limit of `key`: a log forgets its newest events, a bucket gets
/// its tokens back, up to full.
///
/// # Safety
/// `limiter` is a limiter; `key` has `key_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_refund(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    cost: u64,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        Ok(limiter.refund(key, cost)?)
    })
}

/// Gives a cost for each limit back, in the policy's order.
///
/// # Safety
/// As for `tg_refund`; `costs` has `cost_count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_refund_costs(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    costs: *const u64,
    cost_count: usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        // SAFETY: as the caller promises.
        Ok(limiter.refund_costs(key, unsafe { input::several(costs, cost_count, "costs") }?)?)
    })
}

/// Forgets what `key` has used.
///
/// # Safety
/// As for `tg_refund`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_reset(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let (limiter, key) = unsafe { (limiter_of(limiter)?, input::key(key, key_len)?) };
        Ok(limiter.reset(key)?)
    })
}
