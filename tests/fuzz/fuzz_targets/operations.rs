//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz operations`; what it does is in `tests/src/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_tests::fuzz::operations(data));
