//! Whether the engine said what the model says.

use std::fmt;
use std::time::Duration;

use tidegate_reference::{Decision, Refusal, Status};

/// The engine differs from the model, or both from the rule.
#[derive(Debug)]
pub struct Mismatch(pub String);

pub(crate) type Outcome<T = ()> = Result<T, Mismatch>;

pub(crate) fn mismatch<T>(what: impl fmt::Display) -> Outcome<T> {
    Err(Mismatch(what.to_string()))
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn compare(
    found: Result<&tidegate::Decision<'_>, &tidegate::Error>,
    expected: &Result<Decision, Refusal>,
) -> Outcome {
    match (found, expected) {
        (Ok(found), Ok(expected)) if is_same(found, expected) => Ok(()),
        (Err(error), Err(refusal)) => compare_errors(Some(error), Some(*refusal)),
        _ => mismatch(format!("\n the engine gives {found:#?}\n the model gives {expected:#?}")),
    }
}

pub(crate) fn compare_briefly(
    found: tidegate::Result<bool>,
    expected: &Result<Decision, Refusal>,
) -> Outcome {
    let found = found.map_err(|error| error.code());
    let wanted = expected.as_ref().map(|decision| decision.allowed).map_err(|refusal| refusal.code());
    if found == wanted { Ok(()) } else { mismatch(format!("allow gives {found:?}, the model {expected:?}")) }
}

pub(crate) fn compare_errors(found: Option<&tidegate::Error>, expected: Option<Refusal>) -> Outcome {
    let (found, expected) = (found.map(tidegate::Error::code), expected.map(Refusal::code));
    if found == expected { Ok(()) } else { mismatch(format!("gives {found:?}, the model {expected:?}")) }
}

/// Whether every number that a user can read is the model's.
#[must_use]
pub fn is_same(found: &tidegate::Decision<'_>, expected: &Decision) -> bool {
    let limits = found.policy().limits();
    let reported = limits.iter().zip(&expected.limits).nth(expected.reported);
    found.allowed() == expected.allowed
        && found.tracked()
        && found.at().get() == expected.at
        && found.reported_index() == expected.reported
        && found.retry_after() == expected.retry_after.map(Duration::from_nanos)
        && found.violated().count() == expected.limits.iter().filter(|status| status.violated).count()
        && reported.is_some_and(|(limit, status)| {
            let wanted = (limit.quota(), status.remaining, Duration::from_nanos(status.reset_after));
            (found.limit(), found.remaining(), found.reset_after()) == wanted
        })
        && found.limits().len() == expected.limits.len()
        && found.limits().zip(limits).all(|(found, limit)| found.limit == limit)
        && found.limits().zip(&expected.limits).all(|(found, expected)| is_same_state(&found, expected))
}

fn is_same_state(found: &tidegate::LimitStatus<'_>, expected: &Status) -> bool {
    found.violated == expected.violated
        && found.remaining == expected.remaining
        && found.reset_after == Duration::from_nanos(expected.reset_after)
        && found.retry_after == Duration::from_nanos(expected.retry_after)
        && found.effective_window == Duration::from_nanos(expected.effective_window)
}
