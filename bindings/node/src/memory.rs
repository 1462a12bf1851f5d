//! The memory that a limiter shares with JavaScript, one for each thread of Node's.
//!
//! ```text
//! ┌────────┬──────────────────┬────────────────────┬───────┐
//! │ record │ costs: 8 numbers │ states: 8 of limits │ a key │
//! └────────┴──────────────────┴────────────────────┴───────┘
//! ```
//!
//! JavaScript writes a key, and costs if there are several; a check writes its record there. To ask
//! more about a decision, JavaScript writes the record that it kept back. Nothing here is a number of
//! which a wrong value could do more than give wrong numbers.

use std::mem::{align_of, offset_of, size_of};
use std::ptr::NonNull;
use std::slice;
use std::time::Duration;

use napi::Result;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use tidegate::{Decision, DecisionWords, Error, LimitStatus, MAX_KEY_BYTES, MAX_LIMITS};

/// A decision as JavaScript keeps it.
#[repr(C)]
pub(crate) struct Record {
    /// Of the reported limit: units left, and seconds.
    remaining: f64,
    reset_after: f64,
    retry_after: f64,
    /// The engine's own numbers, which it makes the decision of again.
    at: u64,
    marks: u32,
    spare: u32,
    readings: [[u64; 2]; MAX_LIMITS],
}

/// The state of one limit, for JavaScript to read; times in seconds.
#[repr(C)]
struct State {
    remaining: f64,
    reset_after: f64,
    retry_after: f64,
    effective_window: f64,
}

#[repr(C, align(8))]
struct Shared {
    record: Record,
    costs: [f64; MAX_LIMITS],
    states: [State; MAX_LIMITS],
    key: [u8; MAX_KEY_BYTES],
}

/// Where JavaScript finds what it reads and writes, in bytes.
#[napi]
pub const RECORD_SIZE: u32 = size_of::<Record>() as u32;
/// Where the engine's own numbers begin in a record.
#[napi]
pub const RECORD_WORDS: u32 = offset_of!(Record, at) as u32;
#[napi]
pub const COSTS_AT: u32 = offset_of!(Shared, costs) as u32;
#[napi]
pub const STATES_AT: u32 = offset_of!(Shared, states) as u32;
#[napi]
pub const KEY_AT: u32 = offset_of!(Shared, key) as u32;
#[napi]
pub const MEMORY_SIZE: u32 = size_of::<Shared>() as u32;

/// The memory, kept for as long as a limiter uses it.
pub(crate) struct Memory {
    start: NonNull<Shared>,
    _owner: Uint8Array,
}

impl Memory {
    /// # Errors
    /// It is smaller than [`MEMORY_SIZE`], or does not begin at a multiple of eight.
    pub(crate) fn new(mut owner: Uint8Array) -> Result<Self> {
        // SAFETY: only the address is taken, before JavaScript goes on.
        let bytes = unsafe { owner.as_mut() };
        let (start, len) = (bytes.as_mut_ptr().cast::<Shared>(), bytes.len());
        match NonNull::new(start) {
            Some(start) if len >= size_of::<Shared>() && start.is_aligned() => {
                Ok(Self { start, _owner: owner })
            }
            _ => Err(napi::Error::from_reason("tidegate: the memory is too small, or not aligned")),
        }
    }

    /// The first `len` bytes of the key that JavaScript wrote.
    #[inline(always)]
    pub(crate) fn key(&self, len: u32) -> tidegate::Result<&[u8]> {
        let len = len as usize;
        if len > MAX_KEY_BYTES {
            return Err(Error::KeyTooLong { len });
        }
        // SAFETY: `start` is a `Shared` for as long as `_owner` lives. JavaScript writes to it only
        // between calls, on this very thread, and no slice outlives the call.
        Ok(unsafe { slice::from_raw_parts((&raw const (*self.start.as_ptr()).key).cast(), len) })
    }

    /// The costs that JavaScript wrote, one for each limit.
    pub(crate) fn costs(&self) -> [u64; MAX_LIMITS] {
        // SAFETY: as for `key`; any bits are a number.
        unsafe { (&raw const (*self.start.as_ptr()).costs).read() }.map(units)
    }

    /// Writes a decision for JavaScript to read, and gives its marks.
    #[inline(always)]
    pub(crate) fn put(&self, decision: &Decision<'_>) -> u32 {
        // SAFETY: as for `key`. Any bits are a record, and it is borrowed here alone.
        let record = unsafe { &mut (*self.start.as_ptr()).record };
        record.write(decision);
        record.marks
    }

    /// The words of the decision that JavaScript wrote back.
    pub(crate) fn words(&self) -> DecisionWords {
        // SAFETY: as for `key`; any bits are a record.
        let record = unsafe { (&raw const (*self.start.as_ptr()).record).read() };
        DecisionWords { at: record.at, marks: record.marks, readings: record.readings }
    }

    /// Writes the state of limit `index`.
    pub(crate) fn put_state(&self, index: usize, status: &LimitStatus<'_>) {
        if index < MAX_LIMITS {
            // SAFETY: as for `put`, and one of the states.
            unsafe {
                (&raw mut (*self.start.as_ptr()).states).cast::<State>().add(index).write(State::new(status))
            };
        }
    }
}

impl Record {
    /// Writes a decision where it is to be, since it is too large to be moved for nothing.
    #[inline(always)]
    pub(crate) fn write(&mut self, decision: &Decision<'_>) {
        let (remaining, reset_after, retry_after) = decision.reported_nanos();
        self.remaining = remaining as f64;
        self.reset_after = seconds_of(reset_after);
        self.retry_after = seconds_of(retry_after);
        let words = decision.words();
        self.at = words.at;
        self.marks = words.marks;
        // Of the limits that there are: the rest means nothing.
        for (to, from) in self.readings.iter_mut().zip(words.readings).take(decision.policy().limits().len())
        {
            *to = from;
        }
    }

    /// The records that there is room for in these numbers, in which any bits are a record.
    pub(crate) fn all_in(numbers: &mut [f64]) -> &mut [Self] {
        let count = numbers.len() / (size_of::<Self>() / size_of::<f64>());
        // SAFETY: a record has the alignment of a number and no padding, and so many records are no
        // larger than the numbers, which stay borrowed for as long as they are.
        unsafe { slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), count) }
    }
}

const _: () = assert!(
    align_of::<Record>() <= align_of::<f64>() && size_of::<Record>().is_multiple_of(size_of::<f64>())
);

impl State {
    fn new(status: &LimitStatus<'_>) -> Self {
        Self {
            remaining: status.remaining as f64,
            reset_after: seconds(status.reset_after),
            retry_after: seconds(status.retry_after),
            effective_window: seconds(status.effective_window),
        }
    }
}

/// Seconds as JavaScript has them: exact to the nanosecond below 104 days, to 16 digits above.
pub(crate) fn seconds(span: Duration) -> f64 {
    seconds_of(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

#[inline(always)]
fn seconds_of(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// A cost from JavaScript, which has seen to it that it is a whole number and not negative. Quotas
/// end at 2⁵³, to which numbers are exact; what is above is refused as it is.
#[inline(always)]
pub(crate) fn units(cost: f64) -> u64 {
    cost as u64
}
