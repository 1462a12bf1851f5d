//! The styles of rate-limit headers, and sets of them. Knows no decision and no number.

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

/// Which headers a response carries. `Retry-After` comes with every denial in every style.
///
/// ```
/// use tidegate::{Style, Styles};
///
/// # fn main() -> Result<(), tidegate::UnknownStyle> {
/// assert_eq!("ietf".parse::<Style>()?, Style::Ietf);
/// assert_eq!("x-ratelimit, ietf".parse::<Styles>()?, Style::XRateLimit | Style::Ietf);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Style {
    /// `x-ratelimit`: `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (a
    /// Unix time) of the reported limit: what most clients read.
    #[default]
    XRateLimit,
    /// `ietf`: `RateLimit-Policy` and `RateLimit` with all limits, as structured fields: the
    /// IETF draft since its revision 08.
    Ietf,
    /// `ietf-06`: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds from
    /// now) of the reported limit, and `RateLimit-Policy`: the draft up to its revision 06.
    Ietf06,
}

impl Style {
    const ALL: [Self; 3] = [Self::XRateLimit, Self::Ietf, Self::Ietf06];

    /// The name that it is configured by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XRateLimit => "x-ratelimit",
            Self::Ietf => "ietf",
            Self::Ietf06 => "ietf-06",
        }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Style {
    type Err = UnknownStyle;

    /// Reads the name, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownStyle> {
        let name = text.trim();
        let known = Self::ALL.into_iter().find(|style| style.as_str().eq_ignore_ascii_case(name));
        known.ok_or_else(|| UnknownStyle(name.to_owned()))
    }
}

/// Several styles at once: `Style::XRateLimit | Style::Ietf`, or `"x-ratelimit, ietf"` read.
///
/// Every header is sent once. `ietf` and `ietf-06` write `RateLimit-Policy` differently: where
/// both are chosen it is that of `ietf`, since the older draft can do without. The empty set
/// leaves `Retry-After` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Styles(u8);

impl Styles {
    /// Whether `style` is one of them.
    #[must_use]
    pub const fn contains(self, style: Style) -> bool {
        self.0 >> style as u8 & 1 == 1
    }

    /// The styles, in the order of their headers.
    pub fn iter(self) -> impl Iterator<Item = Style> {
        Style::ALL.into_iter().filter(move |style| self.contains(*style))
    }
}

impl Default for Styles {
    fn default() -> Self {
        Style::default().into()
    }
}

impl From<Style> for Styles {
    fn from(style: Style) -> Self {
        Self(1 << style as u8)
    }
}

impl FromIterator<Style> for Styles {
    fn from_iter<I: IntoIterator<Item = Style>>(styles: I) -> Self {
        styles.into_iter().fold(Self(0), |all, style| all | style)
    }
}

impl<S: Into<Styles>> BitOr<S> for Styles {
    type Output = Self;

    fn bitor(self, rhs: S) -> Self {
        Self(self.0 | rhs.into().0)
    }
}

impl<S: Into<Styles>> BitOr<S> for Style {
    type Output = Styles;

    fn bitor(self, rhs: S) -> Styles {
        Styles::from(self) | rhs
    }
}

impl fmt::Display for Styles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, style) in self.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            f.write_str(style.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Styles {
    type Err = UnknownStyle;

    /// Reads names with `,` between them.
    fn from_str(text: &str) -> Result<Self, UnknownStyle> {
        text.split(',').map(str::parse::<Style>).collect()
    }
}

/// The name is that of no style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStyle(String);

impl fmt::Display for UnknownStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(
            f,
            "unknown header style `{name}`: expected `x-ratelimit`, `ietf` or `ietf-06`, or several with `,` between them"
        )
    }
}

impl std::error::Error for UnknownStyle {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for style in Style::ALL {
            assert_eq!(style.to_string().parse(), Ok(style));
        }
        assert_eq!(" X-RateLimit ".parse(), Ok(Style::XRateLimit));
        assert_eq!(Style::default().as_str(), "x-ratelimit");
        let error = "ietf-07".parse::<Style>().map_err(|error| error.to_string());
        assert!(error.is_err_and(|said| said.starts_with("unknown header style `ietf-07`: expected `x-ratelimit`")));
    }

    #[test]
    fn sets_of_styles() {
        let all = Style::Ietf06 | Style::XRateLimit | Style::Ietf;
        assert_eq!(all.to_string(), "x-ratelimit, ietf, ietf-06");
        assert_eq!("ietf,x-ratelimit , IETF-06".parse(), Ok(all));
        assert_eq!(all.iter().collect::<Styles>(), all);
        assert_eq!("ietf".parse(), Ok(Styles::from(Style::Ietf)));
        assert!(!Styles::default().contains(Style::Ietf));
        for text in ["", "ietf,", "x-ratelimit ietf"] {
            assert!(text.parse::<Styles>().is_err(), "{text}");
        }
    }
}
