//! Many keys in one call, and several limiters in one decision.

use napi::bindgen_prelude::{Float64ArraySlice, Uint8ArraySlice, Uint32ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Decision, Joint, check_all as decide_all};

use crate::fault::OrThrow;
use crate::limiter::LimiterRef;
use crate::memory::{Record, units};

/// The first `count` keys of those that lie one after another in `bytes`, each up to its end.
fn split<'a>(bytes: &'a [u8], ends: &[u32], count: usize) -> Result<Vec<&'a [u8]>> {
    let mut keys = Vec::with_capacity(count.min(ends.len()));
    let mut start = 0;
    for &end in ends.get(..count).unwrap_or(&[]) {
        let Some(key) = bytes.get(start..end as usize) else { return Err(no_key()) };
        keys.push(key);
        start = end as usize;
    }
    if keys.len() == count { Ok(keys) } else { Err(no_key()) }
}

#[cold]
fn no_key() -> napi::Error {
    napi::Error::from_reason("tidegate: the keys of a batch end where there are none")
}

/// Decides about each key, and writes the record of each decision to `records`. No costs: 1 each.
#[napi(catch_unwind)]
pub fn check_many(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    count: u32,
    keys: Uint8ArraySlice<'_>,
    ends: Uint32ArraySlice<'_>,
    costs: Float64ArraySlice<'_>,
    mut records: Float64ArraySlice<'_>,
) -> Result<()> {
    let keys = split(&keys, &ends, count as usize)?;
    let cost = |i: usize| costs.get(i).map_or(1, |&cost| units(cost));
    // SAFETY: JavaScript does not run during this call, and no other argument is the same memory.
    let records = Record::all_in(unsafe { records.as_mut() });
    let put = |i: usize, decision: Decision<'_>| {
        if let Some(record) = records.get_mut(i) {
            record.write(&decision);
        }
    };
    limiter.limiter.check_many_with(&keys, cost, put).or_throw(&env)
}

/// Decides about a key of each limiter: all admit, or nothing is taken. Gives the index of the part to
/// answer with, or -1 - index if not all admit.
#[napi(catch_unwind)]
pub fn check_all(
    env: Env,
    #[napi(ts_arg_type = "Handle[]")] limiters: Vec<LimiterRef>,
    keys: Uint8ArraySlice<'_>,
    ends: Uint32ArraySlice<'_>,
    costs: Float64ArraySlice<'_>,
    mut records: Float64ArraySlice<'_>,
) -> Result<i32> {
    let keys = split(&keys, &ends, limiters.len())?;
    let parts = limiters.iter().zip(&keys).zip(costs.iter());
    let parts: Vec<_> =
        parts.map(|((limiter, key), &cost)| Joint::new(&limiter.limiter, *key, units(cost))).collect();
    let found = decide_all(&parts).or_throw(&env)?;
    // SAFETY: as in `check_many`.
    let records = Record::all_in(unsafe { records.as_mut() });
    records.iter_mut().zip(found.decisions()).for_each(|(record, decision)| record.write(decision));
    let is_reported =
        |decision: &Decision<'_>| found.reported().is_some_and(|reported| std::ptr::eq(reported, decision));
    let reported = found.decisions().iter().position(is_reported).unwrap_or(0) as i32;
    Ok(if found.allowed() { reported } else { -1 - reported })
}
