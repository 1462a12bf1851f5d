//! What our tables and pages look like, for others that write some.

pub use crate::report::{Heading, Table, document, left, numbers, right};
pub use crate::text::{count, grouped, percent};
