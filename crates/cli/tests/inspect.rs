//! `tidegate inspect`: what it says of a segment, and of what is none.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::path::{Path, PathBuf};

use common::{failure, output};
use serde_json::Value;
use tempfile::TempDir;
use tidegate::{Limiter, ManualClock, Nanos};

const POLICY: &str = "100/minute; 10/second token-bucket burst=20";

struct Segment {
    folder: TempDir,
    limiter: Limiter,
}

impl Segment {
    /// By a clock that stands still, so that the numbers do.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Nanos::from_secs(1_700_000_000));
        let builder = Limiter::builder(POLICY).max_keys(1000).clock(clock);
        let limiter = builder.segment(folder.path().join("quota")).build().unwrap();
        for (key, cost) in [("alice", 20), ("bob", 5), ("carol", 1)] {
            assert!(limiter.check_n(key, cost).unwrap().allowed());
        }
        Self { folder, limiter }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("quota")
    }

    fn inspect(&self, args: &[&str]) -> String {
        output(&[&["inspect", text(&self.path())], args].concat())
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.inspect(&[&["--format", "json"], args].concat())).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn where_nobody_looks_on_the_text_is_written_once() {
    let segment = Segment::new();
    let text = segment.inspect(&["--key", "bob"]);
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(text.contains(&format!("{} (layout version 3)", segment.path().display())), "{text}");
    assert!(words.contains(&[&["policy"], &POLICY.split(' ').collect::<Vec<_>>()[..]].concat()), "{text}");
    assert!(text.contains(&format!("1 (pid {})", std::process::id())), "{text}");
    let asked = words.iter().position(|line| *line == ["Keys", "asked", "for"]).unwrap();
    let bob = &words[asked + 2];
    assert_eq!(bob[1..], ["bob", "minute", "5", "100", "95", "1.0", "min"], "{text}");
    assert_eq!(words[asked + 3], ["second", "5", "20", "15", "500", "ms"], "{text}");
    let top = words.iter().position(|line| line.starts_with(&["Keys", "that"])).unwrap();
    assert_eq!(words[top + 2][1..], ["-", "minute", "20", "100", "80", "1.0", "min"], "{text}");
    assert_eq!(words[top + 4], *bob, "the list has the label too: {text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn json_has_what_the_text_has() {
    let segment = Segment::new();
    let shown = segment.json(&["--key", "alice", "--key", "nobody", "--top", "2"]);
    assert_eq!(shown["layout_version"], 3);
    assert_eq!(shown["clock"], "manual");
    assert_eq!(shown["policy"]["notation"], POLICY);
    assert_eq!((&shown["keys"], &shown["live"], &shown["locked"]), (&3.into(), &3.into(), &0.into()));
    assert_eq!(shown["max_keys"], segment.limiter.max_keys());
    assert_eq!(shown["processes"][0]["pid"], std::process::id());
    assert_eq!(shown["file_bytes"], std::fs::metadata(segment.path()).unwrap().len());
    let (asked, top) = (shown["asked"].as_array().unwrap(), shown["top"].as_array().unwrap());
    assert_eq!((asked.len(), top.len()), (2, 2));
    assert_eq!(asked[0], top[0]);
    assert_eq!(asked[0]["key"], "alice");
    assert_eq!(asked[0]["used"], 1.0);
    assert_eq!(asked[0]["fingerprint"].as_str().unwrap().len(), 16);
    let second = &asked[0]["limits"][1];
    let numbers = ["used", "capacity", "remaining", "reset_after"].map(|field| second[field].as_f64());
    assert_eq!(numbers, [20.0, 20.0, 0.0, 2.0].map(Some));
    assert_eq!((&asked[1]["used"], &asked[1]["limits"][0]["remaining"]), (&0.0.into(), &100.into()));
    assert_eq!(top[1]["key"], Value::Null);
}

#[test]
fn a_look_changes_nothing() {
    let segment = Segment::new();
    let before = std::fs::read(segment.path()).unwrap();
    segment.inspect(&["--once", "--key", "nobody"]);
    assert!(before == std::fs::read(segment.path()).unwrap());
    assert_eq!(segment.limiter.peek("alice").unwrap().limits().next().unwrap().remaining, 80);
}

#[test]
fn processes_that_have_ended_are_not_listed() {
    let Segment { folder, limiter } = Segment::new();
    drop(limiter);
    let text = output(&["inspect", text(&folder.path().join("quota"))]);
    assert!(text.contains("processes  none"), "{text}");
}

#[test]
fn control_characters_of_a_key_do_not_reach_the_terminal() {
    let text = Segment::new().inspect(&["--key", "\u{1b}[31mred"]);
    assert!(text.contains("\\u{1b}[31mred") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn what_is_no_segment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quota");
    let said = || failure(&["inspect", text(&path)]);
    assert_eq!(said(), format!("error: segment {}: there is no such file\n", path.display()));
    std::fs::write(&path, "my thesis").unwrap();
    assert!(said().contains("it is not a segment of tidegate"), "{}", said());
    assert_eq!(std::fs::read(&path).unwrap(), b"my thesis");
    assert!(failure(&["inspect", text(folder.path())]).contains("it is no regular file"));
    std::fs::write(&path, b"tidegate").unwrap();
    assert!(said().contains("it has 8 bytes"), "{}", said());
}

#[test]
fn arguments_that_make_no_sense() {
    for args in [
        &["inspect"][..],
        &["inspect", "a", "b"],
        &["inspect", "--interval", "0", "a"],
        &["inspect", "--interval", "nan", "a"],
        &["inspect", "--key", "", "a"],
        &["inspect", "--top", "-1", "a"],
    ] {
        assert!(!failure(args).is_empty(), "{args:?}");
    }
}
