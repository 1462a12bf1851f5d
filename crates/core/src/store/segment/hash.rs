//! The hash of a segment: part of the format, the same in every build and on every machine.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};

/// A keyed hash: rapidhash version 3, with secrets derived from the seed in the file's header.
#[derive(Clone)]
pub(crate) struct Hash {
    secrets: RapidSecrets,
}

impl Hash {
    pub(crate) fn new(seed: u64) -> Self {
        Self { secrets: RapidSecrets::seed(seed) }
    }

    #[inline(always)]
    pub(crate) fn of(&self, bytes: &[u8]) -> u64 {
        rapidhash_v3_inline::<true, false, false>(bytes, &self.secrets)
    }

    /// What the hash gives for a fixed text: a library in which it gives something else would find
    /// none of the keys.
    pub(super) fn probe(&self) -> u64 {
        self.of(b"tidegate: one quota for every process")
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash(rapidhash v3)")
    }
}

/// A checksum of a header.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    Hash::new(0).of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files outlive builds: these values are the format's.
    #[test]
    fn the_hash_is_the_formats() {
        let values = [Hash::new(0).probe(), Hash::new(1).probe(), Hash::new(7).of(b"alice")];
        assert_eq!(
            values,
            [9_526_545_980_878_138_641, 17_130_958_716_324_456_131, 16_484_812_779_538_172_256]
        );
    }
}
