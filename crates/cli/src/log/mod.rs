//! One line of an access log, and what a replay needs of it: when it was, and whose request.
//!
//! Lines are bytes from strangers: whatever they hold, the answer is a [`Record`] or a
//! [`LineError`], never a panic. Nothing here knows of files, policies or reports.

mod address;
mod column;
mod error;
mod json;
mod selector;
mod text;
mod time;

pub use address::network;
pub use error::LineError;
pub use selector::Selector;

use std::borrow::Cow;

use tidegate::Nanos;

/// The longest line that is read, in bytes; longer ones are malformed.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// How the lines of a log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Format {
    /// Each line for itself: JSON if it starts with a brace, else a combined or common line.
    #[default]
    Auto,
    /// `address ident user [time] "request" status bytes "referer" "user-agent"`.
    Combined,
    /// The same without the two headers.
    Common,
    /// One JSON object a line.
    Json,
}

/// Reads a line of the given format, with the usual names for the fields of a JSON line.
///
/// ```
/// use tidegate_cli::log::{Format, Selector, parse_line};
///
/// let line = br#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8""#;
/// let record = parse_line(line, Format::Auto).unwrap();
/// assert_eq!(record.time().get(), 1_431_857_103_000_000_000);
/// assert_eq!(record.get(&Selector::Address).unwrap().as_deref(), Some(&b"192.0.2.7"[..]));
/// ```
///
/// # Errors
/// What is not as the format has it, and where.
pub fn parse_line(line: &[u8], format: Format) -> Result<Record<'_>, LineError> {
    Parser { format, ..Parser::default() }.parse(line)
}

/// A format, and the names of a JSON line's fields where they are not the usual ones.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Parser {
    /// How the lines are written.
    pub format: Format,
    /// The field with the time; dots reach into nested objects.
    pub time_field: Option<String>,
    /// The field with the client's address.
    pub address_field: Option<String>,
}

impl Parser {
    /// Reads a line. A line ending may be there or not.
    ///
    /// # Errors
    /// What is not as the format has it, and where.
    pub fn parse<'a>(&self, line: &'a [u8]) -> Result<Record<'a>, LineError> {
        let line = line.trim_ascii();
        if line.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        let json = self.format == Format::Json || self.format == Format::Auto && line.starts_with(b"{");
        if json { self.parse_json(line) } else { self.parse_text(line) }
    }

    fn parse_text<'a>(&self, line: &'a [u8]) -> Result<Record<'a>, LineError> {
        let (time, text) = text::parse(line, self.format == Format::Combined)?;
        Ok(Record { time, body: Body::Text(text) })
    }

    fn parse_json<'a>(&self, line: &'a [u8]) -> Result<Record<'a>, LineError> {
        let object = json::Object::parse(line)?;
        let time = object.time(self.time_field.as_deref())?;
        let body = Body::Json { object, address_field: self.address_field.clone() };
        Ok(Record { time, body })
    }
}

/// A line that could be read: its time, and its other values on demand.
#[derive(Debug)]
pub struct Record<'a> {
    time: Nanos,
    body: Body<'a>,
}

#[derive(Debug)]
enum Body<'a> {
    Text(text::TextLine<'a>),
    Json { object: json::Object<'a>, address_field: Option<String> },
}

impl Record<'_> {
    /// When the request was: nanoseconds since 1970, UTC.
    #[must_use]
    pub fn time(&self) -> Nanos {
        self.time
    }

    /// The value that `selector` names, as it stands in the line (JSON strings are decoded).
    /// `None` where the line has no such value, or says so with `-` or an empty text.
    ///
    /// # Errors
    /// A selector that this kind of line cannot answer, or a JSON value that cannot be read.
    pub fn get(&self, selector: &Selector) -> Result<Option<Cow<'_, [u8]>>, LineError> {
        let value = match &self.body {
            Body::Text(text) => text.get(selector)?.map(Cow::Borrowed),
            Body::Json { object, address_field } => object.get(selector, address_field.as_deref())?,
        };
        Ok(value.filter(|value| !matches!(value.as_ref(), b"" | b"-")))
    }
}
