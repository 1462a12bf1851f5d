//! A limiter as a handle: made, asked what it is, given back.

use std::ffi::c_char;
use std::mem::{offset_of, size_of};
use std::ptr;
use std::sync::Arc;

use tidegate::{Algorithm, Limit, Limiter};

use crate::boundary::{Failure, Outcome, guard, guard_or};
use crate::input::{self, Growing, growing, place, shared};
use crate::output::{Buffer, fill_growing};
use crate::tg_options;
use crate::tg_status::{self, TG_INDEX};

/// The longest key in bytes.
pub const TG_MAX_KEY_BYTES: usize = 65_536;
/// The most limits that one policy may have, and the most parts of a joint check.
pub const TG_MAX_LIMITS: usize = 8;
/// What `tg_limiter_max_body` gives where the policy says nothing of bodies.
pub const TG_NO_MAX_BODY: u64 = u64::MAX;

const _: () = assert!(TG_MAX_KEY_BYTES == tidegate::MAX_KEY_BYTES && TG_MAX_LIMITS == tidegate::MAX_LIMITS);

/// A policy with its table of keys. Usable from any number of threads at once.
pub struct tg_limiter(pub(crate) Limiter);

/// Makes a limiter for a policy in the notation of docs/policies.md, such as
/// "100/minute; 10/second token-bucket". `options` may be NULL for the defaults.
///
/// # Safety
/// `policy` has `policy_len` bytes; `options` is NULL or filled; `limiter` is valid for writing. It
/// is set to NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_new(
    policy: *const c_char,
    policy_len: usize,
    options: *const tg_options,
    limiter: *mut *mut tg_limiter,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let limiter = unsafe { place(limiter, "limiter") }?.write(ptr::null_mut());
        // SAFETY: as the caller promises.
        let policy = unsafe { input::text(policy, policy_len, "policy") }?;
        let options =
            // SAFETY: as the caller promises.
            if options.is_null() { tg_options::default() } else { unsafe { growing(options, "options") }? };
        // SAFETY: as the caller promises.
        let made = tg_limiter(unsafe { options.build(policy) }?);
        *limiter = Arc::into_raw(Arc::new(made)).cast_mut();
        Ok(())
    })
}

/// Gives the limiter back. NULL is nothing to do. Decisions that came from it are not valid any more.
/// Key handles are: they keep it alive.
///
/// # Safety
/// `limiter` came from `tg_limiter_new`, and no thread uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_free(limiter: *mut tg_limiter) {
    guard(|| {
        if !limiter.is_null() {
            // SAFETY: as the caller promises; it was made by `Arc::into_raw`.
            drop(unsafe { Arc::from_raw(limiter.cast_const()) });
        }
        Ok(())
    });
}

/// The policy in its canonical notation, which reads back to the same limits.
///
/// Writes the text and a NUL into `buf`, and the length without the NUL into `len`. A `cap` that
/// is too small gives TG_BUFFER_TOO_SMALL and the same length; `buf` may be NULL if `cap` is 0.
///
/// # Safety
/// `limiter` is a limiter; `buf` is valid for writing `cap` bytes, `len` for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_policy(
    limiter: *const tg_limiter,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let limiter = unsafe { shared(limiter, "limiter") }?;
        // SAFETY: as the caller promises.
        unsafe { Buffer { start: buf, cap, len }.fill(&limiter.0.policy().to_string()) }
    })
}

/// How many keys can be counted at once: at least as many as were asked for. 0 for NULL.
///
/// # Safety
/// `limiter` is a limiter, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_max_keys(limiter: *const tg_limiter) -> usize {
    // SAFETY: as the caller promises.
    guard_or(0, || Ok(unsafe { shared(limiter, "limiter") }?.0.max_keys()))
}

/// The largest request body in bytes that the policy file allows, for `tg_body_too_large`;
/// TG_NO_MAX_BODY, which no length exceeds, where it says none.
///
/// # Safety
/// `limiter` is a limiter, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_max_body(limiter: *const tg_limiter) -> u64 {
    guard_or(TG_NO_MAX_BODY, || {
        // SAFETY: as the caller promises.
        let limiter = unsafe { shared(limiter, "limiter") }?;
        Ok(limiter.0.policy().max_body().unwrap_or(TG_NO_MAX_BODY))
    })
}

/// How many limits the policy has. 0 for NULL.
///
/// # Safety
/// `limiter` is a limiter, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_limits(limiter: *const tg_limiter) -> usize {
    // SAFETY: as the caller promises.
    guard_or(0, || Ok(unsafe { shared(limiter, "limiter") }?.0.policy().limits().len()))
}

/// How a limit counts.
#[repr(u32)]
pub enum tg_algorithm {
    /// At every instant the costs admitted within the last window sum to at most the quota.
    TG_SLIDING_WINDOW_LOG = 0,
    /// A bucket of so many tokens, refilled evenly at quota per window.
    TG_TOKEN_BUCKET = 1,
    /// One that this header doesn't know yet.
    TG_OTHER_ALGORITHM = 2,
}

/// One limit of a policy.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_limit {
    /// sizeof(tg_limit).
    pub size: usize,
    /// Its name, without a NUL; valid until the limiter is freed.
    pub name: *const c_char,
    /// The length of its name in bytes.
    pub name_len: usize,
    /// Cost units per window.
    pub quota: u64,
    /// The window in nanoseconds.
    pub window_ns: u64,
    /// The most that one call may cost: a log's quota, a bucket's burst.
    pub capacity: u64,
    /// The tick in nanoseconds in which it counts time.
    pub resolution_ns: u64,
    /// What it counts: "requests", "content-bytes" or "concurrent-requests", without a NUL.
    pub unit: *const c_char,
    /// The length of that in bytes.
    pub unit_len: usize,
    /// A tg_algorithm.
    pub algorithm: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: begins with its size; numbers and pointers that are only ever written.
unsafe impl Growing for tg_limit {
    const FIRST_SIZE: usize = offset_of!(tg_limit, reserved) + 4;
}

impl Default for tg_limit {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            name: ptr::null(),
            name_len: 0,
            quota: 0,
            window_ns: 0,
            capacity: 0,
            resolution_ns: 0,
            unit: ptr::null(),
            unit_len: 0,
            algorithm: 0,
            reserved: 0,
        }
    }
}

impl From<&Limit> for tg_limit {
    fn from(limit: &Limit) -> Self {
        let (name, unit) = (limit.name(), limit.unit().as_str());
        Self {
            name: name.as_ptr().cast(),
            name_len: name.len(),
            quota: limit.quota(),
            window_ns: nanos(limit.window()),
            capacity: limit.capacity(),
            resolution_ns: nanos(limit.resolution()),
            unit: unit.as_ptr().cast(),
            unit_len: unit.len(),
            algorithm: algorithm(limit.algorithm()) as u32,
            ..Self::default()
        }
    }
}

fn algorithm(algorithm: Algorithm) -> tg_algorithm {
    match algorithm {
        Algorithm::SlidingWindowLog => tg_algorithm::TG_SLIDING_WINDOW_LOG,
        Algorithm::TokenBucket => tg_algorithm::TG_TOKEN_BUCKET,
        _ => tg_algorithm::TG_OTHER_ALGORITHM,
    }
}

/// Nanoseconds, saturating after 584 years.
pub(crate) fn nanos(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cold]
pub(crate) fn no_such_limit(index: usize, limits: usize) -> Failure {
    Failure::new(TG_INDEX, format!("there is no limit {index}: the policy has {limits}, counted from 0"))
}

/// Describes the limit `index` of the policy, counted from 0 in the policy's order.
///
/// # Safety
/// `limiter` is a limiter; `limit` has its `size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_limiter_limit(
    limiter: *const tg_limiter,
    index: usize,
    limit: *mut tg_limit,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let limits = unsafe { shared(limiter, "limiter") }?.0.policy().limits();
        let found = limits.get(index).ok_or_else(|| no_such_limit(index, limits.len()))?;
        // SAFETY: as the caller promises.
        unsafe { fill_growing(limit, "limit", tg_limit::from(found)) }
    })
}

/// The limiter behind a handle.
///
/// # Safety
/// `limiter` is NULL, or a limiter that is not freed during `'a`.
#[inline(always)]
pub(crate) unsafe fn limiter<'a>(limiter: *const tg_limiter) -> Outcome<&'a Limiter> {
    // SAFETY: as the caller promises.
    Ok(&unsafe { shared(limiter, "limiter") }?.0)
}
