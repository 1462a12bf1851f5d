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
    /// The memory for the table could not be had.
    Memory {
        /// The bytes asked for.
        bytes: u64,
        /// What the system said.
        source: std::io::Error,
    },
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
            Self::Memory { bytes, source } => write!(
                f,
                "cannot reserve {bytes} bytes for the table ({source}): lower max_keys, or use token-bucket for large quotas"
            ),
        }
    }
}

/// The text with a marker under the offending part, as compilers show it.
fn notation(f: &mut fmt::Formatter<'_>, text: &str, at: usize, len: usize, reason: &str) -> fmt::Result {
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let column = text.get(line_start..at).map_or(0, |before| before.chars().count());
    let width = text.get(at..at + len).map_or(1, |part| part.chars().count()).max(1);
    write!(f, "policy notation: {reason}\n  {line}\n  {:column$}{:^<width$}", "", "")
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Memory { source, .. } => Some(source),
            _ => None,
        }
    }
}
