//! What stands for a key.

use std::hash::{BuildHasher, Hasher};

use ahash::RandomState;

#[cfg(all(target_os = "linux", not(loom)))]
use crate::store::segment;

/// A keyed hash of 64 bits.
pub(super) enum KeyHash {
    /// The fastest of this build, seeded anew in every process.
    Process(RandomState),
    /// A segment's: the same in every build.
    #[cfg(all(target_os = "linux", not(loom)))]
    Segment(segment::Hash),
}

impl KeyHash {
    #[inline(always)]
    pub(super) fn of(&self, key: &[u8]) -> u64 {
        match self {
            Self::Process(state) => {
                let mut hasher = state.build_hasher();
                hasher.write(key);
                hasher.finish()
            }
            #[cfg(all(target_os = "linux", not(loom)))]
            Self::Segment(hash) => hash.of(key),
        }
    }
}
