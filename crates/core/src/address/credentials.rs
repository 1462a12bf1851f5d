//! The API key of a request, from its headers.

use super::Network;

/// Servers bound a line of a header at about this; what is longer is no credential.
const LONGEST: usize = 8 * 1024;

/// The API key that a request shows: the token of `Authorization: Bearer <token>` (the scheme in
/// any case), else the value of `X-API-Key`. Give it the values of these headers, where present.
///
/// A key is 1 to 8192 visible ASCII characters. Text that reads as an address or a network is
/// none: it would be counted together with the client whose [`Network`] it names. The key is not
/// verified; a limiter that counts by it should stand behind what does, or beside a limit by
/// address.
///
/// ```
/// use tidegate::api_key;
///
/// assert_eq!(api_key(Some(b"bearer s3cret"), None), Some(&b"s3cret"[..]));
/// assert_eq!(api_key(Some(b"Basic dTpw"), Some(b"k-1")), Some(&b"k-1"[..]));
/// assert_eq!(api_key(None, Some(b"192.0.2.7")), None);
/// ```
#[must_use]
pub fn api_key<'a>(authorization: Option<&'a [u8]>, x_api_key: Option<&'a [u8]>) -> Option<&'a [u8]> {
    let bearer = authorization.and_then(bearer);
    bearer.and_then(credential).or_else(|| x_api_key.and_then(credential))
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let space = value.iter().position(|&byte| byte == b' ')?;
    let (scheme, token) = value.split_at_checked(space)?;
    scheme.eq_ignore_ascii_case(b"bearer").then_some(token)
}

fn credential(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let is_key = (1..=LONGEST).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    (is_key && !is_network(value)).then_some(value)
}

fn is_network(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| Network::read(text).is_ok())
}
