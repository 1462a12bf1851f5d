#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn proxies(text: &str) -> Proxies {
    text.parse().unwrap()
}

fn client(header: ForwardedHeader, lines: &[&str]) -> String {
    let proxies = proxies("10.0.0.0/8, fd00::/8").with_header(header);
    proxies.client(address("10.0.0.1"), lines).to_string()
}

#[test]
fn faults_in_the_list_are_named() {
    for (text, said) in [
        (
            "10.0.0.0/8, 10.0.0.0/33",
            "trusted proxies, entry 2: `10.0.0.0/33` has the prefix `33`: expected a number of bits from 0 to 32",
        ),
        (
            "::/+8",
            "trusted proxies, entry 1: `::/+8` has the prefix `+8`: expected a number of bits from 0 to 128",
        ),
        (
            "::1 10.0.0.1/8",
            "trusted proxies, entry 2: `10.0.0.1/8` has bits set beyond its prefix: write 10.0.0.0/8, or 10.0.0.1",
        ),
        (
            "proxy.example",
            "trusted proxies, entry 1: `proxy.example` is neither an address nor a network such as 10.0.0.0/8",
        ),
        (
            "10.0.0.0/",
            "trusted proxies, entry 1: `10.0.0.0/` has the prefix ``: expected a number of bits from 0 to 32",
        ),
    ] {
        let error = text.parse::<Proxies>().map_err(|error| (error.code(), error.to_string()));
        assert_eq!(error, Err(("options", said.to_owned())));
    }
    assert!(Proxies::none().with_ipv6_prefix(129).is_err());
    assert!("forwarded".parse::<ForwardedHeader>().is_ok());
    assert!("X-Real-IP".parse::<ForwardedHeader>().is_err());
}

#[test]
fn networks_are_bits() {
    assert_eq!(
        proxies(" 10.0.0.0/8,,\t::1\n::ffff:192.0.2.0/120 ").to_string(),
        "10.0.0.0/8, ::1, 192.0.2.0/24"
    );
    assert_eq!(proxies("::ffff:0:0/96").to_string(), "0.0.0.0/0");
    let all_v6 = proxies("::/0");
    assert!(all_v6.trusts(address("fe80::1")));
    assert!(!all_v6.trusts(address("192.0.2.7")) && !all_v6.trusts(address("::ffff:192.0.2.7")));
    assert!(proxies("0.0.0.0/0").trusts(address("::ffff:192.0.2.7")));
    assert!(!proxies("").trusts(address("::")));
}

#[test]
fn an_unclosed_quote_hides_nothing() {
    let lines = ["for=\"1.2.3.4, for=198.51.100.7, for=10.0.0.2"];
    assert_eq!(client(ForwardedHeader::Forwarded, &lines), "198.51.100.7");
    let closed = ["for=\"1.2.3.4, for=198.51.100.7, for=\"10.0.0.2\""];
    assert_eq!(client(ForwardedHeader::Forwarded, &closed), "198.51.100.7");
}

#[test]
fn credentials_are_never_addresses() {
    for text in ["192.0.2.7", "2001:db8::/64", "2001:DB8:0::/64", "::ffff:192.0.2.7", "10.0.0.0/8"] {
        assert_eq!(api_key(None, Some(text.as_bytes())), None, "{text}");
        let bearer = format!("Bearer {text}");
        assert_eq!(api_key(Some(bearer.as_bytes()), Some(b"other")), Some(&b"other"[..]), "{text}");
    }
    let long = vec![b'k'; 8193];
    assert_eq!(api_key(None, Some(&long)), None);
    assert_eq!(api_key(None, long.get(1..)), long.get(1..));
}

#[test]
fn time_grows_with_the_length_alone() {
    let hostile = [
        (ForwardedHeader::XForwardedFor, "10.0.0.1,"),
        (ForwardedHeader::XForwardedFor, ","),
        (ForwardedHeader::Forwarded, "for=10.0.0.1,"),
        (ForwardedHeader::Forwarded, "\\"),
        (ForwardedHeader::Forwarded, "\\\""),
        (ForwardedHeader::Forwarded, "\"\","),
        (ForwardedHeader::Forwarded, ";,"),
        (ForwardedHeader::Forwarded, "a=\"\\\\\";"),
    ];
    for (header, part) in hostile {
        // Read in a moment if every byte is looked at a few times; in hours, if every byte is for each.
        client(header, &[&(part.repeat(2_000_000) + "\"")]);
    }
}

proptest! {
    #[test]
    fn nothing_panics(lines in prop::collection::vec(any::<Vec<u8>>(), 0..4), text in any::<String>(), prefix in any::<u8>()) {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let _ = proxies("0.0.0.0/0, ::/0").with_header(header).client(address("::1"), &lines);
        }
        let _ = (text.parse::<Proxies>(), text.parse::<Network>(), text.parse::<ForwardedHeader>());
        let _ = api_key(lines.first().map(Vec::as_slice), lines.last().map(Vec::as_slice));
        let _ = Network::of_client(address("2001:db8::1"), prefix).to_string();
    }

    #[test]
    fn whatever_a_client_writes_it_is_itself(junk in "[ -~]{0,40}", header in 0..2) {
        let (header, hop) = if header == 0 {
            (ForwardedHeader::XForwardedFor, "198.51.100.7")
        } else {
            (ForwardedHeader::Forwarded, "for=\"198.51.100.7:80\";host=\"a, \\\" b\"")
        };
        // The proxy appends to the client's line, or adds one of its own.
        prop_assert_eq!(client(header, &[&format!("{junk}, {hop}")]), "198.51.100.7");
        prop_assert_eq!(client(header, &[&junk, hop]), "198.51.100.7");
    }

    #[test]
    fn a_network_is_read_as_it_is_written(bits in any::<u128>(), prefix in 0u8..=128) {
        let network = Network::of_client(IpAddr::V6(bits.into()), prefix);
        prop_assert_eq!(network.to_string().parse::<Network>().ok(), Some(network));
        prop_assert!(network.contains(IpAddr::V6(bits.into())));
    }
}
