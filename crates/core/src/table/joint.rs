//! Several entries decided at once: all admit, or nothing is taken.

use super::entry::{AnyCosts, Entry, Evaluation};
use super::limits::{Limits, Placed};
use super::sync::Backoff;
use super::{Found, Miss, Table, Target};
use crate::algorithm::any::AnyRule;
use crate::decision::{Readings, Verdict};

/// One entry and what is to be taken from it.
pub(crate) struct Part<'a> {
    pub(crate) table: &'a Table,
    pub(crate) target: Target,
    pub(crate) now: u64,
    pub(crate) costs: AnyCosts<'a>,
}

impl Part<'_> {
    fn limits(&self) -> &[Placed<AnyRule>] {
        &self.table.layout.limits
    }
}

type Whole = Evaluation<<[Placed<AnyRule>] as Limits>::States>;

/// The verdict on every part, in order; if none is violated the costs are taken. No entry may be
/// named twice.
///
/// Optimistic, in the manner of a single check: evaluate all, then either prove that no entry
/// has changed since, or lock every one from the version it had. A lock that cannot be had at
/// once gives all up again, so there is no order in which they could wait for each other.
pub(crate) fn check(parts: &[Part<'_>]) -> Found<Vec<Verdict<Readings>>> {
    let entries: Vec<Entry<'_>> = parts.iter().map(|part| part.table.entry(part.target.slot)).collect();
    let mut backoff = Backoff::new();
    loop {
        let evaluate = |(entry, part): (&Entry<'_>, &Part<'_>)| {
            let opened = entry.open(part.target.tag, part.now)?;
            Ok(entry.evaluate(part.limits(), opened, part.costs))
        };
        let evaluated: Vec<Whole> = entries.iter().zip(parts).map(evaluate).collect::<Found<_>>()?;
        let decided = if evaluated.iter().all(|evaluation| evaluation.violated == 0) {
            commit_all(&entries, parts, &evaluated)
        } else {
            report_all(&entries, parts, &evaluated)
        };
        if let Some(decided) = decided {
            return Ok(decided);
        }
        if parts.iter().any(|part| !part.table.is_writable()) {
            return Err(Miss::Unavailable);
        }
        backoff.wait();
    }
}

fn commit_all(
    entries: &[Entry<'_>],
    parts: &[Part<'_>],
    evaluated: &[Whole],
) -> Option<Vec<Verdict<Readings>>> {
    let held = entries.iter().zip(evaluated).take_while(|(entry, evaluation)| entry.hold(evaluation)).count();
    if held < entries.len() {
        entries.iter().zip(evaluated).take(held).for_each(|(entry, evaluation)| entry.release(evaluation));
        return None;
    }
    let written = entries
        .iter()
        .zip(parts)
        .zip(evaluated)
        .map(|((entry, part), evaluation)| entry.write(part.limits(), evaluation, part.costs));
    Some(written.collect())
}

fn report_all(
    entries: &[Entry<'_>],
    parts: &[Part<'_>],
    evaluated: &[Whole],
) -> Option<Vec<Verdict<Readings>>> {
    let reported = entries
        .iter()
        .zip(parts)
        .zip(evaluated)
        .map(|((entry, part), evaluation)| entry.report(part.limits(), evaluation, part.costs));
    let reported: Vec<Verdict<Readings>> = reported.collect::<Option<_>>()?;
    // Each was whole when it was reported; that all were so at one moment takes another look.
    entries.iter().zip(evaluated).all(|(entry, evaluation)| entry.still(evaluation)).then_some(reported)
}
