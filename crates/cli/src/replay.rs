//! Runs a policy over a trace and counts what becomes of the requests: in all, per limit, per
//! key, and over time. Knows nothing of how the counts are shown.

use tidegate::{Nanos, Policy};

use crate::engine::{Engine, Verdict};
use crate::failure::Result;
use crate::progress::Progress;
use crate::trace::{Event, Trace};

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;

/// Events between two looks at the progress bar.
const CHUNK: usize = 1 << 16;

/// A log of a few seconds is drawn in slots no wider than those of a longer one.
const FEWEST_SLOTS: usize = 30;

/// What a policy did with a trace.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) policy: Policy,
    pub(crate) allowed: u64,
    /// Denials, each counted for one limit, in the policy's order.
    pub(crate) denied_by: Vec<u64>,
    /// Requests of keys that found no room in the table.
    pub(crate) overflowed: u64,
    /// By the number of the key.
    pub(crate) keys: Vec<KeyTally>,
    pub(crate) series: Series,
    /// The minute of the clock with the most requests.
    pub(crate) busiest: Option<Minute>,
    minute: Minute,
}

/// What became of one key's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyTally {
    pub(crate) requests: u64,
    pub(crate) denied: u64,
    /// When it was first and last denied, if it was.
    pub(crate) denied_first: Nanos,
    pub(crate) denied_last: Nanos,
}

/// A minute of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minute {
    pub(crate) start: Nanos,
    pub(crate) requests: u64,
    pub(crate) denied: u64,
}

/// Counts over time.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// When the first slot starts: a whole number of slots since 1970.
    pub(crate) start: Nanos,
    /// Seconds in a slot.
    pub(crate) slot_seconds: u64,
    pub(crate) slots: Vec<Slot>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) allowed: u64,
    pub(crate) denied_by: Vec<u64>,
}

impl Slot {
    pub(crate) fn denied(&self) -> u64 {
        self.denied_by.iter().sum()
    }
}

/// Runs `policy` over the trace, in a table of `max_keys` keys.
pub(crate) fn replay(
    trace: &Trace,
    policy: &Policy,
    max_keys: usize,
    progress: &Progress,
) -> Result<Outcome> {
    let engine = Engine::new(policy, max_keys)?;
    let mut outcome = Outcome::new(trace, policy);
    for chunk in trace.events.chunks(CHUNK) {
        for event in chunk {
            outcome.count(event, engine.decide(trace.key(event.key), trace.cost(event), event.time)?);
        }
        progress.advance(chunk.len() as u64);
    }
    outcome.close_minute();
    outcome.overflowed = engine.overflowed();
    Ok(outcome)
}

impl Outcome {
    fn new(trace: &Trace, policy: &Policy) -> Self {
        let limits = policy.limits().len();
        Self {
            policy: policy.clone(),
            allowed: 0,
            denied_by: vec![0; limits],
            overflowed: 0,
            keys: vec![KeyTally::default(); trace.keys.len()],
            series: trace
                .span()
                .map_or_else(Series::default, |(first, last)| Series::new(first, last, limits)),
            busiest: None,
            minute: Minute::default(),
        }
    }

    pub(crate) fn denied(&self) -> u64 {
        self.denied_by.iter().sum()
    }

    /// The keys that were denied at least once.
    pub(crate) fn denied_keys(&self) -> u64 {
        self.keys.iter().filter(|key| key.denied > 0).count() as u64
    }

    /// The numbers of the most denied keys, most denied first; of equals the earlier denied.
    pub(crate) fn top_denied(&self, most: usize) -> Vec<(u32, &KeyTally)> {
        let mut denied: Vec<_> = (0..).zip(&self.keys).filter(|(_, key)| key.denied > 0).collect();
        denied.sort_by_key(|(_, key)| (std::cmp::Reverse(key.denied), key.denied_first));
        denied.truncate(most);
        denied
    }

    /// Counts a verdict. Events come in the order of their times.
    fn count(&mut self, event: &Event, verdict: Verdict) {
        match verdict {
            Verdict::Allowed => self.allowed += 1,
            Verdict::Denied(limit) => add_one(&mut self.denied_by, limit),
        }
        if let Some(key) = self.keys.get_mut(event.key as usize) {
            key.count(event.time, verdict);
        }
        self.series.count(event.time, verdict);
        self.count_minute(event.time, verdict);
    }

    fn count_minute(&mut self, time: Nanos, verdict: Verdict) {
        let start = Nanos::new(time.get() - time.get() % MINUTE);
        if start != self.minute.start {
            self.close_minute();
            self.minute = Minute { start, ..Minute::default() };
        }
        self.minute.requests += 1;
        self.minute.denied += u64::from(verdict != Verdict::Allowed);
    }

    fn close_minute(&mut self) {
        if self.minute.requests > self.busiest.map_or(0, |busiest| busiest.requests) {
            self.busiest = Some(self.minute);
        }
    }
}

impl KeyTally {
    fn count(&mut self, time: Nanos, verdict: Verdict) {
        self.requests += 1;
        if verdict != Verdict::Allowed {
            if self.denied == 0 {
                self.denied_first = time;
            }
            self.denied_last = time;
            self.denied += 1;
        }
    }
}

impl Series {
    /// Empty slots from `first` to `last`.
    fn new(first: Nanos, last: Nanos, limits: usize) -> Self {
        let (first, last) = (first.get() / SECOND, last.get() / SECOND);
        let slot_seconds = slot_seconds(last - first);
        let start = first - first % slot_seconds;
        let slots = usize::try_from((last - start) / slot_seconds + 1).unwrap_or(1).max(FEWEST_SLOTS);
        let slot = Slot { allowed: 0, denied_by: vec![0; limits] };
        Self { start: Nanos::from_secs(start), slot_seconds, slots: vec![slot; slots] }
    }

    fn count(&mut self, time: Nanos, verdict: Verdict) {
        let seconds = time.saturating_since(self.start).as_secs();
        let index = seconds.checked_div(self.slot_seconds).and_then(|index| usize::try_from(index).ok());
        let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) else { return };
        match verdict {
            Verdict::Allowed => slot.allowed += 1,
            Verdict::Denied(limit) => add_one(&mut slot.denied_by, limit),
        }
    }

    /// When the slot of that position starts.
    pub(crate) fn start_of(&self, index: usize) -> Nanos {
        self.start + std::time::Duration::from_secs(self.slot_seconds.saturating_mul(index as u64))
    }
}

/// The shortest of the round lengths of which about a hundred reach over the span.
fn slot_seconds(span_seconds: u64) -> u64 {
    const ROUND: [u64; 16] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200];
    const DAY: u64 = 86_400;
    const MOST: u64 = 120;
    let round = ROUND.into_iter().find(|seconds| span_seconds / seconds < MOST);
    round.unwrap_or_else(|| (span_seconds / MOST).div_ceil(DAY).max(1) * DAY)
}

fn add_one(counts: &mut [u64], index: usize) {
    if let Some(count) = counts.get_mut(index) {
        *count += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::cost::Costs;

    const START: u64 = 1_431_857_100;

    /// Requests at these seconds, all but every third allowed, by two keys in turn.
    fn outcome(seconds: &[u64]) -> Outcome {
        let cost = Costs::default().store(1).unwrap();
        let event =
            |(i, s): (usize, &u64)| Event { time: Nanos::from_secs(START + s), key: i as u32 % 2, cost };
        let trace = Trace {
            events: seconds.iter().enumerate().map(event).collect(),
            keys: [b"a", b"b"].map(|key| Box::from(&key[..])).into_iter().collect(),
            ..Trace::default()
        };
        let mut outcome = Outcome::new(&trace, &"9/hour; 5/minute".parse().unwrap());
        for (i, event) in trace.events.iter().enumerate() {
            outcome.count(event, if i % 3 == 2 { Verdict::Denied(i % 2) } else { Verdict::Allowed });
        }
        outcome.close_minute();
        outcome
    }

    #[test]
    fn everything_is_counted_once() {
        let outcome = outcome(&[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((outcome.allowed, outcome.denied()), (5, 2));
        assert_eq!(outcome.denied_by, [1, 1]);
        let slots = &outcome.series.slots;
        assert_eq!(slots.iter().map(|slot| slot.allowed + slot.denied()).sum::<u64>(), 7);
        assert_eq!(outcome.keys.iter().map(|key| key.requests).sum::<u64>(), 7);
    }

    #[test]
    fn a_key_knows_when_it_was_denied() {
        let outcome = outcome(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
        let top = outcome.top_denied(9);
        assert_eq!(
            top.iter().map(|(number, key)| (*number, key.denied)).collect::<Vec<_>>(),
            [(0, 3), (1, 2)]
        );
        assert_eq!(top[0].1.denied_first, Nanos::from_secs(START + 2));
        assert_eq!(top[0].1.denied_last, Nanos::from_secs(START + 14));
        assert_eq!(outcome.top_denied(1).len(), 1);
        assert_eq!(outcome.denied_keys(), 2);
    }

    #[test]
    fn the_busiest_minute_is_one_of_the_clock() {
        let busiest = outcome(&[0, 59, 60, 61, 62, 200]).busiest.unwrap();
        assert_eq!(busiest, Minute { start: Nanos::from_secs(START + 60), requests: 3, denied: 1 });
        assert_eq!(outcome(&[]).busiest, None);
    }

    #[test]
    fn slots_are_round_and_never_many() {
        assert_eq!([0, 119, 120, 83 * 3_600].map(slot_seconds), [1, 1, 2, 3_600]);
        for span in [1, 59, 3_600, 86_400, 400 * 86_400, 584 * 365 * 86_400] {
            let slots = span / slot_seconds(span) + 2;
            assert!(slots <= 122, "{span} s have {slots} slots");
        }
        let series = Series::new(Nanos::from_secs(3_601), Nanos::from_secs(90 * 3_600), 1);
        assert_eq!((series.start, series.slots.len()), (Nanos::from_secs(3_600), 90));
        assert_eq!(series.start_of(2), Nanos::from_secs(3 * 3_600));
    }
}
