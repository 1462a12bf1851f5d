//! What the processes fight over: a folder with four segments, and what each is to count.

use std::path::{Path, PathBuf};

use tidegate::{Limiter, OnFull, OnUnavailable};
use tidegate_reference::Limit;

use crate::engine_policy;

/// Room in each table: few enough that keys come and go all the time.
pub const MAX_KEYS: usize = 64;

/// Keys that are asked for all the time.
pub const HOT: u64 = 3;

/// Keys that appear at once.
pub const NEW: u64 = 4;

const MILLI: u64 = 1_000_000;

/// The number of a segment.
pub type Which = usize;

/// The limits of every segment. Some quotas are large, so that an admission of many units spends
/// long under the lock of its entry, but not so large that a slow machine does not use them up: only
/// then does a quota that is forgotten show. The third counts by the coarse clock.
#[must_use]
pub fn limits() -> [Vec<Limit>; 4] {
    [
        vec![Limit::log("log", 20_000, 50 * MILLI)],
        vec![Limit::bucket("bucket", 3000, 50 * MILLI, 2000)],
        vec![Limit::log("slow", 20, 2000 * MILLI), Limit::bucket("steady", 10, 1000 * MILLI, 10)],
        vec![
            Limit::log("short", 2000, 5 * MILLI),
            Limit::log("middle", 6000, 20 * MILLI),
            Limit::bucket("long", 100_000, 500 * MILLI, 10_000),
        ],
    ]
}

/// The longest time until a key of any segment has its full quota again.
pub const RECOVERED: std::time::Duration = std::time::Duration::from_millis(2100);

/// A key: a number within its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub u64);

impl Key {
    /// A key that refunds and resets are tried on, too, so that its admissions prove nothing.
    pub const SPARE: Self = Self(HOT);

    /// One of those that everybody asks for.
    #[must_use]
    pub fn hot(n: u64) -> Self {
        Self(n % HOT)
    }

    /// One that is new for an eighth of the segment's longest window.
    #[must_use]
    pub fn new_at(limits: &[Limit], now: u64, n: u64) -> Self {
        let longest = limits.iter().map(|limit| limit.window).max().unwrap_or(8);
        Self(now / (longest / 8) * NEW + n % NEW + 1000)
    }

    /// As the engine has it.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }

    /// As a record has it: unlike that of every key of another segment.
    #[must_use]
    pub fn recorded(self, which: Which) -> u64 {
        (which as u64) << 56 | self.0
    }
}

/// The segment that a record's key is of.
#[must_use]
pub fn segment_of(recorded: u64) -> Which {
    (recorded >> 56) as Which
}

/// Where the segments, and what becomes of them, are.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The folder.
    pub folder: PathBuf,
}

impl Scene {
    /// The file of a segment.
    #[must_use]
    pub fn segment(&self, which: Which) -> PathBuf {
        self.folder.join(format!("segment-{which}"))
    }

    /// The admissions of a worker.
    #[must_use]
    pub fn records(&self, worker: u64) -> PathBuf {
        self.folder.join(format!("records-{worker}"))
    }

    /// A worker's signs of life.
    #[must_use]
    pub fn pulse(&self, worker: u64) -> PathBuf {
        self.folder.join(format!("pulse-{worker}"))
    }

    /// Opens every segment, or makes it.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn open(&self, on_unavailable: OnUnavailable) -> tidegate::Result<Vec<Limiter>> {
        let open = |(which, limits): (Which, Vec<Limit>)| {
            Limiter::builder(engine_policy(&tidegate_reference::Policy::new(limits))?)
                .max_keys(MAX_KEYS)
                .on_full(OnFull::Deny)
                .on_unavailable(on_unavailable)
                .segment(self.segment(which))
                .build()
        };
        limits().into_iter().enumerate().map(open).collect()
    }
}

/// A folder in memory where there is one, that goes away with its contents.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("tidegate-kills-").tempdir_in(parent)
}
