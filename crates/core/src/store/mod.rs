//! Where a table's memory lives: in this process, or in a segment that processes share. Knows
//! files, mappings and processes, and how a table is laid over them.

pub(crate) mod process;
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) mod segment;
