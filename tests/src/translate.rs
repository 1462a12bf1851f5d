//! The model's plain data as the engine's values, and back.

use std::time::Duration;

use tidegate::{Report, Result, Unit};
use tidegate_reference as reference;

/// The engine's limit of the same meaning; an error if it cannot enforce it.
///
/// # Errors
/// Those of the engine.
pub fn engine_limit(limit: &reference::Limit) -> Result<tidegate::Limit> {
    let window = Duration::from_nanos(limit.window);
    let made = match limit.algorithm {
        reference::Algorithm::SlidingWindowLog => tidegate::Limit::new(&limit.name, limit.quota, window),
        reference::Algorithm::TokenBucket { burst } => {
            tidegate::Limit::token_bucket(&limit.name, limit.quota, window, burst)
        }
    };
    let unit = match limit.unit {
        reference::Unit::Requests => Unit::Requests,
        reference::Unit::ContentBytes => Unit::ContentBytes,
        reference::Unit::ConcurrentRequests => Unit::ConcurrentRequests,
    };
    Ok(made?.with_unit(unit))
}

/// The engine's policy of the same meaning.
///
/// # Errors
/// Those of the engine.
pub fn engine_policy(policy: &reference::Policy) -> Result<tidegate::Policy> {
    let limits: Vec<_> = policy.limits.iter().map(engine_limit).collect::<Result<_>>()?;
    let report = if policy.tightest { Report::Tightest } else { Report::First };
    Ok(tidegate::Policy::new(limits)?.with_report(report))
}

/// The limits of an engine's policy as plain data.
#[must_use]
pub fn reference_limits(policy: &tidegate::Policy) -> Vec<reference::Limit> {
    let plain = |limit: &tidegate::Limit| {
        let window = u64::try_from(limit.window().as_nanos()).unwrap_or(u64::MAX);
        match limit.algorithm() {
            tidegate::Algorithm::TokenBucket => {
                reference::Limit::bucket(limit.name(), limit.quota(), window, limit.capacity())
            }
            _ => reference::Limit::log(limit.name(), limit.quota(), window),
        }
    };
    policy.limits().iter().map(plain).collect()
}
