//! Measures tidegate beside its peers in one run: the same keys, the same loops, the same clock
//! around them. `METHODOLOGY.md` says how and admits the biases.
//!
//! | module | holds |
//! | --- | --- |
//! | [`keys`] | the keys that everybody is asked about |
//! | [`contender`] | one way to ask one limiter, as loops that the harness can time |
//! | [`subjects`] | tidegate and each peer as contenders; the only part that knows their APIs |
//! | [`modes`] | the situations that are measured, and who takes part in each |
//! | [`harness`] | interleaved rounds, the stopwatch, and the proof that a mode is what it says |
//! | [`memory`] | resident memory a key, each case in a process of its own |
//! | [`targets`] | what must be shown, against what was measured |
//! | [`record`], [`report`], [`chart`] | results as JSON, as tables, as a picture |
//! | [`bars`] | that picture, for the benches of other languages too |

pub mod bars;
pub mod chart;
pub mod contender;
pub mod harness;
pub mod keys;
pub mod machine;
pub mod memory;
pub mod modes;
pub mod record;
pub mod report;
pub mod subjects;
pub mod targets;

/// What a step of a bench can fail with.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
