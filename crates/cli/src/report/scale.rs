//! Round numbers and round times for the axes of charts.

use jiff::Timestamp;
use tidegate::Nanos;

const DAY: u64 = 86_400;

/// Round whole numbers from 0 to the first that is at least `most`; about `about` steps.
#[must_use]
pub fn numbers(most: u64, about: u64) -> Vec<u64> {
    let step = round_step(most.max(1).div_ceil(about.max(1)));
    let last = most.max(1).div_ceil(step);
    (0..=last).map(|i| i * step).collect()
}

/// The smallest of 1, 2, 5, 10, 20, 25, 50, 100, 200, 250 … that is at least `least`.
fn round_step(least: u64) -> u64 {
    let powers = std::iter::successors(Some(10u64), |power| power.checked_mul(10));
    let tens =
        powers.flat_map(|power| [power, power.saturating_mul(2), power / 2 * 5, power.saturating_mul(5)]);
    [1, 2, 5].into_iter().chain(tens).find(|step| *step >= least).unwrap_or(u64::MAX)
}

/// A time to mark on an axis.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: Nanos,
    pub(super) label: String,
}

/// Round times from `start` until `seconds` later, `most` at most.
pub(super) fn times(start: Nanos, seconds: u64, most: u64) -> Vec<Mark> {
    let step = time_step(seconds, most.max(1));
    let start = start.get() / 1_000_000_000;
    let first = start.div_ceil(step) * step;
    let marks = (0..).map(|i| first + i * step).take_while(|at| *at <= start + seconds);
    marks.map(|at| Mark { at: Nanos::from_secs(at), label: label(at, step) }).collect()
}

fn time_step(seconds: u64, most: u64) -> u64 {
    const ROUND: [u64; 21] = [
        1,
        2,
        5,
        10,
        15,
        30,
        60,
        120,
        300,
        600,
        900,
        1_800,
        3_600,
        7_200,
        10_800,
        21_600,
        43_200,
        DAY,
        2 * DAY,
        7 * DAY,
        14 * DAY,
    ];
    let round = ROUND.into_iter().find(|step| seconds / step < most);
    round.unwrap_or_else(|| round_step((seconds / most).div_ceil(30 * DAY)) * 30 * DAY)
}

/// The date where a day begins, else the time of day; only as exact as the step.
fn label(at: u64, step: u64) -> String {
    let format = match step {
        _ if step >= 30 * DAY => "%b %Y",
        _ if at.is_multiple_of(DAY) => "%-d %b",
        _ if step >= 60 => "%H:%M",
        _ => "%H:%M:%S",
    };
    let timestamp = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
    timestamp.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_or_above_its_largest_number() {
        assert_eq!(numbers(0, 4), [0, 1]);
        assert_eq!(numbers(3, 4), [0, 1, 2, 3]);
        assert_eq!(numbers(498, 4), [0, 200, 400, 600]);
        assert_eq!(numbers(1_115, 5), [0, 250, 500, 750, 1_000, 1_250]);
        assert_eq!(numbers(1_000, 4), [0, 250, 500, 750, 1_000]);
        assert!(numbers(u64::MAX / 4, 4).len() <= 6);
    }

    fn labels(start: u64, seconds: u64) -> Vec<String> {
        times(Nanos::from_secs(start), seconds, 8).into_iter().map(|mark| mark.label).collect()
    }

    #[test]
    fn times_are_marked_where_they_are_round() {
        let start = 1_431_857_103;
        assert_eq!(labels(start, 10), ["10:05:04", "10:05:06", "10:05:08", "10:05:10", "10:05:12"]);
        assert_eq!(labels(start, 3 * 3_600), ["10:30", "11:00", "11:30", "12:00", "12:30", "13:00"]);
        let days = labels(start, 84 * 3_600);
        assert_eq!(days, ["12:00", "18 May", "12:00", "19 May", "12:00", "20 May", "12:00"]);
        assert_eq!(labels(start, 0), ["10:05:03"]);
        assert!(labels(start, 500 * 365 * DAY).len() <= 9);
    }
}
