//! What tidegate promises, written to be read: the specification that runs.
//!
//! The model keeps plain lists of what was admitted and works everything out anew at each
//! call, in arithmetic wide enough that nothing can overflow. It imports nothing of the
//! library, not even its types, so that a fault there cannot hide here. Start with
//! [`Model`], then [`log`] and [`bucket`].
//!
//! [`rule`] knows even less: given only what was admitted and when, it says whether the
//! promise of a limit was kept. The model itself is judged by it.
//!
//! [`vectors`] runs the model over fixed scenarios; the files that it writes are what every
//! language's tests read.
//!
//! Times are nanoseconds on some clock, costs are whole units.

pub mod address;
pub mod bucket;
mod decision;
pub mod headers;
mod limit;
pub mod log;
mod model;
pub mod rule;
pub mod vectors;

pub use decision::{Decision, Status};
pub use limit::{Algorithm, Limit, Policy, Unit};
pub use model::{Model, Part, Refusal, check_all};
