//! The vocabulary that the notation and the policy file share: time units, algorithms, what a
//! quota counts, and the nearest known word to a mistyped one. Knows nothing of grammar.

use std::fmt;

use crate::limit::{Algorithm, Limit, Unit};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Nanoseconds, the name in the singular, and what else is read as it; the longest unit first.
///
/// A month is 30 days and a year 12 such months, as the Python library `limits` has them: a
/// window is a length of time, not a page of the calendar.
const TIME_UNITS: [(u64, &str, &[&str]); 10] = [
    (360 * DAY, "year", &["years", "yr", "yrs", "y"]),
    (30 * DAY, "month", &["months"]),
    (7 * DAY, "week", &["weeks", "w"]),
    (DAY, "day", &["days", "d"]),
    (3600 * SECOND, "hour", &["hours", "hr", "hrs", "h"]),
    (60 * SECOND, "minute", &["minutes", "min", "mins", "m"]),
    (SECOND, "second", &["seconds", "sec", "secs", "s"]),
    (1_000_000, "millisecond", &["milliseconds", "ms"]),
    (1_000, "microsecond", &["microseconds", "us", "µs", "μs"]),
    (1, "nanosecond", &["nanoseconds", "ns"]),
];

const ALGORITHMS: [Algorithm; 2] = [Algorithm::SlidingWindowLog, Algorithm::TokenBucket];
const UNITS: [Unit; 3] = [Unit::Requests, Unit::ContentBytes, Unit::ConcurrentRequests];

/// What other limiters call what we have under another name.
const FOREIGN: [(&str, &str); 8] = [
    ("log", "sliding-window-log"),
    ("moving-window", "sliding-window-log"),
    ("rolling-window", "sliding-window-log"),
    ("sliding-window", "sliding-window-log"),
    ("bucket", "token-bucket"),
    ("gcra", "token-bucket"),
    ("leaky-bucket", "token-bucket"),
    ("bytes", "content-bytes"),
];

/// The nanoseconds of a unit of time.
pub(super) fn time_unit(word: &str) -> Option<u64> {
    let is = |known: &str| known.eq_ignore_ascii_case(word);
    TIME_UNITS
        .iter()
        .find(|(_, name, more)| is(name) || more.iter().any(|known| is(known)))
        .map(|unit| unit.0)
}

pub(super) fn algorithm(word: &str) -> Option<Algorithm> {
    ALGORITHMS.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
}

pub(super) fn unit(word: &str) -> Option<Unit> {
    UNITS.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
}

/// Whether every `_` of a number stands between two digits, if it is made of these alone.
pub(super) fn groups_digits(number: &str) -> bool {
    number.split('_').all(|group| !group.is_empty())
}

/// What to say after an unknown word: the known one that is near, else what was expected.
pub(super) fn instead_of(word: &str, expected: Expected) -> String {
    match nearest(word, &expected.words()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("expected {expected}"),
    }
}

/// The kinds of word that the notation knows.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    Window,
    Option,
    #[cfg(feature = "policy-file")]
    Algorithm,
    Unit,
}

impl Expected {
    fn words(self) -> Vec<&'static str> {
        let algorithms = ALGORITHMS.map(Algorithm::as_str);
        match self {
            Self::Window => TIME_UNITS.iter().flat_map(|unit| [&[unit.1], unit.2].concat()).collect(),
            Self::Option => [&algorithms[..], &["burst", "unit"]].concat(),
            #[cfg(feature = "policy-file")]
            Self::Algorithm => algorithms.to_vec(),
            Self::Unit => UNITS.map(Unit::as_str).to_vec(),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "a window such as `minute` or `2 hours`",
            Self::Option => "`sliding-window-log`, `token-bucket`, `burst=N` or `unit=…`",
            #[cfg(feature = "policy-file")]
            Self::Algorithm => "`sliding-window-log` or `token-bucket`",
            Self::Unit => "`requests`, `content-bytes` or `concurrent-requests`",
        })
    }
}

/// The known word within two typing errors, or the one that is called so elsewhere.
pub(super) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let word = word.to_ascii_lowercase();
    let ours = FOREIGN.iter().find(|(foreign, _)| *foreign == word).map(|(_, ours)| *ours);
    if let Some(found) = known.iter().find(|known| ours == Some(**known)) {
        return Some(found);
    }
    // Neither worth the time on a long text nor a likely slip in a short word.
    let near = |distance: usize| word.len() <= 32 && distance <= 2 && 2 * distance < word.len();
    let by_distance = known.iter().map(|known| (distance(&word, known), *known));
    by_distance
        .filter(|(distance, _)| near(*distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|found| found.1)
}

/// How many bytes must be put in, taken out or changed to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            left = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, left);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A window in the longest unit that it is a whole number of: `minute`, `2 hours`.
pub(super) struct Window(pub(super) u64);

impl Window {
    fn parts(&self) -> (u64, &'static str) {
        let whole = TIME_UNITS.iter().find(|(nanos, ..)| self.0.is_multiple_of(*nanos));
        whole.map_or((self.0, "nanosecond"), |(nanos, name, _)| (self.0 / nanos, name))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (1, name) => f.write_str(name),
            (count, name) => write!(f, "{count} {name}s"),
        }
    }
}

/// The name of a limit that was given none: `minute`, `hours-2`; where an earlier limit has that
/// name, the first free of `minute-2`, `minute-3`, ….
///
/// It follows from the length of the window, not from how it was written: `60 seconds` is
/// `minute` too.
pub(super) fn default_name(window: u64, earlier: &[Limit]) -> String {
    let base = match Window(window).parts() {
        (1, name) => name.to_owned(),
        (count, name) => format!("{name}s-{count}"),
    };
    let taken = |name: &String| earlier.iter().any(|limit| limit.name() == name);
    let numbered = (2..).map(|n: u32| format!("{base}-{n}"));
    std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_one_unit() {
        for (nanos, name, more) in TIME_UNITS {
            for word in [&[name], more].concat() {
                assert_eq!(time_unit(word), Some(nanos), "{word}");
                assert_eq!(time_unit(&word.to_ascii_uppercase()), Some(nanos), "{word}");
            }
        }
        let mut words = Expected::Window.words();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all, "a word with two meanings");
    }

    #[test]
    fn windows_are_written_in_the_longest_whole_unit() {
        let written = |seconds: u64| Window(seconds * SECOND).to_string();
        assert_eq!(written(1), "second");
        assert_eq!(written(60), "minute");
        assert_eq!(written(90), "90 seconds");
        assert_eq!(written(7200), "2 hours");
        assert_eq!(written(14 * 86_400), "2 weeks");
        assert_eq!(written(30 * 86_400), "month");
        assert_eq!(written(360 * 86_400), "year");
        assert_eq!(written(365 * 86_400), "365 days");
        assert_eq!(Window(1_500_000_000).to_string(), "1500 milliseconds");
        assert_eq!(Window(1).to_string(), "nanosecond");
    }

    #[test]
    fn slips_find_the_word_and_noise_finds_none() {
        let near = |word, expected: Expected| nearest(word, &expected.words());
        assert_eq!(near("minuet", Expected::Window), Some("minute"));
        assert_eq!(near("Hors", Expected::Window), Some("hours"));
        assert_eq!(near("tokenbucket", Expected::Option), Some("token-bucket"));
        assert_eq!(near("moving-window", Expected::Option), Some("sliding-window-log"));
        assert_eq!(near("bytes", Expected::Unit), Some("content-bytes"));
        assert_eq!(near("q", Expected::Window), None);
        assert_eq!(near("fortnight", Expected::Window), None);
        assert_eq!(near(&"x".repeat(1 << 20), Expected::Window), None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("minuet", "minute"), 2);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
