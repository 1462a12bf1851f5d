//! Where a report is put: what stands at its path stays what it is, and what is read is not lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{data, failure, lines, tidegate};
use tempfile::TempDir;

/// A folder, and a path in it.
fn place(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn report(path: &Path) {
    tidegate(&["replay", "site.log", "--report", text(path)]).assert().success();
}

fn assert_is_page(path: &Path) {
    assert!(fs::read_to_string(path).unwrap().starts_with("<!DOCTYPE html>"), "{}", path.display());
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).unwrap().is_symlink()
}

#[test]
fn a_link_stays_a_link() {
    let (folder, link) = place("link.html");
    let target = folder.path().join("target.html");
    symlink("target.html", &link).unwrap();
    for before in ["nothing yet", "an older one"] {
        report(&link);
        assert!(is_link(&link), "{before}");
        assert_is_page(&target);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn a_link_to_nowhere_is_found_before_the_work() {
    let (_folder, link) = place("link.html");
    symlink("no/such/folder.html", &link).unwrap();
    let message = failure(&["replay", "--report", text(&link), "site.log"]);
    assert!(message.ends_with("the folder does not exist\n"), "{message}");
    assert!(is_link(&link));
}

#[test]
fn a_pipe_is_written_into() {
    let (_folder, pipe) = place("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    report(&pipe);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(reader.join().unwrap().ends_with("</html>"));
}

/// By way of links of our own, so that a fault costs those and not the machine's devices.
#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_into() {
    let (_folder, null) = place("null.html");
    symlink("/dev/null", &null).unwrap();
    report(&null);
    assert!(is_link(&null) && fs::metadata(&null).unwrap().file_type().is_char_device());

    let (_folder, full) = place("full.html");
    symlink("/dev/full", &full).unwrap();
    let message = failure(&["replay", "--report", text(&full), "site.log"]);
    assert!(message.contains(&format!("error: cannot write {}: ", full.display())), "{message}");
    assert!(is_link(&full));
}

#[test]
fn what_is_read_is_never_replaced() {
    let (folder, log) = place("in.log");
    let before = lines(&[("a", 0)]);
    fs::write(&log, &before).unwrap();
    let (link, hard_link) = (folder.path().join("link.log"), folder.path().join("hard.log"));
    symlink(&log, &link).unwrap();
    fs::hard_link(&log, &hard_link).unwrap();
    for path in [&log, &link, &hard_link] {
        let message = failure(&["replay", "--report", text(path), "site.log", text(&log)]);
        let (report, log) = (path.display(), log.display());
        assert_eq!(
            message,
            format!("error: cannot write {report}: it is the same file as {log}, which is read\n")
        );
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), before);
}

#[test]
fn neither_is_the_standard_input_nor_the_policy_file() {
    let (_folder, log) = place("in.log");
    fs::write(&log, lines(&[("a", 0)])).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(["replay", "--report"]).arg(&log).stdin(File::open(&log).unwrap());
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("the same file as <stdin>"));

    let (_folder, policies) = place("policies.toml");
    fs::copy(data().join("policies.toml"), &policies).unwrap();
    let from_file = ["replay", "-f", text(&policies), "-t", "free", "site.log"];
    let message = failure(&[&from_file[..], &["--report", text(&policies)]].concat());
    assert!(message.contains("which is read"), "{message}");
    assert!(fs::read_to_string(&policies).unwrap().starts_with("[free]"));
}

#[test]
fn the_standard_output_is_not_replaced_under_the_result() {
    let (_folder, page) = place("report.html");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(data()).args(["replay", "site.log", "--report"]).arg(&page);
    let out = command.stdout(File::create(&page).unwrap()).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("it is the standard output"));
}
