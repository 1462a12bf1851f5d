//! The options of a limiter, as C gives them.

use std::ffi::c_char;
use std::mem::{offset_of, size_of};
use std::ptr;

use tidegate::{Clock, Error, Limiter, LimiterBuilder, OnFull, OnUnavailable, Policy, PolicyFile, Report};

use crate::boundary::Outcome;
use crate::input::{self, Growing};
use crate::tg_manual_clock;

/// What happens to a new key when the table is full of keys that still count; none of those is ever
/// forgotten for another.
#[repr(u32)]
pub enum tg_on_full {
    /// Newcomers share one entry, and so one quota, until there is room.
    TG_ON_FULL_OVERFLOW = 0,
    /// Newcomers are denied.
    TG_ON_FULL_DENY = 1,
    /// Newcomers are admitted without being counted.
    TG_ON_FULL_ALLOW = 2,
}

/// What a check says when a shared segment can't be had at that moment.
#[repr(u32)]
pub enum tg_on_unavailable {
    /// The request is denied: the quota is never exceeded.
    TG_ON_UNAVAILABLE_DENY = 0,
    /// The request is admitted without being counted.
    TG_ON_UNAVAILABLE_ALLOW = 1,
}

/// Which clock a limiter reads. All are monotonic.
#[repr(u32)]
pub enum tg_clock {
    /// The coarse one where its lag doesn't matter to the policy, else the precise one.
    TG_CLOCK_AUTO = 0,
    /// Exact to the nanosecond.
    TG_CLOCK_PRECISE = 1,
    /// As of the last timer tick (some ms ago), and cheaper to read; nothing is admitted early.
    TG_CLOCK_COARSE = 2,
}

/// Which limit the single numbers of an admission are of.
#[repr(u32)]
pub enum tg_report {
    /// What the policy file says; else the first.
    TG_REPORT_POLICY = 0,
    /// The policy's first limit, so that X-RateLimit-Limit stays the same between responses.
    TG_REPORT_FIRST = 1,
    /// The limit with the smallest remaining fraction of its quota.
    TG_REPORT_TIGHTEST = 2,
}

/// The options of a limiter. All zero but `size` is the default: see `tg_options_init`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct tg_options {
    /// sizeof(tg_options).
    pub size: usize,
    /// How many keys can be counted at once; 0 for 100,000. Bounds the memory, which is reserved at
    /// once but used only as keys come.
    pub max_keys: usize,
    /// A tg_on_full.
    pub on_full: u32,
    /// A tg_on_unavailable.
    pub on_unavailable: u32,
    /// A tg_clock; TG_CLOCK_AUTO where there is a manual clock.
    pub clock: u32,
    /// A tg_report.
    pub report: u32,
    /// A clock for tests, or NULL.
    pub manual_clock: *const tg_manual_clock,
    /// The path of a segment: the table is shared with every process that opens the same file, in
    /// whatever language. The first one makes it. NULL for a table of this process.
    pub segment: *const c_char,
    /// Its length in bytes.
    pub segment_len: usize,
    /// The path of a TOML policy file, or NULL; then `policy` is the name of a policy in it.
    pub policy_file: *const c_char,
    /// Its length in bytes.
    pub policy_file_len: usize,
    /// Whether the table is shared with the processes forked from this one afterwards.
    pub anonymous_segment: bool,
    /// Zero.
    pub reserved: [u8; 7],
}

// SAFETY: begins with its size. A `bool` is the one field that not every byte is valid for, and C's
// own `bool` holds nothing else.
unsafe impl Growing for tg_options {
    const FIRST_SIZE: usize = offset_of!(tg_options, reserved) + 7;
}

impl Default for tg_options {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            max_keys: 0,
            on_full: 0,
            on_unavailable: 0,
            clock: 0,
            report: 0,
            manual_clock: ptr::null(),
            segment: ptr::null(),
            segment_len: 0,
            policy_file: ptr::null(),
            policy_file_len: 0,
            anonymous_segment: false,
            reserved: [0; 7],
        }
    }
}

fn no_such(field: &str, number: u32) -> Error {
    Error::Options(format!("there is no `{field}` of number {number}: take one of the constants"))
}

impl tg_options {
    /// The limiter that these options ask for. `policy` is a notation, or a name in the policy file.
    ///
    /// # Safety
    /// Every pointer in it is NULL or points to what its field says.
    pub(crate) unsafe fn build(&self, policy: &str) -> Outcome<Limiter> {
        // SAFETY: as the caller promises.
        let policy = unsafe { self.policy(policy) }?;
        let builder =
            Limiter::builder(policy).on_full(self.on_full()?).on_unavailable(self.on_unavailable()?);
        let builder = if self.max_keys == 0 { builder } else { builder.max_keys(self.max_keys) };
        // SAFETY: as the caller promises.
        let builder = unsafe { self.placed(self.timed(builder)?) }?;
        Ok(builder.build()?)
    }

    unsafe fn policy(&self, text: &str) -> Outcome<Policy> {
        // SAFETY: as the caller of `build` promises.
        let file = unsafe { input::path(self.policy_file, self.policy_file_len, "policy_file") }?;
        let policy = match file {
            Some(path) => PolicyFile::load(path)?.require(text)?.clone(),
            None => Policy::parse(text)?,
        };
        match self.report {
            0 => Ok(policy),
            1 => Ok(policy.with_report(Report::First)),
            2 => Ok(policy.with_report(Report::Tightest)),
            other => Err(no_such("report", other).into()),
        }
    }

    fn on_full(&self) -> Outcome<OnFull> {
        match self.on_full {
            0 => Ok(OnFull::Overflow),
            1 => Ok(OnFull::Deny),
            2 => Ok(OnFull::Allow),
            other => Err(no_such("on_full", other).into()),
        }
    }

    fn on_unavailable(&self) -> Outcome<OnUnavailable> {
        match self.on_unavailable {
            0 => Ok(OnUnavailable::Deny),
            1 => Ok(OnUnavailable::Allow),
            other => Err(no_such("on_unavailable", other).into()),
        }
    }

    unsafe fn timed(&self, builder: LimiterBuilder) -> Outcome<LimiterBuilder> {
        // SAFETY: as the caller of `build` promises.
        let manual = unsafe { self.manual_clock.as_ref() };
        match (manual, self.clock) {
            (Some(manual), 0) => Ok(builder.clock(manual.0.clone())),
            (None, 0) => Ok(builder),
            (None, 1) => Ok(builder.clock(Clock::Precise)),
            (None, 2) => Ok(builder.clock(Clock::Coarse)),
            (Some(_), 1 | 2) => Err(Error::Options(
                "a limiter has one clock: leave `clock` at TG_CLOCK_AUTO with a manual one".into(),
            )
            .into()),
            (_, other) => Err(no_such("clock", other).into()),
        }
    }

    unsafe fn placed(&self, builder: LimiterBuilder) -> Outcome<LimiterBuilder> {
        // SAFETY: as the caller of `build` promises.
        let path = unsafe { input::path(self.segment, self.segment_len, "segment") }?;
        match (path, self.anonymous_segment) {
            (None, false) => Ok(builder),
            (None, true) => Ok(builder.anonymous_segment()),
            (Some(path), false) => Ok(builder.segment(path)),
            (Some(_), true) => {
                Err(Error::Options("a table is in one place: give `segment` or `anonymous_segment`".into())
                    .into())
            }
        }
    }
}
