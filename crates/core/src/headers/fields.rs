//! The header fields one by one: their names, which style each belongs to, and how its value is
//! written. All rounding of numbers for headers is here: what remains is whole already, times
//! are rounded up.

use std::fmt::{self, Write};
use std::time::Duration;

use super::Headers;
use super::style::{Style, Styles};
use crate::limit::Unit;

/// The largest integer of a structured field (RFC 9651, section 3.3.1); larger numbers are
/// written as this one in the IETF styles.
const MAX_INTEGER: u64 = 999_999_999_999_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    XLimit,
    XRemaining,
    XReset,
    Policy,
    State,
    Limit06,
    Remaining06,
    Reset06,
    Policy06,
    RetryAfter,
}

impl Field {
    /// All, in the order in which they are sent.
    pub(super) const ALL: [Self; 10] = [
        Self::XLimit,
        Self::XRemaining,
        Self::XReset,
        Self::Policy,
        Self::State,
        Self::Limit06,
        Self::Remaining06,
        Self::Reset06,
        Self::Policy06,
        Self::RetryAfter,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::XLimit => "X-RateLimit-Limit",
            Self::XRemaining => "X-RateLimit-Remaining",
            Self::XReset => "X-RateLimit-Reset",
            Self::Policy | Self::Policy06 => "RateLimit-Policy",
            Self::State => "RateLimit",
            Self::Limit06 => "RateLimit-Limit",
            Self::Remaining06 => "RateLimit-Remaining",
            Self::Reset06 => "RateLimit-Reset",
            Self::RetryAfter => "Retry-After",
        }
    }

    /// Whether a response in these styles can carry it.
    pub(super) fn is_in(self, styles: Styles) -> bool {
        match self {
            Self::XLimit | Self::XRemaining | Self::XReset => styles.contains(Style::XRateLimit),
            Self::Policy | Self::State => styles.contains(Style::Ietf),
            Self::Limit06 | Self::Remaining06 | Self::Reset06 => styles.contains(Style::Ietf06),
            Self::Policy06 => styles.contains(Style::Ietf06) && !styles.contains(Style::Ietf),
            Self::RetryAfter => true,
        }
    }

    /// Writes the value that it has in a response with these headers.
    pub(super) fn write(self, headers: &Headers<'_>, out: &mut impl Write) -> fmt::Result {
        let reported = &headers.reported;
        match self {
            Self::XLimit => write!(out, "{}", reported.limit.quota()),
            Self::XRemaining => write!(out, "{}", reported.remaining),
            Self::XReset => write!(out, "{}", seconds(headers.unix.saturating_add(reported.reset_after))),
            Self::RetryAfter => write!(out, "{}", headers.retry_after),
            Self::Limit06 => integer(out, reported.limit.quota()),
            Self::Remaining06 => integer(out, reported.remaining),
            // On a denial by the reported limit this is Retry-After, as the draft wants it.
            Self::Reset06 => integer(out, seconds(reported.effective_window)),
            Self::Policy => policy(headers, out),
            Self::State => state(headers, out),
            Self::Policy06 => policy_06(headers, out),
        }
    }
}

/// `"minute";q=100;w=60, "burst";q=10;w=1`
fn policy(headers: &Headers<'_>, out: &mut impl Write) -> fmt::Result {
    for (i, limit) in headers.decision.policy().limits().iter().enumerate() {
        member(out, i, limit.name())?;
        parameter(out, "q", limit.quota())?;
        if limit.unit() != Unit::default() {
            write!(out, ";qu=\"{}\"", limit.unit().as_str())?;
        }
        parameter(out, "w", seconds(limit.window()))?;
    }
    Ok(())
}

/// `"minute";r=42;t=26, "burst";r=9;t=1`
fn state(headers: &Headers<'_>, out: &mut impl Write) -> fmt::Result {
    for (i, status) in headers.decision.limits().enumerate() {
        member(out, i, status.limit.name())?;
        parameter(out, "r", status.remaining)?;
        parameter(out, "t", seconds(status.effective_window))?;
    }
    Ok(())
}

/// `100;w=60, 10;w=1`
fn policy_06(headers: &Headers<'_>, out: &mut impl Write) -> fmt::Result {
    for (i, limit) in headers.decision.policy().limits().iter().enumerate() {
        out.write_str(separator(i))?;
        integer(out, limit.quota())?;
        parameter(out, "w", seconds(limit.window()))?;
    }
    Ok(())
}

const fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { ", " }
}

/// A string item of a list. The names of limits need no escapes.
fn member(out: &mut impl Write, index: usize, name: &str) -> fmt::Result {
    write!(out, "{}\"{name}\"", separator(index))
}

fn parameter(out: &mut impl Write, key: &str, value: u64) -> fmt::Result {
    write!(out, ";{key}=")?;
    integer(out, value)
}

fn integer(out: &mut impl Write, value: u64) -> fmt::Result {
    write!(out, "{}", value.min(MAX_INTEGER))
}

/// Whole seconds, rounded up.
pub(super) const fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add((time.subsec_nanos() > 0) as u64)
}
