//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz segment`; what it does is in `tests/src/hostile.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_tests::hostile::live(data));
