//! Whose request it is, as the standards say it and no faster: an address is a list of bits, and
//! an entry of `Forwarded` is the shortest text at the right end that the grammar of RFC 7239
//! accepts.

/// An address: 32 bits, or 128 that are no IPv4 address written as IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Vec<bool>);

/// The addresses that begin with these bits, of an address that has so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    bits: Vec<bool>,
    of: usize,
}

/// Where it is said whom a proxy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

/// The client's address.
#[must_use]
pub fn client(trusted: &[Network], header: Header, peer: &Address, lines: &[String]) -> Address {
    let is_trusted = |address: &Address| trusted.iter().any(|network| network.holds(address));
    let mut path = vec![Some(peer.clone())];
    path.extend(entries(header, &lines.join(",")));
    for (i, hop) in path.iter().enumerate() {
        let Some(address) = hop else { return peer.clone() };
        if !is_trusted(address) || i + 1 == path.len() {
            return address.clone();
        }
    }
    peer.clone()
}

/// What the client is counted by.
#[must_use]
pub fn key(client: &Address, ipv6_prefix: usize) -> String {
    let Address(bits) = client;
    let len = if bits.len() == 32 { 32 } else { ipv6_prefix };
    let kept: Vec<bool> = bits.iter().enumerate().map(|(i, &bit)| bit && i < len).collect();
    let text = Address(kept).text();
    if len == bits.len() { text } else { format!("{text}/{len}") }
}

/// The API key among these values, if there is one.
#[must_use]
pub fn api_key(authorization: Option<&str>, x_api_key: Option<&str>) -> Option<String> {
    let token = authorization.and_then(|value| {
        let (scheme, token) = trimmed(value).split_once(' ')?;
        (scheme.to_lowercase() == "bearer").then_some(token)
    });
    let is_key = |text: &&str| {
        !text.is_empty()
            && text.len() <= 8192
            && text.chars().all(|c| ('!'..='~').contains(&c))
            && Network::read(text).is_none()
    };
    [token, x_api_key].into_iter().flatten().map(trimmed).find(is_key).map(str::to_owned)
}

/// Without the blanks that HTTP has around things.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The entries from right to left; `None` for what is no address.
fn entries(header: Header, list: &str) -> Vec<Option<Address>> {
    let (mut rest, mut found) = (Some(list), Vec::new());
    while let Some(list) = rest {
        let right_ends = list.match_indices(',').rev().map(|(i, _)| (Some(&list[..i]), &list[i + 1..]));
        let mut right_ends = right_ends.chain([(None, list)]);
        let end = match header {
            Header::XForwardedFor => right_ends.next(),
            Header::Forwarded => right_ends.find(|(_, right)| element(trimmed(right)).is_some()),
        };
        // Without an element there is no saying what stands further left.
        let Some((left, entry)) = end else { return found.into_iter().chain([None]).collect() };
        match header {
            _ if trimmed(entry).is_empty() => {}
            Header::XForwardedFor => found.push(node(trimmed(entry))),
            Header::Forwarded => found.push(element(trimmed(entry)).and_then(|pairs| for_node(&pairs))),
        }
        rest = left;
    }
    found
}

/// The address in the only `for` of an element.
fn for_node(pairs: &[(String, String)]) -> Option<Address> {
    let mut nodes = pairs.iter().filter(|(name, _)| name.to_lowercase() == "for");
    match (nodes.next(), nodes.next()) {
        (Some((_, value)), None) => node(value),
        _ => None,
    }
}

/// `forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )`, with blanks around each
/// pair and, in values, with `:`, `[` and `]` outside of quotes.
fn element(text: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for part in split_outside_quotes(text)? {
        let part = trimmed(&part);
        if !part.is_empty() {
            let (name, value) = part.split_once('=')?;
            let is_token = |text: &str, more: &str| {
                let is_one =
                    |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c) || more.contains(c);
                !text.is_empty() && text.chars().all(is_one)
            };
            let value = unquoted(value).or_else(|| is_token(value, ":[]").then(|| value.to_owned()))?;
            pairs.push((is_token(name, "").then(|| name.to_owned())?, value));
        }
    }
    Some(pairs)
}

/// The parts between `;`; `None` with a quote left open, or with `,` outside of quotes.
fn split_outside_quotes(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => return None,
            ';' if !quoted => parts.push(String::new()),
            _ => parts.last_mut()?.push(c),
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    (!quoted).then_some(parts)
}

/// What a quoted string says.
fn unquoted(text: &str) -> Option<String> {
    let (mut said, mut chars) = (String::new(), text.strip_prefix('"')?.chars());
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(said),
            '\\' => said.push(chars.next()?),
            c => said.push(c),
        }
    }
}

/// The address of a node, whatever its port.
fn node(text: &str) -> Option<Address> {
    let is_port = |port: &str| match port.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        }
        None => (1..=5).contains(&port.len()) && port.chars().all(|c| c.is_ascii_digit()),
    };
    let bare = |text: &str| {
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if inside.is_some() { v6(inside?) } else { v4(text) }
    };
    let with_port =
        || text.rsplit_once(':').filter(|(_, port)| is_port(port)).and_then(|(node, _)| bare(node));
    bare(text).or_else(|| v6(text)).or_else(with_port).map(canonical)
}

/// `::ffff:a.b.c.d` is `a.b.c.d`.
fn canonical(bits: Vec<bool>) -> Address {
    let mapped: Vec<bool> = (0..96).map(|i| i >= 80).collect();
    let inside = bits.strip_prefix(mapped.as_slice()).map(<[bool]>::to_vec);
    Address(inside.filter(|_| bits.len() == 128).unwrap_or(bits))
}

fn bits(number: u32, len: usize) -> Vec<bool> {
    (0..len).rev().map(|i| number >> i & 1 == 1).collect()
}

fn v4(text: &str) -> Option<Vec<bool>> {
    let parts: Vec<&str> = text.split('.').collect();
    let number = |part: &&str| {
        let number: u32 = part.parse().ok()?;
        (number < 256 && number.to_string() == **part).then(|| bits(number, 8))
    };
    let numbers = parts.iter().map(number).collect::<Option<Vec<_>>>()?;
    (numbers.len() == 4).then(|| numbers.concat())
}

fn v6(text: &str) -> Option<Vec<bool>> {
    let groups = |text: &str, may_end_in_v4: bool| -> Option<Vec<bool>> {
        if text.is_empty() {
            return Some(Vec::new());
        }
        let parts: Vec<&str> = text.split(':').collect();
        let group = |(i, part): (usize, &&str)| {
            if may_end_in_v4 && i + 1 == parts.len() && part.contains('.') {
                return v4(part);
            }
            let is_hex = (1..=4).contains(&part.len()) && part.chars().all(|c| c.is_ascii_hexdigit());
            u32::from_str_radix(part, 16).ok().filter(|_| is_hex).map(|group| bits(group, 16))
        };
        Some(parts.iter().enumerate().map(group).collect::<Option<Vec<_>>>()?.concat())
    };
    match text.split_once("::") {
        None => groups(text, true).filter(|bits| bits.len() == 128),
        Some((left, right)) => {
            let (left, right) = (groups(left, false)?, groups(right, true)?);
            // It stands for one group of zeros or more.
            let zeros = 128usize.checked_sub(left.len() + right.len()).filter(|&zeros| zeros >= 16)?;
            Some([left, vec![false; zeros], right].concat())
        }
    }
}

impl Address {
    /// Reads it, or says that it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        v4(text).or_else(|| v6(text)).map(canonical)
    }

    /// As RFC 5952 has it.
    #[must_use]
    pub fn text(&self) -> String {
        let Self(all) = self;
        let number = |bits: &[bool]| bits.iter().fold(0, |number, &bit| number * 2 + u32::from(bit));
        if all.len() == 32 {
            return all.chunks(8).map(|byte| number(byte).to_string()).collect::<Vec<_>>().join(".");
        }
        let groups: Vec<String> = all.chunks(16).map(|group| format!("{:x}", number(group))).collect();
        // The longest run of zeros, the first of several; not a single group.
        for len in (2..=8).rev() {
            for start in 0..=8 - len {
                let (left, rest) = groups.split_at(start);
                let (zeros, right) = rest.split_at(len);
                if zeros.iter().all(|group| group == "0") {
                    return format!("{}::{}", left.join(":"), right.join(":"));
                }
            }
        }
        groups.join(":")
    }
}

impl Network {
    /// Reads an address or a network; `None` if it is none, or has bits set beyond its prefix.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let all = v4(address).or_else(|| v6(address))?;
        let is_number =
            |text: &&str| (1..=3).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
        let prefix = match prefix {
            Some(prefix) => Some(prefix).filter(is_number)?.parse().ok()?,
            None => all.len(),
        };
        let (kept, beyond) = all.split_at_checked(prefix)?;
        if beyond.contains(&true) {
            return None;
        }
        let of = canonical(all.clone()).0.len();
        Some(Self { bits: kept.iter().skip(all.len() - of).copied().collect(), of })
    }

    fn holds(&self, address: &Address) -> bool {
        address.0.len() == self.of && address.0.starts_with(&self.bits)
    }
}
