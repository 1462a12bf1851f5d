//! What a policy file looks like, for serde. Errors carry what is wrong; the deserializer knows
//! where.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use crate::limit::{Algorithm, Limit, MAX_BUCKET_QUOTA, Unit, is_name};
use crate::policy::notation::{self, Written};
use crate::policy::size::Size;
use crate::policy::words::{self, Expected};
use crate::policy::{Policy, Report};

/// The whole file.
pub(super) struct Policies(pub(super) Vec<Policy>);

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
#[serde(deny_unknown_fields)]
struct PolicyTable {
    limits: Limits,
    max_body: Option<Bytes>,
    report: Option<Word<Report>>,
}

/// The policy's name is its seed, so that what is wrong with it is told at its table.
impl<'de> DeserializeSeed<'de> for PolicyName {
    type Value = Policy;

    fn deserialize<D: Deserializer<'de>>(self, table: D) -> Result<Policy, D::Error> {
        table.deserialize_map(self)
    }
}

/// Of tables alone: what is derived would take an array too, for the fields in their order.
impl<'de> Visitor<'de> for PolicyName {
    type Value = Policy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `limits`, such as [free]")
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Policy, A::Error> {
        let table = PolicyTable::deserialize(MapAccessDeserializer::new(table))?;
        let policy = Policy::new(table.limits.0).and_then(|policy| policy.named(&self.0));
        let policy = policy.map_err(A::Error::custom)?;
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
    quota: Number,
    window: Word<Duration>,
    algorithm: Option<Word<Algorithm>>,
    burst: Option<Number>,
    unit: Option<Word<Unit>>,
}

impl LimitTable {
    fn written(self) -> Written {
        Written {
            name: self.name,
            quota: self.quota.0,
            window: self.window.0,
            algorithm: self.algorithm.map(|word| word.0),
            burst: self.burst.map(|burst| burst.0),
            unit: self.unit.map(|word| word.0),
        }
    }
}

/// A number of units.
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(WholeNumber).map(Self)
    }
}

/// What a user reads of a value that is none: not the type that it would have here.
struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of at least 1, such as 100, without quotes")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(serde::de::Unexpected::Signed(number), &self))
    }

    /// One above 2⁶³: the limit itself says that it is too large.
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    /// One that does not even fit 64 bits.
    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<u64, E> {
        Err(E::custom(format!("{number} is outside of what can be counted: 1 to {MAX_BUCKET_QUOTA}")))
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
