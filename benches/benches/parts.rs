//! What the parts cost, each alone: clocks, the key's hash, the notation, headers, and the calls
//! on a hot key. For finding out where a nanosecond went; the comparison is the program `peers`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tidegate::{Clock, Limiter, ManualClock, Policy, Style};
use tidegate_benches::keys::key;
use tidegate_benches::subjects::tidegate::{SEED, fill_seed};

/// `Instant` is the clock of most peers; the coarse one is what the seed's policy gets.
fn clocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("clock");
    group.bench_function("precise", |b| b.iter(|| black_box(Clock::Precise).now()));
    group.bench_function("coarse", |b| b.iter(|| black_box(Clock::Coarse).now()));
    let manual = Clock::Manual(ManualClock::new());
    group.bench_function("manual", |b| b.iter(|| black_box(&manual).now()));
    group.bench_function("instant", |b| b.iter(std::time::Instant::now));
}

/// The floor of a look-up. The limiter's own hash is private; this is the same function.
fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash of a 24-byte key");
    let key = key(1);
    let ahash = ahash::RandomState::new();
    group.bench_function("ahash", |b| b.iter(|| ahash.hash_one(black_box(key.as_bytes()))));
    let sip = std::hash::RandomState::new();
    group.bench_function("std", |b| {
        b.iter(|| std::hash::BuildHasher::hash_one(&sip, black_box(key.as_bytes())))
    });
}

fn notation(c: &mut Criterion) {
    let mut group = c.benchmark_group("notation");
    let policy: Policy = SEED.parse().unwrap();
    group.bench_function("parse", |b| b.iter(|| black_box(SEED).parse::<Policy>()));
    group.bench_function("write", |b| b.iter(|| black_box(&policy).to_string()));
}

fn headers(c: &mut Criterion) {
    let limiter = Limiter::new(SEED).unwrap();
    let allowed = limiter.check(key(1)).unwrap();
    fill_seed(&limiter, &key(2), 100).unwrap();
    let denied = limiter.check(key(2)).unwrap();
    assert!(allowed.allowed() && !denied.allowed());
    let mut group = c.benchmark_group("headers");
    for style in [Style::XRateLimit, Style::Ietf, Style::Ietf06] {
        for (name, decision) in [("allowed", &allowed), ("denied", &denied)] {
            group.bench_function(format!("{style} {name}"), |b| {
                b.iter(|| black_box(decision).headers(style).for_each(|header| drop(black_box(header))));
            });
        }
    }
    group.bench_function("body", |b| b.iter(|| black_box(&denied).body()));
    group.bench_function("problem body", |b| b.iter(|| black_box(&denied).problem_body()));
}

/// Calls that take nothing can be repeated for ever.
fn refusals(c: &mut Criterion) {
    let limiter = Limiter::new(SEED).unwrap();
    let key = key(1);
    let handle = limiter.key(&key).unwrap();
    let mut group = c.benchmark_group("denied, hot key");
    // Filled again before each, since the first unit comes back after some 49 seconds.
    let fill = || fill_seed(&limiter, &key, 100).unwrap();
    fill();
    group.bench_function("check", |b| b.iter(|| black_box(limiter.check(black_box(&key)).is_ok())));
    fill();
    group.bench_function("allow", |b| b.iter(|| limiter.allow(black_box(&key))));
    fill();
    group.bench_function("peek", |b| b.iter(|| black_box(limiter.peek(black_box(&key)).is_ok())));
    fill();
    group.bench_function("key handle, check", |b| b.iter(|| black_box(&handle).check().allowed()));
    fill();
    group.bench_function("key handle, allow", |b| b.iter(|| black_box(&handle).allow()));
    fill();
    let many = vec![key.as_str(); 64];
    group.bench_function("check_many of 64", |b| b.iter(|| limiter.check_many(black_box(&many), 1)));
    group.bench_function("check_many_with of 64", |b| {
        b.iter(|| limiter.check_many_with(black_box(&many), |_| 1, |_, decision| drop(black_box(decision))))
    });
}

/// An admission and its refund, ten at a time, since the seed's policy has no more to give.
fn admissions(c: &mut Criterion) {
    let limiter = Limiter::new(SEED).unwrap();
    let key = key(1);
    let handle = limiter.key(&key).unwrap();
    let give_back = || limiter.refund(&key, 10).unwrap();
    let mut group = c.benchmark_group("allowed, hot key, ten");
    let mut ten = |name: &str, check: &dyn Fn() -> bool| {
        group.bench_function(name, |b| {
            b.iter_batched(give_back, |()| (0..10).filter(|_| check()).count(), BatchSize::PerIteration);
        });
    };
    ten("check", &|| black_box(limiter.check(black_box(&key))).is_ok_and(|decision| decision.allowed()));
    ten("allow", &|| limiter.allow(black_box(&key)).is_ok_and(black_box));
    ten("check_costs", &|| {
        black_box(limiter.check_costs(black_box(&key), &[1, 1])).is_ok_and(|decision| decision.allowed())
    });
    ten("key handle, check", &|| black_box(handle.check()).allowed());
    ten("key handle, allow", &|| black_box(handle.allow()));
}

fn quick() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = parts; config = quick(); targets = clocks, hashes, notation, headers, refusals, admissions }
criterion_main!(parts);
