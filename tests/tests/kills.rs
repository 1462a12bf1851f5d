//! Processes that share segments and are killed, stopped, or take all that they are given. Longer
//! runs are in `src/bin/kills.rs`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::{Child, Command, Output, Stdio};

use tidegate_tests::kills::scene::folder;

fn kills(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kills"));
    command.args(arguments);
    command
}

/// What it printed, if it says that every claim held.
#[track_caller]
fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&both).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn two_hundred_kills() {
    let text = said(&kills(&["--kills", "200", "--seed", "1"]).output().unwrap());
    println!("{text}");
    assert!(text.contains("over-admissions                   0"), "{text}");
}

#[test]
fn a_stopped_process_delays_the_others_for_a_bounded_time() {
    for choice in [&["stops", "--holding", "3"][..], &["stops", "--holding", "3", "--allow-unavailable"]] {
        println!("{}", said(&kills(choice).output().unwrap()));
    }
}

/// Four processes take all of 100 a second, and no more in any second.
#[test]
fn four_processes_take_one_quota() {
    let folder = folder().unwrap();
    let place = |name: String| folder.path().join(name).to_str().unwrap().to_owned();
    let (segment, records) =
        (place("quota".into()), (0..4).map(|n| place(format!("{n}.rec"))).collect::<Vec<_>>());
    let start = |record: &String| -> Child {
        let arguments = ["hammer", &segment, "key", "3.5", "--record", record];
        kills(&arguments).stdout(Stdio::null()).spawn().unwrap()
    };
    let all: Vec<_> = records.iter().map(start).collect();
    all.into_iter().for_each(|mut process| assert!(process.wait().unwrap().success()));
    let mut judge = kills(&["judge", "--used", "99", "--seconds", "2.9"]);
    println!("{}", said(&judge.args(&records).output().unwrap()));
    assert!(!kills(&["judge", "--policy", "99/second"]).args(&records).output().unwrap().status.success());
}
