//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz log_line`; what it does is in `tests/src/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_tests::fuzz::log_line(data));
