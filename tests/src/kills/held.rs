//! Which words of a segment a process holds at this moment, read from the file's bytes as
//! `docs/segment-format.md` describes them. For tests alone: everybody else asks the engine.

use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The first seat.
const SEATS: u64 = 4096;
const MOST_SEATS: usize = 1023;
/// Where the table begins.
const TABLE: u64 = 65_536;
/// The header's count of the table's words.
const WORDS: u64 = 14 * 8;
/// A seat's count of who sat there.
const TURN_MASK: u64 = 0x3fff;

/// A segment's file.
#[derive(Debug)]
pub struct Bytes {
    file: File,
}

impl Bytes {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { file: File::options().read(true).write(true).open(path)? })
    }

    fn words(&self, at: u64, count: usize) -> Result<Vec<u64>> {
        let mut bytes = vec![0; count * 8];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.chunks_exact(8).map(|b| b.first_chunk().map_or(0, |b| u64::from_ne_bytes(*b))).collect())
    }

    /// The names under which a process has locked words, as those who take its seats would see them.
    fn names(&self, pid: u32) -> Result<Vec<u64>> {
        let seats = self.words(SEATS, MOST_SEATS)?.into_iter().zip(1..);
        let of_process = seats.filter(|(seat, _)| seat >> 32 == u64::from(pid));
        Ok(of_process.map(|(seat, number)| (seat & TURN_MASK) << 10 | number).collect())
    }

    /// How many words the process has locked.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn held_by(&self, pid: u32) -> Result<usize> {
        let names = self.names(pid)?;
        let count = self.words(WORDS, 1)?.first().copied().and_then(|count| usize::try_from(count).ok());
        let words = self.words(TABLE, count.ok_or_else(|| Error::other("the header counts no words"))?)?;
        Ok(words.into_iter().filter(|word| word & 1 == 1 && names.contains(&(word >> 40))).count())
    }

    /// Lets the names of the first seats begin again soon, as after 16,384 processes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn wear_seats(&self, seats: u64, left: u64) -> Result<()> {
        let word = (TURN_MASK - left).to_ne_bytes();
        (0..seats).try_for_each(|seat| self.file.write_all_at(&word, SEATS + 8 * seat))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_does_nothing_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quota");
        let limiter = tidegate::Limiter::builder("3/second").max_keys(100).segment(&path).build().unwrap();
        assert!(limiter.allow("a").unwrap());
        let bytes = Bytes::open(&path).unwrap();
        assert_eq!(bytes.names(std::process::id()).unwrap().len(), 1);
        assert_eq!(bytes.held_by(std::process::id()).unwrap(), 0);
    }
}
