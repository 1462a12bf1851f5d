#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use super::*;
use crate::limit::{Limit, Unit};
use crate::policy::Report;

const TIERS: &str = r#"
# The tiers of the service.
[free]
limits = "100/minute; 10/second token-bucket"
max_body = "5 MB"

[pro]
limits = [
    "1_000/minute; 100/second",
    { quota = 5, window = "minute" },
    { name = "upload", quota = 7, window = "90 s", algorithm = "token-bucket", burst = 9, unit = "content-bytes" },
]
report = "tightest"
max_body = 1_048_576

[basic]
limits = ["1/second"]
"#;

fn tiers() -> PolicyFile {
    PolicyFile::from_toml(TIERS).unwrap()
}

#[track_caller]
fn reason(toml: &str) -> String {
    match PolicyFile::from_toml(toml) {
        Err(Error::PolicyFile { path: None, reason }) => reason,
        other => panic!("{toml} gives {other:?}"),
    }
}

#[test]
fn policies_come_in_the_order_of_the_file() {
    let file = tiers();
    assert_eq!(file.names().collect::<Vec<_>>(), ["free", "pro", "basic"]);
    assert_eq!((&file).into_iter().count(), file.policies().len());
}

#[test]
fn a_policy_of_notation_alone() {
    let file = tiers();
    let free = file.get("free").unwrap();
    assert_eq!(free.limits(), "100/minute; 10/second token-bucket".parse::<Policy>().unwrap().limits());
    assert_eq!((free.name(), free.max_body(), free.report()), (Some("free"), Some(5_000_000), Report::First));
    assert_eq!(file.get("basic").unwrap().max_body(), None);
    assert!(file.get("enterprise").is_none());
}

#[test]
fn texts_and_tables_share_one_list_of_names() {
    let file = tiers();
    let pro = file.require("pro").unwrap();
    let upload = Limit::token_bucket("upload", 7, Duration::from_secs(90), 9).unwrap();
    let expected = [
        Limit::new("minute", 1000, Duration::from_secs(60)).unwrap(),
        Limit::new("second", 100, Duration::from_secs(1)).unwrap(),
        Limit::new("minute-2", 5, Duration::from_secs(60)).unwrap(),
        upload.with_unit(Unit::ContentBytes),
    ];
    assert_eq!(pro.limits(), expected);
    assert_eq!((pro.max_body(), pro.report()), (Some(1 << 20), Report::Tightest));
}

#[test]
fn other_ways_to_write_the_same() {
    let table = "[[a.limits]]\nquota = 5\nwindow = \"hour\"\n[[a.limits]]\nquota = 9\nwindow = \"d\"";
    for toml in ["a.limits = \"5/hour; 9/day\"", "a = { limits = [\"5/hour\", \"9/d\"] }", table] {
        let file = PolicyFile::from_toml(toml).unwrap();
        assert_eq!(file.get("a").unwrap().to_string(), "5/hour; 9/day", "{toml}");
    }
    let file = PolicyFile::from_toml("a.limits = { quota = 1, window = \"2 hours\" }").unwrap();
    assert_eq!(file.get("a").unwrap().to_string(), "1/2 hours");
}

#[test]
fn errors_say_where() {
    assert_eq!(
        reason("[free]\nlimits = \"100/minuet\"\n"),
        "line 2, column 10: policy notation: unknown unit of time `minuet`: did you mean `minute`?\n  100/minuet\n      ^^^^^^"
    );
    for (toml, start) in [
        ("[free]\nlimit = \"1/s\"", "line 2, column 1: unknown field `limit`, expected one of `limits`,"),
        ("[free]\n\nmax_body = 5", "line 1, column 1: missing field `limits`"),
        ("[Free]\nlimits = \"1/s\"", "line 1, column 2: policy `Free`: a name starts"),
        ("free = \"1/s\"", "line 1, column 8: invalid type: string \"1/s\", expected a table with `limits`"),
        (
            "free = [\"1/s\", \"5 MB\", \"tightest\"]",
            "line 1, column 8: invalid type: sequence, expected a table with `limits`",
        ),
        ("free = []", "line 1, column 8: invalid type: sequence, expected a table with `limits`"),
        ("[[free]]\nlimits = \"1/s\"", "line 1, column 1: invalid type: sequence, expected a table"),
        ("[a]\nlimits = \"1/s\"\nmax_body = \"_5_ MB\"", "line 3, column 12: `_5_ MB` is no size"),
        ("[a]\nlimits = 5", "line 2, column 10: invalid type: integer `5`, expected a text such as"),
        ("[a]\nlimits = []", "line 1, column 1: a policy has at least one limit"),
        ("[a]\nlimits = [\"1/s\", [\"1/m\"]]", "line 2, column 18: invalid type: sequence, expected a text"),
        ("[a]\nlimits = [\"1/s\", \"1/s\" \"1/m\"]", "line 2, column 24: "),
        ("[a]\nlimits = \"1/s\"\nlimits = \"1/m\"", "line 3, column 1: duplicate key"),
        ("[a]\nlimits = \"1/s\"\n[a]", "line 3, column 2: duplicate key"),
        ("[a]\nlimits = \"1/s\"\nmax_body = \"5 parsecs\"", "line 3, column 12: `5 parsecs` is no size"),
        ("[a]\nlimits = \"1/s\"\nmax_body = -1", "line 3, column 12: invalid value: integer `-1`"),
        (
            "[a]\nlimits = \"1/s\"\nreport = \"best\"",
            "line 3, column 10: unknown report `best`: expected `first`",
        ),
        ("é = 1", "line 1, column 1: "),
        ("[a]\nlimits = \"1/s", "line 2, column "),
    ] {
        let reason = reason(toml);
        assert!(reason.starts_with(start), "{toml:?} gives {reason:?}, not {start:?}");
    }
    assert!(reason("").starts_with("no policy in it"));
}

#[test]
fn errors_in_the_table_of_a_limit() {
    let limit = |fields: &str| reason(&format!("[a]\nlimits = [{{ {fields} }}]"));
    for (fields, start) in [
        ("quota = 1", "line 2, column 11: missing field `window`"),
        (
            "quota = 1, window = \"minuet\"",
            "line 2, column 33: policy notation: unknown unit of time `minuet`",
        ),
        (
            "quota = 1, window = \"1 s 2\"",
            "line 2, column 33: policy notation: expected nothing after the window",
        ),
        ("quota = 1, window = 60", "line 2, column 33: invalid type: integer `60`, expected a string"),
        (
            "quota = 0, window = \"s\"",
            "line 2, column 11: limit `second`: a quota and a burst are at least 1",
        ),
        ("quota = 1, window = \"0 s\"", "line 2, column 11: a window is longer than 0"),
        (
            "quota = 1, window = \"s\", burst = 2",
            "line 2, column 11: limit `second`: `burst` is for `token-bucket`",
        ),
        ("quota = 1, window = \"s\", algorithm = \"gcra\"", {
            "line 2, column 50: unknown algorithm `gcra`: did you mean `token-bucket`?"
        }),
        (
            "quota = 1, window = \"s\", unit = \"kg\"",
            "line 2, column 45: unknown unit `kg`: expected `requests`",
        ),
        (
            "quota = 5.5, window = \"s\"",
            "line 2, column 21: invalid type: floating point `5.5`, expected a whole number of at least 1, such as 100",
        ),
        (
            "quota = -5, window = \"s\"",
            "line 2, column 21: invalid value: integer `-5`, expected a whole number",
        ),
        (
            "quota = \"100\", window = \"s\"",
            "line 2, column 21: invalid type: string \"100\", expected a whole number of at least 1, such as 100, without quotes",
        ),
        (
            "quota = 1, window = \"s\", algorithm = \"token-bucket\", burst = true",
            "line 2, column 74: invalid type: boolean `true`, expected a whole number",
        ),
        (
            "quota = 99999999999999999999, window = \"s\"",
            "line 2, column 21: 99999999999999999999 is outside of what can be counted: 1 to 9007199254740992",
        ),
        (
            "quota = 9223372036854775808, window = \"s\", algorithm = \"token-bucket\"",
            "line 2, column 11: limit `second`: a quota and a burst are at most 9007199254740992",
        ),
        ("quota = 1, windows = \"s\"", "line 2, column 24: unknown field `windows`, expected one of"),
        ("quota = 1, window = \"s\", name = \"A\"", "line 2, column 11: limit `A`: a name starts"),
    ] {
        let reason = limit(fields);
        assert!(reason.starts_with(start), "{fields:?} gives {reason:?}, not {start:?}");
    }
}

#[test]
fn a_missing_policy_names_the_known_ones() {
    let error = |name| tiers().require(name).unwrap_err().to_string();
    assert_eq!(error("fre"), "policy file: no policy `fre`: did you mean `free`?");
    assert_eq!(error("gold"), "policy file: no policy `gold`: the file has `free`, `pro`, `basic`");
}

#[test]
fn errors_name_the_file() {
    let folder = std::env::temp_dir().join(format!("tidegate-policy-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("tiers.toml");

    let missing = PolicyFile::load(&path).unwrap_err().to_string();
    assert!(missing.starts_with(&format!("{}: cannot be read: ", path.display())), "{missing}");

    std::fs::write(&path, "[free]\nlimits = \"0/s\"").unwrap();
    let wrong = PolicyFile::load(&path).unwrap_err().to_string();
    assert!(wrong.starts_with(&format!("{}: line 2, column 10: ", path.display())), "{wrong}");

    std::fs::write(&path, TIERS).unwrap();
    let file = PolicyFile::load(&path).unwrap();
    let unknown = file.require("x").unwrap_err().to_string();
    assert!(unknown.starts_with(&format!("{}: no policy `x`", path.display())), "{unknown}");
    std::fs::remove_dir_all(&folder).unwrap();
}
