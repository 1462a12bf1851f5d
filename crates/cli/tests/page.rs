//! The report page: whole, on its own, and harmless whatever the log holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::tidegate;

const EVIL: &str = r#"<script>alert(1)</script> - - [17/May/2015:10:05:00 +0000] "GET /" 200 1
<script>alert(1)</script> - - [17/May/2015:10:05:01 +0000] "GET /" 200 1
"><img - - [17/May/2015:10:05:02 +0000] "GET /" 200 1
a - - [</li><script>] "GET /" 200 1
"#;

/// The page for a log.
fn page(log: &str, args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let mut command = tidegate(&["replay", "--report", path.to_str().unwrap()]);
    command.args(args).write_stdin(log).assert().success();
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing but the report is left behind");
    std::fs::read_to_string(path).unwrap()
}

fn site() -> String {
    let what_if = ["--what-if", "9/minute", "--what-if", "1/hour; 1/second token-bucket"];
    page("", &[&["--policy", "5/minute; 2/second token-bucket"], &what_if[..], &["site.log"]].concat())
}

/// Every element is closed in its order.
fn assert_well_formed(page: &str) {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}> closes what is open"),
            None if matches!(name, "!DOCTYPE" | "meta") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[test]
fn the_page_is_well_formed() {
    assert_well_formed(&site());
    assert_well_formed(&page("", &[]));
    assert_well_formed(&page(EVIL, &["--policy", "1/day"]));
}

#[test]
fn the_page_has_all_parts() {
    let page = site();
    for part in ["Over time", "By limit", "Most denied keys", "What if", "Lines that could not be read"] {
        assert!(page.contains(&format!("<h2>{part}</h2>")), "{part}");
    }
    // Two charts over time, and one for each of the three policies.
    assert_eq!(page.matches("<svg").count(), 5);
    assert_eq!(page.matches("role=\"img\" aria-label=").count(), 5);
    assert!(page.contains("<title>2015-05-17 10:01:00 to 2015-05-17 10:01:10 UTC\n"), "a slot has a tooltip");
    assert!(page.contains("192.0.2.1"));
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = site();
    for reference in ["http://", "https://", "src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn what_a_log_holds_stays_text() {
    let page = page(EVIL, &["--policy", "1/day"]);
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("&lt;/li&gt;"));
    assert!(page.contains("default-src 'none'"), "and could not run if it were not");
}

#[test]
fn a_page_without_denials_says_so() {
    let page = page(&common::lines(&[("a", 0)]), &[]);
    assert!(page.contains("None of 1 request would have been denied"));
    assert!(!page.contains("Most denied keys"));
}

#[test]
fn a_minute_at_a_whole_hour_keeps_its_zeros() {
    let line = "a - - [17/May/2015:10:00:00 +0000] \"GET /\" 200 1\n";
    assert!(page(line, &[]).contains("2015-05-17 10:00, 0 denied"));
}

#[test]
fn an_older_report_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, "old").unwrap();
    tidegate(&["replay", "site.log", "--report", path.to_str().unwrap()]).assert().success();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("<!DOCTYPE html>"));
}
