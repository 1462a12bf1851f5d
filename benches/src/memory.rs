//! Resident memory a key. Each case runs in a fresh process of its own, so that no allocator
//! gives it pages that another case has left behind.
//!
//! A program that measures calls [`run_if_child`] first: the child is the same program again.

mod cases;

use std::hint::black_box;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Result;
pub use cases::ALL;

/// Live keys of every case; `max_keys` of ours.
pub const KEYS: usize = 1_000_000;

/// The environment variables that tell a child what to do.
const CASE: &str = "TIDEGATE_BENCH_MEMORY_CASE";
const KEYS_VARIABLE: &str = "TIDEGATE_BENCH_MEMORY_KEYS";

/// One limiter with one kind of content.
pub struct Case {
    /// For records.
    pub id: &'static str,
    /// For tables.
    pub title: &'static str,
    /// Fills the limiter with the given number of keys, taking samples as it goes.
    fill: fn(usize, &mut Sampler) -> Result<()>,
}

/// What a case found, in bytes of resident memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case's id.
    pub id: String,
    /// The case's title.
    pub title: String,
    /// Live keys.
    pub keys: usize,
    /// Resident memory before the limiter was made.
    pub before: u64,
    /// With all keys live.
    pub filled: u64,
    /// After ten times as many distinct keys, in the cases that go on so far.
    pub flooded: Option<u64>,
}

impl CaseResult {
    /// Bytes a live key.
    #[must_use]
    pub fn bytes_per_key(&self) -> f64 {
        self.filled.saturating_sub(self.before) as f64 / self.keys as f64
    }

    /// What the limiter's memory was multiplied by in the flood.
    #[must_use]
    pub fn growth(&self) -> Option<f64> {
        let own = |rss: u64| rss.saturating_sub(self.before) as f64;
        self.flooded.map(|flooded| own(flooded) / own(self.filled))
    }
}

/// Notes the resident memory while the limiter that it is handed is alive.
#[derive(Default)]
pub struct Sampler(Vec<u64>);

impl Sampler {
    fn sample<L>(&mut self, limiter: &L) -> Result<()> {
        black_box(limiter);
        self.0.push(resident()?);
        Ok(())
    }
}

/// Runs every case with `keys` keys, each in a process of its own.
///
/// # Errors
/// A child that could not be started, failed, or said something else than a result.
pub fn measure_all(keys: usize) -> Result<Vec<CaseResult>> {
    ALL.iter().map(|case| measure(case, keys)).collect()
}

fn measure(case: &Case, keys: usize) -> Result<CaseResult> {
    let child = Command::new(std::env::current_exe()?)
        .env(CASE, case.id)
        .env(KEYS_VARIABLE, keys.to_string())
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !child.status.success() {
        return Err(format!("memory case {}: the child ended with {}", case.id, child.status).into());
    }
    Ok(serde_json::from_slice(&child.stdout)?)
}

/// In a child: measures its case, prints the result as JSON and returns true. Elsewhere nothing.
///
/// # Errors
/// An unknown case, a limiter that cannot be made, no `/proc`.
pub fn run_if_child() -> Result<bool> {
    let Ok(id) = std::env::var(CASE) else { return Ok(false) };
    let case = ALL.iter().find(|case| case.id == id).ok_or_else(|| format!("no memory case `{id}`"))?;
    let keys = std::env::var(KEYS_VARIABLE)?.parse()?;
    println!("{}", serde_json::to_string(&run(case, keys)?)?);
    Ok(true)
}

fn run(case: &Case, keys: usize) -> Result<CaseResult> {
    let mut sampler = Sampler::default();
    let before = resident()?;
    (case.fill)(keys, &mut sampler)?;
    let Some(&filled) = sampler.0.first() else { return Err("a case without a sample".into()) };
    let flooded = sampler.0.get(1).copied();
    Ok(CaseResult { id: case.id.into(), title: case.title.into(), keys, before, filled, flooded })
}

/// The resident memory of this process in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|e| format!("memory is measured on Linux only: /proc/self/status: {e}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.ok_or("/proc/self/status has no VmRSS in kB")?.parse::<u64>()? * 1024)
}
