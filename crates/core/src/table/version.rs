//! The word that every entry is read and written under.
//!
//! ```text
//! 63          48 47                               4 3       1    0
//! ┌─────────────┬──────────────────────────────────┬─────────┬────────┐
//! │ owner       │ count of writes                  │ blocker │ locked │
//! └─────────────┴──────────────────────────────────┴─────────┴────────┘
//! ```
//!
//! | word | means | who changes it |
//! | --- | --- | --- |
//! | locked = 0 | the entry is whole, as the count-th write left it | any writer, by compare-and-swap to locked = 1 |
//! | locked = 1 | a write is under way | the holder alone, by a store of count + 1 and locked = 0 |
//!
//! *blocker* is the limit that denies for longest until the entry's `free_at`, for the counters
//! of a yes-or-no check. *owner* is reserved for the process of a shared table; 0 in this process.

/// A write is under way.
pub(super) const LOCKED: u64 = 1;
const BLOCKER_SHIFT: u32 = 1;
const BLOCKER_MASK: u64 = 0b111;
const COUNT_ONE: u64 = 1 << 4;
const COUNT_MASK: u64 = (1 << 48) - COUNT_ONE;

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
