//! One process of several that take as much of one key as they are given.

use std::io::{Error, Result};
use std::path::Path;
use std::time::Duration;

use tidegate::{Limiter, OnUnavailable};

use super::record::{Recorder, now};

/// Asks for one unit of `key` again and again, and writes down what it was given; how many calls
/// that took.
///
/// # Errors
/// The segment cannot be had, or the record cannot be written.
pub fn hammer(segment: &Path, policy: &str, key: &str, time: Duration, record: &Path) -> Result<u64> {
    let builder = Limiter::builder(policy).segment(segment).on_unavailable(OnUnavailable::Deny);
    let limiter = builder.build().map_err(Error::other)?;
    let (mut recorder, mut calls, start) = (Recorder::create(record)?, 0, now());
    loop {
        let before = now();
        if Duration::from_nanos(before - start) >= time {
            return Ok(calls);
        }
        calls += 1;
        if limiter.check(key).map_err(Error::other)?.allowed() {
            recorder.admitted(0, 1, before, now())?;
        }
    }
}
