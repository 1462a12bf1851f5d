//! What the records of all processes together say.

use std::collections::HashMap;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate_reference::Limit;

use super::record;
use crate::judge::{self, first_excess};
use crate::reference_limits;
use crate::stress::Seen;

/// The admissions of every key.
#[derive(Debug, Default)]
pub struct Records {
    keys: HashMap<u64, Vec<Seen>>,
}

impl Records {
    /// Those in these files.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn read(files: impl IntoIterator<Item = PathBuf>) -> Result<Self> {
        let mut keys = HashMap::<u64, Vec<Seen>>::new();
        for file in files {
            for (key, seen) in record::read(&file)? {
                keys.entry(key).or_default().push(seen);
            }
        }
        Ok(Self { keys })
    }

    /// How many there are.
    #[must_use]
    pub fn admissions(&self) -> usize {
        self.keys.values().map(Vec::len).sum()
    }

    /// The units of all of them.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.keys.values().flatten().map(|seen| seen.cost).sum()
    }

    /// The keys that they are of.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Every limit that was certainly exceeded, in words, where `limits` says what counts for a key.
    #[must_use]
    pub fn violations<'a>(&self, limits: impl Fn(u64) -> &'a [Limit]) -> Vec<String> {
        let mut found = Vec::new();
        for (&key, seen) in &self.keys {
            let broken = limits(key).iter().filter_map(|limit| Some((limit, first_excess(limit, seen)?)));
            found.extend(broken.map(|(limit, end)| format!("key {key:#x} exceeds {limit:?} at {end:?}")));
        }
        found
    }

    /// The part of what the limit allows within a time that one key was given, from 0 to 1.
    #[must_use]
    pub fn used(&self, key: u64, limit: &Limit, time: Duration) -> f64 {
        let seen = self.keys.get(&key).map_or(&[][..], Vec::as_slice);
        judge::used(limit, seen, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The numbers of the keys, in order.
    #[must_use]
    pub fn key_numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<_> = self.keys.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

/// The judgement on the records of several processes.
#[derive(Clone, Debug)]
pub struct Judged {
    /// For people.
    pub text: String,
    /// Whether no limit was exceeded.
    pub is_kept: bool,
    /// The part of the quota that the key was given that was given least of it, of its tightest
    /// limit; from 0 to 1.
    pub used: f64,
}

/// Judges the records of several processes that shared one policy; how much of it they used if they
/// took what they could for a given time.
///
/// # Errors
/// A file cannot be read.
pub fn judge_files(policy: &tidegate::Policy, files: &[PathBuf], time: Option<Duration>) -> Result<Judged> {
    let (limits, records) = (reference_limits(policy), Records::read(files.iter().cloned())?);
    let (violations, mut least) = (records.violations(|_| &limits), 1.0_f64);
    let mut text = format!("policy      {policy}\n");
    for file in files {
        text += &format!("process     {:>9} admissions  {}\n", count(file)?, file.display());
    }
    text += &format!("admissions  {:>9} of {} keys\n", records.admissions(), records.keys());
    for (key, time) in records.key_numbers().into_iter().filter_map(|key| Some((key, time?))) {
        let used: Vec<_> = limits.iter().map(|limit| records.used(key, limit, time)).collect();
        least = least.min(used.iter().copied().fold(0.0, f64::max));
        let shares =
            limits.iter().zip(used).map(|(limit, used)| format!("{} {:.2}%", limit.name, 100.0 * used));
        text += &format!("used        {} (key {key})\n", shares.collect::<Vec<_>>().join(", "));
    }
    text += &format!("violations  {:>9}\n", violations.len());
    violations.iter().for_each(|violation| text += &format!("  {violation}\n"));
    Ok(Judged { text, is_kept: violations.is_empty(), used: least })
}

fn count(file: &Path) -> Result<usize> {
    Ok(record::read(file)?.len())
}

/// The largest cost that every one of the limits admits.
#[must_use]
pub fn most(limits: &[Limit]) -> u64 {
    limits.iter().map(Limit::capacity).min().unwrap_or(1)
}
