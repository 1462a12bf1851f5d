//! Signs of life: how many calls a worker has made, and the longest of them.

use std::fs::File;
use std::io::Result;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::record::now;

/// A call longer than this is told at once.
const LONG: u64 = 1_000_000;

/// What a worker says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Calls that came back.
    pub calls: u64,
    /// When the last sign was given.
    pub at: u64,
    /// The longest call in nanoseconds.
    pub longest: u64,
    /// Calls whose key could not be had.
    pub unavailable: u64,
    /// Calls that were admitted without being counted.
    pub uncounted: u64,
}

/// Gives the signs.
#[derive(Debug)]
pub struct Heart {
    file: File,
    pulse: Pulse,
}

impl Heart {
    /// Gives the first sign.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn start(path: &Path) -> Result<Self> {
        let heart = Self { file: File::create(path)?, pulse: Pulse { at: now(), ..Pulse::default() } };
        heart.beat()?;
        Ok(heart)
    }

    /// Counts a call; gives a sign now and then, and after each call that took long.
    ///
    /// # Errors
    /// The disk is full.
    pub fn called(&mut self, before: u64, after: u64, without_key: impl Fn() -> (u64, u64)) -> Result<()> {
        let took = after - before;
        self.pulse.calls += 1;
        self.pulse.longest = self.pulse.longest.max(took);
        if took < LONG && !self.pulse.calls.is_multiple_of(32) {
            return Ok(());
        }
        self.pulse.at = after;
        (self.pulse.unavailable, self.pulse.uncounted) = without_key();
        self.beat()
    }

    /// Gives a sign.
    fn beat(&self) -> Result<()> {
        let Pulse { calls, at, longest, unavailable, uncounted } = self.pulse;
        let words = [calls, at, longest, unavailable, uncounted].map(u64::to_le_bytes);
        self.file.write_all_at(words.as_flattened(), 0)
    }
}

/// The last sign; `None` if there was none yet.
#[must_use]
pub fn read(path: &Path) -> Option<Pulse> {
    let bytes = std::fs::read(path).ok()?;
    let word = |at: usize| bytes.get(at * 8..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
    let (calls, at, longest) = (word(0)?, word(1)?, word(2)?);
    Some(Pulse { calls, at, longest, unavailable: word(3)?, uncounted: word(4)? })
}
