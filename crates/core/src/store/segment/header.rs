//! The first page of a segment: what its table is for and how it is laid out. Bytes alone; the
//! file is another module's. `docs/segment-format.md` describes them.

use super::hash::{Hash, checksum};
use crate::error::SegmentFault;

/// The version of the layout that this library reads and writes.
pub(super) const VERSION: u64 = 3;

/// Bytes of the header.
pub(super) const LEN: usize = 4096;

/// The most bytes of a policy's canonical notation.
pub(super) const MAX_POLICY: usize = LEN - POLICY;

const MAGIC: u64 = u64::from_ne_bytes(*b"tidegate");
/// Reads as another number on a machine of the other byte order, on which no word would be right.
const ORDER: u64 = 0x0102_0304_0506_0708;
/// No clock lags more, in nanoseconds; with any number the sums of times would not stay in 64 bits.
const MOST_LAG: u64 = 1_000_000_000;
/// The first byte of the policy.
const POLICY: usize = 256;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the whole file.
    pub(super) len: u64,
    /// The `max_keys` that were asked for.
    pub(super) max_keys: u64,
    /// The seed of the keys' hash.
    pub(super) seed: u64,
    pub(super) clock: ClockKind,
    /// How far the readings of the processes' clocks may be in the past, in nanoseconds.
    pub(super) lag: u64,
    /// What is added to a reading of the system's clock to make the segment's time.
    pub(super) epoch: u64,
    /// The boot of the machine that `epoch` belongs to.
    pub(super) boot: u128,
    /// When the segment was made: nanoseconds of Unix time.
    pub(super) created: u64,
    /// Words and events of the table.
    pub(super) size: (u64, u64),
    /// In the canonical notation.
    pub(super) policy: String,
}

/// By which clock a segment counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockKind {
    /// The monotonic clock of the system, read precisely or coarsely.
    System,
    /// Manual clocks, for tests.
    Manual,
}

/// Positions in the header, in words.
mod word {
    pub(super) const MAGIC: usize = 0;
    pub(super) const ORDER: usize = 1;
    pub(super) const VERSION: usize = 2;
    pub(super) const CHECKSUM: usize = 3;
    pub(super) const LEN: usize = 4;
    pub(super) const MAX_KEYS: usize = 5;
    pub(super) const SEED: usize = 6;
    pub(super) const PROBE: usize = 7;
    pub(super) const CLOCK: usize = 8;
    pub(super) const LAG: usize = 9;
    pub(super) const EPOCH: usize = 10;
    pub(super) const BOOT_LOW: usize = 11;
    pub(super) const BOOT_HIGH: usize = 12;
    pub(super) const CREATED: usize = 13;
    pub(super) const WORDS: usize = 14;
    pub(super) const EVENTS: usize = 15;
    pub(super) const POLICY_LEN: usize = 16;
}

/// The bytes of a header.
struct Page([u8; LEN]);

impl Page {
    fn get(&self, word: usize) -> u64 {
        let bytes = self.0.get(word * 8..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }

    fn set(&mut self, word: usize, value: u64) {
        if let Some(bytes) = self.0.get_mut(word * 8..).and_then(<[u8]>::first_chunk_mut) {
            *bytes = value.to_ne_bytes();
        }
    }

    /// The checksum of everything but itself.
    fn checksum(&self) -> u64 {
        let mut rest = Self(self.0);
        rest.set(word::CHECKSUM, 0);
        checksum(&rest.0)
    }
}

impl Header {
    /// # Errors
    /// A policy that is too long.
    pub(super) fn encode(&self) -> Result<[u8; LEN], SegmentFault> {
        let mut page = Page([0; LEN]);
        let policy = self.policy.as_bytes();
        let place = page.0.get_mut(POLICY..).and_then(|rest| rest.get_mut(..policy.len()));
        let place = place.ok_or(SegmentFault::LongPolicy { len: policy.len(), most: MAX_POLICY })?;
        place.copy_from_slice(policy);
        for (word, value) in [
            (word::MAGIC, MAGIC),
            (word::ORDER, ORDER),
            (word::VERSION, VERSION),
            (word::LEN, self.len),
            (word::MAX_KEYS, self.max_keys),
            (word::SEED, self.seed),
            (word::PROBE, Hash::new(self.seed).probe()),
            (word::CLOCK, self.clock.number()),
            (word::LAG, self.lag),
            (word::EPOCH, self.epoch),
            (word::BOOT_LOW, self.boot as u64),
            (word::BOOT_HIGH, (self.boot >> 64) as u64),
            (word::CREATED, self.created),
            (word::WORDS, self.size.0),
            (word::EVENTS, self.size.1),
            (word::POLICY_LEN, policy.len() as u64),
        ] {
            page.set(word, value);
        }
        page.set(word::CHECKSUM, page.checksum());
        Ok(page.0)
    }

    /// The header in the first bytes of a file of `len` bytes.
    ///
    /// # Errors
    /// Whatever makes the file another thing than a segment of this version.
    pub(super) fn decode(bytes: &[u8], len: u64) -> Result<Self, SegmentFault> {
        let Some(page) = bytes.first_chunk().copied().map(Page) else {
            let is_cut = bytes.starts_with(&MAGIC.to_ne_bytes());
            let size = SegmentFault::Size { found: len, wanted: LEN as u64 };
            return Err(if is_cut { size } else { SegmentFault::NotASegment });
        };
        identify(&page)?;
        let header = Self::read(&page).ok_or(SegmentFault::Damaged)?;
        if page.get(word::PROBE) != Hash::new(header.seed).probe() {
            return Err(SegmentFault::Hash);
        }
        if header.len != len {
            return Err(SegmentFault::Size { found: len, wanted: header.len });
        }
        Ok(header)
    }

    fn read(page: &Page) -> Option<Self> {
        let policy_len = usize::try_from(page.get(word::POLICY_LEN)).ok()?;
        let policy = page.0.get(POLICY..)?.get(..policy_len)?;
        let (low, high) = (page.get(word::BOOT_LOW), page.get(word::BOOT_HIGH));
        Some(Self {
            len: page.get(word::LEN),
            max_keys: page.get(word::MAX_KEYS),
            seed: page.get(word::SEED),
            clock: ClockKind::of(page.get(word::CLOCK))?,
            lag: Some(page.get(word::LAG)).filter(|&lag| lag <= MOST_LAG)?,
            epoch: page.get(word::EPOCH),
            boot: u128::from(high) << 64 | u128::from(low),
            created: page.get(word::CREATED),
            size: (page.get(word::WORDS), page.get(word::EVENTS)),
            policy: std::str::from_utf8(policy).ok()?.to_owned(),
        })
    }
}

/// Whether a page is a header that this library reads.
fn identify(page: &Page) -> Result<(), SegmentFault> {
    let order = page.get(word::ORDER);
    if page.get(word::MAGIC) != MAGIC {
        return Err(SegmentFault::NotASegment);
    }
    if order == ORDER.swap_bytes() {
        return Err(SegmentFault::ByteOrder);
    }
    let found = page.get(word::VERSION);
    if order == ORDER && found != VERSION {
        return Err(SegmentFault::Version { found, supported: VERSION });
    }
    if order != ORDER || page.get(word::CHECKSUM) != page.checksum() {
        return Err(SegmentFault::Damaged);
    }
    Ok(())
}

impl ClockKind {
    fn number(self) -> u64 {
        match self {
            Self::System => 1,
            Self::Manual => 2,
        }
    }

    fn of(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::System),
            2 => Some(Self::Manual),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system's",
            Self::Manual => "manual",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            len: 100_000,
            max_keys: 10,
            seed: 42,
            clock: ClockKind::System,
            lag: 4_000_000,
            epoch: u64::MAX / 3,
            boot: u128::MAX / 3,
            created: 7,
            size: (1, 2),
            policy: "minute: 100/minute".into(),
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::decode(&header().encode().unwrap(), 100_000).unwrap(), header());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let bytes = header().encode().unwrap();
        for at in 0..LEN {
            let mut damaged = bytes;
            damaged[at] ^= 0x40;
            assert!(Header::decode(&damaged, 100_000).is_err(), "byte {at}");
        }
    }

    #[test]
    fn wrong_files_are_told_apart() {
        let bytes = header().encode().unwrap();
        let fault = |bytes: &[u8], len| Header::decode(bytes, len).unwrap_err();
        assert!(matches!(fault(b"", 0), SegmentFault::NotASegment));
        assert!(matches!(fault(&[b'x'; LEN], 4096), SegmentFault::NotASegment));
        assert!(matches!(fault(&bytes[..100], 100), SegmentFault::Size { found: 100, .. }));
        assert!(matches!(fault(&bytes, 99_999), SegmentFault::Size { found: 99_999, wanted: 100_000 }));
        for version in [1, 2, 9] {
            let mut other = bytes;
            other[16] = version;
            let wanted = SegmentFault::Version { found: version.into(), supported: VERSION };
            assert_eq!(fault(&other, 100_000).to_string(), wanted.to_string());
        }
        let mut hashed = Page(bytes);
        hashed.set(word::PROBE, 1);
        hashed.set(word::CHECKSUM, hashed.checksum());
        assert!(matches!(fault(&hashed.0, 100_000), SegmentFault::Hash));
        let mut swapped = bytes;
        swapped.chunks_exact_mut(8).skip(1).take(16).for_each(<[u8]>::reverse);
        assert!(matches!(fault(&swapped, 100_000), SegmentFault::ByteOrder));
    }

    #[test]
    fn a_policy_that_does_not_fit_is_refused() {
        let long = Header { policy: "x".repeat(MAX_POLICY + 1), ..header() };
        assert!(matches!(long.encode().unwrap_err(), SegmentFault::LongPolicy { len: 3841, most: 3840 }));
    }
}
