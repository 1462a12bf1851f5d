//! The columns of a text line: split at blanks, as awk would, but a text in quotes or brackets
//! is one column.

/// What stood around a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    Nothing,
    Quotes,
    Brackets,
}

/// One column, without its quotes or brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column<'a> {
    pub(super) text: &'a [u8],
    pub(super) around: Around,
    /// Whether the closing quote or bracket is there. If not, the text goes to the line's end.
    pub(super) closed: bool,
    /// Where it starts: the byte of the line, counted from 1.
    pub(super) at: usize,
}

/// The columns of a line, from the left.
#[derive(Clone, Debug)]
pub(super) struct Columns<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { rest: line, length: line.len() }
    }

    /// The byte of the line, counted from 1, that is read next.
    pub(super) fn at(&self) -> usize {
        self.length - self.rest.len() + 1
    }

    /// Takes what stands before the first byte that `ends`, and skips `skip` bytes behind it.
    fn take_until(&mut self, end: Option<usize>, skip: usize) -> &'a [u8] {
        let (text, rest) =
            self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or((self.rest, &[]));
        self.rest = rest.get(skip..).unwrap_or_default();
        text
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Column<'a>;

    fn next(&mut self) -> Option<Column<'a>> {
        self.rest = self.rest.trim_ascii_start();
        let at = self.at();
        let (around, inside) = match self.rest {
            [] => return None,
            [b'"', inside @ ..] => (Around::Quotes, inside),
            [b'[', inside @ ..] => (Around::Brackets, inside),
            plain => (Around::Nothing, plain),
        };
        self.rest = inside;
        let end = match around {
            Around::Quotes => closing_quote(inside),
            Around::Brackets => inside.iter().position(|&b| b == b']'),
            Around::Nothing => inside.iter().position(u8::is_ascii_whitespace),
        };
        let text = self.take_until(end, 1);
        Some(Column { text, around, closed: around == Around::Nothing || end.is_some(), at })
    }
}

/// The quote that ends the text; one behind a backslash does not.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    text.iter().position(|&b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<&str> {
        Columns::new(line.as_bytes()).map(|c| std::str::from_utf8(c.text).unwrap_or("?")).collect()
    }

    #[test]
    fn quotes_and_brackets_hold_a_column_together() {
        assert_eq!(texts(r#"a  - [b c] "d e"  f"#), ["a", "-", "b c", "d e", "f"]);
        assert_eq!(texts(r#""a \" b" c "\\" d"#), [r#"a \" b"#, "c", r"\\", "d"]);
        assert_eq!(texts(r#"a"b c"d ""#), ["a\"b", "c\"d", ""]);
        assert_eq!(texts(" \t "), [""; 0]);
    }

    #[test]
    fn an_unclosed_column_goes_to_the_end() {
        let last = Columns::new(b"x \"y z").last();
        assert_eq!(last, Some(Column { text: b"y z", around: Around::Quotes, closed: false, at: 3 }));
        let last = Columns::new(b"[y z").last();
        assert_eq!(last, Some(Column { text: b"y z", around: Around::Brackets, closed: false, at: 1 }));
    }
}
