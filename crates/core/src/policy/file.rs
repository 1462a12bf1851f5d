//! The TOML policy file: named policies that all services load. Holds what the file looks like
//! and where an error in it is; what limits mean is the notation's and the limits' own affair.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::notation::{self, Written};
use super::size::Size;
use super::words::{self, Expected};
use super::{Policy, Report};
use crate::error::{Error, Result};
use crate::limit::{Algorithm, Limit, Unit, is_name};

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

/// The whole file.
struct Policies(Vec<Policy>);

impl<'de> Deserialize<'de> for Policies {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        struct Tables;

        impl<'de> Visitor<'de> for Tables {
            type Value = Policies;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tables of policies")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut tables: A) -> Result<Policies, A::Error> {
                let mut policies = Vec::new();
                while let Some(name) = tables.next_key::<Spanned<PolicyName>>()? {
                    let at = name.span().start;
                    policies.push((at, tables.next_value_seed(name.into_inner())?));
                }
                // The parser gives them by name.
                policies.sort_by_key(|(at, _)| *at);
                Ok(Policies(policies.into_iter().map(|(_, policy)| policy).collect()))
            }
        }

        file.deserialize_map(Tables)
    }
}

struct PolicyName(String);

impl<'de> Deserialize<'de> for PolicyName {
    fn deserialize<D: Deserializer<'de>>(name: D) -> Result<Self, D::Error> {
        let name = String::deserialize(name)?;
        if is_name(&name) {
            return Ok(Self(name));
        }
        Err(D::Error::custom(format!(
            "policy `{name}`: a name starts with a lowercase letter and goes on in lowercase letters, digits, `_` and `-`"
        )))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `limits`, such as [free]")]
struct PolicyTable {
    limits: Limits,
    max_body: Option<Bytes>,
    report: Option<Word<Report>>,
}

/// The policy's name is its seed, so that what is wrong with it is told at its table.
impl<'de> DeserializeSeed<'de> for PolicyName {
    type Value = Policy;

    fn deserialize<D: Deserializer<'de>>(self, table: D) -> Result<Policy, D::Error> {
        let table = PolicyTable::deserialize(table)?;
        let policy = Policy::new(table.limits.0).and_then(|policy| policy.named(&self.0));
        let policy = policy.map_err(D::Error::custom)?;
        let policy = policy.with_report(table.report.map_or(Report::default(), |report| report.0));
        Ok(match table.max_body {
            Some(Bytes(bytes)) => policy.with_max_body(bytes),
            None => policy,
        })
    }
}

struct Limits(Vec<Limit>);

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let mut limits = Vec::new();
        Entries { limits: &mut limits, in_array: false }.deserialize(value)?;
        Ok(Self(limits))
    }
}

/// Reads the notation, a table, or an array of these; adds what it finds to `limits`.
struct Entries<'l> {
    limits: &'l mut Vec<Limit>,
    in_array: bool,
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.in_array {
            true => "a text such as \"100/minute\", or a table with `quota` and `window`",
            false => "a text such as \"100/minute\", or an array of such texts and tables",
        })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        notation::read(text, self.limits).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<(), A::Error> {
        let table = LimitTable::deserialize(MapAccessDeserializer::new(table))?;
        self.limits.push(table.written().limit(self.limits).map_err(A::Error::custom)?);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        if self.in_array {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        while entries.next_element_seed(Entries { limits: self.limits, in_array: true })?.is_some() {}
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitTable {
    name: Option<String>,
    quota: u64,
    window: Word<Duration>,
    algorithm: Option<Word<Algorithm>>,
    burst: Option<u64>,
    unit: Option<Word<Unit>>,
}

impl LimitTable {
    fn written(self) -> Written {
        Written {
            name: self.name,
            quota: self.quota,
            window: self.window.0,
            algorithm: self.algorithm.map(|word| word.0),
            burst: self.burst,
            unit: self.unit.map(|word| word.0),
        }
    }
}

/// A value that is written as a text of few possible words.
struct Word<T>(T);

trait FromWord: Sized {
    /// The value, or what was wrong with the word.
    fn from_word(word: &str) -> Result<Self, String>;
}

impl<'de, T: FromWord> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let word = String::deserialize(value)?;
        T::from_word(&word).map(Self).map_err(D::Error::custom)
    }
}

fn known<T>(value: Option<T>, what: &str, word: &str, expected: Expected) -> Result<T, String> {
    value.ok_or_else(|| format!("unknown {what} `{word}`: {}", words::instead_of(word, expected)))
}

impl FromWord for Algorithm {
    fn from_word(word: &str) -> Result<Self, String> {
        known(words::algorithm(word), "algorithm", word, Expected::Algorithm)
    }
}

impl FromWord for Unit {
    fn from_word(word: &str) -> Result<Self, String> {
        known(words::unit(word), "unit", word, Expected::Unit)
    }
}

impl FromWord for Duration {
    fn from_word(word: &str) -> Result<Self, String> {
        notation::window(word).map_err(|error| error.to_string())
    }
}

impl FromWord for Report {
    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "first" => Ok(Self::First),
            "tightest" => Ok(Self::Tightest),
            _ => Err(format!("unknown report `{word}`: expected `first` or `tightest`")),
        }
    }
}

/// A number of bytes, or a text such as `"5 MB"`.
struct Bytes(u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes such as 5_000_000, or a text such as \"5 MB\"")
            }

            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Bytes, E> {
                let negative = || E::invalid_value(serde::de::Unexpected::Signed(bytes), &self);
                u64::try_from(bytes).map(Bytes).map_err(|_| negative())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
                text.parse().map(|Size(bytes)| Bytes(bytes)).map_err(E::custom)
            }
        }

        value.deserialize_any(NumberOrText)
    }
}

#[cfg(test)]
mod tests;
