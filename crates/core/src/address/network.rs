//! A network: the first bits of an address. Trusted proxies are some, clients are one each.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::{Error, Result};

/// All addresses that begin with the same bits: `10.0.0.0/8`, or one address, `192.0.2.7`.
///
/// IPv4 and IPv6 are apart: `::/0` is every IPv6 address, and `::ffff:0:0/96`, by its bits, is
/// `0.0.0.0/0`.
///
/// ```
/// use tidegate::Network;
///
/// # fn main() -> tidegate::Result<()> {
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!("10.0.0.1/8".parse::<Network>().is_err()); // is 10.0.0.0/8 meant, or 10.0.0.1?
///
/// let client = Network::of_client("2001:db8:1:2:3::4".parse().unwrap(), 64);
/// assert_eq!(client.to_string(), "2001:db8:1:2::/64");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    /// Canonical, and zero beyond the prefix.
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network that stands for the client at `address`: an IPv4 address itself, the first
    /// `ipv6_prefix` bits of an IPv6 address (all of them from 128 on).
    #[must_use]
    pub fn of_client(address: IpAddr, ipv6_prefix: u8) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { ipv6_prefix.min(128) };
        Self { base: masked(address, prefix), prefix }
    }

    /// Whether `address` is in it. An IPv4 address written as IPv6 is IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        // An address of the other family stays one under the mask.
        masked(address.to_canonical(), self.prefix) == self.base
    }

    /// Reads it, or says what is wrong.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let Ok(written) = address.parse::<IpAddr>() else {
            return Err(format!("`{text}` is neither an address nor a network such as 10.0.0.0/8"));
        };
        let prefix = match prefix {
            Some(prefix) => read_prefix(text, prefix, bits(written))?,
            None => bits(written),
        };
        if masked(written, prefix) != written {
            let meant = Self { base: masked(written, prefix), prefix };
            return Err(format!("`{text}` has bits set beyond its prefix: write {meant}, or {written}"));
        }
        Ok(Self::canonical(written, prefix))
    }

    /// IPv4 that was written as IPv6 has 96 bits more in its prefix. A shorter prefix has no bits
    /// beyond it set, so that its base is no such address.
    fn canonical(written: IpAddr, prefix: u8) -> Self {
        let base = written.to_canonical();
        let longer = bits(written) - bits(base);
        Self { base, prefix: prefix.saturating_sub(longer) }
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// `address` with the bits beyond `prefix` cleared.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
            Ipv4Addr::from(u32::from(v4) & !host).into()
        }
        IpAddr::V6(v6) => {
            let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
            Ipv6Addr::from(u128::from(v6) & !host).into()
        }
    }
}

fn read_prefix(text: &str, prefix: &str, most: u8) -> Result<u8, String> {
    let well_formed = prefix.len() <= 3 && prefix.bytes().all(|digit| digit.is_ascii_digit());
    let read = prefix.parse().ok().filter(|&bits: &u8| well_formed && bits <= most);
    read.ok_or_else(|| {
        format!("`{text}` has the prefix `{prefix}`: expected a number of bits from 0 to {most}")
    })
}

impl FromStr for Network {
    type Err = Error;

    /// Reads an address, or an address with a prefix that covers all its bits but zeros.
    fn from_str(text: &str) -> Result<Self> {
        Self::read(text.trim()).map_err(|reason| Error::Options(format!("network: {reason}")))
    }
}

impl fmt::Display for Network {
    /// The address alone when all its bits count.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.base) {
            self.base.fmt(f)
        } else {
            write!(f, "{}/{}", self.base, self.prefix)
        }
    }
}
