//! Why a line could not be read.

use std::fmt;

use super::MAX_LINE_BYTES;

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineError {
    /// Longer than [`MAX_LINE_BYTES`].
    TooLong,
    /// A part of the format is not in its place.
    Expected {
        /// The part, such as `the request in "quotes"`.
        what: &'static str,
        /// The byte of the line, counted from 1, where it was expected.
        column: usize,
    },
    /// A time that cannot be read.
    Time {
        /// What stands there, shortened.
        text: String,
    },
    /// No JSON object.
    Json {
        /// What the JSON reader said, shortened.
        reason: String,
    },
    /// A JSON object without a field that is needed.
    NoField {
        /// What the field would hold.
        what: &'static str,
        /// The name that was asked for; `None` if the usual names were tried.
        name: Option<String>,
    },
    /// A line of this kind has no such value at all.
    Unanswerable {
        /// Why, and what to do.
        reason: String,
    },
    /// A value that cannot be used as a key or a cost.
    Value {
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the line is longer than {MAX_LINE_BYTES} bytes"),
            Self::Expected { what, column } => write!(f, "expected {what} at column {column}"),
            Self::Time { text } => write!(
                f,
                "cannot read the time `{text}`: expected 17/May/2015:10:05:03 +0000, RFC 3339, or a number since 1970, up to April 2262"
            ),
            Self::Json { reason } => write!(f, "no JSON object: {reason}"),
            Self::NoField { what, name: Some(name) } => write!(f, "no field `{name}` with {what}"),
            Self::NoField { what, name: None } => {
                write!(f, "no field with {what} under any of the usual names: name it with --{what}-field")
            }
            Self::Unanswerable { reason } | Self::Value { reason } => f.write_str(reason),
        }
    }
}

impl std::error::Error for LineError {}

/// Bytes of a log made fit for one line of a message: at most `most` characters, no controls.
pub(crate) fn shorten(bytes: &[u8], most: usize) -> String {
    let head = bytes.get(..bytes.len().min(most * 4)).unwrap_or(bytes);
    let text = crate::text::printable(head);
    if text.chars().count() <= most && head.len() == bytes.len() {
        return text;
    }
    text.chars().take(most).chain(['…']).collect()
}
