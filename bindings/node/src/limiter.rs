//! Limiters: the handles that JavaScript holds, and how they are made.

use std::ffi::c_void;
use std::ops::Deref;
use std::ptr;

use napi::bindgen_prelude::{
    BigInt, External, FromNapiValue, ToNapiValue, TypeName, Uint8Array, ValidateNapiValue,
};
use napi::{Env, Result, ValueType, sys};
use napi_derive::napi;
use tidegate::{Clock, Error, Limiter, ManualClock, OnFull, OnUnavailable, Policy};

use crate::fault::OrThrow;
use crate::memory::Memory;

/// In every handle of a limiter.
const MARK: u64 = u64::from_le_bytes(*b"tidegate");

/// A limiter, and the memory by which JavaScript talks to it.
#[repr(C)]
pub struct Handle {
    mark: u64,
    pub(crate) limiter: Limiter,
    pub(crate) memory: Memory,
}

/// A handle as an argument. napi-rs looks every `External` up in a table of all that it has made, under
/// a lock: that costs as much as a check does, and so the handle is one of our own.
pub struct LimiterRef(&'static Handle);

impl Deref for LimiterRef {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        self.0
    }
}

impl TypeName for LimiterRef {
    fn type_name() -> &'static str {
        "External"
    }

    fn value_type() -> ValueType {
        ValueType::External
    }
}

impl ValidateNapiValue for LimiterRef {}

impl FromNapiValue for LimiterRef {
    #[inline(always)]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut payload = ptr::null_mut();
        // SAFETY: napi-rs gives a live environment and value. Only the package's own JavaScript calls
        // this, and what it gives as a limiter it has had from `create_limiter`; should it ever give the
        // handle of something else, the mark says so. It lives as long as the value, which is an
        // argument of the call under way.
        let handle = unsafe {
            sys::napi_get_value_external(env, value, &mut payload);
            payload.cast::<Handle>().as_ref()
        };
        match handle {
            Some(handle) if handle.mark == MARK => Ok(Self(handle)),
            _ => Err(napi::Error::from_reason("tidegate: this is no limiter")),
        }
    }
}

/// A handle as a result.
pub struct NewLimiter(Box<Handle>);

impl ToNapiValue for NewLimiter {
    unsafe fn to_napi_value(env: sys::napi_env, new: Self) -> Result<sys::napi_value> {
        let (mut value, handle) = (ptr::null_mut(), Box::into_raw(new.0));
        // SAFETY: napi-rs gives a live environment; `free` is called once, when the value is collected.
        let status =
            unsafe { sys::napi_create_external(env, handle.cast(), Some(free), ptr::null_mut(), &mut value) };
        if status == sys::Status::napi_ok {
            return Ok(value);
        }
        // SAFETY: nobody else has it.
        drop(unsafe { Box::from_raw(handle) });
        Err(napi::Error::new(status.into(), "tidegate: no handle can be made"))
    }
}

/// Node has collected a limiter.
unsafe extern "C" fn free(_env: sys::napi_env, handle: *mut c_void, _hint: *mut c_void) {
    // SAFETY: it is what `to_napi_value` gave away, and this is called once.
    drop(unsafe { Box::from_raw(handle.cast::<Handle>()) });
}

/// Bytes that stay where they are for as long as they are kept: those of a `SharedArrayBuffer`. An
/// `ArrayBuffer` can be transferred to somebody else at any time, who then frees it.
pub struct Lasting(Uint8Array);

impl TypeName for Lasting {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Lasting {}

impl FromNapiValue for Lasting {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (mut buffer, mut can_be_taken) = (ptr::null_mut(), true);
        // SAFETY: napi-rs gives a live environment and value; what is not asked for may be null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &mut buffer,
                ptr::null_mut(),
            )
        };
        if status == sys::Status::napi_ok {
            // SAFETY: as above; Node says no of a `SharedArrayBuffer`.
            unsafe { sys::napi_is_arraybuffer(env, buffer, &mut can_be_taken) };
        }
        if can_be_taken {
            return Err(napi::Error::from_reason("tidegate: the memory is that of no SharedArrayBuffer"));
        }
        // SAFETY: as above.
        Ok(Self(unsafe { Uint8Array::from_napi_value(env, value)? }))
    }
}

/// As the JavaScript half has checked them.
#[napi(object)]
pub struct LimiterOptions {
    pub max_keys: Option<f64>,
    pub segment: Option<String>,
    /// `coarse` or `precise`.
    pub clock: Option<String>,
    /// `overflow`, `deny` or `allow`.
    pub on_full: Option<String>,
    /// `deny` or `allow`.
    pub on_unavailable: Option<String>,
}

#[napi(catch_unwind, ts_return_type = "Handle")]
pub fn create_limiter(
    env: Env,
    #[napi(ts_arg_type = "Uint8Array")] memory: Lasting,
    #[napi(ts_arg_type = "PolicyHandle")] policy: &External<Policy>,
    options: LimiterOptions,
    #[napi(ts_arg_type = "ClockHandle | undefined")] manual: Option<&External<ManualClock>>,
) -> Result<NewLimiter> {
    let memory = Memory::new(memory.0)?;
    let limiter = build(policy, options, manual.map(|clock| (**clock).clone())).or_throw(&env)?;
    Ok(NewLimiter(Box::new(Handle { mark: MARK, limiter, memory })))
}

fn build(policy: &Policy, options: LimiterOptions, manual: Option<ManualClock>) -> tidegate::Result<Limiter> {
    let mut builder = Limiter::builder(policy);
    if let Some(max_keys) = options.max_keys {
        builder = builder.max_keys(max_keys as usize);
    }
    if let Some(path) = options.segment {
        builder = builder.segment(path);
    }
    if let Some(name) = options.clock {
        builder =
            builder.clock(choice("clock", &name, &[("coarse", Clock::Coarse), ("precise", Clock::Precise)])?);
    }
    if let Some(clock) = manual {
        builder = builder.clock(clock);
    }
    if let Some(name) = options.on_full {
        let choices = [("overflow", OnFull::Overflow), ("deny", OnFull::Deny), ("allow", OnFull::Allow)];
        builder = builder.on_full(choice("onFull", &name, &choices)?);
    }
    if let Some(name) = options.on_unavailable {
        let choices = [("deny", OnUnavailable::Deny), ("allow", OnUnavailable::Allow)];
        builder = builder.on_unavailable(choice("onUnavailable", &name, &choices)?);
    }
    builder.build()
}

/// What a name stands for.
pub(crate) fn choice<T: Clone>(option: &str, name: &str, choices: &[(&str, T)]) -> tidegate::Result<T> {
    let found = choices.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| format!("`{known}`")).collect();
        Error::Options(format!("{option}: `{name}` is unknown: expected {}", known.join(" or ")))
    })
}

/// What a limiter has done since it was made.
#[napi(object)]
pub struct NativeCounters {
    pub admitted: f64,
    pub denied: Vec<f64>,
    pub overflowed: f64,
    pub reclaimed: f64,
    pub unavailable: f64,
}

#[napi(catch_unwind)]
pub fn counters(#[napi(ts_arg_type = "Handle")] limiter: LimiterRef) -> NativeCounters {
    let counters = limiter.limiter.counters();
    NativeCounters {
        admitted: counters.admitted as f64,
        denied: counters.denied.iter().map(|&denied| denied as f64).collect(),
        overflowed: counters.overflowed as f64,
        reclaimed: counters.reclaimed as f64,
        unavailable: counters.unavailable as f64,
    }
}

#[napi(catch_unwind)]
pub fn max_keys(#[napi(ts_arg_type = "Handle")] limiter: LimiterRef) -> f64 {
    limiter.limiter.max_keys() as f64
}

/// Nanoseconds of the limiter's time.
#[napi(catch_unwind)]
pub fn now(#[napi(ts_arg_type = "Handle")] limiter: LimiterRef) -> BigInt {
    limiter.limiter.now().get().into()
}
