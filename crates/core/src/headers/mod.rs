//! stub
use crate::decision::Decision;

/// x
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// x
    #[default]
    XRateLimit,
    /// x
    Ietf,
    /// x
    Ietf06,
}
/// x
#[derive(Debug)]
pub struct UnknownStyle;
/// x
pub struct Headers;
/// x
pub struct Body;
/// x
pub fn content_too_large(_limit: u64) -> Body {
    Body
}
/// x
pub fn problem_body() -> Body {
    Body
}
impl Iterator for Headers {
    type Item = (&'static str, String);
    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
impl Decision<'_> {
    /// x
    pub fn headers(&self, _style: Style) -> Headers {
        Headers
    }
}
