//! Calls that come with every request: what they cost is mostly the way from JavaScript and back, and
//! napi-rs's wrapper around a function costs several times what a check does. So these are functions as
//! Node itself calls them: `(limiter, key, cost)`, where no cost is 1. A key is text, or the length of
//! the bytes that are in the shared memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::FromNapiValue;
use napi::{Env, JsError, Result, sys};
use tidegate::{Error, MAX_KEY_BYTES};

use crate::fault::OrThrow;
use crate::limiter::{Handle, LimiterRef};

/// Answers a call about a key, or throws.
///
/// # Safety
/// `env` and `info` are what Node calls a function with.
#[inline(always)]
pub(crate) unsafe fn answer<T: Answer>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    decide: impl FnOnce(&Handle, &[u8], f64) -> tidegate::Result<T>,
) -> sys::napi_value {
    let answered = |(given, [limiter, key, cost]): (usize, [_; 3])| {
        Call { env, limiter, key, cost: (given == 3).then_some(cost) }.decide(decide)
    };
    // SAFETY: as this function's own.
    unsafe { returned(env, || arguments(env, info).and_then(answered)) }
}

/// How many arguments were given, and the first three; what was not given is `undefined`.
///
/// # Safety
/// As for `answer`.
#[inline(always)]
pub(crate) unsafe fn arguments(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> Result<(usize, [sys::napi_value; 3])> {
    let (mut given, mut arguments) = (3, [ptr::null_mut(); 3]);
    // SAFETY: there is room for three arguments.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &mut given, arguments.as_mut_ptr(), ptr::null_mut(), ptr::null_mut())
    };
    fine(status)?;
    Ok((given, arguments))
}

/// Returns to JavaScript, or throws: a panic too, which must not leave the functions that Node calls.
///
/// # Safety
/// `env` is live.
#[inline(always)]
pub(crate) unsafe fn returned<T: Answer>(
    env: sys::napi_env,
    call: impl FnOnce() -> Result<T>,
) -> sys::napi_value {
    match catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(panicked())) {
        // SAFETY: as this function's own.
        Ok(answer) => unsafe { answer.value(env) },
        Err(error) => {
            // SAFETY: as above.
            unsafe { JsError::from(error).throw_into(env) };
            ptr::null_mut()
        }
    }
}

/// A call under way: what it has is live. Nothing that it does lets JavaScript run.
struct Call {
    env: sys::napi_env,
    limiter: sys::napi_value,
    key: sys::napi_value,
    cost: Option<sys::napi_value>,
}

/// Most keys are ASCII and no longer than this; others take a slower way.
const SHORT: usize = 64;

/// Units that are narrowed at once.
const LANE: usize = 16;

enum Text {
    Short(usize),
    Other,
    /// It is no text.
    None,
}

impl Call {
    #[inline(always)]
    fn decide<T>(self, decide: impl FnOnce(&Handle, &[u8], f64) -> tidegate::Result<T>) -> Result<T> {
        let env = Env::from_raw(self.env);
        // SAFETY: the call is live.
        let limiter = unsafe { LimiterRef::from_napi_value(self.env, self.limiter)? };
        let mut short = [0; SHORT];
        let other;
        let key = match self.short_text(&mut short)? {
            Text::Short(len) => short.get(..len).unwrap_or(&[]),
            Text::Other => {
                other = self.other_text()?;
                other.as_slice()
            }
            Text::None => limiter.memory.key(self.length()?).or_throw(&env)?,
        };
        decide(&limiter, key, self.cost()?).or_throw(&env)
    }

    /// Writes text of ASCII that is short to `bytes`. Node copies it as UTF-16 in a fraction of the time
    /// that it takes for UTF-8.
    #[inline(always)]
    fn short_text(&self, bytes: &mut [u8; SHORT]) -> Result<Text> {
        let (mut units, mut len) = ([0_u16; SHORT + LANE], 0);
        // SAFETY: the call is live. Node writes no more than there is room for: one unit more than may be
        // short, and a zero.
        let status = unsafe {
            sys::napi_get_value_string_utf16(self.env, self.key, units.as_mut_ptr(), SHORT + 2, &mut len)
        };
        if status == sys::Status::napi_string_expected {
            return Ok(Text::None);
        }
        fine(status)?;
        if len > SHORT {
            return Ok(Text::Other);
        }
        let mut all = [0; LANE];
        for (bytes, units) in
            bytes.chunks_exact_mut(LANE).zip(units.chunks_exact(LANE)).take(len.div_ceil(LANE))
        {
            for ((byte, seen), &unit) in bytes.iter_mut().zip(&mut all).zip(units) {
                *byte = unit as u8;
                *seen |= unit;
            }
        }
        let all = all.iter().fold(0, |all, unit| all | unit);
        Ok(if all < 0x80 { Text::Short(len) } else { Text::Other })
    }

    /// Any text, as UTF-8.
    #[cold]
    fn other_text(&self) -> Result<Vec<u8>> {
        let mut len = 0;
        // SAFETY: the call is live; without a place to write to, Node gives the length.
        fine(unsafe { sys::napi_get_value_string_utf8(self.env, self.key, ptr::null_mut(), 0, &mut len) })?;
        if len > MAX_KEY_BYTES {
            return Err(Error::KeyTooLong { len }).or_throw(&Env::from_raw(self.env));
        }
        // With the zero that Node adds.
        let mut bytes = vec![0; len + 1];
        // SAFETY: as above, and Node writes no more than there is room for.
        fine(unsafe {
            sys::napi_get_value_string_utf8(
                self.env,
                self.key,
                bytes.as_mut_ptr().cast(),
                bytes.len(),
                &mut len,
            )
        })?;
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Of a key that is in the shared memory.
    fn length(&self) -> Result<u32> {
        // SAFETY: the call is live.
        unsafe { u32::from_napi_value(self.env, self.key) }
    }

    #[inline(always)]
    fn cost(&self) -> Result<f64> {
        // SAFETY: the call is live.
        self.cost.map_or(Ok(1.0), |cost| unsafe { f64::from_napi_value(self.env, cost) })
    }
}

#[inline(always)]
fn fine(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(failed(status)) }
}

#[cold]
fn panicked() -> napi::Error {
    napi::Error::from_reason("tidegate: a fault in the library; please report what was called")
}

#[cold]
fn failed(status: sys::napi_status) -> napi::Error {
    napi::Error::new(status.into(), "tidegate: Node does not give the arguments of a call")
}

/// What a call returns to JavaScript.
pub(crate) trait Answer {
    /// # Safety
    /// `env` is live.
    unsafe fn value(self, env: sys::napi_env) -> sys::napi_value;
}

impl Answer for () {
    unsafe fn value(self, _: sys::napi_env) -> sys::napi_value {
        ptr::null_mut() // that is `undefined`
    }
}

impl Answer for bool {
    #[inline(always)]
    unsafe fn value(self, env: sys::napi_env) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: as this function's own. It can't fail, and if it did the value would be `undefined`.
        unsafe { sys::napi_get_boolean(env, self, &mut value) };
        value
    }
}

impl Answer for u32 {
    #[inline(always)]
    unsafe fn value(self, env: sys::napi_env) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: as above.
        unsafe { sys::napi_create_uint32(env, self, &mut value) };
        value
    }
}

impl Answer for String {
    unsafe fn value(self, env: sys::napi_env) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: as above; the text is as long as it says, and is copied.
        unsafe { sys::napi_create_string_utf8(env, self.as_ptr().cast(), self.len() as isize, &mut value) };
        value
    }
}
