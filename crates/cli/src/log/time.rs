//! The times that logs write: the common log's, RFC 3339, and numbers since 1970.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use tidegate::Nanos;

/// The engine's last instant, on 11 April 2262: it takes all later ones for this one.
const LATEST: Nanos = Nanos::new(i64::MAX as u64);

/// Reads any of them. `None` for other texts, and for times before 1970 or after the engine's last.
pub(super) fn parse(text: &[u8]) -> Option<Nanos> {
    common(text).or_else(|| number(text)).or_else(|| iso(text)).filter(|time| *time <= LATEST)
}

fn nanos(timestamp: Timestamp) -> Option<Nanos> {
    u64::try_from(timestamp.as_nanosecond()).ok().map(Nanos::new)
}

/// `17/May/2015:10:05:03 +0000`.
fn common(text: &[u8]) -> Option<Nanos> {
    let &[
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = text
    else {
        return None;
    };
    let year = i16::from(two(y1, y2)?) * 100 + i16::from(two(y3, y4)?);
    // jiff has no 23:59:60 either, but logs do.
    let second = two(s1, s2)?.min(if two(s1, s2)? == 60 { 59 } else { 99 });
    let civil =
        DateTime::new(year, month([m1, m2, m3])?, two(d1, d2)?, two(h1, h2)?, two(i1, i2)?, second, 0)
            .ok()?;
    let east = i32::from(two(oh1, oh2)?) * 3600 + i32::from(two(om1, om2)?) * 60;
    let offset = Offset::from_seconds(match sign {
        b'+' => east,
        b'-' => -east,
        _ => return None,
    });
    nanos(offset.ok()?.to_timestamp(civil).ok()?)
}

fn two(tens: u8, ones: u8) -> Option<i8> {
    let digit = |b: u8| b.is_ascii_digit().then(|| (b - b'0') as i8);
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn month(name: [u8; 3]) -> Option<i8> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let index = NAMES.iter().position(|month| **month == name)?;
    i8::try_from(index + 1).ok()
}

/// A decimal number since 1970 in seconds, milli-, micro- or nanoseconds. Its size says which:
/// seconds reach the year 5138 before they would be taken for the milliseconds of 1973.
fn number(text: &[u8]) -> Option<Nanos> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let unit = match whole {
        ..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    // Decimal all the way: a float has no room for a second of today with its nanoseconds.
    let fraction: u64 =
        fraction.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |n, b| n * 10 + u64::from(b - b'0'));
    whole.checked_mul(unit)?.checked_add(fraction / (1_000_000_000 / unit)).map(Nanos::new)
}

/// RFC 3339 and its kin; without an offset it is taken as UTC.
fn iso(text: &[u8]) -> Option<Nanos> {
    let text = std::str::from_utf8(text).ok()?;
    let civil = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse::<Timestamp>().ok().or_else(civil).and_then(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        parse(text.as_bytes()).map(Nanos::get)
    }

    #[test]
    fn the_same_second_in_every_notation() {
        for text in [
            "17/May/2015:10:05:03 +0000",
            "17/May/2015:12:35:03 +0230",
            "17/May/2015:03:05:03 -0700",
            "2015-05-17T10:05:03Z",
            "2015-05-17t10:05:03z",
            "2015-05-17T12:05:03+02:00",
            "2015-05-17T12:05:03+0200",
            "2015-05-17 10:05:03Z",
            "2015-05-17T10:05:03",
            "2015-05-17 10:05:03",
            "2015-05-17T10:05:03.000000000Z",
            "1431857103",
            "1431857103.0",
            "1431857103000",
            "1431857103000000",
            "1431857103000000000",
        ] {
            assert_eq!(read(text), Some(1_431_857_103_000_000_000), "{text}");
        }
    }

    #[test]
    fn fractions_are_exact() {
        assert_eq!(read("1431857103.123456789"), Some(1_431_857_103_123_456_789));
        assert_eq!(read("1431857103.5"), Some(1_431_857_103_500_000_000));
        assert_eq!(read("1431857103123.4567"), Some(1_431_857_103_123_456_700));
        assert_eq!(read("1431857103123456.789"), Some(1_431_857_103_123_456_789));
        assert_eq!(read("1431857103.1234567899999"), Some(1_431_857_103_123_456_789));
        assert_eq!(read("2015-05-17T10:05:03.25Z"), Some(1_431_857_103_250_000_000));
    }

    #[test]
    fn a_leap_second_is_the_second_before() {
        assert_eq!(read("31/Dec/2016:23:59:60 +0000"), read("31/Dec/2016:23:59:59 +0000"));
    }

    #[test]
    fn what_is_no_time_or_out_of_range() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "-1",
            "1.5e9",
            "99999999999999999999",
            "yesterday",
            "30/Feb/2015:10:05:03 +0000",
            "17/Mai/2015:10:05:03 +0000",
            "17/May/2015:24:05:03 +0000",
            "17/May/2015:10:05:61 +0000",
            "17/May/2015:10:05:03 *0000",
            "17/May/2015:10:05:03 +9900",
            "31/Dec/1969:23:59:59 +0000",
            "1969-12-31T23:59:59Z",
            "2262-04-11T23:47:16.854775808Z",
            "9223372036854775808",
            "12/Apr/2262:00:00:00 +0000",
            "2555-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        for last in ["2262-04-11T23:47:16.854775807Z", "9223372036854775807"] {
            assert_eq!(read(last), Some(LATEST.get()), "{last}");
        }
        assert_eq!(parse(b"\xff\xfe"), None);
    }
}
