//! The races of the table, in every order that a few threads can run in. See `loom`'s
//! documentation for what it explores; `make test` says how these are run.
//!
//! Time stands still in all of them, so what may be admitted is a matter of counting.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::layout::VERSION;
use super::owners::{Members, Owners};
use super::sync::Ordering;
use super::{Admission, AnyCosts, Attempt, One, Same, Table, Target};
use crate::algorithm::Rule;
use crate::decision::{Readings, Verdict};

const NOW: u64 = 1_000_000_000;
const ALICE: u64 = 0x0aaa_0000_0000_0001;
const LAST_SET: u64 = 0xff << 56;
const BOB: u64 = 0x0bbb_0000_0000_0002;

/// Every order with up to this many switches at points where a thread could have gone on.
fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(body);
}

fn table(policy: &str, max_keys: usize) -> Arc<Table> {
    Arc::new(Table::in_process(&policy.parse().unwrap(), max_keys, Duration::ZERO).unwrap())
}

fn place(table: &Table, tag: u64) -> Option<Target> {
    match table.admit(tag, NOW) {
        Admission::Placed { target, .. } => Some(target),
        Admission::Full { .. } | Admission::Unavailable => None,
    }
}

/// A whole check, as the limiter makes it; `None` if there is no room.
fn check(table: &Table, tag: u64) -> Option<bool> {
    loop {
        let target = table.lookup(tag).or_else(|| place(table, tag))?;
        if let Ok(verdict) = table.check(target, NOW, Same(1)) {
            return Some(verdict.violated == 0);
        }
    }
}

fn remaining(table: &Table, verdict: &Verdict<Readings>) -> Vec<u64> {
    let limits = table.layout.limits.iter().zip(verdict.readings);
    limits.map(|(limit, reading)| limit.rule.outcome(reading, limit.scale.tick.of(NOW)).remaining).collect()
}

/// Two threads, one unit left: one of them gets it.
#[test]
fn loom_an_admission_is_made_once() {
    model(3, || {
        let table = table("1/minute; 2/second token-bucket", 1);
        let target = place(&table, ALICE).unwrap();
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || other.check(target, NOW, Same(1)).unwrap().violated == 0);
        let here = table.check(target, NOW, Same(1)).unwrap().violated == 0;
        assert!(here ^ thread.join().unwrap());
    });
}

/// The same by a quick look, which may find that another thread was there and decide nothing. A quick
/// denial is true: somebody has the unit by then.
#[test]
fn loom_a_quick_look_takes_once() {
    model(3, || {
        let table = table("1/minute; 2/second token-bucket", 1);
        let target = place(&table, ALICE).unwrap();
        let other = Arc::clone(&table);
        let quick = move |table: &Table| {
            crate::table::with_limits!(table.layout, limits => {
                let took = matches!(table.try_take(limits, target, NOW, One), Attempt::Decided(_));
                let denied = matches!(table.try_deny(limits, target, NOW, One), Attempt::Decided(_));
                (took, denied)
            })
        };
        let thread = thread::spawn(move || quick(&other).0);
        let (here, denied) = quick(&table);
        let there = thread.join().unwrap();
        assert!(!(here && there), "both took the one unit");
        assert!(!denied || here || there, "denied what nobody had taken");
        assert_eq!(table.look(target, NOW, One).unwrap().violated, u8::from(here || there));
    });
}

/// A look never mixes the states before and after an admission.
///
/// The admission is made first: loom lets a load that comes later return older values, but does not
/// put a load that came first behind a store.
#[test]
fn loom_a_look_is_whole() {
    model(3, || {
        let table = table("6/minute; 6/second token-bucket", 1);
        let target = place(&table, ALICE).unwrap();
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || {
            let look = remaining(&other, &other.look(target, NOW, Same(1)).unwrap());
            assert!(look == [6, 6] || look == [1, 1], "{look:?}");
        });
        table.check(target, NOW, Same(5)).unwrap();
        thread.join().unwrap();
    });
}

/// The same for denials, which name the event that they wait for.
#[test]
fn loom_a_denial_is_whole() {
    model(3, || {
        let table = table("2/minute; 4/second token-bucket", 1);
        let target = place(&table, ALICE).unwrap();
        table.check(target, NOW, Same(1)).unwrap();
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || {
            let denial = other.look(target, NOW, Same(2)).unwrap();
            let numbers = remaining(&other, &denial);
            assert_eq!(denial.violated, 0b01, "{numbers:?}");
            assert!(numbers == [1, 3] || numbers == [0, 2], "{numbers:?}");
        });
        table.check(target, NOW, Same(1)).unwrap();
        thread.join().unwrap();
    });
}

/// The short way to a denial never denies what has been given back before.
#[test]
fn loom_a_quick_denial_is_true() {
    model(3, || {
        let table = table("1/minute; 1/second", 1);
        let target = place(&table, ALICE).unwrap();
        assert_eq!(check(&table, ALICE), Some(true));
        assert!(table.denies(&table.layout.limits[..], target, NOW).is_some());
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || {
            other.give_back(ALICE, Same(1));
            assert!(other.denies(&other.layout.limits[..], target, NOW).is_none());
            other.look(target, NOW, Same(1)).unwrap().violated == 0
        });
        let _ = table.denies(&table.layout.limits[..], target, NOW);
        assert!(thread.join().unwrap());
    });
}

/// Two threads that meet a new key at once make one entry for it.
#[test]
fn loom_a_key_has_one_entry() {
    model(2, || {
        let table = table("1/minute", 2);
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || check(&other, ALICE));
        let here = check(&table, ALICE);
        let there = thread.join().unwrap();
        assert!(here.unwrap() ^ there.unwrap(), "{here:?} {there:?}");
    });
}

/// A set is not passed over while its last unused entry is just being taken: a later search would
/// stop there and miss the key that was put behind it.
#[test]
fn loom_a_set_is_full_before_it_is_passed_over() {
    model(2, || {
        let table = table("1/minute", 24);
        // Of three sets the last is full and the first but for one entry. Both newcomers want that
        // one; their home sets, and so their insertion locks, are different.
        for (set, used) in [(0, u64::MAX >> 8), (1, u64::MAX >> 16), (2, u64::MAX)] {
            table.region.word(table.layout.tag_word(set)).store(used, Ordering::Relaxed);
            table.region.word(table.layout.hint_word(set)).store(u64::MAX, Ordering::Relaxed);
        }
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || {
            let twice = [check(&other, 0xa0), check(&other, 0xa0)];
            assert!(twice != [Some(true), Some(true)]);
        });
        let _ = check(&table, LAST_SET | 0xb0);
        thread.join().unwrap();
    });
}

/// Two new keys for one free entry: one of them gets it, and is counted in it.
#[test]
fn loom_an_entry_has_one_key() {
    model(2, || {
        let table = table("1/minute", 1);
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || check(&other, BOB));
        let here = check(&table, ALICE);
        // An entry without events counts as recovered: each may take it from the other before it is used.
        let there = thread.join().unwrap();
        assert!(here.is_some() || there.is_some());
        assert_ne!(here, Some(false));
        assert_ne!(there, Some(false));
        assert!(table.lookup(ALICE).is_some() ^ table.lookup(BOB).is_some());
    });
}

/// A key whose entry is given to another in the middle of its check is never decided by the
/// other's state, nor written to it.
#[test]
fn loom_a_reclaimed_entry_is_another_keys() {
    model(2, || {
        let table = table("1/minute", 1);
        let target = place(&table, ALICE).unwrap();
        let other = Arc::clone(&table);
        let thread = thread::spawn(move || match place(&other, BOB) {
            Some(target) => other.check(target, NOW, Same(1)).ok().map(|verdict| verdict.violated),
            None => None,
        });
        let here = table.check(target, NOW, Same(1)).ok().map(|verdict| verdict.violated);
        let there = thread.join().unwrap();
        // Alice's unit or Bob's, never a denial of one by the other's, and never both in one entry.
        assert!(matches!((here, there), (Some(0), None) | (None, Some(0))), "{here:?} {there:?}");
    });
}

/// A writer that ended with its lock: of two that come upon it each is decided, and one is admitted.
#[test]
fn loom_a_lock_of_the_dead_is_taken_over_once() {
    model(3, || {
        let (owners, policy) = (Owners::shared(&ME, Box::new(OthersEnded)), "1/minute".parse().unwrap());
        let table = Arc::new(Table::modelled(&policy, 1, owners).unwrap());
        let target = place(&table, ALICE).unwrap();
        let word = table.region.word(table.layout.entry_word(target.slot) + VERSION);
        let version = word.load(Ordering::Relaxed);
        word.store(version | 77 << 40 | 1, Ordering::Relaxed);
        let other = Arc::clone(&table);
        let ask = move |table: &Table| table.check(target, NOW, Same(1)).unwrap().violated == 0;
        let thread = thread::spawn(move || ask(&other));
        let here = ask(&table);
        assert!(here ^ thread.join().unwrap());
    });
}

static ME: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(5);

struct OthersEnded;

impl Members for OthersEnded {
    fn has_ended(&self, owner: u32) -> bool {
        owner != 5
    }
}

/// Two joint checks over the same two tables, named in opposite orders: no deadlock, and with one
/// unit in one of them, one admission.
#[test]
fn loom_a_joint_check_takes_all_or_nothing() {
    use super::joint::{self, Part};
    model(2, || {
        let tables = [table("2/minute token-bucket", 1), table("1/minute token-bucket", 1)];
        let targets = [place(&tables[0], ALICE).unwrap(), place(&tables[1], BOB).unwrap()];
        let ask = move |tables: &[Arc<Table>; 2], order: [usize; 2]| {
            let parts = order.map(|i| Part {
                table: &tables[i],
                target: targets[i],
                now: NOW,
                costs: AnyCosts::Same(1),
            });
            joint::check(&parts).unwrap().iter().all(|verdict| verdict.violated == 0)
        };
        let others = tables.clone();
        let thread = thread::spawn(move || ask(&others, [1, 0]));
        let here = ask(&tables, [0, 1]);
        assert!(here ^ thread.join().unwrap());
        let left = remaining(&tables[0], &tables[0].look(targets[0], NOW, Same(1)).unwrap());
        assert_eq!(left, [1]);
    });
}
