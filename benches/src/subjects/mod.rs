//! tidegate and each peer as contenders, every one by the fastest keyed use that its
//! documentation shows. The only part that knows their APIs.
//!
//! *Allowed* takes a quota as slow as the seed's (100 a minute) with a burst that no run ends;
//! *denied* takes one that an instant exhausts and a day refills. The work of a check is the
//! same for any numbers in these limiters, except for logs, which are set up like ours.

pub mod gcra;
pub mod governor;
pub mod rate_net;
pub mod ratelimit;
#[cfg(target_os = "linux")]
pub mod segment;
pub mod throttlecrab;
pub mod tidegate;

use std::time::Duration;

use crate::harness::Expect;

/// As long as no run takes.
const DAY: Duration = Duration::from_secs(86_400);

/// What a peer is set up for.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// What every check must answer.
    pub expect: Expect,
    /// The keys, all of which are made known (and for denials exhausted) before the first round.
    pub keys: &'a [&'static str],
    /// Threads that ask at once.
    pub threads: usize,
    /// Units that logs hold for every key beforehand, when checks are to be allowed.
    pub live: u32,
    /// Whether each chunk is taken back from logs, so that the next finds what the last found.
    pub undo: bool,
}

impl Situation<'_> {
    /// Makes every key known; `checks` of them leave it as the situation wants it.
    fn ask_beforehand<R>(&self, checks: u32, mut check: impl FnMut(&'static str) -> R) {
        for key in self.keys {
            for _ in 0..checks {
                check(key);
            }
        }
    }
}
