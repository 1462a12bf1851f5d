//! The value of one header as text, kept without the heap unless it is a long one.

use std::fmt;
use std::ops::Deref;

/// Enough for the lists of two or three limits.
const INLINE: usize = 96;

/// The value of a header: printable ASCII, without line breaks.
///
/// Dereferences to `str`; short values, which is most, take no memory from the heap.
#[derive(Clone)]
pub struct HeaderValue {
    inline: [u8; INLINE],
    len: usize,
    /// The whole text, once it is longer than `INLINE`.
    long: String,
}

impl HeaderValue {
    /// What `write` writes.
    pub(super) fn written(write: impl FnOnce(&mut Writer) -> fmt::Result) -> Self {
        let mut writer = Writer(Self { inline: [0; INLINE], len: 0, long: String::new() });
        // The writer itself never fails, and its users only pass its results on.
        let _ = write(&mut writer);
        writer.0
    }

    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if !self.long.is_empty() {
            return &self.long;
        }
        self.inline.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Fills a value; not the value itself, so that nobody writes into a finished one.
pub(super) struct Writer(HeaderValue);

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let value = &mut self.0;
        let end = value.len + text.len();
        if value.long.is_empty() {
            if let Some(room) = value.inline.get_mut(value.len..end) {
                room.copy_from_slice(text.as_bytes());
                value.len = end;
                return Ok(());
            }
            value.long = value.as_str().to_owned();
        }
        value.long.push_str(text);
        Ok(())
    }
}

impl Deref for HeaderValue {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for HeaderValue {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for HeaderValue {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<HeaderValue> for String {
    fn from(value: HeaderValue) -> Self {
        if value.long.is_empty() { value.as_str().to_owned() } else { value.long }
    }
}

impl PartialEq for HeaderValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for HeaderValue {}

impl PartialEq<str> for HeaderValue {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for HeaderValue {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn values_of_every_length_are_kept() {
        for parts in [0, 1, 2, 95, 96, 97, 98, 200] {
            for part in ["a", "bc", "\"minute\";q=100"] {
                let expected = part.repeat(parts);
                let value = HeaderValue::written(|out| (0..parts).try_for_each(|_| out.write_str(part)));
                assert_eq!(value, expected.as_str());
                assert_eq!(String::from(value), expected);
            }
        }
        let long = "x".repeat(500);
        assert_eq!(HeaderValue::written(|out| out.write_str(&long)), long.as_str());
    }
}
