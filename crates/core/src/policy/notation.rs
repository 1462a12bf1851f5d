//! The policy notation: reads it into limits and writes limits in its canonical form. The
//! grammar is in `docs/policies.md`. Every text gives limits or an [`Error::Notation`].

use std::fmt;
use std::time::Duration;

use super::words::{self, Expected, Window};
use super::{MAX_LIMITS, Policy};
use crate::error::{Error, Result};
use crate::limit::{Algorithm, Limit, MAX_BUCKET_QUOTA, Unit, WRONG_WINDOW};
use crate::time::duration_nanos;

/// A policy of the limits in `text`.
pub(super) fn parse(text: &str) -> Result<Policy> {
    let mut limits = Vec::new();
    read(text, &mut limits)?;
    Policy::new(limits)
}

/// Appends the limits in `text`, of which there is at least one, to those of the same policy
/// that came before: names are told apart over all of them.
pub(super) fn read(text: &str, limits: &mut Vec<Limit>) -> Result<()> {
    let mut parser = Parser::new(text);
    parser.separators();
    loop {
        let limit = parser.limit(limits)?;
        limits.push(limit);
        let separated = parser.separators();
        if parser.next.kind == Kind::End {
            return Ok(());
        }
        if !separated {
            return parser.unexpected("an option such as `token-bucket`, or `;` before the next limit");
        }
    }
}

/// A window alone, as in `window = "90 s"`.
#[cfg(feature = "policy-file")]
pub(super) fn window(text: &str) -> Result<Duration> {
    let mut parser = Parser::new(text);
    let window = parser.window()?;
    if parser.next.kind == Kind::End { Ok(window) } else { parser.unexpected("nothing after the window") }
}

/// Writes what [`parse`] reads back as the same limits: names and options only where they are
/// not the default.
pub(super) fn write(f: &mut fmt::Formatter<'_>, limits: &[Limit]) -> fmt::Result {
    for (i, limit) in limits.iter().enumerate() {
        let (earlier, _) = limits.split_at(i);
        if i > 0 {
            f.write_str("; ")?;
        }
        if limit.name() != words::default_name(limit.window_nanos(), earlier) {
            write!(f, "{}: ", limit.name())?;
        }
        write!(f, "{}/{}", limit.quota(), Window(limit.window_nanos()))?;
        write_options(f, limit)?;
    }
    Ok(())
}

fn write_options(f: &mut fmt::Formatter<'_>, limit: &Limit) -> fmt::Result {
    if limit.algorithm() != Algorithm::default() {
        write!(f, " {}", limit.algorithm().as_str())?;
    }
    if limit.capacity() != limit.quota() {
        write!(f, " burst={}", limit.capacity())?;
    }
    if limit.unit() != Unit::default() {
        write!(f, " unit={}", limit.unit().as_str())?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Word,
    Slash,
    Colon,
    Equals,
    Separator,
    Unknown,
    End,
}

#[derive(Clone, Copy)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    at: usize,
}

/// The first token of `text` at or after the byte `from`.
fn token(text: &str, from: usize) -> Token<'_> {
    let blanks = |c: char| c.is_whitespace() && c != '\n';
    let rest = text.get(from..).unwrap_or("").trim_start_matches(blanks);
    let run = |part: fn(char) -> bool| rest.find(|c| !part(c)).unwrap_or(rest.len());
    let (kind, len) = match rest.chars().next() {
        None => (Kind::End, 0),
        Some('/') => (Kind::Slash, 1),
        Some(':') => (Kind::Colon, 1),
        Some('=') => (Kind::Equals, 1),
        Some(';' | ',' | '|' | '\n') => (Kind::Separator, 1),
        Some('0'..='9') => (Kind::Number, run(|c| c.is_ascii_digit() || c == '_')),
        Some(c) if c.is_alphabetic() => (Kind::Word, run(|c| c.is_alphanumeric() || c == '_' || c == '-')),
        Some(c) => (Kind::Unknown, c.len_utf8()),
    };
    Token { kind, text: rest.get(..len).unwrap_or(""), at: text.len() - rest.len() }
}

/// What was written after a window.
#[derive(Default)]
struct Options<'t> {
    algorithm: Option<Algorithm>,
    burst: Option<(Token<'t>, u64)>,
    unit: Option<Unit>,
}

/// Why there is no limit, where a burst was given without a bucket.
const BURST_OF_A_LOG: &str = "`burst` is for `token-bucket` alone: a log holds its quota, no more";

/// A limit as it was written, before its defaults.
pub(super) struct Written {
    pub(super) name: Option<String>,
    pub(super) quota: u64,
    pub(super) window: Duration,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) burst: Option<u64>,
    pub(super) unit: Option<Unit>,
}

impl Written {
    /// The limit, after the `earlier` ones of its policy.
    pub(super) fn limit(self, earlier: &[Limit]) -> Result<Limit> {
        if self.name.is_none() && self.window.is_zero() {
            // Its default name is the window's, in a unit that nobody wrote: all go into nothing.
            return Err(Error::Policy(WRONG_WINDOW.into()));
        }
        let name = self.name.unwrap_or_else(|| words::default_name(duration_nanos(self.window), earlier));
        let limit = match (self.algorithm.unwrap_or_default(), self.burst) {
            (Algorithm::SlidingWindowLog, None) => Limit::new(&name, self.quota, self.window),
            (Algorithm::SlidingWindowLog, Some(_)) => {
                Err(Error::Policy(format!("limit `{name}`: {BURST_OF_A_LOG}")))
            }
            (Algorithm::TokenBucket, burst) => {
                Limit::token_bucket(&name, self.quota, self.window, burst.unwrap_or(self.quota))
            }
        };
        Ok(limit?.with_unit(self.unit.unwrap_or_default()))
    }
}

struct Parser<'t> {
    text: &'t str,
    /// The token that is looked at.
    next: Token<'t>,
    /// Where the last one taken ended.
    end: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, next: token(text, 0), end: 0 }
    }

    fn take(&mut self) -> Token<'t> {
        let taken = self.next;
        self.end = taken.at + taken.text.len();
        self.next = token(self.text, self.end);
        taken
    }

    fn take_if(&mut self, kind: Kind) -> Option<Token<'t>> {
        (self.next.kind == kind).then(|| self.take())
    }

    fn expect(&mut self, kind: Kind, expected: &str) -> Result<Token<'t>> {
        match self.take_if(kind) {
            Some(token) => Ok(token),
            None => self.unexpected(expected),
        }
    }

    /// Whether there was any.
    fn separators(&mut self) -> bool {
        let before = self.end;
        while self.take_if(Kind::Separator).is_some() {}
        self.end > before
    }

    /// `[name:] quota per window [options]`
    fn limit(&mut self, earlier: &[Limit]) -> Result<Limit> {
        let start = self.next.at;
        let name = self.name(earlier)?;
        let quota = self.quota()?;
        self.per()?;
        let window = self.window()?;
        let Options { algorithm, burst, unit } = self.options()?;
        if let (None | Some(Algorithm::SlidingWindowLog), Some((word, _))) = (algorithm, burst) {
            return self.wrong(word, BURST_OF_A_LOG);
        }
        let burst = burst.map(|(_, burst)| burst);
        let limit = Written { name, quota, window, algorithm, burst, unit }.limit(earlier);
        let at = Token { at: start, text: self.text.get(start..self.end).unwrap_or(""), ..self.next };
        match limit {
            Ok(_) if earlier.len() >= MAX_LIMITS => {
                self.wrong(at, format!("a policy has at most {MAX_LIMITS} limits"))
            }
            Ok(limit) => Ok(limit),
            Err(error) => self.wrong(at, error.to_string()),
        }
    }

    fn name(&mut self, earlier: &[Limit]) -> Result<Option<String>> {
        let Some(name) = self.take_if(Kind::Word) else { return Ok(None) };
        if self.take_if(Kind::Colon).is_none() {
            return self.wrong(name, format!("expected a limit such as `100/minute`, found {}", found(name)));
        }
        if !crate::limit::is_name(name.text) {
            let rule = "starts with a lowercase letter and goes on in lowercase letters, digits, `_` and `-`";
            return self.wrong(name, format!("a name {rule}"));
        }
        if earlier.iter().any(|limit| limit.name() == name.text) {
            return self.wrong(name, format!("another limit is named `{}` already", name.text));
        }
        Ok(Some(name.text.to_owned()))
    }

    fn quota(&mut self) -> Result<u64> {
        let number = self.expect(Kind::Number, "a limit such as `100/minute`")?;
        self.number(number)
    }

    fn per(&mut self) -> Result<()> {
        let next = self.next;
        match next.kind {
            Kind::Slash => {}
            Kind::Word if next.text.eq_ignore_ascii_case("per") => {}
            Kind::Separator if next.text == "," => {
                return self.unexpected("`/` or `per` after the quota (thousands are written `1_000`)");
            }
            _ => return self.unexpected("`/` or `per` after the quota"),
        }
        self.take();
        Ok(())
    }

    fn window(&mut self) -> Result<Duration> {
        let count = match self.take_if(Kind::Number) {
            Some(number) => self.number(number)?,
            None => 1,
        };
        let word = self.expect(Kind::Word, &Expected::Window.to_string())?;
        match words::time_unit(word.text) {
            // Far too long stays far too long, which the limit itself refuses.
            Some(nanos) => Ok(Duration::from_nanos(count.saturating_mul(nanos))),
            None => self.unknown(word, "unit of time", Expected::Window),
        }
    }

    fn options(&mut self) -> Result<Options<'t>> {
        let mut options = Options::default();
        while let Some(word) = self.take_if(Kind::Word) {
            let twice = match word.text.to_ascii_lowercase().as_str() {
                "burst" => {
                    let burst = self.value(Kind::Number, "`burst=` and a number, such as `burst=20`")?;
                    options.burst.replace((word, self.number(burst)?)).is_some()
                }
                "unit" => {
                    let unit = self.value(Kind::Word, "`unit=` and a word, such as `unit=content-bytes`")?;
                    let Some(unit) = words::unit(unit.text) else {
                        return self.unknown(unit, "unit", Expected::Unit);
                    };
                    options.unit.replace(unit).is_some()
                }
                other => {
                    let Some(algorithm) = words::algorithm(other) else {
                        return self.unknown(word, "option", Expected::Option);
                    };
                    options.algorithm.replace(algorithm).is_some()
                }
            };
            if twice {
                return self.wrong(word, "this is said twice: keep one");
            }
        }
        Ok(options)
    }

    /// What follows an option's `=`.
    fn value(&mut self, kind: Kind, expected: &str) -> Result<Token<'t>> {
        self.expect(Kind::Equals, expected)?;
        self.expect(kind, expected)
    }

    fn number(&self, number: Token<'_>) -> Result<u64> {
        if !words::groups_digits(number.text) {
            return self.wrong(number, "`_` stands between two digits, as in `1_000`");
        }
        match number.text.replace('_', "").parse() {
            Ok(value) => Ok(value),
            Err(_) => self.wrong(number, format!("the number is too large: the most is {MAX_BUCKET_QUOTA}")),
        }
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T> {
        self.wrong(self.next, format!("expected {expected}, found {}", found(self.next)))
    }

    fn unknown<T>(&self, word: Token<'_>, what: &str, expected: Expected) -> Result<T> {
        self.wrong(
            word,
            format!("unknown {what} {}: {}", found(word), words::instead_of(word.text, expected)),
        )
    }

    fn wrong<T>(&self, place: Token<'_>, reason: impl Into<String>) -> Result<T> {
        let (at, len) = (place.at, place.text.len());
        Err(Error::Notation { text: self.text.to_owned(), at, len, reason: reason.into() })
    }
}

/// A token as a message names it; its beginning, if it is a long one.
fn found(token: Token<'_>) -> String {
    match (token.kind, token.text) {
        (Kind::End, _) => "the end".into(),
        (_, "\n") => "the end of the line".into(),
        (_, text) if text.chars().nth(40).is_some() => {
            format!("`{}…`", text.chars().take(40).collect::<String>())
        }
        (_, text) => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests;
