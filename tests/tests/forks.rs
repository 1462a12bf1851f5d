//! Segments over `fork`; each scenario is a process, in `src/bin/forks.rs`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Command;

#[track_caller]
fn run(scenario: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_forks")).arg(scenario).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn children_share_one_quota() {
    run("share");
}

#[test]
fn parent_child_and_grandchild_have_seats_of_their_own() {
    run("family");
}

#[test]
fn a_process_with_threads_may_fork() {
    run("threads");
}

#[test]
fn a_child_sees_that_its_parent_has_ended() {
    run("orphan");
}

#[test]
fn a_child_goes_on_without_its_parents_threads() {
    run("apart");
}
