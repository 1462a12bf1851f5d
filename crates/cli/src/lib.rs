//! The program `tidegate`: replays access logs against rate-limit policies.
//!
//! A library only so that its parts can be tested and fuzzed; [`log`] is the part that meets
//! strangers' bytes.

#![warn(missing_docs)]

pub mod log;

mod text;
