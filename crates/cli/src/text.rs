//! Small things that all output shares: numbers, shares, times and strangers' bytes as text.

use jiff::Timestamp;
use tidegate::Nanos;

/// Bytes of a log as text that is safe to show: invalid UTF-8 and control characters, which
/// could drive a terminal, are written as `\x1b`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if unsafe_to_show(c) { text.extend(c.escape_default()) } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Controls, and the marks that reorder or hide what stands around them.
fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `part` of `whole` as a percentage. What is not nothing is not shown as 0, and what is not
/// all is not shown as 100.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    match share {
        s if part > 0 && s < 0.01 => "<0.01%".to_owned(),
        s if part < whole && s >= 99.995 => ">99.99%".to_owned(),
        s => format!("{s:.2}%"),
    }
}

/// A count with its noun: `1 key`, `2 keys`.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `2015-05-17 10:05:03`, UTC, with the fraction of the second if there is one.
pub(crate) fn date_time(at: Nanos) -> String {
    rfc3339(at).replace('T', " ").replace('Z', "")
}

/// `2015-05-17 10:05`, UTC: a minute of the clock, by when it starts.
pub(crate) fn clock_minute(start: Nanos) -> String {
    let text = date_time(start);
    text.strip_suffix(":00").unwrap_or(&text).to_owned()
}

/// `2015-05-17T10:05:03Z`.
pub(crate) fn rfc3339(at: Nanos) -> String {
    Timestamp::from_nanosecond(i128::from(at.get())).map_or_else(|_| at.get().to_string(), |t| t.to_string())
}

/// A span in its two largest units: `3 days 11 hours`.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let mut parts = UNITS.iter().filter_map(|&(size, noun)| {
        let number = rest / size;
        rest %= size;
        (number > 0).then(|| count(number, noun))
    });
    match (parts.next(), parts.next()) {
        (Some(first), Some(second)) => format!("{first} {second}"),
        (Some(first), None) => first,
        _ => "less than a second".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_holds_cannot_drive_a_terminal() {
        assert_eq!(printable(b"caf\xc3\xa9 \x1b[31m\xff\n"), "café \\u{1b}[31m\\xff\\n");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(1, "key"), "1 key");
        assert_eq!(count(2_000, "key"), "2,000 keys");
    }

    #[test]
    fn a_share_is_not_rounded_to_none_or_all() {
        assert_eq!(percent(0, 0), "0.00%");
        assert_eq!(percent(1, 1_000_000), "<0.01%");
        assert_eq!(percent(999_999, 1_000_000), ">99.99%");
        assert_eq!(percent(1, 3), "33.33%");
        assert_eq!(percent(7, 7), "100.00%");
    }

    #[test]
    fn times_and_spans() {
        assert_eq!(date_time(Nanos::from_secs(1_431_857_103)), "2015-05-17 10:05:03");
        assert_eq!(date_time(Nanos::new(1_431_857_103_250_000_000)), "2015-05-17 10:05:03.25");
        assert_eq!(clock_minute(Nanos::from_secs(1_431_857_100)), "2015-05-17 10:05");
        assert_eq!(clock_minute(Nanos::from_secs(1_431_856_800)), "2015-05-17 10:00");
        assert_eq!(rfc3339(Nanos::from_secs(0)), "1970-01-01T00:00:00Z");
        assert_eq!(span(3 * 86_400 + 11 * 3_600 + 59), "3 days 11 hours");
        assert_eq!(span(60), "1 minute");
        assert_eq!(span(0), "less than a second");
    }
}
