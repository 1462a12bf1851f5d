//! Shows a policy as it is understood.

use std::fmt::Write;
use std::time::Duration;

use tidegate::{Algorithm, Limit, Policy, Unit};

use crate::failure::{Failure, Result};
use crate::report::{HEADING, Table, left, policy_json, right, title};
use crate::text::grouped;

/// One block for each policy.
pub(crate) fn text(policies: &[Policy]) -> String {
    let blocks: Vec<_> = policies.iter().map(block).collect();
    blocks.join("\n")
}

fn block(policy: &Policy) -> String {
    let mut out = format!("{HEADING}{}{HEADING:#}\n", title(policy));
    table(policy).lines().for_each(|line| out.extend([&line, "\n"]));
    if let Some(bytes) = policy.max_body() {
        let _ = writeln!(out, "  bodies of at most {} bytes", grouped(bytes));
    }
    out
}

fn table(policy: &Policy) -> Table<6> {
    let mut table = Table::new([
        left("LIMIT"),
        right("QUOTA"),
        left("WINDOW"),
        left("ALGORITHM"),
        right("BURST"),
        left("RESOLUTION"),
    ]);
    for limit in policy.limits() {
        table.row([
            limit.name().to_owned(),
            quota(limit),
            length(limit.window()),
            limit.algorithm().as_str().to_owned(),
            if limit.algorithm() == Algorithm::TokenBucket {
                grouped(limit.capacity())
            } else {
                "-".to_owned()
            },
            length(limit.resolution()),
        ]);
    }
    table
}

fn quota(limit: &Limit) -> String {
    match limit.unit() {
        Unit::Requests => grouped(limit.quota()),
        unit => format!("{} {}", grouped(limit.quota()), unit.as_str()),
    }
}

/// A time in the largest unit of which it is a whole number.
fn length(time: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "min"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
        (1, "ns"),
    ];
    let nanos = time.as_nanos();
    let unit = UNITS.iter().find(|(size, _)| nanos.is_multiple_of(*size));
    unit.map_or_else(String::new, |(size, name)| format!("{} {name}", nanos / size))
}

/// One object for each policy, in an array.
pub(crate) fn json(policies: &[Policy]) -> Result<String> {
    let views: Vec<_> = policies.iter().map(policy_json).collect();
    let text = serde_json::to_string_pretty(&views).map_err(Failure::while_doing("cannot write JSON"))?;
    Ok(text + "\n")
}
