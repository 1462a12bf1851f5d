use super::Policy;
use crate::error::Result;
use crate::limit::Limit;
pub(super) fn parse(_text: &str) -> Result<Policy> {
    unimplemented!()
}
pub(super) fn write(_f: &mut std::fmt::Formatter<'_>, _limits: &[Limit]) -> std::fmt::Result {
    Ok(())
}
