//! The client behind an address: IPv6 is given out by the network, not by the address.

use std::borrow::Cow;

use tidegate::Network;

/// The key for an address as the log has it.
///
/// An IPv6 address is cut to its first `prefix` bits, since one client commands a whole
/// network of them; an IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address.
/// Everything else, host names too, stays as it is.
///
/// ```
/// use tidegate_cli::log::network;
///
/// assert_eq!(network(b"192.0.2.7", 64), &b"192.0.2.7"[..]);
/// assert_eq!(network(b"::ffff:192.0.2.7", 64), &b"192.0.2.7"[..]);
/// assert_eq!(network(b"2001:db8:1:2:3::4", 64), &b"2001:db8:1:2::/64"[..]);
/// assert_eq!(network(b"2001:db8:1:2:3::4", 128), &b"2001:db8:1:2:3::4"[..]);
/// ```
#[must_use]
pub fn network(address: &[u8], prefix: u8) -> Cow<'_, [u8]> {
    // Most addresses are IPv4 and leave here.
    if !address.contains(&b':') {
        return Cow::Borrowed(address);
    }
    let parsed = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok());
    parsed.map_or(Cow::Borrowed(address), |address| {
        Cow::Owned(Network::of_client(address, prefix).to_string().into_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ipv6_address_stays() {
        for other in ["localhost", "192.0.2.7", "example.org:80", "::g", "", ":"] {
            assert_eq!(network(other.as_bytes(), 64), other.as_bytes());
        }
        assert_eq!(network(b"\xff:\xfe", 64), &b"\xff:\xfe"[..]);
    }

    #[test]
    fn neighbours_in_a_network_are_one_client() {
        let one = network(b"2001:db8::1", 64);
        assert_eq!(one, network(b"2001:0db8:0:0:ffff:ffff:ffff:ffff", 64));
        assert_ne!(one, network(b"2001:db8:0:1::1", 64));
        assert_eq!(network(b"2001:db8::1", 0), &b"::/0"[..]);
        assert_eq!(network(b"2001:db8:aaaa::1", 48), &b"2001:db8:aaaa::/48"[..]);
    }
}
