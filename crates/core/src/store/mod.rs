//! Where a table's memory lives. Knows bytes, not what is in them.

#[cfg(not(loom))]
pub(crate) mod process;
