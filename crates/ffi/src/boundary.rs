//! The edge to C: what goes wrong behind it comes out as a status, and as a text for this thread.

use std::any::Any;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tidegate::Error;

use crate::tg_status::{self, TG_OK, TG_PANIC};

/// Why a call fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: tg_status,
    pub(crate) text: Cow<'static, str>,
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(status: tg_status, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into() }
    }
}

impl From<Error> for Failure {
    #[cold]
    fn from(error: Error) -> Self {
        Self::new(tg_status::of(&error), error.to_string())
    }
}

thread_local! {
    static LAST_ERROR: RefCell<Cow<'static, str>> = const { RefCell::new(Cow::Borrowed("")) };
}

/// Runs the body of a function that C calls. No panic leaves it.
#[inline(always)]
pub(crate) fn guard(body: impl FnOnce() -> Outcome) -> tg_status {
    // A body that panics has changed nothing of ours: what it fills is the caller's, and the
    // core's own data is behind atomics and locks that do not mind.
    let told = AssertUnwindSafe(|| body().map_or_else(report, |()| TG_OK));
    catch_unwind(told).unwrap_or_else(|panic| report(Failure::new(TG_PANIC, message(panic.as_ref()))))
}

/// The same for functions that give a value; the fallback stands for every failure.
pub(crate) fn guard_or<T>(fallback: T, body: impl FnOnce() -> Outcome<T>) -> T {
    let mut value = fallback;
    guard(|| {
        value = body()?;
        Ok(())
    });
    value
}

#[cold]
#[inline(never)]
fn report(failure: Failure) -> tg_status {
    // A thread that is being torn down has no place for the text any more; the status is enough.
    let _ = LAST_ERROR.try_with(|last| last.replace(failure.text));
    failure.status
}

fn message(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    format!("a fault in tidegate, please report it: {said}")
}

/// What was wrong with this thread's last call that failed, and what to do; empty if none has. Calls
/// that succeed leave it as it is.
///
/// Writes at most `cap` bytes into `buf`, the NUL that ends them included, and cuts a longer text
/// short between characters. Returns the length of the whole text without the NUL. `buf` may be NULL
/// if `cap` is 0.
///
/// # Safety
/// `buf` is valid for writing `cap` bytes, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_last_error(buf: *mut c_char, cap: usize) -> usize {
    let last = LAST_ERROR.try_with(|last| last.borrow().clone()).unwrap_or_default();
    if cap != 0 && !buf.is_null() {
        let text = last.get(..last.floor_char_boundary(cap - 1)).unwrap_or_default();
        // SAFETY: `cap` bytes may be written there, and the text is shorter than that.
        unsafe { crate::output::write_text(text, buf) };
    }
    last.len()
}

/// Panics, to show that no panic reaches C. In builds for tests only.
#[cfg(feature = "test-panic")]
#[unsafe(no_mangle)]
#[allow(clippy::panic)]
pub extern "C" fn tg_test_panic() -> tg_status {
    guard(|| panic!("as the test asked"))
}
