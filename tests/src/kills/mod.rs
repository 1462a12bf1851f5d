//! Processes that share segments and are killed at any moment: what they were granted keeps the
//! rule, nobody waits for the dead, and no quota is lost.
//!
//! [`run`](mod@run) starts workers, kills them and judges what is left; [`stops`] stops one again and
//! again and measures the others; [`hammer`] and [`verdict`] are for processes of any language.

mod after;
pub mod crew;
pub mod hammer;
pub mod held;
pub mod pulse;
pub mod record;
pub mod report;
pub mod run;
pub mod scene;
pub mod stops;
pub mod verdict;
pub mod work;
