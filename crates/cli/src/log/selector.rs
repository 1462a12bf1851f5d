//! Which value of a line is meant: the address, a header, or a column.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Names a value of a log line.
///
/// ```
/// use tidegate_cli::log::Selector;
///
/// assert_eq!("ip".parse(), Ok(Selector::Address));
/// assert_eq!("header:user-agent".parse(), Ok(Selector::Header("user-agent".into())));
/// assert!("field:0".parse::<Selector>().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// The client's address: the first column, or the second behind a host's name, or the address
    /// field of a JSON line.
    #[default]
    Address,
    /// `referer` or `user-agent` of a combined line, or any field of a JSON line.
    Header(String),
    /// A column of a text line, counted from 1. Quoted and bracketed texts are one column.
    Field(NonZeroUsize),
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "ip" => Ok(Self::Address),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("field", number)) => number
                .parse()
                .map(Self::Field)
                .map_err(|_| format!("`{number}` is no column: columns are counted from 1, as in field:1")),
            _ => {
                Err("expected ip, header:NAME (as in header:user-agent) or field:N (as in field:3)"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("ip"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Field(number) => write!(f, "field:{number}"),
        }
    }
}
