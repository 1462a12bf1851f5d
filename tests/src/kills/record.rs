//! What a process was granted, in a file that outlives it.
//!
//! The format, for processes of any language: 32 bytes an admission, four unsigned 64-bit numbers,
//! little-endian, nothing before, between or behind them.
//!
//! | bytes | |
//! | --- | --- |
//! | 0–7 | the key, as a number that all processes give it; 0 where there is one key alone |
//! | 8–15 | the cost that was admitted |
//! | 16–23 | `CLOCK_MONOTONIC` before the call, in nanoseconds |
//! | 24–31 | the same after the call |
//!
//! An admission is written by one `write` of 32 bytes as soon as it is known. The kernel has it then,
//! whatever becomes of the process; a call to the kernel that lies within one page is not cut in two
//! by a signal. A process that is killed between the admission and the `write` leaves none: a kill
//! hides one call at most (of up to [`MOST_AT_ONCE`] records, where a call decides about several
//! keys), and can only hide admissions, never invent them.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use crate::stress::Seen;

/// Bytes of a record.
pub const LEN: usize = 32;

/// The most records that one call is written down as.
pub const MOST_AT_ONCE: usize = 4;

/// Nanoseconds on the clock that all processes of the machine share.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// The admissions of one process, as they happen.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    written: u64,
}

impl Recorder {
    /// A new file.
    ///
    /// # Errors
    /// It cannot be made, or is there already.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self { file: OpenOptions::new().append(true).create_new(true).open(path)?, written: 0 })
    }

    /// Writes an admission down.
    ///
    /// # Errors
    /// The disk is full.
    pub fn admitted(&mut self, key: u64, cost: u64, before: u64, after: u64) -> Result<()> {
        let mut bytes = [0; LEN];
        let words = bytes.chunks_exact_mut(8).zip([key, cost, before, after]);
        words.for_each(|(bytes, word)| bytes.copy_from_slice(&word.to_le_bytes()));
        self.written += 1;
        self.file.write_all(&bytes)
    }

    /// How many there are so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// The admissions in a file. What is behind the last whole record is left out.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Vec<(u64, Seen)>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(LEN).map(decode).collect())
}

fn decode(bytes: &[u8]) -> (u64, Seen) {
    let mut words =
        bytes.chunks_exact(8).map(|word| word.first_chunk().map_or(0, |w| u64::from_le_bytes(*w)));
    let mut word = || words.next().unwrap_or(0);
    let (key, cost, before, after) = (word(), word(), word(), word());
    (key, Seen { key: 0, before, after, cost, allowed: true })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_torn_end_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut recorder = Recorder::create(&path).unwrap();
        recorder.admitted(7, 3, 10, 12).unwrap();
        recorder.file.write_all(&[1; 31]).unwrap();
        assert_eq!(
            read(&path).unwrap(),
            [(7, Seen { key: 0, before: 10, after: 12, cost: 3, allowed: true })]
        );
        assert!(Recorder::create(&path).is_err());
    }

    #[test]
    fn the_clock_is_the_engines() {
        let (before, clock, after) = (now(), tidegate::Clock::Precise.now().get(), now());
        assert!(before <= clock && clock <= after);
    }
}
