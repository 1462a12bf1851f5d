//! Decisions about one key. The key is in the shared memory, and so are several costs; the record of
//! the decision is when the call returns. What is returned are the marks of the decision: bits 0 to 7
//! are the limits that deny, 8 to 15 the index of the reported one, bit 16 says whether it is tracked.

use napi::{Env, Result};
use napi_derive::napi;
use tidegate::Decision;

use crate::fault::OrThrow;
use crate::limiter::{Handle, LimiterRef};
use crate::memory::units;

impl Handle {
    #[inline(always)]
    fn check(&self, key_length: u32, cost: f64) -> tidegate::Result<Decision<'_>> {
        let key = self.memory.key(key_length)?;
        if cost == 1.0 { self.limiter.check(key) } else { self.limiter.check_n(key, units(cost)) }
    }

    fn allow(&self, key_length: u32, cost: f64) -> tidegate::Result<bool> {
        let key = self.memory.key(key_length)?;
        if cost == 1.0 { self.limiter.allow(key) } else { self.limiter.allow_n(key, units(cost)) }
    }

    /// The costs that JavaScript wrote, for the limits that there are.
    fn with_costs<T>(&self, call: impl FnOnce(&[u64]) -> T) -> T {
        let costs = self.memory.costs();
        call(costs.get(..self.limiter.policy().limits().len()).unwrap_or(&costs))
    }
}

#[napi]
pub fn check(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    key_length: u32,
    cost: f64,
) -> Result<u32> {
    match limiter.check(key_length, cost) {
        Ok(decision) => Ok(limiter.memory.put(&decision)),
        Err(error) => Err(crate::fault::thrown(&env, &error)),
    }
}

#[napi]
pub fn allow(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    key_length: u32,
    cost: f64,
) -> Result<bool> {
    limiter.allow(key_length, cost).or_throw(&env)
}

#[napi]
pub fn check_costs(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    key_length: u32,
) -> Result<u32> {
    let key = limiter.memory.key(key_length).or_throw(&env)?;
    let decision = limiter.with_costs(|costs| limiter.limiter.check_costs(key, costs)).or_throw(&env)?;
    Ok(limiter.memory.put(&decision))
}

#[napi]
pub fn peek(env: Env, #[napi(ts_arg_type = "Handle")] limiter: LimiterRef, key_length: u32) -> Result<u32> {
    let found = limiter.memory.key(key_length).and_then(|key| limiter.limiter.peek(key));
    Ok(limiter.memory.put(&found.or_throw(&env)?))
}

#[napi]
pub fn refund(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    key_length: u32,
    cost: f64,
) -> Result<()> {
    let done = limiter.memory.key(key_length).and_then(|key| limiter.limiter.refund(key, units(cost)));
    done.or_throw(&env)
}

#[napi]
pub fn refund_costs(
    env: Env,
    #[napi(ts_arg_type = "Handle")] limiter: LimiterRef,
    key_length: u32,
) -> Result<()> {
    let key = limiter.memory.key(key_length).or_throw(&env)?;
    limiter.with_costs(|costs| limiter.limiter.refund_costs(key, costs)).or_throw(&env)
}

#[napi]
pub fn reset(env: Env, #[napi(ts_arg_type = "Handle")] limiter: LimiterRef, key_length: u32) -> Result<()> {
    limiter.memory.key(key_length).and_then(|key| limiter.limiter.reset(key)).or_throw(&env)
}
