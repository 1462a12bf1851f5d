//! Decisions about one key. The costs of a call are in the shared memory if there are several; the record
//! of the decision is when the call returns. What is returned are the marks of the decision: bits 0 to 7
//! are the limits that deny, 8 to 15 the index of the reported one, bit 16 says whether it is tracked.

use napi::bindgen_prelude::{JsObjectValue, Object};
use napi::{Result, sys};
use napi_derive::napi;

use crate::call::answer;
use crate::limiter::Handle;
use crate::memory::units;

impl Handle {
    fn allow(&self, key: &[u8], cost: f64) -> tidegate::Result<bool> {
        if cost == 1.0 { self.limiter.allow(key) } else { self.limiter.allow_n(key, units(cost)) }
    }

    fn check(&self, key: &[u8], cost: f64) -> tidegate::Result<u32> {
        // Apart, so that the decision is written once, where it stays until the record is.
        match if cost == 1.0 { self.limiter.check(key) } else { self.limiter.check_n(key, units(cost)) } {
            Ok(decision) => Ok(self.memory.put(&decision)),
            Err(error) => Err(error),
        }
    }

    fn check_costs(&self, key: &[u8], _: f64) -> tidegate::Result<u32> {
        let decision = self.with_costs(|costs| self.limiter.check_costs(key, costs))?;
        Ok(self.memory.put(&decision))
    }

    fn peek(&self, key: &[u8], _: f64) -> tidegate::Result<u32> {
        Ok(self.memory.put(&self.limiter.peek(key)?))
    }

    fn refund(&self, key: &[u8], cost: f64) -> tidegate::Result<()> {
        self.limiter.refund(key, units(cost))
    }

    fn refund_costs(&self, key: &[u8], _: f64) -> tidegate::Result<()> {
        self.with_costs(|costs| self.limiter.refund_costs(key, costs))
    }

    fn reset(&self, key: &[u8], _: f64) -> tidegate::Result<()> {
        self.limiter.reset(key)
    }

    fn validate(&self, key: &[u8], cost: f64) -> tidegate::Result<()> {
        self.limiter.validate_check(key, units(cost))
    }

    fn validate_costs(&self, key: &[u8], _: f64) -> tidegate::Result<()> {
        self.with_costs(|costs| self.limiter.validate_check_costs(key, costs))
    }

    /// The costs that JavaScript wrote, for the limits that there are.
    fn with_costs<T>(&self, call: impl FnOnce(&[u64]) -> T) -> T {
        let costs = self.memory.costs();
        call(costs.get(..self.limiter.policy().limits().len()).unwrap_or(&costs))
    }
}

/// These functions as Node calls them, and what exports them; src/handles.d.ts declares them.
macro_rules! functions {
    ($($name:ident as $exported:literal),+) => {
        $(
            unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
                // SAFETY: it is Node that calls this.
                unsafe { answer(env, info, Handle::$name) }
            }
        )+

        #[napi(module_exports)]
        pub fn export(mut exports: Object<'_>) -> Result<()> {
            $(exports.create_named_method($exported, $name)?;)+
            exports.create_named_method("headers", crate::text::headers)
        }
    };
}

functions! {
    allow as "allow", check as "check", check_costs as "checkCosts", peek as "peek",
    refund as "refund", refund_costs as "refundCosts", reset as "reset",
    validate as "validate", validate_costs as "validateCosts"
}
