//! A policy: named limits that are decided together. The notation and the policy file read
//! into it; nothing here knows of tables.

mod notation;
pub(crate) mod size;
mod words;

#[cfg(feature = "policy-file")]
mod file;

#[cfg(feature = "policy-file")]
pub use file::PolicyFile;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::limit::{Limit, is_name};

/// The most limits that one policy may have.
pub const MAX_LIMITS: usize = 8;

/// Which limit the single-value header styles report on an admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Report {
    /// The policy's first limit, so that `X-RateLimit-Limit` stays the same between responses.
    #[default]
    First,
    /// The limit with the smallest remaining fraction of its quota; ties to the longer window.
    Tightest,
}

/// Limits that are decided together: all admit, or nothing is taken.
///
/// ```
/// # fn main() -> tidegate::Result<()> {
/// let policy: tidegate::Policy = "100/minute; 10/second token-bucket burst=20".parse()?;
/// assert_eq!(policy.limits().len(), 2);
/// assert_eq!(policy.limits()[1].capacity(), 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    name: Option<String>,
    limits: Box<[Limit]>,
    report: Report,
    max_body: Option<u64>,
}

impl Policy {
    /// A policy of these limits, in this order.
    ///
    /// # Errors
    /// No limit, more than [`MAX_LIMITS`], or two of the same name.
    pub fn new(limits: impl IntoIterator<Item = Limit>) -> Result<Self> {
        let limits: Box<[Limit]> = limits.into_iter().collect();
        if limits.is_empty() {
            return Err(Error::Policy("a policy has at least one limit, such as 100/minute".into()));
        }
        if limits.len() > MAX_LIMITS {
            return Err(Error::Policy(format!(
                "a policy has at most {MAX_LIMITS} limits; {} were given",
                limits.len()
            )));
        }
        for (i, limit) in limits.iter().enumerate() {
            if limits.iter().skip(i + 1).any(|other| other.name() == limit.name()) {
                return Err(Error::Policy(format!(
                    "two limits are named `{}`: name them apart",
                    limit.name()
                )));
            }
        }
        Ok(Self { name: None, limits, report: Report::default(), max_body: None })
    }

    /// Reads the policy notation; the same as [`str::parse`].
    ///
    /// # Errors
    /// [`Error::Notation`] with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self> {
        notation::parse(text)
    }

    /// The same policy under a name (a tier).
    ///
    /// # Errors
    /// A name that is not `[a-z][a-z0-9_-]*`.
    pub fn named(self, name: &str) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::Policy(format!(
                "policy `{name}`: a name starts with a lowercase letter and goes on in letters, digits, `_` and `-`"
            )));
        }
        Ok(Self { name: Some(name.to_owned()), ..self })
    }

    /// The same policy with another choice of the limit that single-value headers report.
    #[must_use]
    pub fn with_report(self, report: Report) -> Self {
        Self { report, ..self }
    }

    /// The same policy with a limit on request bodies, in bytes, for the servers that enforce it.
    #[must_use]
    pub fn with_max_body(self, bytes: u64) -> Self {
        Self { max_body: Some(bytes), ..self }
    }

    /// The policy's name, if it came from a policy file or was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The limits, in the policy's order.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// Which limit the single-value headers report on an admission.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report
    }

    /// The largest request body in bytes, where the policy says one.
    #[must_use]
    pub fn max_body(&self) -> Option<u64> {
        self.max_body
    }
}

impl FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Policy {
    /// The canonical notation: it parses back to the same limits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        notation::write(f, &self.limits)
    }
}

/// What can be made into a policy: its notation, or the value itself.
pub trait IntoPolicy {
    /// The policy.
    ///
    /// # Errors
    /// The notation's, for text.
    fn into_policy(self) -> Result<Policy>;
}

impl IntoPolicy for Policy {
    fn into_policy(self) -> Result<Policy> {
        Ok(self)
    }
}

impl IntoPolicy for &Policy {
    fn into_policy(self) -> Result<Policy> {
        Ok(self.clone())
    }
}

impl IntoPolicy for &str {
    fn into_policy(self) -> Result<Policy> {
        Policy::parse(self)
    }
}

impl IntoPolicy for &String {
    fn into_policy(self) -> Result<Policy> {
        Policy::parse(self)
    }
}
