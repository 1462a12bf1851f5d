//! A line of the common or combined log format, as Apache and nginx write them.

use tidegate::Nanos;

use super::address::is_address;
use super::column::{Around, Column, Columns};
use super::error::{LineError, shorten};
use super::{Selector, time};

/// A line whose time, request, status and size are in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextLine<'a> {
    line: &'a [u8],
    /// The number of columns before the time: three, unless a user's name holds blanks.
    before_time: usize,
}

/// Reads a line. What follows the size is left alone, so that a longer format passes as well,
/// and so does a last column that was cut off; `combined` wants both headers to be there.
pub(super) fn parse(line: &[u8], combined: bool) -> Result<(Nanos, TextLine<'_>), LineError> {
    let mut columns = Columns::new(line);
    let missing = LineError::Expected { what: "the time in [brackets]", column: line.len() + 1 };
    let (before_time, stamp) = columns
        .by_ref()
        .enumerate()
        .skip(1)
        .find(|(_, column)| column.around == Around::Brackets)
        .filter(|(_, column)| column.closed)
        .ok_or(missing)?;
    let time = time::parse(stamp.text).ok_or_else(|| LineError::Time { text: shorten(stamp.text, 40) })?;
    expect(&mut columns, "the request in \"quotes\"", |c| c.around == Around::Quotes && c.closed)?;
    expect(&mut columns, "a status of three digits", |c| c.text.len() == 3 && is_number(c.text))?;
    expect(&mut columns, "the size in bytes", |c| c.text == b"-" || is_number(c.text))?;
    if combined {
        expect(&mut columns, "the referer in \"quotes\"", |c| c.around == Around::Quotes && c.closed)?;
        expect(&mut columns, "the user agent in \"quotes\"", |c| c.around == Around::Quotes)?;
    }
    Ok((time, TextLine { line, before_time }))
}

fn expect(
    columns: &mut Columns<'_>,
    what: &'static str,
    is_right: impl Fn(&Column<'_>) -> bool,
) -> Result<(), LineError> {
    let end = columns.at();
    let column = columns.next();
    let at = column.map_or(end, |column| column.at);
    column.filter(is_right).map(|_| ()).ok_or(LineError::Expected { what, column: at })
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

impl<'a> TextLine<'a> {
    /// The text of the column that `selector` names, if the line goes that far.
    pub(super) fn get(&self, selector: &Selector) -> Result<Option<&'a [u8]>, LineError> {
        let index = match selector {
            Selector::Address => return Ok(self.address()),
            Selector::Field(number) => number.get() - 1,
            Selector::Header(name) => self.before_time + header(name)?,
        };
        Ok(Columns::new(self.line).nth(index).map(|column| column.text))
    }

    /// The first column, unless that is no address and the second is: servers with several hosts
    /// write the host's name before the client. A comma makes it the first of a list of addresses,
    /// in which the others are proxies.
    fn address(&self) -> Option<&'a [u8]> {
        let mut columns = Columns::new(self.line).map(|column| column.text);
        let first = columns.next()?;
        let client = first.strip_suffix(b",").unwrap_or(first);
        if is_address(client) {
            return Some(client);
        }
        columns.next().filter(|second| is_address(second)).or(Some(first))
    }
}

/// How many columns behind the time a header stands.
fn header(name: &str) -> Result<usize, LineError> {
    if name.eq_ignore_ascii_case("referer") || name.eq_ignore_ascii_case("referrer") {
        return Ok(4);
    }
    if name.eq_ignore_ascii_case("user-agent") || name.eq_ignore_ascii_case("user_agent") {
        return Ok(5);
    }
    let reason = format!(
        "a combined log has no header `{name}`, only referer and user-agent: name a further column with field:N"
    );
    Err(LineError::Unanswerable { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"192.0.2.7 - ann [17/May/2015:10:05:03 +0000] "GET /\"a\" HTTP/1.1" 200 12 "http://x/" "A B""#;

    fn value(line: &str, key: &str) -> Option<String> {
        let (_, text) = parse(line.as_bytes(), false).ok()?;
        let found = text.get(&key.parse().ok()?).ok()??;
        Some(String::from_utf8_lossy(found).into_owned())
    }

    fn error(line: &str, combined: bool) -> String {
        parse(line.as_bytes(), combined).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_combined_line_and_its_values() {
        assert!(parse(LINE.as_bytes(), true).is_ok());
        let expected = [
            ("ip", "192.0.2.7"),
            ("header:Referer", "http://x/"),
            ("header:User-Agent", "A B"),
            ("field:3", "ann"),
            ("field:4", "17/May/2015:10:05:03 +0000"),
            ("field:6", "200"),
        ];
        for (key, text) in expected {
            assert_eq!(value(LINE, key).as_deref(), Some(text), "{key}");
        }
        assert_eq!(value(LINE, "field:10"), None);
    }

    #[test]
    fn a_user_with_blanks_moves_the_headers_not_the_meaning() {
        let line = LINE.replace("ann", "ann of x");
        assert_eq!(value(&line, "header:user-agent").as_deref(), Some("A B"));
        assert_eq!(value(&line, "ip").as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn a_host_before_the_client_is_not_the_client() {
        for host in ["example.com:443", "example.com", "-"] {
            let line = format!("{host} {LINE}");
            assert_eq!(value(&line, "ip").as_deref(), Some("192.0.2.7"), "{host}");
            assert_eq!(value(&line, "field:1").as_deref(), Some(host));
            assert_eq!(value(&line, "header:user-agent").as_deref(), Some("A B"), "{host}");
        }
        for (first, client) in [
            ("client.example.com", "client.example.com"),
            ("192.0.2.9 192.0.2.8", "192.0.2.9"),
            ("192.0.2.9:50001 192.0.2.8", "192.0.2.9:50001"),
            ("192.0.2.9, 192.0.2.8", "192.0.2.9"),
            ("[2001:db8::7]:50001", "2001:db8::7"),
        ] {
            assert_eq!(value(&LINE.replace("192.0.2.7", first), "ip").as_deref(), Some(client), "{first}");
        }
    }

    #[test]
    fn a_common_line_has_no_headers() {
        let common = r#"h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 304 -"#;
        assert_eq!(value(common, "ip").as_deref(), Some("h"));
        assert_eq!(value(common, "header:user-agent"), None);
        assert_eq!(error(common, true), "expected the referer in \"quotes\" at column 58");
    }

    #[test]
    fn an_agent_that_was_cut_off_is_no_reason_to_drop_a_request() {
        let cut = LINE.trim_end_matches('"');
        assert!(parse(cut.as_bytes(), true).is_ok());
        assert_eq!(value(cut, "header:user-agent").as_deref(), Some("A B"));
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(error("", false), "expected the time in [brackets] at column 1");
        assert_eq!(error("a b c", false), "expected the time in [brackets] at column 6");
        assert!(
            error("a - - [yesterday] \"G\" 200 1", false).starts_with("cannot read the time `yesterday`")
        );
        let time = "a - - [17/May/2015:10:05:03 +0000]";
        assert_eq!(error(&format!("{time} GET"), false), "expected the request in \"quotes\" at column 36");
        assert_eq!(error(&format!("{time} \"GET"), false), "expected the request in \"quotes\" at column 36");
        assert_eq!(
            error(&format!("{time} \"G\" 20 1"), false),
            "expected a status of three digits at column 40"
        );
        assert_eq!(error(&format!("{time} \"G\" 200"), false), "expected the size in bytes at column 43");
    }

    #[test]
    fn other_headers_are_not_in_a_combined_log() {
        let text = TextLine { line: b"", before_time: 3 };
        assert!(text.get(&Selector::Header("x-api-key".into())).is_err());
    }
}
