//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz policy_file`; what it does is in `tests/src/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_tests::fuzz::policy_file(data));
