//! What a replay reads and what it makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::Write;

use common::{assert_golden, lines, output, replay, tidegate};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn the_text_report() {
    let args = ["replay", "--policy-file", "policies.toml", "--tier", "free", "--what-if", "pro"];
    let text = output(&[&args[..], &["--what-if", "big: 1/hour", "site.log"]].concat());
    assert!(!text.contains('\u{1b}'), "colours are for terminals");
    assert_golden("site.txt", &text);
}

#[test]
fn the_json_report() {
    let args =
        ["replay", "--policy", "5/minute; 2/second token-bucket", "--what-if", "50/minute", "--top", "1"];
    assert_golden("site.json", &output(&[&args[..], &["--format", "json", "site.log"]].concat()));
}

#[test]
fn the_default_policy_is_the_one_that_the_help_names() {
    let result = replay("", &[]);
    assert_eq!(result["policy"]["notation"], "100/minute; 10/second token-bucket");
}

#[test]
fn every_denial_is_counted_for_the_limit_that_made_it() {
    // Ten in one second pass the bucket, the eleventh does not; later the minute is used up.
    let mut requests = vec![("a", 0); 11];
    requests.extend((1..=11).flat_map(|s| [("a", s); 10]));
    let result = replay(lines(&requests), &[]);
    assert_eq!(result["requests"], 121);
    assert_eq!((&result["allowed"], &result["denied"]), (&json!(100), &json!(21)));
    assert_eq!(result["denied_by"], json!({"minute": 20, "second": 1}));
    assert_eq!(result["keys"], 1);
    assert_eq!(result["top_denied"][0]["first_denied"], "2015-05-17T10:05:00Z");
    assert_eq!(result["top_denied"][0]["last_denied"], "2015-05-17T10:05:11Z");
}

#[test]
fn an_event_leaves_a_whole_window_later_and_not_a_second_later() {
    let second =
        |s: u32| format!("a - - [17/May/2015:10:{:02}:{:02} +0000] \"G\" 200 1\n", 5 + s / 60, s % 60);
    for (last, denied) in [(59, 1), (60, 0)] {
        let log: String = [0, last].map(second).concat();
        assert_eq!(replay(log, &["--policy", "1/minute"])["denied"], denied, "after {last} s");
    }
}

#[test]
fn lines_are_replayed_in_the_order_of_their_times() {
    let mut requests: Vec<_> = (0..40).map(|i| (["a", "b", "c"][i % 3], i as u32)).collect();
    let ordered = replay(lines(&requests), &["--policy", "5/20 seconds"]);
    assert!(ordered["denied"].as_u64() > Some(0));
    requests.reverse();
    assert_eq!(replay(lines(&requests), &["--policy", "5/20 seconds"]), ordered);
    requests.rotate_left(17);
    assert_eq!(replay(lines(&requests), &["--policy", "5/20 seconds"]), ordered);
}

#[test]
fn lines_of_one_time_stay_in_the_order_in_which_they_were_read() {
    // A large request takes nearly all of the quota; only who comes first tells what is denied.
    let line = |size: &u32| format!("a - - [17/May/2015:10:05:00 +0000] \"GET /\" 200 {size}\n");
    let denied = |sizes: &[u32]| {
        let log: String = sizes.iter().map(line).collect();
        replay(log, &["--policy", "10/minute", "--cost", "field:7"])["denied"].as_u64()
    };
    assert_eq!(denied(&[9, 2, 2, 2]), Some(3));
    assert_eq!(denied(&[2, 9, 2, 2]), Some(1));
    assert_eq!(denied(&[2, 2, 2, 9]), Some(1));
}

#[test]
fn malformed_lines_are_counted_and_named_and_nothing_else_happens() {
    let mut log = lines(&[("a", 0)]).into_bytes();
    for i in 0..7 {
        log.extend(format!("broken {i}\n").bytes());
    }
    log.extend(lines(&[("a", 1)]).bytes());
    let assert = tidegate(&["replay", "--format", "json"]).write_stdin(log).assert().success();
    let named = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let result: Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    assert_eq!((&result["requests"], &result["malformed"]), (&json!(2), &json!(7)));
    assert_eq!(result["malformed_lines"][0]["line"], 2);
    assert!(
        named.starts_with("<stdin>:2: expected the time in [brackets] at column 9\n<stdin>:3: "),
        "{named}"
    );
    assert!(named.ends_with("2 more lines like these\n"), "{named}");
}

#[test]
fn strange_bytes_and_line_endings_are_tolerated() {
    let log = b"\xff\xfe - - [17/May/2015:10:05:00 +0000] \"GET /\xc3\x28\" 200 1 \"-\" \"\xe2\"\r\n\r\n\
        {\"ts\":1431857100,\"ip\":\"a\",\"agent\":\"\xff\"}\r\n\x00\n";
    let result = replay(&log[..], &["--policy", "1/day"]);
    assert_eq!(
        (&result["requests"], &result["keys"], &result["malformed"]),
        (&json!(2), &json!(2), &json!(1))
    );
}

#[test]
fn a_mark_before_the_first_line_is_no_part_of_it() {
    for line in [r#"{"ts":1431857100,"ip":"a"}"#.to_owned(), lines(&[("a", 0)])] {
        let result = replay(format!("\u{feff}{line}"), &[]);
        assert_eq!((&result["requests"], &result["malformed"]), (&json!(1), &json!(0)), "{line}");
    }
}

#[test]
fn a_line_of_any_length_is_only_a_malformed_line() {
    let mut log = vec![b'x'; 5 << 20];
    log.push(b'\n');
    log.extend(lines(&[("a", 0)]).bytes());
    let result = replay(log, &[]);
    assert_eq!((&result["requests"], &result["malformed"]), (&json!(1), &json!(1)));
    assert_eq!(result["malformed_lines"][0]["reason"], "the line is longer than 1048576 bytes");
}

#[test]
fn gzip_is_known_by_its_first_bytes_wherever_it_comes_from() {
    let (first, second) = (lines(&[("a", 0), ("b", 1)]), lines(&[("a", 2)]));
    let plain = replay(first.clone() + &second, &["--policy", "1/day"]);
    assert_eq!(plain["denied"], 1);
    let members = [gzip(&first), gzip(&second)].concat();
    assert_eq!(replay(members.clone(), &["--policy", "1/day"]), plain);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(&path, members).unwrap();
    let from_file = replay(lines(&[("a", 9)]), &["--policy", "1/day", path.to_str().unwrap(), "-"]);
    assert_eq!((&from_file["requests"], &from_file["denied"]), (&json!(4), &json!(2)));
    assert_eq!(from_file["sources"][1], "<stdin>");
}

#[test]
fn what_stands_behind_gzip_is_no_reason_to_give_up() {
    for (behind, warning) in [
        (vec![0; 700], ""),
        (
            b"garbage\n".to_vec(),
            "warning: <stdin>: what stands behind the gzip data is no gzip and was ignored\n",
        ),
    ] {
        let log = [gzip(&lines(&[("a", 0), ("b", 1)])), behind].concat();
        let assert = tidegate(&["replay", "--format", "json"]).write_stdin(log).assert().success();
        assert_eq!(String::from_utf8_lossy(&assert.get_output().stderr), warning);
        let result: Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
        assert_eq!((&result["requests"], &result["malformed"]), (&json!(2), &json!(0)));
    }
}

#[test]
fn json_lines_with_times_and_names_of_every_kind() {
    let result = replay("", &["--policy", "1/minute", "--key", "header:x-api-key", "site.jsonl"]);
    assert_eq!(
        (&result["requests"], &result["malformed"], &result["keys"]),
        (&json!(6), &json!(1), &json!(3))
    );
    assert_eq!(result["top_denied"][0]["key"], "k1");
    assert_eq!(
        result["span"],
        json!({"first": "2015-05-17T10:05:03Z", "last": "2015-05-17T10:05:06Z", "seconds": 3})
    );

    let by_address = replay("", &["--policy", "1/minute", "site.jsonl"]);
    assert_eq!((&by_address["keys"], &by_address["malformed"]), (&json!(3), &json!(2)));

    let own_names = r#"{"when":{"at":5},"who":"a","time":"never"}"#;
    let result = replay(own_names, &["--time-field", "when.at", "--ip-field", "who"]);
    assert_eq!((&result["requests"], &result["span"]["first"]), (&json!(1), &json!("1970-01-01T00:00:05Z")));
}

#[test]
fn the_key_is_an_address_a_header_or_a_column() {
    let log = "192.0.2.1 - ann [17/May/2015:10:05:00 +0000] \"GET / x\" 200 1 \"http://a\" \"A B\" \"k 1\"\n\
               192.0.2.2 - ann [17/May/2015:10:05:00 +0000] \"GET / x\" 200 1 \"-\" \"A B\" \"k 2\"\n\
               192.0.2.2 - bob [17/May/2015:10:05:00 +0000] \"GET / x\" 404 1 \"http://a\" \"C\" \"k 2\"\n";
    let top = |key| {
        let result = replay(log, &["--policy", "1/minute", "--key", key]);
        let denied = &result["top_denied"];
        denied
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["key"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(top("ip"), ["192.0.2.2"]);
    assert_eq!(top("header:User-Agent"), ["A B"]);
    assert_eq!(top("header:referer"), ["http://a"]);
    assert_eq!(top("field:3"), ["ann"]);
    assert_eq!(top("field:6"), ["200"]);
    assert_eq!(top("field:10"), ["k 2"]);
    assert_eq!(top("field:11"), ["-"]);
}

#[test]
fn an_ipv6_client_is_its_network() {
    let log =
        lines(&[("2001:db8::1", 0), ("2001:db8::2", 0), ("2001:db8:0:1::1", 0), ("::ffff:192.0.2.1", 0)]);
    let keys = |prefix| {
        replay(log.clone() + &lines(&[("192.0.2.1", 0)]), &["--ipv6-prefix", prefix])["keys"].clone()
    };
    assert_eq!([keys("64"), keys("128"), keys("48")], [json!(3), json!(4), json!(2)]);
}

#[test]
fn a_client_is_the_same_from_every_port() {
    let line = |address| format!("{{\"ts\":1431857100,\"remote_addr\":\"{address}\"}}\n");
    let addresses = ["192.0.2.7:50001", "192.0.2.7:50002", "[2001:db8::7]:50003", "[2001:db8::8]:50004"];
    let result = replay(addresses.map(line).concat(), &["--policy", "1/minute"]);
    assert_eq!((&result["keys"], &result["denied"]), (&json!(2), &json!(2)));
    assert_eq!(result["top_denied"][0]["key"], "192.0.2.7");
    assert_eq!(result["top_denied"][1]["key"], "2001:db8::/64");
}

#[test]
fn a_client_behind_a_host_s_name_is_the_client() {
    let log: String = lines(&[("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.2", 2)])
        .lines()
        .map(|line| format!("example.com:443 {line}\n"))
        .collect();
    let result = replay(log, &["--policy", "1/minute"]);
    assert_eq!((&result["keys"], &result["denied"]), (&json!(2), &json!(1)));
    assert_eq!(result["top_denied"][0]["key"], "192.0.2.2");
}

#[test]
fn what_if_compares_policies_over_the_same_requests() {
    let log = lines(&[("a", 0), ("a", 1), ("a", 2), ("b", 3)]);
    let result =
        replay(log.clone(), &["--policy", "2/minute", "--what-if", "1/minute", "--what-if", "x: 9/hour"]);
    assert_eq!(result["denied"], 1);
    let what_if = result["what_if"].as_array().unwrap();
    let denied: Vec<_> = what_if.iter().map(|policy| &policy["denied"]).collect();
    assert_eq!(denied, [2, 0]);
    for policy in what_if {
        assert_eq!(policy["allowed"].as_u64().unwrap() + policy["denied"].as_u64().unwrap(), 4);
        let notation = policy["policy"]["notation"].as_str().unwrap();
        assert_eq!(
            replay(log.clone(), &["--policy", notation])["denied_by"],
            policy["denied_by"],
            "{notation}"
        );
    }
}

#[test]
fn a_cost_above_the_quota_is_denied_by_that_limit() {
    let log = lines(&[("a", 0), ("a", 1)]);
    let result = replay(log, &["--policy", "100/minute; small: 10/hour", "--cost", "11"]);
    assert_eq!(result["denied_by"], json!({"minute": 0, "small": 2}));
}

#[test]
fn a_cost_may_be_larger_than_four_thousand_million() {
    let line = |bytes: u64| format!("a - - [17/May/2015:10:05:00 +0000] \"GET /iso\" 200 {bytes}\n");
    let log = [6_000_000_000, 5_000_000_000, 4_000_000_000, u64::MAX].map(line).concat();
    let policy = "bytes: 10000000000/day token-bucket";
    let result = replay(log, &["--policy", policy, "--cost", "field:7"]);
    assert_eq!((&result["malformed"], &result["allowed"]), (&json!(0), &json!(2)));
    assert_eq!(result["denied_by"], json!({"bytes": 2}));
    let fixed = replay(lines(&[("a", 0), ("a", 1)]), &["--policy", policy, "--cost", "6000000000"]);
    assert_eq!((&fixed["allowed"], &fixed["denied"]), (&json!(1), &json!(1)));
}

#[test]
fn a_table_that_is_too_small_says_so() {
    let log: String =
        (0..20_000).map(|i| format!("{i} - - [17/May/2015:10:05:00 +0000] \"G\" 200 1\n")).collect();
    assert_eq!(replay(log.clone(), &["--policy", "1/day"])["overflowed"], 0);
    assert!(replay(log, &["--policy", "1/day", "--max-keys", "64"])["overflowed"].as_u64() > Some(0));
}
