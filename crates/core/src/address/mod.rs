//! Whose request it is: the client's address behind proxies, and its API key. On text and
//! addresses alone; nothing here knows a limiter.

mod credentials;
mod forwarded;
mod network;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub use credentials::api_key;
pub use network::Network;

use crate::error::{Error, Result};

/// The bits of an IPv6 address that stand for one client unless told otherwise: a provider gives
/// each customer a network of this size, or a larger one.
const DEFAULT_IPV6_PREFIX: u8 = 64;

/// The header in which the trusted proxies write whom they answer.
///
/// Only the chosen one is read. A proxy that writes one of them passes the other on as the client
/// sent it, so whoever reads both lets clients choose their address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: 192.0.2.7, 10.0.0.1`: what nearly all proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.7, for="[2001:db8::1]:80"`: RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// The name of the header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }
}

impl FromStr for ForwardedHeader {
    type Err = Error;

    /// Reads the name of the header, in any case.
    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::XForwardedFor, Self::Forwarded];
        known.into_iter().find(|header| header.name().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
            Error::Options(format!(
                "forwarded header: `{text}` is unknown: expected `X-Forwarded-For` or `Forwarded`"
            ))
        })
    }
}

/// The proxies that are believed about whom they answer, and what is made of an address.
///
/// ```
/// use tidegate::Proxies;
///
/// # fn main() -> tidegate::Result<()> {
/// let proxies: Proxies = "10.0.0.0/8, 2001:db8:ffff::1".parse()?;
/// let proxy = [10, 0, 0, 1].into();
/// let lines = ["203.0.113.9, 198.51.100.7", "10.1.2.3"];
/// // 10.1.2.3 is a proxy too; 198.51.100.7 is not, and may have made up what stands before it.
/// assert_eq!(proxies.client(proxy, &lines).to_string(), "198.51.100.7");
/// assert_eq!(proxies.key(proxy, &["2001:db8:1:2:3::4"]).to_string(), "2001:db8:1:2::/64");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    networks: Vec<Network>,
    header: ForwardedHeader,
    ipv6_prefix: u8,
}

impl Proxies {
    /// Trusts nobody: the client is the peer, whatever the headers say.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            networks: Vec::new(),
            header: ForwardedHeader::XForwardedFor,
            ipv6_prefix: DEFAULT_IPV6_PREFIX,
        }
    }

    /// The same proxies, which write another header.
    #[must_use]
    pub fn with_header(self, header: ForwardedHeader) -> Self {
        Self { header, ..self }
    }

    /// The same proxies, with the first `bits` of an IPv6 address as one client; 64 by default.
    ///
    /// # Errors
    /// More than 128 bits.
    pub fn with_ipv6_prefix(self, bits: u8) -> Result<Self> {
        if bits > 128 {
            return Err(Error::Options(format!("an IPv6 prefix has 0 to 128 bits, not {bits}")));
        }
        Ok(Self { ipv6_prefix: bits, ..self })
    }

    /// The header that is read.
    #[must_use]
    pub fn header(&self) -> ForwardedHeader {
        self.header
    }

    /// Whether `address` is one of the proxies. An IPv4 address written as IPv6 is IPv4.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// The client's address: `peer`, which is the other end of the connection, unless that is a
    /// trusted proxy; then the first address that is none, from the right of the last line.
    ///
    /// `lines` are the values of all lines of [`header`](Self::header), in their order. Ports are
    /// dropped. What stands left of the answer is never looked at, since anybody can have written
    /// it. The peer is also the answer when something on the way is no address (`unknown`, an
    /// obfuscated identifier, a fault); the leftmost address is when all of them are trusted.
    #[must_use]
    pub fn client<L: AsRef<[u8]>>(&self, peer: IpAddr, lines: &[L]) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let mut farthest = peer;
        for hop in lines.iter().rev().flat_map(|line| forwarded::hops(self.header, line.as_ref())) {
            match hop {
                None => return peer,
                Some(address) if self.trusts(address) => farthest = address,
                Some(client) => return client,
            }
        }
        farthest
    }

    /// The key to count the client by: its IPv4 address, or the network of its IPv6 address. As
    /// text (`to_string`) it is `192.0.2.7` or `2001:db8:1:2::/64`.
    #[must_use]
    pub fn key<L: AsRef<[u8]>>(&self, peer: IpAddr, lines: &[L]) -> Network {
        Network::of_client(self.client(peer, lines), self.ipv6_prefix)
    }
}

impl Default for Proxies {
    fn default() -> Self {
        Self::none()
    }
}

impl FromStr for Proxies {
    type Err = Error;

    /// Reads addresses and networks with `,` or blanks between them. The empty text trusts nobody.
    fn from_str(text: &str) -> Result<Self> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let read = |(i, entry): (usize, &str)| {
            let wrong = |reason| Error::Options(format!("trusted proxies, entry {}: {reason}", i + 1));
            Network::read(entry).map_err(wrong)
        };
        let networks = entries.enumerate().map(read).collect::<Result<_>>()?;
        Ok(Self { networks, ..Self::none() })
    }
}

impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, network) in self.networks.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            network.fmt(f)?;
        }
        Ok(())
    }
}
