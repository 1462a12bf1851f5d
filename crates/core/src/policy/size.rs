//! Sizes in bytes as people write them: `5 MB`, `512 KiB`, `1 byte`.

use std::fmt;

#[cfg(feature = "policy-file")]
use super::words::groups_digits;

/// Bytes, the name, and what else is read as it (in any case). `MB` is a million, as in the
/// decimal prefixes; `MiB` is 2²⁰.
const SIZES: [(u64, &str); 8] = [
    (1_000_000_000_000, "TB"),
    (1 << 40, "TiB"),
    (1_000_000_000, "GB"),
    (1 << 30, "GiB"),
    (1_000_000, "MB"),
    (1 << 20, "MiB"),
    (1_000, "kB"),
    (1 << 10, "KiB"),
];

/// A number of bytes.
///
/// Written exactly: in the unit that makes the smallest whole number of it, the decimal one
/// where two do; in bytes where none does. 5,000,000 is `5 MB`, 1,048,576 is `1 MiB`, 1,500,000
/// is `1500 kB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = SIZES.iter().filter(|(bytes, _)| self.0 != 0 && self.0.is_multiple_of(*bytes));
        match whole.map(|(bytes, name)| (self.0 / bytes, name)).min_by_key(|(count, _)| *count) {
            Some((count, name)) => write!(f, "{count} {name}"),
            None if self.0 == 1 => f.write_str("1 byte"),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(feature = "policy-file")]
impl std::str::FromStr for Size {
    type Err = String;

    /// Reads a whole number and a unit, with or without a space between.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number = Some(number).filter(|number| groups_digits(number));
        let number = number.and_then(|number| number.replace('_', "").parse::<u64>().ok());
        let bytes = unit_bytes(unit.trim()).zip(number).and_then(|(unit, number)| number.checked_mul(unit));
        bytes.map(Self).ok_or_else(|| {
            format!("`{text}` is no size: write one such as \"5 MB\", \"512 KiB\" or 5_000_000")
        })
    }
}

#[cfg(feature = "policy-file")]
fn unit_bytes(word: &str) -> Option<u64> {
    if word.is_empty() || ["b", "byte", "bytes"].iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return Some(1);
    }
    SIZES.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(bytes, _)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_exactly() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_024, "1 KiB"),
            (1_500_000, "1500 kB"),
            (5_000_000, "5 MB"),
            (1 << 20, "1 MiB"),
            (1000 << 20, "1000 MiB"),
            (u64::MAX, "18446744073709551615 bytes"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    #[cfg(feature = "policy-file")]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("5 MB", 5_000_000),
            ("5mb", 5_000_000),
            (" 512 KiB ", 512 << 10),
            ("1_000 kB", 1_000_000),
            ("7", 7),
            ("1 byte", 1),
            ("0 bytes", 0),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)), "{text}");
        }
        for text in
            ["", "MB", "5 m", "-1 MB", "1.5 MB", "5 MB/s", "99999999 TB", "5 µB", "_5 MB", "5_ MB", "5__0"]
        {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
