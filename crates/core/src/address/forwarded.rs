//! Reading `X-Forwarded-For` and `Forwarded` (RFC 7239) from the right.
//!
//! Each proxy adds its entry on the right, so only the right end comes from somebody known; what
//! stands further left must not change how it is read. Hence quotes, too, are matched from the
//! right: a client that opens one and never closes it hides nothing. Every byte is looked at a
//! few times at most.

use std::borrow::Cow;
use std::iter;
use std::net::IpAddr;

use super::ForwardedHeader;

/// The entries of one line from right to left: an address, or `None` for what is none. Empty
/// entries are passed over (RFC 9110, section 5.6.1). After a fault nothing follows.
pub(super) fn hops(header: ForwardedHeader, line: &[u8]) -> impl Iterator<Item = Option<IpAddr>> {
    let mut rest = Some(line);
    let entries = iter::from_fn(move || {
        let split = match header {
            ForwardedHeader::XForwardedFor => Some(split_at_last_comma(rest?)),
            ForwardedHeader::Forwarded => split_last_element(rest?),
        };
        rest = split.and_then(|(left, _)| left);
        Some(split.map(|(_, entry)| entry.trim_ascii()))
    });
    entries.filter(|entry| *entry != Some(b"")).map(move |entry| match header {
        ForwardedHeader::XForwardedFor => node(entry?),
        ForwardedHeader::Forwarded => node(&for_value(entry?)?),
    })
}

/// What stands left of the last comma, if there is one, and right of it.
type Split<'a> = (Option<&'a [u8]>, &'a [u8]);

fn split_at_last_comma(list: &[u8]) -> Split<'_> {
    let mut parts = list.rsplitn(2, |&byte| byte == b',');
    let right = parts.next().unwrap_or(list);
    (parts.next(), right)
}

/// At the last comma outside of quotes; `None` when the quotes right of there don't match.
fn split_last_element(list: &[u8]) -> Option<Split<'_>> {
    let mut unread = list;
    while let Some(at) = unread.iter().rposition(|byte| matches!(byte, b',' | b'"')) {
        let before = unread.get(..at)?;
        if unread.get(at) == Some(&b',') {
            return Some((Some(before), list.get(at + 1..)?));
        }
        unread = before.get(..opening_quote(before)?)?;
    }
    Some((None, list))
}

/// Where the quoted string begins whose closing quote stands after `text`.
fn opening_quote(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    loop {
        end = text.get(..end)?.iter().rposition(|&byte| byte == b'"')?;
        let backslashes = text.get(..end)?.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes % 2 == 0 {
            return Some(end);
        }
    }
}

/// The value of `for` in `for=192.0.2.7;proto=https;by="[::1]"`, the one element of a list.
/// `None` if there is none, more than one, or a fault anywhere.
fn for_value(element: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (mut rest, mut found) = (element, None);
    loop {
        rest = rest.trim_ascii_start();
        if rest.first().is_some_and(|&byte| byte != b';') {
            let (name, value, left) = pair(rest)?;
            rest = left.trim_ascii_start();
            if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
                return None;
            }
        }
        match rest.split_first() {
            None => return found,
            Some((b';', left)) => rest = left,
            Some(_) => return None,
        }
    }
}

/// A name, its value, and what follows.
type Pair<'a> = (&'a [u8], Cow<'a, [u8]>, &'a [u8]);

/// `name=value` at the start of `text`.
fn pair(text: &[u8]) -> Option<Pair<'_>> {
    let (name, rest) = split_while(text, is_token)?;
    let rest = rest.strip_prefix(b"=")?;
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted_string(quoted)?,
        // The standard wants quotes around `:`, `[` and `]`; proxies that forget them are common.
        None => {
            let (plain, rest) =
                split_while(rest, |byte| is_token(byte) || matches!(byte, b':' | b'[' | b']'))?;
            (Cow::Borrowed(plain), rest)
        }
    };
    Some((name, value, rest))
}

/// The longest start of `text` of such bytes, at least one, and the rest.
fn split_while(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let len = text.iter().take_while(|&&byte| is_wanted(byte)).count();
    text.split_at_checked(len).filter(|(start, _)| !start.is_empty())
}

/// A `tchar` of RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What stands before the closing quote, unescaped, and after it.
fn quoted_string(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let plain = text.iter().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
    let (start, mut rest) = text.split_at_checked(plain)?;
    let mut value = Cow::Borrowed(start);
    loop {
        match rest {
            [b'"', left @ ..] => return Some((value, left)),
            [b'\\', byte, left @ ..] | [byte, left @ ..] if !matches!(rest, [b'\\']) => {
                value.to_mut().push(*byte);
                rest = left;
            }
            _ => return None,
        }
    }
}

/// The address of a node: `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::1]`, `[2001:db8::1]:80`; also
/// `2001:db8::1`. Everything else, such as `unknown` and `_hidden`, has none.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse().ok().filter(|_| is_whole).map(|v6| IpAddr::V6(v6).to_canonical());
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => {
            address.parse().ok().filter(|_| is_port(port)).map(IpAddr::V4)
        }
        _ => text.parse::<IpAddr>().ok().map(|address| address.to_canonical()),
    }
}

/// Up to five digits, or an obfuscated port.
fn is_port(text: &str) -> bool {
    let is_hidden = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match text.strip_prefix('_') {
        Some(name) => is_hidden(name),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit()),
    }
}
