//! A clock for tests, which moves only when told to.

use std::time::Duration;

use tidegate::{ManualClock, Nanos};

use crate::boundary::guard;
use crate::input::{place, shared};
use crate::tg_status;

/// A clock for tests: it stands still until it is moved. Limiters that were made with it keep it
/// alive, so it can be freed at any time.
pub struct tg_manual_clock(pub(crate) ManualClock);

/// A clock at `now_ns` nanoseconds; its zero counts as the Unix epoch where headers ask for a date.
///
/// # Safety
/// `clock` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_manual_clock_new(now_ns: u64, clock: *mut *mut tg_manual_clock) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let clock = unsafe { place(clock, "clock") }?;
        let made = tg_manual_clock(ManualClock::at(Nanos::new(now_ns)));
        clock.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// Moves the time forward by `by_ns` nanoseconds, and wakes those who wait in `tg_acquire`.
///
/// # Safety
/// `clock` came from `tg_manual_clock_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_manual_clock_advance(clock: *const tg_manual_clock, by_ns: u64) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        unsafe { shared(clock, "clock") }?.0.advance(Duration::from_nanos(by_ns));
        Ok(())
    })
}

/// Sets the time, backwards too.
///
/// # Safety
/// `clock` came from `tg_manual_clock_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_manual_clock_set(clock: *const tg_manual_clock, now_ns: u64) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        unsafe { shared(clock, "clock") }?.0.set(Nanos::new(now_ns));
        Ok(())
    })
}

/// The time of the clock in nanoseconds.
///
/// # Safety
/// `clock` came from `tg_manual_clock_new`; `now_ns` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_manual_clock_now(clock: *const tg_manual_clock, now_ns: *mut u64) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let (clock, now_ns) = unsafe { (shared(clock, "clock")?, place(now_ns, "now_ns")?) };
        now_ns.write(clock.0.now().get());
        Ok(())
    })
}

/// Gives the clock back. NULL is nothing to do.
///
/// # Safety
/// `clock` came from `tg_manual_clock_new`, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_manual_clock_free(clock: *mut tg_manual_clock) {
    guard(|| {
        if !clock.is_null() {
            // SAFETY: as the caller promises.
            drop(unsafe { Box::from_raw(clock) });
        }
        Ok(())
    });
}
