//! The parsers against bytes that nobody meant: they answer, they never panic.
//!
//! Seeded, so that a failure comes back. The fuzz targets go on from here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use oorandom::Rand32;
use tidegate_cli::log::{Format, Selector, network, parse_line};

const FORMATS: [Format; 4] = [Format::Auto, Format::Combined, Format::Common, Format::Json];

/// Lines to start from.
const SEEDS: [&[u8]; 6] = [
    br#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /\"x\" HTTP/1.1" 200 12 "http://a/" "curl/8 (x)""#,
    br#"::1 - ann [17/May/2015:10:05:03 -0730] "POST /" 404 - "-" "-" "extra" [more]"#,
    br#"{"ts":1431857103.25,"request":{"remote_ip":"192.0.2.7","headers":{"User-Agent":["a","b"]}},"n":[1]}"#,
    br#"{"@timestamp":"2015-05-17T10:05:03.5+02:00","ip":"2001:db8::1","user_agent":"\ud83d\ude00 \u0000"}"#,
    br#"{"time":"1431857103123","remoteAddr":null,"client":{"a":{"b":[]}},"t":1e400}"#,
    b"\xff\xfe\x00[\"\\",
];

/// Bytes that mean something to a parser.
const SPICE: &[u8] = b"\"[]{}\\:/+-., \t\0\xff\xc3'0129eE%";

fn selectors() -> Vec<Selector> {
    [
        "ip",
        "header:user-agent",
        "header:a.b.c",
        "header:..",
        "field:1",
        "field:9",
        "field:18446744073709551615",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec()
}

/// Reads a line in every way.
fn read(line: &[u8], selectors: &[Selector]) {
    for format in FORMATS {
        match parse_line(line, format) {
            Ok(record) => {
                for selector in selectors {
                    if let Ok(Some(value)) = record.get(selector) {
                        let _ = network(&value, 64);
                    }
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Changes, doubles, drops or cuts some bytes.
fn mutate(line: &mut Vec<u8>, random: &mut Rand32) {
    for _ in 0..random.rand_range(1..6) {
        let at = random.rand_range(0..line.len() as u32 + 1) as usize;
        match random.rand_range(0..5) {
            0 => line.insert(at, SPICE[random.rand_range(0..SPICE.len() as u32) as usize]),
            1 => line.insert(at, random.rand_range(0..256) as u8),
            2 if at < line.len() => drop(line.remove(at)),
            3 => line.truncate(at),
            _ => line.extend_from_within(at..),
        }
        line.truncate(4096);
    }
}

#[test]
fn no_bytes_make_a_parser_panic() {
    let selectors = selectors();
    let mut random = Rand32::new(2015);
    for seed in SEEDS {
        read(seed, &selectors);
        for end in 0..seed.len() {
            read(&seed[..end], &selectors);
        }
        for _ in 0..4_000 {
            let mut line = seed.to_vec();
            mutate(&mut line, &mut random);
            read(&line, &selectors);
        }
    }
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = [br#"{"time":5,"ip":"#.to_vec(), vec![b'['; 200_000]].concat();
    read(&deep, &selectors());
    let closed = format!(r#"{{"time":5,"ip":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    read(closed.as_bytes(), &selectors());
    let objects = format!(r#"{{"time":5,"a":{}1{}}}"#, r#"{"b":"#.repeat(50_000), "}".repeat(50_000));
    read(objects.as_bytes(), &selectors());
    let path = format!("header:a{}", ".b".repeat(60_000)).parse().unwrap();
    read(objects.as_bytes(), &[path]);
}
