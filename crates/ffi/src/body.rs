//! The bodies of refusals: 429 and 413.

use std::ffi::{CStr, c_char};
use std::mem::{offset_of, size_of};
use std::ptr;

use tidegate::{Body, Decision, accepts_problem};

use crate::boundary::{Outcome, guard};
use crate::input::{self, Growing, shared};
use crate::output::{Buffer, fill_growing};
use crate::{tg_decision, tg_status};

/// What goes with a body. The texts end in NUL and live as long as the library.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_body_head {
    /// sizeof(tg_body_head).
    pub size: usize,
    /// The value of Content-Type; NULL if there is no body.
    pub content_type: *const c_char,
    /// The value of Cache-Control; NULL if there is no body.
    pub cache_control: *const c_char,
    /// The HTTP status: 429 or 413; 0 if there is no body, since the request was allowed.
    pub status: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: begins with its size; only ever written by us.
unsafe impl Growing for tg_body_head {
    const FIRST_SIZE: usize = offset_of!(tg_body_head, reserved) + 4;
}

impl Default for tg_body_head {
    fn default() -> Self {
        let size = size_of::<Self>();
        Self { size, content_type: ptr::null(), cache_control: ptr::null(), status: 0, reserved: 0 }
    }
}

impl From<&Body> for tg_body_head {
    fn from(body: &Body) -> Self {
        Self {
            content_type: with_nul(body.content_type).as_ptr(),
            cache_control: with_nul(body.cache_control).as_ptr(),
            status: u32::from(body.status),
            ..Self::default()
        }
    }
}

/// The few values that heads have, as C wants them.
const VALUES: [&CStr; 3] = [c"application/json", c"application/problem+json", c"no-store"];

fn with_nul(value: &'static str) -> &'static CStr {
    VALUES.into_iter().find(|known| known.to_bytes() == value.as_bytes()).unwrap_or_default()
}

/// The body of a denial: a message as JSON, or a problem (RFC 9457) if the request's Accept header
/// prefers that. `accept` may be NULL. An admission has none: `len` and `head->status` are 0.
///
/// `retry_after` is what `tg_headers` was given; the message says it. The buffer is filled as by
/// `tg_limiter_policy`; `head` may be NULL.
///
/// # Safety
/// `decision` was filled and its limiter is not freed; `accept` has `accept_len` bytes; `head` has
/// its `size` set; `buf` is valid for writing `cap` bytes, `len` for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_body(
    decision: *const tg_decision,
    accept: *const c_char,
    accept_len: usize,
    retry_after: u64,
    head: *mut tg_body_head,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let decision = unsafe { shared(decision, "decision")?.engine()? };
        // SAFETY: as the caller promises.
        let accept = unsafe { input::several(accept.cast::<u8>(), accept_len, "accept") }?;
        let body = body_for(decision, &String::from_utf8_lossy(accept), retry_after);
        // SAFETY: as the caller promises.
        unsafe { give(body.as_ref(), head, Buffer { start: buf, cap, len }) }
    })
}

fn body_for(decision: &Decision<'_>, accept: &str, retry_after: u64) -> Option<Body> {
    if accepts_problem(accept) {
        return decision.problem_body();
    }
    decision.retry_after_seconds().map(|own| Body::rate_limited(own.max(retry_after)))
}

/// # Safety
/// `head` is NULL or has its size set; the buffer is as [`Buffer::fill`] wants it.
unsafe fn give(body: Option<&Body>, head: *mut tg_body_head, buffer: Buffer) -> Outcome {
    if !head.is_null() {
        let value = body.map(tg_body_head::from).unwrap_or_default();
        // SAFETY: as the caller promises.
        unsafe { fill_growing(head, "head", value) }?;
    }
    // SAFETY: as the caller promises.
    unsafe { buffer.fill(body.map_or("", |body| &body.text)) }
}

/// The body for a request whose own is larger than `max_body` bytes: 413. Answer with it as soon as
/// the declared Content-Length says so, or once a body without a length grows past it. Such a request
/// costs no quota. The buffer is filled as by `tg_limiter_policy`; `head` may be NULL.
///
/// # Safety
/// `head` has its `size` set; `buf` is valid for writing `cap` bytes, `len` for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_body_too_large(
    max_body: u64,
    head: *mut tg_body_head,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        let body = Body::content_too_large(max_body);
        // SAFETY: as the caller promises.
        unsafe { give(Some(&body), head, Buffer { start: buf, cap, len }) }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_value_of_a_head_is_known() {
        let limiter = tidegate::Limiter::new("1/minute").unwrap();
        assert!(limiter.allow("alice").unwrap());
        let denied = limiter.check("alice").unwrap();
        for body in [denied.body().unwrap(), denied.problem_body().unwrap(), Body::content_too_large(1)] {
            assert_eq!(with_nul(body.content_type).to_str(), Ok(body.content_type));
            assert_eq!(with_nul(body.cache_control).to_str(), Ok(body.cache_control));
        }
    }
}
