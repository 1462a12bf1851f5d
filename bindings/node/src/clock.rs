//! The clock for tests.

use std::time::Duration;

use napi::Result;
use napi::bindgen_prelude::{BigInt, External};
use napi_derive::napi;
use tidegate::{ManualClock, Nanos};

#[napi(catch_unwind, ts_return_type = "ClockHandle")]
pub fn create_clock() -> External<ManualClock> {
    External::new(ManualClock::new())
}

#[napi(catch_unwind)]
pub fn advance_clock(
    #[napi(ts_arg_type = "ClockHandle")] clock: &External<ManualClock>,
    seconds: f64,
) -> Result<()> {
    let by =
        Duration::try_from_secs_f64(seconds).map_err(|error| napi::Error::from_reason(error.to_string()))?;
    clock.advance(by);
    Ok(())
}

/// Sets the time in nanoseconds.
#[napi(catch_unwind)]
pub fn set_clock(#[napi(ts_arg_type = "ClockHandle")] clock: &External<ManualClock>, nanoseconds: BigInt) {
    let (_, value, _) = nanoseconds.get_u64();
    clock.set(Nanos::new(value));
}

/// The time in nanoseconds.
#[napi(catch_unwind)]
pub fn read_clock(#[napi(ts_arg_type = "ClockHandle")] clock: &External<ManualClock>) -> BigInt {
    clock.now().get().into()
}
