//! The word that every entry is read and written under.
//!
//! ```text
//! 63          40 39                               4 3       1    0
//! ┌─────────────┬──────────────────────────────────┬─────────┬────────┐
//! │ owner       │ count of writes                  │ blocker │ locked │
//! └─────────────┴──────────────────────────────────┴─────────┴────────┘
//! ```
//!
//! | word | means | who changes it |
//! | --- | --- | --- |
//! | locked = 0 | the entry is whole, as the count-th write left it; owner is 0 | any writer, by compare-and-swap to locked = 1 with its own name as the owner |
//! | locked = 1 | a write is under way | the owner alone, by a store of count + 1 and locked = 0; once the owner's process has died, anybody, by a compare-and-swap to their own name |
//!
//! *blocker* is the limit that denies for longest until the entry's `free_at`, for the counters
//! of a yes-or-no check.

use super::owners::Owner;

/// A write is under way.
const LOCKED: u64 = 1;
const BLOCKER_SHIFT: u32 = 1;
const BLOCKER_MASK: u64 = 0b111;
const COUNT_ONE: u64 = 1 << 4;
const OWNER_SHIFT: u32 = 40;
const COUNT_MASK: u64 = (1 << OWNER_SHIFT) - COUNT_ONE;

/// Whether a write is under way.
#[inline(always)]
pub(super) fn is_locked(version: u64) -> bool {
    version & LOCKED != 0
}

/// The word of a version that `owner` has locked.
#[inline(always)]
pub(super) fn locked(version: u64, owner: Owner) -> u64 {
    version | u64::from(owner.get()) << OWNER_SHIFT | LOCKED
}

/// Who has locked a word.
pub(super) fn owner(version: u64) -> u32 {
    (version >> OWNER_SHIFT) as u32
}

/// The word as it was before it was locked.
pub(super) fn unlocked(version: u64) -> u64 {
    version & (COUNT_MASK | BLOCKER_MASK << BLOCKER_SHIFT)
}

/// The word that a writer leaves behind: one more write, unlocked, with this blocker.
#[inline(always)]
pub(super) fn released(version: u64, blocker: u8) -> u64 {
    (version.wrapping_add(COUNT_ONE) & COUNT_MASK) | (u64::from(blocker) & BLOCKER_MASK) << BLOCKER_SHIFT
}

/// The limit that denies for longest while `now < free_at`.
#[inline(always)]
pub(super) fn blocker(version: u64) -> u8 {
    (version >> BLOCKER_SHIFT & BLOCKER_MASK) as u8
}
