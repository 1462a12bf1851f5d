//! What the tests share: random policies and calls, the engine and the model side by side, and
//! the judgement of admissions that threads were given.
//!
//! The tests themselves are in `tests/`; each file there says what it proves.

pub mod fuzz;
#[cfg(target_os = "linux")]
pub mod hostile;
pub mod judge;
#[cfg(target_os = "linux")]
pub mod kills;
pub mod pair;
mod same;
pub mod script;
pub mod stress;
mod translate;

pub use pair::{Pair, Tally};
pub use same::{Mismatch, is_same};
pub use script::{Call, How, Script, Shift, Step};
pub use translate::{engine_limit, engine_policy, reference_limits};
