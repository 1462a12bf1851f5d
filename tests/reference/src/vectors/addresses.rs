//! Clients behind proxies, and API keys.

use super::format::{Addresses, ApiKey, Client};
use crate::address::{self, Address, Header, Network};

pub(super) fn file() -> Addresses {
    Addresses {
        clients: clients(),
        invalid_trusted: invalid_trusted(),
        api_keys: api_keys()
            .into_iter()
            .map(|(authorization, x_api_key)| api_key(authorization, x_api_key))
            .collect(),
    }
}

const NOBODY: &str = "";
const OURS: &str = "10.0.0.0/8, 2001:db8:ffff::/48 127.0.0.1";

/// Name, trusted proxies, peer, lines.
type Request = (&'static str, &'static str, &'static str, &'static [&'static str]);

fn x_forwarded_for() -> Vec<Request> {
    vec![
        ("without proxies it is the peer", NOBODY, "198.51.100.7", &[]),
        ("who is not trusted is not believed", OURS, "198.51.100.7", &["203.0.113.9"]),
        ("nobody is trusted unless named", NOBODY, "10.0.0.1", &["203.0.113.9"]),
        ("a proxy without a header is a client", OURS, "10.0.0.1", &[]),
        ("one proxy", OURS, "10.0.0.1", &["203.0.113.9"]),
        ("the client may have written what stands left", OURS, "10.0.0.1", &["192.0.2.1, 203.0.113.9"]),
        ("two proxies", OURS, "10.0.0.1", &["203.0.113.9, 10.9.9.9"]),
        ("proxies of both families", OURS, "127.0.0.1", &["203.0.113.9, 2001:db8:ffff::1,10.0.0.2"]),
        ("lines are one list", OURS, "10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.3", "10.0.0.2"]),
        ("all are trusted: the farthest", OURS, "10.0.0.1", &["10.0.0.3, 10.0.0.2"]),
        ("empty entries are none", OURS, "10.0.0.1", &[" , 203.0.113.9,\t, ", ""]),
        ("only empty entries", OURS, "10.0.0.1", &["", " , "]),
        ("ports are dropped", OURS, "10.0.0.1", &["203.0.113.9:52011, 10.0.0.2:80"]),
        ("IPv6 in brackets, with a port", OURS, "10.0.0.1", &["[2001:db8:1:2:3::4]:443"]),
        ("IPv6 in brackets", OURS, "10.0.0.1", &["[2001:db8:1:2:3::4]"]),
        ("without brackets the last group is no port", OURS, "10.0.0.1", &["2001:db8:1:2:3::443"]),
        ("IPv4 as IPv6 is IPv4", OURS, "::ffff:10.0.0.1", &["::ffff:203.0.113.9"]),
        ("IPv4 as IPv6 in hexadecimal is IPv4", OURS, "::ffff:a00:1", &["[0:0:0:0:0:FFFF:CB00:7109]:1"]),
        ("IPv4 proxies named as IPv6", "::ffff:10.0.0.0/104", "10.0.0.1", &["203.0.113.9"]),
        ("::/0 is no IPv4", "::/0", "10.0.0.1", &["203.0.113.9"]),
        ("a network by bits", "198.51.100.128/25", "198.51.100.129", &["203.0.113.9, 198.51.100.127"]),
        ("everything is trusted", "0.0.0.0/0, ::/0", "10.0.0.1", &["203.0.113.9, 2001:db8::1"]),
        ("no address: the peer", OURS, "10.0.0.1", &["203.0.113.9, unknown"]),
        ("no address between proxies: the peer", OURS, "10.0.0.1", &["203.0.113.9, _hidden, 10.0.0.2"]),
        (
            "faults left of the answer are not looked at",
            OURS,
            "10.0.0.1",
            &["<script>, 256.1.1.1, 203.0.113.9"],
        ),
        ("too large a number", OURS, "10.0.0.1", &["203.0.113.256"]),
        ("leading zeros", OURS, "10.0.0.1", &["203.0.113.09"]),
        ("too few numbers", OURS, "10.0.0.1", &["203.0.113"]),
        ("a port with letters", OURS, "10.0.0.1", &["203.0.113.9:http"]),
        ("a port without a number", OURS, "10.0.0.1", &["203.0.113.9:"]),
        ("six digits are no port", OURS, "10.0.0.1", &["203.0.113.9:123456"]),
        ("an open bracket", OURS, "10.0.0.1", &["[2001:db8::1"]),
        ("IPv4 in brackets", OURS, "10.0.0.1", &["[203.0.113.9]"]),
        ("a zone", OURS, "10.0.0.1", &["fe80::1%eth0"]),
        ("two gaps", OURS, "10.0.0.1", &["2001::db8::1"]),
        ("nine groups", OURS, "10.0.0.1", &["1:2:3:4:5:6:7:8:9"]),
        ("a gap of nothing", OURS, "10.0.0.1", &["1:2:3:4::5:6:7:8"]),
        ("quotes are for the other header", OURS, "10.0.0.1", &["\"203.0.113.9\""]),
        ("blanks instead of commas", OURS, "10.0.0.1", &["203.0.113.9 10.0.0.2"]),
        ("not ASCII", OURS, "10.0.0.1", &["203.0.113.９"]),
    ]
}

fn forwarded() -> Vec<Request> {
    vec![
        ("one proxy", OURS, "10.0.0.1", &["for=203.0.113.9"]),
        (
            "all parameters, in any case and order",
            OURS,
            "10.0.0.1",
            &["proto=https;By=10.0.0.1;FOR=203.0.113.9;host=\"a.example\""],
        ),
        ("two proxies", OURS, "10.0.0.1", &["for=192.0.2.1, for=203.0.113.9 , for=\"10.0.0.2:80\""]),
        (
            "lines are one list",
            OURS,
            "10.0.0.1",
            &["for=192.0.2.1", "for=203.0.113.9,for=10.0.0.3", "for=10.0.0.2"],
        ),
        ("IPv6 in quotes and brackets", OURS, "10.0.0.1", &["for=\"[2001:db8:1:2:3::4]:4711\""]),
        (
            "without the quotes that the standard wants",
            OURS,
            "10.0.0.1",
            &["for=203.0.113.9:4711, for=[2001:db8:ffff::1]:80"],
        ),
        ("an obfuscated port", OURS, "10.0.0.1", &["for=\"203.0.113.9:_a.B-9\""]),
        ("escapes", OURS, "10.0.0.1", &["host=\"a\\\"b\\\\\";for=\"\\203.0.113.\\9\""]),
        (
            "commas and semicolons in quotes",
            OURS,
            "10.0.0.1",
            &["for=192.0.2.1, host=\"a, for=192.0.2.2; b\";for=203.0.113.9"],
        ),
        ("empty elements and pairs", OURS, "10.0.0.1", &[", for=203.0.113.9 ; ;, ", ""]),
        ("blanks around pairs", OURS, "10.0.0.1", &["proto=http\t; for=203.0.113.9 "]),
        ("unknown: the peer", OURS, "10.0.0.1", &["for=203.0.113.9, for=unknown"]),
        ("an obfuscated identifier: the peer", OURS, "10.0.0.1", &["for=203.0.113.9, for=\"_gazonk\""]),
        ("no for: the peer", OURS, "10.0.0.1", &["for=203.0.113.9, proto=https"]),
        ("two of them: the peer", OURS, "10.0.0.1", &["for=203.0.113.9;for=203.0.113.8"]),
        ("a blank before the value", OURS, "10.0.0.1", &["for= 203.0.113.9"]),
        ("a pair without a value", OURS, "10.0.0.1", &["for=203.0.113.9;secure"]),
        ("an empty value", OURS, "10.0.0.1", &["for=203.0.113.9;host="]),
        ("something after a quoted value", OURS, "10.0.0.1", &["for=\"203.0.113.9\"x"]),
        ("the other header's list", OURS, "10.0.0.1", &["203.0.113.9"]),
        (
            "a quote that the client never closed hides nothing",
            OURS,
            "10.0.0.1",
            &["for=\"192.0.2.1, for=203.0.113.9"],
        ),
        ("nor in a line of its own", OURS, "10.0.0.1", &["for=\"192.0.2.1", "for=203.0.113.9"]),
        ("nor before a proxy that quotes", OURS, "10.0.0.1", &["x=\"\\, for=203.0.113.9, for=\"10.0.0.2\""]),
        ("a proxy's open quote: the peer", OURS, "10.0.0.1", &["for=203.0.113.9, for=10.0.0.2\""]),
        ("a lone backslash: the peer", OURS, "10.0.0.1", &["for=203.0.113.9\\"]),
        ("who is not trusted is not believed", OURS, "198.51.100.7", &["for=203.0.113.9"]),
    ]
}

/// Keys of addresses by other prefixes than 64.
fn prefixes() -> Vec<Client> {
    let addresses =
        ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "203.0.113.9", "::ffff:203.0.113.9", "1:0:0:2::3", "::"];
    let of = |peer| {
        [0, 1, 47, 48, 64, 127, 128].map(|prefix| {
            let name = "a network of some bits";
            client((name, NOBODY, peer, &[]), Header::XForwardedFor, prefix)
        })
    };
    addresses.into_iter().flat_map(of).collect()
}

fn clients() -> Vec<Client> {
    let by = |header| move |request| client(request, header, 64);
    let x_forwarded_for = x_forwarded_for().into_iter().map(by(Header::XForwardedFor));
    let forwarded = forwarded().into_iter().map(by(Header::Forwarded));
    x_forwarded_for.chain(forwarded).chain(prefixes()).collect()
}

fn client((name, trusted, peer, lines): Request, header: Header, ipv6_prefix: u8) -> Client {
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    let networks = trusted.split([',', ' ']).filter_map(Network::read).collect::<Vec<_>>();
    let found = Address::read(peer).map(|peer| address::client(&networks, header, &peer, &lines));
    let text = found.as_ref().map(Address::text);
    let key = found.as_ref().map(|found| address::key(found, usize::from(ipv6_prefix)));
    let header = match header {
        Header::XForwardedFor => "X-Forwarded-For",
        Header::Forwarded => "Forwarded",
    };
    Client {
        name: name.to_owned(),
        trusted: trusted.to_owned(),
        header: header.to_owned(),
        ipv6_prefix,
        peer: peer.to_owned(),
        lines,
        client: text.unwrap_or_default(),
        key: key.unwrap_or_default(),
    }
}

fn invalid_trusted() -> Vec<String> {
    let texts = [
        "proxy.example",
        "10.0.0.0/8, 10.0.0.1/8",
        "10.0.0.0/33",
        "::1/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0",
        "10.0.0.0/255.0.0.0",
        "[::1]",
        "10.0.0.1:80",
        "fe80::1%eth0",
        "::ffff:10.0.0.0/90",
        "*",
    ];
    texts.map(str::to_owned).to_vec()
}

fn api_keys() -> Vec<(Option<&'static str>, Option<&'static str>)> {
    vec![
        (None, None),
        (Some("Bearer s3cret"), None),
        (Some("bEARER   s3cret "), None),
        (Some("Bearer"), None),
        (Some("Bearer "), None),
        (Some("Bearer a b"), Some("k-1")),
        (Some("Basic dTpw"), None),
        (Some("Basic dTpw"), Some("k-1")),
        (Some("Bearers s3cret"), Some("k-1")),
        (Some("Bearer first"), Some("second")),
        (None, Some(" k-1\t")),
        (None, Some("")),
        (None, Some("a key")),
        (None, Some("k\u{e9}y")),
        (None, Some("192.0.2.7")),
        (None, Some("2001:db8::/64")),
        (None, Some("192.0.2.7/33")),
        (Some("Bearer 2001:db8::1"), Some("k-1")),
        (None, Some("!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\"")),
    ]
}

fn api_key(authorization: Option<&str>, x_api_key: Option<&str>) -> ApiKey {
    ApiKey {
        authorization: authorization.map(str::to_owned),
        x_api_key: x_api_key.map(str::to_owned),
        api_key: address::api_key(authorization, x_api_key),
    }
}
