//! The client behind an address: IPv6 is given out by the network, not by the address.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use tidegate::Network;

/// The key for an address as the log has it.
///
/// An IPv6 address is cut to its first `prefix` bits, since one client commands a whole
/// network of them; an IPv4 address written as IPv6 (`::ffff:192.0.2.7`) is the IPv4 address.
/// A port is dropped, since a client has another one with every connection.
/// Everything else, host names too, stays as it is.
///
/// ```
/// use tidegate_cli::log::network;
///
/// assert_eq!(network(b"192.0.2.7", 64), &b"192.0.2.7"[..]);
/// assert_eq!(network(b"192.0.2.7:50001", 64), &b"192.0.2.7"[..]);
/// assert_eq!(network(b"::ffff:192.0.2.7", 64), &b"192.0.2.7"[..]);
/// assert_eq!(network(b"2001:db8:1:2:3::4", 64), &b"2001:db8:1:2::/64"[..]);
/// assert_eq!(network(b"[2001:db8:1:2:3::4]:50001", 64), &b"2001:db8:1:2::/64"[..]);
/// assert_eq!(network(b"2001:db8:1:2:3::4", 128), &b"2001:db8:1:2:3::4"[..]);
/// ```
#[must_use]
pub fn network(address: &[u8], prefix: u8) -> Cow<'_, [u8]> {
    // Most addresses are IPv4 and leave here.
    if !address.contains(&b':') {
        return Cow::Borrowed(address);
    }
    parse(address).map_or(Cow::Borrowed(address), |address| {
        Cow::Owned(Network::of_client(address, prefix).to_string().into_bytes())
    })
}

/// Whether a text is an address, with or without a port.
pub(super) fn is_address(text: &[u8]) -> bool {
    parse(text).is_some()
}

/// The address in a text: alone, or with a port. IPv6 may stand in brackets.
fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    text.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ipv6_address_stays() {
        for other in ["localhost", "192.0.2.7", "example.org:80", "192.0.2.7:x", "[::1", "::g", "", ":"] {
            assert_eq!(network(other.as_bytes(), 64), other.as_bytes());
        }
        assert_eq!(network(b"\xff:\xfe", 64), &b"\xff:\xfe"[..]);
    }

    #[test]
    fn a_port_makes_no_other_client() {
        for (written, client) in [
            ("192.0.2.7:50001", "192.0.2.7"),
            ("192.0.2.7:0", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:50001", "192.0.2.7"),
            ("[2001:db8::7]:50003", "2001:db8::/64"),
            ("[2001:db8::7]", "2001:db8::/64"),
        ] {
            assert_eq!(network(written.as_bytes(), 64), client.as_bytes(), "{written}");
        }
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
