//! Several entries decided at once: all admit, or nothing is taken.

use super::entry::{Entry, Evaluation, Same};
use super::layout::LimitLayout;
use super::{Table, Target};
use crate::decision::Verdict;
use crate::policy::MAX_LIMITS;

/// One entry and its cost.
pub(crate) struct Part<'a> {
    pub(crate) table: &'a Table,
    pub(crate) target: Target,
    pub(crate) now: u64,
    pub(crate) cost: u64,
}

impl Part<'_> {
    fn limits(&self) -> &[LimitLayout] {
        &self.table.layout.limits
    }
}

type Whole = Evaluation<MAX_LIMITS>;

/// The verdict on every part, in order; if none is violated the costs are taken. `None` if an
/// entry is not its target's any more. No entry may be named twice.
///
/// Optimistic, in the manner of a single check: evaluate all, then either prove that no entry
/// has changed since, or lock every one from the version it had. A lock that cannot be had at
/// once gives all up again, so there is no order in which they could wait for each other.
pub(crate) fn check(parts: &[Part<'_>]) -> Option<Vec<Verdict>> {
    let entries: Vec<Entry<'_>> = parts.iter().map(|part| part.table.entry(part.target.slot)).collect();
    let mut verdicts = vec![Verdict::default(); parts.len()];
    loop {
        let evaluate = |(entry, part): (&Entry<'_>, &Part<'_>)| {
            entry.evaluate(part.limits(), part.target.tag, part.now, Same(part.cost))
        };
        let evaluated: Vec<Whole> = entries.iter().zip(parts).map(evaluate).collect::<Option<_>>()?;
        let done = if evaluated.iter().all(|evaluation| evaluation.violated == 0) {
            commit_all(&entries, parts, &evaluated, &mut verdicts)
        } else {
            report_all(&entries, parts, &evaluated, &mut verdicts)
        };
        if done {
            return Some(verdicts);
        }
        std::thread::yield_now();
    }
}

fn commit_all(
    entries: &[Entry<'_>],
    parts: &[Part<'_>],
    evaluated: &[Whole],
    verdicts: &mut [Verdict],
) -> bool {
    let held = entries.iter().zip(evaluated).take_while(|(entry, evaluation)| entry.hold(evaluation)).count();
    if held < entries.len() {
        entries.iter().zip(evaluated).take(held).for_each(|(entry, evaluation)| entry.release(evaluation));
        return false;
    }
    for (((entry, part), evaluation), verdict) in entries.iter().zip(parts).zip(evaluated).zip(verdicts) {
        entry.write::<MAX_LIMITS, true>(part.limits(), evaluation, Same(part.cost), verdict);
    }
    true
}

fn report_all(
    entries: &[Entry<'_>],
    parts: &[Part<'_>],
    evaluated: &[Whole],
    verdicts: &mut [Verdict],
) -> bool {
    for (((entry, part), evaluation), verdict) in entries.iter().zip(parts).zip(evaluated).zip(verdicts) {
        if !entry.report(part.limits(), evaluation, Same(part.cost), verdict) {
            return false;
        }
    }
    // Each was whole when it was reported; that all were so at one moment takes another look.
    entries.iter().zip(evaluated).all(|(entry, evaluation)| entry.still(evaluation))
}
