//! Processes that are killed at any write: what they leave behind never admits beyond the quota,
//! is given up by the next who comes, and is forgotten after a window like everything else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::joint::{self, Part};
use super::kill::killed_after;
use super::owners::Members;
use super::{Admission, AnyCosts, Layout, Miss, Owners, Region, Same, Table, Target};
use crate::limit::{Algorithm, Limit};
use crate::policy::Policy;

const SECOND: u64 = 1_000_000_000;
const KEYS: u64 = 3;

/// All who had a name before are dead.
struct Dead(&'static AtomicU32);

impl Members for Dead {
    fn has_ended(&self, owner: u32) -> bool {
        owner != self.0.load(Ordering::Relaxed)
    }
}

/// What was granted to a key, and not given back.
#[derive(Clone, Default)]
struct Granted(Vec<(u64, u64)>);

impl Granted {
    fn give_back(&mut self, mut cost: u64) {
        while let Some((_, last)) = self.0.last_mut().filter(|_| cost > 0) {
            let back = cost.min(*last);
            (*last, cost) = (*last - back, cost - back);
            if *last == 0 {
                self.0.pop();
            }
        }
    }

    /// Whether the last grant is within a limit, by what the limit promises.
    fn is_within(&self, limit: &Limit) -> bool {
        let (window, now) = (limit.window().as_nanos() as u64, self.0.last().unwrap().0);
        let since =
            |from: u64| self.0.iter().filter(|grant| grant.0 >= from).map(|grant| grant.1).sum::<u64>();
        match limit.algorithm() {
            Algorithm::SlidingWindowLog => since((now + 1).saturating_sub(window)) <= limit.quota(),
            Algorithm::TokenBucket => self.0.iter().all(|&(from, _)| {
                let refill = u128::from(now - from) * u128::from(limit.quota()) / u128::from(window);
                u128::from(since(from)) <= u128::from(limit.capacity()) + refill
            }),
        }
    }
}

struct World {
    me: &'static AtomicU32,
    policy: Policy,
    tables: [Table; 2],
    now: u64,
    granted: [Granted; KEYS as usize],
    random: u64,
    kills: u32,
}

impl World {
    fn new(policy: &str, max_keys: usize, seed: u64) -> Self {
        let me: &'static AtomicU32 = Box::leak(Box::new(AtomicU32::new(1)));
        let policy: Policy = policy.parse().unwrap();
        let table = || {
            let layout = Layout::new(&policy, max_keys, Duration::ZERO).unwrap();
            let (words, events) = layout.size();
            let map = crate::store::process::reserve(Region::bytes(words, events).unwrap()).unwrap();
            let owners = Owners::shared(me, Box::new(Dead(me)));
            Table::new(layout, Region::new(map, words, events).unwrap(), owners)
        };
        let tables = [table(), table()];
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { me, policy, tables, now: 1000 * SECOND, granted: Default::default(), random, kills: 0 }
    }

    /// A number below `bound`.
    fn draw(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % bound
    }

    /// One call by a process that may be killed in the midst of it.
    fn step(&mut self) {
        // Whole milliseconds are whole ticks, which are judged exactly.
        self.now += self.draw(4) * self.draw(150) * 1_000_000;
        let (key, cost) = (self.draw(KEYS), 1 + self.draw(2) * self.draw(3));
        let writes = if self.draw(2) == 0 { self.draw(40) as u32 } else { 1_000 };
        let (now, tag) = (self.now, tag(key));
        let call = self.draw(12);
        let [table, other] = &self.tables;
        let outcome = killed_after(writes, || match call {
            0 => Outcome::Done(table.give_back(tag, Same(cost))),
            1 => Outcome::Done(table.forget(tag)),
            2 => Outcome::Asked(check_both(table, other, tag, now)),
            _ => Outcome::Asked(check(table, tag, now, cost)),
        });
        if outcome.is_none() {
            self.kills += 1;
            self.me.fetch_add(1, Ordering::Relaxed);
        }
        self.judge(key, if call == 2 { 1 } else { cost }, call, outcome);
    }

    fn judge(&mut self, key: u64, cost: u64, call: u64, outcome: Option<Outcome>) {
        let granted = &mut self.granted[key as usize];
        match (call, outcome) {
            // Of one that was killed any part may have been done.
            (0, Some(Outcome::Done(true)) | None) => granted.give_back(cost),
            (1, Some(Outcome::Done(true)) | None) => granted.0.clear(),
            (_, Some(Outcome::Asked(Some(true)))) => {
                granted.0.push((self.now, cost));
                for limit in self.policy.limits() {
                    assert!(granted.is_within(limit), "{limit:?} at {}: {:?}", self.now, granted.0);
                }
            }
            (_, Some(Outcome::Asked(Some(false))) | None) => {}
            (_, Some(Outcome::Asked(None))) => {}
            (_, Some(Outcome::Done(_))) => panic!("a lock was left behind"),
        }
    }

    /// After the longest window nothing is counted any more.
    fn recovers(&mut self) {
        self.now += 200 * SECOND;
        for key in 0..KEYS {
            let target =
                self.tables[0].lookup(tag(key)).or_else(|| place(&self.tables[0], tag(key), self.now));
            let most = self.policy.limits().iter().map(Limit::capacity).min().unwrap();
            let verdict = self.tables[0].check(target.unwrap(), self.now, Same(most)).unwrap();
            assert_eq!(verdict.violated, 0, "{most} units of key {key} are not free after 200 s");
            self.now += 200 * SECOND;
        }
    }
}

#[derive(Debug)]
enum Outcome {
    Done(bool),
    /// `None` if there was no room.
    Asked(Option<bool>),
}

/// Keys of different low bytes, and two of the same.
fn tag(key: u64) -> u64 {
    (key + 1) << 60 | (key / 2 + 1)
}

fn place(table: &Table, tag: u64, now: u64) -> Option<Target> {
    match table.admit(tag, now) {
        Admission::Placed { target, .. } => Some(target),
        Admission::Full { .. } => None,
        Admission::Unavailable => panic!("an insertion was left behind"),
    }
}

fn check(table: &Table, tag: u64, now: u64, cost: u64) -> Option<bool> {
    loop {
        let target = table.lookup(tag).or_else(|| place(table, tag, now))?;
        match table.check(target, now, Same(cost)) {
            Ok(verdict) => return Some(verdict.violated == 0),
            Err(Miss::Gone) => {}
            Err(Miss::Unavailable) => panic!("a lock was left behind"),
        }
    }
}

fn check_both(table: &Table, other: &Table, tag: u64, now: u64) -> Option<bool> {
    loop {
        let stand = |table: &Table| table.lookup(tag).or_else(|| place(table, tag, now));
        let (one, two) = (stand(table)?, stand(other)?);
        let parts = [(table, one), (other, two)].map(|(table, target)| Part {
            table,
            target,
            now,
            costs: AnyCosts::Same(1),
        });
        match joint::check(&parts) {
            Ok(verdicts) => return Some(verdicts.iter().all(|verdict| verdict.violated == 0)),
            Err(Miss::Gone) => {}
            Err(Miss::Unavailable) => panic!("a lock was left behind"),
        }
    }
}

fn survive(policy: &str, max_keys: usize) {
    let mut kills = 0;
    for seed in 1..=300 {
        let mut world = World::new(policy, max_keys, seed);
        (0..150).for_each(|_| world.step());
        world.recovers();
        kills += world.kills;
    }
    assert!(kills > 2_000, "{kills} kills");
}

#[test]
fn a_log_survives_kills() {
    survive("6/second", 3);
    // With one ring slot.
    survive("5/second", 3);
}

#[test]
fn a_long_log_survives_kills() {
    survive("40/10 seconds", 3);
}

#[test]
fn a_bucket_survives_kills() {
    survive("5/second token-bucket burst=8", 3);
}

#[test]
fn a_pair_survives_kills() {
    survive("20/10 seconds; 5/second token-bucket", 3);
    survive("5/second token-bucket burst=3; 20/10 seconds", 3);
}

#[test]
fn many_limits_survive_kills() {
    survive("9/second; 5/second token-bucket burst=7; 40/minute", 3);
}

#[test]
fn insertion_and_reclaim_survive_kills() {
    survive("3/second", 1);
    survive("3/second; 4/second token-bucket", 2);
}
