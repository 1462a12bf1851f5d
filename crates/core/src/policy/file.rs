//! The TOML policy file: named policies that all services load. What limits mean is the
//! notation's and the limits' own affair.

mod format;

use std::path::{Path, PathBuf};

use super::{Policy, words};
use crate::error::{Error, Result};
use format::Policies;

/// Named policies from a TOML file, in the file's order.
///
/// Every table is a policy. `limits` holds its limits: one text in the policy notation, or an
/// array in which each entry is such a text or a table. `max_body` and `report` are optional.
/// A field that is not known is an error, so that a slip of the pen cannot lift a limit.
///
/// ```
/// # fn main() -> tidegate::Result<()> {
/// let file = tidegate::PolicyFile::from_toml(
///     r#"
///     [free]
///     limits = "100/minute; 10/second token-bucket"
///     max_body = "5 MB"           # or a number of bytes
///
///     [pro]
///     report = "tightest"         # the default is "first"
///     limits = [
///         "1_000/minute",
///         { name = "burst", quota = 50, window = "second", algorithm = "token-bucket", burst = 200 },
///         { name = "upload", quota = 1_000_000_000, window = "1 day", algorithm = "token-bucket", unit = "content-bytes" },
///     ]
///     "#,
/// )?;
/// assert_eq!(file.names().collect::<Vec<_>>(), ["free", "pro"]);
///
/// let free = file.require("free")?;
/// assert_eq!(free.max_body(), Some(5_000_000));
/// let limiter = tidegate::Limiter::new(free)?;
/// # let _ = limiter;
///
/// let error = file.require("fre").unwrap_err();
/// assert!(error.to_string().ends_with("no policy `fre`: did you mean `free`?"));
/// # Ok(())
/// # }
/// ```
///
/// In a table of a limit, `quota` and `window` are required and `name`, `algorithm`, `burst` and
/// `unit` have the defaults of the notation.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    path: Option<PathBuf>,
    policies: Vec<Policy>,
}

impl PolicyFile {
    /// The policies in `text`.
    ///
    /// # Errors
    /// [`Error::PolicyFile`] with line, column and reason; also when there is no policy at all.
    pub fn from_toml(text: &str) -> Result<Self> {
        let wrong = |reason| Error::PolicyFile { path: None, reason };
        let Policies(policies) = toml::from_str(text).map_err(|error| wrong(located(text, &error)))?;
        if policies.is_empty() {
            return Err(wrong(
                "no policy in it: write a table such as [free] with limits = \"100/minute\"".into(),
            ));
        }
        Ok(Self { path: None, policies })
    }

    /// The policies in the file at `path`.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), or the file cannot be read; the message names it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let read = std::fs::read_to_string(&path);
        match read.map_err(|error| format!("cannot be read: {error}")).map(|text| Self::from_toml(&text)) {
            Ok(Ok(file)) => Ok(Self { path: Some(path), ..file }),
            Ok(Err(Error::PolicyFile { reason, .. })) | Err(reason) => {
                Err(Error::PolicyFile { path: Some(path), reason })
            }
            Ok(Err(other)) => Err(other),
        }
    }

    /// The policy of that name, if the file has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.name() == Some(name))
    }

    /// The policy of that name.
    ///
    /// # Errors
    /// [`Error::PolicyFile`] that names the file and the policies that it has.
    pub fn require(&self, name: &str) -> Result<&Policy> {
        self.get(name).ok_or_else(|| {
            let names: Vec<_> = self.names().collect();
            let hint = match words::nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the file has `{}`", names.join("`, `")),
            };
            Error::PolicyFile { path: self.path.clone(), reason: format!("no policy `{name}`: {hint}") }
        })
    }

    /// The names of the policies, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().filter_map(Policy::name)
    }

    /// The policies, in the file's order; each has a name.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }
}

impl<'a> IntoIterator for &'a PolicyFile {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;

    fn into_iter(self) -> Self::IntoIter {
        self.policies.iter()
    }
}

/// The error with its line and column, both counted from 1, the column in characters.
fn located(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message.to_owned();
    };
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
    format!("line {}, column {column}: {message}", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests;
