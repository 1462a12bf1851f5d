//! The program as a person or a script meets it: exit codes, messages, pipes, other commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{assert_golden, failure, output, tidegate};

#[test]
fn what_cannot_be_read_is_named() {
    let message = failure(&["replay", "site.log", "no-such.log"]);
    assert!(message.starts_with("error: cannot read no-such.log: "), "{message}");
    assert!(failure(&["replay", "."]).starts_with("error: cannot read .: "));
    assert!(failure(&["replay", "--policy-file", "no-such.toml"]).contains("no-such.toml"));
}

#[test]
fn a_folder_among_the_logs_is_found_before_any_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("x.gz");
    std::fs::write(&broken, [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    let message = failure(&["replay", broken.to_str().unwrap(), "."]);
    assert_eq!(message, "error: cannot read .: is a directory\n");
}

#[test]
fn a_broken_gzip_file_is_no_short_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    std::fs::write(&path, [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    assert!(failure(&["replay", path.to_str().unwrap()]).contains("x.gz"));
}

#[test]
fn a_bad_policy_is_shown_with_the_place() {
    let message = failure(&["replay", "--policy", "100/minut", "site.log"]);
    assert!(message.starts_with("error: --policy: policy notation: "), "{message}");
    assert!(message.contains("  100/minut\n      ^^^^^"), "{message}");
    assert!(failure(&["replay", "--what-if", "x", "site.log"]).starts_with("error: --what-if: "));
}

#[test]
fn a_policy_file_with_several_policies_wants_a_name() {
    let message = failure(&["replay", "--policy-file", "policies.toml", "site.log"]);
    assert!(message.contains("choose one with --tier (`free`, `pro`)"), "{message}");
    assert!(failure(&["replay", "-f", "policies.toml", "--tier", "fre", "site.log"]).contains("`free`"));
}

#[test]
fn a_name_to_compare_with_that_is_unknown_is_told_the_names() {
    let what_if = |text| failure(&["replay", "-f", "policies.toml", "-t", "free", "-w", text, "site.log"]);
    assert_eq!(what_if("fre"), "error: --what-if: policies.toml: no policy `fre`: did you mean `free`?\n");
    assert!(what_if("tier-2").contains("the file has `free`, `pro`"), "{}", what_if("tier-2"));
    for notation in ["100/minut", "x: 100", "100"] {
        assert!(what_if(notation).starts_with("error: --what-if: policy notation: "), "{notation}");
    }
}

#[test]
fn arguments_that_make_no_sense() {
    for args in [
        &["replay", "--key", "cookie"][..],
        &["replay", "--key", "field:0"],
        &["replay", "--key", "header:"],
        &["replay", "--cost", "0"],
        &["replay", "--cost", "ip"],
        &["replay", "--max-keys", "0"],
        &["replay", "--ipv6-prefix", "129"],
        &["replay", "--policy", "1/day", "--policy-file", "policies.toml"],
        &["replay", "--tier", "free"],
        &["explain"],
        &["generate", "--keys", "2"],
        &["judge"],
        &[],
    ] {
        assert!(!failure(args).is_empty(), "{args:?}");
    }
}

#[test]
fn a_report_without_a_place_fails_before_the_work() {
    assert!(
        failure(&["replay", "--report", "no/such/folder.html", "site.log"])
            .contains("the folder does not exist")
    );
    assert!(failure(&["replay", "--report", ".", "site.log"]).contains("it is a folder"));
}

#[test]
fn an_empty_log_is_no_failure_but_worth_a_word() {
    tidegate(&["replay"])
        .write_stdin("")
        .assert()
        .success()
        .stderr("warning: no line could be read as a request\n");
}

#[test]
fn a_key_that_nobody_has_is_worth_a_word() {
    let assert = tidegate(&["replay", "--key", "field:40", "site.log"]).assert().success();
    let message = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(message.contains("no request has a value for the key field:40"), "{message}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["generate", "--requests", "50000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let rest = child.wait_with_output().unwrap();
    assert!(rest.status.success());
    assert_eq!(String::from_utf8_lossy(&rest.stderr), "");
}

/// Every command with an output to an end that nobody reads: the other one of the pipe is closed.
#[test]
fn a_reader_that_never_came_is_no_failure() {
    for args in [&["completions", "zsh"][..], &["explain", "1/day"], &["generate"], &["replay", "site.log"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        let out = command.current_dir(common::data()).args(args).stdout(writer).output().unwrap();
        assert!(out.status.success(), "{args:?}");
        assert!(!String::from_utf8_lossy(&out.stderr).contains("panicked"), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_without_room_is_a_failure_that_says_so() {
    for args in [&["completions", "bash"][..], &["explain", "1/day"], &["generate"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let out = Command::new(env!("CARGO_BIN_EXE_tidegate")).args(args).stdout(full).output().unwrap();
        let message = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.starts_with("error: cannot write to the standard output: "), "{message}");
    }
}

#[test]
fn colours_are_for_terminals_and_those_who_force_them() {
    let text = |name: &str, value: &str| {
        let assert = tidegate(&["replay", "site.log"]).env(name, value).assert().success();
        String::from_utf8(assert.get_output().stdout.clone()).unwrap()
    };
    assert!(text("CLICOLOR_FORCE", "1").contains('\u{1b}'));
    assert!(!text("NO_COLOR", "1").contains('\u{1b}'));
}

#[test]
fn a_seed_means_the_same_log_for_ever() {
    // If this fails, every demo and every recorded result changes: it should not.
    assert_golden(
        "generated.log",
        &output(&["generate", "--seed", "7", "--requests", "60", "--keys", "8", "--hours", "1"]),
    );
}

#[test]
fn a_log_that_is_too_long_to_make_up_is_refused() {
    assert!(failure(&["generate", "--requests", "100000001"]).contains("100000000"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_without_room_in_memory_is_a_failure_that_says_so() {
    let mut command = assert_cmd::Command::new("sh");
    let limited = "ulimit -v 1000000; exec \"$0\" generate --requests 90000000";
    let assert = command.args(["-c", limited, env!("CARGO_BIN_EXE_tidegate")]).assert().code(2).stdout("");
    let message = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(message.starts_with("error: no room for 90000000 requests: "), "{message}");
}

#[test]
fn explain_shows_what_is_understood() {
    let one = output(&[
        "explain",
        "100/minute; 10/second token-bucket burst=20; day: 5000000 per day token-bucket",
    ]);
    let file = output(&["explain", "--policy-file", "policies.toml"]);
    let json = output(&["explain", "-f", "policies.toml", "--tier", "pro", "--format", "json"]);
    assert_golden("explain.txt", &[one, file, json].join("\n"));
    assert!(failure(&["explain", "100 per"]).starts_with("error: policy notation: "));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(output(&["completions", shell]).contains("what-if"), "{shell}");
    }
}
