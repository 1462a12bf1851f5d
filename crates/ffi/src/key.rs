//! A key that was hashed and looked up in advance.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use tidegate::{Key, Limiter};

use crate::boundary::{Outcome, guard};
use crate::check::empty;
use crate::input::{self, place, shared};
use crate::{tg_decision, tg_limiter, tg_status};

/// A key of a limiter, for those who decide about one key again and again. It keeps its limiter
/// alive. Usable from any number of threads at once.
pub struct tg_key {
    /// Borrows from the limiter below, so it stands first and goes first.
    key: Key<'static>,
    _limiter: Arc<tg_limiter>,
}

impl tg_key {
    fn new(limiter: Arc<tg_limiter>, key: &[u8]) -> Outcome<Self> {
        let borrowed: *const Limiter = &limiter.0;
        // SAFETY: the limiter stays where it is, in an `Arc` that lives longer than the key does.
        let key = unsafe { &*borrowed }.key(key)?;
        Ok(Self { key, _limiter: limiter })
    }
}

/// Makes a handle to a key, which need not stay there. Errors: TG_EMPTY_KEY, TG_KEY_TOO_LONG.
///
/// # Safety
/// `limiter` is a limiter; `key` has `key_len` bytes; `handle` is valid for writing. It is set to
/// NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_key_new(
    limiter: *const tg_limiter,
    key: *const c_void,
    key_len: usize,
    handle: *mut *mut tg_key,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let handle = unsafe { place(handle, "handle") }?.write(ptr::null_mut());
        // SAFETY: as the caller promises; every limiter is in an `Arc`.
        let limiter = unsafe {
            shared(limiter, "limiter")?;
            Arc::increment_strong_count(limiter);
            Arc::from_raw(limiter)
        };
        // SAFETY: as the caller promises.
        let made = tg_key::new(limiter, unsafe { input::key(key, key_len) }?)?;
        *handle = Box::into_raw(Box::new(made));
        Ok(())
    })
}

/// As `tg_check`, for the handle's key.
///
/// # Safety
/// `handle` came from `tg_key_new`; `decision` is valid for writing. It is good until both the handle
/// and the limiter are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_key_check(
    handle: *const tg_key,
    cost: u64,
    decision: *mut tg_decision,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decision = unsafe { empty(decision) }?;
        // SAFETY: as the caller promises.
        let handle = unsafe { shared(handle, "handle") }?;
        tg_decision::fill(decision, handle.key.check_n(cost))
    })
}

/// As `tg_allow`, for the handle's key.
///
/// # Safety
/// `handle` came from `tg_key_new`; `allowed` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_key_allow(handle: *const tg_key, cost: u64, allowed: *mut bool) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let allowed = unsafe { place(allowed, "allowed") }?.write(false);
        // SAFETY: as the caller promises.
        let handle = unsafe { shared(handle, "handle") }?;
        *allowed = if cost == 1 { handle.key.allow() } else { handle.key.check_n(cost)?.allowed() };
        Ok(())
    })
}

/// Gives the handle back. NULL is nothing to do.
///
/// # Safety
/// `handle` came from `tg_key_new`, and no thread uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_key_free(handle: *mut tg_key) {
    guard(|| {
        if !handle.is_null() {
            // SAFETY: as the caller promises.
            drop(unsafe { Box::from_raw(handle) });
        }
        Ok(())
    });
}
