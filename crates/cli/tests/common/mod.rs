//! What the tests of the program share: running it, and comparing with files.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// The program, in the folder of the test data.
pub(crate) fn tidegate(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(data()).args(args);
    command
}

pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// What it writes to the standard output when all is well.
pub(crate) fn output(args: &[&str]) -> String {
    String::from_utf8(tidegate(args).assert().success().get_output().stdout.clone()).unwrap()
}

/// Replays `log` from the standard input.
pub(crate) fn replay(log: impl Into<Vec<u8>>, args: &[&str]) -> Value {
    let mut command = tidegate(&["replay", "--format", "json"]);
    let output = command.args(args).write_stdin(log).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

/// The message with which it gives up: exit code 2, and nothing on the standard output.
pub(crate) fn failure(args: &[&str]) -> String {
    let assert = tidegate(args).assert().code(2).stdout("");
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// Compares with a file in `tests/golden`; `UPDATE_GOLDEN=1` writes it instead.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return std::fs::write(path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == golden, "{} differs; this is what it is now:\n{text}", path.display());
}

/// Common log lines: address and second of a minute.
pub(crate) fn lines(requests: &[(&str, u32)]) -> String {
    let line = |(ip, s): &(&str, u32)| format!("{ip} - - [17/May/2015:10:05:{s:02} +0000] \"GET /\" 200 1\n");
    requests.iter().map(line).collect()
}
