//! The one error type. A denial is not an error; these are.

use std::fmt;
use std::path::PathBuf;

/// What can be wrong with what the caller gave, or with the system underneath.
///
/// The message says what was wrong, where, and what to do. A denied check is a
/// [`Decision`](crate::Decision), never an error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The policy notation could not be read.
    Notation {
        /// The whole text that was given.
        text: String,
        /// Byte offset of the offending part in `text`.
        at: usize,
        /// Length in bytes of the offending part (0 at the end of the text).
        len: usize,
        /// What was wrong there, and what was expected.
        reason: String,
    },
    /// A limit or policy is well-formed but cannot be enforced.
    Policy(String),
    /// A policy file could not be read or understood.
    PolicyFile {
        /// The file, when the policies came from one.
        path: Option<PathBuf>,
        /// Line, column and reason.
        reason: String,
    },
    /// The key is empty.
    EmptyKey,
    /// The key is longer than [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES).
    KeyTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A cost of zero where a cost must be taken.
    ZeroCost,
    /// The cost can never be admitted: it is above what the limit ever holds.
    CostAboveQuota {
        /// The limit's name.
        limit: String,
        /// The cost that was asked for.
        cost: u64,
        /// The most that one call may take: the quota, or the burst of a token bucket.
        most: u64,
    },
    /// As many costs as the policy has limits were expected.
    CostCount {
        /// The number of limits of the policy.
        expected: usize,
        /// The number of costs that were given.
        given: usize,
    },
    /// The options of a limiter contradict each other or cannot be had.
    Options(String),
    /// A joint check named the same entry twice, or too many of them.
    Joint(String),
    /// A segment could not be opened or made. Nothing about the file was changed.
    Segment {
        /// The file; `None` for an anonymous segment.
        path: Option<PathBuf>,
        /// What is wrong with it.
        fault: SegmentFault,
    },
    /// The table cannot be had at this moment: the process that is writing to the key's entry has
    /// been stopped, or the segment's file was cut short. Checks follow
    /// [`OnUnavailable`](crate::OnUnavailable) instead.
    Unavailable(&'static str),
    /// The memory for the table could not be had.
    Memory {
        /// The bytes asked for.
        bytes: u64,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is wrong with a segment, or with what was asked of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SegmentFault {
    /// The path is a symbolic link; none is followed.
    Symlink,
    /// The path is a directory, a device or another thing that is no regular file.
    NotAFile,
    /// The file belongs to another user.
    Owner {
        /// The user that the file belongs to.
        uid: u32,
        /// The user that this process acts for.
        ours: u32,
    },
    /// Others than its owner may write to the file.
    Mode {
        /// The file's permission bits.
        mode: u32,
    },
    /// The file holds something else.
    NotASegment,
    /// The file was written on a machine of the other byte order.
    ByteOrder,
    /// The file has another version of the layout.
    Version {
        /// Its version.
        found: u64,
        /// The one that this library reads and writes.
        supported: u64,
    },
    /// The file counts for another policy.
    Policy {
        /// Its policy, in the canonical notation.
        found: String,
        /// The policy that was asked for, in the canonical notation.
        wanted: String,
    },
    /// The file has room for another number of keys.
    Capacity {
        /// Its `max_keys`.
        found: u64,
        /// The `max_keys` that were asked for.
        wanted: u64,
    },
    /// The file counts by another kind of clock.
    Clock {
        /// Its clock.
        found: &'static str,
        /// The clock that was asked for.
        wanted: &'static str,
    },
    /// The file's header is damaged.
    Damaged,
    /// The hash of this library gives other values than the one that filled the file.
    Hash,
    /// The file is not as long as its table: it was cut short, or something was added.
    Size {
        /// Its length in bytes.
        found: u64,
        /// The length that its header asks for.
        wanted: u64,
    },
    /// There is not enough space for the table.
    NoSpace {
        /// Bytes that are free.
        free: u64,
        /// Bytes that the table may come to use.
        needed: u64,
    },
    /// As many processes as can share a segment do so already.
    Crowded {
        /// The most that can.
        most: usize,
    },
    /// The notation of the policy is too long to be kept in the file.
    LongPolicy {
        /// Its length in bytes.
        len: usize,
        /// The most bytes that are kept.
        most: usize,
    },
    /// Segments are not supported on this system.
    Unsupported,
    /// What the system said.
    Io(std::io::Error),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notation { text, at, len, reason } => notation(f, text, *at, *len, reason),
            Self::Policy(reason) | Self::Options(reason) | Self::Joint(reason) => f.write_str(reason),
            Self::PolicyFile { path: Some(path), reason } => write!(f, "{}: {reason}", path.display()),
            Self::PolicyFile { path: None, reason } => write!(f, "policy file: {reason}"),
            Self::EmptyKey => f.write_str("the key is empty; a quota needs a key to count for"),
            Self::KeyTooLong { len } => {
                write!(
                    f,
                    "the key has {len} bytes; at most {} are allowed: hash longer ones first",
                    crate::MAX_KEY_BYTES
                )
            }
            Self::ZeroCost => {
                f.write_str("the cost is 0; a check takes at least 1 unit: use peek to look without taking")
            }
            Self::CostAboveQuota { limit, cost, most } => write!(
                f,
                "cost {cost} is above the {most} that the limit `{limit}` ever admits at once: split the work or raise the limit"
            ),
            Self::CostCount { expected, given } => {
                write!(
                    f,
                    "{given} costs were given for a policy of {expected} limits: give one for each, in the policy's order"
                )
            }
            Self::Segment { path: Some(path), fault } => write!(f, "segment {}: {fault}", path.display()),
            Self::Segment { path: None, fault } => write!(f, "anonymous segment: {fault}"),
            Self::Unavailable(reason) => f.write_str(reason),
            Self::Memory { bytes, source } => write!(
                f,
                "cannot reserve {bytes} bytes for the table ({source}): lower max_keys, or use token-bucket for large quotas"
            ),
        }
    }
}

impl fmt::Display for SegmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symlink => {
                f.write_str("it is a symbolic link, and none is followed: give the path of the file itself")
            }
            Self::NotAFile => {
                f.write_str("it is no regular file: give the path of a file, or one where nothing is yet")
            }
            Self::Owner { uid, ours } => write!(
                f,
                "it belongs to the user {uid}, and this process acts for {ours}: only one user's processes share a segment"
            ),
            Self::Mode { mode } => {
                write!(f, "others may write to it (mode {mode:03o}): take that right away with chmod 600")
            }
            Self::NotASegment => f.write_str("it is not a segment of tidegate; it was left as it is"),
            Self::ByteOrder => f.write_str("it was written on a machine of the other byte order"),
            Self::Version { found, supported } => write!(
                f,
                "its layout has version {found}, and this library has {supported}: remove it when no process uses it, or use one version of the library"
            ),
            Self::Policy { found, wanted } => write!(
                f,
                "it counts for the policy `{found}`, not for `{wanted}`: use another file for another policy"
            ),
            Self::Capacity { found, wanted } => write!(
                f,
                "it has room for max_keys {found}, not {wanted}: give {found} or nothing, or use another file"
            ),
            Self::Clock { found, wanted } => {
                write!(
                    f,
                    "it counts by the {found} clock, not by the {wanted} one: all processes use the same"
                )
            }
            Self::Damaged => f.write_str("its header is damaged: remove it when no process uses it"),
            Self::Hash => f.write_str("it was filled by a library whose hash gives other values"),
            Self::Size { found, wanted } => {
                write!(f, "it has {found} bytes where its table has {wanted}: it was cut short or damaged")
            }
            Self::NoSpace { free, needed } => write!(
                f,
                "the table may come to use {needed} bytes, and {free} are free: lower max_keys, use token-bucket for large quotas, or choose another place"
            ),
            Self::Crowded { most } => write!(f, "{most} processes share it already, the most that can"),
            Self::LongPolicy { len, most } => {
                write!(
                    f,
                    "its policy has {len} bytes as notation, and {most} are kept: shorten the limits' names"
                )
            }
            Self::Unsupported => f.write_str("segments need Linux"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<SegmentFault> for Error {
    fn from(fault: SegmentFault) -> Self {
        Self::Segment { path: None, fault }
    }
}

impl Error {
    /// The same error with the file that a segment's fault is about.
    pub(crate) fn in_segment(self, file: &std::path::Path) -> Self {
        match self {
            Self::Segment { path: None, fault } => Self::Segment { path: Some(file.to_owned()), fault },
            other => other,
        }
    }

    /// A short name of what is wrong, the same in every language and never changed.
    ///
    /// ```
    /// let error = tidegate::Limiter::new("100/fortnight").unwrap_err();
    /// assert_eq!(error.code(), "notation");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Notation { .. } => "notation",
            Self::Policy(_) => "policy",
            Self::PolicyFile { .. } => "policy-file",
            Self::EmptyKey => "empty-key",
            Self::KeyTooLong { .. } => "key-too-long",
            Self::ZeroCost => "zero-cost",
            Self::CostAboveQuota { .. } => "cost-above-quota",
            Self::CostCount { .. } => "cost-count",
            Self::Options(_) => "options",
            Self::Joint(_) => "joint",
            Self::Memory { .. } => "memory",
            Self::Unavailable(_) => "unavailable",
            Self::Segment { fault, .. } => fault.code(),
        }
    }
}

impl SegmentFault {
    fn code(&self) -> &'static str {
        match self {
            Self::Symlink => "segment-symlink",
            Self::NotAFile => "segment-not-a-file",
            Self::Owner { .. } => "segment-owner",
            Self::Mode { .. } => "segment-mode",
            Self::NotASegment => "segment-foreign",
            Self::ByteOrder => "segment-byte-order",
            Self::Version { .. } => "segment-version",
            Self::Policy { .. } => "segment-policy",
            Self::Capacity { .. } => "segment-capacity",
            Self::Clock { .. } => "segment-clock",
            Self::Damaged => "segment-damaged",
            Self::Hash => "segment-hash",
            Self::Size { .. } => "segment-size",
            Self::NoSpace { .. } => "segment-no-space",
            Self::Crowded { .. } => "segment-crowded",
            Self::LongPolicy { .. } => "segment-long-policy",
            Self::Unsupported => "segment-unsupported",
            Self::Io(_) => "segment-io",
        }
    }
}

/// The text with a marker under the offending part, as compilers show it.
fn notation(f: &mut fmt::Formatter<'_>, text: &str, at: usize, len: usize, reason: &str) -> fmt::Result {
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let column = text.get(line_start..at).map_or(0, |before| before.chars().count());
    let width = text.get(at..at + len).map_or(1, |part| part.chars().count()).max(1);
    // Repeated, since the width of a format ends at 65,535: more than that is a panic.
    write!(f, "policy notation: {reason}\n  {line}\n  {}{}", " ".repeat(column), "^".repeat(width))
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Memory { source, .. } | Self::Segment { fault: SegmentFault::Io(source), .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}
