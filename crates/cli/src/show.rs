//! What our tables and pages look like, for others that write some.

pub use crate::report::{Heading, STYLE, Table, left, numbers, right};
pub use crate::text::{count, grouped, percent};
