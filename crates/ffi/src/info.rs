//! The numbers of a decision.

use std::ffi::c_char;
use std::mem::{offset_of, size_of};
use std::ptr;

use tidegate::{Decision, LimitStatus};

use crate::boundary::guard;
use crate::input::{Growing, shared};
use crate::limiter::{nanos, no_such_limit};
use crate::output::fill_growing;
use crate::{tg_decision, tg_status};

/// The numbers of a decision. `limit`, `remaining` and `reset_after_ns` are of the reported limit: on
/// an admission the one that the options chose, on a denial the one with the longest wait.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_info {
    /// sizeof(tg_info).
    pub size: usize,
    /// The quota of the reported limit, in cost units per window.
    pub limit: u64,
    /// Whole cost units that the reported limit has left.
    pub remaining: u64,
    /// Nanoseconds until the reported limit has its full quota again if nothing more is sent.
    pub reset_after_ns: u64,
    /// On a denial, nanoseconds after which this very cost can pass; 0 when allowed.
    pub retry_after_ns: u64,
    /// The same in whole seconds, rounded up and at least 1, for Retry-After; 0 when allowed.
    pub retry_after_seconds: u64,
    /// The limiter's time in nanoseconds at which this was decided.
    pub at_ns: u64,
    /// Bit i: limit i denies.
    pub violated: u64,
    /// The index of the reported limit.
    pub reported: u32,
    /// How many limits the policy has.
    pub limit_count: u32,
    /// Whether the request is within every limit.
    pub allowed: bool,
    /// Whether the key has an entry of its own; if not, the table was full and `on_full` decided.
    pub tracked: bool,
    /// Zero.
    pub reserved: [u8; 6],
}

// SAFETY: begins with its size; only ever written by us.
unsafe impl Growing for tg_info {
    const FIRST_SIZE: usize = offset_of!(tg_info, reserved) + 6;
}

impl Default for tg_info {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            limit: 0,
            remaining: 0,
            reset_after_ns: 0,
            retry_after_ns: 0,
            retry_after_seconds: 0,
            at_ns: 0,
            violated: 0,
            reported: 0,
            limit_count: 0,
            allowed: false,
            tracked: false,
            reserved: [0; 6],
        }
    }
}

impl From<&Decision<'_>> for tg_info {
    fn from(decision: &Decision<'_>) -> Self {
        // Worked out once for all: each of the decision's own accessors would do so again.
        let reported = decision.reported();
        let retry_after_ns = nanos(reported.retry_after);
        let seconds = retry_after_ns.div_ceil(1_000_000_000).max(1);
        Self {
            limit: reported.limit.quota(),
            remaining: reported.remaining,
            reset_after_ns: nanos(reported.reset_after),
            retry_after_ns,
            retry_after_seconds: if decision.allowed() { 0 } else { seconds },
            at_ns: decision.at().get(),
            reported: decision.reported_index() as u32,
            limit_count: decision.policy().limits().len() as u32,
            violated: decision.violated_bits(),
            allowed: decision.allowed(),
            tracked: decision.tracked(),
            ..Self::default()
        }
    }
}

/// The state of one limit after a decision.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_limit_state {
    /// sizeof(tg_limit_state).
    pub size: usize,
    /// The limit's name, without a NUL; valid until the limiter is freed.
    pub name: *const c_char,
    /// The length of its name in bytes.
    pub name_len: usize,
    /// Cost units per window.
    pub quota: u64,
    /// The window in nanoseconds.
    pub window_ns: u64,
    /// Whole cost units left. A refused cost takes nothing.
    pub remaining: u64,
    /// Nanoseconds until it has its full quota again if nothing more is sent.
    pub reset_after_ns: u64,
    /// Nanoseconds after which this cost can pass this limit; 0 if it can now.
    pub retry_after_ns: u64,
    /// Nanoseconds for which `remaining` holds: `t` of the IETF headers.
    pub effective_window_ns: u64,
    /// Whether it denies.
    pub violated: bool,
    /// Zero.
    pub reserved: [u8; 7],
}

// SAFETY: begins with its size; only ever written by us.
unsafe impl Growing for tg_limit_state {
    const FIRST_SIZE: usize = offset_of!(tg_limit_state, reserved) + 7;
}

impl Default for tg_limit_state {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            name: ptr::null(),
            name_len: 0,
            quota: 0,
            window_ns: 0,
            remaining: 0,
            reset_after_ns: 0,
            retry_after_ns: 0,
            effective_window_ns: 0,
            violated: false,
            reserved: [0; 7],
        }
    }
}

impl From<LimitStatus<'_>> for tg_limit_state {
    fn from(status: LimitStatus<'_>) -> Self {
        let name = status.limit.name();
        Self {
            name: name.as_ptr().cast(),
            name_len: name.len(),
            quota: status.limit.quota(),
            window_ns: nanos(status.limit.window()),
            remaining: status.remaining,
            reset_after_ns: nanos(status.reset_after),
            retry_after_ns: nanos(status.retry_after),
            effective_window_ns: nanos(status.effective_window),
            violated: status.violated,
            ..Self::default()
        }
    }
}

/// The numbers of a decision, worked out now from what the check read.
///
/// # Safety
/// `decision` was filled and its limiter is not freed; `info` has its `size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_decision_info(decision: *const tg_decision, info: *mut tg_info) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decision = unsafe { shared(decision, "decision")?.engine()? };
        // SAFETY: as the caller promises.
        unsafe { fill_growing(info, "info", tg_info::from(decision)) }
    })
}

/// The state of the limit `index` after a decision, in the policy's order.
///
/// # Safety
/// `decision` was filled and its limiter is not freed; `state` has its `size` set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_decision_limit(
    decision: *const tg_decision,
    index: usize,
    state: *mut tg_limit_state,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let mut limits = unsafe { shared(decision, "decision")?.engine()? }.limits();
        let count = limits.len();
        let found = limits.nth(index).ok_or_else(|| no_such_limit(index, count))?;
        // SAFETY: as the caller promises.
        unsafe { fill_growing(state, "state", tg_limit_state::from(found)) }
    })
}
