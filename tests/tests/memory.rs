//! Memory is bounded: ten times as many keys as there is room for leave it where it was. Alone
//! in its file, since it looks at the whole process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use tidegate::{Limiter, ManualClock, OnFull};

const KEYS: u64 = 20_000;

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn use_keys(limiter: &Limiter, keys: std::ops::Range<u64>) {
    for key in keys {
        limiter.allow(key.to_le_bytes()).unwrap();
    }
}

#[test]
fn ten_times_the_keys_take_no_more_memory() {
    for on_full in [OnFull::Overflow, OnFull::Deny, OnFull::Allow] {
        let clock = ManualClock::new();
        let builder = Limiter::builder("100/minute; 10/second token-bucket").clock(clock.clone());
        let limiter = builder.max_keys(KEYS as usize).on_full(on_full).build().unwrap();
        // More than enough to fill every entry, so that every page has been touched.
        use_keys(&limiter, 0..4 * KEYS);
        let before = resident();
        for round in 1..=5 {
            clock.advance(Duration::from_secs(61));
            use_keys(&limiter, round * 10 * KEYS..(round * 10 + 2) * KEYS);
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 1 << 19, "{on_full:?}: {grown} bytes more");
        let counters = limiter.counters();
        assert!(counters.reclaimed > 4 * KEYS, "entries are given to new keys: {counters:?}");
    }
}
