//! The programs run to their end, whatever the machine: nothing about speed.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

/// Its standard output, if it ended well.
fn said(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_mode_runs_and_is_what_it_says() {
    let said = said(run(env!("CARGO_BIN_EXE_peers"), &["--quick"]));
    let listed = self::said(run(env!("CARGO_BIN_EXE_peers"), &["--list"]));
    for mode in listed.lines().filter(|&mode| mode != "memory") {
        assert!(said.contains(&format!("({mode})")), "{mode} is missing from:\n{said}");
    }
    assert!(said.contains("Resident memory"), "{said}");
}

#[test]
fn memory_runs_alone() {
    let said = said(run(env!("CARGO_BIN_EXE_memory"), &["--quick"]));
    assert!(said.contains("throttlecrab"), "{said}");
}

#[test]
fn a_record_draws_the_chart_again() {
    let folder = std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id()));
    let record = tidegate_benches::record::Record::new(
        tidegate_benches::machine::Machine::here().unwrap(),
        tidegate_benches::harness::Settings::QUICK,
        Vec::new(),
        Vec::new(),
    );
    let paths = record.write(&folder).unwrap();
    let json = paths.iter().find(|path| path.extension().is_some_and(|e| e == "json")).unwrap();
    let drawn = said(run(env!("CARGO_BIN_EXE_peers"), &["--chart", json.to_str().unwrap()]));
    assert_eq!(drawn, std::fs::read_to_string(folder.join("peers.svg")).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_is_no_record_is_named() {
    let output = run(env!("CARGO_BIN_EXE_peers"), &["--chart", "no-such-file.json"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-file.json"));
}
