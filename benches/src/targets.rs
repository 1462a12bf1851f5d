//! What must be shown, against what was measured in the same run.

use serde::{Deserialize, Serialize};

use crate::memory::CaseResult;
use crate::modes::{ONE_THREAD, QUOTAS};
use crate::record::Record;
use crate::subjects::governor::YARDSTICK;
use crate::subjects::rate_net::LOG;
use crate::subjects::tidegate::Ask;

/// A target and how it fared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// What must be shown.
    pub what: String,
    /// The most that the figure may be.
    pub bound: f64,
    /// The figure; none if the run left it out.
    pub figure: Option<f64>,
    /// What the figure counts: `×`, or bytes a key.
    pub unit: String,
}

impl Verdict {
    /// Whether the target was met; none if it was not measured.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        self.figure.map(|figure| figure <= self.bound)
    }
}

/// Bounds of a ratio: mode, who of ours, against whom, at most.
type Ratio = (&'static str, &'static str, Ask, &'static str, f64);

/// The moving log has its own name in its mode; everything else is asked by the way it is asked.
const MOVING: &str = "tidegate check, log full and moving";

const RATIOS: &[Ratio] = &[
    ("hot key allowed, against governor", "hot-allowed", Ask::Check, YARDSTICK, 0.45),
    ("hot key denied, against governor", "hot-denied", Ask::Check, YARDSTICK, 0.30),
    ("hot key allowed, allow alone, against governor", "hot-allowed", Ask::Allow, YARDSTICK, 0.40),
    ("hot key denied, allow alone, against governor", "hot-denied", Ask::Allow, YARDSTICK, 0.18),
    ("1M keys allowed, 2 live units, against governor", "1m-allowed", Ask::Check, YARDSTICK, 0.45),
    ("1M keys allowed, 50 live units, against governor", "1m-allowed-busy", Ask::Check, YARDSTICK, 0.45),
    (
        "1M keys, check_many of 64, 2 live units, against governor",
        "1m-allowed",
        Ask::CheckMany,
        YARDSTICK,
        0.20,
    ),
    (
        "1M keys, check_many of 64, 50 live units, against governor",
        "1m-allowed-busy",
        Ask::CheckMany,
        YARDSTICK,
        0.20,
    ),
    ("1M keys allowed, 2 live units, against rate-net's exact log", "1m-allowed", Ask::Check, LOG, 0.30),
    (
        "1M keys allowed, 50 live units, against rate-net's exact log",
        "1m-allowed-busy",
        Ask::Check,
        LOG,
        0.30,
    ),
    ("1M keys denied, against rate-net's exact log", "1m-denied", Ask::Check, LOG, 0.20),
    ("two threads, same key, denied, against one thread", "two-threads-denied", Ask::Check, ONE_THREAD, 1.2),
    ("two threads, same key, allowed, against governor", "two-threads-allowed", Ask::Check, YARDSTICK, 0.6),
];

/// Of shared segments: what, mode, who, against whom, at most. "As two threads do" is taken as
/// within a tenth.
const SEGMENTS: &[(&str, &str, &str, &str, f64)] = &[
    ("segment against process, hot keys allowed", "segment-allowed", IN_SEGMENT, IN_PROCESS, 1.15),
    ("segment against process, hot key denied", "segment-denied", IN_SEGMENT, IN_PROCESS, 1.15),
    ("segment against process, 1M keys allowed", "segment-1m-allowed", IN_SEGMENT, IN_PROCESS, 1.15),
    (
        "two processes against two threads, same key, allowed",
        "two-processes-allowed",
        TWO_PROCESSES,
        TWO_THREADS,
        1.1,
    ),
    (
        "two processes against two threads, same key, denied",
        "two-processes-denied",
        TWO_PROCESSES,
        TWO_THREADS,
        1.1,
    ),
];

const IN_PROCESS: &str = "tidegate check";
pub(crate) const IN_SEGMENT: &str = "tidegate check, segment";
pub(crate) const ALLOW_IN_SEGMENT: &str = "tidegate allow, segment";
pub(crate) const TWO_THREADS: &str = "two threads, one segment";
pub(crate) const TWO_PROCESSES: &str = "two processes, one segment";

/// Bytes a key: what, case, at most.
const MEMORY: &[(&str, &str, f64)] = &[
    ("memory a key, bucket alone", "tidegate-bucket", 64.0),
    ("memory a key, the seed's policy, 4 live units", "tidegate-sparse", 96.0),
    ("memory a key, the seed's policy, full logs", "tidegate-full", 500.0),
];

/// Growth in floods of ten times `max_keys` keys. Where it was, but for a fiftieth that libraries
/// and the system may take meanwhile.
const FLOODS: &[(&str, &str, f64)] = &[
    ("memory after ten times max_keys keys, all live, against before", "tidegate-flood", 1.02),
    (
        "memory after ten times max_keys keys, recovered ones replaced, against before",
        "tidegate-turnover",
        1.02,
    ),
];

/// Every target, judged by a run.
#[must_use]
pub fn judge(record: &Record) -> Vec<Verdict> {
    let ratios = RATIOS.iter().map(|&(what, mode, ask, other, bound)| {
        verdict(what, ratio(record, mode, ask.name(), other), bound, "×")
    });
    let moving = ratio(record, "hot-allowed-moving", MOVING, YARDSTICK);
    let moving = verdict("hot key allowed, log full and moving, against governor", moving, 0.45, "×");
    let segments = SEGMENTS
        .iter()
        .map(|&(what, mode, ours, other, bound)| verdict(what, ratio(record, mode, ours, other), bound, "×"));
    let quotas = ["quota-allowed", "quota-denied"].into_iter().map(|mode| {
        let what = format!("cost at a quota of 10, 1,000 and 10,000, slowest against fastest, {mode}");
        verdict(&what, spread(record, mode), 1.3, "×")
    });
    let memory = MEMORY.iter().map(|&(what, case, bound)| {
        verdict(what, record.case(case).map(CaseResult::bytes_per_key), bound, "B")
    });
    let floods = FLOODS.iter().map(|&(what, case, bound)| {
        verdict(what, record.case(case).and_then(CaseResult::growth), bound, "×")
    });
    ratios.chain([moving]).chain(segments).chain(quotas).chain(memory).chain(floods).collect()
}

fn verdict(what: &str, figure: Option<f64>, bound: f64, unit: &str) -> Verdict {
    Verdict { what: what.to_owned(), bound, figure, unit: unit.to_owned() }
}

fn ratio(record: &Record, mode: &str, ours: &str, theirs: &str) -> Option<f64> {
    Some(record.series(mode, ours)?.median / record.series(mode, theirs)?.median)
}

/// The slowest of the quotas over the fastest.
fn spread(record: &Record, mode: &str) -> Option<f64> {
    let medians = QUOTAS.iter().map(|(_, name)| record.series(mode, name).map(|series| series.median));
    let medians = medians.collect::<Option<Vec<_>>>()?;
    let slowest = medians.iter().copied().fold(f64::MIN, f64::max);
    let fastest = medians.iter().copied().fold(f64::MAX, f64::min);
    Some(slowest / fastest)
}
