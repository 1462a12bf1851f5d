//! The engine's reading of proxies' headers against the model's, on text that strangers may send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use tidegate::{ForwardedHeader, Proxies};
use tidegate_reference::address::{self, Address, Header, Network};

const TRUSTED: &str = "10.0.0.0/8 fd00::/8";

/// Lines made of what matters to the readers.
fn line() -> impl Strategy<Value = String> {
    let parts = [
        "for=",
        "For=",
        "by=",
        "x",
        "\"",
        "\\",
        ",",
        ";",
        " ",
        "\t",
        ":",
        "[",
        "]",
        "=",
        "_",
        "10.0.0.2",
        "198.51.100.7",
        "for=10.0.0.3",
        "for=\"[fd00::1]:80\"",
        "::",
        "fd00::2",
        "::ffff:10.0.0.4",
        "2001:db8::1",
        "80",
        "unknown",
        ".",
        "0",
        "é",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 0..9).prop_map(|parts| parts.concat())
}

fn compare(lines: &[String], header: ForwardedHeader, model: Header) -> Result<(), TestCaseError> {
    let networks: Vec<Network> = TRUSTED.split(' ').filter_map(Network::read).collect();
    let wanted = address::client(&networks, model, &Address::read("10.0.0.1").unwrap(), lines).text();
    let proxies = TRUSTED.parse::<Proxies>().unwrap().with_header(header);
    prop_assert_eq!(proxies.client("10.0.0.1".parse().unwrap(), lines).to_string(), wanted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn clients_are_the_models(lines in prop::collection::vec(line(), 1..3)) {
        compare(&lines, ForwardedHeader::XForwardedFor, Header::XForwardedFor)?;
        compare(&lines, ForwardedHeader::Forwarded, Header::Forwarded)?;
    }

    #[test]
    fn api_keys_are_the_models(authorization in "[Bb]e?arer ?[ -~]{0,4}|[0-9.:/a]{0,9}", key in "[ -~é]{0,6}|[0-9.:/]{1,9}|Bearer [0-9]\\.0\\.0\\.0") {
        let found = tidegate::api_key(Some(authorization.as_bytes()), Some(key.as_bytes()));
        let found = found.map(|key| String::from_utf8_lossy(key).into_owned());
        prop_assert_eq!(found, address::api_key(Some(&authorization), Some(&key)));
    }

    #[test]
    fn networks_are_the_models(bits in any::<u128>(), shift in 0u32..128, prefix in 0u8..=128) {
        // Runs of zeros at the front and in the midst, and IPv4 written as IPv6.
        for bits in [bits, bits >> shift, bits & (bits << shift), bits & 0xFFFF_FFFF | 0xFFFF << 32] {
            let text = std::net::Ipv6Addr::from(bits).to_string();
            let model = Address::read(&text).unwrap();
            let found = tidegate::Network::of_client(text.parse().unwrap(), prefix);
            prop_assert_eq!(found.to_string(), address::key(&model, usize::from(prefix)));
        }
    }
}
