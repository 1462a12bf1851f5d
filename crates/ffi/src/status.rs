//! What a call says of itself: a number for programs, a name for logs.

use std::ffi::{CStr, c_char};

use tidegate::Error;

use tg_status::*;

/// How a call went. The numbers never change, and none is used again.
///
/// A denial is no failure: it is `TG_OK` with a decision that is not allowed. After anything but
/// `TG_OK`, `tg_last_error` says what was wrong and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum tg_status {
    /// All is well.
    TG_OK = 0,

    /// A pointer that must not be is NULL.
    TG_NULL = 1,
    /// A text is not UTF-8.
    TG_UTF8 = 2,
    /// A struct's `size` was not set, or the struct has fields set that this library doesn't know.
    TG_STRUCT_SIZE = 3,
    /// The buffer is too small; its length says what is needed. Nothing was written to it.
    TG_BUFFER_TOO_SMALL = 4,
    /// There is no limit with this index.
    TG_INDEX = 5,
    /// A length is larger than any memory.
    TG_LENGTH = 6,
    /// No such header style.
    TG_STYLE = 7,
    /// The decision holds nothing: the call that was to fill it failed, or was never made.
    TG_NO_DECISION = 8,
    /// A fault in the library. What it was doing is undone or done; the handles are still good.
    TG_PANIC = 9,
    /// An error that this version of the C interface has no number for.
    TG_OTHER = 10,

    /// The key is empty.
    TG_EMPTY_KEY = 20,
    /// The key is longer than `TG_MAX_KEY_BYTES`.
    TG_KEY_TOO_LONG = 21,
    /// The cost is 0.
    TG_ZERO_COST = 22,
    /// The cost is above what a limit ever admits at once.
    TG_COST_ABOVE_QUOTA = 23,
    /// Another number of costs than the policy has limits.
    TG_COST_COUNT = 24,
    /// A joint check without parts, with too many, or with one limiter twice.
    TG_JOINT = 25,

    /// The policy notation can't be read.
    TG_NOTATION = 40,
    /// The policy is well-formed but can't be enforced.
    TG_POLICY = 41,
    /// The policy file can't be read or understood, or has no policy of that name.
    TG_POLICY_FILE = 42,
    /// The options contradict each other, or can't be had.
    TG_OPTIONS = 43,
    /// The memory for the table can't be had.
    TG_MEMORY = 44,
    /// The table can't be had at this moment (shared segments only).
    TG_UNAVAILABLE = 45,

    /// The segment's path is a symbolic link.
    TG_SEGMENT_SYMLINK = 60,
    /// The segment's path is no regular file.
    TG_SEGMENT_NOT_A_FILE = 61,
    /// The segment belongs to another user.
    TG_SEGMENT_OWNER = 62,
    /// Others may write to the segment.
    TG_SEGMENT_MODE = 63,
    /// The file is not a segment.
    TG_SEGMENT_FOREIGN = 64,
    /// The segment was written on a machine of the other byte order.
    TG_SEGMENT_BYTE_ORDER = 65,
    /// The segment has another version of the layout.
    TG_SEGMENT_VERSION = 66,
    /// The segment counts for another policy.
    TG_SEGMENT_POLICY = 67,
    /// The segment has room for another number of keys.
    TG_SEGMENT_CAPACITY = 68,
    /// The segment counts by another kind of clock.
    TG_SEGMENT_CLOCK = 69,
    /// The segment was filled by a library whose hash gives other values.
    TG_SEGMENT_HASH = 70,
    /// The segment was cut short, or something was added to it.
    TG_SEGMENT_SIZE = 71,
    /// There isn't enough space for the segment.
    TG_SEGMENT_NO_SPACE = 72,
    /// As many processes as can share the segment do so already.
    TG_SEGMENT_CROWDED = 73,
    /// The policy's notation is too long to be kept in a segment.
    TG_SEGMENT_LONG_POLICY = 74,
    /// Segments are not supported on this system.
    TG_SEGMENT_UNSUPPORTED = 75,
    /// What the system said of the segment's file.
    TG_SEGMENT_IO = 76,
}

/// Every status with its name. Those of the core's errors are `Error::code`, the same in every
/// language.
const NAMES: &[(tg_status, &CStr)] = &[
    (TG_OK, c"ok"),
    (TG_NULL, c"null"),
    (TG_UTF8, c"utf8"),
    (TG_STRUCT_SIZE, c"struct-size"),
    (TG_BUFFER_TOO_SMALL, c"buffer-too-small"),
    (TG_INDEX, c"index"),
    (TG_LENGTH, c"length"),
    (TG_STYLE, c"style"),
    (TG_NO_DECISION, c"no-decision"),
    (TG_PANIC, c"panic"),
    (TG_OTHER, c"other"),
    (TG_EMPTY_KEY, c"empty-key"),
    (TG_KEY_TOO_LONG, c"key-too-long"),
    (TG_ZERO_COST, c"zero-cost"),
    (TG_COST_ABOVE_QUOTA, c"cost-above-quota"),
    (TG_COST_COUNT, c"cost-count"),
    (TG_JOINT, c"joint"),
    (TG_NOTATION, c"notation"),
    (TG_POLICY, c"policy"),
    (TG_POLICY_FILE, c"policy-file"),
    (TG_OPTIONS, c"options"),
    (TG_MEMORY, c"memory"),
    (TG_UNAVAILABLE, c"unavailable"),
    (TG_SEGMENT_SYMLINK, c"segment-symlink"),
    (TG_SEGMENT_NOT_A_FILE, c"segment-not-a-file"),
    (TG_SEGMENT_OWNER, c"segment-owner"),
    (TG_SEGMENT_MODE, c"segment-mode"),
    (TG_SEGMENT_FOREIGN, c"segment-foreign"),
    (TG_SEGMENT_BYTE_ORDER, c"segment-byte-order"),
    (TG_SEGMENT_VERSION, c"segment-version"),
    (TG_SEGMENT_POLICY, c"segment-policy"),
    (TG_SEGMENT_CAPACITY, c"segment-capacity"),
    (TG_SEGMENT_CLOCK, c"segment-clock"),
    (TG_SEGMENT_HASH, c"segment-hash"),
    (TG_SEGMENT_SIZE, c"segment-size"),
    (TG_SEGMENT_NO_SPACE, c"segment-no-space"),
    (TG_SEGMENT_CROWDED, c"segment-crowded"),
    (TG_SEGMENT_LONG_POLICY, c"segment-long-policy"),
    (TG_SEGMENT_UNSUPPORTED, c"segment-unsupported"),
    (TG_SEGMENT_IO, c"segment-io"),
];

impl tg_status {
    /// The status of an error with this code.
    pub(crate) fn of(error: &Error) -> Self {
        Self::of_code(error.code())
    }

    fn of_code(code: &str) -> Self {
        let named = NAMES.iter().find(|(_, name)| name.to_bytes() == code.as_bytes());
        named.map_or(TG_OTHER, |&(status, _)| status)
    }
}

/// The name of a status, such as "empty-key": the same in every language, for logs and for
/// programs. "unknown" for a number that is none. It lives as long as the library.
#[unsafe(no_mangle)]
pub extern "C" fn tg_status_name(status: i32) -> *const c_char {
    let named = NAMES.iter().find(|&&(known, _)| known as i32 == status);
    named.map_or(c"unknown", |&(_, name)| name).as_ptr()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The codes that the core has, from its source: its enums may grow, so no match can tell.
    fn codes() -> Vec<&'static str> {
        let source = include_str!("../../core/src/error.rs");
        let quoted = source.lines().filter_map(|line| line.trim().strip_suffix("\","));
        quoted.filter_map(|line| line.split_once("=> \"")).map(|(_, code)| code).collect()
    }

    #[test]
    fn every_error_has_a_status() {
        assert!(codes().len() >= 29, "{:?}", codes());
        for code in codes() {
            assert_ne!(tg_status::of_code(code), TG_OTHER, "{code}");
        }
    }

    #[test]
    fn names_and_numbers_are_used_once() {
        for (i, (status, name)) in NAMES.iter().enumerate() {
            let others = NAMES.iter().skip(i + 1);
            assert!(others.clone().all(|(other, _)| other != status), "{status:?}");
            assert!(others.clone().all(|(_, other)| other != name), "{name:?}");
        }
    }

    /// A number that is in the documents is a promise: this fails when one is changed or missing.
    #[test]
    fn the_documents_have_the_same_numbers() {
        let document = include_str!("../../../docs/c-api.md");
        let rows: Vec<_> = document.lines().filter_map(row).collect();
        let known = NAMES
            .iter()
            .map(|&(status, name)| (status as i32, format!("{status:?}"), name.to_str().unwrap().to_owned()));
        assert_eq!(rows, known.collect::<Vec<_>>());
    }

    /// `| 20 | `TG_EMPTY_KEY` | `empty-key` | … |`
    fn row(line: &str) -> Option<(i32, String, String)> {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1);
        let number = cells.next()?.parse().ok()?;
        Some((number, cells.next()?, cells.next()?))
    }
}
