//! Whose request it is: the client behind proxies, and its API key.

use std::ffi::{c_char, c_void};
use std::net::IpAddr;
use std::ptr;

use tidegate::{ForwardedHeader, Proxies, api_key};

use crate::boundary::{Failure, Outcome, guard};
use crate::input::{self, place, shared};
use crate::output::Buffer;
use crate::tg_status::{self, TG_OPTIONS};

/// The proxies write X-Forwarded-For: what nearly all do.
pub const TG_X_FORWARDED_FOR: u32 = 0;
/// The proxies write Forwarded (RFC 7239).
pub const TG_FORWARDED: u32 = 1;

/// Room for the text of any client's key or address, its NUL included.
pub const TG_CLIENT_KEY_BYTES: usize = 44;

/// The proxies that are believed about whom they answer. Usable from any number of threads at once.
pub struct tg_proxies(Proxies);

/// Reads the trusted proxies: addresses and networks such as "10.0.0.0/8, ::1", with commas or blanks
/// between them. The empty text trusts nobody; then the client is always the peer.
///
/// `header` is TG_X_FORWARDED_FOR or TG_FORWARDED: only that one is read, since a proxy passes the
/// other on as the client sent it. The first `ipv6_prefix` bits of an IPv6 address (64 is usual) stand
/// for one client. Errors: TG_OPTIONS.
///
/// # Safety
/// `trusted` has `trusted_len` bytes; `proxies` is valid for writing. It is set to NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_proxies_new(
    trusted: *const c_char,
    trusted_len: usize,
    header: u32,
    ipv6_prefix: u32,
    proxies: *mut *mut tg_proxies,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let proxies = unsafe { place(proxies, "proxies") }?.write(ptr::null_mut());
        // SAFETY: as the caller promises.
        let trusted: Proxies = unsafe { input::text(trusted, trusted_len, "trusted") }?.parse()?;
        let prefix = u8::try_from(ipv6_prefix).unwrap_or(u8::MAX);
        let made = trusted.with_header(header_of(header)?).with_ipv6_prefix(prefix)?;
        *proxies = Box::into_raw(Box::new(tg_proxies(made)));
        Ok(())
    })
}

fn header_of(number: u32) -> Outcome<ForwardedHeader> {
    match number {
        TG_X_FORWARDED_FOR => Ok(ForwardedHeader::XForwardedFor),
        TG_FORWARDED => Ok(ForwardedHeader::Forwarded),
        other => Err(Failure::new(TG_OPTIONS, format!("there is no forwarded header of number {other}"))),
    }
}

/// Gives the proxies back. NULL is nothing to do.
///
/// # Safety
/// `proxies` came from `tg_proxies_new`, and no thread uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_proxies_free(proxies: *mut tg_proxies) {
    guard(|| {
        if !proxies.is_null() {
            // SAFETY: as the caller promises.
            drop(unsafe { Box::from_raw(proxies) });
        }
        Ok(())
    });
}

/// The text to count a request's client by: "192.0.2.7", or "2001:db8:1:2::/64".
///
/// `peer` is the address of the other end of the connection, 4 bytes of IPv4 or 16 of IPv6, as sockets
/// have it. `forwarded` is the value of the chosen header, several lines joined with a comma in their
/// order; it may be NULL. The client is the peer, unless that is a trusted proxy; then the first
/// address from the right that is none. Where something on the way is no address, it is the peer.
///
/// The buffer is filled as by `tg_limiter_policy`; TG_CLIENT_KEY_BYTES are always enough.
///
/// # Safety
/// `proxies` is valid; `peer` has `peer_len` bytes, `forwarded` has `forwarded_len`; `buf` is valid for
/// writing `cap` bytes, `len` for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_client_key(
    proxies: *const tg_proxies,
    peer: *const c_void,
    peer_len: usize,
    forwarded: *const c_char,
    forwarded_len: usize,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let proxies = &unsafe { shared(proxies, "proxies") }?.0;
        // SAFETY: as the caller promises.
        let (peer, line) = unsafe { (address(peer, peer_len)?, line(forwarded, forwarded_len)?) };
        // SAFETY: as the caller promises.
        unsafe { Buffer { start: buf, cap, len }.fill(&proxies.key(peer, &[line]).to_string()) }
    })
}

/// The address of a request's client as text, all of it: as `tg_client_key`, for logs.
///
/// # Safety
/// As for `tg_client_key`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_client_address(
    proxies: *const tg_proxies,
    peer: *const c_void,
    peer_len: usize,
    forwarded: *const c_char,
    forwarded_len: usize,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let proxies = &unsafe { shared(proxies, "proxies") }?.0;
        // SAFETY: as the caller promises.
        let (peer, line) = unsafe { (address(peer, peer_len)?, line(forwarded, forwarded_len)?) };
        // SAFETY: as the caller promises.
        unsafe { Buffer { start: buf, cap, len }.fill(&proxies.client(peer, &[line]).to_string()) }
    })
}

/// # Safety
/// The pointer has `len` bytes.
unsafe fn line<'a>(forwarded: *const c_char, len: usize) -> Outcome<&'a [u8]> {
    // SAFETY: as the caller promises.
    unsafe { input::several(forwarded.cast(), len, "forwarded") }
}

/// # Safety
/// The pointer has `len` bytes.
unsafe fn address(peer: *const c_void, len: usize) -> Outcome<IpAddr> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { input::several::<u8>(peer.cast(), len, "peer") }?;
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .map_err(|_| Failure::new(TG_OPTIONS, format!("an address has 4 bytes or 16, not {len}")))
}

/// The API key that a request shows: the token of "Authorization: Bearer TOKEN", else the value of
/// X-API-Key. Give it the values of these headers; NULL where one is absent.
///
/// `key` then points into the value that it was found in; it is NULL if there is none. A key is 1 to
/// 8192 visible ASCII characters, and never reads as an address, so that no client can be counted as
/// another's address. It is not verified.
///
/// # Safety
/// `authorization` and `x_api_key` have their lengths; `key` and `key_len` are valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tg_api_key(
    authorization: *const c_char,
    authorization_len: usize,
    x_api_key: *const c_char,
    x_api_key_len: usize,
    key: *mut *const c_char,
    key_len: *mut usize,
) -> tg_status {
    guard(|| {
        // SAFETY: as the caller promises.
        let key = unsafe { place(key, "key") }?.write(ptr::null());
        // SAFETY: as the caller promises.
        let key_len = unsafe { place(key_len, "key_len") }?.write(0);
        // SAFETY: as the caller promises.
        let authorization =
            unsafe { input::several(authorization.cast(), authorization_len, "authorization") }?;
        // SAFETY: as the caller promises.
        let x_api_key = unsafe { input::several(x_api_key.cast(), x_api_key_len, "x_api_key") }?;
        // An absent header shows no key, and neither does an empty one.
        if let Some(found) = api_key(Some(authorization), Some(x_api_key)) {
            (*key, *key_len) = (found.as_ptr().cast(), found.len());
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_fits() {
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127";
        assert_eq!(
            longest.parse::<tidegate::Network>().map(|network| network.to_string()).ok(),
            Some(longest.into())
        );
        assert_eq!(longest.len() + 1, TG_CLIENT_KEY_BYTES);
    }
}
